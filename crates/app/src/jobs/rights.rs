//! What somebody may do at the time when it is done.

use access::RoleAuthorizer;
use async_trait::async_trait;
use auth::{PostgresUsers, UserRepository as _};
use database::{StoreError, TenantTx};
use employees::{jobs::StillAllowed, permission::Import};
use kernel::{Actor, Permit, SessionId, UserId};
use uuid::Uuid;

/// Asks for the roles that a user has now: between the order and the work may lie hours, a
/// suspension, or an operator who has it tried again.
pub(super) struct RightsOfNow;

#[async_trait]
impl StillAllowed for RightsOfNow {
    async fn to_import(
        &self,
        tx: &TenantTx,
        user: UserId,
    ) -> Result<Option<Permit<Import>>, StoreError> {
        let Some(roles) = PostgresUsers.roles(tx, user).await? else {
            return Ok(None);
        };
        let actor = Actor {
            tenant_id: tx.tenant().id(),
            is_platform: tx.tenant().is_public(),
            user_id: user,
            // Nobody is signed in here.
            session_id: SessionId::new(Uuid::nil()),
            employee_id: None,
            roles,
        };
        Ok(Permit::obtain(&RoleAuthorizer, &actor).ok())
    }
}

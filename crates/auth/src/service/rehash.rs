//! Hashing a password anew when hashes are made otherwise than they were.

use std::sync::Arc;

use database::TenantContext;
use kernel::UserId;

use super::Sessions;
use crate::{AuthError, Password, PasswordHash, record};

impl Sessions {
    /// Hashes the password of somebody who just proved that he knows it as hashes are made today.
    ///
    /// His login does not wait for it and cannot fail by it: when there is no turn or no database,
    /// the next login tries again. It takes a place in his tenant's queue like every other hash.
    pub(super) fn rehash(
        &self,
        tenant: &TenantContext,
        user: UserId,
        password: &Password,
        outdated: PasswordHash,
    ) {
        let (database, users) = (self.database.clone(), Arc::clone(&self.store.users));
        let (hasher, tenant) = (Arc::clone(&self.hasher), tenant.clone());
        let password = password.clone();
        let renewal = async move {
            let hash = hasher.hash(tenant.id(), &password).await?;
            let tx = database.begin_tenant(&tenant).await?;
            // Only in its place: another password may have been set meanwhile.
            if users.replace_hash(&tx, user, &outdated, &hash).await? {
                tx.record(record::password_rehashed(user));
            }
            tx.commit().await?;
            Ok::<(), AuthError>(())
        };
        telemetry::spawn_named("rehash", async move {
            if let Err(error) = renewal.await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%user, error, "a password was not hashed anew");
            }
        });
    }
}

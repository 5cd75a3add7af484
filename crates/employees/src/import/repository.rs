//! What an import needs of storage.

use async_trait::async_trait;
use database::{StoreError, TenantReadTx, TenantTx};

use super::{Known, Plan, Wanted};

/// Looks up what an import mentions, and stores it.
#[async_trait]
pub trait ImportRepository: Send + Sync {
    /// What the tenant has of what is wanted.
    async fn known(&self, tx: &TenantReadTx, wanted: &Wanted) -> Result<Known, StoreError>;

    /// Stores all of it, many rows a statement.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`], [`StoreError::Reference`] when somebody changed the organisation
    /// since it was looked at.
    async fn store(&self, tx: &TenantTx, plan: &Plan) -> Result<(), StoreError>;
}

//! What an import needs of storage.

use async_trait::async_trait;
use database::{StoreError, TenantTx};

use super::{Batch, Known, Wanted};
use crate::model::EmployeeNumber;

/// Looks up what an import mentions, and stores it.
#[async_trait]
pub trait ImportRepository: Send + Sync {
    /// What the tenant has of what is wanted. The people are held: none of them leaves until the
    /// transaction ends.
    async fn known(&self, tx: &TenantTx, wanted: &Wanted) -> Result<Known, StoreError>;

    /// Those of the numbers that somebody has.
    async fn taken(
        &self,
        tx: &TenantTx,
        numbers: &[EmployeeNumber],
    ) -> Result<Vec<EmployeeNumber>, StoreError>;

    /// Stores records, many a statement.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`], [`StoreError::Reference`] when somebody changed the organisation
    /// since it was looked at.
    async fn store(&self, tx: &TenantTx, batch: &Batch) -> Result<(), StoreError>;
}

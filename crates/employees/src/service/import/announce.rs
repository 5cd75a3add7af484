//! What an import is told of: everything that came in.

use database::{StoreError, TenantTx};

use super::Imports;
use crate::{
    events::{DepartmentCreated, HistoryImported, JobTitleCreated, LocationCreated},
    import::Batch,
};

impl<S> Imports<S> {
    /// Records what a batch brought, under the locks that storing it took.
    pub(super) async fn announce(&self, tx: &TenantTx, batch: &Batch) -> Result<(), StoreError> {
        let job_titles: Vec<_> = batch.job_titles.iter().map(JobTitleCreated::of).collect();
        self.events.record(tx, &job_titles).await?;
        let locations: Vec<_> = batch.locations.iter().map(LocationCreated::of).collect();
        self.events.record(tx, &locations).await?;
        self.events.record(tx, &batch.hired).await?;
        let departments: Vec<_> = batch
            .departments
            .iter()
            .map(DepartmentCreated::of)
            .collect();
        self.events.record(tx, &departments).await?;
        let with_a_past = batch.with_a_past.iter();
        let lengthened: Vec<_> = with_a_past
            .map(|employee| HistoryImported {
                employee: *employee,
            })
            .collect();
        self.events.record(tx, &lengthened).await
    }
}

//! What an import is told of: everything that came in.

use database::{StoreError, TenantTx};
use kernel::audit::{AuditCategory, AuditEntry, Audited, FieldChange, changes};

use super::{ImportMode, Imports};
use crate::{
    events::{DepartmentCreated, Hired, HistoryImported, JobTitleCreated, LocationCreated},
    import::{Batch, ImportReport},
    model::audited,
};

impl<S> Imports<S> {
    /// Tells and records what a batch brought, under the locks that storing it took, and keeps none of
    /// it: an import may be of hundreds of thousands.
    pub(super) async fn announce(&self, tx: &TenantTx, batch: Batch) -> Result<(), StoreError> {
        let created = created(&batch.job_titles, JobTitleCreated::of);
        self.chronicle.note_all(tx, created).await?;
        let created = self::created(&batch.locations, LocationCreated::of);
        self.chronicle.note_all(tx, created).await?;
        let people = batch.employees.iter().zip(batch.hired);
        let hired = people.map(|(employee, as_what)| {
            let (terms, pay) = (as_what.terms, as_what.pay);
            let changes = audited::hired(employee, terms, pay, &as_what.past);
            (Hired::of(employee, terms, pay), changes)
        });
        self.chronicle.note_all(tx, hired.collect()).await?;
        let created = self::created(&batch.departments, DepartmentCreated::of);
        self.chronicle.note_all(tx, created).await?;
        let lengthened = batch.with_a_past.into_iter().map(|(employee, past)| {
            let changes = audited::lengthened(&past).into_iter().collect();
            (HistoryImported { employee }, changes)
        });
        self.chronicle.note_all(tx, lengthened.collect()).await?;
        tx.flush_record().await
    }
}

fn created<T: Audited, E>(all: &[T], event: impl Fn(&T) -> E) -> Vec<(E, Vec<FieldChange>)> {
    let one = |thing| (event(thing), changes(None, Some(thing)));
    all.iter().map(one).collect()
}

/// The import as a whole.
pub(super) fn whole(report: ImportReport, mode: ImportMode) -> AuditEntry {
    AuditEntry::new("employees.imported.v1", AuditCategory::DataWrite)
        .detail("mode", mode.to_string())
        .detail("dry_run", false)
        .detail("departments", report.departments)
        .detail("job_titles", report.job_titles)
        .detail("locations", report.locations)
        .detail("employees", report.employees)
        .detail("past_employments", report.past_employments)
        .detail("compensations", report.compensations)
}

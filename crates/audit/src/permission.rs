//! What somebody may be allowed to do with the audit.

kernel::permissions! {
    /// Read the audit.
    ReadAudit = "audit:read", "Read who did what in the company, and when.";
    /// Export the audit.
    ExportAudit = "audit:export", "Export the record of who did what, with its seals.";
}

//! The tables of the audit. They are the same in the schema of every tenant and in the platform's, so
//! every query here serves both scopes.

pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod write;

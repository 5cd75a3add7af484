//! The tables of the audit. They are the same in the schema of every tenant and in the platform's, so
//! every query of a [`Scope`](database::Scope) here serves both.

pub(crate) mod chain;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod read;
pub(crate) mod retire;
pub(crate) mod verify;
pub(crate) mod write;

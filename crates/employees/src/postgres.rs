//! Storage in PostgreSQL. Decides nothing: what may be stored was decided before.
//!
//! Statements name neither a schema nor a tenant: the transaction is in one, and row security adds
//! `tenant_id = …` to every scan, which is why each index begins with it.

mod changes;
mod counter;
mod employee;
pub(crate) mod entity;
mod events;
mod hire;
mod history;
mod import;
mod line;
mod list;
mod name_words;
mod organisation;
mod person;
#[cfg(test)]
mod plans;
mod profile;
mod records;
mod report;
mod revision;

/// The domain's tables.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postgres;

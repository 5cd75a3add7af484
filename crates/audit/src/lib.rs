//! The audit: what was done, by whom and to what; a record that cannot be lost, forged or quietly
//! changed.
//!
//! A use case says what it did ([`Tx::record`](database::Tx::record)); [`AuditLog`] writes it with the
//! commit, into the tenant's table `audit_events` or the platform's own. A second later the event is in
//! the chain of its tenant, and the chain is signed.
//!
//! ```text
//! use case ──record──▶ transaction ──commit──▶ audit_events ──seal──▶ audit_links, audit_seals ──▶ files
//! ```
//!
//! # Invariants
//! - There is no change without its record, and no record of what was rolled back: both are one
//!   transaction.
//! - What a record says of a person is encrypted with a key of his: without the key nothing of it can be
//!   read any more, and the proof stays valid, for what is hashed is what is stored. A secret is never
//!   recorded; the number of a bank account or an identity card is a keyed hash and its last characters.
//! - A refusal is recorded after the request that was refused has ended ([`Refusals`]); of a flood, the
//!   first of each minute, and then how many.
//! - Nothing is changed: the roles of tenants and of the platform may read and insert, and triggers refuse
//!   everybody else.

#![deny(missing_docs)]

mod chain;
mod error;
mod export;
mod files;
mod floods;
mod hash;
mod history;
mod http;
mod keys;
mod lists;
mod log;
mod merkle;
pub mod permission;
mod postgres;
mod presented;
mod privacy;
mod reader;
mod record;
mod refusals;
mod retention;
mod sealer;
mod signing;
mod statement;
mod verify;

pub use error::AuditError;
pub use export::{AuditExporter, ExportLine, ExportPlace, ExportedEvent, Within};
pub use files::{Archives, FileFault, SealFiles};
pub use hash::Hash;
pub use history::{HistoryEntry, HistoryPlace, RecordedChange};
pub use http::configure;
pub use keys::{AuditKeyError, AuditKeys};
pub use log::AuditLog;
pub use presented::presented;
pub use privacy::PersonalValues;
pub use reader::{AuditEvent, AuditReader, ChainPlace, Opening, Question};
pub use record::{Record, RecordedActor};
pub use refusals::Refusals;
pub use retention::{Hold, Keep, Retirer};
pub use sealer::{SealBacklog, SealError, Sealed, Sealer, Tenants, TenantsUnknown, backlog};
pub use signing::{PublicKeys, SigningKey};
pub use statement::{Checkpoint, Retirement, Seal, Signed, Statement};
pub use verify::{Fault, Finding, Period, Verified, Verifier, VerifyError, Whose};

/// Every record of a tenant, in the order of their times: for tests.
///
/// # Errors
/// [`database::StoreError`].
#[doc(hidden)]
pub async fn read_all<M: database::Mode>(
    tx: &database::Tx<database::Tenant, M>,
) -> Result<Vec<Record>, database::StoreError> {
    postgres::read::all(tx, tx.tenant().id().uuid()).await
}

//! Taking the record away, with what proves it.

use std::fmt;

use database::{Database, TenantContext};
use kernel::{
    Permit, Reach,
    audit::{AuditCategory, AuditEntry},
};
use serde::Serialize;
use telemetry::Origin;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    AuditError, Hash, Record, Signed, Statement,
    permission::ExportAudit,
    postgres::{chain, verify},
};

/// Of which time the record is wanted; what is not said is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Within {
    /// From then on.
    pub from: Option<OffsetDateTime>,
    /// Up to then.
    pub to: Option<OffsetDateTime>,
}

/// Where an export goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportPlace {
    /// Behind this seal.
    after: i64,
    /// Up to this one.
    last: i64,
}

/// A line of an export. With the public key alone, whoever has all of them proves that each event is what
/// was recorded, and that none between the first and the last is missing.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum ExportLine {
    /// An event in its place.
    Event(Box<ExportedEvent>),
    /// What was signed of the events before it.
    Seal(Signed),
}

/// An event in its place in the chain.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedEvent {
    /// Its place.
    pub position: i64,
    /// Which event.
    pub id: Uuid,
    /// The record in the form that is hashed; `None` of one that was moved into an archive.
    pub record: Option<Record>,
    /// SHA-256 of the canonical form (RFC 8785) of the record.
    pub hash: Hash,
    /// The link before it.
    pub previous: Hash,
    /// SHA-256 of the byte 1, the link before and the hash.
    pub link: Hash,
}

/// So many events are read at a time, if no single seal covers more.
const PIECE: i64 = 1_000;

/// Exports the record of a tenant, seal by seal. Cheap to clone.
#[derive(Clone)]
pub struct AuditExporter {
    database: Database,
}

impl AuditExporter {
    /// From this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The first lines, and where the next ones begin. Whole seals are exported, so that each can be
    /// proven: some events before `from` and behind `to` are among them. That it was exported is recorded.
    ///
    /// # Errors
    /// [`AuditError::NotFound`] for whom a permission reaches no farther than himself,
    /// [`AuditError::Store`].
    pub async fn begin(
        &self,
        permit: &Permit<ExportAudit>,
        (tenant, origin): (&TenantContext, &Origin),
        within: Within,
    ) -> Result<(Vec<ExportLine>, Option<ExportPlace>), AuditError> {
        if permit.reach() != Reach::Tenant {
            return Err(AuditError::NotFound);
        }
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(origin.clone());
        let seals = chain::seals_within(&tx, within.from, within.to).await?;
        let written = |at: Option<OffsetDateTime>| at.and_then(|at| at.format(&Rfc3339).ok());
        let mut entry = AuditEntry::new("audit.exported.v1", AuditCategory::DataRead)
            .detail("from", written(within.from))
            .detail("to", written(within.to));
        if let Some((first, last)) = seals {
            entry = entry.detail("first_seal", first).detail("last_seal", last);
        }
        tx.record(entry);
        tx.commit().await?;
        match seals {
            None => Ok((Vec::new(), None)),
            Some((first, last)) => {
                let place = ExportPlace {
                    after: first - 1,
                    last,
                };
                self.go_on(tenant, place).await
            }
        }
    }

    /// Where an export of everything begins; `None` when nothing is sealed yet. For measurements: it is
    /// not recorded.
    ///
    /// # Errors
    /// [`AuditError::Store`].
    #[doc(hidden)]
    pub async fn from_the_beginning(
        &self,
        tenant: &TenantContext,
    ) -> Result<Option<ExportPlace>, AuditError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let seals = chain::seals_within(&tx, None, None).await?;
        tx.commit().await?;
        Ok(seals.map(|(first, last)| ExportPlace {
            after: first - 1,
            last,
        }))
    }

    /// The next lines, and where those behind them begin.
    ///
    /// # Errors
    /// [`AuditError::Store`].
    pub async fn go_on(
        &self,
        tenant: &TenantContext,
        place: ExportPlace,
    ) -> Result<(Vec<ExportLine>, Option<ExportPlace>), AuditError> {
        let id = tenant.id().uuid();
        let tx = self.database.begin_tenant_read(tenant).await?;
        let mut lines = Vec::new();
        let (mut after, mut events) = (place.after, 0);
        for signed in chain::seals(&tx, id, place.after).await? {
            let Statement::Seal(seal) = &signed.statement else {
                continue;
            };
            let more = seal.last_position - seal.first_position + 1;
            if seal.number > place.last || (events > 0 && events + more > PIECE) {
                break;
            }
            (after, events) = (seal.number, events + more);
            let mut behind = seal.first_position - 1;
            while behind < seal.last_position {
                let rows = verify::links(&tx, behind, seal.last_position).await?;
                let Some(last) = rows.last() else { break };
                behind = last.position;
                for row in rows {
                    lines.push(exported(id, row)?);
                }
            }
            lines.push(ExportLine::Seal(signed));
        }
        tx.commit().await?;
        let is_over = after == place.after || after >= place.last;
        Ok((lines, (!is_over).then_some(ExportPlace { after, ..place })))
    }
}

fn exported(tenant: Uuid, row: verify::LinkedRow) -> Result<ExportLine, AuditError> {
    let record = row.event.map(|event| event.record(tenant)).transpose()?;
    Ok(ExportLine::Event(Box::new(ExportedEvent {
        position: row.position,
        id: row.event_id,
        record,
        hash: Hash::stored(&row.hash)?,
        previous: Hash::stored(&row.previous)?,
        link: Hash::stored(&row.link)?,
    })))
}

impl fmt::Debug for AuditExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditExporter")
    }
}

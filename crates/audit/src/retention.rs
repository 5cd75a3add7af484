//! Retention: events that have been kept for long enough are moved into an archive outside the database,
//! unless somebody holds them.
//!
//! Their links stay, and a retirement that is signed names their places: verifying finds nothing missing,
//! and can compare the archive with the chain wherever it lies.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use database::{Database, Mode, PlatformContext, PlatformTx, Scope, StoreError, Tx, Write};
use kernel::{
    Ambient, AuditEventId, TenantId,
    audit::{AuditCategory, AuditEntry},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Archives, Hash, Record, Retirement, SealError, SigningKey, Statement, Tenants,
    postgres::{
        chain, log,
        retire::{self, HoldRow},
        verify::LinkedRow,
    },
    record::canonical_text,
    statement::{VERSION, micros},
    verify::Places,
};

/// A line of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Archived {
    pub(crate) record: Record,
    pub(crate) position: i64,
    pub(crate) hash: Hash,
    pub(crate) link: Hash,
}

/// How long events are kept in the database, by category; one that is not named is kept for ever.
pub type Keep = BTreeMap<AuditCategory, Duration>;

/// Moves events away that have been kept for long enough.
pub struct Retirer {
    database: Database,
    platform: PlatformContext,
    tenants: Arc<dyn Tenants>,
    key: SigningKey,
    archives: Archives,
    keep: Keep,
    ambient: Ambient,
}

impl Retirer {
    /// One that archives into this folder. The database must have something to record with.
    pub fn new(
        database: Database,
        platform: PlatformContext,
        tenants: Arc<dyn Tenants>,
        key: SigningKey,
        archives: Archives,
        keep: Keep,
        ambient: Ambient,
    ) -> Self {
        Self {
            database,
            platform,
            tenants,
            key,
            archives,
            keep,
            ambient,
        }
    }

    /// Moves away what a tenant (nil: the platform) has kept for long enough, five thousand events in a
    /// transaction; how many there were.
    ///
    /// # Errors
    /// [`SealError`]; what was moved by then stays moved. [`SealError::Altered`] when an event is not
    /// what was sealed: nothing is archived that could not be proven.
    pub async fn retire(&self, tenant: Uuid) -> Result<u64, SealError> {
        let mut retired = 0;
        for (category, kept) in &self.keep {
            let before = self.ambient.now() - *kept;
            loop {
                let moved = self.move_some(tenant, *category, before).await?;
                retired += moved;
                if moved == 0 {
                    break;
                }
            }
        }
        Ok(retired)
    }

    async fn move_some(
        &self,
        tenant: Uuid,
        category: AuditCategory,
        before: OffsetDateTime,
    ) -> Result<u64, SealError> {
        if tenant.is_nil() {
            let tx = self.database.begin_platform(&self.platform).await?;
            return self.move_in(tx, tenant, category, before).await;
        }
        let Some(context) = self.tenants.find(TenantId::new(tenant)).await? else {
            return Ok(0);
        };
        let tx = self.database.begin_tenant(&context).await?;
        self.move_in(tx, tenant, category, before).await
    }

    async fn move_in<S: Scope>(
        &self,
        tx: Tx<S, Write>,
        tenant: Uuid,
        category: AuditCategory,
        before: OffsetDateTime,
    ) -> Result<u64, SealError> {
        if !chain::is_our_turn(&tx, format!("hrms audit retirements {tenant}")).await? {
            tx.rollback().await?;
            return Ok(0);
        }
        let mut rows = retire::expired(&tx, category.as_str(), before).await?;
        rows.sort_by_key(|it| it.position);
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            tx.rollback().await?;
            return Ok(0);
        };
        let ends = (first.position, last.position);
        let count = rows.len();
        let events: Vec<Uuid> = rows.iter().map(|it| it.event_id).collect();
        let places = Places::of(rows.iter().map(|it| it.position)).to_string();
        let text = archive(tenant, rows)?;
        let number = retire::last(&tx).await? + 1;
        // By what it holds: one that was signed before the table lost its numbers keeps its name.
        let hash = Hash::of(&[text.as_bytes()]).to_string();
        let short = hash.get(..8).unwrap_or_default();
        let name = format!("{tenant}/{number:08}-{short}.ndjson");
        let (archives, file) = (self.archives.clone(), name.clone());
        // Before it is signed, and long before it is relied on. What is left of a transaction that failed
        // stays, named for what it holds.
        let written = telemetry::spawn_blocking(move || archives.write(&file, text.as_bytes()));
        let archive_hash = written.await.map_err(StoreError::corrupt)??;
        let retirement = Retirement {
            v: VERSION,
            tenant,
            number,
            category: category.as_str().to_owned(),
            positions: places,
            events: i64::try_from(count).unwrap_or(i64::MAX),
            archive: name,
            archive_hash,
            retired_at: micros(self.ambient.now()),
            key_id: self.key.id().to_owned(),
        };
        let signed = self.key.sign(Statement::Retirement(retirement.clone()))?;
        let signature = &signed.signature;
        let id = self.ambient.id::<AuditEventId>().uuid();
        self.permit(tenant, id).await?;
        retire::retire(&tx, id, &retirement, signature, ends, events).await?;
        chain::sealed(&tx, Vec::new(), Some(signed.line()?)).await?;
        let entry = AuditEntry::new("audit.retired.v1", AuditCategory::System)
            .detail("category", category.as_str())
            .detail("events", retirement.events)
            .detail("retirement", number);
        tx.record(entry);
        tx.commit().await?;
        Ok(count as u64)
    }
}

impl Retirer {
    /// Has the platform permit a retirement: a tenant's role cannot, whoever has got hold of it.
    async fn permit(&self, tenant: Uuid, id: Uuid) -> Result<(), SealError> {
        let tx = self.database.begin_platform(&self.platform).await?;
        log::permit(&tx, tenant, id).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl fmt::Debug for Retirer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retirer")
            .field("archives", &self.archives)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// The archive of these events: each is what was sealed.
fn archive(tenant: Uuid, rows: Vec<LinkedRow>) -> Result<String, SealError> {
    let altered = || SealError::Altered { tenant };
    let mut text = String::new();
    for row in rows {
        let (position, hash, link) = (row.position, Hash::stored(&row.hash)?, row.link);
        let event = row.event.ok_or_else(altered)?;
        let found = event.hash(tenant)?;
        let record = event.record(tenant)?;
        if found != hash {
            return Err(altered());
        }
        let archived = Archived {
            record,
            position,
            hash,
            link: Hash::stored(&link)?,
        };
        text.push_str(&canonical_text(&archived)?);
        text.push('\n');
    }
    Ok(text)
}

/// Something that must not be moved away, however old: everything, or what concerns one person or
/// thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Identifies it.
    pub id: Uuid,
    /// The person or thing; `None` is everything.
    pub target: Option<Uuid>,
    /// Why: nothing about a person, for it is shown to whoever runs the platform.
    pub reason: String,
    /// Since when.
    pub placed_at: OffsetDateTime,
    /// Since when it is over, if it is.
    pub released_at: Option<OffsetDateTime>,
}

impl From<HoldRow> for Hold {
    fn from(row: HoldRow) -> Self {
        Self {
            id: row.id,
            target: row.target_id,
            reason: row.reason,
            placed_at: row.placed_at,
            released_at: row.released_at,
        }
    }
}

impl Hold {
    /// Places a hold, and records that.
    ///
    /// # Errors
    /// [`StoreError`]; a reason has 1 to 1000 bytes.
    pub async fn place<S: Scope>(
        tx: &Tx<S, Write>,
        ambient: &Ambient,
        target: Option<Uuid>,
        reason: &str,
    ) -> Result<Self, StoreError> {
        let hold = Self {
            id: ambient.id::<AuditEventId>().uuid(),
            target,
            reason: reason.to_owned(),
            placed_at: ambient.now(),
            released_at: None,
        };
        retire::hold(tx, hold.id, target, reason, hold.placed_at).await?;
        tx.record(hold.entry("audit.hold_placed.v1"));
        Ok(hold)
    }

    /// Every hold there is or was, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all<S: Scope, M: Mode>(tx: &Tx<S, M>) -> Result<Vec<Self>, StoreError> {
        let rows = retire::holds(tx).await?;
        Ok(rows.into_iter().map(Self::from).collect())
    }

    /// Permits the release of a hold of a tenant (nil: the platform), before the transaction that
    /// releases it: the role of a tenant cannot do so by itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn permit_release(
        tx: &PlatformTx,
        tenant: Uuid,
        hold: Uuid,
    ) -> Result<(), StoreError> {
        log::permit(tx, tenant, hold).await
    }

    /// Releases it, if that was [permitted](Self::permit_release), and records that. One that was
    /// released stays so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release<S: Scope>(
        &self,
        tx: &Tx<S, Write>,
        ambient: &Ambient,
    ) -> Result<(), StoreError> {
        if retire::release(tx, self.id, ambient.now()).await? {
            tx.record(self.entry("audit.hold_released.v1"));
        }
        Ok(())
    }

    fn entry(&self, action: &'static str) -> AuditEntry {
        let entry = AuditEntry::new(action, AuditCategory::Admin).on("audit_hold", self.id);
        match self.target {
            Some(target) => entry.on("held", target),
            None => entry,
        }
    }
}

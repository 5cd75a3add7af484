//! Reading the audit, which is itself recorded.

use std::{fmt, sync::Arc};

use database::{Database, TenantContext};
use kernel::{
    Actor, AuditEventId, Authorizer, ListQuery, Page, PageRequest, Permission, Permit, Position,
    Reach,
    audit::{AuditCategory, AuditEntry},
    field::AccessGroup,
};
use serde_json::Value;
use telemetry::Origin;
use uuid::Uuid;

use crate::{AuditError, AuditLog, Record, permission::ReadAudit, postgres, presented::presented};

/// To whom a group of fields is open among those who read records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// To all of them.
    Everybody,
    /// To those who hold this permission for everybody.
    Holders(Permission),
    /// To nobody yet.
    Nobody,
}

/// Shows the audit of a tenant. Cheap to clone.
#[derive(Clone)]
pub struct AuditReader {
    database: Database,
    log: AuditLog,
    authorizer: Arc<dyn Authorizer>,
    opening: fn(AccessGroup) -> Opening,
}

/// An event, as somebody may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// What was recorded, without what it changed.
    pub record: Record,
    /// What it changed, as far as he may see it.
    pub changes: Value,
    /// Where it is in the chain; `None` for the second until it is sealed.
    pub seal: Option<ChainPlace>,
}

/// Where in its chain an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPlace {
    /// Its place: 1 for the first event.
    pub position: i64,
    /// SHA-256 of its canonical form, in hexadecimal.
    pub hash: String,
    /// The link that holds it, in hexadecimal.
    pub link: String,
    /// The number of the signature that covers it.
    pub number: Option<i64>,
}

impl AuditReader {
    /// `opening` says whom which fields are shown to, beside the right to read the audit at all.
    pub fn new(
        database: Database,
        log: AuditLog,
        authorizer: Arc<dyn Authorizer>,
        opening: fn(AccessGroup) -> Opening,
    ) -> Self {
        Self {
            database,
            log,
            authorizer,
            opening,
        }
    }

    /// One page of events. That it was read is recorded, by what it was filtered; `is_continued` of the
    /// further pages of one export, which is one reading.
    ///
    /// # Errors
    /// [`AuditError::NotFound`] for whom a permission reaches no farther than himself,
    /// [`AuditError::Store`].
    pub async fn page(
        &self,
        permit: &Permit<ReadAudit>,
        (tenant, origin): (&TenantContext, &Origin),
        question: &Question,
        query: &ListQuery,
        page: &PageRequest<Position>,
    ) -> Result<Page<Record, Position>, AuditError> {
        for_the_tenant(permit)?;
        if question.is_export && page.after.is_some() {
            let tx = self.database.begin_tenant_read(tenant).await?;
            let found = postgres::list::page(&tx, query, question.target, page).await?;
            tx.commit().await?;
            return Ok(found);
        }
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(origin.clone());
        let found = postgres::list::page(&tx, query, question.target, page).await?;
        let mut entry = AuditEntry::new("audit.listed.v1", AuditCategory::DataRead)
            .detail("filters", question.filters.clone())
            .detail("is_export", question.is_export);
        if !question.is_export {
            entry = entry.detail("shown", found.items.len());
        }
        tx.record(entry);
        tx.commit().await?;
        Ok(found)
    }

    /// One event with what it changed, as far as the actor may see it. That it was read is recorded.
    ///
    /// # Errors
    /// [`AuditError::NotFound`], [`AuditError::Store`].
    pub async fn event(
        &self,
        permit: &Permit<ReadAudit>,
        (tenant, origin): (&TenantContext, &Origin),
        actor: &Actor,
        id: AuditEventId,
    ) -> Result<AuditEvent, AuditError> {
        for_the_tenant(permit)?;
        let tx = self.database.begin_tenant(tenant).await?;
        let tx = tx.initiated_by(origin.clone());
        let record = postgres::read::one(&tx, tenant.id().uuid(), id.uuid()).await?;
        let record = record.ok_or(AuditError::NotFound)?;
        let personal = self.log.personal(&tx, &record).await?;
        let seal = postgres::read::seal(&tx, id.uuid()).await?;
        let entry = AuditEntry::new("audit.shown.v1", AuditCategory::DataRead);
        tx.record(entry.on("audit_event", id));
        tx.commit().await?;
        let is_open = |group| self.is_open(actor, group);
        Ok(AuditEvent {
            changes: presented(&record.changes, personal.as_ref(), is_open),
            seal: seal.map(ChainPlace::from),
            record,
        })
    }

    fn is_open(&self, actor: &Actor, group: AccessGroup) -> bool {
        match (self.opening)(group) {
            Opening::Everybody => true,
            Opening::Holders(permission) => {
                self.authorizer.reach(actor, permission) == Some(Reach::Tenant)
            }
            Opening::Nobody => false,
        }
    }
}

/// What a list was asked, beside its conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Only what was done to this.
    pub target: Option<Uuid>,
    /// By what it is filtered: the names, not the values.
    pub filters: Vec<&'static str>,
    /// Whether the whole list is written, page by page.
    pub is_export: bool,
}

impl From<postgres::read::SealOf> for ChainPlace {
    fn from(seal: postgres::read::SealOf) -> Self {
        Self {
            position: seal.position,
            hash: crate::keys::hex(&seal.hash),
            link: crate::keys::hex(&seal.link),
            number: seal.number,
        }
    }
}

/// The audit is about everybody: who may see himself alone sees nothing of it.
fn for_the_tenant(permit: &Permit<ReadAudit>) -> Result<(), AuditError> {
    match permit.reach() {
        Reach::Tenant => Ok(()),
        Reach::Own => Err(AuditError::NotFound),
    }
}

impl fmt::Debug for AuditReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditReader")
    }
}

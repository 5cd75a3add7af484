//! `purge`: clearing away what is over.

use std::ops::AddAssign;

use auth::Purged;
use kernel::{
    Slug, TenantStatus,
    audit::{AuditCategory, AuditEntry},
};
use tenancy::{Illegible, Registered};

use super::{Failure, Operator, PurgeReport, PurgedAnswers, operator::Platform};

/// How many answers one transaction deletes.
const BATCH: u32 = 500;

impl Operator {
    /// Deletes the sessions that have been over for a day, with their refresh tokens: of one tenant,
    /// or of all. A tenant whose sessions cannot be deleted keeps no other from it.
    ///
    /// # Errors
    /// [`Failure::NoTenant`]; [`Failure::Purge`] when it failed for some.
    pub async fn purge_sessions(
        &self,
        tenant: Option<&Slug>,
    ) -> Result<PurgeReport<Purged>, Failure> {
        self.purge(tenant, async |platform, it| {
            Ok(platform.purge.sessions(&it.context).await?)
        })
        .await
    }

    /// Deletes the answers that were kept for requests with an `Idempotency-Key` and are out of date,
    /// of one tenant or of all, as [`Self::purge_sessions`] does.
    ///
    /// # Errors
    /// [`Failure::NoTenant`]; [`Failure::Purge`] when it failed for some.
    pub async fn purge_answers(
        &self,
        tenant: Option<&Slug>,
    ) -> Result<PurgeReport<PurgedAnswers>, Failure> {
        self.purge(tenant, async |platform, it| {
            let mut purged = PurgedAnswers::default();
            loop {
                let tx = platform.database.begin_tenant(&it.context).await?;
                let tx = tx.initiated_by(platform.origin.clone());
                let answers = tx.clear_answers(self.ambient.now(), BATCH).await?;
                if answers > 0 {
                    let entry = AuditEntry::new("answers.purged.v1", AuditCategory::System);
                    tx.record(entry.detail("answers", answers));
                }
                tx.commit().await?;
                purged += PurgedAnswers { answers };
                if answers < u64::from(BATCH) {
                    return Ok(purged);
                }
            }
        })
        .await
    }

    /// Purges one tenant after the other. One that cannot be purged keeps no other from it.
    async fn purge<P: AddAssign + Default>(
        &self,
        tenant: Option<&Slug>,
        one: impl AsyncFn(&Platform, &Registered) -> Result<P, Failure>,
    ) -> Result<PurgeReport<P>, Failure> {
        let platform = self.open().await?;
        let tenants = match tenant {
            Some(slug) => vec![Ok(platform.tenant(slug).await?)],
            None => platform.registry.all().await?,
        };
        let (total, mut purged, mut failed) = (tenants.len(), P::default(), Vec::new());
        for (done, it) in tenants.into_iter().enumerate() {
            match it {
                // One that is being made has nothing yet, and perhaps no tables.
                Ok(it) if it.tenant.status == TenantStatus::Creating => {}
                Ok(it) => match one(&platform, &it).await {
                    Ok(more) => purged += more,
                    Err(error) => failed.push((it.tenant.slug.to_string(), error)),
                },
                Err(Illegible { slug, error }) => failed.push((slug, error.into())),
            }
            self.reporter.progress("purging tenants", done + 1, total);
        }
        if failed.is_empty() {
            Ok(PurgeReport {
                tenants: total,
                purged,
            })
        } else {
            Err(Failure::Purge { failed, total })
        }
    }
}

//! `purge`: clearing away what is over.

use auth::Purged;
use kernel::{Slug, TenantStatus};

use super::{Failure, Operator, PurgeReport};

impl Operator {
    /// Deletes the sessions that have been over for a day, with their refresh tokens: of one tenant,
    /// or of all. A tenant whose sessions cannot be deleted keeps no other from it.
    ///
    /// # Errors
    /// [`Failure::NoTenant`]; [`Failure::Purge`] when it failed for some.
    pub async fn purge_sessions(&self, tenant: Option<&Slug>) -> Result<PurgeReport, Failure> {
        let platform = self.open().await?;
        let tenants = match tenant {
            Some(slug) => vec![platform.tenant(slug).await?],
            None => platform.registry.all().await?,
        };
        let (total, mut purged, mut failed) = (tenants.len(), Purged::default(), Vec::new());
        for (done, it) in tenants.iter().enumerate() {
            // One that is being made has no sessions yet, and perhaps no tables.
            if it.tenant.status != TenantStatus::Creating {
                match platform.purge.sessions(&it.context).await {
                    Ok(more) => purged += more,
                    Err(error) => failed.push((it.tenant.slug.to_string(), error)),
                }
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

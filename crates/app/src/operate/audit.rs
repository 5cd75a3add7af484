//! `audit verify` and `audit hold`.

use std::{fs, path::PathBuf, sync::Arc};

use audit::{Archives, Hold, Period, PublicKeys, SealFiles, SigningKey, Verified, Verifier, Whose};
use database::{Scope, StoreError, Tx, Write};
use kernel::{
    Slug, TenantStatus,
    audit::{AuditCategory, AuditEntry},
};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{AuditFailure, Failure, Operator, operator::Platform};

/// The file with the key that signs.
const SIGNING_KEY: &str = "audit-signing-key";

/// The file with its public half.
pub(super) const PUBLIC_KEY: &str = "audit-public-key";

/// What is to be verified, and with what.
#[derive(Clone, Debug, Default)]
pub struct VerifyRequest {
    /// The audit of this tenant alone.
    pub tenant: Option<Slug>,
    /// Not what was sealed before.
    pub from: Option<OffsetDateTime>,
    /// Not what was sealed later.
    pub to: Option<OffsetDateTime>,
    /// The folder with the seals; else `audit.seals`.
    pub seals: Option<PathBuf>,
    /// The folder with the archives; else `audit.archives`.
    pub archives: Option<PathBuf>,
    /// The file with the public key; else `audit.public_key`, or the file in the credentials folder.
    pub public_key: Option<PathBuf>,
}

/// Whose audit is held.
#[derive(Clone, Debug)]
pub enum HoldOn {
    /// A tenant's.
    Tenant(Slug),
    /// The platform's own.
    Platform,
}

/// A hold, for an operator.
#[derive(Debug, Serialize)]
pub struct HoldReport {
    /// Identifies it.
    pub id: String,
    /// The person or thing; absent when everything is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Why.
    pub reason: String,
    /// Since when (RFC 3339).
    pub placed_at: String,
    /// Since when it is over (RFC 3339), if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<String>,
}

impl From<Hold> for HoldReport {
    fn from(hold: Hold) -> Self {
        let written = |it: OffsetDateTime| it.format(&Rfc3339).unwrap_or_default();
        Self {
            id: hold.id.to_string(),
            target: hold.target.map(|it| it.to_string()),
            reason: hold.reason,
            placed_at: written(hold.placed_at),
            released_at: hold.released_at.map(written),
        }
    }
}

impl Operator {
    /// Makes sure that there is a key that signs the audit, and a file with its public half.
    pub(super) fn ensure_audit_signing_key(&self) -> Result<(), Failure> {
        let (None, Some(credentials)) = (&self.settings.audit.signing_key, &self.credentials)
        else {
            return Ok(());
        };
        let secret = credentials.keep(SIGNING_KEY, || super::operator::draw_key(&self.ambient))?;
        let key = SigningKey::read(&secret).map_err(AuditFailure::Key)?;
        // Somebody may have added those of earlier keys; that of this one must be among them.
        let public = credentials.keep(PUBLIC_KEY, || key.public_half().into())?;
        if !public
            .expose_secret()
            .lines()
            .any(|it| it.trim() == key.public_half())
        {
            let all = format!(
                "{}\n{}",
                public.expose_secret().trim_end(),
                key.public_half()
            );
            credentials.replace(PUBLIC_KEY, &all.into())?;
        }
        Ok(())
    }

    /// Compares the audit of one tenant, or of all and of the platform, with what was signed; and
    /// records that.
    ///
    /// # Errors
    /// [`AuditFailure::Findings`] when something is not as it was signed; [`Failure::NoTenant`],
    /// [`Failure::Argument`], [`AuditFailure::Verify`].
    pub async fn verify_audit(&self, request: VerifyRequest) -> Result<Verified, Failure> {
        let keys = self.public_keys(&request)?;
        let seals = request
            .seals
            .clone()
            .or_else(|| self.settings.audit.seals.clone());
        let seals = seals.ok_or_else(|| Failure::Argument {
            option: "--seals",
            reason: "the folder with the seals is not known; or set HRMS_AUDIT__SEALS".to_owned(),
        })?;
        let archives = request.archives.clone();
        let archives = archives.or_else(|| self.settings.audit.archives.clone());
        let platform = self.open().await?;
        let chains = chains(&platform, request.tenant.as_ref()).await?;
        let reporter = Arc::clone(&self.reporter);
        let count = |events: u64| usize::try_from(events).unwrap_or(usize::MAX);
        let verifier = Verifier::new(
            platform.database.clone(),
            platform.registry.platform().clone(),
            keys,
            SealFiles::new(seals),
            archives.map(Archives::new),
            self.ambient.clone(),
            move |done, total| reporter.progress("verifying events", count(done), count(total)),
        );
        let period = Period {
            from: request.from,
            to: request.to,
        };
        let verifying = Box::pin(verifier.verify(&chains, request.tenant.is_none(), period));
        let found = verifying.await.map_err(AuditFailure::from)?;
        let recorded = self.record_verifying(&platform, &request, &found).await;
        if let Err(error) = recorded {
            let told = format!("that the audit was verified could not be recorded: {error}");
            self.reporter.say(&told);
        }
        if found.is_clean() {
            Ok(found)
        } else {
            Err(AuditFailure::Findings(Box::new(found)).into())
        }
    }

    fn public_keys(&self, request: &VerifyRequest) -> Result<PublicKeys, Failure> {
        let text = match (&request.public_key, &self.credentials) {
            (Some(path), _) => fs::read_to_string(path).map_err(|source| Failure::File {
                path: path.clone(),
                source,
            })?,
            (None, _) if !self.settings.audit.public_key.is_empty() => {
                self.settings.audit.public_key.join("\n")
            }
            (None, Some(credentials)) => {
                let kept = credentials.read(PUBLIC_KEY)?;
                kept.map(|it| it.expose_secret().to_owned())
                    .unwrap_or_default()
            }
            (None, None) => String::new(),
        };
        PublicKeys::read(&text).map_err(|error| Failure::Argument {
            option: "--public-key",
            reason: format!(
                "{error}; a file of the public halves is needed, such as audit-public-key of the \
                 credentials folder"
            ),
        })
    }

    /// Records that the audit was verified. Who can only read the database cannot, and is told so.
    async fn record_verifying(
        &self,
        platform: &Platform,
        request: &VerifyRequest,
        verified: &Verified,
    ) -> Result<(), StoreError> {
        let findings = verified.findings.len() as u64 + verified.more_findings;
        let mut entry = AuditEntry::new("audit.verified.v1", AuditCategory::System)
            .detail("events", verified.events)
            .detail("findings", findings);
        if let Some(tenant) = &request.tenant {
            entry = entry.detail("tenant", tenant.to_string());
        }
        let context = platform.registry.platform();
        let tx = platform.database.begin_platform(context).await?;
        let tx = tx.initiated_by(platform.origin.clone());
        tx.record(entry);
        tx.commit().await
    }

    /// Keeps events of the audit from being moved away: all of them, or what concerns one person or
    /// thing.
    ///
    /// # Errors
    /// [`Failure::NoTenant`].
    pub async fn place_hold(
        &self,
        on: &HoldOn,
        target: Option<Uuid>,
        reason: &str,
    ) -> Result<HoldReport, Failure> {
        if reason.trim().is_empty() || reason.len() > 1_000 {
            return Err(Failure::Argument {
                option: "--reason",
                reason: "a reason has 1 to 1000 bytes".to_owned(),
            });
        }
        let platform = self.open().await?;
        let database = &platform.database;
        let hold = match on {
            HoldOn::Tenant(slug) => {
                let context = platform.tenant(slug).await?.context;
                let tx = database.begin_tenant(&context).await?;
                let tx = tx.initiated_by(platform.origin.clone());
                let hold = Hold::place(&tx, &self.ambient, target, reason).await?;
                tx.commit().await?;
                hold
            }
            HoldOn::Platform => {
                let tx = database
                    .begin_platform(platform.registry.platform())
                    .await?;
                let tx = tx.initiated_by(platform.origin.clone());
                let hold = Hold::place(&tx, &self.ambient, target, reason).await?;
                tx.commit().await?;
                hold
            }
        };
        Ok(hold.into())
    }

    /// Every hold there is or was, the oldest first.
    ///
    /// # Errors
    /// [`Failure::NoTenant`].
    pub async fn list_holds(&self, on: &HoldOn) -> Result<Vec<HoldReport>, Failure> {
        let platform = self.open().await?;
        let database = &platform.database;
        let holds = match on {
            HoldOn::Tenant(slug) => {
                let context = platform.tenant(slug).await?.context;
                let tx = database.begin_tenant_read(&context).await?;
                let holds = Hold::all(&tx).await?;
                tx.commit().await?;
                holds
            }
            HoldOn::Platform => {
                let context = platform.registry.platform();
                let tx = database.begin_platform_read(context).await?;
                let holds = Hold::all(&tx).await?;
                tx.commit().await?;
                holds
            }
        };
        Ok(holds.into_iter().map(HoldReport::from).collect())
    }

    /// Releases a hold. One that was released stays so.
    ///
    /// # Errors
    /// [`Failure::NoTenant`], [`AuditFailure::NoHold`].
    pub async fn release_hold(&self, on: &HoldOn, hold: Uuid) -> Result<HoldReport, Failure> {
        let platform = self.open().await?;
        let database = &platform.database;
        let whose = match on {
            HoldOn::Tenant(slug) => platform.tenant(slug).await?.tenant.id.uuid(),
            HoldOn::Platform => Uuid::nil(),
        };
        let tx = database
            .begin_platform(platform.registry.platform())
            .await?;
        Hold::permit_release(&tx, whose, hold).await?;
        tx.commit().await?;
        match on {
            HoldOn::Tenant(slug) => {
                let context = platform.tenant(slug).await?.context;
                let tx = database.begin_tenant(&context).await?;
                let tx = tx.initiated_by(platform.origin.clone());
                self.release_in(tx, hold).await
            }
            HoldOn::Platform => {
                let tx = database
                    .begin_platform(platform.registry.platform())
                    .await?;
                let tx = tx.initiated_by(platform.origin.clone());
                self.release_in(tx, hold).await
            }
        }
    }

    async fn release_in<S: Scope>(
        &self,
        tx: Tx<S, Write>,
        hold: Uuid,
    ) -> Result<HoldReport, Failure> {
        let find = async |tx: &Tx<S, Write>| {
            let found = Hold::all(tx).await?.into_iter().find(|it| it.id == hold);
            found.ok_or(Failure::from(AuditFailure::NoHold(hold)))
        };
        find(&tx).await?.release(&tx, &self.ambient).await?;
        let released = find(&tx).await?;
        tx.commit().await?;
        Ok(released.into())
    }
}

/// The chains that are to be verified; those of tenants that are being made do not exist yet.
async fn chains(platform: &Platform, tenant: Option<&Slug>) -> Result<Vec<Whose>, Failure> {
    if let Some(slug) = tenant {
        return Ok(vec![Whose::Tenant(platform.tenant(slug).await?.context)]);
    }
    let mut chains = vec![Whose::Platform];
    for registered in platform.registry.all().await? {
        match registered {
            Ok(it) if it.tenant.status == TenantStatus::Creating => {}
            Ok(it) => chains.push(Whose::Tenant(it.context)),
            Err(illegible) => return Err(illegible.error.into()),
        }
    }
    Ok(chains)
}

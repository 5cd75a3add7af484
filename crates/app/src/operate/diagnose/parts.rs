//! What all processes share: the public tenant and the keys.

use std::sync::Arc;

use auth::{AuthError, CURSOR_KEY, KeyRing, PostgresKeys};
use kernel::{Ambient, Slug, TenantStatus};
use mail::MailError;
use messaging::Jobs;
use secrecy::ExposeSecret as _;

use super::{Check, UP};
use crate::{
    mail::mailer,
    operate::{Failure, operator::Platform},
    settings::MailSettings,
};

pub(super) async fn public_tenant(platform: &Platform) -> Result<Check, Failure> {
    const NAME: &str = "public_tenant";
    const REMEDY: &str = "Run `hrms-bootstrap ensure-public-tenant`.";
    let found = platform.registry.by_slug(&Slug::public()).await?;
    Ok(match found.map(|found| found.tenant.status) {
        Some(TenantStatus::Active) => Check::ok(NAME, "in service"),
        Some(status) => {
            let problem = format!("the public tenant is {}", status.as_str());
            Check::failed(NAME, problem, REMEDY)
        }
        None => Check::failed(NAME, "there is no public tenant", REMEDY),
    })
}

/// Whether tokens can be signed: loads the keys as the API does.
pub(super) async fn signing_key(platform: &Platform, ambient: &Ambient) -> Result<Check, Failure> {
    const NAME: &str = "signing_key";
    let loading = KeyRing::load(
        platform.database.clone(),
        platform.registry.platform().clone(),
        Arc::new(PostgresKeys),
        ambient.now(),
    );
    Ok(match loading.await {
        Ok(ring) => Check::ok(NAME, format!("{} signs", ring.active().kid())),
        Err(AuthError::NoSigningKey) => {
            Check::failed(NAME, "there is no key to sign tokens with", UP)
        }
        Err(error @ AuthError::UnusableKey(_)) => Check::failed(
            NAME,
            error.to_string(),
            "Put platform.signing_keys back from a backup, or delete the key and run \
             `hrms-bootstrap up`: everybody must sign in again then.",
        ),
        Err(error) => return Err(error.into()),
    })
}

/// Whether cursors can be sealed.
pub(super) async fn cursor_key(platform: &Platform) -> Result<Check, Failure> {
    const NAME: &str = "cursor_key";
    const BYTES: usize = 32;
    const DELETE: &str = "Delete it from platform.secrets and run `hrms-bootstrap up`: who is \
                          paging through a list begins anew.";
    let loading = auth::load_secret(&platform.database, platform.registry.platform(), CURSOR_KEY);
    Ok(match loading.await {
        Ok(key) if key.expose_secret().len() >= BYTES => Check::ok(NAME, "of 256 bits or more"),
        Ok(key) => {
            let bits = key.expose_secret().len() * 8;
            Check::failed(NAME, format!("the key has {bits} bits only"), DELETE)
        }
        Err(AuthError::NoSecret(_)) => {
            Check::failed(NAME, "there is no key to seal cursors with", UP)
        }
        Err(error @ AuthError::UnusableKey(_)) => Check::failed(NAME, error.to_string(), DELETE),
        Err(error) => return Err(error.into()),
    })
}

/// Whether somebody does the jobs that wait, and whether none waits for somebody to look at it.
pub(super) async fn jobs(platform: &Platform) -> Result<Check, Failure> {
    const NAME: &str = "jobs";
    let tx = platform
        .database
        .begin_platform_read(platform.registry.platform())
        .await?;
    let seen = Jobs::attendance(&tx).await?;
    tx.commit().await?;
    let backlog = platform.jobs().backlog().await?;
    if let Some(queues) = seen.unattended {
        let problem = format!("jobs wait that no worker serves: {queues}");
        let remedy = "Start `hrms-worker`; [worker] in the settings says which queues it serves.";
        return Ok(Check::failed(NAME, problem, remedy));
    }
    if let Some(kinds) = seen.unknown {
        let problem = format!(
            "{} jobs wait that no worker which runs can do: {kinds}",
            backlog.unknown
        );
        let remedy = "Start the `hrms-worker` of the release that put them down; \
                      `hrms-bootstrap jobs list --state retry` shows them, `jobs cancel ID` takes \
                      one back.";
        return Ok(Check::failed(NAME, problem, remedy));
    }
    if let Some(reason) = seen.away {
        let remedy = "Start RabbitMQ, or correct its address: jobs wait until it is back.";
        return Ok(Check::failed(
            NAME,
            format!("the broker is {reason}"),
            remedy,
        ));
    }
    if backlog.dead > 0 {
        let problem = format!("{} jobs are dead", backlog.dead);
        let remedy = "`hrms-bootstrap jobs list --state dead` shows them and `jobs show ID` why; \
                      then `jobs retry ID` or `jobs cancel ID`.";
        return Ok(Check::failed(NAME, problem, remedy));
    }
    let waiting: u64 = backlog.waiting.values().sum();
    let paused = seen.paused.map(|queues| format!("; paused: {queues}"));
    let paused = paused.unwrap_or_default();
    let detail = format!("{} workers, {waiting} jobs wait{paused}", seen.workers);
    Ok(Check::ok(NAME, detail))
}

/// Whether somebody seals what is recorded, and files what was signed.
pub(super) async fn audit(platform: &Platform, ambient: &Ambient) -> Result<Check, Failure> {
    const NAME: &str = "audit";
    const REMEDY: &str = "Start an `hrms-worker` that has audit.signing_key and can write in \
                          audit.seals; its log says what keeps it from sealing.";
    let context = platform.registry.platform();
    let backlog = audit::backlog(&platform.database, context, ambient).await?;
    let (waited, unfiled) = (backlog.oldest.as_secs(), backlog.unfiled);
    Ok(if waited > 60 {
        let problem = format!(
            "{} events wait for their seal, the oldest for {waited} s",
            backlog.unsealed
        );
        Check::failed(NAME, problem, REMEDY)
    } else {
        let detail = format!(
            "{} events wait for their seal, {unfiled} seals for their file",
            backlog.unsealed
        );
        Check::ok(NAME, detail)
    })
}

/// Whether the mail server lets us in, if there is one.
pub(super) async fn mail(settings: &MailSettings, ambient: &Ambient) -> Check {
    const NAME: &str = "mail";
    const REMEDY: &str = "Start the mail server, or correct [mail] in the settings; what could not \
                          be sent meanwhile is tried again, or parked: `hrms-bootstrap jobs list`.";
    let checked = match mailer(settings, ambient.clone()) {
        Ok(mailer) => mailer.check().await.map_err(|error| match error {
            MailError::NotConfigured => None,
            error => Some(error.to_string()),
        }),
        // The settings were checked when they were read.
        Err(error) => Err(Some(error.to_string())),
    };
    match checked {
        Ok(()) => Check::ok(NAME, "the mail server lets us in"),
        Err(None) => Check::ok(NAME, "not configured: nobody is written to"),
        Err(Some(problem)) => Check::failed(NAME, problem, REMEDY),
    }
}

//! Writing to users.

use std::error::Error;

use auth::{PostgresUsers, UserRepository as _};
use database::TenantTx;
use kernel::{Ambient, UserId};
use mail::{
    Content, Language, Line, Mail, MailError, Mailbox, Mailer, Outlook, Reading, SmtpUrlError,
};
use messaging::{JobError, Run};
use serde_json::{Value, json};

use crate::{
    mail::mailer,
    settings::{MailLinks, MailSettings},
};

/// Writes to users, each in his language and in the name of his company.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    mailer: Mailer,
    links: Option<MailLinks>,
}

impl Post {
    /// By way of the mail server of these settings, if there is one.
    pub(crate) fn new(settings: &MailSettings, ambient: Ambient) -> Result<Self, SmtpUrlError> {
        Ok(Self {
            mailer: mailer(settings, ambient)?,
            links: settings.links.clone(),
        })
    }

    /// Writes to a user of the transaction's tenant, and returns what the job keeps of it:
    /// `{"mail": "sent"}`. Where no mail server is configured (`disabled`), or the user is gone or
    /// may not sign in any more (`no_reader`), nobody is written to, and the job is done.
    ///
    /// # Errors
    /// [`JobError`], as [`MailError::outlook`] has it: whether it is tried again, waits for
    /// somebody, or is over.
    pub(super) async fn write<E: Error + Send + Sync + 'static>(
        &self,
        tx: &TenantTx,
        user: UserId,
        run: &Run,
        content: impl FnOnce(&Reading<'_>) -> Result<Content, E> + Send,
    ) -> Result<Value, JobError> {
        let tenant = tx.tenant().record();
        let from = match self.mailer.sender(&tenant.name) {
            Ok(from) => from,
            Err(MailError::NotConfigured) => {
                tracing::info!("nobody is written to: no mail server is configured");
                return Ok(json!({"mail": "disabled"}));
            }
            Err(error) => return Err(fate(error)),
        };
        let Some(reader) = PostgresUsers.reader(tx, user).await? else {
            tracing::info!("nobody is written to: the user is gone or may not sign in");
            return Ok(json!({"mail": "no_reader"}));
        };
        let links = self.links.as_ref().map(|links| links.of(&tenant.slug));
        let reading = Reading {
            language: Language::for_reader(reader.locale.as_deref(), &tenant.locale),
            company: &tenant.name,
            time_zone: &tenant.time_zone,
            links: links.as_deref(),
        };
        let mail = Mail {
            id: run.job,
            from,
            to: Mailbox {
                name: Line::new(&reader.display_name),
                address: reader.email,
            },
            content: content(&reading).map_err(JobError::permanent)?,
        };
        self.mailer.send(&mail).await.map_err(fate)?;
        Ok(json!({"mail": "sent"}))
    }
}

fn fate(error: MailError) -> JobError {
    match error.outlook() {
        Outlook::Later => JobError::retry(error),
        Outlook::OnceRepaired => JobError::park(error),
        Outlook::Never => JobError::permanent(error),
    }
}

//! From settings to what sends mails.

use kernel::Ambient;
use mail::{Mailer, SmtpSettings, SmtpUrl, SmtpUrlError};
use secrecy::ExposeSecret as _;

use crate::settings::MailSettings;

/// The mail server, if there is one.
pub(crate) fn mailer(settings: &MailSettings, ambient: Ambient) -> Result<Mailer, SmtpUrlError> {
    // The settings have no server without a sender.
    let (Some(url), Some(sender)) = (&settings.url, &settings.sender) else {
        return Ok(Mailer::new(None, ambient));
    };
    let url: SmtpUrl = url.expose_secret().parse()?;
    let smtp = SmtpSettings {
        url,
        sender: sender.clone(),
        timeout: settings.timeout,
        authorities: Vec::new(),
    };
    Ok(Mailer::new(Some(smtp), ambient))
}

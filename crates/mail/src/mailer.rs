//! Handing mails to a mail server.

use std::{sync::Arc, time::Duration};

use kernel::Ambient;
use lettre::{
    Message,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::ExposeSecret as _;

use crate::{
    Line, Mail, MailError, Mailbox, SmtpSettings, Status,
    letter::address,
    settings::{Encryption, Login},
};

/// How long a server may take to say good-bye: the mail is taken by then.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// Those that need no more than an encrypted connection to be safe.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Hands mails to a mail server, or says that there is none. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    settings: Option<Arc<SmtpSettings>>,
    ambient: Ambient,
}

impl Mailer {
    /// Sends by this server; without one, nothing is sent ([`MailError::NotConfigured`]).
    pub fn new(settings: Option<SmtpSettings>, ambient: Ambient) -> Self {
        Self {
            settings: settings.map(Arc::new),
            ambient,
        }
    }

    /// A tenant as the sender, by way of the platform's address: mail servers take mails only from
    /// addresses that the platform may use.
    ///
    /// # Errors
    /// [`MailError::NotConfigured`].
    pub fn sender(&self, tenant: &str) -> Result<Mailbox, MailError> {
        let settings = self.settings()?;
        Ok(Mailbox {
            name: Line::new(tenant),
            address: settings.sender.clone(),
        })
    }

    /// Hands a mail over. When it returns, the server has taken it.
    ///
    /// # Errors
    /// [`MailError`]. After [`MailError::Silent`], and when the connection broke, the server may
    /// have taken it all the same.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let settings = self.settings()?;
        let message = mail.message(self.ambient.now())?;
        let handing_over = Box::pin(hand_over(settings, &message));
        let connection = in_time(settings.timeout, handing_over).await?;
        good_bye(connection).await;
        Ok(())
    }

    /// Whether the server lets us in; nothing is sent.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn check(&self) -> Result<(), MailError> {
        let settings = self.settings()?;
        let connection = in_time(settings.timeout, Box::pin(enter(settings))).await?;
        good_bye(connection).await;
        Ok(())
    }

    fn settings(&self) -> Result<&SmtpSettings, MailError> {
        self.settings.as_deref().ok_or(MailError::NotConfigured)
    }
}

/// The library bounds how long connecting takes, and nothing else.
async fn in_time<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, MailError>>,
) -> Result<T, MailError> {
    let done = tokio::time::timeout(timeout, work).await;
    done.map_err(|_elapsed| MailError::Silent(timeout))?
}

async fn hand_over(
    settings: &SmtpSettings,
    message: &Message,
) -> Result<AsyncSmtpConnection, MailError> {
    let mut connection = enter(settings).await?;
    let bytes = message.formatted();
    match connection.send(message.envelope(), &bytes).await {
        Ok(_taken) => Ok(connection),
        Err(error) if wants_a_login(&error) => Err(not_admitted(&error, "our way to sign in")),
        // What the library refuses to send: an address that the server cannot take.
        Err(error) if error.is_client() => Err(MailError::Reader),
        Err(error) => Err(match status(&error) {
            Some(status) if error.is_permanent() => MailError::Refused(status),
            _ => trouble(&error),
        }),
    }
}

/// Connects, encrypts and signs in, in this order.
async fn enter(settings: &SmtpSettings) -> Result<AsyncSmtpConnection, MailError> {
    let url = &settings.url;
    let domain = address(&settings.sender).ok_or(MailError::Unwritable("its sender"))?;
    // We are who we say the mail is from: the machine's own name may be nobody's business.
    let name = ClientId::Domain(domain.domain().to_owned());
    let tls = || tls(settings);
    let at_once = match url.encryption {
        Encryption::Always => Some(tls()?),
        Encryption::StartTls | Encryption::None => None,
    };
    let server = (url.host.as_str(), url.port);
    let connecting =
        AsyncSmtpConnection::connect_tokio1(server, Some(settings.timeout), &name, at_once, None);
    let mut connection = connecting
        .await
        .map_err(|error| not_admitted(&error, "SMTP"))?;
    if url.encryption == Encryption::StartTls {
        let encrypting = connection.starttls(tls()?, &name);
        encrypting
            .await
            .map_err(|error| not_admitted(&error, "STARTTLS"))?;
    }
    if let Some(Login { user, password }) = &url.login {
        let password = password.expose_secret().to_owned();
        let credentials = Credentials::new(user.clone(), password);
        let signing_in = connection.auth(&MECHANISMS, &credentials);
        signing_in
            .await
            .map_err(|error| not_admitted(&error, "our way to sign in"))?;
    }
    Ok(connection)
}

fn tls(settings: &SmtpSettings) -> Result<TlsParameters, MailError> {
    let unusable = |_error| MailError::Unwritable("the certificates of the authorities");
    let mut parameters = TlsParameters::builder(settings.url.host.clone());
    for authority in &settings.authorities {
        let certificate = Certificate::from_der(authority.0.clone()).map_err(unusable)?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build().map_err(unusable)
}

/// Whatever a server says once it has the mail, it has it.
async fn good_bye(mut connection: AsyncSmtpConnection) {
    let _ = tokio::time::timeout(GOOD_BYE, connection.quit()).await;
}

/// What went wrong before a mail was spoken of: no reader's fault.
fn not_admitted(error: &SmtpError, missing: &'static str) -> MailError {
    match status(error) {
        Some(status) if error.is_permanent() => MailError::NotAdmitted(status),
        None if error.is_client() => MailError::NotOffered(missing),
        _ => trouble(error),
    }
}

/// Answers to a mail that are about who sends it (RFC 4954).
fn wants_a_login(error: &SmtpError) -> bool {
    matches!(code(error), Some(530 | 534 | 535 | 538))
}

/// What may be over another time.
fn trouble(error: &SmtpError) -> MailError {
    if let Some(status) = status(error) {
        return MailError::Postponed(status);
    }
    if error.is_response() {
        // The library would repeat the answer.
        return MailError::Unreachable("it went away, or its answer cannot be read".to_owned());
    }
    MailError::Unreachable(error.to_string())
}

fn code(error: &SmtpError) -> Option<u16> {
    error.status().map(u16::from)
}

fn status(error: &SmtpError) -> Option<Status> {
    let answer = std::error::Error::source(error).map(ToString::to_string);
    Some(Status::of(code(error)?, &answer.unwrap_or_default()))
}

//! Where the mail server is, and how it is talked to.

use std::{fmt, str::FromStr, time::Duration};

use kernel::EmailAddress;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

/// How mails are sent.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The mail server.
    pub url: SmtpUrl,
    /// The platform's address, from which every mail comes.
    pub sender: EmailAddress,
    /// How long handing over a mail may take, from connecting on.
    pub timeout: Duration,
    /// Whose certificates count besides those that browsers trust.
    pub authorities: Vec<Authority>,
}

/// Who signs certificates: a certificate in DER.
#[derive(Clone, Debug)]
pub struct Authority(pub Vec<u8>);

/// A mail server: `smtps://user:password@host:port`.
///
/// | scheme | port | |
/// | --- | --- | --- |
/// | `smtps` | 465 | encrypted from the first byte |
/// | `smtp+starttls` | 587 | encrypted before anything is said, or not used |
/// | `smtp` | 25 | not encrypted; no password goes over it, unless to this machine |
#[derive(Clone)]
pub struct SmtpUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encryption: Encryption,
    pub(crate) login: Option<Login>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    Always,
    StartTls,
    None,
}

#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

/// What is no address of a mail server. None repeats it, for it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmtpUrlError {
    /// It is not of the form.
    #[error(
        "it must be of the form smtps://user:password@host:port, smtp+starttls://… or smtp://host"
    )]
    Form,
    /// A user without a password, or the other way round.
    #[error("a user needs a password, and a password a user")]
    HalfALogin,
    /// A password that everybody on the way could read.
    #[error("a password goes over smtps:// or smtp+starttls:// only, unless to this machine")]
    PlainPassword,
}

impl FromStr for SmtpUrl {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let url = Url::parse(text).map_err(|_repeats_it| SmtpUrlError::Form)?;
        let (encryption, usual_port) = match url.scheme() {
            "smtps" => (Encryption::Always, 465),
            "smtp+starttls" => (Encryption::StartTls, 587),
            "smtp" => (Encryption::None, 25),
            _ => return Err(SmtpUrlError::Form),
        };
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
        let (host, is_here) = host(&url).filter(|_| is_bare).ok_or(SmtpUrlError::Form)?;
        let login = login(&url)?;
        if login.is_some() && encryption == Encryption::None && !is_here {
            return Err(SmtpUrlError::PlainPassword);
        }
        Ok(Self {
            host,
            port: url.port().unwrap_or(usual_port),
            encryption,
            login,
        })
    }
}

/// The host, and whether it is this machine. Schemes that browsers do not know keep theirs as it was
/// written, addresses too.
fn host(url: &Url) -> Option<(String, bool)> {
    Some(match url.host()? {
        Host::Ipv4(address) => (address.to_string(), address.is_loopback()),
        Host::Ipv6(address) => (address.to_string(), address.is_loopback()),
        Host::Domain(name) => match Host::parse(name).ok()? {
            Host::Ipv4(address) => (address.to_string(), address.is_loopback()),
            Host::Ipv6(address) => (address.to_string(), address.is_loopback()),
            Host::Domain(name) => {
                let is_here = name == "localhost";
                (name, is_here)
            }
        },
    })
}

fn login(url: &Url) -> Result<Option<Login>, SmtpUrlError> {
    let decoded = |text| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map_err(|_repeats_it| SmtpUrlError::Form)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(SmtpUrlError::HalfALogin),
        (user, Some(password)) => Ok(Some(Login {
            user: decoded(user)?.into_owned(),
            password: SecretString::from(decoded(password)?.into_owned()),
        })),
    }
}

/// Without the login.
impl fmt::Display for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.encryption {
            Encryption::Always => "smtps",
            Encryption::StartTls => "smtp+starttls",
            Encryption::None => "smtp",
        };
        let is_ipv6 = self.host.contains(':');
        let (open, close) = if is_ipv6 { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}:{}", self.host, self.port)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(text: &str) -> SmtpUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_url_says_where_how_and_who() {
        for (text, shown) in [
            ("smtps://mail.example", "smtps://mail.example:465"),
            ("smtps://MAIL.example:2465/", "smtps://mail.example:2465"),
            (
                "smtp+starttls://mail.example",
                "smtp+starttls://mail.example:587",
            ),
            ("smtp://127.0.0.1:2525", "smtp://127.0.0.1:2525"),
            ("smtp://[::1]", "smtp://[::1]:25"),
            ("smtp://müller.example", "smtp://xn--mller-kva.example:25"),
        ] {
            assert_eq!(read(text).to_string(), shown);
        }
        let login = read("smtps://jane%40acme.example:p%3Aa%2Fs@h")
            .login
            .unwrap();
        assert_eq!(login.user, "jane@acme.example");
        assert_eq!(login.password.expose_secret(), "p:a/s");
    }

    #[test]
    fn a_password_goes_nowhere_in_the_clear() {
        let refused = |text: &str| text.parse::<SmtpUrl>().unwrap_err();
        for text in ["smtp://u:p@mail.example", "smtp://u:p@192.0.2.1:25"] {
            assert_eq!(refused(text), SmtpUrlError::PlainPassword, "{text}");
        }
        for text in [
            "smtp://u:p@127.0.0.1",
            "smtp://u:p@localhost",
            "smtp://u:p@[::1]",
        ] {
            assert!(read(text).login.is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_without_being_repeated() {
        for text in [
            "hunter2",
            "http://u:hunter2@h",
            "smtps:hunter2",
            "smtps://h/hunter2",
            "smtps://h?password=hunter2",
            "smtps://u:hunter2@h:99999",
            "smtps://u:hunter2%FF@h",
        ] {
            let error = text.parse::<SmtpUrl>().unwrap_err();
            assert_eq!(error, SmtpUrlError::Form, "{text}");
            assert!(!error.to_string().contains("hunter2"));
        }
        for text in ["smtps://u@h", "smtps://:hunter2@h"] {
            let error = text.parse::<SmtpUrl>().unwrap_err();
            assert_eq!(error, SmtpUrlError::HalfALogin, "{text}");
        }
    }

    #[test]
    fn settings_do_not_show_the_login() {
        let settings = SmtpSettings {
            url: read("smtps://someone:hunter2@mail.example"),
            sender: "no-reply@hrms.example".parse().unwrap(),
            timeout: Duration::from_secs(1),
            authorities: Vec::new(),
        };
        let shown = format!("{settings:?} {}", settings.url);
        assert!(
            !shown.contains("hunter2") && !shown.contains("someone"),
            "{shown}"
        );
    }
}

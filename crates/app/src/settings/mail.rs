//! Values that mails have.

use std::{fmt, str::FromStr};

use kernel::{EmailAddress, Slug};
use mail::SmtpUrl;
use secrecy::{ExposeSecret as _, SecretString};
use toml::Value;

use super::value::{Given, Setting, WebOrigin};

impl Setting for EmailAddress {
    fn allowed() -> String {
        "an address such as `no-reply@hr.example.com`, without a name".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        given.parse()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.as_str()))
    }
}

/// What links in mails begin with: `https://hr.example.com`, or `https://{tenant}.hr.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLinks(String);

/// What stands for the tenant's short name.
const TENANT: &str = "{tenant}";

impl MailLinks {
    /// As a tenant has them.
    pub fn of(&self, tenant: &Slug) -> String {
        self.0.replace(TENANT, tenant.as_str())
    }
}

/// A text that is no [`MailLinks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("links begin with a scheme and a host")]
pub struct NoMailLinks;

impl FromStr for MailLinks {
    type Err = NoMailLinks;

    fn from_str(text: &str) -> Result<Self, NoMailLinks> {
        // As any tenant has them, they are where a web page is.
        let example = text.replace(TENANT, "t");
        let origin = example.parse::<WebOrigin>();
        origin.map_err(|_no_origin| NoMailLinks)?;
        // To a URL a brace is a letter like any other.
        if example.contains(['{', '}']) {
            return Err(NoMailLinks);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MailLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for MailLinks {
    fn allowed() -> String {
        "an address such as `https://hr.example.com` or `https://{tenant}.hr.example.com`, without \
         a path"
            .to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        given.parse()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.to_string()))
    }
}

/// Whether a secret is the URL of a mail server.
pub(super) fn is_mail_url(secret: &SecretString) -> bool {
    secret.expose_secret().parse::<SmtpUrl>().is_ok()
}

pub(super) const NO_MAIL_URL: &str = "allowed is a URL of the form smtps://user:password@host:port or smtp+starttls://…, and \
     smtp://host:port without a password or to this machine";

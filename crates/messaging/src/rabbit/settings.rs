//! Where RabbitMQ is, and how long it is waited for.

use std::time::Duration;

use lapin::uri::AMQPUri;
use secrecy::{ExposeSecret as _, SecretString};

use super::dial::Dialer;
use crate::Backoff;

/// The server proposes a minute; a peer that vanished is to be missed sooner.
const HEARTBEAT_SECS: u16 = 10;

/// How RabbitMQ is used.
#[derive(Clone, Debug)]
pub struct RabbitSettings {
    /// `amqp://` or `amqps://`, with user, password and virtual host.
    pub url: SecretString,
    /// What the names of queues and exchanges have in them, so that several installations can
    /// share a virtual host: 1 to 64 small letters, digits, hyphens and underscores.
    pub prefix: String,
    /// How long each call may take.
    pub patience: Duration,
    /// How long a batch may take to be confirmed.
    pub confirm_patience: Duration,
    /// How long to wait before connecting again: between half of its longest wait and all of it.
    pub backoff: Backoff,
}

impl RabbitSettings {
    /// With 5 seconds for each call and each batch, and half a second to 30 between attempts.
    pub fn new(url: SecretString, prefix: impl Into<String>) -> Self {
        Self {
            url,
            prefix: prefix.into(),
            patience: Duration::from_secs(5),
            confirm_patience: Duration::from_secs(5),
            backoff: Backoff {
                base: Duration::from_secs(1),
                cap: Duration::from_secs(30),
            },
        }
    }

    pub(super) fn dialer(&self) -> Result<Dialer, RabbitSettingsError> {
        let url = self.url.expose_secret();
        // What the parser says would repeat the URL.
        let parsed = url.parse::<AMQPUri>();
        let mut uri = parsed.map_err(|_repeats_it| RabbitSettingsError::Url)?;
        // The parser would go to localhost instead, with the password.
        if url.contains('[') || uri.authority.host.is_empty() {
            return Err(RabbitSettingsError::Host);
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECS);
        Ok(Dialer {
            uri,
            patience: self.patience,
            backoff: self.backoff,
        })
    }
}

/// What settings cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RabbitSettingsError {
    /// The URL cannot be read.
    #[error("the URL of RabbitMQ is none: amqp://user:password@host:port/virtual-host")]
    Url,
    /// The host cannot be used.
    #[error("the URL of RabbitMQ needs a host: a name or an IPv4 address")]
    Host,
    /// The prefix is not of the pattern.
    #[error("the prefix has 1 to 64 small letters, digits, hyphens and underscores")]
    Prefix,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> RabbitSettingsError {
        let settings = RabbitSettings::new(url.to_owned().into(), "x");
        settings.dialer().err().unwrap()
    }

    #[test]
    fn a_url_that_is_none_is_refused_without_being_repeated() {
        for url in ["hunter2", "http://u:hunter2@h/", "amqp:hunter2"] {
            assert_eq!(refusal(url), RabbitSettingsError::Url);
            assert!(!refusal(url).to_string().contains("hunter2"));
        }
        assert_eq!(
            refusal("amqp://u:hunter2@[::1]/"),
            RabbitSettingsError::Host
        );
    }

    #[test]
    fn settings_do_not_show_their_password() {
        let settings = RabbitSettings::new("amqp://u:hunter2@h/".to_owned().into(), "x");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn heartbeats_are_asked_for_and_may_be_named() {
        let heartbeat = |url: &str| {
            let settings = RabbitSettings::new(url.to_owned().into(), "x");
            settings.dialer().unwrap().uri.query.heartbeat
        };
        assert_eq!(heartbeat("amqp://u:p@h/"), Some(HEARTBEAT_SECS));
        assert_eq!(heartbeat("amqp://u:p@h/?heartbeat=3"), Some(3));
    }
}

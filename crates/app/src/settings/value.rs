//! From text to values that cannot be wrong, and back.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::{Span, SpanRelativeTo};
use kernel::Placement;
use secrecy::{ExposeSecret, SecretString};
use telemetry::{CollectorUrl, LogFilter, LogFormat};
use toml::Value;
use url::{Host, Url};

/// What was written for a setting: text, also for numbers, or a list of texts.
#[derive(Clone)]
pub(super) enum Given {
    Text(String),
    List(Vec<String>),
}

impl Given {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) => None,
        }
    }

    pub(super) fn parse<T: FromStr>(&self) -> Option<T> {
        self.text()?.parse().ok()
    }
}

/// As it is written in a message; never called for a secret.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "`{text}`"),
            Self::List(texts) => write!(f, "`{}`", texts.join("`, `")),
        }
    }
}

/// A type that a setting may have.
pub(super) trait Setting: Sized {
    /// Whether its value may never be shown.
    const SECRET: bool = false;

    /// What is allowed, to follow "allowed is".
    fn allowed() -> String;

    /// The value, or `None` when it is not allowed.
    fn parse(given: &Given) -> Option<Self>;

    /// As the settings file would have it; `None` when there is nothing.
    fn show(&self) -> Option<Value>;

    /// The value of a setting that has no default and was not given; `None` when it must be.
    fn absent() -> Option<Self> {
        None
    }

    /// Where it stands in a range; `None` for what has no order.
    fn compare(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

macro_rules! whole_number {
    ($($type:ty)*) => {$(
        impl Setting for $type {
            fn allowed() -> String {
                "a whole number".to_owned()
            }

            fn parse(given: &Given) -> Option<Self> {
                given.parse()
            }

            fn show(&self) -> Option<Value> {
                i64::try_from(*self).ok().map(Value::Integer)
            }

            fn compare(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
    )*};
}

whole_number! { u32 u64 usize }

/// A number of threads: a whole number, or `cores` for as many as the machine offers the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoreCount {
    /// One for each core.
    Cores,
    /// So many.
    Exactly(usize),
}

impl CoreCount {
    /// How many that is on this machine, never 0.
    pub fn get(self) -> usize {
        match self {
            Self::Cores => std::thread::available_parallelism().map_or(1, usize::from),
            Self::Exactly(count) => count.max(1),
        }
    }
}

impl Setting for CoreCount {
    fn allowed() -> String {
        "`cores` (one for each) or a whole number".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        match given.text()? {
            "cores" => Some(Self::Cores),
            number => number.parse().ok().map(Self::Exactly),
        }
    }

    fn show(&self) -> Option<Value> {
        match self {
            Self::Cores => Some(Value::from("cores")),
            Self::Exactly(count) => count.show(),
        }
    }

    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Exactly(count), Self::Exactly(bound)) => Some(count.cmp(bound)),
            // As many as there are is within any range.
            _ => Some(Ordering::Equal),
        }
    }
}

impl Setting for bool {
    fn allowed() -> String {
        "`true` or `false`".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        given.parse()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::Boolean(*self))
    }
}

impl Setting for String {
    fn allowed() -> String {
        "a text that is not empty".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        given
            .text()
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.as_str()))
    }
}

impl Setting for PathBuf {
    fn allowed() -> String {
        "the path of a folder".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        String::parse(given).map(Self::from)
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.display().to_string()))
    }
}

impl Setting for SecretString {
    const SECRET: bool = true;

    fn allowed() -> String {
        String::allowed()
    }

    fn parse(given: &Given) -> Option<Self> {
        String::parse(given).map(Self::from)
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from("***"))
    }
}

/// A setting that may be left out, or emptied by a later source.
impl<T: Setting> Setting for Option<T> {
    const SECRET: bool = T::SECRET;

    fn allowed() -> String {
        T::allowed()
    }

    fn parse(given: &Given) -> Option<Self> {
        match given.text() {
            Some("") => Some(None),
            _ => T::parse(given).map(Some),
        }
    }

    fn show(&self) -> Option<Value> {
        self.as_ref().and_then(T::show)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// In the file a list, in the environment separated by commas.
impl<T: Setting> Setting for Vec<T> {
    fn allowed() -> String {
        format!(
            "a list (in the environment with commas) of: {}",
            T::allowed()
        )
    }

    fn parse(given: &Given) -> Option<Self> {
        let parse = |text: &str| T::parse(&Given::Text(text.trim().to_owned()));
        match given {
            Given::Text(text) if text.trim().is_empty() => Some(Self::new()),
            Given::Text(text) => text.split(',').map(parse).collect(),
            Given::List(texts) => texts.iter().map(|text| parse(text)).collect(),
        }
    }

    fn show(&self) -> Option<Value> {
        Some(Value::Array(self.iter().filter_map(T::show).collect()))
    }
}

impl Setting for Duration {
    fn allowed() -> String {
        "a time such as `500ms`, `5s`, `10m`, `12h` or `7d`".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        let span: Span = given.parse()?;
        let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        Self::try_from(duration).ok()
    }

    fn show(&self) -> Option<Value> {
        const UNITS: [(u128, &str); 4] = [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1_000, "s"),
        ];
        let millis = self.as_millis();
        let fits = |(size, _): &&(u128, &str)| millis >= *size && millis.is_multiple_of(*size);
        let (size, unit) = UNITS.iter().find(fits).unwrap_or(&(1, "ms"));
        Some(Value::from(format!("{}{unit}", millis / size)))
    }

    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Setting for SocketAddr {
    fn allowed() -> String {
        "an address and port such as `127.0.0.1:8080` or `[::]:8080`".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        given.parse()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.to_string()))
    }
}

impl Setting for Host {
    fn allowed() -> String {
        "a host name or address without port, such as `hr.example.com`".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        Self::parse(given.text()?).ok()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.to_string()))
    }
}

impl Setting for IpNet {
    fn allowed() -> String {
        "an address or a network such as `10.0.0.0/8` or `fd00::/8`, but not every address"
            .to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        let network = given
            .parse::<Self>()
            .or_else(|| given.parse::<IpAddr>().map(Self::from))?;
        // `10.1.2.3/8` may mean two things, and whoever trusts all trusts strangers.
        (network.trunc() == network && network.prefix_len() > 0).then_some(network)
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.to_string()))
    }
}

/// Where web pages come from, as browsers write it in the header `Origin`:
/// `https://hr.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// As browsers write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no [`WebOrigin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is a scheme, a host and a port that is not its default")]
pub struct NotAnOrigin;

impl FromStr for WebOrigin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_no_url| NotAnOrigin)?;
        let origin = url.origin().ascii_serialization();
        let is_web = matches!(url.scheme(), "http" | "https");
        (is_web && origin == text)
            .then_some(Self(origin))
            .ok_or(NotAnOrigin)
    }
}

impl Setting for WebOrigin {
    fn allowed() -> String {
        "an origin such as `https://hr.example.com`, without a path".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        given.parse()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.as_str()))
    }
}

impl Setting for LogFormat {
    fn allowed() -> String {
        "`json` or `pretty`".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        given.parse()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.to_string()))
    }
}

impl Setting for LogFilter {
    fn allowed() -> String {
        "a level, then `module=level` for some modules, as in `info,employees=debug`".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        given.parse()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.to_string()))
    }
}

impl Setting for CollectorUrl {
    fn allowed() -> String {
        "an address of the form `http://127.0.0.1:4317`".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        given.parse()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(self.to_string()))
    }
}

/// Where a new tenant lives unless something else is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultPlacement {
    /// In a schema of its own.
    Dedicated,
    /// In a schema that it shares.
    Pooled,
}

impl From<DefaultPlacement> for Placement {
    fn from(placement: DefaultPlacement) -> Self {
        match placement {
            DefaultPlacement::Dedicated => Self::Dedicated,
            DefaultPlacement::Pooled => Self::Pooled,
        }
    }
}

impl Setting for DefaultPlacement {
    fn allowed() -> String {
        "`dedicated` (a schema of its own) or `pooled` (a shared one)".to_owned()
    }

    fn parse(given: &Given) -> Option<Self> {
        match given.text()? {
            "dedicated" => Some(Self::Dedicated),
            "pooled" => Some(Self::Pooled),
            _ => None,
        }
    }

    fn show(&self) -> Option<Value> {
        Some(Value::from(match self {
            Self::Dedicated => "dedicated",
            Self::Pooled => "pooled",
        }))
    }
}

/// Whether a secret is the URL of a PostgreSQL database.
pub(super) fn is_database_url(secret: &SecretString) -> bool {
    Url::parse(secret.expose_secret())
        .is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql"))
}

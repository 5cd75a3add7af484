//! A tenant.

use std::{fmt, str::FromStr};

use database::TenantRecord;
use kernel::{Placement, SchemaName, Slug, Subscription, TenantId, TenantStatus, TimeZone};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{HostName, TenancyError};

/// A customer company, as the registry knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Identifies it.
    pub id: TenantId,
    /// Its short name, which never changes.
    pub slug: Slug,
    /// Its name as people write it.
    pub name: String,
    /// Where its tables are.
    pub schema: SchemaName,
    /// Whether it has that schema for itself.
    pub placement: Placement,
    /// What it is going through.
    pub status: TenantStatus,
    /// The language of its mails and pages.
    pub locale: Locale,
    /// Decides which day it is.
    pub time_zone: TimeZone,
    /// How its login page looks.
    pub branding: Branding,
    /// Counts moves, suspensions and renamed domains.
    pub placement_epoch: i64,
    /// Counts what makes its tokens stale.
    pub auth_epoch: i64,
    /// When and why the platform suspended it, if it is suspended.
    pub suspension: Option<Suspension>,
    /// Whether its subscription lets it work.
    pub subscription: Subscription,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
    /// Counts its changes.
    pub version: i64,
}

/// A tenant was put out of service by the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// When.
    pub since: OffsetDateTime,
    /// Why, for those who run the platform.
    pub reason: Option<String>,
}

/// Why a tenant is suspended, for those who run the platform: 1 to 1,000 characters, none of them a
/// control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspensionReason(String);

/// A text that is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to 1,000 characters, none of them a control character")]
pub struct SuspensionReasonError;

impl SuspensionReason {
    /// The reason as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SuspensionReason {
    type Err = SuspensionReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        line(text, 1_000).map(Self).ok_or(SuspensionReasonError)
    }
}

/// A line of text without the blanks around it, if it has so many characters at most and at least
/// one.
fn line(text: &str, most: usize) -> Option<String> {
    let line = text.trim();
    let fits = (1..=most).contains(&line.chars().count()) && line.chars().all(kernel::is_printable);
    fits.then(|| line.to_owned())
}

impl Tenant {
    /// Whether this is the public tenant, whose users run the platform.
    pub fn is_public(&self) -> bool {
        self.schema.as_str() == "public"
    }

    /// Whether requests may enter it.
    ///
    /// # Errors
    /// [`TenancyError::Suspended`], [`TenancyError::Unavailable`].
    pub fn admits_requests(&self) -> Result<(), TenancyError> {
        match self.status {
            TenantStatus::Active => Ok(()),
            TenantStatus::Suspended => Err(TenancyError::Suspended),
            TenantStatus::Creating | TenantStatus::Migrating | TenantStatus::Moving => {
                Err(TenancyError::Unavailable(self.status))
            }
        }
    }

    /// What the doors of the database want to know of it.
    pub(crate) fn record(&self) -> TenantRecord {
        TenantRecord {
            id: self.id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            schema: self.schema.clone(),
            status: self.status,
            time_zone: self.time_zone.clone(),
            locale: self.locale.to_string(),
            placement_epoch: self.placement_epoch,
            auth_epoch: self.auth_epoch,
            subscription: self.subscription,
        }
    }
}

/// What of a tenant can be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantDetails {
    /// Its name as people write it.
    pub name: TenantName,
    /// The language of its mails and pages.
    pub locale: Locale,
    /// Decides which day it is.
    pub time_zone: TimeZone,
    /// How its login page looks.
    pub branding: Branding,
}

impl TenantDetails {
    /// Whether the tenant has them already.
    pub fn are_of(&self, tenant: &Tenant) -> bool {
        self.name.as_str() == tenant.name
            && self.locale == tenant.locale
            && self.time_zone == tenant.time_zone
            && self.branding == tenant.branding
    }
}

/// A host that is registered to a tenant: requests to it are for the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The host.
    pub host: HostName,
    /// When it was registered.
    pub created_at: OffsetDateTime,
}

/// A tenant's name as people write it: 1 to 200 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantName(String);

/// A text that is no name of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant's name has 1 to 200 characters, none of them a control character")]
pub struct TenantNameError;

impl TenantName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantName {
    type Err = TenantNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        line(text, 200).map(Self).ok_or(TenantNameError)
    }
}

/// How a tenant's login page looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branding {
    /// The tenant's colour, in hexadecimal.
    #[serde(default)]
    pub primary_color: Option<String>,
    /// Where its logo lies.
    #[serde(default)]
    pub logo_url: Option<String>,
}

/// Why something cannot be part of a tenant's branding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrandingError {
    /// The colour is none.
    #[error("a colour is written as `#0a7d5c`")]
    Color,
    /// The address of the logo is none from which a browser would load it.
    #[error("the address of a logo begins with `https://` and has at most 2,000 characters")]
    Logo,
}

impl Branding {
    /// Reads a colour: `#` and six hexadecimal digits, kept in lower case.
    ///
    /// # Errors
    /// [`BrandingError::Color`].
    pub fn color(text: &str) -> Result<String, BrandingError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        match digits {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(text.to_ascii_lowercase())
            }
            _ => Err(BrandingError::Color),
        }
    }

    /// Reads the address of a logo. It is shown to everybody who opens the login page, so it is
    /// `https` and holds no password.
    ///
    /// # Errors
    /// [`BrandingError::Logo`].
    pub fn logo(text: &str) -> Result<String, BrandingError> {
        let url = url::Url::parse(text).map_err(|_fault| BrandingError::Logo)?;
        let is_plain =
            url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
        let url = String::from(url);
        if is_plain && url.len() <= 2_000 {
            Ok(url)
        } else {
            Err(BrandingError::Logo)
        }
    }
}

/// A language tag (BCP 47): `en`, `de-AT`, `zh-Hant-TW`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Locale(String);

/// A text that is no language tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a language tag, for example `en` or `de-AT`")]
pub struct LocaleError(String);

impl Locale {
    /// English: the language of a tenant that says nothing.
    pub fn english() -> Self {
        Self("en".to_owned())
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Accepts well-formed tags (RFC 5646, 2.1, without the grandfathered ones): that a language
/// exists is not checked.
impl FromStr for Locale {
    type Err = LocaleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut subtags = text.split('-');
        let is_language = subtags.next().is_some_and(|language| {
            (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_lowercase())
        });
        let are_subtags = subtags.all(|subtag| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if is_language && are_subtags && text.len() <= 35 {
            Ok(Self(text.to_owned()))
        } else {
            Err(LocaleError(text.to_owned()))
        }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_of_text() {
        assert_eq!(
            " Müller & Söhne ".parse::<TenantName>().unwrap().as_str(),
            "Müller & Söhne"
        );
        for bad in ["", "  ", "a\nb", "a\u{0}", &"a".repeat(201)] {
            assert!(bad.parse::<TenantName>().is_err(), "{bad}");
        }
        assert!("a".repeat(1_000).parse::<SuspensionReason>().is_ok());
        assert!("a".repeat(1_001).parse::<SuspensionReason>().is_err());
    }

    #[test]
    fn a_colour_has_six_digits_and_a_logo_comes_over_https() {
        assert_eq!(Branding::color("#0A7D5c").unwrap(), "#0a7d5c");
        for bad in ["", "0a7d5c", "#0a7", "#0a7d5g", "#0a7d5cff", "red", "#ääé"] {
            assert!(Branding::color(bad).is_err(), "{bad}");
        }
        let logo = "https://acme.example/logo.svg?v=2";
        assert_eq!(Branding::logo(logo).unwrap(), logo);
        let long = format!("https://acme.example/{}", "a".repeat(2_000));
        for bad in [
            "",
            "logo.svg",
            "http://acme.example/logo.svg",
            "javascript:alert(1)",
            "data:image/png;base64,AA==",
            "https://user:password@acme.example/logo.svg",
            &long,
        ] {
            assert!(Branding::logo(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_locale_is_a_language_tag() {
        for good in ["en", "de-AT", "zh-Hant-TW", "sr-Latn", "de-CH-1996"] {
            assert!(good.parse::<Locale>().is_ok(), "{good}");
        }
        for bad in ["", "e", "EN", "english", "en_US", "en-", "en--US", "de-ÄT"] {
            assert!(bad.parse::<Locale>().is_err(), "{bad}");
        }
    }
}

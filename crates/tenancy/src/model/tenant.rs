//! A tenant.

use std::{fmt, str::FromStr};

use database::TenantRecord;
use kernel::{Placement, SchemaName, Slug, Subscription, TenantId, TenantStatus, TimeZone};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::TenancyError;

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
        let name = text.trim();
        if (1..=200).contains(&name.chars().count()) && !name.contains(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(TenantNameError)
        }
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

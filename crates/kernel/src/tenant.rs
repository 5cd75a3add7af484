//! Names of tenants and of the PostgreSQL schemas they live in.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// A tenant's short name, as in its subdomain: `^[a-z][a-z0-9-]*[a-z0-9]$`, 2 to 40 characters,
/// not a reserved word. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

/// Why a text is not a slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    /// Not of the pattern.
    #[error(
        "a slug has 2 to 40 characters: lower-case letters, digits and hyphens, beginning with a \
         letter and not ending with a hyphen"
    )]
    Malformed,
    /// A word that the platform keeps for itself.
    #[error("this slug is reserved")]
    Reserved,
}

/// Words that would be confused with the platform's own hosts and schemas.
const RESERVED: &[&str] = &[
    "admin",
    "administrator",
    "api",
    "app",
    "assets",
    "auth",
    "billing",
    "cdn",
    "dashboard",
    "docs",
    "extensions",
    "ftp",
    "health",
    "help",
    "hrms",
    "information-schema",
    "internal",
    "localhost",
    "login",
    "mail",
    "metrics",
    "mx",
    "ns",
    "ns1",
    "ns2",
    "pg-catalog",
    "pg-toast",
    "platform",
    "pool",
    "postgres",
    "public",
    "root",
    "signup",
    "smtp",
    "sso",
    "static",
    "status",
    "support",
    "system",
    "tenant",
    "tenants",
    "test",
    "webhooks",
    "www",
];

impl Slug {
    /// The public tenant's slug, which nobody else can claim.
    pub fn public() -> Self {
        Self("public".to_owned())
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the slug of an existing tenant: reserved words are accepted, for `public` is one.
    pub fn existing(text: &str) -> Result<Self, SlugError> {
        let bytes = text.as_bytes();
        let ends_ok = bytes.first().is_some_and(u8::is_ascii_lowercase)
            && bytes
                .last()
                .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let inner_ok = bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
        if (2..=40).contains(&bytes.len()) && ends_ok && inner_ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(SlugError::Malformed)
        }
    }
}

/// Reads the slug of a new tenant: reserved words are refused.
impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let slug = Self::existing(text)?;
        if RESERVED.contains(&text) {
            Err(SlugError::Reserved)
        } else {
            Ok(slug)
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a schema that holds tenants: `t_…` (dedicated), `pool_0001` (pooled) or `public`.
///
/// It is the one identifier that reaches SQL text, so its characters are `[a-z0-9_]` by
/// construction and it needs no quoting.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SchemaName(String);

/// A text that is not the name of a tenant schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a tenant schema (`t_…`, `pool_0001` or `public`)")]
pub struct SchemaNameError(String);

impl SchemaName {
    /// The schema of a dedicated tenant: `t_<slug>` with underscores for hyphens; the public
    /// tenant's is `public`.
    pub fn dedicated(slug: &Slug) -> Self {
        if slug.as_str() == "public" {
            Self("public".to_owned())
        } else {
            Self(format!("t_{}", slug.as_str().replace('-', "_")))
        }
    }

    /// The schema of the pool with this number, counted from 1 and below 10,000.
    pub fn pool(number: u16) -> Self {
        Self(format!("pool_{number:04}"))
    }

    /// The name as text, safe to write into SQL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SchemaName {
    type Err = SchemaNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let safe = |rest: &str| {
            (1..=40).contains(&rest.len())
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let pool = |number: &str| number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
        let valid = text == "public"
            || text.strip_prefix("t_").is_some_and(safe)
            || text.strip_prefix("pool_").is_some_and(pool);
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(SchemaNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a tenant lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// In a schema of its own.
    Dedicated,
    /// In a schema that it shares with other small tenants.
    Pooled,
}

impl Placement {
    /// The word for the registry and the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dedicated => "dedicated",
            Self::Pooled => "pooled",
        }
    }
}

impl FromStr for Placement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "dedicated" => Ok(Self::Dedicated),
            "pooled" => Ok(Self::Pooled),
            other => Err(format!(
                "`{other}` is not a placement (`dedicated` or `pooled`)"
            )),
        }
    }
}

/// What a tenant is going through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Being provisioned: its slug is claimed, its tables may not exist yet.
    Creating,
    /// In service.
    Active,
    /// Suspended by the platform.
    Suspended,
    /// Its schema is being migrated.
    Migrating,
    /// Moving between placements or cells.
    Moving,
}

impl TenantStatus {
    /// The word for the registry and the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Migrating => "migrating",
            Self::Moving => "moving",
        }
    }
}

impl FromStr for TenantStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "creating" => Ok(Self::Creating),
            "active" => Ok(Self::Active),
            "suspended" => Ok(Self::Suspended),
            "migrating" => Ok(Self::Migrating),
            "moving" => Ok(Self::Moving),
            other => Err(format!("`{other}` is not a state of a tenant")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slugs_follow_the_pattern() {
        for good in ["ab", "acme", "acme-corp", "a1", "a--b", &"a".repeat(40)] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "1a",
            "-a",
            "a-",
            "Acme",
            "a_b",
            "ä1",
            "a b",
            &"a".repeat(41),
        ] {
            assert_eq!(bad.parse::<Slug>(), Err(SlugError::Malformed), "{bad}");
        }
        assert_eq!("platform".parse::<Slug>(), Err(SlugError::Reserved));
    }

    #[test]
    fn a_dedicated_schema_is_named_after_the_slug() {
        let slug: Slug = "acme-corp".parse().unwrap();
        assert_eq!(SchemaName::dedicated(&slug).as_str(), "t_acme_corp");
        assert_eq!(SchemaName::dedicated(&Slug::public()).as_str(), "public");
        assert_eq!(SchemaName::pool(7).as_str(), "pool_0007");
    }

    #[test]
    fn schemas_of_the_platform_are_no_tenant_schemas() {
        for bad in [
            "platform",
            "pg_catalog",
            "t_",
            "t_A",
            "t_a;drop",
            "pool_x",
            "pool_1",
        ] {
            assert!(bad.parse::<SchemaName>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_schema_name_of_a_slug_reads_back(text in "[a-z][a-z0-9-]{0,38}[a-z0-9]") {
            if let Ok(slug) = text.parse::<Slug>() {
                let schema = SchemaName::dedicated(&slug);
                prop_assert_eq!(schema.as_str().parse::<SchemaName>().unwrap(), schema);
            }
        }
    }
}

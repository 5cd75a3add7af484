//! What is shown of tenants and their domains.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use web::Whole;

use crate::{BrandingBody, Domain, Tenant};

/// A tenant, as those who run the platform see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(super) struct TenantBody {
    /// Its identifier.
    id: Uuid,
    /// Its short name, which never changes.
    #[schema(example = "acme")]
    slug: String,
    /// Its name as people write it.
    #[schema(example = "Acme Corporation")]
    name: String,
    /// What it is going through: `creating`, `active`, `suspended`, `migrating` or `moving`.
    #[schema(example = "active")]
    status: &'static str,
    /// Since when it is suspended.
    #[serde(with = "time::serde::rfc3339::option")]
    suspended_at: Option<OffsetDateTime>,
    /// Why it is suspended, for those who run the platform.
    #[schema(example = "Asked for by its managing director")]
    suspension_reason: Option<String>,
    /// How its subscription stands: `active`, `grace` or `expired`. Billing says so.
    #[schema(example = "active")]
    subscription_state: &'static str,
    /// Until when it works though its subscription is over; with `grace` alone.
    #[serde(with = "time::serde::rfc3339::option")]
    grace_until: Option<OffsetDateTime>,
    /// `dedicated`: it has a schema of its own; `pooled`: it shares one.
    #[schema(example = "dedicated")]
    placement: &'static str,
    /// The schema of the database that holds its data.
    #[schema(example = "t_acme")]
    schema_name: String,
    /// The language of its mails and pages (BCP 47).
    #[schema(example = "en")]
    locale: String,
    /// Its IANA time zone.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// How its login page looks.
    branding: BrandingBody,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// Counts its changes, those of its domains among them.
    #[schema(example = 3)]
    version: i64,
}

impl From<Tenant> for TenantBody {
    fn from(tenant: Tenant) -> Self {
        let branding = BrandingBody::from(&tenant.branding);
        let (suspended_at, suspension_reason) = match tenant.suspension {
            Some(suspension) => (Some(suspension.since), suspension.reason),
            None => (None, None),
        };
        Self {
            id: tenant.id.uuid(),
            slug: tenant.slug.to_string(),
            name: tenant.name,
            status: tenant.status.as_str(),
            suspended_at,
            suspension_reason,
            subscription_state: tenant.subscription.as_str(),
            grace_until: tenant.subscription.grace_until(),
            placement: tenant.placement.as_str(),
            schema_name: tenant.schema.to_string(),
            locale: tenant.locale.to_string(),
            time_zone: tenant.time_zone.to_string(),
            branding,
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
            version: tenant.version,
        }
    }
}

impl TenantBody {
    /// The answer with all of it.
    pub(super) fn whole(self) -> Whole<Self> {
        Whole {
            version: self.version,
            body: self,
        }
    }
}

/// A host that is registered to a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Domain)]
pub(super) struct DomainBody {
    /// The host, in lower case; an internationalised name in its `xn--` form.
    #[schema(example = "people.acme.example")]
    pub(super) domain: String,
    /// When it was registered.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Domain> for DomainBody {
    fn from(domain: Domain) -> Self {
        Self {
            domain: domain.host.to_string(),
            created_at: domain.created_at,
        }
    }
}

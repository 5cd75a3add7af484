//! `GET /api/v1/tenant`: what a login page needs before anyone has logged in.

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Json, Problem, ProblemBody, TenantOnly};

use crate::{Branding, Directory, Registered, TenancyError};

/// A tenant, as anybody may know it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantProfile {
    /// Its name as people write it.
    #[schema(example = "Acme Corporation")]
    pub name: String,
    /// Its short name, which never changes.
    #[schema(example = "acme")]
    pub slug: String,
    /// How its login page looks.
    pub branding: BrandingBody,
    /// The language of its mails and pages (BCP 47).
    #[schema(example = "en")]
    pub locale: String,
    /// Its IANA time zone.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
}

/// How a tenant's login page looks.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrandingBody {
    /// The tenant's colour, in hexadecimal.
    #[schema(example = "#0a7d5c")]
    pub primary_color: Option<String>,
    /// Where its logo lies.
    #[schema(example = "https://acme.example/logo.svg")]
    pub logo_url: Option<String>,
}

impl From<&Branding> for BrandingBody {
    fn from(branding: &Branding) -> Self {
        Self {
            primary_color: branding.primary_color.clone(),
            logo_url: branding.logo_url.clone(),
        }
    }
}

impl From<&Registered> for TenantProfile {
    fn from(registered: &Registered) -> Self {
        let tenant = &registered.tenant;
        Self {
            name: tenant.name.clone(),
            slug: tenant.slug.to_string(),
            branding: BrandingBody::from(&tenant.branding),
            locale: tenant.locale.to_string(),
            time_zone: tenant.time_zone.to_string(),
        }
    }
}

/// Show the tenant that this request is for
///
/// Needs no token: a login page asks this first.
#[utoipa::path(
    get,
    path = "/api/v1/tenant",
    tag = "tenant",
    operation_id = "show_tenant",
    extensions(("x-access" = json!("tenant")), ("x-subscription" = json!("exempt"))),
    params(
        ("X-Tenant-Slug" = Option<String>, Header,
         description = "The tenant, unless the host is its own.", example = "acme"),
    ),
    responses(
        (status = 200, description = "The tenant.", body = TenantProfile),
        (status = 400, description = "Header and host name two tenants (`tenant_ambiguous`), or the \
         host cannot be read (`malformed_request`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is suspended (`tenant_suspended`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No tenant is named, or there is none (`tenant_not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "It is being created, migrated or moved \
         (`tenant_unavailable`); `Retry-After` says when to try again.",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/tenant")]
pub(crate) async fn show(
    TenantOnly(context): TenantOnly,
    directory: Data<Directory>,
) -> Result<Json<TenantProfile>, Problem> {
    let registered = directory
        .by_slug(context.slug())
        .await?
        .ok_or(TenancyError::NotFound)?;
    Ok(Json(TenantProfile::from(&*registered)))
}

//! `PATCH /api/v1/platform/tenants/{id}`

use std::{fmt::Display, str::FromStr};

use actix_web::{HttpResponse, patch, web::Data};
use kernel::{FieldErrors, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Id, IfMatch, PatchOf, Problem, ProblemBody};

use super::representation::TenantBody;
use crate::{
    Administration, Branding, Directory, Tenant, TenantDetails, permission::UpdateTenants,
};

/// What can be edited of a tenant.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Tenant)]
pub(super) struct EditableTenant {
    /// Its name as people write it.
    #[schema(example = "Acme Corporation")]
    name: String,
    /// The language of its mails and pages (BCP 47).
    #[schema(example = "de-AT")]
    locale: String,
    /// Its IANA time zone.
    #[schema(example = "Europe/Vienna")]
    time_zone: String,
    /// How its login page looks.
    branding: Option<EditableBranding>,
}

/// What can be edited of a tenant's branding.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BrandingPatch)]
pub(super) struct EditableBranding {
    /// The tenant's colour, `#` and six hexadecimal digits.
    #[schema(example = "#0a7d5c")]
    primary_color: Option<String>,
    /// Where its logo lies; `https` alone.
    #[schema(example = "https://acme.example/logo.svg")]
    logo_url: Option<String>,
}

impl EditableTenant {
    fn of(tenant: &Tenant) -> Self {
        Self {
            name: tenant.name.clone(),
            locale: tenant.locale.to_string(),
            time_zone: tenant.time_zone.to_string(),
            branding: Some(EditableBranding {
                primary_color: tenant.branding.primary_color.clone(),
                logo_url: tenant.branding.logo_url.clone(),
            }),
        }
    }

    fn parse(self) -> Result<TenantDetails, Problem> {
        let mut wrong = FieldErrors::new();
        let name = read(&self.name, "/name", &mut wrong);
        let locale = read(&self.locale, "/locale", &mut wrong);
        let time_zone = read(&self.time_zone, "/time_zone", &mut wrong);
        let branding = self.branding.unwrap_or_default();
        let color = branding.primary_color.as_deref().map(Branding::color);
        let primary_color = noted(color.transpose(), "/branding/primary_color", &mut wrong);
        let logo = branding.logo_url.as_deref().map(Branding::logo);
        let logo_url = noted(logo.transpose(), "/branding/logo_url", &mut wrong);
        match (name, locale, time_zone) {
            (Some(name), Some(locale), Some(time_zone)) if wrong.is_empty() => Ok(TenantDetails {
                name,
                locale,
                time_zone,
                branding: Branding {
                    primary_color: primary_color.flatten(),
                    logo_url: logo_url.flatten(),
                },
            }),
            _ => Err(Problem::invalid(wrong.into_vec())),
        }
    }
}

fn read<T: FromStr<Err: Display>>(text: &str, pointer: &str, wrong: &mut FieldErrors) -> Option<T> {
    noted(text.parse(), pointer, wrong)
}

fn noted<T, E: Display>(read: Result<T, E>, pointer: &str, wrong: &mut FieldErrors) -> Option<T> {
    read.map_err(|error| wrong.push(pointer, "invalid", error.to_string()))
        .ok()
}

/// Change a tenant
///
/// A merge patch (RFC 7396): what is absent stays, `null` clears. Its slug never changes; its status
/// is changed by `suspend` and `resume`, its subscription by billing.
#[utoipa::path(
    patch,
    path = "/api/v1/platform/tenants/{id}",
    tag = "platform",
    operation_id = "update_tenant",
    extensions(("x-permission" = json!("platform:update_tenants"))),
    params(("id" = uuid::Uuid, Path, description = "The tenant.")),
    request_body(content = PatchOf<EditableTenant>, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The tenant as it is now.", body = TenantBody,
         headers(("ETag" = String, description = "The new version."))),
        (status = 404, description = "No such tenant (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is being created (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It was changed since (`version_mismatch`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing (`precondition_required`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[patch("/api/v1/platform/tenants/{id}")]
pub(super) async fn update_tenant(
    Allowed(permit): Allowed<UpdateTenants>,
    change: Change,
    Id(id): Id<TenantId>,
    if_match: IfMatch,
    draft: Draft<EditableTenant>,
    administration: Data<Administration>,
    directory: Data<Directory>,
) -> Result<HttpResponse, Problem> {
    let answer = change.run(async |tx| {
        let locked = administration.lock(&permit, tx, id).await?;
        if_match.check(locked.tenant().version)?;
        let current = EditableTenant::of(locked.tenant());
        let wanted = draft.merged(&current, EditableTenant::parse)?;
        let changed = administration.change(tx, locked, &wanted).await?;
        Ok(TenantBody::from(changed).whole())
    });
    let answer = answer.await?;
    directory.catch_up().await;
    Ok(answer)
}

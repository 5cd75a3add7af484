//! `POST /api/v1/platform/tenants/{id}/suspend`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{FieldError, TenantId};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Id, Problem, ProblemBody};

use super::representation::TenantBody;
use crate::{
    Administration, Directory, SuspensionReason, SuspensionReasonError, permission::SuspendTenants,
};

/// Why a tenant is suspended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantSuspension)]
pub(super) struct SuspensionCommand {
    /// Why, for those who run the platform: the tenant is not told.
    #[schema(example = "Asked for by its managing director")]
    reason: Option<String>,
}

impl SuspensionCommand {
    fn parse(self) -> Result<Option<SuspensionReason>, Problem> {
        let reason = self.reason.as_deref().map(str::parse).transpose();
        reason.map_err(|error: SuspensionReasonError| {
            let wrong = FieldError::new("/reason", "invalid", error.to_string());
            Problem::invalid(vec![wrong])
        })
    }
}

/// Suspend a tenant
///
/// Within a second (15 at most, when a process cannot hear of it) every request to it is refused with
/// 403 `tenant_suspended`, signing in included. Its data stays as it is. The public tenant cannot be
/// suspended.
#[utoipa::path(
    post,
    path = "/api/v1/platform/tenants/{id}/suspend",
    tag = "platform",
    operation_id = "suspend_tenant",
    extensions(("x-permission" = json!("platform:suspend_tenants"))),
    params(("id" = uuid::Uuid, Path, description = "The tenant.")),
    request_body = SuspensionCommand,
    responses(
        (status = 200, description = "The tenant as it is now.", body = TenantBody,
         headers(("ETag" = String, description = "The new version."))),
        (status = 404, description = "No such tenant (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is the public tenant, suspended already, or being created, \
         migrated or moved (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The reason is wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/platform/tenants/{id}/suspend")]
pub(super) async fn suspend_tenant(
    Allowed(permit): Allowed<SuspendTenants>,
    change: Change,
    Id(id): Id<TenantId>,
    draft: Draft<SuspensionCommand>,
    administration: Data<Administration>,
    directory: Data<Directory>,
) -> Result<HttpResponse, Problem> {
    let answer = change.run(async |tx| {
        let locked = administration.lock(&permit, tx, id).await?;
        let reason = draft.read(SuspensionCommand::parse)?;
        let suspended = administration.suspend(tx, locked, reason.as_ref()).await?;
        Ok(TenantBody::from(suspended).whole())
    });
    let answer = answer.await?;
    directory.catch_up().await;
    Ok(answer)
}

//! `POST /api/v1/platform/tenants/{id}/resume`

use actix_web::{HttpResponse, post, web::Data};
use kernel::TenantId;
use web::{Allowed, Change, Id, Problem, ProblemBody};

use super::representation::TenantBody;
use crate::{Administration, Directory, permission::SuspendTenants};

/// Resume a tenant
///
/// Lets a suspended tenant in again. Access tokens from before its suspension stay refused (401
/// `token_stale`): clients refresh, or sign in.
#[utoipa::path(
    post,
    path = "/api/v1/platform/tenants/{id}/resume",
    tag = "platform",
    operation_id = "resume_tenant",
    extensions(("x-permission" = json!("platform:suspend_tenants"))),
    params(("id" = uuid::Uuid, Path, description = "The tenant.")),
    responses(
        (status = 200, description = "The tenant as it is now.", body = TenantBody,
         headers(("ETag" = String, description = "The new version."))),
        (status = 404, description = "No such tenant (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is not suspended (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/platform/tenants/{id}/resume")]
pub(super) async fn resume_tenant(
    Allowed(permit): Allowed<SuspendTenants>,
    change: Change,
    Id(id): Id<TenantId>,
    administration: Data<Administration>,
    directory: Data<Directory>,
) -> Result<HttpResponse, Problem> {
    let answer = change.run(async |tx| {
        let locked = administration.lock(&permit, tx, id).await?;
        let resumed = administration.resume(tx, locked).await?;
        Ok(TenantBody::from(resumed).whole())
    });
    let answer = answer.await?;
    directory.catch_up().await;
    Ok(answer)
}

//! `GET /api/v1/platform/tenants/{id}`

use actix_web::{get, web::Data};
use kernel::TenantId;
use web::{Allowed, Id, Problem, ProblemBody, Rendered, View, ViewParameters};

use super::{list_tenants::TenantList, representation::TenantBody};
use crate::{Administration, permission::ReadTenants};

/// Show a tenant
#[utoipa::path(
    get,
    path = "/api/v1/platform/tenants/{id}",
    tag = "platform",
    operation_id = "show_platform_tenant",
    extensions(("x-permission" = json!("platform:read_tenants"))),
    params(("id" = uuid::Uuid, Path, description = "The tenant."), ViewParameters<TenantList>),
    responses(
        (status = 200, description = "The tenant.", body = TenantBody,
         headers(("ETag" = String, description = "The version, for `If-Match` and `If-None-Match`."))),
        (status = 304, description = "The client holds this version (`If-None-Match`)."),
        (status = 404, description = "No such tenant (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/platform/tenants/{id}")]
pub(super) async fn show_tenant(
    Allowed(permit): Allowed<ReadTenants>,
    Id(id): Id<TenantId>,
    view: View<TenantList>,
    administration: Data<Administration>,
) -> Result<Rendered, Problem> {
    let tenant = administration.tenant(&permit, id).await?;
    let version = tenant.version;
    view.answer(TenantBody::from(tenant), Some(version))
}

//! `GET /api/v1/platform/tenants`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{ListSpec, Position};
use web::{Allowed, List, ListParameters, Listed, Listing, Problem, ProblemBody};

use super::representation::TenantBody;
use crate::{Administration, lists, permission::ReadTenants};

/// Tenants, listed and shown.
pub(super) struct TenantList;

impl Listed for TenantList {
    const SPEC: ListSpec = lists::TENANTS;
    type Key = Position;
    const FILE: &'static str = "tenants";
}

/// List tenants
///
/// Sorted by slug unless `sort` says otherwise; the public tenant is one of them.
#[utoipa::path(
    get,
    path = "/api/v1/platform/tenants",
    tag = "platform",
    operation_id = "list_tenants",
    extensions(("x-permission" = json!("platform:read_tenants"))),
    params(ListParameters<TenantList>),
    responses(
        (status = 200, description = "One page of tenants; as CSV the whole list.",
         content((List<TenantBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/platform/tenants")]
pub(super) async fn list_tenants(
    Allowed(permit): Allowed<ReadTenants>,
    listing: Listing<TenantList>,
    administration: Data<Administration>,
) -> Result<HttpResponse, Problem> {
    listing
        .answer(async move |query, page| {
            let found = administration.tenants(&permit, query, page).await?;
            Ok(found.map(TenantBody::from))
        })
        .await
}

//! `GET /api/v1/platform/tenants/{id}/domains`

use actix_web::{HttpResponse, get, web::Data};
use kernel::{ListSpec, TenantId};
use web::{Allowed, Id, List, ListParameters, Listed, Listing, Problem, ProblemBody};

use super::representation::DomainBody;
use crate::{Administration, lists, permission::ReadTenants};

/// A tenant's domains, by name.
struct DomainList;

impl Listed for DomainList {
    const SPEC: ListSpec = lists::DOMAINS;
    type Key = String;
    const FILE: &'static str = "domains";
}

/// List a tenant's domains
///
/// The hosts that are registered to it, by name. Its subdomain of a base domain is none of them: that
/// one follows from its slug.
#[utoipa::path(
    get,
    path = "/api/v1/platform/tenants/{id}/domains",
    tag = "platform",
    operation_id = "list_domains",
    extensions(("x-permission" = json!("platform:read_tenants"))),
    params(("id" = uuid::Uuid, Path, description = "The tenant."), ListParameters<DomainList>),
    responses(
        (status = 200, description = "One page of domains; as CSV the whole list.",
         content((List<DomainBody> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`), or \
         the cursor belongs to another list (`invalid_cursor`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such tenant (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/platform/tenants/{id}/domains")]
pub(super) async fn list_domains(
    Allowed(permit): Allowed<ReadTenants>,
    Id(id): Id<TenantId>,
    listing: Listing<DomainList>,
    administration: Data<Administration>,
) -> Result<HttpResponse, Problem> {
    listing
        .answer(async move |_query, page| {
            let found = administration.domains(&permit, id, page).await?;
            Ok(found.map(DomainBody::from))
        })
        .await
}

//! `DELETE /api/v1/platform/tenants/{id}/domains/{domain}`

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, HttpResponse, delete, dev::Payload, web::Data};
use kernel::TenantId;
use web::{Allowed, Change, Id, IfMatch, NoContent, Problem, ProblemBody};

use crate::{Administration, Directory, HostName, permission::UpdateTenants};

/// The domain in the path: `{domain}`.
#[derive(Debug)]
pub(super) struct DomainInPath(HostName);

impl FromRequest for DomainInPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let text = request.match_info().get("domain").unwrap_or_default();
        let host = HostName::written(text).map(Self);
        ready(host.map_err(|error| Problem::parameter("domain", error.to_string())))
    }
}

/// Take a domain from a tenant
///
/// `If-Match` names the version of the tenant, which counts its domains as well. The last domain may
/// go too: the tenant's slug and its subdomain still lead to it.
#[utoipa::path(
    delete,
    path = "/api/v1/platform/tenants/{id}/domains/{domain}",
    tag = "platform",
    operation_id = "remove_domain",
    extensions(("x-permission" = json!("platform:update_tenants"))),
    params(
        ("id" = uuid::Uuid, Path, description = "The tenant."),
        ("domain" = String, Path, description = "The domain.", example = "people.acme.example"),
    ),
    responses(
        (status = 204, description = "It is the tenant's no more."),
        (status = 404, description = "No such tenant, or the domain is not registered to it \
         (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The tenant is being created (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "The tenant was changed since (`version_mismatch`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "By this domain the platform itself is reached \
         (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing (`precondition_required`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[delete("/api/v1/platform/tenants/{id}/domains/{domain}")]
pub(super) async fn remove_domain(
    Allowed(permit): Allowed<UpdateTenants>,
    change: Change,
    Id(id): Id<TenantId>,
    DomainInPath(host): DomainInPath,
    if_match: IfMatch,
    administration: Data<Administration>,
    directory: Data<Directory>,
) -> Result<HttpResponse, Problem> {
    let answer = change.run(async |tx| {
        let locked = administration.lock(&permit, tx, id).await?;
        let version = locked.tenant().version;
        // Whether the domain is there comes first; what is refused after that did not happen.
        administration.remove_domain(tx, locked, &host).await?;
        if_match.check(version)?;
        Ok(NoContent)
    });
    let answer = answer.await?;
    directory.catch_up().await;
    Ok(answer)
}

//! `POST /api/v1/platform/tenants/{id}/domains`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{FieldError, TenantId};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Allowed, Change, Created, Draft, Id, Problem, ProblemBody};

use super::representation::DomainBody;
use crate::{Administration, Directory, HostName, permission::UpdateTenants};

/// A domain to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDomain {
    /// The host, without port; upper case, a final dot and other letters than ASCII are understood.
    #[schema(example = "people.acme.example")]
    domain: String,
}

impl NewDomain {
    fn parse(&self) -> Result<HostName, Problem> {
        HostName::written(&self.domain).map_err(|error| {
            let wrong = FieldError::new("/domain", "invalid", error.to_string());
            Problem::invalid(vec![wrong])
        })
    }
}

/// Register a domain to a tenant
///
/// Requests to this host are the tenant's from then on; whoever runs the host's DNS and its
/// certificate lets it lead here. A host that the platform itself answers to, or that lies below a
/// base domain, where slugs decide, is refused.
#[utoipa::path(
    post,
    path = "/api/v1/platform/tenants/{id}/domains",
    tag = "platform",
    operation_id = "add_domain",
    extensions(("x-permission" = json!("platform:update_tenants"))),
    params(("id" = uuid::Uuid, Path, description = "The tenant.")),
    request_body = NewDomain,
    responses(
        (status = 201, description = "Registered.", body = DomainBody,
         headers(("Location" = String, description = "The path of the domain."))),
        (status = 404, description = "No such tenant (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The domain is registered already, to this tenant or to another \
         one (`conflict`); or the tenant is being created (`state_conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "It is no domain, or the platform's own (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/platform/tenants/{id}/domains")]
pub(super) async fn add_domain(
    Allowed(permit): Allowed<UpdateTenants>,
    change: Change,
    Id(id): Id<TenantId>,
    draft: Draft<NewDomain>,
    administration: Data<Administration>,
    directory: Data<Directory>,
) -> Result<HttpResponse, Problem> {
    let answer = change.run(async |tx| {
        let locked = administration.lock(&permit, tx, id).await?;
        let host = draft.read(|new| new.parse())?;
        let added = administration.add_domain(tx, locked, host).await?;
        let body = DomainBody::from(added);
        Ok(Created {
            location: format!("/api/v1/platform/tenants/{id}/domains/{}", body.domain),
            version: None,
            body,
        })
    });
    let answer = answer.await?;
    directory.catch_up().await;
    Ok(answer)
}

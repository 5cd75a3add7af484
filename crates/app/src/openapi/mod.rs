//! The API's description, from the code.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod errors;
mod examples;
mod headers;
mod operation;
mod page;
mod refusals;
#[cfg(test)]
mod tests;
mod tidy;
#[cfg(test)]
mod written;

use actix_web::{
    App, HttpResponse, get,
    web::{Bytes, Data},
};
use serde_json::Value;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        InfoBuilder, License, Server,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};
use utoipa_actix_web::{AppExt as _, service_config::ServiceConfig};
use web::{FieldProblem, ProblemBody};

use crate::routes;

/// The description as it is served.
#[derive(Clone, Debug)]
pub(crate) struct Description(Bytes);

impl Description {
    /// Takes the document.
    ///
    /// # Errors
    /// Never for the document of [`document`].
    pub(crate) fn new(document: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::to_vec(document)?.into()))
    }
}

const DESCRIPTION: &str = "Human resources for many companies, each alone with its data.\n\n\
    Name your company with the header `X-Tenant-Slug` or by its own host, sign in with \
    `POST /api/v1/auth/login`, and send the access token as `Authorization: Bearer …`. Every error \
    is a problem document (RFC 9457) with a stable code in `error`.";

/// The groups of operations.
const TAGS: [(&str, &str); 11] = [
    ("auth", "Signing in and out, and who is signed in."),
    ("tenant", "The company that is asked for."),
    ("employees", "People, and what they work as."),
    ("organisation", "Departments, job titles and locations."),
    ("imports", "Bringing in many at once."),
    ("events", "What happened, in one order without gaps."),
    ("audit", "Who did what, and the proof of it."),
    ("jobs", "Long work: how far it is, and what came of it."),
    ("platform", "All companies, for those who run the platform."),
    ("health", "How the platform is."),
    (
        "documentation",
        "This description, and a page to read it on.",
    ),
];

/// The OpenAPI 3.1 document of every route.
///
/// What every operation has in common is added here, once (`operation.rs`). `./just openapi` writes
/// it to `docs/openapi/v1.json`; a test compares the two.
pub fn document() -> Value {
    let (_app, mut api) = App::new()
        .into_utoipa_app()
        .configure(routes::configure)
        .split_for_parts();
    api.info = InfoBuilder::new()
        .title("HRMS")
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(License::new("Apache-2.0")))
        .description(Some(DESCRIPTION))
        .build();
    let components = api.components.get_or_insert_default();
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .build(),
        ),
    );
    components
        .schemas
        .insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    components
        .schemas
        .insert(FieldProblem::name().into_owned(), FieldProblem::schema());
    api.tags = Some(
        TAGS.map(|(name, description)| {
            TagBuilder::new()
                .name(name)
                .description(Some(description))
                .build()
        })
        .into(),
    );
    api.servers = Some(vec![Server::new("/")]);
    // Serialising the document cannot fail; an empty one has no routes and keeps the API from
    // starting.
    let mut document = serde_json::to_value(api).unwrap_or_default();
    tidy::tidy(&mut document);
    let schemas = document.pointer("/components/schemas").cloned();
    let schemas = schemas.unwrap_or_default();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, operations) in paths.into_iter().flatten() {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            operation::complete(method, path, operation, &schemas);
        }
    }
    let components = document
        .get_mut("components")
        .and_then(Value::as_object_mut);
    if let Some(components) = components {
        components.insert("headers".to_owned(), headers::components());
        components.insert("examples".to_owned(), refusals::examples());
    }
    refusals::share(&mut document);
    document
}

/// Adds the route.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(openapi);
    page::configure(config);
}

/// Describe this API
///
/// OpenAPI 3.1, generated from the code.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "documentation",
    operation_id = "openapi",
    extensions(("x-access" = json!("open"))),
    responses(
        (status = 200, description = "The description.", body = inline(serde_json::Value),
         example = json!({ "openapi": "3.1.0", "info": {}, "paths": {}, "components": {} })),
    ),
)]
#[get("/api/openapi.json")]
pub(crate) async fn openapi(description: Data<Description>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(description.0.clone())
}

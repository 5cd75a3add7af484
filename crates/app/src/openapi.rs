//! The API's description, from the code.

use actix_web::{
    App, HttpResponse, get,
    web::{Bytes, Data},
};
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        InfoBuilder, License,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
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

/// The OpenAPI 3.1 document of every route.
///
/// What every operation has in common is added here, once: who may call it, the tenant's header,
/// the refusals of the pipeline.
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
    // Serialising the document cannot fail; an empty one has no routes and keeps the API from
    // starting.
    let mut document = serde_json::to_value(api).unwrap_or_default();
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        for (method, operation) in paths
            .values_mut()
            .filter_map(Value::as_object_mut)
            .flat_map(Map::iter_mut)
        {
            complete(method, operation);
        }
    }
    document
}

/// Adds to an operation what follows from its method and its declared needs.
fn complete(method: &str, operation: &mut Value) {
    let text = |key: &str| {
        operation
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let (permission, access) = (text("x-permission"), text("x-access"));
    let signed = permission.is_some() || access.as_deref() == Some("signed_in");
    let tenant = signed || access.as_deref() == Some("tenant");
    let Some(operation) = operation.as_object_mut() else {
        return;
    };
    operation.insert(
        "security".to_owned(),
        if signed {
            json!([{ "bearer": [] }])
        } else {
            json!([])
        },
    );
    if let Some(permission) = permission {
        let description = operation.entry("description").or_insert_with(|| json!(""));
        let before = description.as_str().unwrap_or_default();
        let gap = if before.is_empty() { "" } else { "\n\n" };
        *description = json!(format!("{before}{gap}Needs the permission `{permission}`."));
    }
    let mut headers = Vec::new();
    if tenant {
        headers.push(json!({
            "name": "X-Tenant-Slug", "in": "header", "required": false,
            "description": "The tenant, unless the host is its own.",
            "schema": { "type": "string" }, "example": "acme",
        }));
    }
    if signed && method == "post" {
        headers.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Your name for this request, for example a UUID: sent again within 24 \
                hours, it is not done again but answered again, with `Idempotency-Replayed: true`.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
            "example": "7f3c1c52-8a6e-4f0e-9d34-0a5f6f0c2b11",
        }));
    }
    if signed && matches!(method, "put" | "patch" | "delete") {
        headers.push(json!({
            "name": "If-Match", "in": "header", "required": true,
            "description": "The version that the change is made for, in quotes: the `ETag`.",
            "schema": { "type": "string" }, "example": "\"1\"",
        }));
    }
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        headers.retain(|header| {
            parameters
                .iter()
                .all(|it| it.get("name") != header.get("name"))
        });
        parameters.extend(headers);
    }
    let mut refusals = vec![("500", "A defect of the platform (`internal`).")];
    if tenant {
        refusals.extend([
            (
                "400",
                "The request cannot be read, or two tenants are named.",
            ),
            (
                "403",
                "The tenant is suspended, or the caller may not do this.",
            ),
            ("404", "No such tenant, or no such thing in it."),
            (
                "503",
                "Not available right now; `Retry-After` says when to try again.",
            ),
        ]);
    }
    if signed {
        refusals.push(("401", "No valid token of this tenant."));
    }
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    for (status, description) in refusals {
        if let Some(responses) = responses.as_object_mut() {
            responses.entry(status).or_insert_with(|| {
                json!({
                    "description": description,
                    "content": { "application/problem+json": {
                        "schema": { "$ref": "#/components/schemas/ProblemBody" },
                    } },
                })
            });
        }
    }
}

/// Adds the route.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(openapi);
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
    responses((status = 200, description = "The description.", body = inline(serde_json::Value))),
)]
#[get("/api/openapi.json")]
pub(crate) async fn openapi(description: Data<Description>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(description.0.clone())
}

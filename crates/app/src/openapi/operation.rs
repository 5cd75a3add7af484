//! What every operation has in common, said once: who may call it, headers, refusals, examples.

use serde_json::{Value, json};
use web::Access;

use super::{
    examples, headers,
    refusals::{self, Needs},
};

/// Adds to an operation what follows from its method, its path and its declared needs.
pub(super) fn complete(method: &str, path: &str, operation: &mut Value, schemas: &Value) {
    let text = |key: &str| {
        operation
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let access = match (text("x-permission"), text("x-access").as_deref()) {
        (Some(permission), _) => Access::Permission(permission),
        (None, Some("signed_in")) => Access::SignedIn,
        (None, Some("tenant")) => Access::Tenant,
        (None, _) => Access::Open,
    };
    let exempt = text("x-subscription").is_some();
    if let Access::Permission(permission) = &access {
        describe(operation, &format!("Needs the permission `{permission}`."));
    }
    let needs = Needs {
        subscription: access != Access::Open && !exempt,
        access,
        platform: path.starts_with("/api/v1/platform/"),
    };
    let security = if needs.token() {
        json!([{ "bearer": [] }])
    } else {
        json!([])
    };
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("security".to_owned(), security);
    }
    parameters(method, operation, &needs, schemas);
    refusals::add(operation, &needs);
    examples::add(operation, schemas);
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for (status, response) in responses.into_iter().flatten() {
        headers::add(status, response, needs.tenant());
    }
}

/// Adds a paragraph to its description.
fn describe(operation: &mut Value, paragraph: &str) {
    let before = operation.get("description").and_then(Value::as_str);
    let description = match before.unwrap_or_default() {
        "" => paragraph.to_owned(),
        before => format!("{before}\n\n{paragraph}"),
    };
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("description".to_owned(), json!(description));
    }
}

/// POSTs that are no [`web::Change`]: signing out twice is signing out.
const WITHOUT_KEY: [&str; 1] = ["logout"];

/// Adds the headers that it takes, and an example to a parameter whose schema suggests one.
fn parameters(method: &str, operation: &mut Value, needs: &Needs, schemas: &Value) {
    let mut taken = Vec::new();
    if needs.tenant() {
        taken.push(json!({
            "name": "X-Tenant-Slug", "in": "header", "required": false,
            "description": "The tenant, unless the host is its own.",
            "schema": { "type": "string" }, "example": "acme",
        }));
    }
    let id = operation.get("operationId").and_then(Value::as_str);
    if needs.token() && method == "post" && !id.is_some_and(|id| WITHOUT_KEY.contains(&id)) {
        taken.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Your name for this request, for example a UUID: sent again within 24 \
                hours, it is not done again but answered again, with `Idempotency-Replayed: true`.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
            "example": "7f3c1c52-8a6e-4f0e-9d34-0a5f6f0c2b11",
        }));
    }
    if needs.token() && matches!(method, "put" | "patch" | "delete") {
        taken.push(json!({
            "name": "If-Match", "in": "header", "required": true,
            "description": "The version that the change is made for, in quotes: the `ETag`.",
            "schema": { "type": "string" }, "example": "\"1\"",
        }));
    }
    let Some(operation) = operation.as_object_mut() else {
        return;
    };
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    let Some(parameters) = parameters.as_array_mut() else {
        return;
    };
    taken.retain(|header| {
        parameters
            .iter()
            .all(|it| it.get("name") != header.get("name"))
    });
    parameters.extend(taken);
    for parameter in parameters {
        let example = parameter
            .get("schema")
            .and_then(|schema| examples::of(schema, schemas, 0));
        if let (Some(example), Some(parameter)) = (example, parameter.as_object_mut()) {
            parameter.entry("example").or_insert(example);
        }
    }
}

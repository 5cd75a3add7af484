//! The refusals of every operation: those that it describes itself, and those that follow from what
//! it needs.

use std::{collections::BTreeMap, fmt::Write as _};

use kernel::ErrorKind;
use serde_json::{Map, Value, json};
use web::{Access, ErrorType};

const PROBLEM: &str = "application/problem+json";

/// What an operation needs, as far as it can be refused for it.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    pub(super) access: Access,
    /// Whether it works only while the tenant's subscription does.
    pub(super) subscription: bool,
    /// Whether it lives under `/api/v1/platform/`.
    pub(super) platform: bool,
}

impl Needs {
    pub(super) fn tenant(&self) -> bool {
        self.access != Access::Open
    }

    pub(super) fn token(&self) -> bool {
        matches!(self.access, Access::SignedIn | Access::Permission(_))
    }

    fn permission(&self) -> bool {
        matches!(self.access, Access::Permission(_))
    }
}

/// The kinds of error that an operation may answer with whatever it does.
fn implied(operation: &Value, needs: &Needs) -> Vec<ErrorKind> {
    use ErrorKind as Kind;
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let has = |place: &str, name: Option<&str>| {
        parameters.into_iter().flatten().any(|parameter| {
            let is =
                |key: &str, value: &str| parameter.get(key).and_then(Value::as_str) == Some(value);
            is("in", place) && name.is_none_or(|name| is("name", name))
        })
    };
    let succeeds_with_content = operation
        .get("responses")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .any(|(status, response)| status.starts_with('2') && response.get("content").is_some());
    let reads = operation
        .pointer("/requestBody/content")
        .and_then(Value::as_object);
    let reads_json = reads.is_some_and(|types| types.keys().any(|it| it.ends_with("json")));
    let groups: [(bool, &[Kind]); 13] = [
        (
            true,
            &[Kind::RateLimited, Kind::Internal, Kind::Unavailable],
        ),
        (succeeds_with_content, &[Kind::NotAcceptable]),
        (
            needs.tenant(),
            &[
                Kind::MalformedRequest,
                Kind::TenantAmbiguous,
                Kind::TenantSuspended,
                Kind::TenantNotFound,
                Kind::TenantUnavailable,
            ],
        ),
        (
            needs.token(),
            &[
                Kind::Unauthenticated,
                Kind::TokenExpired,
                Kind::TokenStale,
                Kind::TenantMismatch,
            ],
        ),
        (needs.subscription, &[Kind::SubscriptionExpired]),
        (needs.permission(), &[Kind::PermissionDenied]),
        (needs.platform, &[Kind::NotFound]),
        (
            has("path", None) || has("query", None),
            &[Kind::InvalidParameter],
        ),
        (has("query", Some("cursor")), &[Kind::InvalidCursor]),
        (
            has("header", Some("If-Match")),
            &[
                Kind::InvalidParameter,
                Kind::VersionMismatch,
                Kind::PreconditionRequired,
            ],
        ),
        (
            has("header", Some("Idempotency-Key")),
            &[
                Kind::InvalidParameter,
                Kind::IdempotencyInProgress,
                Kind::IdempotencyKeyReused,
            ],
        ),
        (
            reads.is_some(),
            &[
                Kind::MalformedRequest,
                Kind::TooLarge,
                Kind::UnsupportedMediaType,
            ],
        ),
        (reads_json, &[Kind::ValidationFailed]),
    ];
    let all = groups.into_iter().filter(|(applies, _)| *applies);
    all.flat_map(|(_, kinds)| kinds).copied().collect()
}

/// `components.examples`: a problem of each kind, by its code.
pub(super) fn examples() -> Value {
    let all = ErrorType::all().map(|error| {
        let code = error.kind.as_str();
        let mut value = json!({
            "type": format!("https://docs.hrms.invalid/problems/{code}"),
            "title": error.title, "status": error.status, "error": code, "detail": error.when,
            "instance": "/api/v1/employees",
            "request_id": "0192f0c1-7f0a-7000-8000-000000000001",
        });
        let fault = match error.kind {
            ErrorKind::ValidationFailed => Some(("/first_name", "required", "Fill this in.")),
            ErrorKind::InvalidParameter => {
                Some(("limit", "invalid_parameter", "A number from 1 to 200."))
            }
            _ => None,
        };
        if let (Some((pointer, code, message)), Some(value)) = (fault, value.as_object_mut()) {
            let fault = json!({ "pointer": pointer, "code": code, "message": message });
            value.insert("errors".to_owned(), json!([fault]));
        }
        (
            code.to_owned(),
            json!({ "summary": error.title, "value": value }),
        )
    });
    Value::Object(all.collect())
}

/// Completes the refusals of an operation: every status that follows from its needs, and for every
/// kind of error of a status an example. A kind is one that the description names by its code
/// (`` `conflict` ``), or that follows.
pub(super) fn add(operation: &mut Value, needs: &Needs) {
    let mut kinds = BTreeMap::<String, Vec<ErrorType>>::new();
    for kind in implied(operation, needs) {
        let error = ErrorType::of(kind);
        let of_status = kinds.entry(error.status.to_string()).or_default();
        if of_status.iter().all(|known| known.kind != kind) {
            of_status.push(error);
        }
    }
    let Some(operation) = operation.as_object_mut() else {
        return;
    };
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(responses) = responses.as_object_mut() else {
        return;
    };
    for status in kinds.keys() {
        let response = || json!({ "content": { PROBLEM: {} } });
        responses.entry(status.clone()).or_insert_with(response);
    }
    for (status, response) in responses {
        let follow = kinds.remove(status).unwrap_or_default();
        if let Some(response) = response.as_object_mut() {
            complete(response, follow);
        }
    }
}

fn complete(response: &mut Map<String, Value>, follow: Vec<ErrorType>) {
    let described = response.get("description").and_then(Value::as_str);
    let mut description = described.unwrap_or_default().trim().to_owned();
    let Some(problem) = response
        .get_mut("content")
        .and_then(|content| content.get_mut(PROBLEM))
    else {
        return;
    };
    let mut all: Vec<_> = codes(&description).filter_map(ErrorType::named).collect();
    for error in follow {
        if all.iter().all(|known| known.kind != error.kind) {
            let gap = if description.is_empty() { "" } else { "\n\n" };
            // Writing to a string can't fail.
            let _ = write!(
                description,
                "{gap}`{}`: {}",
                error.kind.as_str(),
                error.when
            );
            all.push(error);
        }
    }
    let examples = all.iter().map(|error| {
        let code = error.kind.as_str();
        let reference = format!("#/components/examples/{code}");
        (code.to_owned(), json!({ "$ref": reference }))
    });
    *problem = json!({
        "schema": { "$ref": "#/components/schemas/ProblemBody" },
        "examples": Value::Object(examples.collect()),
    });
    response.insert("description".to_owned(), json!(description));
}

/// What stands between backticks.
fn codes(description: &str) -> impl Iterator<Item = &str> {
    description.split('`').skip(1).step_by(2)
}

/// Puts refusals that several operations have in common into `components.responses`, and refers to
/// them: they are most of what there is to say.
pub(super) fn share(document: &mut Value) {
    let mut uses = BTreeMap::<String, (Value, usize)>::new();
    for (status, response) in refusals(document) {
        let shared = uses
            .entry(name(status, response))
            .or_insert_with(|| (response.clone(), 0));
        shared.1 += usize::from(shared.0 == *response);
    }
    uses.retain(|_, (_, count)| *count > 1);
    for (status, response) in refusals(document) {
        let name = name(status, response);
        if uses
            .get(&name)
            .is_some_and(|(shared, _)| shared == response)
        {
            *response = json!({ "$ref": format!("#/components/responses/{name}") });
        }
    }
    let shared = uses
        .into_iter()
        .map(|(name, (response, _))| (name, response));
    let shared = Value::Object(shared.collect());
    if let Some(components) = document
        .get_mut("components")
        .and_then(Value::as_object_mut)
    {
        components.insert("responses".to_owned(), shared);
    }
}

/// Status and codes: `403.permission_denied.tenant_mismatch`.
fn name(status: &str, response: &Value) -> String {
    let examples = response
        .pointer("/content/application~1problem+json/examples")
        .and_then(Value::as_object);
    let codes = examples.into_iter().flat_map(Map::keys);
    codes.fold(status.to_owned(), |name, code| format!("{name}.{code}"))
}

fn refusals(document: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    document
        .get_mut("paths")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
        .filter_map(|operation| operation.get_mut("responses")?.as_object_mut())
        .flat_map(Map::iter_mut)
        .filter(|(_, response)| {
            response
                .pointer("/content/application~1problem+json")
                .is_some()
        })
        .map(|(status, response)| (status.as_str(), response))
}

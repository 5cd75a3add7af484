//! Which routes there are, and what each needs.

use std::collections::BTreeMap;

use actix_web::http::Method;
use serde_json::Value;

/// What a route needs before its handler runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Neither a tenant nor a token.
    Open,
    /// A tenant; `Authorization` is ignored.
    Tenant,
    /// A token of the tenant.
    SignedIn,
    /// A token of the tenant whose owner holds this permission.
    Permission(String),
}

/// Why the OpenAPI document makes no route table.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// An operation does not say what it needs.
    #[error(
        "{method} {path} declares neither `x-permission` nor `x-access` (open, tenant, signed_in)"
    )]
    Undeclared {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// An operation says something of the subscription that is not understood.
    #[error("{method} {path} declares another `x-subscription` than `exempt`")]
    Subscription {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// An operation says something of its duration that is not understood.
    #[error("{method} {path} declares another `x-duration` than `long`")]
    Duration {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// A permission of the platform guards a path of every tenant, or the other way round.
    #[error(
        "{method} {path}: below {PLATFORM} a permission `platform:…` is needed, and nowhere else"
    )]
    Misplaced {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// Two paths cannot be told apart.
    #[error("the path {0} collides with another one")]
    Collision(String),
    /// The document is no OpenAPI document.
    #[error("the OpenAPI document has no paths")]
    NoPaths,
}

/// Every route, from the OpenAPI document that the code generated. One declaration serves the
/// documentation, the pipeline and the tests.
#[derive(Debug)]
pub struct RouteTable {
    paths: matchit::Router<Vec<Route>>,
}

/// One operation.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a declaration of its own"
)]
pub(crate) struct Route {
    method: Method,
    pub(crate) access: Access,
    /// What is done, for logs: `GET /api/v1/employees/{id}`.
    pub(crate) action: String,
    /// Whether it works only while the tenant's subscription does.
    pub(crate) needs_subscription: bool,
    /// Whether it may take longer than others: an import of many rows.
    pub(crate) takes_long: bool,
    /// Whether an orchestrator asks it how the process is.
    pub(crate) is_probe: bool,
    /// Whether it takes parameters in the query string, and then refuses unknown ones itself.
    pub(crate) takes_query: bool,
    /// The media types that it can answer with when all goes well; none for no content.
    pub(crate) produces: Vec<String>,
}

/// What the table knows of a request line.
#[derive(Debug)]
pub(crate) enum Found<'table> {
    Route(&'table Route),
    OtherMethods(String),
    Nothing,
}

impl RouteTable {
    /// Reads the table from an OpenAPI document.
    ///
    /// # Errors
    /// [`RouteError`] when an operation does not declare what it needs: the API must not start.
    pub fn from_openapi(document: &Value) -> Result<Self, RouteError> {
        let mut paths = BTreeMap::<String, Vec<Route>>::new();
        for ((method, path), access) in Self::declarations(document)? {
            let action = action(&method, &path);
            let operation = document
                .get("paths")
                .and_then(|paths| paths.get(&path)?.get(method.to_lowercase()));
            let produces = operation.map(media_types).unwrap_or_default();
            let takes_query = operation.is_some_and(takes_query);
            let exemption = operation.and_then(|operation| operation.get("x-subscription"));
            let needs_subscription = match exemption.map(Value::as_str) {
                None => true,
                Some(Some("exempt")) => false,
                Some(_) => return Err(RouteError::Subscription { method, path }),
            };
            let takes_long = match operation.and_then(|it| it.get("x-duration")) {
                None => false,
                Some(duration) if duration == "long" => true,
                Some(_) => return Err(RouteError::Duration { method, path }),
            };
            let is_platforms =
                matches!(&access, Access::Permission(name) if name.starts_with("platform:"));
            if is_platforms != is_platform(&path) {
                return Err(RouteError::Misplaced { method, path });
            }
            if let Ok(method) = Method::from_bytes(method.as_bytes()) {
                let is_probe = path == HEALTH || path.starts_with(&format!("{HEALTH}/"));
                paths.entry(path).or_default().push(Route {
                    method,
                    access,
                    action,
                    needs_subscription,
                    takes_long,
                    is_probe,
                    takes_query,
                    produces,
                });
            }
        }
        let mut table = matchit::Router::new();
        for (path, methods) in paths {
            table
                .insert(path.as_str(), methods)
                .map_err(|_collision| RouteError::Collision(path.clone()))?;
        }
        Ok(Self { paths: table })
    }

    /// Every operation (method, path) of a document and what it needs.
    ///
    /// # Errors
    /// As [`Self::from_openapi`].
    pub fn declarations(
        document: &Value,
    ) -> Result<BTreeMap<(String, String), Access>, RouteError> {
        let paths = document
            .get("paths")
            .and_then(Value::as_object)
            .ok_or(RouteError::NoPaths)?;
        let mut all = BTreeMap::new();
        for (path, operations) in paths {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                let method = method.to_uppercase();
                if STANDARD.contains(&method.as_str()) {
                    let access = declared(operation).ok_or_else(|| RouteError::Undeclared {
                        method: method.clone(),
                        path: path.clone(),
                    })?;
                    all.insert((method, path.clone()), access);
                }
            }
        }
        Ok(all)
    }

    /// What the routes of a document do: `GET /api/v1/employees/{id}`.
    ///
    /// # Errors
    /// As [`Self::from_openapi`].
    pub fn actions(document: &Value) -> Result<Vec<String>, RouteError> {
        let all = Self::declarations(document)?.into_keys();
        Ok(all.map(|(method, path)| action(&method, &path)).collect())
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Ok(found) = self.paths.at(path) else {
            return Found::Nothing;
        };
        match found.value.iter().find(|route| route.method == *method) {
            Some(route) => Found::Route(route),
            None => Found::OtherMethods(
                found
                    .value
                    .iter()
                    .flat_map(|route| match route.method {
                        // The pipeline serves HEAD as GET.
                        Method::GET => vec!["GET", "HEAD"],
                        ref other => vec![other.as_str()],
                    })
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        }
    }
}

/// Below this path lie the routes of those who run the platform.
const PLATFORM: &str = "/api/v1/platform/";

/// Whether a path exists in the public tenant alone. For any other tenant there is nothing.
pub(crate) fn is_platform(path: &str) -> bool {
    path.starts_with(PLATFORM)
}

/// The path of the health report; below it are the single probes.
const HEALTH: &str = "/api/health";

const STANDARD: &[&str] = &[
    "GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE",
];

/// The media types of an operation's successes.
fn media_types(operation: &Value) -> Vec<String> {
    let mut types = Vec::new();
    let responses = operation.get("responses").and_then(Value::as_object);
    for (status, response) in responses.into_iter().flatten() {
        let content = response.get("content").and_then(Value::as_object);
        for media_type in content.into_iter().flat_map(serde_json::Map::keys) {
            if status.starts_with('2') && !types.contains(media_type) {
                types.push(media_type.clone());
            }
        }
    }
    types
}

fn takes_query(operation: &Value) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let mut all = parameters.into_iter().flatten();
    all.any(|it| it.get("in").is_some_and(|place| place == "query"))
}

fn action(method: &str, path: &str) -> String {
    format!("{method} {path}")
}

fn declared(operation: &Value) -> Option<Access> {
    let text = |key: &str| operation.get(key).and_then(Value::as_str);
    match (text("x-permission"), text("x-access")) {
        (Some(permission), None) => Some(Access::Permission(permission.to_owned())),
        (None, Some("open")) => Some(Access::Open),
        (None, Some("tenant")) => Some(Access::Tenant),
        (None, Some("signed_in")) => Some(Access::SignedIn),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_route_that_declares_nothing_keeps_the_api_from_starting() {
        let document = json!({"paths": {"/api/v1/x": {"get": {}}}});
        let error = RouteTable::from_openapi(&document).unwrap_err();
        assert_eq!(
            error.to_string(),
            "GET /api/v1/x declares neither `x-permission` nor `x-access` (open, tenant, signed_in)"
        );
    }

    #[test]
    fn a_route_that_declares_two_things_is_refused_as_well() {
        let document =
            json!({"paths": {"/x": {"get": {"x-permission": "a:b", "x-access": "open"}}}});
        assert!(RouteTable::from_openapi(&document).is_err());
    }

    #[test]
    fn what_concerns_the_platform_lies_below_its_path_and_nothing_else_does() {
        for (path, permission, fits) in [
            ("/api/v1/platform/tenants", "platform:read_tenants", true),
            ("/api/v1/platform/tenants", "tenants:read", false),
            ("/api/v1/tenants", "platform:read_tenants", false),
            ("/api/v1/tenants", "tenants:read", true),
        ] {
            let document = json!({"paths": {path: {"get": {"x-permission": permission}}}});
            let table = RouteTable::from_openapi(&document);
            assert_eq!(table.is_ok(), fits, "{path} {permission}");
        }
        let open = json!({"paths": {"/api/v1/platform/x": {"get": {"x-access": "open"}}}});
        assert!(RouteTable::from_openapi(&open).is_err());
    }

    #[test]
    fn a_route_needs_a_subscription_unless_it_says_that_it_does_not() {
        let route = |extension: Value| {
            let mut operation = json!({"x-access": "signed_in"});
            operation["x-subscription"] = extension;
            let table = RouteTable::from_openapi(&json!({"paths": {"/x": {"get": operation}}}))?;
            match table.find(&Method::GET, "/x") {
                Found::Route(route) => Ok(route.needs_subscription),
                _ => panic!(),
            }
        };
        assert!(!route(json!("exempt")).unwrap());
        for wrong in [json!(true), json!(null), json!("Exempt"), json!("")] {
            let refused: Result<bool, RouteError> = route(wrong);
            assert!(matches!(refused, Err(RouteError::Subscription { .. })));
        }
        let document = json!({"paths": {"/x": {"get": {"x-access": "signed_in"}}}});
        let table = RouteTable::from_openapi(&document).unwrap();
        assert!(
            matches!(table.find(&Method::GET, "/x"), Found::Route(route) if route.needs_subscription)
        );
    }

    #[test]
    fn paths_with_and_without_parameters_are_told_apart() {
        let document = json!({"paths": {
            "/e": {"get": {"x-access": "open"}, "post": {"x-permission": "e:create"}},
            "/e/{id}": {"get": {"x-permission": "e:read"}},
        }});
        let table = RouteTable::from_openapi(&document).unwrap();
        let read = Access::Permission("e:read".to_owned());
        assert!(
            matches!(table.find(&Method::GET, "/e/7"), Found::Route(route) if route.access == read && route.action == "GET /e/{id}")
        );
        assert!(matches!(
            table.find(&Method::GET, "/e"),
            Found::Route(Route {
                access: Access::Open,
                ..
            })
        ));
        assert!(matches!(table.find(&Method::GET, "/e/7/x"), Found::Nothing));
        let Found::OtherMethods(methods) = table.find(&Method::PUT, "/e") else {
            panic!()
        };
        assert_eq!(methods, "GET, HEAD, POST");
    }
}

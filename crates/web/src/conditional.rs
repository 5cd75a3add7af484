//! Conditional requests (RFC 9110, 13): versions as entity tags.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap, HeaderName},
};
use kernel::ErrorKind;

use crate::Problem;

/// The entity tag of a version.
pub(crate) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Whether the client says that it has this version: `If-None-Match`.
pub(crate) fn has(headers: &HeaderMap, version: i64) -> bool {
    // Weak comparison (RFC 9110, 13.1.2): for a client that only wants to save the transfer.
    tags(headers, header::IF_NONE_MATCH).is_some_and(|tags| {
        tags.any || tags.strong.contains(&version) || tags.weak.contains(&version)
    })
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Tags {
    any: bool,
    strong: Vec<i64>,
    weak: Vec<i64>,
    other: bool,
}

/// The entity tags of a header that may come several times; `None` without it. What is no version
/// is some other resource's tag and equals none.
fn tags(headers: &HeaderMap, name: HeaderName) -> Option<Tags> {
    let mut tags = Tags::default();
    let mut given = false;
    for value in headers.get_all(name) {
        given = true;
        for tag in value.to_str().unwrap_or("?").split(',').map(str::trim) {
            let (tag, list) = match tag.strip_prefix("W/") {
                Some(tag) => (tag, &mut tags.weak),
                None => (tag, &mut tags.strong),
            };
            let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            match quoted.and_then(version) {
                Some(version) => list.push(version),
                None if tag == "*" => tags.any = true,
                None => tags.other = true,
            }
        }
    }
    given.then_some(tags)
}

/// The version of a tag, written as [`etag`] writes it.
fn version(tag: &str) -> Option<i64> {
    let version: i64 = tag.parse().ok()?;
    (version.to_string() == tag).then_some(version)
}

/// The version that the client's change is made for: `If-Match`. It is compared when it is its
/// turn: what is not there is 404 before it is 428 or 412.
#[derive(Debug)]
pub struct IfMatch(Option<Tags>);

impl IfMatch {
    /// Compares the version that is there.
    ///
    /// # Errors
    /// 428 `precondition_required` without the header, or with `*`, which says nothing about what
    /// the client has seen; 412 `version_mismatch` when it names other versions.
    pub fn check(&self, version: i64) -> Result<(), Problem> {
        match &self.0 {
            Some(tags) if tags.strong.contains(&version) => Ok(()),
            Some(Tags {
                any: _,
                strong,
                weak,
                other,
            }) if !strong.is_empty() || !weak.is_empty() || *other => Err(Problem::new(
                ErrorKind::VersionMismatch,
                format!(
                    "This is version {version} by now. Read it again, and decide whether your \
                     change still makes sense."
                ),
            )),
            _ => Err(Problem::new(
                ErrorKind::PreconditionRequired,
                "Say which version you have seen: send the header `If-Match` with the `ETag` or \
                 the `version` in quotes, for example `If-Match: \"3\"`.",
            )),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(tags(request.headers(), header::IF_MATCH))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn check(values: &[&str], version: i64) -> Result<(), ErrorKind> {
        let request = values
            .iter()
            .fold(TestRequest::default(), |request, value| {
                request.append_header(("if-match", *value))
            })
            .to_http_request();
        let if_match = IfMatch::from_request(&request, &mut Payload::None);
        let checked = if_match.into_inner().unwrap().check(version);
        checked.map_err(|problem| problem.kind())
    }

    #[test]
    fn a_change_names_the_version_it_was_made_for() {
        assert_eq!(check(&["\"3\""], 3), Ok(()));
        assert_eq!(check(&["\"2\", \"3\""], 3), Ok(()));
        assert_eq!(check(&["\"2\"", "\"3\""], 3), Ok(()));
        for stale in [
            "\"2\"", "\"+3\"", "\"03\"", "*, \"2\"", "W/\"3\"", "\"\"", "\"x\"", "3", "\"3",
        ] {
            assert_eq!(
                check(&[stale], 3),
                Err(ErrorKind::VersionMismatch),
                "{stale}"
            );
        }
        for silent in [&[] as &[&str], &["*"]] {
            assert_eq!(check(silent, 3), Err(ErrorKind::PreconditionRequired));
        }
    }

    #[test]
    fn a_client_may_hold_the_version_already() {
        let holds = |value: &str| {
            let request = TestRequest::default().insert_header(("if-none-match", value));
            has(request.to_http_request().headers(), 3)
        };
        for held in ["\"3\"", "W/\"3\"", "\"1\",\"3\"", "*"] {
            assert!(holds(held), "{held}");
        }
        for other in ["\"2\"", "3", "", "\"03x\""] {
            assert!(!holds(other), "{other}");
        }
        assert!(!has(TestRequest::default().to_http_request().headers(), 3));
    }
}

//! Conditional requests (RFC 9110, 13): versions as entity tags.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
};
use kernel::ErrorKind;

use crate::Problem;

/// The entity tag of a version, or of one among several representations of it.
pub(crate) fn etag(version: i64, digest: Option<&str>) -> String {
    match digest {
        None => format!("\"{version}\""),
        Some(digest) => format!("\"{version}-{digest}\""),
    }
}

/// Whether the client says that it has what this tag names: `If-None-Match`.
pub(crate) fn has(headers: &HeaderMap, etag: &str) -> bool {
    // Weak comparison (RFC 9110, 13.1.2): for a client that only wants to save the transfer.
    headers
        .get_all(header::IF_NONE_MATCH)
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// What a client says to have seen.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    versions: Vec<i64>,
    // A weak tag, or what is no version: some other resource's tag. It equals none.
    other: bool,
}

/// The versions of a header that may come several times; `None` without it.
fn seen(headers: &HeaderMap) -> Option<Seen> {
    let mut seen = Seen::default();
    let mut given = false;
    for value in headers.get_all(header::IF_MATCH) {
        given = true;
        for tag in value.to_str().unwrap_or("?").split(',').map(str::trim) {
            let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            match quoted.and_then(version) {
                Some(version) => seen.versions.push(version),
                None => seen.other |= tag != "*",
            }
        }
    }
    given.then_some(seen)
}

/// The version of a tag, written as [`etag`] writes it.
fn version(tag: &str) -> Option<i64> {
    let (number, digest) = match tag.split_once('-') {
        Some((number, digest)) => (number, Some(digest)),
        None => (tag, None),
    };
    let version: i64 = number.parse().ok()?;
    (etag(version, digest).trim_matches('"') == tag).then_some(version)
}

/// The version that the client's change is made for: `If-Match`. It is compared when it is its
/// turn: what is not there is 404 before it is 428 or 412.
#[derive(Debug)]
pub struct IfMatch(Option<Seen>);

impl IfMatch {
    /// Compares the version that is there.
    ///
    /// # Errors
    /// 428 `precondition_required` without the header, or with `*`, which says nothing about what
    /// the client has seen; 412 `version_mismatch` when it names other versions.
    pub fn check(&self, version: i64) -> Result<(), Problem> {
        match &self.0 {
            Some(seen) if seen.versions.contains(&version) => Ok(()),
            Some(seen) if seen.other || !seen.versions.is_empty() => Err(Problem::new(
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
        ready(Ok(Self(seen(request.headers()))))
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
        assert_eq!(check(&["\"3-00ff\""], 3), Ok(()));
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
        let holds = |value: &str, etag: &str| {
            let request = TestRequest::default().insert_header(("if-none-match", value));
            has(request.to_http_request().headers(), etag)
        };
        let (plain, composed) = (etag(3, None), etag(3, Some("00ff")));
        for held in ["\"3\"", "W/\"3\"", "\"1\",\"3\"", "*"] {
            assert!(holds(held, &plain), "{held}");
        }
        for other in ["\"2\"", "3", "", "\"03x\"", "\"3-00ff\""] {
            assert!(!holds(other, &plain), "{other}");
        }
        assert!(holds("W/\"3-00ff\"", &composed));
        for other in ["\"3\"", "\"3-00fe\"", "\"2-00ff\""] {
            assert!(!holds(other, &composed), "{other}");
        }
        let silent = TestRequest::default().to_http_request();
        assert!(!has(silent.headers(), &plain));
    }
}

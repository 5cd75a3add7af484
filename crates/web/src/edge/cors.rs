//! Which web pages may read the answers (the Fetch standard's CORS protocol).

use actix_web::{
    HttpResponse,
    dev::RequestHead,
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
};

/// What a page may send along.
const REQUEST_HEADERS: &str = "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, \
    If-None-Match, traceparent, tracestate, X-Request-Id, X-Tenant-Slug";
/// What a page may read of an answer, besides what every page may.
const ANSWER_HEADERS: &str = "Content-Disposition, Deprecation, ETag, Idempotency-Replayed, \
    Location, RateLimit, RateLimit-Policy, Retry-After, Sunset, traceparent, tracestate, \
    WWW-Authenticate, X-Request-Id, X-Subscription-Grace";
/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: &str = "600";

/// The origins whose pages may call the API: none, unless the operator names some. There are no
/// credentials that a browser adds by itself, so none are allowed for either; a page that calls has
/// the token.
///
/// Written here and not taken from `actix-cors`, because that dresses no answer that comes out of
/// the application as an error, and every refusal of the pipeline does: a page would be told of a
/// network failure where it should read a problem.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    origins: Vec<String>,
}

impl Cors {
    /// Allows these origins, as browsers write them: `https://hr.example.com`.
    pub fn new(origins: Vec<String>) -> Self {
        Self { origins }
    }

    /// The request's origin, if its pages may read the answer.
    pub(crate) fn allowed<'head>(&self, head: &'head RequestHead) -> Option<&'head HeaderValue> {
        let mut values = head.headers.get_all(header::ORIGIN);
        let origin = values.next().filter(|_| values.next().is_none())?;
        self.origins
            .iter()
            .any(|allowed| allowed.as_bytes() == origin.as_bytes())
            .then_some(origin)
    }

    /// The answer to a browser that asks before it sends the request, for a path of these methods.
    pub(crate) fn preflight(&self, head: &RequestHead, methods: &str) -> Option<HttpResponse> {
        let asks = head.method == Method::OPTIONS
            && head
                .headers
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        self.allowed(head).filter(|_| asks)?;
        let answer = HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE))
            .append_header((
                header::VARY,
                "Access-Control-Request-Method, Access-Control-Request-Headers",
            ))
            .finish();
        Some(answer)
    }

    /// Lets the pages of an origin read the answer. What is stored of an answer is good for its
    /// origin alone, also that it has none.
    pub(crate) fn dress(&self, headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
        if self.origins.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(ANSWER_HEADERS),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{dev::ServiceRequest, test::TestRequest};

    use super::*;

    fn cors() -> Cors {
        Cors::new(vec!["https://hr.example".to_owned()])
    }

    fn from(origin: &str) -> ServiceRequest {
        TestRequest::default()
            .method(Method::OPTIONS)
            .insert_header((header::ORIGIN, origin))
            .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "POST"))
            .to_srv_request()
    }

    #[test]
    fn an_origin_is_allowed_that_is_listed_letter_by_letter() {
        assert!(cors().allowed(from("https://hr.example").head()).is_some());
        for other in [
            "null",
            "*",
            "",
            "http://hr.example",
            "https://hr.example:444",
            "https://hr.example.evil.test",
            "https://evil.test/https://hr.example",
            "https://HR.example",
            "https://hr.example/",
        ] {
            assert!(cors().allowed(from(other).head()).is_none(), "{other}");
        }
        let twice = TestRequest::default()
            .append_header((header::ORIGIN, "https://hr.example"))
            .append_header((header::ORIGIN, "https://evil.test"))
            .to_srv_request();
        assert!(cors().allowed(twice.head()).is_none());
    }

    #[test]
    fn only_a_listed_origin_is_answered_before_it_sends() {
        let preflight = |origin| cors().preflight(from(origin).head(), "GET, HEAD, POST");
        let answer = preflight("https://hr.example").unwrap();
        assert_eq!(answer.status(), 204);
        let methods = answer.headers().get("access-control-allow-methods");
        assert_eq!(methods.unwrap(), "GET, HEAD, POST");
        assert!(preflight("https://evil.test").is_none());
        let plain = TestRequest::default()
            .method(Method::OPTIONS)
            .insert_header((header::ORIGIN, "https://hr.example"))
            .to_srv_request();
        assert!(cors().preflight(plain.head(), "GET").is_none());
        let nobody = Cors::default();
        assert!(
            nobody
                .preflight(from("https://hr.example").head(), "GET")
                .is_none()
        );
    }

    #[test]
    fn an_answer_varies_by_origin_as_soon_as_any_is_allowed() {
        let mut headers = HeaderMap::new();
        Cors::default().dress(&mut headers, None);
        assert!(headers.is_empty());
        cors().dress(&mut headers, None);
        assert_eq!(headers.get("vary").unwrap(), "Origin");
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
}

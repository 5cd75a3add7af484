//! Parameters in the path and the query string.

use std::{
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use kernel::TypedId;
use serde::de::DeserializeOwned;

use crate::{Problem, serde_text};

/// The identifier in the path: `{id}`.
#[derive(Clone, Copy, Debug)]
pub struct Id<T>(pub T);

impl<T: TypedId + FromStr> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let id = request
            .match_info()
            .get("id")
            .and_then(|text| text.parse().ok());
        ready(id.map(Self).ok_or_else(|| {
            Problem::parameter("id", "an identifier is a UUID, as the API returned it")
        }))
    }
}

/// The query string. `T` has `#[serde(deny_unknown_fields)]` and strings inside; what they mean is
/// checked by the handler, which can name the parameter.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

/// So many parameters a request has at most: more are no question.
const MOST: usize = 200;

/// The names and values of a query string, decoded.
///
/// # Errors
/// 400 naming the parameter that is no UTF-8: replaced, something else would be looked for than was
/// asked.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let refused = |name: &str| Problem::parameter(name, "what is sent is not UTF-8");
    if query.split('&').count() > MOST {
        let rule = format!("at most {MOST} parameters are taken at a time");
        return Err(Problem::parameter("query", rule));
    }
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name).ok_or_else(|| refused("query"))?;
            let value = decoded(value).ok_or_else(|| refused(&name))?;
            Ok((name, value))
        })
        .collect()
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    pairs(query)?;
    serde_urlencoded::from_str(query).map_err(|error| {
        let message = error.to_string();
        let name = serde_text::unknown_field(&message)
            .or_else(|| serde_text::duplicate_field(&message))
            .or_else(|| serde_text::missing_field(&message))
            .unwrap_or("query")
            .to_owned();
        Problem::parameter(&name, message)
    })
}

/// A name or a value without its percent-encoding (URL standard, 1.3), unless it is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let digit = |byte: u8| {
        let value = char::from(byte).to_digit(16)?;
        u8::try_from(value).ok()
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let encoded = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = encoded {
            bytes.push(high * 16 + low);
            rest = rest.get(3..).unwrap_or_default();
        } else {
            // A plus is a blank (URL standard, 5.1).
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use kernel::{EmployeeId, ErrorKind};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parameters {
        limit: Option<String>,
    }

    #[test]
    fn an_unknown_parameter_is_refused_by_name() {
        let problem = read::<Parameters>("colour=red").unwrap_err();
        assert!(
            problem
                .to_string()
                .starts_with("invalid_parameter: Parameter `colour`")
        );
    }

    #[test]
    fn very_many_parameters_are_not_even_read() {
        assert_eq!(pairs(&"a=1&".repeat(199)).unwrap().len(), 199);
        assert!(pairs(&"a=1&".repeat(10_000)).is_err());
    }

    #[test]
    fn a_parameter_given_twice_is_refused_by_name() {
        let problem = read::<Parameters>("limit=1&limit=2").unwrap_err();
        assert!(problem.to_string().contains("`limit`"));
    }

    #[test]
    fn a_name_may_hold_what_messages_are_written_with() {
        for (query, name) in [("a%60b=1", "a`b"), ("=1", ""), ("%60", "`")] {
            let problem = read::<Parameters>(query).unwrap_err();
            let fields: Vec<_> = problem.fields().iter().map(|it| &it.pointer).collect();
            assert_eq!(fields, [name], "{query}");
        }
    }

    #[test]
    fn what_is_no_utf_8_is_refused_by_name() {
        for (query, name) in [
            ("limit=%ff", "limit"),
            ("limit=1&limit=%C3", "limit"),
            ("l%69mit=%C3%28", "limit"),
            ("%ff=1", "query"),
            ("limit=%F0%9F%98", "limit"),
        ] {
            let problem = read::<Parameters>(query).unwrap_err();
            let fields: Vec<_> = problem.fields().iter().map(|it| &it.pointer).collect();
            assert_eq!(fields, [name], "{query}");
        }
        for (query, limit) in [
            ("limit=%C3%A9", "é"),
            ("limit=%EF%BF%BD", "\u{fffd}"),
            ("limit=%zz%", "%zz%"),
            ("limit=+", " "),
        ] {
            let parameters: Parameters = read(query).unwrap();
            assert_eq!(parameters.limit.as_deref(), Some(limit), "{query}");
        }
    }

    #[test]
    fn an_identifier_has_one_form() {
        let id = |text: &'static str| {
            let request = TestRequest::default().param("id", text).to_http_request();
            let id = Id::<EmployeeId>::from_request(&request, &mut Payload::None);
            id.into_inner().map(|Id(id)| id.to_string())
        };
        let text = "0192f0c1-7f0a-7000-8000-000000000001";
        assert_eq!(id(text).unwrap(), text);
        assert_eq!(id("0192F0C1-7F0A-7000-8000-000000000001").unwrap(), text);
        for other in [
            "0192f0c17f0a70008000000000000001",
            "{0192f0c1-7f0a-7000-8000-000000000001}",
            "urn:uuid:0192f0c1-7f0a-7000-8000-000000000001",
            "0192f0c17-f0a-7000-8000-000000000001",
            "",
            "7",
        ] {
            assert_eq!(
                id(other).unwrap_err().kind(),
                ErrorKind::InvalidParameter,
                "{other}"
            );
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let parameters: Parameters = read("limit=%32").unwrap();
        assert_eq!(parameters.limit.as_deref(), Some("2"));
    }
}

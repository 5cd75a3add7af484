//! Parameters in the path and the query string.

use std::{
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use crate::Problem;

/// The identifier in the path: `{id}`.
#[derive(Clone, Copy, Debug)]
pub struct Id<T>(pub T);

impl<T: FromStr> FromRequest for Id<T> {
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

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    serde_urlencoded::from_str(query).map_err(|error| {
        let message = error.to_string();
        // serde names the field between back-quotes: "unknown field `colour`, expected …".
        let name = message.split('`').nth(1).unwrap_or("query").to_owned();
        Problem::parameter(&name, message)
    })
}

#[cfg(test)]
mod tests {
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
    fn a_parameter_given_twice_is_refused_by_name() {
        let problem = read::<Parameters>("limit=1&limit=2").unwrap_err();
        assert!(problem.to_string().contains("`limit`"));
    }

    #[test]
    fn parameters_are_decoded() {
        let parameters: Parameters = read("limit=%32").unwrap();
        assert_eq!(parameters.limit.as_deref(), Some("2"));
    }
}

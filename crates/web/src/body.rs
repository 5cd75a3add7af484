//! JSON bodies: read strictly, and every mistake told at once.

mod mistakes;
mod unambiguous;

use std::io;

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, dev::Payload, error::PayloadError, http::header,
    web::Bytes,
};
use futures_util::{StreamExt as _, future::LocalBoxFuture};
use kernel::{ErrorKind, FieldError};
use secrecy::SecretString;
use serde::{
    Deserialize as _, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Value, error::Category};

pub(crate) use mistakes::decode_value_and;
pub(crate) use unambiguous::json;

use crate::{Problem, change::RequestHash};

/// A JSON body. `T` has `#[serde(deny_unknown_fields)]`. A route whose bodies are small says so:
/// `Body<T, LIMIT>` takes so many bytes at most, where `http.body_limit` allows more.
#[derive(Clone, Debug)]
pub struct Body<T, const LIMIT: usize = { usize::MAX }>(pub T);

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for Body<T, LIMIT> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(refusal) = as_it_is(request) {
            return Box::pin(async { Err(refusal) });
        }
        if !is_json(request.content_type()) {
            return Box::pin(async { Err(not_json()) });
        }
        let bytes = Bytes::from_request(request, &mut cut(payload.take(), LIMIT));
        let request = request.clone();
        Box::pin(async move {
            let bytes = bytes.await.map_err(unreadable)?;
            RequestHash::note(&request, &bytes);
            decode(&bytes).map(Self)
        })
    }
}

pub(crate) fn is_json(content_type: &str) -> bool {
    content_type.eq_ignore_ascii_case("application/json")
}

pub(crate) fn not_json() -> Problem {
    Problem::new(
        ErrorKind::UnsupportedMediaType,
        "Send the body as JSON, with the header `Content-Type: application/json`.",
    )
}

/// Refuses a body that is to be unpacked or read in other letters than UTF-8: what is checked, kept
/// under an `Idempotency-Key` and limited are the bytes that came.
///
/// # Errors
/// 415.
pub(crate) fn as_it_is(request: &HttpRequest) -> Result<(), Problem> {
    let refused = |detail| Err(Problem::new(ErrorKind::UnsupportedMediaType, detail));
    let mut encodings = request.headers().get_all(header::CONTENT_ENCODING);
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return refused("Send the body as it is, without `Content-Encoding`.");
    }
    let is_utf_8 = match request.mime_type() {
        Ok(Some(media_type)) => media_type
            .get_param("charset")
            .is_none_or(|charset| charset == "utf-8" || charset == "us-ascii"),
        // What it is instead is looked at by whoever reads it.
        Ok(None) | Err(_) => true,
    };
    if is_utf_8 {
        Ok(())
    } else {
        refused("Send the body in UTF-8.")
    }
}

/// What comes, until it is more than the limit.
fn cut(payload: Payload, limit: usize) -> Payload {
    let mut left = limit;
    let chunks = payload.map(move |chunk| {
        let chunk = chunk?;
        left = left
            .checked_sub(chunk.len())
            .ok_or(PayloadError::Overflow)?;
        Ok(chunk)
    });
    Payload::Stream {
        payload: Box::pin(chunks),
    }
}

/// Why the bytes of a body did not arrive.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
pub(crate) fn unreadable(error: actix_web::Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Problem::new(
            ErrorKind::TooLarge,
            "The body is larger than this API accepts.",
        ),
        Some(PayloadError::Io(error)) if error.kind() == io::ErrorKind::TimedOut => Problem::new(
            ErrorKind::MalformedRequest,
            "The body did not arrive in time.",
        ),
        _ => Problem::new(
            ErrorKind::MalformedRequest,
            "The body did not arrive completely.",
        ),
    }
}

/// Reads a body.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    decode_and(bytes, Ok)
}

/// Reads a body whose fields are checked further. What either finds wrong is told at once.
pub(crate) fn decode_and<T: DeserializeOwned, U>(
    bytes: &[u8],
    check: impl FnOnce(T) -> Result<U, Problem>,
) -> Result<U, Problem> {
    let mut first = bytes.iter().skip_while(|byte| byte.is_ascii_whitespace());
    if first.next() == Some(&b'[') {
        // The fields of an object in the order in which they stand in the code, to the reader.
        json(bytes)?;
        let wrong = FieldError::new("", "invalid", "the body must be a JSON object");
        return Err(Problem::invalid(vec![wrong]));
    }
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return check(value),
        Err(error) => error,
    };
    if error.classify() != Category::Data {
        return Err(malformed(&error));
    }
    // A field that is given twice is refused here; what is left is JSON that is no `T`.
    match decode_value_and::<T, U>(json(bytes)?, check) {
        Ok(_) => Err(malformed(&error)),
        Err(problem) => Err(problem),
    }
}

/// Reads a secret, for `#[serde(deserialize_with = "web::secret")]`: what is none is not repeated in
/// the error, as serde would.
///
/// # Errors
/// When it is no string.
pub fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text.into()),
        _ => Err(D::Error::custom("must be a string")),
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(
        ErrorKind::MalformedRequest,
        format!("The body is not valid JSON: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Hire {
        #[serde(rename = "first_name")]
        _first_name: Option<String>,
    }

    #[test]
    fn a_body_is_taken_as_it_is_and_in_utf_8() {
        let taken = |header: (&'static str, &'static str)| {
            let request = TestRequest::post().insert_header(header).to_http_request();
            as_it_is(&request).map_err(|problem| problem.kind())
        };
        for good in [
            ("content-type", "application/json"),
            ("content-type", "application/json; charset=UTF-8"),
            ("content-encoding", "identity"),
        ] {
            assert_eq!(taken(good), Ok(()), "{good:?}");
        }
        for bad in [
            ("content-type", "application/json; charset=utf-16"),
            ("content-encoding", "gzip"),
            ("content-encoding", "x-foo"),
        ] {
            assert_eq!(taken(bad), Err(ErrorKind::UnsupportedMediaType), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for body in [
            "",
            "{",
            "{\"a\":}",
            "\u{0}",
            "{\"first_name\": \"a\", \"first_name\": \"b\"}",
        ] {
            let problem = decode::<Hire>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.kind(), ErrorKind::MalformedRequest, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_body_or_an_error_never_a_panic(bytes in any::<Vec<u8>>()) {
            let _ = decode::<Hire>(&bytes);
        }
    }
}

//! JSON bodies: read strictly, and every mistake told at once.

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, dev::Payload, error::PayloadError, web::Bytes,
};
use futures_util::future::LocalBoxFuture;
use kernel::{ErrorKind, FieldError};
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category, json};

use crate::Problem;

/// A JSON body. `T` has `#[serde(deny_unknown_fields)]`.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request
            .content_type()
            .eq_ignore_ascii_case("application/json")
        {
            let problem = Problem::new(
                ErrorKind::UnsupportedMediaType,
                "Send the body as JSON, with the header `Content-Type: application/json`.",
            );
            return Box::pin(async move { Err(problem) });
        }
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move { decode(&bytes.await.map_err(unreadable)?).map(Self) })
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
        _ => Problem::new(
            ErrorKind::MalformedRequest,
            "The body did not arrive completely.",
        ),
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let malformed = |error: &serde_json::Error| {
        Problem::new(
            ErrorKind::MalformedRequest,
            format!("The body is not valid JSON: {error}"),
        )
    };
    if error.classify() != Category::Data {
        return Err(malformed(&error));
    }
    // Valid JSON that is no `T`: mend one mistake after the other.
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    let mut fields = Vec::new();
    let mut next = mistake::<T>(&value);
    while let Some(field) = next
        && fields.len() < 50
    {
        next = mend::<T>(&mut value, &field);
        fields.push(field);
    }
    if fields.is_empty() {
        // Only the text could show it: a field given twice.
        return Err(malformed(&error));
    }
    Err(Problem::invalid(fields))
}

/// The first mistake.
fn mistake<T: DeserializeOwned>(value: &Value) -> Option<FieldError> {
    let error = serde_path_to_error::deserialize::<_, T>(value).err()?;
    Some(describe(&error))
}

/// Puts something acceptable in the place of a mistake, and finds the next one. Where nothing is
/// acceptable (one of a few words is wanted, say), the object around it is left out.
fn mend<T: DeserializeOwned>(value: &mut Value, wrong: &FieldError) -> Option<FieldError> {
    let (parent, _) = wrong.pointer.rsplit_once('/')?;
    if wrong.code == "unknown_field" {
        remove(value, &wrong.pointer)?;
        return mistake::<T>(value);
    }
    for stand_in in [
        json!(null),
        json!(""),
        json!(0),
        json!(false),
        json!([]),
        json!({}),
    ] {
        place(value, &wrong.pointer, stand_in)?;
        let next = mistake::<T>(value);
        let is_mended = |next: &FieldError| !is_within(&next.pointer, &wrong.pointer);
        if next.as_ref().is_none_or(is_mended) {
            return next;
        }
    }
    remove(value, parent)?;
    mistake::<T>(value)
}

fn is_within(pointer: &str, outer: &str) -> bool {
    let rest = pointer.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Names the field of a mistake.
fn describe(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let message = error.inner().to_string();
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            serde_path_to_error::Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            serde_path_to_error::Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            _ => {}
        }
    }
    let named = message.split('`').nth(1).unwrap_or_default();
    let inside = |pointer: &str| {
        if pointer.rsplit('/').next() == Some(named) {
            pointer.to_owned()
        } else {
            format!("{pointer}/{named}")
        }
    };
    let (pointer, code) = if message.starts_with("unknown field") {
        (inside(&pointer), "unknown_field")
    } else if message.starts_with("missing field") {
        (format!("{pointer}/{named}"), "required")
    } else {
        (pointer, "invalid")
    };
    FieldError::new(pointer, code, message)
}

/// What a pointer's end stands in, and its key there.
fn around<'value>(value: &'value mut Value, pointer: &str) -> Option<(&'value mut Value, String)> {
    let (parent, key) = pointer.rsplit_once('/')?;
    let key = key.replace("~1", "/").replace("~0", "~");
    Some((value.pointer_mut(parent)?, key))
}

fn place(value: &mut Value, pointer: &str, stand_in: Value) -> Option<()> {
    match around(value, pointer)? {
        (Value::Object(object), key) => {
            object.insert(key, stand_in);
        }
        (Value::Array(items), key) => *items.get_mut(key.parse::<usize>().ok()?)? = stand_in,
        _ => return None,
    }
    Some(())
}

fn remove(value: &mut Value, pointer: &str) -> Option<Value> {
    match around(value, pointer)? {
        (Value::Object(object), key) => object.remove(&key),
        (Value::Array(items), key) => {
            let index = key.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Hire {
        #[serde(rename = "first_name")]
        _first_name: Option<String>,
        #[serde(rename = "pay")]
        _pay: Option<Pay>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pay {
        #[serde(rename = "amount")]
        _amount: Option<String>,
    }

    fn mistakes(body: &str) -> Vec<(String, &'static str)> {
        let problem = decode::<Hire>(body.as_bytes()).unwrap_err();
        assert_eq!(problem.kind(), ErrorKind::ValidationFailed);
        let mut all: Vec<_> = problem
            .fields()
            .iter()
            .map(|field| (field.pointer.clone(), field.code))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let body = r#"{"first_name": 5, "colour": "red", "pay": {"amount": 1, "x": 2}}"#;
        assert_eq!(
            mistakes(body),
            [
                ("/colour".to_owned(), "unknown_field"),
                ("/first_name".to_owned(), "invalid"),
                ("/pay/amount".to_owned(), "invalid"),
                ("/pay/x".to_owned(), "unknown_field"),
            ]
        );
    }

    #[test]
    fn a_required_field_of_the_wrong_type_is_one_mistake() {
        #[derive(Debug, Deserialize)]
        struct Named {
            #[serde(rename = "name")]
            _name: String,
        }
        let problem = decode::<Named>(br#"{"name": 5}"#).unwrap_err();
        assert_eq!(problem.fields().len(), 1);
    }

    #[test]
    fn what_is_missing_does_not_hide_what_is_wrong_after_it() {
        #[derive(Debug, Deserialize)]
        enum Period {
            #[serde(rename = "monthly")]
            Monthly,
        }
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Pay {
            #[serde(rename = "amount")]
            _amount: String,
            #[serde(rename = "currency")]
            _currency: String,
            #[serde(rename = "period")]
            _period: Period,
        }
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Person {
            #[serde(rename = "name")]
            _name: String,
            #[serde(rename = "born")]
            _born: String,
            #[serde(rename = "pay")]
            _pay: Option<Pay>,
        }
        let body = br#"{"name": 5, "pay": {"amount": 1, "period": "daily"}, "zeal": 1}"#;
        let problem = decode::<Person>(body).unwrap_err();
        let told: Vec<_> = problem
            .fields()
            .iter()
            .map(|it| it.pointer.as_str())
            .collect();
        assert_eq!(
            told,
            ["/name", "/pay/amount", "/pay/period", "/zeal", "/born"]
        );
        assert!(matches!(
            serde_json::from_str("\"monthly\""),
            Ok(Period::Monthly)
        ));
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

    #[test]
    fn a_body_of_another_shape_is_one_mistake_at_the_root() {
        assert_eq!(mistakes("[]").len(), 1);
        assert_eq!(mistakes("\"text\""), [(String::new(), "invalid")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_body_or_an_error_never_a_panic(bytes in any::<Vec<u8>>()) {
            let _ = decode::<Hire>(&bytes);
        }
    }
}

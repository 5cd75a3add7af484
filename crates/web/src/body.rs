//! JSON bodies: read strictly, and every mistake told at once.

mod unambiguous;

use std::io;

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, dev::Payload, error::PayloadError, http::header,
    web::Bytes,
};
use futures_util::{StreamExt as _, future::LocalBoxFuture};
use kernel::{ErrorKind, FieldError};
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category, json};
use uuid::Uuid;

pub(crate) use unambiguous::json;

use crate::{Problem, change::RequestHash, serde_text};

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

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(
        ErrorKind::MalformedRequest,
        format!("The body is not valid JSON: {error}"),
    )
}

/// Reads a value; what is wrong with it is mended, one mistake after the other, to find them all,
/// also those that only the check finds.
pub(crate) fn decode_value_and<T: DeserializeOwned, U>(
    mut value: Value,
    check: impl FnOnce(T) -> Result<U, Problem>,
) -> Result<U, Problem> {
    let mut fields = Vec::new();
    let mut next = mistake::<T>(&value);
    while let Some(field) = next {
        if fields.len() == MOST_MISTAKES {
            return Err(Problem::invalid_among_others(fields));
        }
        next = mend::<T>(&mut value, &field);
        fields.push(field);
    }
    let read = serde_json::from_value(value);
    if fields.is_empty() {
        return check(read.map_err(|error| malformed(&error))?);
    }
    if let Ok(mended) = read
        && let Err(problem) = check(mended)
    {
        // What stands in for a mistake may be one itself.
        let mut further = problem.fields().to_vec();
        further.retain(|field| {
            let mut known = fields.iter();
            !known.any(|known| is_within(&field.pointer, &known.pointer))
        });
        fields.append(&mut further);
    }
    Err(Problem::invalid(fields))
}

/// So many are looked for: each costs a few readings of the body.
const MOST_MISTAKES: usize = 50;

/// The first mistake.
fn mistake<T: DeserializeOwned>(value: &Value) -> Option<FieldError> {
    let error = serde_path_to_error::deserialize::<_, T>(value).err()?;
    Some(describe(&error))
}

/// Puts something acceptable in the place of a mistake, and finds the next one. Where nothing is
/// acceptable, the object around it is left out.
fn mend<T: DeserializeOwned>(value: &mut Value, wrong: &FieldError) -> Option<FieldError> {
    let (parent, _) = wrong.pointer.rsplit_once('/')?;
    if wrong.code == "unknown_field" {
        remove(value, &wrong.pointer)?;
        return mistake::<T>(value);
    }
    // Tried from the end.
    let mut stand_ins = vec![
        json!({}),
        json!([]),
        json!(false),
        json!(0),
        json!(Uuid::nil()),
        json!(""),
        json!(null),
    ];
    while let Some(stand_in) = stand_ins.pop() {
        let is_empty_text = stand_in == json!("");
        place(value, &wrong.pointer, stand_in)?;
        let next = mistake::<T>(value);
        match next {
            Some(same) if is_within(&same.pointer, &wrong.pointer) => {
                // One of a few words is wanted, and the error names them.
                let word = serde_text::expected_variant(&same.message);
                stand_ins.extend(word.filter(|_| is_empty_text).map(Value::from));
            }
            mended => return mended,
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
            serde_path_to_error::Segment::Map { key } => append(&mut pointer, key),
            serde_path_to_error::Segment::Seq { index } => append(&mut pointer, &index.to_string()),
            _ => {}
        }
    }
    if serde_text::unknown_field(&message).is_some() {
        // The path ends with its key.
        FieldError::new(pointer, "unknown_field", message)
    } else if let Some(name) = serde_text::missing_field(&message) {
        append(&mut pointer, name);
        FieldError::new(pointer, "required", "must be there and not be null")
    } else if message.starts_with("UUID parsing failed") {
        let rule = "must be an identifier, a UUID, as the API returned it";
        FieldError::new(pointer, "invalid", rule)
    } else if message.contains("expected struct ") {
        FieldError::new(pointer, "invalid", "must be an object")
    } else {
        FieldError::new(pointer, "invalid", message)
    }
}

/// Goes on to a key (RFC 6901, 3).
fn append(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
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
    use actix_web::test::TestRequest;
    use kernel::FieldErrors;
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

    /// What stands in for a mistake is none.
    #[test]
    fn what_is_wrong_to_the_reader_and_to_the_check_is_told_at_once() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Person {
            name: String,
            born: String,
        }
        let told = |body: &str| {
            let check = |person: Person| {
                let mut wrong = FieldErrors::new();
                for (pointer, text) in [("/name", &person.name), ("/born", &person.born)] {
                    if text.is_empty() {
                        wrong.push(pointer, "required", "must not be empty");
                    }
                }
                wrong.into_result().map_err(Problem::invalid)
            };
            let problem = decode_and(body.as_bytes(), check).unwrap_err();
            let fields = problem.fields().iter();
            fields
                .map(|it| it.pointer.clone())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(told(r#"{"name": "", "born": ""}"#), "/name /born");
        assert_eq!(told(r#"{"name": "", "born": 1}"#), "/born /name");
        assert_eq!(told(r#"{"name": "", "born": "x", "age": 1}"#), "/age /name");
        assert_eq!(told(r#"["Ada", "1815"]"#), "");
        assert_eq!(told(r#" [{"name": "Ada"}]"#), "");
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
    fn a_key_may_hold_what_pointers_and_messages_are_written_with() {
        let body = r#"{"a`b`c": 1, "x/y~z": 2, "": 3, "`, expected `first_name`": 4,
                       "pay": {"": 1, "a`b": 2, "~1": 3}, "first_name": 5}"#;
        assert_eq!(
            mistakes(body),
            [
                ("/".to_owned(), "unknown_field"),
                ("/`, expected `first_name`".to_owned(), "unknown_field"),
                ("/a`b`c".to_owned(), "unknown_field"),
                ("/first_name".to_owned(), "invalid"),
                ("/pay/".to_owned(), "unknown_field"),
                ("/pay/a`b".to_owned(), "unknown_field"),
                ("/pay/~01".to_owned(), "unknown_field"),
                ("/x~1y~0z".to_owned(), "unknown_field"),
            ]
        );
    }

    #[test]
    fn of_very_many_mistakes_the_first_are_told_and_that_there_are_more() {
        let told = |count: usize| {
            let body: serde_json::Map<_, _> =
                (0..count).map(|it| (format!("x{it}"), json!(1))).collect();
            let body = serde_json::to_vec(&body).unwrap();
            let problem = decode::<Hire>(&body).unwrap_err();
            (problem.fields().len(), problem.to_string())
        };
        let detail = |text: &str| format!("validation_failed: {text}");
        assert_eq!(
            told(50),
            (50, detail("50 fields are not valid: see `errors`."))
        );
        let more = detail("More than 50 fields are not valid: `errors` names the first 50.");
        assert_eq!(told(51), (50, more.clone()));
        assert_eq!(told(5_000), (50, more));
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
            [
                "/name",
                "/pay/amount",
                "/pay/period",
                "/pay/currency",
                "/zeal",
                "/born"
            ]
        );
        assert!(matches!(
            serde_json::from_str("\"monthly\""),
            Ok(Period::Monthly)
        ));
    }

    #[test]
    fn an_identifier_that_is_none_hides_nothing_after_it() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Transfer {
            #[serde(rename = "manager_id")]
            _manager_id: Uuid,
            #[serde(rename = "reason")]
            _reason: String,
        }
        let problem = decode::<Transfer>(br#"{"manager_id": "7", "reason": 5}"#).unwrap_err();
        let told = problem.fields().iter().map(|it| it.pointer.as_str());
        assert_eq!(told.collect::<Vec<_>>(), ["/manager_id", "/reason"]);
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

//! The search for every mistake in a body: each is mended, so that the next one is met.

use kernel::FieldError;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::malformed;
use crate::{Problem, serde_text};

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
    use kernel::{ErrorKind, FieldErrors};
    use serde::Deserialize;

    use super::{
        super::{decode, decode_and},
        *,
    };

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
    fn a_body_of_another_shape_is_one_mistake_at_the_root() {
        assert_eq!(mistakes("[]").len(), 1);
        assert_eq!(mistakes("\"text\""), [(String::new(), "invalid")]);
    }
}

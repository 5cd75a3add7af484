//! Bodies that are read when it is their turn, and merge patches.

use std::{borrow::Cow, marker::PhantomData};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web::Bytes};
use futures_util::future::LocalBoxFuture;
use kernel::{ErrorKind, FieldError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{Problem, body, change::RequestHash};

/// A JSON body that is not read yet. Where a path names something, whether it is there comes first
/// (404), then whether the client saw its last version (428, 412), and only then what is wrong with
/// the body (415, 400, 422).
#[derive(Debug)]
pub struct Draft<T> {
    body: Result<Bytes, Problem>,
    marker: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Draft<T> {
    /// Reads the body and checks what it means. `T` has `#[serde(deny_unknown_fields)]`.
    ///
    /// # Errors
    /// 415 when it is no JSON by its `Content-Type`, 400 when it is none, 422 naming every field
    /// that is missing, unknown or wrong, to the reader or to the check.
    pub fn read<U>(&self, check: impl FnOnce(T) -> Result<U, Problem>) -> Result<U, Problem> {
        body::decode_and(self.bytes()?, check)
    }

    /// Reads the body as a merge patch (RFC 7396) of what can be edited of a thing: absent keeps,
    /// `null` clears. What comes out is a whole `T`, as if it had been sent to create the thing.
    ///
    /// `T` writes every field that it reads, as `null` when it holds nothing.
    ///
    /// # Errors
    /// As [`Self::read`]; a field that must not be absent cannot be cleared.
    pub fn merged<U>(
        &self,
        current: &T,
        check: impl FnOnce(T) -> Result<U, Problem>,
    ) -> Result<U, Problem>
    where
        T: Serialize,
    {
        let patch: Value = body::json(self.bytes()?)?;
        let mut value = serde_json::to_value(current).map_err(|error| {
            Problem::new(ErrorKind::Internal, "Something went wrong on our side.").caused_by(error)
        })?;
        if !patch.is_object() {
            return Err(Problem::invalid(vec![FieldError::new(
                "",
                "invalid",
                "a merge patch is a JSON object",
            )]));
        }
        let mut unknown = Vec::new();
        cleared_unknown(&patch, &value, "", &mut unknown);
        if !unknown.is_empty() {
            return Err(Problem::invalid(unknown));
        }
        merge(&mut value, patch);
        body::decode_value_and(value, check)
    }

    fn bytes(&self) -> Result<&Bytes, Problem> {
        self.body.as_ref().map_err(Problem::copy)
    }
}

/// What is cleared and does not exist: merged, it would leave no trace for the reader to find.
fn cleared_unknown(patch: &Value, current: &Value, at: &str, unknown: &mut Vec<FieldError>) {
    let (Value::Object(changes), Value::Object(fields)) = (patch, current) else {
        return;
    };
    for (name, change) in changes {
        let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        match fields.get(name) {
            None if change.is_null() => {
                unknown.push(FieldError::new(pointer, "unknown_field", "no such field"));
            }
            Some(field) => cleared_unknown(change, field, &pointer, unknown),
            None => {}
        }
    }
}

/// RFC 7396, 2.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), change);
        }
    }
}

impl<T: 'static> FromRequest for Draft<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(refusal) = body::as_it_is(request) {
            let refused = Self {
                body: Err(refusal),
                marker: PhantomData,
            };
            return Box::pin(async { Ok(refused) });
        }
        let content_type = request.content_type();
        let is_json = body::is_json(content_type)
            || content_type.eq_ignore_ascii_case("application/merge-patch+json");
        let request = request.clone();
        let bytes = Bytes::from_request(&request, payload);
        Box::pin(async move {
            let bytes = bytes.await.map_err(body::unreadable)?;
            RequestHash::note(&request, &bytes);
            Ok(Self {
                body: if is_json {
                    Ok(bytes)
                } else {
                    Err(body::not_json())
                },
                marker: PhantomData,
            })
        })
    }
}

/// The documentation of a merge patch of `T`: its fields, none of them required.
#[derive(Debug)]
pub struct PatchOf<T>(PhantomData<T>);

/// The trait is what the documentation's macro asks of a generic type.
impl<T: PartialSchema> utoipa::__dev::ComposeSchema for PatchOf<T> {
    fn compose(_generics: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        match T::schema() {
            RefOr::T(Schema::Object(mut object)) => {
                object.required.clear();
                object.description = Some(
                    "A merge patch (RFC 7396): what is absent stays, `null` clears.".to_owned(),
                );
                RefOr::T(Schema::Object(object))
            }
            other => other,
        }
    }
}

impl<T: ToSchema> ToSchema for PatchOf<T> {
    fn name() -> Cow<'static, str> {
        let name = T::name();
        Cow::Owned(format!(
            "{}Patch",
            name.strip_prefix("New").unwrap_or(&name)
        ))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Place {
        name: String,
        city: Option<String>,
        range: Option<Range>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Range {
        min: u8,
        max: u8,
    }

    fn oxford() -> Place {
        Place {
            name: "Oxford".to_owned(),
            city: Some("Oxford".to_owned()),
            range: Some(Range { min: 1, max: 9 }),
        }
    }

    fn patched(patch: &str) -> Result<Place, Vec<(String, &'static str)>> {
        let draft = Draft::<Place> {
            body: Ok(Bytes::copy_from_slice(patch.as_bytes())),
            marker: PhantomData,
        };
        draft.merged(&oxford(), Ok).map_err(|problem| {
            let told = problem.fields().iter();
            told.map(|it| (it.pointer.clone(), it.code)).collect()
        })
    }

    #[test]
    fn absent_keeps_null_clears_and_an_object_is_merged() {
        assert_eq!(patched("{}"), Ok(oxford()));
        let cleared = patched(r#"{"city": null, "range": {"max": 7}}"#).unwrap();
        assert_eq!(cleared.city, None);
        assert_eq!(cleared.range, Some(Range { min: 1, max: 7 }));
        assert_eq!(patched(r#"{"range": null}"#).unwrap().range, None);
    }

    #[test]
    fn what_must_be_there_cannot_be_cleared_and_what_is_unknown_not_even_that() {
        let refused = |patch| patched(patch).unwrap_err();
        assert_eq!(
            refused(r#"{"name": null}"#),
            [("/name".to_owned(), "required")]
        );
        for patch in [r#"{"colour": "red"}"#, r#"{"colour": null}"#] {
            assert_eq!(refused(patch), [("/colour".to_owned(), "unknown_field")]);
        }
        assert_eq!(
            refused(r#"{"range": {"min": "low", "x": 1}}"#),
            [
                ("/range/min".to_owned(), "invalid"),
                ("/range/x".to_owned(), "unknown_field")
            ]
        );
        assert_eq!(
            refused(r#"{"range": {"colour": null}}"#),
            [("/range/colour".to_owned(), "unknown_field")]
        );
        for patch in ["[]", "null", "\"name\""] {
            assert_eq!(refused(patch), [(String::new(), "invalid")]);
        }
    }

    /// One reader takes the first, another the last: what was checked would not be what is stored.
    #[test]
    fn a_field_that_is_given_twice_is_refused_however_deep() {
        for patch in [
            r#"{"city": "Leeds", "city": "York"}"#,
            r#"{"range": {"min": 2, "min": 3}}"#,
            r#"{"range": [{"x": {"y": 1, "y": null}}]}"#,
        ] {
            let draft = Draft::<Place> {
                body: Ok(Bytes::copy_from_slice(patch.as_bytes())),
                marker: PhantomData,
            };
            let problem = draft.merged(&oxford(), Ok).unwrap_err();
            assert_eq!(problem.kind(), ErrorKind::MalformedRequest, "{patch}");
            assert!(
                format!("{problem:?}").contains("duplicate field"),
                "{patch}"
            );
        }
    }

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn patches_are_merged_as_the_standard_shows() {
        for (mut original, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (
                json!({"a":"b","b":"c"}),
                json!({"a":null}),
                json!({"b":"c"}),
            ),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            merge(&mut original, patch);
            assert_eq!(original, result);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_patch_that_came_twice_is_as_one_that_came_once(target in any_json(), patch in any_json()) {
            let mut once = target;
            merge(&mut once, patch.clone());
            let mut twice = once.clone();
            merge(&mut twice, patch);
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn a_patch_touches_nothing_that_it_does_not_name(
            target in prop::collection::btree_map("[a-f]", any_json(), 0..6),
            patch in prop::collection::btree_map("[a-c]", any_json(), 0..3),
        ) {
            let mut merged = Value::Object(target.clone().into_iter().collect());
            merge(&mut merged, Value::Object(patch.clone().into_iter().collect()));
            for (name, value) in target.iter().filter(|(name, _)| !patch.contains_key(*name)) {
                prop_assert_eq!(merged.get(name), Some(value));
            }
        }
    }
}

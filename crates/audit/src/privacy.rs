//! What a record says of the values of a field, by how much harm their disclosure does.

use std::collections::BTreeMap;

use database::StoreError;
use kernel::{
    audit::FieldChange,
    field::{AccessGroup, Class},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{AuditKeys, record::canonical_text};

/// The personal values of an event, as they were before they were encrypted: of each field what it was
/// and what it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PersonalValues(pub BTreeMap<String, Values>);

/// What a field was, and what it is; absent where there was nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// What it was.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub before: Option<Value>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub after: Option<Value>,
}

/// A value that is there is `Some`, be it `null`.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Value>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Value>, D::Error> {
        Value::deserialize(deserializer).map(Some)
    }
}

/// What is said of the changes in the open, and what is encrypted.
pub(crate) struct Sorted {
    /// An object, a field each.
    pub(crate) open: Value,
    /// What the key of the subject encrypts.
    pub(crate) personal: PersonalValues,
}

/// Sorts changes by the classes of their fields. Personal values of nobody are withheld.
pub(crate) fn sort(
    keys: &AuditKeys,
    tenant: Uuid,
    changes: Vec<FieldChange>,
    has_subject: bool,
) -> Result<Sorted, StoreError> {
    let mut open = Map::new();
    let mut personal = PersonalValues::default();
    for FieldChange {
        field,
        before,
        after,
    } in changes
    {
        let mut said = Map::new();
        said.insert("class".to_owned(), class(field.class).into());
        said.insert("group".to_owned(), AccessGroup::as_str(field.group).into());
        match field.class {
            Class::Secret if !field.is_number => {}
            Class::Public | Class::Internal if !field.is_number => {
                said.extend(before.map(|it| ("before".to_owned(), it)));
                said.extend(after.map(|it| ("after".to_owned(), it)));
            }
            _ if field.is_number => {
                for (name, value) in [("before", before), ("after", after)] {
                    if let Some(value) = value {
                        let mut told = recognisable(keys, tenant, &value)?;
                        if field.class == Class::Secret
                            && let Value::Object(told) = &mut told
                        {
                            told.remove("last");
                        }
                        said.insert(name.to_owned(), told);
                    }
                }
            }
            _ if has_subject => {
                said.insert("encrypted".to_owned(), true.into());
                let values = Values { before, after };
                personal.0.insert(field.name.to_owned(), values);
            }
            _ => {
                said.insert("withheld".to_owned(), true.into());
            }
        }
        open.insert(field.name.to_owned(), said.into());
    }
    Ok(Sorted {
        open: open.into(),
        personal,
    })
}

/// Says of what would have been encrypted that it is withheld.
pub(crate) fn withhold(open: &mut Value) {
    for (_, said) in open.as_object_mut().into_iter().flatten() {
        if let Value::Object(said) = said
            && said.remove("encrypted").is_some()
        {
            said.insert("withheld".to_owned(), true.into());
        }
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Public => "public",
        Class::Internal => "internal",
        Class::Personal => "personal",
        Class::Sensitive => "sensitive",
        Class::Secret => "secret",
    }
}

/// A number by which whoever has it recognises it, and nobody else finds it out: a keyed hash, and its
/// last four characters if at least as many are not shown.
fn recognisable(keys: &AuditKeys, tenant: Uuid, value: &Value) -> Result<Value, StoreError> {
    let text = match value {
        Value::Null => return Ok(Value::Null),
        Value::String(text) => text.clone(),
        other => canonical_text(other)?,
    };
    let written: Vec<char> = text.chars().filter(|it| !it.is_whitespace()).collect();
    let compact: String = written.iter().collect();
    let shown = written.len().saturating_sub(4);
    let last: String = written.iter().skip(shown.max(4)).collect();
    let hash = keys.hash(tenant, &compact).map_err(StoreError::corrupt)?;
    Ok(json!({"hash": hash, "last": last}))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use kernel::field::FieldDeclaration;

    use super::*;

    fn keys() -> AuditKeys {
        AuditKeys::read(&STANDARD.encode([1; 32]).into()).unwrap()
    }

    fn change(name: &'static str, class: Class, is_number: bool, after: Value) -> FieldChange {
        let field = FieldDeclaration::new(name, class, AccessGroup::Bank);
        FieldChange {
            field: if is_number { field.number() } else { field },
            before: None,
            after: Some(after),
        }
    }

    const TENANT: Uuid = Uuid::from_u128(1);

    #[test]
    fn each_class_is_told_in_its_way() {
        let changes = vec![
            change("code", Class::Internal, false, json!("IT")),
            change("first_name", Class::Personal, false, json!("Neena")),
            change("pay", Class::Sensitive, false, json!({"amount": "17000"})),
            change("password", Class::Secret, false, json!("hunter2")),
            change(
                "iban",
                Class::Sensitive,
                true,
                json!("DE89 3704 0044 0532 0130 00"),
            ),
            change("tax_number", Class::Personal, true, json!("12345")),
            change("typed", Class::Secret, true, json!("jane.doe@example.com")),
        ];
        let Sorted { open, personal } = sort(&keys(), TENANT, changes.clone(), true).unwrap();
        assert_eq!(
            open["code"],
            json!({"class": "internal", "group": "bank", "after": "IT"})
        );
        assert_eq!(
            open["first_name"],
            json!({"class": "personal", "group": "bank", "encrypted": true})
        );
        assert_eq!(
            open["password"],
            json!({"class": "secret", "group": "bank"})
        );
        assert_eq!(open["iban"]["after"]["last"], "3000");
        assert_eq!(open["tax_number"]["after"]["last"], "5");
        assert_eq!(open["typed"]["after"]["hash"].as_str().unwrap().len(), 64);
        assert!(open["typed"]["after"].get("last").is_none());
        assert_eq!(personal.0.len(), 2);
        let told = open.to_string();
        for canary in ["Neena", "17000", "hunter2", "0532", "1234"] {
            assert!(!told.contains(canary), "{canary}");
        }
        let kept = serde_json::to_string(&personal).unwrap();
        assert!(
            !kept.contains("hunter2") && !kept.contains("DE89"),
            "{kept}"
        );
        let of_nobody = sort(&keys(), TENANT, changes, false).unwrap();
        assert!(of_nobody.personal.0.is_empty());
        assert_eq!(of_nobody.open["first_name"]["withheld"], true);
    }

    #[test]
    fn a_number_is_recognised_however_it_is_spaced() {
        let hash = |text| recognisable(&keys(), TENANT, &json!(text)).unwrap();
        assert_eq!(hash("DE89 3704 0044"), hash("DE8937040044"));
        assert_ne!(hash("DE8937040044"), hash("DE8937040045"));
        assert_eq!(
            recognisable(&keys(), TENANT, &Value::Null).unwrap(),
            Value::Null
        );
    }

    #[test]
    fn what_was_nothing_and_what_was_null_are_two_things() {
        let mut values = PersonalValues::default();
        let null = Values {
            before: Some(Value::Null),
            after: None,
        };
        values.0.insert("phone".to_owned(), null.clone());
        let text = serde_json::to_string(&values).unwrap();
        assert_eq!(text, r#"{"phone":{"before":null}}"#);
        let again: PersonalValues = serde_json::from_str(&text).unwrap();
        assert_eq!(again.0["phone"], null);
    }
}

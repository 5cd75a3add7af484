//! What somebody is shown of the changes in a record.

use kernel::field::AccessGroup;
use serde_json::{Map, Value};

use crate::PersonalValues;

/// The changes of a record with the values that were encrypted, as far as somebody may see them.
///
/// Of a field whose group is not open to him he sees that it changed: `masked`. Where the key of the
/// person is gone, nobody sees more: `erased`.
pub fn presented(
    changes: &Value,
    personal: Option<&PersonalValues>,
    is_open: impl Fn(AccessGroup) -> bool,
) -> Value {
    let Value::Object(fields) = changes else {
        return Value::Object(Map::new());
    };
    let shown = fields.iter().map(|(name, said)| {
        let group = said.get("group").and_then(Value::as_str);
        // A group that nobody knows any more is open to nobody.
        let is_open = group.and_then(AccessGroup::parse).is_some_and(&is_open);
        (name.clone(), field(name, said, personal, is_open))
    });
    Value::Object(shown.collect())
}

fn field(name: &str, said: &Value, personal: Option<&PersonalValues>, is_open: bool) -> Value {
    let kept = |key: &str| Some((key.to_owned(), said.get(key)?.clone()));
    let mut shown: Map<String, Value> = ["class", "group"].into_iter().filter_map(kept).collect();
    let is_encrypted = said.get("encrypted").is_some();
    if !is_open {
        shown.insert("masked".to_owned(), true.into());
    } else if is_encrypted {
        match personal.and_then(|it| it.0.get(name)) {
            Some(values) => {
                let before = values.before.clone();
                shown.extend(before.map(|it| ("before".to_owned(), it)));
                let after = values.after.clone();
                shown.extend(after.map(|it| ("after".to_owned(), it)));
            }
            None => {
                shown.insert("erased".to_owned(), true.into());
            }
        }
    } else {
        shown.extend(["before", "after", "withheld"].into_iter().filter_map(kept));
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes() -> Value {
        json!({
            "code": {"class": "internal", "group": "identity", "before": "A", "after": "B"},
            "first_name": {"class": "personal", "group": "identity", "encrypted": true},
            "compensation": {"class": "sensitive", "group": "compensation", "encrypted": true},
            "shoe_size": {"class": "personal", "group": "feet", "encrypted": true},
        })
    }

    fn personal() -> PersonalValues {
        let values = json!({
            "first_name": {"before": "Neena", "after": "Nina"},
            "compensation": {"after": "17000"},
            "shoe_size": {"after": 43},
        });
        serde_json::from_value(values).unwrap()
    }

    #[test]
    fn what_is_not_open_to_somebody_is_masked_and_nothing_of_it_is_shown() {
        let shown = presented(&changes(), Some(&personal()), |it| {
            it == AccessGroup::Identity
        });
        assert_eq!(shown["code"]["after"], "B");
        assert_eq!(shown["first_name"]["before"], "Neena");
        assert_eq!(shown["compensation"]["masked"], true);
        assert_eq!(shown["shoe_size"]["masked"], true);
        assert!(!shown.to_string().contains("17000") && !shown.to_string().contains("43"));
    }

    #[test]
    fn of_a_person_whose_key_is_gone_nothing_personal_is_shown() {
        let shown = presented(&changes(), None, |_| true);
        assert_eq!(shown["first_name"]["erased"], true);
        assert_eq!(shown["code"]["before"], "A");
    }
}

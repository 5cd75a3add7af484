//! Mends what the generator writes of schemas that stand inside others.

use serde_json::{Map, Value};

/// Goes through everything.
pub(super) fn tidy(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(tidy);
            inline(object);
            hoist(object);
        }
        Value::Array(array) => array.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// A word with a description is written as both a text and an object, which nothing is.
fn inline(object: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = object.get("allOf") else {
        return;
    };
    let [Value::Object(schema), Value::Object(remark)] = parts.as_slice() else {
        return;
    };
    let is_remark = remark
        .iter()
        .all(|(key, value)| key == "description" || (key == "type" && value == "object"));
    if is_remark && remark.contains_key("description") {
        let (schema, remark) = (schema.clone(), remark.get("description").cloned());
        object.remove("allOf");
        object.extend(schema);
        object.extend(remark.map(|remark| ("description".to_owned(), remark)));
    }
}

/// What is said of a field that may be null is said of one of its alternatives.
fn hoist(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get_mut("oneOf") else {
        return;
    };
    let is_optional = choices.len() == 2
        && choices
            .iter()
            .any(|it| it.get("type") == Some(&"null".into()));
    if !is_optional {
        return;
    }
    let remark = choices
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .filter(|choice| choice.contains_key("$ref"))
        .find_map(|choice| choice.remove("description"));
    if let Some(remark) = remark {
        object.entry("description").or_insert(remark);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tidied(mut value: Value) -> Value {
        tidy(&mut value);
        value
    }

    #[test]
    fn a_word_is_a_text_and_no_object() {
        let written = json!({"allOf": [
            {"type": "string", "enum": ["a"]}, {"type": "object", "description": "A word."},
        ]});
        let meant = json!({"type": "string", "enum": ["a"], "description": "A word."});
        assert_eq!(tidied(json!({"x": written})), json!({"x": meant}));
        let extended = json!({"allOf": [{"$ref": "#/x"}, {"type": "object", "properties": {}}]});
        assert_eq!(tidied(extended.clone()), extended);
    }

    #[test]
    fn what_is_said_of_a_field_stands_at_the_field() {
        let written = json!({"oneOf": [{"$ref": "#/x", "description": "It."}, {"type": "null"}]});
        let meant = json!({"description": "It.", "oneOf": [{"$ref": "#/x"}, {"type": "null"}]});
        assert_eq!(tidied(written), meant);
        let choice = json!({"oneOf": [{"$ref": "#/x", "description": "It."}, {"$ref": "#/y"}]});
        assert_eq!(tidied(choice.clone()), choice);
    }
}

//! An example for every body, composed from those of its fields.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// Deeper than this a schema contains itself.
const DEEPEST: usize = 12;

/// Gives each content of an operation that has none an example.
pub(super) fn add(operation: &mut Value, schemas: &Value) {
    let bodies = operation
        .get_mut("requestBody")
        .into_iter()
        .flat_map(contents);
    for (media_type, content) in bodies {
        complete(media_type, content, schemas, None);
    }
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for response in responses.into_iter().flat_map(Map::values_mut) {
        let json = response
            .pointer("/content/application~1json/schema")
            .and_then(|schema| of(schema, schemas, 0));
        for (media_type, content) in contents(response) {
            complete(media_type, content, schemas, json.as_ref());
        }
    }
}

fn contents(body: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    body.get_mut("content")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
}

fn complete(media_type: &str, content: &mut Value, schemas: &Value, json: Option<&Value>) {
    if content.get("example").is_some() || content.get("examples").is_some() {
        return;
    }
    let example = match (media_type, json) {
        ("text/csv", Some(list)) => as_csv(list).map(Value::from),
        _ => content
            .get("schema")
            .and_then(|schema| of(schema, schemas, 0)),
    };
    if let (Some(example), Some(content)) = (example, content.as_object_mut()) {
        content.insert("example".to_owned(), example);
    }
}

/// An example of a schema; `None` when a field in it has none and its type does not suggest one.
pub(super) fn of(schema: &Value, schemas: &Value, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    for given in ["example", "const", "default"] {
        if let Some(value) = schema.get(given) {
            return Some(value.clone());
        }
    }
    for given in ["examples", "enum"] {
        if let Some(value) = schema.get(given).and_then(|values| values.get(0)) {
            return Some(value.clone());
        }
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next()?;
        return of(schemas.get(name)?, schemas, depth + 1);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(choice).and_then(Value::as_array) {
            let some = choices
                .iter()
                .find(|it| it.get("type") != Some(&json!("null")));
            return of(some?, schemas, depth + 1);
        }
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        for part in parts {
            whole.extend(of(part, schemas, depth + 1)?.as_object()?.clone());
        }
        return Some(Value::Object(whole));
    }
    of_type(schema, schemas, depth)
}

fn of_type(schema: &Value, schemas: &Value, depth: usize) -> Option<Value> {
    let types = schema.get("type")?;
    let is = |name: &str| {
        let types = types
            .as_array()
            .map_or(std::slice::from_ref(types), Vec::as_slice);
        types.iter().any(|it| it == name)
    };
    if is("object") {
        let mut object = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            object.insert(name.clone(), of(property, schemas, depth + 1)?);
        }
        Some(Value::Object(object))
    } else if is("array") {
        Some(json!([of(schema.get("items")?, schemas, depth + 1)?]))
    } else if is("boolean") {
        Some(json!(true))
    } else if is("integer") {
        Some(schema.get("minimum").cloned().unwrap_or_else(|| json!(1)))
    } else if is("string") {
        match schema.get("format")?.as_str()? {
            "uuid" => Some(json!("0192f0c1-7f0a-7000-8000-000000000001")),
            "date" => Some(json!("2026-03-01")),
            "date-time" => Some(json!("2026-03-01T08:30:00Z")),
            _ => None,
        }
    } else {
        None
    }
}

/// The items of a page as a list's CSV has them: an object is a column for each of its parts.
fn as_csv(list: &Value) -> Option<String> {
    let items = list.get("data")?.as_array()?;
    let mut csv = String::new();
    for (row, item) in items.iter().enumerate() {
        let mut cells = Vec::new();
        flatten("", item, &mut cells);
        let line = |cells: Vec<String>| cells.join(",");
        let (names, values) = cells.into_iter().unzip();
        if row == 0 {
            // Writing to a string can't fail.
            let _ = write!(csv, "{}\r\n", line(names));
        }
        let _ = write!(csv, "{}\r\n", line(values));
    }
    Some(csv)
}

fn flatten(name: &str, value: &Value, cells: &mut Vec<(String, String)>) {
    match value {
        Value::Object(parts) => {
            for (part, value) in parts {
                let gap = if name.is_empty() { "" } else { "_" };
                flatten(&format!("{name}{gap}{part}"), value, cells);
            }
        }
        Value::String(text) => cells.push((name.to_owned(), quoted(text))),
        Value::Null => cells.push((name.to_owned(), String::new())),
        other => cells.push((name.to_owned(), other.to_string())),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(schema: &Value) -> Option<Value> {
        let schemas = json!({
            "Name": {"type": "string", "example": "Ada"},
            "Person": {"type": "object", "properties": {
                "born": {"type": ["string", "null"], "format": "date"},
                "name": {"$ref": "#/components/schemas/Name"},
            }},
            "Node": {"type": "object", "properties": {
                "next": {"$ref": "#/components/schemas/Node"},
            }},
        });
        of(schema, &schemas, 0)
    }

    #[test]
    fn an_object_is_composed_from_its_fields() {
        let person = json!({"$ref": "#/components/schemas/Person"});
        let ada = json!({"born": "2026-03-01", "name": "Ada"});
        assert_eq!(example(&person), Some(ada.clone()));
        let list = json!({"type": "array", "items": person});
        assert_eq!(example(&list), Some(json!([ada])));
        let optional = json!({"oneOf": [{"type": "null"}, person]});
        assert_eq!(example(&optional), Some(ada));
        let extended = json!({"allOf": [
            person, {"type": "object", "properties": {"depth": {"type": "integer"}}},
        ]});
        assert_eq!(
            example(&extended),
            Some(json!({"born": "2026-03-01", "name": "Ada", "depth": 1}))
        );
    }

    #[test]
    fn a_text_of_no_known_form_needs_an_example_of_its_own() {
        assert_eq!(example(&json!({"type": "string"})), None);
        let inside = json!({"type": "object", "properties": {"x": {"type": "string"}}});
        assert_eq!(example(&inside), None);
        assert_eq!(example(&json!({"$ref": "#/components/schemas/Node"})), None);
    }

    #[test]
    fn a_list_is_a_table_too() {
        let list = json!({"data": [
            {"id": 1, "name": "King, Ada", "pay": {"amount": "1.50", "currency": null}},
        ]});
        let csv = as_csv(&list).unwrap();
        assert_eq!(
            csv,
            "id,name,pay_amount,pay_currency\r\n1,\"King, Ada\",1.50,\r\n"
        );
    }
}

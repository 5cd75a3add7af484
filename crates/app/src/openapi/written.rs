//! The description as it is committed: to be read, and to be compared line by line.

use std::fmt::Write as _;

use serde_json::Value;

/// What is no longer than this stands on one line.
const WIDTH: usize = 110;

/// The document with its keys in order, each thing on one line if it fits.
pub(super) fn text(document: &Value) -> String {
    let mut text = String::new();
    write(&mut text, document, 0);
    text.push('\n');
    text
}

fn write(text: &mut String, value: &Value, depth: usize) {
    let line = one_line(value);
    let (open, close) = match value {
        Value::Object(_) if line.len() + depth > WIDTH => ('{', '}'),
        Value::Array(_) if line.len() + depth > WIDTH => ('[', ']'),
        _ => return text.push_str(&line),
    };
    let indent = |text: &mut String, depth| {
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', depth));
    };
    text.push(open);
    let mut separate = false;
    for (key, value) in members(value) {
        if separate {
            text.push(',');
        }
        separate = true;
        indent(text, depth + 1);
        if let Some(key) = key {
            // Writing to a string can't fail.
            let _ = write!(text, "{}: ", Value::from(key));
        }
        write(text, value, depth + 1);
    }
    indent(text, depth);
    text.push(close);
}

/// The members of an object in the order of their names, or those of an array.
fn members(value: &Value) -> Vec<(Option<&str>, &Value)> {
    match value {
        Value::Object(object) => {
            let mut all: Vec<_> = object.iter().map(|(k, v)| (Some(k.as_str()), v)).collect();
            all.sort_by_key(|(key, _)| *key);
            all
        }
        Value::Array(array) => array.iter().map(|it| (None, it)).collect(),
        _ => Vec::new(),
    }
}

fn one_line(value: &Value) -> String {
    let inside = || {
        let all = members(value).into_iter().map(|(key, value)| match key {
            Some(key) => format!("{}: {}", Value::from(key), one_line(value)),
            None => one_line(value),
        });
        all.collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::Object(object) if object.is_empty() => "{}".to_owned(),
        Value::Object(_) => format!("{{ {} }}", inside()),
        Value::Array(_) => format!("[{}]", inside()),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let long = "x".repeat(WIDTH);
        let document = json!({
            "b": {"long": long, "\"": [1, 2.5, true, null]}, "a": [{}, [], {"c": "d"}],
            "list": [long, "short"],
        });
        let written = text(&document);
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), document);
        assert!(
            written.starts_with("{\n \"a\": [{}, [], { \"c\": \"d\" }],\n \"b\": {\n"),
            "{written}"
        );
    }
}

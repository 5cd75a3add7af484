//! Representations as CSV (RFC 4180).

use kernel::{Shown, formula};
use serde_json::Value;

/// The columns of some fields: a plain one is one column, an object one for each of its parts.
pub(crate) fn columns(shown: &[Shown]) -> Vec<String> {
    shown
        .iter()
        .flat_map(|field| -> Vec<String> {
            if field.parts.is_empty() {
                return vec![field.name.to_owned()];
            }
            let part = |part: &&str| format!("{}_{}", field.name, part.replace('.', "_"));
            field.parts.iter().map(part).collect()
        })
        .collect()
}

/// The cells of a representation, in the order of [`columns`].
pub(crate) fn cells(shown: &[Shown], item: &Value) -> Vec<String> {
    let mut cells = Vec::with_capacity(shown.len());
    for field in shown {
        let value = item.get(field.name).unwrap_or(&Value::Null);
        if field.parts.is_empty() {
            cells.push(cell(value));
        }
        for part in field.parts {
            let value = part
                .split('.')
                .try_fold(value, |value, name| value.get(name));
            cells.push(cell(value.unwrap_or(&Value::Null)));
        }
    }
    cells
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => formula::harmless(text),
        other => other.to_string(),
    }
}

/// Writes records.
pub(crate) fn write(records: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for record in records {
        writer.write_record(record)?;
    }
    writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SHOWN: &[Shown] = &[
        Shown::plain("name"),
        Shown::reference("department"),
        Shown::of("pay", &["min.amount", "min.currency"]),
    ];

    #[test]
    fn an_object_is_a_column_for_each_of_its_parts() {
        assert_eq!(
            columns(SHOWN),
            [
                "name",
                "department_id",
                "department_name",
                "pay_min_amount",
                "pay_min_currency"
            ]
        );
        let item = json!({
            "name": "Yang", "department": {"id": 7, "name": "Sales"},
            "pay": {"min": {"amount": "1.50", "currency": "EUR"}}, "other": 1,
        });
        assert_eq!(cells(SHOWN, &item), ["Yang", "7", "Sales", "1.50", "EUR"]);
        assert_eq!(
            cells(SHOWN, &json!({"department": null})),
            ["", "", "", "", ""]
        );
    }

    #[test]
    fn a_text_that_looks_like_a_formula_is_text() {
        assert_eq!(cell(&"=1+1".into()), "'=1+1");
        assert_eq!(cell(&(-2).into()), "-2", "a number is none");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(texts in prop::collection::vec(any::<String>(), 1..6)) {
            let written = write([texts.clone()]).unwrap();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&*written);
            let read: Vec<String> = reader.records().next().map_or_else(
                || vec![String::new()],
                |record| record.unwrap().iter().map(str::to_owned).collect(),
            );
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn no_cell_begins_like_a_formula(text in any::<String>()) {
            let value = cell(&Value::from(text));
            for cell in value.split([';', '\t', '|', '\r', '\n']) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@']));
            }
        }
    }
}

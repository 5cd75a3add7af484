//! The description is whole, and keeps what it promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use web::ErrorType;

use super::{contract, document, errors, examples, written};

fn committed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(path)
}

/// `./just openapi` sets it.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
fn is_to_be_written() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

#[test]
fn the_committed_contract_is_kept_and_up_to_date() {
    let (file, now) = (committed("openapi/v1.json"), document());
    let before = fs::read_to_string(&file).ok();
    if let Some(before) = &before {
        let before = serde_json::from_str(before).unwrap();
        let broken = contract::broken(&before, &now);
        assert!(
            broken.is_empty(),
            "this breaks clients of v1. Add beside what there is, or, as long as nothing is \
             released, delete docs/openapi/v1.json and run ./just openapi:\n{}",
            broken.join("\n")
        );
    }
    let text = written::text(&now);
    if is_to_be_written() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
    } else {
        let is_up_to_date = before.is_some_and(|before| before == text);
        assert!(
            is_up_to_date,
            "docs/openapi/v1.json is out of date: ./just openapi"
        );
    }
}

#[test]
fn the_page_of_errors_is_up_to_date() {
    let (file, text) = (committed("errors.md"), errors::page());
    if is_to_be_written() {
        fs::write(&file, text).unwrap();
    } else {
        let before = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            before == text,
            "docs/errors.md is out of date: ./just openapi"
        );
    }
}

/// Every operation by its name.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap();
        operations.iter().map(move |(method, operation)| {
            (format!("{} {path}", method.to_uppercase()), operation)
        })
    });
    all.collect()
}

/// What a reference refers to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(reference) = value["$ref"].as_str() else {
        return value;
    };
    let target = document.pointer(&reference[1..]);
    target.unwrap_or_else(|| panic!("nothing is at {reference}"))
}

/// Collects everything that is missing, so that a new operation hears of all of it at once.
#[derive(Default)]
struct Lacks(Vec<String>);

impl Lacks {
    fn unless(&mut self, has: bool, place: &str, what: &str) {
        if !has {
            self.0.push(format!("{place}: {what}"));
        }
    }

    fn text(&mut self, value: &Value, key: &str, place: &str) {
        let has = value[key]
            .as_str()
            .is_some_and(|text| !text.trim().is_empty());
        self.unless(has, place, key);
    }

    fn none(self) {
        let Self(lacks) = self;
        assert!(
            lacks.is_empty(),
            "the description lacks:\n{}",
            lacks.join("\n")
        );
    }
}

#[test]
fn every_operation_is_described_whole() {
    let document = document();
    let mut lacks = Lacks::default();
    let mut ids = BTreeMap::<&str, String>::new();
    let tags = document["tags"].as_array().unwrap();
    let tags: BTreeSet<_> = tags
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut used = BTreeSet::new();
    for (name, operation) in operations(&document) {
        for key in ["operationId", "summary"] {
            lacks.text(operation, key, &name);
        }
        let id = operation["operationId"].as_str().unwrap_or_default();
        let other = ids.insert(id, name.clone());
        lacks.unless(other.is_none(), &name, "an operationId of its own");
        let own: Vec<_> = operation["tags"].as_array().into_iter().flatten().collect();
        lacks.unless(own.len() == 1, &name, "one tag");
        used.extend(own.iter().filter_map(|tag| tag.as_str()));
        let signed = !operation["security"].as_array().unwrap().is_empty();
        let is_declared = match (
            operation["x-permission"].as_str(),
            operation["x-access"].as_str(),
        ) {
            (Some(permission), None) => {
                let description = operation["description"].as_str().unwrap_or_default();
                signed && description.contains(&format!("`{permission}`"))
            }
            (None, Some("signed_in")) => signed,
            (None, Some("open" | "tenant")) => !signed,
            _ => false,
        };
        lacks.unless(is_declared, &name, "what it needs");
        parameters(&document, &name, operation, &mut lacks);
        body(&document, &name, operation, &mut lacks);
        responses(&document, &name, operation, &mut lacks);
    }
    for tag in tags.symmetric_difference(&used) {
        lacks.unless(false, &format!("tag {tag}"), "a description and a use");
    }
    lacks.none();
}

fn parameters(document: &Value, name: &str, operation: &Value, lacks: &mut Lacks) {
    let path = name.split(' ').nth(1).unwrap();
    let mut in_path: BTreeSet<_> = path.split('/').filter(|it| it.starts_with('{')).collect();
    let mut seen = BTreeSet::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let place = format!("{name}: parameter {}", parameter["name"]);
        for key in ["name", "in", "description"] {
            lacks.text(parameter, key, &place);
        }
        let key = (parameter["in"].to_string(), parameter["name"].to_string());
        lacks.unless(seen.insert(key), &place, "to be there once");
        let schema = resolved(document, &parameter["schema"]);
        lacks.unless(schema.is_object(), &place, "schema");
        lacks.unless(parameter.get("example").is_some(), &place, "example");
        if parameter["in"] == "path" {
            lacks.unless(parameter["required"] == true, &place, "required");
            in_path.remove(format!("{{{}}}", parameter["name"].as_str().unwrap()).as_str());
        }
    }
    for template in in_path {
        lacks.unless(false, name, &format!("the parameter {template}"));
    }
}

fn body(document: &Value, name: &str, operation: &Value, lacks: &mut Lacks) {
    let Some(body) = operation.get("requestBody") else {
        return;
    };
    let contents = body["content"].as_object();
    lacks.unless(
        contents.is_some_and(|it| !it.is_empty()),
        name,
        "the type of its body",
    );
    for (media_type, content) in contents.into_iter().flatten() {
        let place = format!("{name}: body as {media_type}");
        lacks.unless(
            resolved(document, &content["schema"]).is_object(),
            &place,
            "schema",
        );
        lacks.unless(content.get("example").is_some(), &place, "example");
    }
}

const CARRIED: [&str; 9] = [
    "X-Request-Id",
    "traceparent",
    "Cache-Control",
    "Content-Security-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "RateLimit",
    "RateLimit-Policy",
];

fn responses(document: &Value, name: &str, operation: &Value, lacks: &mut Lacks) {
    let responses = operation["responses"].as_object().unwrap();
    let succeeds = responses.keys().any(|status| status.starts_with('2'));
    lacks.unless(succeeds, name, "a success");
    for (status, response) in responses {
        let place = format!("{name}: {status}");
        let response = resolved(document, response);
        lacks.text(response, "description", &place);
        let more: &[&str] = match status.as_str() {
            "201" => &["Location"],
            "401" => &["WWW-Authenticate"],
            "429" | "503" => &["Retry-After"],
            _ => &[],
        };
        for header in CARRIED.iter().chain(more) {
            let described = resolved(document, &response["headers"][header]);
            let is_whole = described["description"].is_string() && described["schema"].is_object();
            lacks.unless(is_whole, &place, &format!("the header {header}"));
        }
        let is_refusal = status.starts_with(['4', '5']);
        for (media_type, content) in response["content"].as_object().into_iter().flatten() {
            let place = format!("{place} as {media_type}");
            lacks.unless(
                resolved(document, &content["schema"]).is_object(),
                &place,
                "schema",
            );
            if media_type != "application/problem+json" {
                lacks.unless(content.get("example").is_some(), &place, "example");
                continue;
            }
            lacks.unless(is_refusal, &place, "to be a refusal");
            let examples = content["examples"].as_object();
            lacks.unless(
                examples.is_some_and(|it| !it.is_empty()),
                &place,
                "a code in backticks",
            );
            for (code, example) in examples.into_iter().flatten() {
                let known = ErrorType::named(code).map(|error| error.status.to_string());
                let is_of_status = known.as_ref() == Some(status);
                lacks.unless(
                    is_of_status,
                    &place,
                    &format!("to be the status of `{code}`"),
                );
                let value = &resolved(document, example)["value"];
                lacks.unless(
                    value["error"] == code.as_str(),
                    &place,
                    "the code's own example",
                );
            }
        }
        let is_told =
            response.get("content").is_some() || ["204", "304"].contains(&status.as_str());
        lacks.unless(is_told, &place, "content");
    }
}

#[test]
fn every_field_of_every_schema_is_described_and_has_an_example() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut lacks = Lacks::default();
    for (name, schema) in schemas.as_object().unwrap() {
        let is_choice = schema.get("oneOf").is_some();
        if !is_choice {
            lacks.text(schema, "description", name);
        }
        let parts = [schema]
            .into_iter()
            .chain(schema["allOf"].as_array().into_iter().flatten());
        let fields = parts
            .filter_map(|part| part["properties"].as_object())
            .flatten();
        for (field, property) in fields {
            let place = format!("{name}/{field}");
            let target = resolved(&document, property);
            let is_described =
                property["description"].is_string() || target["description"].is_string();
            lacks.unless(is_described, &place, "description");
            lacks.unless(
                examples::of(property, schemas, 0).is_some(),
                &place,
                "example",
            );
        }
    }
    lacks.none();
}

#[test]
fn every_reference_refers_to_something_and_everything_shared_is_used() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|it| references(it, found));
            }
            Value::Array(array) => array.iter().for_each(|it| references(it, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        assert!(
            document.pointer(&reference[1..]).is_some(),
            "nothing is at {reference}"
        );
    }
    for kind in ["responses", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(
                found.contains(reference.as_str()),
                "nobody uses {reference}"
            );
        }
    }
}

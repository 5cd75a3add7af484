//! What a change of the API would break.
//!
//! A client was written against the committed description. It goes on working if everything it may
//! send is still taken, and everything it may be answered is still what it was told: requests may
//! widen, answers may only gain fields. Words (enumerations) of an answer may neither lose nor gain
//! any: who looks for one would wait for ever, and who knows them all would meet a stranger.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Everything that `new` breaks of `old`, a line each; empty when it only adds.
pub(super) fn broken(old: &Value, new: &Value) -> Vec<String> {
    let mut breaks = Breaks {
        old,
        new,
        found: Vec::new(),
        compared: BTreeSet::new(),
    };
    for (path, operations) in object(old.get("paths")) {
        for (method, operation) in object(Some(operations)) {
            let name = format!("{} {path}", method.to_uppercase());
            match new.pointer(&format!("/paths/{}/{method}", escaped(path))) {
                Some(now) => breaks.operation(&name, operation, now),
                None => breaks.note(&name, "is gone"),
            }
        }
    }
    breaks.found
}

/// Who writes what is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    /// The client.
    Request,
    /// The API.
    Answer,
}

struct Breaks<'a> {
    old: &'a Value,
    new: &'a Value,
    found: Vec<String>,
    /// Pairs of named schemas that were compared: one may contain itself.
    compared: BTreeSet<(String, String, Direction)>,
}

impl<'a> Breaks<'a> {
    fn note(&mut self, place: &str, what: &str) {
        self.found.push(format!("{place} {what}"));
    }

    fn operation(&mut self, name: &str, old: &'a Value, new: &'a Value) {
        for key in ["operationId", "security", "x-permission", "x-access"] {
            if old.get(key) != new.get(key) {
                self.note(name, &format!("has another `{key}`"));
            }
        }
        self.parameters(name, old, new);
        self.request_body(name, old.get("requestBody"), new.get("requestBody"));
        for (status, response) in object(old.get("responses")) {
            let place = format!("{name}: {status}");
            match new.get("responses").and_then(|it| it.get(status)) {
                Some(now) => self.response(&place, response, now),
                None => self.note(&place, "is gone"),
            }
        }
    }

    fn parameters(&mut self, name: &str, old: &'a Value, new: &'a Value) {
        let is_same = |one: &Value, other: &Value| {
            one.get("in") == other.get("in") && one.get("name") == other.get("name")
        };
        let place = |parameter: &Value| {
            let text = |key| {
                parameter
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            format!("{name}: {} parameter `{}`", text("in"), text("name"))
        };
        let is_required = |parameter: &Value| parameter.get("required") == Some(&Value::Bool(true));
        for parameter in array(old.get("parameters")) {
            let now = array(new.get("parameters")).find(|it| is_same(it, parameter));
            match (
                now,
                parameter.get("schema"),
                now.and_then(|now| now.get("schema")),
            ) {
                (None, ..) => self.note(&place(parameter), "is gone"),
                (Some(_), Some(old), Some(new)) => {
                    self.schema(&place(parameter), old, new, Direction::Request);
                }
                _ => {}
            }
        }
        for parameter in array(new.get("parameters")).filter(|it| is_required(it)) {
            let before = array(old.get("parameters")).find(|it| is_same(it, parameter));
            if !before.is_some_and(is_required) {
                self.note(&place(parameter), "is required now");
            }
        }
    }

    fn request_body(&mut self, name: &str, old: Option<&'a Value>, new: Option<&'a Value>) {
        let is_required = |body: &Value| body.get("required") == Some(&Value::Bool(true));
        match (old, new) {
            (Some(_), None) => self.note(name, "takes no body any more"),
            (old, Some(new)) => {
                if is_required(new) && !old.is_some_and(is_required) {
                    self.note(name, "needs a body now");
                }
                if let Some(old) = old {
                    self.content(name, old, new, Direction::Request);
                }
            }
            (None, None) => {}
        }
    }

    fn response(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        self.content(place, old, new, Direction::Answer);
        for (header, _) in object(old.get("headers")) {
            let is_there =
                object(new.get("headers")).any(|(it, _)| it.eq_ignore_ascii_case(header));
            if !is_there {
                self.note(place, &format!("has no header `{header}` any more"));
            }
        }
    }

    fn content(&mut self, place: &str, old: &'a Value, new: &'a Value, direction: Direction) {
        for (media_type, content) in object(old.get("content")) {
            let Some(now) = new.get("content").and_then(|it| it.get(media_type)) else {
                self.note(place, &format!("has no {media_type} any more"));
                continue;
            };
            if let (Some(old), Some(new)) = (content.get("schema"), now.get("schema")) {
                self.schema(&format!("{place}: body"), old, new, direction);
            }
            // The codes of a refusal.
            for (code, _) in object(content.get("examples")) {
                if now.get("examples").and_then(|it| it.get(code)).is_none() {
                    self.note(place, &format!("is not `{code}` any more"));
                }
            }
        }
    }

    fn schema(&mut self, place: &str, old: &'a Value, new: &'a Value, direction: Direction) {
        if let (Some(old), Some(new)) = (reference(old), reference(new)) {
            let pair = (old.to_owned(), new.to_owned(), direction);
            if !self.compared.insert(pair) {
                return;
            }
        }
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        self.alternatives(place, old, new, direction);
        let (old, new) = (flat(self.old, old), flat(self.new, new));
        self.types(place, &old, &new, direction);
        self.words(place, &old, &new, direction);
        if direction == Direction::Request {
            self.bounds(place, &old, &new);
        }
        if old.get("format") != new.get("format") {
            self.note(place, "has another format");
        }
        self.required(place, &old, &new, direction);
        for (name, property) in &old.properties {
            let place = format!("{place}/{name}");
            match new.properties.iter().find(|(it, _)| it == name) {
                Some((_, now)) => self.schema(&place, property, now, direction),
                None => self.note(&place, "is gone"),
            }
        }
        if let (Some(old), Some(new)) = (old.items, new.items) {
            self.schema(&format!("{place}/*"), old, new, direction);
        }
    }

    /// What was possible must still be understood: by the API in a request, by the client in an
    /// answer.
    fn alternatives(&mut self, place: &str, old: &'a Value, new: &'a Value, direction: Direction) {
        let all = |schema: &'a Value| -> Vec<&'a Value> {
            let choices = ["oneOf", "anyOf"]
                .into_iter()
                .find_map(|key| schema.get(key));
            choices.map_or_else(|| vec![schema], |choices| array(Some(choices)).collect())
        };
        let (before, now) = (all(old), all(new));
        if before.len() == 1 && now.len() == 1 {
            return;
        }
        let fits = |old, new| {
            let mut trial = Breaks {
                old: self.old,
                new: self.new,
                found: Vec::new(),
                compared: self.compared.clone(),
            };
            trial.schema(place, old, new, direction);
            trial.found.is_empty()
        };
        let is_kept = match direction {
            Direction::Request => before
                .iter()
                .all(|old| now.iter().any(|new| fits(old, new))),
            Direction::Answer => now
                .iter()
                .all(|new| before.iter().any(|old| fits(old, new))),
        };
        if !is_kept {
            self.note(place, "has other alternatives");
        }
    }

    fn types(&mut self, place: &str, old: &Flat<'_>, new: &Flat<'_>, direction: Direction) {
        // Who takes any number takes a whole one.
        let within = |few: &BTreeSet<&str>, many: &BTreeSet<&str>| {
            let is_in =
                |it: &&str| many.contains(it) || (*it == "integer" && many.contains("number"));
            many.is_empty() || (!few.is_empty() && few.iter().all(is_in))
        };
        let is_kept = match direction {
            Direction::Request => within(&old.types, &new.types),
            Direction::Answer => within(&new.types, &old.types),
        };
        if !is_kept {
            self.note(place, "has another type");
        }
    }

    fn words(&mut self, place: &str, old: &Flat<'_>, new: &Flat<'_>, direction: Direction) {
        let (before, now) = (old.get("enum"), new.get("enum"));
        let lacks = |words: Option<&Value>, word: &Value| !array(words).any(|it| it == word);
        if now.is_some() && before.is_none() && direction == Direction::Request {
            self.note(place, "takes certain words only");
        }
        if before.is_some() && now.is_none() && direction == Direction::Answer {
            self.note(place, "may be any word");
        }
        if before.is_none() || now.is_none() {
            return;
        }
        for word in array(before).filter(|word| lacks(now, word)) {
            self.note(place, &format!("has no {word} any more"));
        }
        for word in array(now).filter(|word| lacks(before, word)) {
            if direction == Direction::Answer {
                self.note(place, &format!("may be {word}, which is new"));
            }
        }
    }

    fn bounds(&mut self, place: &str, old: &Flat<'_>, new: &Flat<'_>) {
        let number = |schema: &Flat<'_>, key| schema.get(key).and_then(Value::as_f64);
        for lowest in ["minimum", "exclusiveMinimum", "minLength", "minItems"] {
            if number(new, lowest) > number(old, lowest) {
                self.note(place, &format!("has a greater `{lowest}`"));
            }
        }
        for greatest in ["maximum", "exclusiveMaximum", "maxLength", "maxItems"] {
            let (before, now) = (number(old, greatest), number(new, greatest));
            if now.is_some_and(|now| before.is_none_or(|before| now < before)) {
                self.note(place, &format!("has a smaller `{greatest}`"));
            }
        }
        let pattern = new.get("pattern");
        if pattern.is_some() && pattern != old.get("pattern") {
            self.note(place, "has another pattern");
        }
        let closed = Some(&Value::Bool(false));
        let extra = "additionalProperties";
        if new.get(extra) == closed && old.get(extra) != closed && !old.types.is_empty() {
            self.note(place, "takes no other fields any more");
        }
    }

    fn required(&mut self, place: &str, old: &Flat<'_>, new: &Flat<'_>, direction: Direction) {
        match direction {
            Direction::Request => {
                for name in new.required.difference(&old.required) {
                    self.note(&format!("{place}/{name}"), "is required now");
                }
            }
            Direction::Answer => {
                for name in old.required.difference(&new.required) {
                    self.note(&format!("{place}/{name}"), "may be missing now");
                }
            }
        }
    }
}

/// A schema and everything that it is composed of by `allOf`.
struct Flat<'a> {
    parts: Vec<&'a Value>,
    types: BTreeSet<&'a str>,
    required: BTreeSet<&'a str>,
    properties: Vec<(&'a String, &'a Value)>,
    items: Option<&'a Value>,
}

impl<'a> Flat<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.parts.iter().find_map(|part| part.get(key))
    }
}

fn flat<'a>(document: &'a Value, schema: &'a Value) -> Flat<'a> {
    let mut parts = vec![schema];
    let mut next = 0;
    while let Some(part) = parts.get(next).copied() {
        let inner = array(part.get("allOf")).map(|it| resolved(document, it));
        parts.extend(inner);
        next += 1;
    }
    let texts = |key: &str| -> BTreeSet<&'a str> {
        let values = parts.iter().filter_map(|part| part.get(key));
        let each = values.flat_map(|value| match value {
            Value::Array(all) => all.iter().collect(),
            one => vec![one],
        });
        each.filter_map(Value::as_str).collect()
    };
    let properties = parts.iter().flat_map(|part| object(part.get("properties")));
    Flat {
        types: texts("type"),
        required: texts("required"),
        properties: properties.collect(),
        items: parts.iter().find_map(|part| part.get("items")),
        parts,
    }
}

fn reference(value: &Value) -> Option<&str> {
    value.get("$ref").and_then(Value::as_str)
}

/// What a reference refers to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = reference(value).and_then(|it| it.strip_prefix('#'));
    target.and_then(|it| document.pointer(it)).unwrap_or(value)
}

fn object(value: Option<&Value>) -> serde_json::map::Iter<'_> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.and_then(Value::as_object).unwrap_or(&EMPTY).iter()
}

fn array(value: Option<&Value>) -> std::slice::Iter<'_, Value> {
    value
        .and_then(Value::as_array)
        .map_or([].iter(), |all| all.iter())
}

fn escaped(path: &str) -> String {
    path.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A description of one operation that takes and answers a person.
    fn document() -> Value {
        let refusal = json!({"content": {"application/problem+json": {
            "examples": {"conflict": {}, "slug_taken": {}},
        }}});
        json!({
            "paths": {"/people/{id}": {"put": {
                "operationId": "put_person", "security": [], "x-access": "tenant",
                "parameters": [
                    {"in": "path", "name": "id", "required": true, "schema": {"type": "string"}},
                    {"in": "query", "name": "q", "schema": {"type": "string", "maxLength": 10}},
                ],
                "requestBody": {"required": false, "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/New"}},
                    "text/csv": {"schema": {"type": "string"}},
                }},
                "responses": {
                    "200": {
                        "headers": {"ETag": {}},
                        "content": {"application/json": {
                            "schema": {"$ref": "#/components/schemas/Person"},
                        }},
                    },
                    "409": {"$ref": "#/components/responses/Refusal"},
                },
            }}},
            "components": {
                "responses": {"Refusal": refusal},
                "schemas": {
                    "New": {
                        "type": "object", "required": ["name"],
                        "properties": {
                            "name": {"type": "string"},
                            "born": {"type": "string", "format": "date"},
                            "age": {"type": "integer", "minimum": 0, "maximum": 200},
                            "state": {"type": "string", "enum": ["active", "gone"]},
                        },
                    },
                    "Person": {"allOf": [
                        {"type": "object", "required": ["id"], "properties": {
                            "id": {"type": "string", "format": "uuid"},
                        }},
                        {"type": "object", "required": ["name"], "properties": {
                            "name": {"type": "string"},
                            "state": {"type": "string", "enum": ["active", "gone"]},
                            "reports": {
                                "type": "array",
                                "items": {"$ref": "#/components/schemas/Person"},
                            },
                            "boss": {"oneOf": [
                                {"type": "null"},
                                {"$ref": "#/components/schemas/Person"},
                            ]},
                        }},
                    ]},
                },
            },
        })
    }

    /// What is broken after something in the description was replaced, or taken out.
    fn after(pointer: &str, value: Option<Value>) -> Vec<String> {
        let (old, mut new) = (document(), document());
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/");
        match (new.pointer_mut(parent).unwrap(), value) {
            (Value::Object(object), Some(value)) => drop(object.insert(key, value)),
            (Value::Object(object), None) => drop(object.remove(&key).unwrap()),
            (Value::Array(array), Some(value)) => array.push(value),
            (Value::Array(array), None) => drop(array.remove(key.parse().unwrap())),
            (other, _) => panic!("{parent} is {other}"),
        }
        broken(&old, &new)
    }

    const OPERATION: &str = "/paths/~1people~1{id}/put";
    const NEW: &str = "/components/schemas/New";
    const PERSON: &str = "/components/schemas/Person/allOf/1";

    #[test]
    fn what_is_as_it_was_breaks_nothing() {
        assert_eq!(broken(&document(), &document()), Vec::<String>::new());
    }

    #[test]
    fn what_is_gone_is_missed() {
        for (pointer, found) in [
            ("/paths/~1people~1{id}", "PUT /people/{id} is gone"),
            (
                &format!("{OPERATION}/operationId"),
                "PUT /people/{id} has another `operationId`",
            ),
            (
                &format!("{OPERATION}/parameters/1"),
                "PUT /people/{id}: query parameter `q` is gone",
            ),
            (
                &format!("{OPERATION}/requestBody"),
                "PUT /people/{id} takes no body any more",
            ),
            (
                &format!("{OPERATION}/requestBody/content/text~1csv"),
                "PUT /people/{id} has no text/csv any more",
            ),
            (
                &format!("{OPERATION}/responses/409"),
                "PUT /people/{id}: 409 is gone",
            ),
            (
                &format!("{OPERATION}/responses/200/headers/ETag"),
                "PUT /people/{id}: 200 has no header `ETag` any more",
            ),
            (
                &format!("{OPERATION}/responses/200/content/application~1json"),
                "PUT /people/{id}: 200 has no application/json any more",
            ),
            (
                "/components/responses/Refusal/content/application~1problem+json/examples/conflict",
                "PUT /people/{id}: 409 is not `conflict` any more",
            ),
            (
                &format!("{NEW}/properties/born"),
                "PUT /people/{id}: body/born is gone",
            ),
            (
                &format!("{PERSON}/properties/name"),
                "PUT /people/{id}: 200: body/name is gone",
            ),
            (
                &format!("{NEW}/properties/state/enum/1"),
                "PUT /people/{id}: body/state has no \"gone\" any more",
            ),
            (
                &format!("{PERSON}/properties/state/enum/1"),
                "PUT /people/{id}: 200: body/state has no \"gone\" any more",
            ),
        ] {
            assert_eq!(after(pointer, None), [found], "{pointer}");
        }
    }

    #[test]
    fn a_request_that_was_taken_is_taken() {
        for (pointer, value, found) in [
            (
                format!("{OPERATION}/security"),
                json!([{"bearer": []}]),
                " has another `security`",
            ),
            (
                format!("{OPERATION}/parameters/-"),
                json!({"in": "query", "name": "x", "required": true, "schema": {}}),
                ": query parameter `x` is required now",
            ),
            (
                format!("{OPERATION}/parameters/1/required"),
                json!(true),
                ": query parameter `q` is required now",
            ),
            (
                format!("{OPERATION}/parameters/1/schema/maxLength"),
                json!(5),
                ": query parameter `q` has a smaller `maxLength`",
            ),
            (
                format!("{OPERATION}/requestBody/required"),
                json!(true),
                " needs a body now",
            ),
            (
                format!("{NEW}/required/-"),
                json!("born"),
                ": body/born is required now",
            ),
            (
                format!("{NEW}/additionalProperties"),
                json!(false),
                ": body takes no other fields any more",
            ),
            (
                format!("{NEW}/properties/name/type"),
                json!("integer"),
                ": body/name has another type",
            ),
            (
                format!("{NEW}/properties/name/enum"),
                json!(["Ada"]),
                ": body/name takes certain words only",
            ),
            (
                format!("{NEW}/properties/name/minLength"),
                json!(1),
                ": body/name has a greater `minLength`",
            ),
            (
                format!("{NEW}/properties/name/pattern"),
                json!("^A"),
                ": body/name has another pattern",
            ),
            (
                format!("{NEW}/properties/name/format"),
                json!("date"),
                ": body/name has another format",
            ),
            (
                format!("{NEW}/properties/age/maximum"),
                json!(99),
                ": body/age has a smaller `maximum`",
            ),
        ] {
            let found = format!("PUT /people/{{id}}{found}");
            assert_eq!(after(&pointer, Some(value)), [found], "{pointer}");
        }
    }

    #[test]
    fn an_answer_is_what_it_was() {
        for (pointer, value, found) in [
            (
                format!("{PERSON}/required"),
                json!([]),
                "/name may be missing now",
            ),
            (
                format!("{PERSON}/properties/name/type"),
                json!(["string", "null"]),
                "/name has another type",
            ),
            (
                format!("{PERSON}/properties/state/enum/-"),
                json!("on_leave"),
                "/state may be \"on_leave\", which is new",
            ),
            (
                format!("{PERSON}/properties/boss/oneOf/-"),
                json!({"type": "string"}),
                "/boss has other alternatives",
            ),
            (
                format!("{PERSON}/properties/reports/items"),
                json!({"type": "string"}),
                "/reports/*",
            ),
        ] {
            let all = after(&pointer, Some(value));
            let found = format!("PUT /people/{{id}}: 200: body{found}");
            assert!(
                all.iter().any(|it| it.starts_with(&found)),
                "{pointer}: {all:?}"
            );
        }
    }

    #[test]
    fn what_is_added_breaks_nothing() {
        for (pointer, value) in [
            ("/paths/~1teams".to_owned(), json!({"get": {}})),
            (format!("{OPERATION}/description"), json!("Puts a person.")),
            (
                format!("{OPERATION}/parameters/-"),
                json!({"in": "query", "name": "x", "schema": {"type": "string"}}),
            ),
            (
                format!("{OPERATION}/parameters/1/schema/maxLength"),
                json!(20),
            ),
            (
                format!("{OPERATION}/requestBody/content/text~1xml"),
                json!({"schema": {}}),
            ),
            (format!("{OPERATION}/responses/429"), json!({})),
            (format!("{NEW}/properties/phone"), json!({"type": "string"})),
            (format!("{NEW}/required"), json!([])),
            (
                format!("{NEW}/properties/name/type"),
                json!(["string", "null"]),
            ),
            (format!("{NEW}/properties/age/type"), json!("number")),
            (format!("{NEW}/properties/age/minimum"), json!(-5)),
            (format!("{NEW}/properties/state/enum/-"), json!("on_leave")),
            (
                format!("{PERSON}/properties/phone"),
                json!({"type": "string"}),
            ),
            (format!("{PERSON}/required/-"), json!("state")),
        ] {
            assert_eq!(
                after(&pointer, Some(value)),
                Vec::<String>::new(),
                "{pointer}"
            );
        }
        let optional = "/components/schemas/Person/allOf/1/properties/boss/oneOf/0";
        assert_eq!(
            after(optional, None),
            Vec::<String>::new(),
            "always there from now on"
        );
    }

    #[test]
    fn a_name_of_a_schema_is_nobodys_business() {
        let text = document()
            .to_string()
            .replace("schemas/New", "schemas/Newcomer");
        let mut new: Value = serde_json::from_str(&text).unwrap();
        let schemas = new.pointer_mut("/components/schemas").unwrap();
        let moved = schemas.as_object_mut().unwrap().remove("New").unwrap();
        schemas
            .as_object_mut()
            .unwrap()
            .insert("Newcomer".to_owned(), moved);
        assert_eq!(broken(&document(), &new), Vec::<String>::new());
    }
}

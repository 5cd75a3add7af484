//! Every operation, as the API describes itself.

use reqwest::Method;
use serde_json::Value;

use crate::known;

/// What an operation needs of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Not even a tenant.
    Nothing,
    /// A tenant.
    Tenant,
    /// A token of the tenant.
    Token,
    /// A token of the public tenant.
    Platform,
}

/// An operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// As the description has it: `/api/v1/employees/{id}`.
    pub(crate) template: String,
    pub(crate) needs: Needs,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
}

/// A parameter in the query or in the head.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) is_required: bool,
    pub(crate) schema: Value,
    pub(crate) example: Value,
}

/// A body, and where in it ids stand.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) media_type: String,
    pub(crate) example: Value,
    pub(crate) fields: Vec<Field>,
}

/// A field of a body that holds no object.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Where it stands: `/compensation/amount`.
    pub(crate) pointer: String,
    pub(crate) name: String,
    pub(crate) is_required: bool,
    pub(crate) is_uuid: bool,
    /// It holds a list of them.
    pub(crate) is_list: bool,
}

impl Parameter {
    /// Its name without an operator: `department_id` of `department_id[in]`.
    pub(crate) fn subject(&self) -> &str {
        self.name.split('[').next().unwrap_or_default()
    }

    /// Whether its type leaves no room for the name of a thing.
    fn is_plain(&self) -> bool {
        let format = self.schema["format"].as_str();
        let is_text = self.schema["type"] == "string";
        !is_text || self.schema["enum"].is_array() || matches!(format, Some("date" | "date-time"))
    }
}

impl Field {
    /// The collection whose ids it takes.
    pub(crate) fn refers_to(&self, of: &Operation) -> Option<&'static str> {
        known::refers_to(&of.template, &self.name)
    }
}

impl Operation {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    pub(crate) fn takes(&self, place: &str, name: &str) -> bool {
        let mut parameters = self.parameters.iter();
        parameters.any(|it| it.place == place && it.name.eq_ignore_ascii_case(name))
    }

    /// The parameters in its path, each with the collection before it.
    pub(crate) fn path_ids(&self) -> Vec<(String, String)> {
        let mut ids = Vec::new();
        let mut before = String::new();
        for segment in self.template.split('/').skip(1) {
            if segment.starts_with('{') {
                ids.push((segment.to_owned(), before.clone()));
            }
            before = format!("{before}/{segment}");
        }
        ids
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.body.iter().flat_map(|body| &body.fields)
    }

    /// What of it nobody said how to attack.
    pub(crate) fn unknown(&self, all: &[Self]) -> Vec<String> {
        let mut unknown = Vec::new();
        if self.needs == Needs::Nothing {
            return unknown;
        }
        for (name, collection) in self.path_ids() {
            let is_made = all.iter().any(|it| it.makes(&collection));
            if !is_made && known::given(&collection).is_none() {
                unknown.push(format!("where does {name} behind {collection} come from?"));
            }
        }
        for parameter in &self.parameters {
            let (name, subject) = (&parameter.name, parameter.subject());
            let is_known = match parameter.place.as_str() {
                "query" => {
                    subject == "cursor"
                        || known::refers_to(&self.template, subject).is_some()
                        || (!is_handle(subject) && parameter.is_plain())
                        || known::TEXTS.contains(&subject)
                }
                "header" => known::HEADERS.contains(&name.to_lowercase().as_str()),
                "path" => true,
                _ => false,
            };
            if !is_known {
                unknown.push(format!("what is {name} in the {}?", parameter.place));
            }
        }
        for field in self.fields() {
            let is_known = field.refers_to(self).is_some()
                || (self.needs == Needs::Tenant
                    && known::CREDENTIALS.contains(&field.name.as_str()));
            if (field.is_uuid || is_handle(&field.name)) && !is_known {
                unknown.push(format!("what does {} in the body refer to?", field.pointer));
            }
        }
        unknown
            .iter()
            .map(|what| format!("{}: {what}", self.name()))
            .collect()
    }

    /// Whether it adds to a collection.
    pub(crate) fn makes(&self, collection: &str) -> bool {
        self.method == Method::POST && self.template == collection
    }
}

/// Whether a name sounds like that of something by which a thing can be had.
fn is_handle(name: &str) -> bool {
    let ends = ["id", "_ids", "_token", "_key", "cursor"];
    ends.iter().any(|end| name.ends_with(end))
}

/// Every operation of the description.
pub(crate) fn operations() -> Vec<Operation> {
    let document = app::openapi_document();
    let paths = document["paths"].as_object().unwrap();
    let mut all = Vec::new();
    for (template, methods) in paths {
        for (method, described) in methods.as_object().unwrap() {
            all.push(operation(&document, method, template, described));
        }
    }
    assert!(all.len() >= 28, "{} operations", all.len());
    all
}

fn operation(document: &Value, method: &str, template: &str, described: &Value) -> Operation {
    let text = |key: &str| described[key].as_str();
    let needs = match (text("x-permission"), text("x-access")) {
        (Some(permission), None) if permission.starts_with("platform:") => Needs::Platform,
        (Some(_), None) | (None, Some("signed_in")) => Needs::Token,
        (None, Some("open")) => Needs::Nothing,
        (None, Some("tenant")) => Needs::Tenant,
        other => panic!("{method} {template} needs {other:?}"),
    };
    let parameters = described["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|it| Parameter {
        name: it["name"].as_str().unwrap().to_owned(),
        place: it["in"].as_str().unwrap().to_owned(),
        is_required: it["required"] == true,
        schema: resolved(document, &it["schema"]).clone(),
        example: it["example"].clone(),
    });
    let content = described["requestBody"]["content"].as_object();
    let body = content.and_then(|content| content.iter().next());
    let body = body.map(|(media_type, described)| {
        let mut fields = Vec::new();
        collect(document, &described["schema"], "", &mut fields);
        Body {
            media_type: media_type.clone(),
            example: described["example"].clone(),
            fields,
        }
    });
    Operation {
        method: method.to_uppercase().parse().unwrap(),
        template: template.to_owned(),
        needs,
        parameters: parameters.collect(),
        body,
    }
}

/// The schema behind references, and behind "or null".
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let at = reference.trim_start_matches('#');
        return resolved(document, document.pointer(at).unwrap());
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        let mut kinds = schema[word].as_array().into_iter().flatten();
        if let Some(kind) = kinds.find(|kind| kind["type"] != "null") {
            return resolved(document, kind);
        }
    }
    schema
}

/// Every field that holds no object.
fn collect(document: &Value, schema: &Value, at: &str, fields: &mut Vec<Field>) {
    let schema = resolved(document, schema);
    let required = schema["required"].as_array();
    let properties = schema["properties"].as_object();
    for (name, kind) in properties.into_iter().flatten() {
        let kind = resolved(document, kind);
        let pointer = format!("{at}/{name}");
        let item = resolved(document, &kind["items"]);
        if kind["properties"].is_object() {
            collect(document, kind, &pointer, fields);
        } else if item["properties"].is_object() {
            collect(document, item, &format!("{pointer}/0"), fields);
        } else {
            fields.push(Field {
                pointer,
                name: name.clone(),
                is_required: required.is_some_and(|all| all.iter().any(|it| it == name)),
                is_uuid: kind["format"] == "uuid" || item["format"] == "uuid",
                is_list: kind["items"].is_object(),
            });
        }
    }
}

//! Requests that succeed, made from the description, and whatever they need made on the way.

use std::cell::Cell;

use reqwest::Method;
use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;
use testkit::{Answer, Api, Session};
use url::form_urlencoded;

use crate::{
    document::{Needs, Operation, operations},
    known,
};

/// The id of nothing.
pub(crate) const NOTHING: &str = "0192ffff-ffff-7fff-8fff-ffffffffffff";

pub(crate) struct Scene {
    pub(crate) api: Api,
    pub(crate) operations: Vec<Operation>,
    made: Cell<u32>,
}

/// A request in the making.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    /// The ids in its path, in order.
    pub(crate) ids: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

/// In whose name a request is sent: by the header, by the host, by a token.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Name<'a> {
    pub(crate) slug: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    pub(crate) session: Option<&'a Session>,
}

impl<'a> Name<'a> {
    pub(crate) fn of(session: &'a Session) -> Self {
        Self {
            slug: Some(&session.tenant),
            session: Some(session),
            host: None,
        }
    }
}

const REQUEST_ID: &str = "x-request-id";

impl Request {
    /// By what its record is found.
    fn id(&self) -> &str {
        let mut headers = self.headers.iter();
        let own = headers.find(|(name, _)| name == REQUEST_ID);
        own.map_or("one", |(_, value)| value)
    }

    fn path(&self) -> String {
        let mut ids = self.ids.iter();
        let segments = self.operation.template.split('/').map(|segment| {
            if segment.starts_with('{') {
                ids.next().unwrap()
            } else {
                segment
            }
        });
        let mut path = segments.collect::<Vec<_>>().join("/");
        if !self.query.is_empty() {
            path.push('?');
            path += &form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&self.query)
                .finish();
        }
        path
    }

    /// The same with a value in a field of the body.
    pub(crate) fn with_field(mut self, pointer: &str, value: Value) -> Self {
        put(&mut self.body, pointer, value);
        self
    }

    pub(crate) fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.retain(|(known, _)| known != name);
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Puts a value where a pointer points, and makes the way there.
fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut at = body;
    for part in pointer.split('/').skip(1) {
        at = if part == "0" {
            if !at.is_array() {
                *at = Value::Array(vec![Value::Object(Map::new())]);
            }
            &mut at[0]
        } else {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            &mut at[part]
        };
    }
    *at = value;
}

/// Takes a field out of the body.
fn take(body: &mut Value, pointer: &str) {
    let Some((at, name)) = pointer.rsplit_once('/') else {
        return;
    };
    if let Some(Value::Object(fields)) = body.pointer_mut(at) {
        fields.remove(name);
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self {
            api: Api::start().await,
            operations: operations(),
            made: Cell::new(0),
        }
    }

    /// A request that succeeds, with everything that it needs made for it.
    pub(crate) async fn request(&self, of: &Operation, session: &Session) -> Request {
        let mut ids: Vec<String> = Vec::new();
        for (_, collection) in of.path_ids() {
            let id = Box::pin(self.thing(&collection, &ids, session)).await;
            ids.push(id);
        }
        let mut request = Request {
            operation: of.clone(),
            ids,
            query: Vec::new(),
            headers: Vec::new(),
            body: Value::Null,
        };
        for parameter in of
            .parameters
            .iter()
            .filter(|it| it.is_required && it.place == "query")
        {
            let example = match &parameter.example {
                Value::Null => &parameter.schema["enum"][0],
                example => example,
            };
            request = request.with_query(&parameter.name, example.as_str().unwrap());
        }
        if of.body.is_some() {
            request.body = Box::pin(self.body(of, session)).await;
        }
        for before in before(of) {
            let it = self
                .operations
                .iter()
                .find(|it| it.name() == *before)
                .unwrap();
            let mut step = Box::pin(self.request(it, session)).await;
            step.ids.clone_from(&request.ids);
            self.tag(&mut step, session).await;
            let answer = self.send(&step, Name::of(session)).await;
            assert!(answer.status < 300, "{before}: {}", answer.text);
        }
        self.tag(&mut request, session).await;
        request
    }

    /// Names the version that there is, where that is needed.
    async fn tag(&self, request: &mut Request, session: &Session) {
        if !request.operation.takes("header", "if-match") {
            return;
        }
        let template = &request.operation.template;
        // What the path names last, or what that belongs to.
        let mut ends = template
            .rmatch_indices('}')
            .map(|(end, _)| &template[..=end]);
        let get = ends.find_map(|named| {
            let mut operations = self.operations.iter();
            operations.find(|it| it.method == Method::GET && it.template == named)
        });
        let get = get.unwrap_or_else(|| panic!("{template}: whose version?"));
        let get = Request {
            operation: get.clone(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Value::Null,
            ids: request.ids.clone(),
        };
        let answer = self.send(&get, Name::of(session)).await;
        let version = answer.header("etag").map(ToOwned::to_owned).or_else(|| {
            let version = answer.body["version"].as_i64()?;
            Some(format!("\"{version}\""))
        });
        let version = version.unwrap_or_else(|| panic!("{template}: {answer:?}"));
        request.headers.retain(|(name, _)| name != "if-match");
        request.headers.push(("if-match".to_owned(), version));
    }

    /// The example of the description, with what no two may share made anew, and without references
    /// that may be left out.
    async fn body(&self, of: &Operation, session: &Session) -> Value {
        let Some(described) = &of.body else {
            return Value::Null;
        };
        let mut body = described.example.clone();
        assert!(!body.is_null(), "{}: its body has no example", of.name());
        let number = self.number();
        for field in &described.fields {
            if of.needs == Needs::Tenant && known::CREDENTIALS.contains(&field.name.as_str()) {
                match known::credential(&field.name, &session.tenant, session.refresh_token()) {
                    Value::Null => take(&mut body, &field.pointer),
                    value => put(&mut body, &field.pointer, value),
                }
            } else if let Some(collection) = field.refers_to(of) {
                if field.is_required {
                    let id = self.thing(collection, &[], session).await;
                    put(&mut body, &field.pointer, of_list(field.is_list, &id));
                } else {
                    take(&mut body, &field.pointer);
                }
            } else if let Some(value) = known::value(&of.template, &field.name, number)
                && body.pointer(&field.pointer).is_some()
            {
                put(&mut body, &field.pointer, value);
            }
        }
        body
    }

    /// Makes something in a collection of a tenant; its id. `around` are the ids in the collection's
    /// path.
    pub(crate) async fn thing(
        &self,
        collection: &str,
        around: &[String],
        session: &Session,
    ) -> String {
        if let Some(row) = known::given(collection) {
            return self.given(row, session).await;
        }
        let mut operations = self.operations.iter();
        let make = operations.find(|it| it.makes(collection));
        let make = make.unwrap_or_else(|| panic!("nothing adds to {collection}"));
        let request = Request {
            operation: make.clone(),
            ids: around.to_vec(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Box::pin(self.body(make, session)).await,
        };
        let answer = self.send(&request, Name::of(session)).await;
        let id = answer.body[known::handle(collection)].as_str();
        id.unwrap_or_else(|| panic!("{collection}: {}", answer.text))
            .to_owned()
    }

    /// Makes something in the database.
    async fn given(&self, row: &str, session: &Session) -> String {
        let number = self.number();
        let id = format!("0192eeee-eeee-7eee-8eee-{number:012}");
        let row = row
            .replace("{id}", &id)
            .replace("{slug}", &session.tenant)
            .replace("{number}", &number.to_string());
        let mut superuser = self.api.database().superuser().await;
        let row = AssertSqlSafe(row);
        sqlx::raw_sql(row).execute(&mut superuser).await.unwrap();
        id
    }

    /// A number that was not given before.
    pub(crate) fn number(&self) -> u32 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    /// Sends a request in somebody's name.
    pub(crate) async fn send(&self, request: &Request, name: Name<'_>) -> Answer {
        let operation = &request.operation;
        let path = request.path();
        let mut sent = self
            .api
            .request(operation.method.clone(), &path)
            .header("x-request-id", request.id());
        for (name, value) in request
            .headers
            .iter()
            .filter(|(name, _)| name != REQUEST_ID)
        {
            sent = sent.header(name, value);
        }
        if let Some(slug) = name.slug {
            sent = sent.header("x-tenant-slug", slug);
        }
        if let Some(host) = name.host {
            sent = sent.header("host", host);
        }
        if let Some(session) = name.session {
            sent = sent.bearer_auth(session.token());
        }
        if let Some(body) = &operation.body {
            let text = match &request.body {
                Value::String(text) => text.clone(),
                json => json.to_string(),
            };
            sent = sent.header("content-type", &body.media_type).body(text);
        }
        self.api.send(sent).await
    }
}

/// What happens before an operation.
fn before(of: &Operation) -> &'static [&'static str] {
    let mut known = known::BEFORE.iter();
    known
        .find(|(it, _)| *it == of.name())
        .map_or(&[], |(_, steps)| *steps)
}

/// An id, or a list of it.
pub(crate) fn of_list(is_list: bool, id: &str) -> Value {
    if is_list {
        Value::from(vec![id])
    } else {
        Value::from(id)
    }
}

//! Lists: the parameters, pages and exports that every list has.

mod documentation;
mod export;
mod view;

use std::marker::PhantomData;

use export::Export;
pub use export::Exports;
pub use view::View;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header, web::Data};
use database::TenantContext;
use futures_util::{
    future::{Ready, ready},
    stream,
};
use kernel::{ErrorKind, Limit, ListFault, ListQuery, ListSpec, Page, PageRequest, Reach, Shown};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    CursorScope, Cursors, Json, List, Pipeline, Problem, accept::Format, context, cursor,
    parameters, response::Answer as _,
};

/// What is listed, and what its list may be asked.
pub trait Listed: 'static {
    /// What may be asked.
    const SPEC: ListSpec;
    /// Where a page ends: [`kernel::Position`], unless the list has an order of its own.
    type Key: Serialize + DeserializeOwned + Clone + 'static;
    /// What an export is called.
    const FILE: &'static str;
}

/// The parameters of a list: filters, order, page, fields, and JSON or CSV.
pub struct Listing<R: Listed> {
    query: ListQuery,
    page: PageRequest<R::Key>,
    fields: Option<Vec<&'static str>>,
    extra: Vec<(&'static str, String)>,
    format: Format,
    scope: CursorScope,
    tenant: TenantContext,
    cursors: Data<Cursors>,
    exports: Data<Exports>,
    pipeline: Data<Pipeline>,
}

impl<R: Listed> std::fmt::Debug for Listing<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing")
            .field("page", &self.page.limit)
            .finish_non_exhaustive()
    }
}

impl<R: Listed> Listing<R> {
    /// A parameter of this route alone, as it was sent.
    pub fn extra(&self, name: &str) -> Option<&str> {
        let given = self.extra.iter().find(|(known, _)| *known == name);
        given.map(|(_, value)| value.as_str())
    }

    /// Whether the whole list is asked for, as CSV.
    pub fn is_export(&self) -> bool {
        matches!(self.format, Format::Csv)
    }

    /// By which fields it is filtered or searched, in the order of the query: the names, not the values.
    pub fn filtered_by(&self) -> Vec<&'static str> {
        let filters = self.query.conditions.iter().map(|it| it.field);
        let extra = self.extra.iter().map(|(name, _)| *name);
        let search = (!self.query.words.is_empty()).then_some("q");
        filters.chain(extra).chain(search).collect()
    }

    /// Whether a field is shown where the caller may see it.
    pub fn shows(&self, field: &str) -> bool {
        let only = self.fields.as_ref();
        only.is_none_or(|only| only.contains(&field))
    }

    /// Answers with a page, or with the whole list as CSV: `read` reads a page.
    ///
    /// # Errors
    /// Those of `read`; `rate_limited` when the tenant exports as much as it may already.
    pub async fn answer<T, F>(self, read: F) -> Result<HttpResponse, Problem>
    where
        T: Serialize + 'static,
        F: AsyncFn(&ListQuery, &PageRequest<R::Key>) -> Result<Page<T, R::Key>, Problem> + 'static,
    {
        match self.format {
            Format::Json => {
                let page = read(&self.query, &self.page).await?;
                self.json(page)
            }
            Format::Csv => self.export(read).await,
        }
    }

    fn json<T: Serialize>(&self, page: Page<T, R::Key>) -> Result<HttpResponse, Problem> {
        let seal = |key| self.cursors.seal(&self.scope, &key);
        let limit = self.page.limit.get();
        let Some(fields) = &self.fields else {
            let list = List::new(page, limit, |item| item, seal);
            return Ok(Json(list).render()?.into());
        };
        let page = Page {
            items: values(page.items)?,
            next: page.next,
            total: page.total,
        };
        let list = List::new(page, limit, |item| project(item, fields), seal);
        Ok(Json(list).render()?.into())
    }

    /// The first page is read before anything is answered, so that what is refused is refused as
    /// ever; each page is a transaction of its own, and nothing is held in between.
    async fn export<T, F>(self, read: F) -> Result<HttpResponse, Problem>
    where
        T: Serialize + 'static,
        F: AsyncFn(&ListQuery, &PageRequest<R::Key>) -> Result<Page<T, R::Key>, Problem> + 'static,
    {
        if self.page.after.is_some() || self.page.count || !self.query.expand.is_empty() {
            return Err(Problem::parameter(
                if self.page.after.is_some() {
                    "cursor"
                } else if self.page.count {
                    "count"
                } else {
                    "expand"
                },
                "text/csv is the whole list, and takes no such parameter",
            ));
        }
        let shown: Vec<Shown> = match &self.fields {
            None => R::SPEC.shown.to_vec(),
            Some(fields) => {
                let all = R::SPEC.shown.iter();
                all.filter(|shown| fields.contains(&shown.name))
                    .copied()
                    .collect()
            }
        };
        let request = PageRequest {
            limit: Limit::LARGEST,
            after: None,
            count: false,
        };
        let turn = self.exports.turn(self.tenant.id()).await?;
        let page = read(&self.query, &request).await?;
        drop(turn);
        let state = Export {
            read,
            query: self.query,
            request,
            page: Some(page),
            shown,
            begun: false,
            tenant: self.tenant,
            exports: self.exports,
            pipeline: self.pipeline,
        };
        let body = stream::try_unfold(state, |state| async move {
            match state.next().await {
                Ok(next) => Ok(next),
                Err(problem) => {
                    // The status is gone: the broken transfer tells the client.
                    tracing::warn!(
                        cause = problem.chain(),
                        code = problem.kind().as_str(),
                        "an export broke off"
                    );
                    Err(std::io::Error::other("the export broke off"))
                }
            }
        });
        Ok(HttpResponse::Ok()
            .insert_header((
                header::CONTENT_TYPE,
                "text/csv; charset=utf-8; header=present",
            ))
            .insert_header((
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{}.csv\"", R::FILE),
            ))
            .streaming(body))
    }
}

fn unwritten(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::new(ErrorKind::Internal, "The answer could not be written.").caused_by(error)
}

fn values<T: Serialize>(items: Vec<T>) -> Result<Vec<Value>, Problem> {
    let written: Result<_, _> = items.into_iter().map(serde_json::to_value).collect();
    written.map_err(unwritten)
}

/// The representation with these fields alone.
fn project(mut item: Value, fields: &[&str]) -> Value {
    if let Value::Object(object) = &mut item {
        object.retain(|name, _| fields.contains(&name.as_str()));
    }
    item
}

impl<R: Listed> FromRequest for Listing<R> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(read(request))
    }
}

fn read<R: Listed>(request: &HttpRequest) -> Result<Listing<R>, Problem> {
    let format = Format::wanted(request.headers())?;
    let pairs = parameters::pairs(request.query_string())?;
    let own = |name: &str| matches!(name, "limit" | "cursor" | "count" | "fields");
    let extra = |name: &str| R::SPEC.extra.iter().find(|extra| extra.name == name);
    let given = |wanted: &str| {
        let mut all = pairs.iter().filter(|(name, _)| name == wanted);
        match (all.next(), all.next()) {
            (_, Some(_)) => Err(Problem::parameter(wanted, "is given twice")),
            (first, None) => Ok(first.map(|(_, value)| value.as_str())),
        }
    };
    let asked = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !own(name) && extra(name).is_none());
    let signed = context::signed(request)?;
    let authorizer = context::authorizer(request)?;
    let query = R::SPEC
        .read(asked, |permission| {
            // As far as the list may reach: who holds it for himself alone would find out about
            // others by asking which of them are on the list.
            authorizer.reach(&signed.actor, permission) == Some(Reach::Tenant)
        })
        .map_err(|fault| match fault {
            ListFault::Invalid(fields) => Problem::parameters(fields),
            ListFault::Denied(permission) => kernel::Denied { permission }.into(),
        })?;
    let mut extras = Vec::new();
    for extra in R::SPEC.extra {
        if let Some(value) = given(extra.name)? {
            extras.push((extra.name, value.to_owned()));
        }
    }
    let fields = given("fields")?
        .map(|names| fields(R::SPEC.shown, names))
        .transpose()?;
    let cursors: &Data<Cursors> = context::component(request)?;
    let exports: &Data<Exports> = context::component(request)?;
    let pipeline: &Data<Pipeline> = context::component(request)?;
    let scope = CursorScope::new(&signed.tenant, request.path(), &canonical(&pairs));
    let page = cursor::page_request(
        cursors,
        &scope,
        given("limit")?,
        given("cursor")?,
        given("count")?,
    )?;
    Ok(Listing {
        query,
        page,
        fields,
        extra: extras,
        format,
        scope,
        tenant: signed.tenant,
        cursors: cursors.clone(),
        exports: exports.clone(),
        pipeline: pipeline.clone(),
    })
}

/// What makes it another list, whatever the order of the parameters.
fn canonical(pairs: &[(String, String)]) -> String {
    let mut parts: Vec<_> = pairs
        .iter()
        .filter(|(name, _)| {
            !matches!(
                name.as_str(),
                "limit" | "cursor" | "count" | "fields" | "expand"
            )
        })
        .map(|(name, value)| format!("{}:{name}{}:{value}", name.len(), value.len()))
        .collect();
    parts.sort_unstable();
    parts.join("&")
}

fn fields(shown: &'static [Shown], names: &str) -> Result<Vec<&'static str>, Problem> {
    names
        .split(',')
        .map(|name| {
            let known = shown.iter().find(|shown| shown.name == name.trim());
            known.map(|shown| shown.name).ok_or_else(|| {
                let names: Vec<_> = shown.iter().map(|shown| shown.name).collect();
                Problem::parameter("fields", format!("must be of {}", names.join(", ")))
            })
        })
        .collect()
}

/// The documentation of a list's parameters: `params(ListParameters<R>)`.
#[derive(Debug)]
pub struct ListParameters<R>(PhantomData<R>);

/// The documentation of a view's parameters: `params(ViewParameters<R>)`.
#[derive(Debug)]
pub struct ViewParameters<R>(PhantomData<R>);

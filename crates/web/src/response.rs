//! Answers.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
};
use aws_lc_rs::digest::{SHA256, digest};
use database::KeptAnswer;
use kernel::{ErrorKind, Page};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Problem, conditional};

/// What a use case is answered with, when it succeeded.
pub trait Answer {
    /// Writes the answer.
    ///
    /// # Errors
    /// When it cannot be written: a defect.
    fn render(self) -> Result<Rendered, Problem>;
}

/// A written answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    answer: KeptAnswer,
    digest: Option<String>,
}

impl Rendered {
    fn new<T: Serialize>(status: StatusCode, body: &T) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map_err(|error| {
            Problem::new(ErrorKind::Internal, "The answer could not be written.").caused_by(error)
        })?;
        Ok(Self::from(KeptAnswer {
            status: status.as_u16(),
            location: None,
            version: None,
            body,
        }))
    }

    /// The same, of something that is shown with parts of others, or otherwise from a day on: of
    /// which one version has several representations. Its `ETag` tells them apart, so that nobody
    /// is told 304 who holds an earlier one; `If-Match` goes by the version alone (adr/0009).
    #[must_use]
    pub fn composed(mut self) -> Self {
        if self.answer.version.is_none() {
            return self;
        }
        let digest = digest(&SHA256, &self.answer.body);
        let start: [u8; 8] = std::array::from_fn(|at| digest.as_ref().get(at).map_or(0, |it| *it));
        self.digest = Some(format!("{:016x}", u64::from_be_bytes(start)));
        self
    }

    /// As it is kept for a request that comes again.
    pub(crate) fn kept(&self) -> &KeptAnswer {
        &self.answer
    }

    fn etag(&self) -> Option<String> {
        let version = self.answer.version?;
        Some(conditional::etag(version, self.digest.as_deref()))
    }

    /// For a client that may hold this version already; see [`Whole`].
    fn for_client(self, headers: &HeaderMap) -> HttpResponse {
        match self.etag() {
            Some(etag) if conditional::has(headers, &etag) => {
                let mut response = HttpResponse::NotModified();
                response.insert_header((header::ETAG, etag));
                response.finish()
            }
            _ => self.into(),
        }
    }
}

impl From<KeptAnswer> for Rendered {
    fn from(answer: KeptAnswer) -> Self {
        Self {
            answer,
            digest: None,
        }
    }
}

impl From<Rendered> for HttpResponse {
    fn from(rendered: Rendered) -> Self {
        let etag = rendered.etag();
        let answer = rendered.answer;
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        if let Some(location) = answer.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(etag) = etag {
            response.insert_header((header::ETAG, etag));
        }
        if status == StatusCode::NO_CONTENT {
            return response.finish();
        }
        response.insert_header((
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ));
        response.body(answer.body)
    }
}

impl Responder for Rendered {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        self.for_client(request.headers())
    }
}

/// 200 with a representation that has no version: a list, or one with a mask.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> Answer for Json<T> {
    fn render(self) -> Result<Rendered, Problem> {
        Rendered::new(StatusCode::OK, &self.0)
    }
}

/// 200 with a whole representation of something that has versions: with an `ETag`, and without the
/// body (304) for a client that names the version in `If-None-Match`.
#[derive(Debug)]
pub struct Whole<T> {
    /// The version of what is represented.
    pub version: i64,
    /// Its representation.
    pub body: T,
}

impl<T: Serialize> Answer for Whole<T> {
    fn render(self) -> Result<Rendered, Problem> {
        let mut rendered = Rendered::new(StatusCode::OK, &self.body)?;
        rendered.answer.version = Some(self.version);
        Ok(rendered)
    }
}

/// 201 with the place and the representation of what was created.
#[derive(Debug)]
pub struct Created<T> {
    /// The path of the new resource.
    pub location: String,
    /// Its version, when the representation is whole.
    pub version: Option<i64>,
    /// Its representation.
    pub body: T,
}

impl<T: Serialize> Answer for Created<T> {
    fn render(self) -> Result<Rendered, Problem> {
        let mut rendered = Rendered::new(StatusCode::CREATED, &self.body)?;
        rendered.answer.location = Some(self.location);
        rendered.answer.version = self.version;
        Ok(rendered)
    }
}

/// 202 with the place where long work is looked at, and what there is of it.
#[derive(Debug)]
pub struct Accepted<T> {
    /// The path of the job.
    pub location: String,
    /// What can be said already.
    pub body: T,
}

impl<T: Serialize> Answer for Accepted<T> {
    fn render(self) -> Result<Rendered, Problem> {
        let mut rendered = Rendered::new(StatusCode::ACCEPTED, &self.body)?;
        rendered.answer.location = Some(self.location);
        Ok(rendered)
    }
}

/// 204 without a body.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

impl Answer for NoContent {
    fn render(self) -> Result<Rendered, Problem> {
        Ok(Rendered::from(KeptAnswer {
            status: StatusCode::NO_CONTENT.as_u16(),
            location: None,
            version: None,
            body: Vec::new(),
        }))
    }
}

fn respond(answer: impl Answer, request: &HttpRequest) -> HttpResponse {
    match answer.render() {
        Ok(rendered) => rendered.for_client(request.headers()),
        Err(problem) => HttpResponse::from_error(problem),
    }
}

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        respond(self, request)
    }
}

impl<T: Serialize> Responder for Whole<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        respond(self, request)
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        respond(self, request)
    }
}

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        respond(self, request)
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The items of this page.
    pub data: Vec<T>,
    /// Where this page stands in the list.
    pub page: PageInfo,
}

/// Where a page stands in its list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageInfo {
    /// Sent back as `cursor`, asks for the next page; `null` on the last one.
    #[schema(example = "gV1c3F2q6HkL0mTtq0cB")]
    pub next_cursor: Option<String>,
    /// How many items a page holds at most.
    #[schema(example = 25)]
    pub limit: u16,
    /// How many items the whole list has; only with `count=exact`.
    #[schema(example = 1000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl<T> List<T> {
    /// The representation of a page, its cursor sealed by the caller.
    pub fn new<D, K>(
        page: Page<D, K>,
        limit: u16,
        represent: impl FnMut(D) -> T,
        seal: impl FnOnce(K) -> String,
    ) -> Self {
        Self {
            data: page.items.into_iter().map(represent).collect(),
            page: PageInfo {
                next_cursor: page.next.map(seal),
                limit,
                total: page.total,
            },
        }
    }
}

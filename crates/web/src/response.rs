//! Answers.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, Responder, body::BoxBody, http::header,
};
use kernel::{ErrorKind, Page};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;

fn encode<T: Serialize>(mut response: HttpResponseBuilder, body: &T) -> HttpResponse {
    match serde_json::to_vec(body) {
        Ok(bytes) => response.content_type("application/json").body(bytes),
        Err(error) => HttpResponse::from_error(
            Problem::new(ErrorKind::Internal, "The answer could not be written.").caused_by(error),
        ),
    }
}

/// 200 with a representation.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        encode(HttpResponse::Ok(), &self.0)
    }
}

/// 201 with the place and the representation of what was created.
#[derive(Debug)]
pub struct Created<T> {
    /// The path of the new resource.
    pub location: String,
    /// Its representation.
    pub body: T,
}

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Created();
        response.insert_header((header::LOCATION, self.location));
        encode(response, &self.body)
    }
}

/// 204 without a body.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
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
    pub next_cursor: Option<String>,
    /// How many items a page holds at most.
    #[schema(example = 25)]
    pub limit: u16,
    /// How many items the whole list has; only with `count=exact`.
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

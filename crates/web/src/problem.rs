//! One shape for every error: RFC 9457 `application/problem+json`.

use std::{error::Error, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use kernel::{DomainError, ErrorKind, FieldError};
use serde::Serialize;
use utoipa::ToSchema;

/// An error on its way to the client. Any [`DomainError`] becomes one by `?`; what the client may
/// know and what the operator must know part here: the source is logged and never shown.
#[derive(Debug)]
pub struct Problem {
    kind: ErrorKind,
    detail: String,
    fields: Vec<FieldError>,
    retry_after: Option<u32>,
    allow: Option<String>,
    transient: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// An error with a sentence for the client.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            allow: None,
            transient: false,
            source: None,
        }
    }

    /// 422: fields of the body are missing or wrong.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = match fields.len() {
            1 => "One field is not valid: see `errors`.".to_owned(),
            many => format!("{many} fields are not valid: see `errors`."),
        };
        Self {
            fields,
            ..Self::new(ErrorKind::ValidationFailed, detail)
        }
    }

    /// 422: more fields of the body are missing or wrong than these.
    pub(crate) fn invalid_among_others(fields: Vec<FieldError>) -> Self {
        let told = fields.len();
        let detail =
            format!("More than {told} fields are not valid: `errors` names the first {told}.");
        Self {
            fields,
            ..Self::new(ErrorKind::ValidationFailed, detail)
        }
    }

    /// 400: a path or query parameter is unknown or wrong.
    pub fn parameter(name: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            fields: vec![FieldError::new(name, "invalid_parameter", message.clone())],
            ..Self::new(
                ErrorKind::InvalidParameter,
                format!("Parameter `{name}`: {message}"),
            )
        }
    }

    /// 400: query parameters are unknown or wrong.
    pub fn parameters(fields: Vec<FieldError>) -> Self {
        match fields.as_slice() {
            [one] => Self::parameter(&one.pointer, one.message.clone()),
            many => {
                let detail = format!("{} parameters are not valid: see `errors`.", many.len());
                Self {
                    fields,
                    ..Self::new(ErrorKind::InvalidParameter, detail)
                }
            }
        }
    }

    /// 404: no such thing, or none that this tenant can see; the two are one answer.
    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "There is nothing here.")
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Says which methods the path has.
    #[must_use]
    pub fn allow(mut self, methods: String) -> Self {
        self.allow = Some(methods);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Which code of the contract this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence for the client.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether the same may succeed when the whole transaction is done again.
    pub(crate) fn is_transient(&self) -> bool {
        self.transient
    }

    /// What is wrong, field by field.
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    #[cfg(test)]
    pub(crate) fn retries_after(&self) -> Option<u32> {
        self.retry_after
    }

    pub(crate) fn status(&self) -> StatusCode {
        status(self.kind)
    }

    /// The same problem again; the cause as its text, for the framework keeps the original.
    pub(crate) fn copy(&self) -> Self {
        let chain = self.chain();
        Self {
            kind: self.kind,
            detail: self.detail.clone(),
            fields: self.fields.clone(),
            retry_after: self.retry_after,
            allow: self.allow.clone(),
            transient: self.transient,
            source: (!chain.is_empty()).then(|| chain.into()),
        }
    }

    /// The cause and its causes, in one line for the operator.
    pub(crate) fn chain(&self) -> String {
        let mut text = String::new();
        let mut next: Option<&(dyn Error + 'static)> =
            self.source.as_deref().map(|source| source as _);
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }

    /// The answer, for the request it belongs to.
    pub(crate) fn render(&self, request_id: &str, instance: &str) -> HttpResponse {
        let status = status(self.kind);
        let body = ProblemBody {
            r#type: format!("https://docs.hrms.invalid/problems/{}", self.kind.as_str()),
            title: title(self.kind).to_owned(),
            status: status.as_u16(),
            error: self.kind.as_str().to_owned(),
            detail: self.detail.clone(),
            instance: instance.to_owned(),
            request_id: request_id.to_owned(),
            errors: self.fields.iter().map(FieldProblem::from).collect(),
        };
        let mut response = HttpResponse::build(status);
        response.content_type("application/problem+json");
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let retry_after = self.retry_after.or((status == 503).then_some(2));
        if let Some(seconds) = retry_after {
            response.insert_header((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        // Serialising a struct of strings cannot fail; an empty body would still say the status.
        response.body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl<E: DomainError> From<E> for Problem {
    fn from(error: E) -> Self {
        let fields = error.fields();
        let kind = error.kind();
        Self {
            detail: error.detail(),
            fields,
            transient: error.is_transient(),
            source: Some(Box::new(error)),
            ..Self::new(kind, String::new())
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.detail)
    }
}

/// The pipeline renders a problem, for it knows the request; this is for a problem outside it.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status(self.kind)
    }

    fn error_response(&self) -> HttpResponse {
        self.render("", "")
    }
}

/// An error answer (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// A page about this kind of problem.
    #[schema(example = "https://docs.hrms.invalid/problems/tenant_mismatch")]
    pub r#type: String,
    /// The kind of problem in words.
    #[schema(example = "The token belongs to another tenant")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 403)]
    pub status: u16,
    /// The stable machine code.
    #[schema(example = "tenant_mismatch")]
    pub error: String,
    /// What went wrong this time, for a person.
    #[schema(example = "This token belongs to another tenant.")]
    pub detail: String,
    /// The path that was asked for.
    #[schema(example = "/api/v1/employees")]
    pub instance: String,
    /// The request's id: quote it when you ask about the problem.
    #[schema(example = "0192f0c1-7f0a-7000-8000-000000000001")]
    pub request_id: String,
    /// Every invalid field of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// One invalid field of a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Where: a JSON pointer into the body, or the name of a parameter.
    #[schema(example = "/first_name")]
    pub pointer: String,
    /// The stable machine code.
    #[schema(example = "required")]
    pub code: String,
    /// What is wrong, for the person who filled it in.
    #[schema(example = "Fill this in.")]
    pub message: String,
}

impl FieldProblem {
    /// The same in so many characters at most, a place and a message each, and without what a row of
    /// the database cannot hold.
    #[must_use]
    pub fn shortened(self, characters: usize) -> Self {
        let cut = |text: String| -> String {
            let plain = text.chars().filter(|it| *it != '\0');
            plain.take(characters).collect()
        };
        Self {
            pointer: cut(self.pointer),
            message: cut(self.message),
            ..self
        }
    }
}

impl From<&FieldError> for FieldProblem {
    fn from(field: &FieldError) -> Self {
        Self {
            pointer: field.pointer.clone(),
            code: field.code.to_owned(),
            message: field.message.clone(),
        }
    }
}

/// The one place that maps a kind of error to a status.
pub(crate) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::MalformedRequest
        | ErrorKind::InvalidParameter
        | ErrorKind::InvalidCursor
        | ErrorKind::TenantAmbiguous => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated
        | ErrorKind::InvalidCredentials
        | ErrorKind::TokenExpired
        | ErrorKind::TokenStale => StatusCode::UNAUTHORIZED,
        ErrorKind::SubscriptionExpired => StatusCode::PAYMENT_REQUIRED,
        ErrorKind::PermissionDenied | ErrorKind::TenantMismatch | ErrorKind::TenantSuspended => {
            StatusCode::FORBIDDEN
        }
        ErrorKind::NotFound | ErrorKind::TenantNotFound => StatusCode::NOT_FOUND,
        ErrorKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        ErrorKind::Conflict
        | ErrorKind::SlugTaken
        | ErrorKind::StateConflict
        | ErrorKind::IdempotencyInProgress => StatusCode::CONFLICT,
        ErrorKind::VersionMismatch => StatusCode::PRECONDITION_FAILED,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorKind::ValidationFailed | ErrorKind::IdempotencyKeyReused => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ErrorKind::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::Unavailable | ErrorKind::TenantUnavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

pub(crate) fn title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::MalformedRequest => "The request cannot be read",
        ErrorKind::InvalidParameter => "A parameter is not valid",
        ErrorKind::InvalidCursor => "The cursor is not valid",
        ErrorKind::TenantAmbiguous => "Two tenants are named",
        ErrorKind::Unauthenticated => "Sign in first",
        ErrorKind::InvalidCredentials => "Wrong e-mail address or password",
        ErrorKind::TokenExpired => "The token has expired",
        ErrorKind::TokenStale => "The token is out of date",
        ErrorKind::SubscriptionExpired => "The subscription is over",
        ErrorKind::PermissionDenied => "Not allowed",
        ErrorKind::TenantMismatch => "The token belongs to another tenant",
        ErrorKind::TenantSuspended => "The tenant is suspended",
        ErrorKind::NotFound => "Not found",
        ErrorKind::TenantNotFound => "No such tenant",
        ErrorKind::MethodNotAllowed => "The method is not allowed here",
        ErrorKind::NotAcceptable => "No acceptable representation",
        ErrorKind::Conflict => "Conflict",
        ErrorKind::SlugTaken => "The slug is taken",
        ErrorKind::StateConflict => "The state does not allow this",
        ErrorKind::IdempotencyInProgress => "The same request is being done",
        ErrorKind::VersionMismatch => "Changed in the meantime",
        ErrorKind::TooLarge => "Too large",
        ErrorKind::UnsupportedMediaType => "The media type is not supported",
        ErrorKind::ValidationFailed => "Some fields are not valid",
        ErrorKind::IdempotencyKeyReused => "The idempotency key was used for something else",
        ErrorKind::PreconditionRequired => "If-Match is required",
        ErrorKind::RateLimited => "Too many requests",
        ErrorKind::Internal => "Something went wrong",
        ErrorKind::Unavailable => "Not available right now",
        ErrorKind::TenantUnavailable => "The tenant is not available right now",
    }
}

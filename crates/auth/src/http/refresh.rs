//! `POST /api/v1/auth/refresh`

use actix_web::{post, web::Data};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Body, Json, Problem, ProblemBody, Provenance, TenantOnly};

use super::{CREDENTIALS_LIMIT, SignedInResponse};
use crate::Sessions;

/// A session that shall live on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The refresh token of the last login or refresh.
    #[schema(value_type = String, format = "password",
             example = "kx0Zc6vTqgkA1vH2Yl8mB0u7x1n6S3yqJq5dQ9r2f4E")]
    refresh_token: SecretString,
}

/// Stay signed in
///
/// Takes the session's refresh token and answers with the next one and a new access token. A
/// refresh token works once, and in its own tenant only. One that is sent a second time was copied
/// by somebody: its session ends at once.
#[utoipa::path(
    tag = "auth",
    operation_id = "refresh",
    extensions(("x-access" = json!("tenant")), ("x-subscription" = json!("exempt"))),
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "Still signed in.", body = SignedInResponse),
        (status = 401, description = "The token is unknown, used or expired, or its session is over \
         (`unauthenticated`): sign in again.",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 8 KiB (`too_large`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not sent as JSON (`unsupported_media_type`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are missing or unknown (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/auth/refresh")]
pub(crate) async fn refresh(
    TenantOnly(tenant): TenantOnly,
    Provenance(origin): Provenance,
    Body(request): Body<RefreshRequest, CREDENTIALS_LIMIT>,
    sessions: Data<Sessions>,
) -> Result<Json<SignedInResponse>, Problem> {
    let signed_in = sessions
        .refresh(&tenant, &origin, request.refresh_token.expose_secret())
        .await?;
    Ok(Json(SignedInResponse::new(&tenant, &signed_in)))
}

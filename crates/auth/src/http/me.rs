//! `GET /api/v1/auth/me`

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Json, Problem, ProblemBody, Signed};

use super::{TenantSummary, UserProfile};
use crate::Sessions;

/// Who is signed in, and where.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Who.
    pub user: UserProfile,
    /// Where.
    pub tenant: TenantSummary,
}

/// Show who is signed in
#[utoipa::path(
    tag = "auth",
    operation_id = "show_me",
    extensions(("x-access" = json!("signed_in")), ("x-subscription" = json!("exempt"))),
    responses(
        (status = 200, description = "The user and his tenant.", body = Me),
        (status = 401, description = "There is no valid access token (`unauthenticated`, \
         `token_expired`, `token_stale`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/auth/me")]
pub(crate) async fn me(signed: Signed, sessions: Data<Sessions>) -> Result<Json<Me>, Problem> {
    let user = sessions
        .profile(&signed.tenant, signed.actor.user_id)
        .await?;
    Ok(Json(Me {
        user: UserProfile::from(&user),
        tenant: TenantSummary::from(&signed.tenant),
    }))
}

//! `POST /api/v1/auth/logout`

use actix_web::{post, web::Data};
use web::{NoContent, Problem, ProblemBody, Provenance, Signed};

use crate::Sessions;

/// Sign out
///
/// Ends the session of the access token: neither its access tokens nor its refresh token work any
/// more. (Other processes of the platform hear of it within five seconds.)
#[utoipa::path(
    tag = "auth",
    operation_id = "logout",
    extensions(("x-access" = json!("signed_in")), ("x-subscription" = json!("exempt"))),
    responses(
        (status = 204, description = "Signed out."),
        (status = 401, description = "There is no valid access token (`unauthenticated`, \
         `token_expired`, `token_stale`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/auth/logout")]
pub(crate) async fn logout(
    signed: Signed,
    Provenance(origin): Provenance,
    sessions: Data<Sessions>,
) -> Result<NoContent, Problem> {
    sessions
        .logout(&signed.tenant, &origin, signed.actor.session_id)
        .await?;
    Ok(NoContent)
}

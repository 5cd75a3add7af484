//! `POST /api/v1/auth/login`

use actix_web::{post, web::Data};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Body, Json, Problem, ProblemBody, Provenance, TenantOnly};

use super::{CREDENTIALS_LIMIT, SignedInResponse};
use crate::{Password, Sessions};

/// Who wants to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The user's e-mail address; upper and lower case are the same.
    #[schema(format = "email", example = "jane.doe@example.com")]
    email: String,
    /// His password.
    #[serde(deserialize_with = "web::secret")]
    #[schema(value_type = String, format = "password", example = "correct horse battery staple")]
    password: SecretString,
    /// The one-time password of a second factor. It is ignored: nobody can set one up yet.
    #[schema(value_type = Option<String>, example = "492039")]
    #[expect(
        dead_code,
        reason = "part of the contract before there is a second factor"
    )]
    otp: Option<SecretString>,
}

/// Sign in
///
/// Begins a session: an access token for ten minutes, and a refresh token that prolongs the session
/// (seven days unused, thirty at most). An unknown address, a wrong password and a deactivated user
/// get the same answer.
#[utoipa::path(
    tag = "auth",
    operation_id = "login",
    extensions(("x-access" = json!("tenant")), ("x-subscription" = json!("exempt"))),
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in.", body = SignedInResponse),
        (status = 401, description = "Address or password is wrong (`invalid_credentials`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 8 KiB (`too_large`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not sent as JSON (`unsupported_media_type`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are missing or unknown (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many sign in at once, or the database does not answer \
         (`unavailable`), or the tenant is in between (`tenant_unavailable`); `Retry-After` says \
         when to try again.",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/auth/login")]
pub(crate) async fn login(
    TenantOnly(tenant): TenantOnly,
    Provenance(origin): Provenance,
    Body(credentials): Body<Credentials, CREDENTIALS_LIMIT>,
    sessions: Data<Sessions>,
) -> Result<Json<SignedInResponse>, Problem> {
    let password = Password::presented(credentials.password.expose_secret());
    let signed_in = sessions
        .login(&tenant, &origin, &credentials.email, &password)
        .await?;
    Ok(Json(SignedInResponse::new(&tenant, &signed_in)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_and_their_password_is_not_printed() {
        let body = r#"{"email": "jane@example.com", "password": "correct horse"}"#;
        let credentials: Credentials = serde_json::from_str(body).unwrap();
        assert_eq!(credentials.password.expose_secret(), "correct horse");
        assert!(!format!("{credentials:?}").contains("horse"));
    }

    #[test]
    fn a_one_time_password_may_be_sent_and_is_not_printed() {
        for otp in ["null", r#""492039""#, r#""""#] {
            let body = format!(r#"{{"email": "a@b.c", "password": "x", "otp": {otp}}}"#);
            let credentials: Credentials = serde_json::from_str(&body).unwrap();
            assert!(!format!("{credentials:?}").contains("492039"));
        }
    }

    #[test]
    fn what_does_not_belong_is_refused() {
        for body in [
            r#"{"email": "a@b.c"}"#,
            r#"{"email": "a@b.c", "password": "x", "tenant": "acme"}"#,
            r#"{"email": "a@b.c", "password": null}"#,
            r#"{"email": "a@b.c", "password": "x", "otp": 492039}"#,
        ] {
            assert!(serde_json::from_str::<Credentials>(body).is_err(), "{body}");
        }
    }
}

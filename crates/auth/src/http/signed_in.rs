//! What login and refresh answer.

use database::TenantContext;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{SignedIn, User};

/// The tokens of a session, and whose it is.
#[derive(Serialize, ToSchema)]
pub struct SignedInResponse {
    /// Sent as `Authorization: Bearer …` with every request, until it expires.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.…")]
    pub access_token: String,
    /// Prolongs the session, once: each refresh answers with the next one. Keep it where no script
    /// can read it.
    #[schema(example = "kx0Zc6vTqgkA1vH2Yl8mB0u7x1n6S3yqJq5dQ9r2f4E")]
    pub refresh_token: String,
    /// How the access token is sent.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// In how many seconds the access token expires.
    #[schema(example = 600)]
    pub expires_in: u64,
    /// Who signed in.
    pub user: UserProfile,
    /// Where.
    pub tenant: TenantSummary,
}

/// A user, as he sees himself.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserProfile {
    /// The user's id.
    #[schema(value_type = uuid::Uuid)]
    pub id: kernel::UserId,
    /// By which he signs in.
    #[schema(format = "email", example = "jane.doe@example.com")]
    pub email: String,
    /// How he is called.
    #[schema(example = "Jane Doe")]
    pub display_name: String,
    /// The roles assigned to him.
    #[schema(example = json!(["hr_manager"]))]
    pub roles: Vec<String>,
    /// The employee he is, if any.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub employee_id: Option<kernel::EmployeeId>,
}

/// A tenant, as its users know it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantSummary {
    /// The tenant's id.
    #[schema(value_type = uuid::Uuid)]
    pub id: kernel::TenantId,
    /// Its short name, which never changes.
    #[schema(example = "acme")]
    pub slug: String,
    /// Its name as people write it.
    #[schema(example = "Acme Corporation")]
    pub name: String,
    /// The language of its mails and pages (BCP 47).
    #[schema(example = "en")]
    pub locale: String,
    /// Its IANA time zone.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
}

impl SignedInResponse {
    pub(crate) fn new(tenant: &TenantContext, signed_in: &SignedIn) -> Self {
        Self {
            access_token: signed_in.access_token.token.expose_secret().to_owned(),
            refresh_token: signed_in.refresh_token.expose(),
            token_type: "Bearer",
            expires_in: signed_in.access_token.expires_in,
            user: UserProfile::from(&signed_in.user),
            tenant: TenantSummary::from(tenant),
        }
    }
}

impl From<&User> for UserProfile {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.as_str().to_owned(),
            display_name: user.display_name.clone(),
            roles: user
                .roles
                .iter()
                .map(|role| role.as_str().to_owned())
                .collect(),
            employee_id: user.employee_id,
        }
    }
}

impl From<&TenantContext> for TenantSummary {
    fn from(tenant: &TenantContext) -> Self {
        let record = tenant.record();
        Self {
            id: record.id,
            slug: record.slug.to_string(),
            name: record.name.clone(),
            locale: record.locale.clone(),
            time_zone: record.time_zone.to_string(),
        }
    }
}

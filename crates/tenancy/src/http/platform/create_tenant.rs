//! `POST /api/v1/platform/tenants`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{EmailAddress, FieldErrors, Placement, Slug, TimeZone};
use messaging::Enqueuer;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Accepted, Allowed, Change, Draft, Problem, ProblemBody};

use super::representation::TenantBody;
use crate::{
    Administration, Directory, Locale, NewTenant, Passwords, RequestedAdministrator, TenancyError,
    permission::CreateTenants,
};

/// A tenant that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTenant)]
pub(super) struct TenantDraft {
    /// Its short name, for ever: 2 to 40 small letters, digits and hyphens, beginning with a letter.
    #[schema(example = "initech")]
    slug: String,
    /// Its name as people write it.
    #[schema(example = "Initech GmbH")]
    name: String,
    /// `dedicated`: it gets a schema of its own; `pooled`: it shares one. As `tenancy.default_placement`
    /// says when it is left out.
    #[schema(example = "dedicated")]
    placement: Option<String>,
    /// The language of its mails and pages (BCP 47); `en` when it is left out.
    #[schema(example = "de")]
    locale: Option<String>,
    /// Its IANA time zone; `UTC` when it is left out.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Who appoints all others.
    administrator: AdministratorDraft,
}

/// The first administrator of a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FirstAdministrator)]
pub(super) struct AdministratorDraft {
    /// By what he signs in.
    #[schema(example = "milton@initech.example")]
    email: String,
    /// His first password, of 12 characters or more.
    #[serde(deserialize_with = "web::secret")]
    #[schema(value_type = String, format = Password, example = "a red stapler of my own")]
    password: SecretString,
}

/// What was read of it; the password is still to be looked at.
struct Wanted {
    tenant: NewTenant,
    email: EmailAddress,
    password: SecretString,
}

impl TenantDraft {
    fn parse(self, passwords: &dyn Passwords, usual: Placement) -> Result<Wanted, Problem> {
        let mut wrong = FieldErrors::new();
        let slug = wrong.take("/slug", self.slug.parse::<Slug>());
        let name = wrong.take("/name", self.name.parse());
        let placement = self.placement.as_deref().unwrap_or(usual.as_str());
        let placement = wrong.take("/placement", placement.parse::<Placement>());
        let locale = self.locale.as_deref().unwrap_or("en");
        let locale = wrong.take("/locale", locale.parse::<Locale>());
        let time_zone = self.time_zone.as_deref().unwrap_or("UTC");
        let time_zone = wrong.take("/time_zone", time_zone.parse::<TimeZone>());
        let email = wrong.take("/administrator/email", self.administrator.email.parse());
        let password = self.administrator.password;
        if let Err((code, message)) = passwords.check(&password) {
            wrong.push("/administrator/password", code, message);
        }
        wrong.clone().into_result().map_err(Problem::invalid)?;
        // Nothing was wrong, so everything is there.
        let (Some(slug), Some(name), Some(placement), Some(locale), Some(time_zone), Some(email)) =
            (slug, name, placement, locale, time_zone, email)
        else {
            return Err(Problem::invalid(wrong.into_vec()));
        };
        Ok(Wanted {
            tenant: NewTenant {
                slug,
                name,
                placement,
                locale,
                time_zone,
            },
            email,
            password,
        })
    }
}

/// Create a tenant
///
/// The slug is the new tenant's at once, and everybody else is told `slug_taken`. The rest takes a
/// moment: `Location` is the job that makes it. Until that is `done`, the tenant is `creating` and its
/// requests are answered 503 `tenant_unavailable`; then its administrator can sign in.
#[utoipa::path(
    post,
    path = "/api/v1/platform/tenants",
    tag = "platform",
    operation_id = "create_tenant",
    extensions(("x-permission" = json!("platform:create_tenants"))),
    request_body = TenantDraft,
    responses(
        (status = 202, description = "It is being created.", body = TenantBody,
         headers(("Location" = String, description = "The path of the job that makes it."))),
        (status = 409, description = "Another tenant has the slug (`slug_taken`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are missing or wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/platform/tenants")]
pub(super) async fn create_tenant(
    Allowed(permit): Allowed<CreateTenants>,
    change: Change,
    draft: Draft<TenantDraft>,
    administration: Data<Administration>,
    passwords: Data<dyn Passwords>,
    enqueuer: Data<Enqueuer>,
    directory: Data<Directory>,
) -> Result<HttpResponse, Problem> {
    let usual = administration.default_placement();
    let Wanted {
        tenant,
        email,
        password,
    } = draft.read(|it: TenantDraft| it.parse(passwords.as_ref(), usual))?;
    // Hashing takes its time, and no transaction waits for it.
    let hash = passwords.hash(change.tenant.id(), &password);
    let administrator = RequestedAdministrator {
        email,
        password_hash: hash.await.map_err(TenancyError::Hashing)?,
    };
    let answer = change.run(async |tx| {
        let later = (enqueuer.get_ref(), change.origin());
        let requested = administration.request(&permit, tx, &tenant, &administrator, later);
        let (claimed, job) = requested.await?;
        Ok(Accepted {
            location: format!("/api/v1/jobs/{job}"),
            body: TenantBody::from(claimed),
        })
    });
    let answer = answer.await?;
    directory.catch_up().await;
    Ok(answer)
}

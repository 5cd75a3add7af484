//! The first administrator of a tenant.

use std::path::PathBuf;

use async_trait::async_trait;
use auth::Users;
use database::{Database, StoreError, TenantContext};
use kernel::{EmailAddress, TenantStatus};
use sea_orm::FromQueryResult;
use secrecy::ExposeSecret as _;
use tenancy::{FirstAdministrator, PortError};

use super::{Credentials, Failure, operator::Platform};

/// Where a password comes from.
pub(super) enum Password {
    /// From somebody, in a file.
    Given(auth::Password),
    /// Drawn when it is first needed, and kept under this name.
    Kept(Credentials, String),
    /// There is no place to keep one.
    Nowhere,
}

impl Password {
    pub(super) fn obtain(&self) -> Result<auth::Password, Failure> {
        match self {
            Self::Given(password) => Ok(password.clone()),
            Self::Kept(credentials, name) => kept(credentials, name),
            Self::Nowhere => Err(Failure::Argument {
                option: "--credentials-dir",
                reason: "a password must be drawn, and there is no folder to keep it in".to_owned(),
            }),
        }
    }

    /// Where it lies, if it was drawn.
    pub(super) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Kept(credentials, name) => Some(credentials.path(name)).filter(|it| it.exists()),
            Self::Given(_) | Self::Nowhere => None,
        }
    }
}

/// The password that is kept under this name; it is drawn when there is none.
pub(super) fn kept(credentials: &Credentials, name: &str) -> Result<auth::Password, Failure> {
    let text = credentials.keep(name, || credentials.draw_password())?;
    auth::Password::choose(text.expose_secret()).map_err(|error| Failure::Credential {
        path: credentials.path(name),
        problem: format!(
            "holds no password that can be used ({error}): write another one into it, or remove \
             it and one is drawn"
        ),
    })
}

/// Somebody who becomes a tenant's first administrator, unless it has one.
pub(super) struct Administrator<'a> {
    database: &'a Database,
    users: &'a Users,
    email: EmailAddress,
    password: Password,
}

impl<'a> Administrator<'a> {
    pub(super) fn new(platform: &'a Platform, email: EmailAddress, password: Password) -> Self {
        Self {
            database: &platform.database,
            users: &platform.users,
            email,
            password,
        }
    }

    /// Where his password lies, if it was drawn.
    pub(super) fn password_file(&self) -> Option<PathBuf> {
        self.password.file()
    }

    /// The administrators that the tenant has.
    async fn known(&self, tenant: &TenantContext) -> Result<Vec<Known>, StoreError> {
        let tx = self.database.begin_tenant_read(tenant).await?;
        let known = tx
            .rows(
                "SELECT users.email_key FROM role_assignments \
                 JOIN users ON users.id = role_assignments.user_id \
                 WHERE role_assignments.role = $1",
                [access::Role::Administrator.as_str().into()],
            )
            .await?;
        tx.commit().await?;
        Ok(known)
    }
}

#[derive(FromQueryResult)]
struct Known {
    email_key: String,
}

/// An attempt that was cut off appointed somebody else.
#[derive(Debug, thiserror::Error)]
#[error(
    "an earlier attempt, which was cut off, appointed another administrator: complete it with the \
     e-mail address that was given then"
)]
struct AnotherOne;

#[async_trait]
impl FirstAdministrator for Administrator<'_> {
    async fn appoint(&self, tenant: &TenantContext) -> Result<(), PortError> {
        let known = self.known(tenant).await?;
        let is_in_service = tenant.record().status != TenantStatus::Creating;
        if !known.is_empty() && is_in_service {
            return Ok(());
        }
        if known
            .iter()
            .any(|other| other.email_key != self.email.key())
        {
            return Err(AnotherOne.into());
        }
        let password = self.password.obtain()?;
        let (email, name) = (self.email.clone(), "Administrator".parse()?);
        let is_new = self
            .users
            .ensure_administrator(tenant, email, name, &password)
            .await?;
        if !is_new && !is_in_service {
            // Left by an attempt that was cut off, maybe with another password.
            self.users
                .set_password(tenant, &self.email, &password)
                .await?;
        }
        Ok(())
    }
}

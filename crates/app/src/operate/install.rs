//! Installing the platform in a database, and giving the application its login.

use std::{str::FromStr as _, time::Duration};

use kernel::Ambient;
use migration::{
    MigrationError,
    install::{self, Installation, Login},
    turn::{self, Until},
};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use url::Url;

use super::{Credentials, Failure};

/// The file with the URL of the application's login.
pub(super) const DATABASE_URL: &str = "database-url";

/// Installs, when the login may; else finds what was installed.
pub(super) async fn install(
    connection: &mut PgConnection,
    ambient: &Ambient,
) -> Result<Installation, Failure> {
    if is_superuser(connection).await? {
        return install_as_superuser(connection, ambient).await;
    }
    match install::find(connection).await? {
        Some(installation) => Ok(installation),
        None => Err(Failure::NotInstalled {
            login: sqlx::query_scalar("SELECT current_user::text")
                .fetch_one(connection)
                .await
                .map_err(MigrationError::from)?,
        }),
    }
}

async fn install_as_superuser(
    connection: &mut PgConnection,
    ambient: &Ambient,
) -> Result<Installation, Failure> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let id = format!("{:08x}", u32::from_be_bytes(ambient.bytes()));
        match install::install(connection, &id).await {
            // Another database of the cluster drew the same id.
            Err(MigrationError::IdTaken(_)) if attempts < 5 => {}
            installed => return Ok(installed?),
        }
    }
}

/// Makes sure that the application can log in with the URL in the credentials folder.
///
/// The file is written before the password is set, and a password is set only while the login has
/// none: so a run that is cut off anywhere is completed by the next one. Several take turns.
pub(super) async fn ensure_application_login(
    connection: &mut PgConnection,
    operator: &SecretString,
    installation: &Installation,
    credentials: &Credentials,
    anew: bool,
) -> Result<Outcome, Failure> {
    turn::take(connection, "hrms application login", Until::Close).await?;
    let login = installation.login(Login::App);
    let kept = credentials.read(DATABASE_URL)?;
    let password = match kept.as_ref().and_then(|url| password_of(url, &login)) {
        Some(password) if !anew => password,
        _ => credentials.draw_password(),
    };
    // The password may be known while the address has changed.
    let url = application_url(operator, &login, &password)?;
    let unchanged = kept.is_some_and(|kept| kept.expose_secret() == url.expose_secret());
    if !anew && works(&url).await {
        if !unchanged {
            credentials.replace(DATABASE_URL, &url)?;
        }
        return Ok(Outcome::Unchanged);
    }
    if !anew && has_password(connection, &login).await? {
        return Err(Failure::UnknownPassword {
            login,
            file: credentials.path(DATABASE_URL),
        });
    }
    credentials.replace(DATABASE_URL, &url)?;
    install::set_login_password(
        connection,
        installation,
        Login::App,
        password.expose_secret(),
    )
    .await?;
    if works(&url).await {
        Ok(Outcome::Made)
    } else {
        Err(Failure::LoginRefused { login })
    }
}

/// What became of the application's login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Made,
    Unchanged,
}

/// The operator's address, with the application's login.
fn application_url(
    operator: &SecretString,
    login: &str,
    password: &SecretString,
) -> Result<SecretString, Failure> {
    let malformed = || Failure::MalformedAdminUrl;
    let mut url = Url::parse(operator.expose_secret()).map_err(|_secret| malformed())?;
    if url.host_str().unwrap_or_default().is_empty() {
        // The parameter `host` names a socket; a URL without a host has no place for a user.
        url.set_host(Some("localhost"))
            .map_err(|_error| malformed())?;
    }
    url.set_username(login).map_err(|()| malformed())?;
    url.set_password(Some(password.expose_secret()))
        .map_err(|()| malformed())?;
    let rest: Vec<_> = url
        .query_pairs()
        .filter(|(name, _)| name != "user" && name != "password")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !rest.is_empty() {
        url.query_pairs_mut().extend_pairs(rest);
    }
    Ok(String::from(url).into())
}

/// The password of a URL that names this login.
fn password_of(url: &SecretString, login: &str) -> Option<SecretString> {
    let url = Url::parse(url.expose_secret()).ok()?;
    // Generated passwords need no escaping.
    let password = url.password().filter(|_| url.username() == login)?;
    Some(password.into())
}

/// Whether one can log in with this URL.
async fn works(url: &SecretString) -> bool {
    let Ok(options) = PgConnectOptions::from_str(url.expose_secret()) else {
        return false;
    };
    let connecting = PgConnection::connect_with(&options);
    match tokio::time::timeout(Duration::from_secs(5), connecting).await {
        Ok(Ok(connection)) => {
            let _ = connection.close().await;
            true
        }
        _ => false,
    }
}

async fn has_password(connection: &mut PgConnection, login: &str) -> Result<bool, Failure> {
    if !is_superuser(connection).await? {
        // Who may not look may not set one either.
        return Ok(true);
    }
    let known: Option<bool> = sqlx::query_scalar(
        "SELECT rolcanlogin AND rolpassword IS NOT NULL FROM pg_catalog.pg_authid \
         WHERE rolname = $1",
    )
    .bind(login)
    .fetch_optional(connection)
    .await
    .map_err(MigrationError::from)?;
    Ok(known.unwrap_or(false))
}

async fn is_superuser(connection: &mut PgConnection) -> Result<bool, Failure> {
    let superuser = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
    Ok(sqlx::query_scalar(superuser)
        .fetch_one(connection)
        .await
        .map_err(MigrationError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(operator: &str) -> String {
        let url = application_url(&operator.into(), "hrms_ab12cd34_app", &"p".into());
        url.unwrap().expose_secret().to_owned()
    }

    #[test]
    fn the_application_finds_the_database_where_the_operator_does() {
        assert_eq!(
            url("postgres://postgres:secret@db.example.com:5433/hrms?sslmode=require"),
            "postgres://hrms_ab12cd34_app:p@db.example.com:5433/hrms?sslmode=require"
        );
        assert_eq!(
            url("postgres://127.0.0.1/hrms?user=postgres&password=secret"),
            "postgres://hrms_ab12cd34_app:p@127.0.0.1/hrms"
        );
        for socket in [
            "postgres:///hrms?host=/run/pg&port=5433",
            "postgres://%2Frun%2Fpg:5433/hrms",
        ] {
            let options = PgConnectOptions::from_str(&url(socket)).unwrap();
            assert_eq!(options.get_socket().unwrap().to_str(), Some("/run/pg"));
            assert_eq!(options.get_port(), 5433);
            assert_eq!(options.get_username(), "hrms_ab12cd34_app");
            assert_eq!(options.get_database(), Some("hrms"));
        }
    }

    #[test]
    fn a_password_is_taken_over_from_a_url_of_the_same_login_only() {
        let kept = SecretString::from(url("postgres://postgres@old.example.com/hrms"));
        assert!(password_of(&kept, "hrms_ab12cd34_app").is_some());
        assert!(password_of(&kept, "hrms_00000000_app").is_none());
    }
}

//! The server and the machine.

use std::{path::Path, str::FromStr as _};

use kernel::Ambient;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use time::{Duration, OffsetDateTime};

use super::{Check, ask};
use crate::operate::Failure;

/// Further apart, tokens are refused as not valid yet or expired too early.
const APART: Duration = Duration::seconds(5);

/// How long the application's login may take to connect.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// A disk with a smaller share free is full soon: PostgreSQL stops when it is.
const LEAST_FREE: f64 = 0.1;

pub(super) async fn database(connection: &mut PgConnection) -> Result<Check, Failure> {
    let (version,): (String,) = ask(connection, "SELECT current_setting('server_version')").await?;
    Ok(Check::ok("database", format!("PostgreSQL {version}")))
}

/// Whether this machine and the database tell the same time, as exactly as the way there allows.
pub(super) async fn clock(
    connection: &mut PgConnection,
    ambient: &Ambient,
) -> Result<Check, Failure> {
    const NAME: &str = "clock";
    let asked = ambient.now();
    let (theirs,): (OffsetDateTime,) = ask(connection, "SELECT clock_timestamp()").await?;
    let way = ambient.now() - asked;
    let apart: Duration = theirs - (asked + way / 2);
    let apart = apart.abs();
    let told = format!(
        "this machine's clock and the database's are {} ms apart",
        apart.whole_milliseconds()
    );
    Ok(if apart - way / 2 <= APART {
        Check::ok(NAME, told)
    } else {
        let remedy = "Let both machines take their time from the same servers \
                      (`timedatectl timesync-status`, `chronyc tracking`).";
        Check::failed(NAME, told, remedy)
    })
}

/// What the application's login finds unasked: nothing, or else what is not scoped would find
/// somebody's tables. Asked as that login, for a setting may hang on the role, on the database or on
/// both. Nothing to tell when it cannot log in, which another check tells.
pub(super) async fn search_path(url: &SecretString) -> Option<Check> {
    const NAME: &str = "search_path";
    let options = PgConnectOptions::from_str(url.expose_secret()).ok()?;
    let options = options.disable_statement_logging();
    let connecting = PgConnection::connect_with(&options);
    let mut connection = tokio::time::timeout(PATIENCE, connecting)
        .await
        .ok()?
        .ok()?;
    let (path, login, database): (String, String, String) = ask(
        &mut connection,
        "SELECT current_setting('search_path'), quote_ident(current_user), \
         quote_ident(current_database())",
    )
    .await
    .ok()?;
    Some(if path == "\"\"" || path.is_empty() {
        Check::ok(NAME, "the application's is empty")
    } else {
        let remedy = format!(
            "ALTER ROLE {login} SET search_path = ''; ALTER ROLE {login} IN DATABASE {database} \
             RESET search_path; and restart what runs with this login"
        );
        Check::failed(NAME, format!("the application's is `{path}`"), remedy)
    })
}

/// Whether the disk of the database has room, if it is a disk of this machine.
pub(super) async fn disk(connection: &mut PgConnection) -> Result<Check, Failure> {
    const NAME: &str = "disk";
    let (size, folder): (i64, Option<String>) = ask(
        connection,
        "SELECT pg_database_size(current_database()), \
             CASE WHEN coalesce(inet_server_addr() <<= '127.0.0.0/8' \
                     OR inet_server_addr() = '::1', true) \
                 AND pg_has_role('pg_read_all_settings', 'USAGE') \
             THEN current_setting('data_directory') END",
    )
    .await?;
    let size = format!("the database has {} MiB", size / (1024 * 1024));
    let room = folder
        .as_deref()
        .and_then(|folder| rustix::fs::statvfs(Path::new(folder)).ok());
    let Some(room) = room.filter(|room| room.f_blocks > 0) else {
        return Ok(Check::ok(
            NAME,
            format!("{size}; its disk was not looked at, for it is not this machine's to see"),
        ));
    };
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    let free = room.f_bavail as f64 / room.f_blocks as f64;
    let gib = room.f_bavail * room.f_frsize / (1024 * 1024 * 1024);
    let told = format!("{size}; {gib} GiB are free, {:.0} %", free * 100.0);
    Ok(if free >= LEAST_FREE {
        Check::ok(NAME, told)
    } else {
        let remedy = "Make room, or enlarge the disk of PostgreSQL's data directory: when it is \
                      full, PostgreSQL stops.";
        Check::failed(NAME, told, remedy)
    })
}

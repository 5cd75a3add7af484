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

/// A disk with fewer percent free is full soon: PostgreSQL stops when it is.
const LEAST_FREE: u128 = 10;

pub(super) async fn database(connection: &mut PgConnection) -> Result<Check, Failure> {
    let (version,): (String,) = ask(connection, "SELECT current_setting('server_version')").await?;
    Ok(Check::ok("database", format!("PostgreSQL {version}")))
}

/// Whether this machine and the database tell the same time, as exactly as the way there allows.
pub(super) async fn clock(
    connection: &mut PgConnection,
    ambient: &Ambient,
) -> Result<Check, Failure> {
    let asked = ambient.now();
    let (theirs,): (OffsetDateTime,) = ask(connection, "SELECT clock_timestamp()").await?;
    Ok(clocks(asked, theirs, ambient.now()))
}

/// The database's time lies somewhere between when it was asked and when it had answered.
fn clocks(asked: OffsetDateTime, theirs: OffsetDateTime, answered: OffsetDateTime) -> Check {
    const NAME: &str = "clock";
    let way = answered - asked;
    let apart: Duration = theirs - (asked + way / 2);
    let apart = apart.abs();
    let told = format!(
        "this machine's clock and the database's are {} ms apart",
        apart.whole_milliseconds()
    );
    if apart - way / 2 <= APART {
        Check::ok(NAME, told)
    } else {
        let remedy = "Let both machines take their time from the same servers \
                      (`timedatectl timesync-status`, `chronyc tracking`).";
        Check::failed(NAME, told, remedy)
    }
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
            "disk",
            format!("{size}; its disk was not looked at, for it is not this machine's to see"),
        ));
    };
    let free = room.f_bavail * room.f_frsize;
    Ok(left(&size, free, room.f_blocks * room.f_frsize))
}

/// Whether of so many bytes enough are free.
fn left(size: &str, free: u64, all: u64) -> Check {
    const NAME: &str = "disk";
    let percent = u128::from(free) * 100 / u128::from(all.max(1));
    let told = format!("{size}; {} GiB are free, {percent} %", free >> 30);
    if percent >= LEAST_FREE {
        Check::ok(NAME, told)
    } else {
        let remedy = "Make room, or enlarge the disk of PostgreSQL's data directory: when it is \
                      full, PostgreSQL stops.";
        Check::failed(NAME, told, remedy)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn clocks_that_are_too_far_apart_for_tokens_are_told() {
        let asked = datetime!(2026-11-27 12:00:00 UTC);
        let after = |millis| asked + Duration::milliseconds(millis);
        for (theirs, answered, ok) in [
            (0, 0, true),
            (5_000, 0, true),
            (-5_000, 0, true),
            (5_001, 0, false),
            (-5_001, 0, false),
            // What the way may have taken is nobody's fault.
            (5_500, 1_000, true),
            (6_001, 1_000, false),
        ] {
            let check = clocks(asked, after(theirs), after(answered));
            assert_eq!(check.ok, ok, "{check:?}");
        }
        let hours = clocks(asked, after(7_200_000), asked);
        assert!(hours.problem().unwrap().contains("7200000 ms apart"));
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_told() {
        const GIB: u64 = 1 << 30;
        assert!(left("", 10 * GIB, 100 * GIB).ok);
        let full = left("the database has 7 MiB", 9 * GIB, 100 * GIB);
        assert_eq!(
            full.problem(),
            Some("the database has 7 MiB; 9 GiB are free, 9 %")
        );
    }
}

//! Taking turns: what may be done by one program at a time is done under an advisory lock.
//!
//! How long somebody waits for his turn is his connection's `lock_timeout`. Who waited in vain is
//! told who holds the lock, for that one may hang, or stand in a debugger.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, Statement};
use sqlx::{Connection as _, PgConnection};

use crate::{MigrationError, roles::run};

/// Who holds a lock: `pid`, and what `pg_stat_activity` says of it.
const HOLDER: &str = "\
    SELECT format('process %s (%s, login %s, since %s)', a.pid, \
        coalesce(nullif(a.application_name, ''), 'nameless'), a.usename, \
        to_char(coalesce(a.xact_start, a.backend_start) AT TIME ZONE 'UTC', \
            'YYYY-MM-DD HH24:MI:SS \"UTC\"')) AS holder \
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
        AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) \
        AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended($1, 0)";

/// Until when a turn lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The transaction, which is open, ends.
    Commit,
    /// The connection ends.
    Close,
}

/// Waits for one's turn, for as long as the connection's `lock_timeout`.
///
/// # Errors
/// [`MigrationError::Busy`] when it did not come; a transaction that was open still is.
pub async fn take(conn: &mut PgConnection, turn: &str, until: Until) -> Result<(), MigrationError> {
    let error = match until {
        Until::Close => sqlx::query("SELECT pg_advisory_lock(hashtextextended($1, 0))")
            .bind(turn)
            .execute(&mut *conn)
            .await
            .err(),
        Until::Commit => {
            // A savepoint: who holds the lock is asked in the same transaction.
            let mut savepoint = conn.begin().await?;
            let taken = sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
                .bind(turn)
                .execute(&mut *savepoint)
                .await;
            match taken {
                Ok(_) => {
                    savepoint.commit().await?;
                    None
                }
                Err(error) => {
                    savepoint.rollback().await?;
                    Some(error)
                }
            }
        }
    };
    match error {
        None => Ok(()),
        Some(error) if in_vain(&error) => {
            let holder: Option<String> = sqlx::query_scalar(HOLDER)
                .bind(turn)
                .fetch_optional(conn)
                .await?;
            Err(busy(turn, holder))
        }
        Some(error) => Err(error.into()),
    }
}

/// As [`take`], of a migration's transaction.
pub(crate) async fn take_in(tx: &DatabaseTransaction, turn: &str) -> Result<(), TurnError> {
    let call = |sql: &str| Statement::from_sql_and_values(DbBackend::Postgres, sql, [turn.into()]);
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    // Another connection to ask on may not be free: all of them may wait like this one.
    run(tx, "SAVEPOINT turn").await?;
    match tx.execute_raw(call(lock)).await {
        Ok(_) => Ok(()),
        Err(
            DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)),
        ) if in_vain(&error) => {
            run(tx, "ROLLBACK TO SAVEPOINT turn").await?;
            let row = tx.query_one_raw(call(HOLDER)).await?;
            let holder = row.map(|row| row.try_get("", "holder")).transpose()?;
            Err(TurnError::Busy(busy(turn, holder)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Why a transaction did not get its turn.
pub(crate) enum TurnError {
    Busy(MigrationError),
    Other(DbErr),
}

impl From<DbErr> for TurnError {
    fn from(error: DbErr) -> Self {
        Self::Other(error)
    }
}

fn in_vain(error: &sqlx::Error) -> bool {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some(LOCK_NOT_AVAILABLE)
}

fn busy(turn: &str, holder: Option<String>) -> MigrationError {
    MigrationError::Busy {
        turn: turn.to_owned(),
        // It may have gone in the meantime.
        holder: holder.unwrap_or_else(|| "a process that has ended since".to_owned()),
    }
}

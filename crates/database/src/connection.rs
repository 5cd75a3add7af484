//! A connection inside a transaction, as the ORM wants to see it. Private to this crate: whoever
//! could name it could run a statement outside a scope.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Value,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Postgres, query::Query};
use tokio::sync::Mutex;

use crate::{
    Mode, StoreError,
    error::{POISONED, ROUND_TRIP, is_outdated_plan},
    lease::Lease,
};

/// One transaction's connection. Methods take `&self`, so the connection sits behind a mutex: two
/// statements of one transaction run one after the other.
pub(crate) struct Connection {
    lease: Mutex<Lease>,
    poisoned: AtomicBool,
    savepoints: AtomicU32,
    reads: bool,
    tag: Arc<str>,
    timeout: Duration,
}

impl Connection {
    pub(crate) fn new<M: Mode>(lease: Lease, tag: Arc<str>, timeout: Duration) -> Self {
        Self {
            lease: Mutex::new(lease),
            poisoned: AtomicBool::new(false),
            savepoints: AtomicU32::new(0),
            reads: M::READS,
            tag,
            timeout,
        }
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    pub(crate) fn cure(&self) {
        self.poisoned.store(false, Ordering::Release);
    }

    pub(crate) fn into_lease(self) -> Lease {
        self.lease.into_inner()
    }

    /// The number of the next savepoint.
    pub(crate) fn next_savepoint(&self) -> u32 {
        self.savepoints.fetch_add(1, Ordering::Relaxed)
    }

    /// Runs a command that takes no values: savepoints. Poisons on failure like any statement.
    pub(crate) async fn command(&self, sql: String) -> Result<(), StoreError> {
        let command = Tagged {
            sql: sql.into(),
            values: SqlxValues(sea_orm::sea_query::Values(Vec::new())),
        };
        self.run(command, async |connection, command| {
            connection
                .execute(AssertSqlSafe(command.sql))
                .await
                .map(|_done| ())
        })
        .await
        .map_err(StoreError::from)
    }

    /// The tag gives each schema its own prepared statement: a statement prepared under one
    /// `search_path` is planned anew under another, which costs as much as no preparing at all.
    fn tagged(&self, statement: &mut Statement) -> Tagged {
        let mut values = statement
            .values
            .take()
            .map(|values| values.0)
            .unwrap_or_default();
        let mut sql = String::with_capacity(self.tag.len() + statement.sql.len() + 8);
        sql.push_str(&self.tag);
        push_with_literal_limit(&mut sql, &statement.sql, &mut values);
        Tagged {
            sql: sql.into(),
            values: SqlxValues(sea_orm::sea_query::Values(values)),
        }
    }

    /// Runs one statement. One that only reads is run again, once and in a new transaction of the
    /// same scope, when a migration changed what its plan answers: at READ COMMITTED each statement
    /// sees what is committed by then, so what was read before is worth what it was.
    async fn run<T>(
        &self,
        statement: Tagged,
        work: impl AsyncFn(&mut PgConnection, Tagged) -> Result<T, sqlx::Error>,
    ) -> Result<T, DbErr> {
        let mut lease = self.lease.lock().await;
        if self.is_poisoned() {
            return Err(DbErr::Custom(POISONED.to_owned()));
        }
        // Poisoned until it went well: a dropped statement must not be followed by a commit.
        self.poisoned.store(true, Ordering::Release);
        // A savepoint would be lost.
        let may_begin_anew = self.reads && self.savepoints.load(Ordering::Relaxed) == 0;
        let again = may_begin_anew.then(|| statement.clone());
        let mut result = self
            .round_trip(&mut lease, async |connection| {
                work(connection, statement).await
            })
            .await;
        if let Err(error) = &result
            && is_outdated_plan(error)
        {
            lease.outdate();
            if let Some(statement) = again
                && lease.reopen().await.is_ok()
            {
                result = self
                    .round_trip(&mut lease, async |connection| {
                        work(connection, statement).await
                    })
                    .await;
            }
        }
        if result.is_ok() {
            self.cure();
        }
        result
    }

    /// While it is under way the lease counts as busy: if this future is dropped, the connection's
    /// state is unknown and it will be closed.
    async fn round_trip<T>(
        &self,
        lease: &mut Lease,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, DbErr> {
        let connection = lease
            .start()
            .ok_or_else(|| DbErr::Custom(POISONED.to_owned()))?;
        let result = tokio::time::timeout(self.timeout, work(connection)).await;
        match result {
            Ok(Ok(value)) => {
                lease.finish();
                Ok(value)
            }
            Ok(Err(error)) => {
                // PostgreSQL answered: the connection is in a known state, the transaction is
                // aborted. Anything else, and the lease stays busy.
                if matches!(error, sqlx::Error::Database(_)) {
                    lease.finish();
                }
                Err(DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))))
            }
            Err(_elapsed) => Err(DbErr::Custom(ROUND_TRIP.to_owned())),
        }
    }
}

/// Writes `LIMIT $n` as a literal: with a bound limit PostgreSQL plans the statement anew on each
/// execution, which took a list from 140 to 370 µs. sea-query binds it, always last.
fn push_with_literal_limit(target: &mut String, sql: &str, values: &mut Vec<Value>) {
    const LIMIT: &str = " LIMIT $";
    let split = sql.rfind(LIMIT).and_then(|at| {
        let (head, tail) = (sql.get(..at)?, sql.get(at + LIMIT.len()..)?);
        let digits = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let number: usize = tail.get(..digits)?.parse().ok()?;
        match values.last() {
            Some(Value::BigUnsigned(Some(limit))) if number == values.len() => {
                Some((head, *limit, tail.get(digits..)?))
            }
            _ => None,
        }
    });
    if let Some((head, limit, rest)) = split {
        values.pop();
        // Writing to a String cannot fail.
        let _ = write!(target, "{head} LIMIT {limit}{rest}");
    } else {
        target.push_str(sql);
    }
}

/// A statement as it is sent.
#[derive(Clone)]
struct Tagged {
    sql: Arc<str>,
    values: SqlxValues,
}

impl Tagged {
    fn query(self) -> Query<'static, Postgres, SqlxValues> {
        sqlx::query_with(AssertSqlSafe(self.sql), self.values)
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, mut statement: Statement) -> Result<ExecResult, DbErr> {
        let tagged = self.tagged(&mut statement);
        self.run(tagged, async |connection, tagged| {
            tagged.query().execute(connection).await
        })
        .await
        .map(Into::into)
    }

    async fn execute_unprepared(&self, _sql: &str) -> Result<ExecResult, DbErr> {
        Err(DbErr::Custom(
            "statements are prepared, without exception".to_owned(),
        ))
    }

    async fn query_one_raw(&self, mut statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let tagged = self.tagged(&mut statement);
        let row = self
            .run(tagged, async |connection, tagged| {
                tagged.query().fetch_optional(connection).await
            })
            .await?;
        Ok(row.map(Into::into))
    }

    async fn query_all_raw(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let tagged = self.tagged(&mut statement);
        let rows = self
            .run(tagged, async |connection, tagged| {
                tagged.query().fetch_all(connection).await
            })
            .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(sql: &str, mut values: Vec<Value>) -> (String, usize) {
        let mut target = String::new();
        push_with_literal_limit(&mut target, sql, &mut values);
        (target, values.len())
    }

    #[test]
    fn a_bound_limit_becomes_a_literal() {
        let values = vec![Value::from("a"), Value::from(26_u64)];
        let (sql, left) = rewrite("SELECT x WHERE y = $1 LIMIT $2", values);
        assert_eq!((sql.as_str(), left), ("SELECT x WHERE y = $1 LIMIT 26", 1));
    }

    #[test]
    fn what_follows_the_limit_stays() {
        let (sql, left) = rewrite("SELECT x LIMIT $1 FOR UPDATE", vec![Value::from(1_u64)]);
        assert_eq!((sql.as_str(), left), ("SELECT x LIMIT 1 FOR UPDATE", 0));
    }

    #[test]
    fn a_limit_that_is_not_the_last_value_stays_bound() {
        let values = vec![Value::from(5_u64), Value::from(3_u64)];
        let (sql, left) = rewrite("SELECT x LIMIT $1 OFFSET $2", values);
        assert_eq!((sql.as_str(), left), ("SELECT x LIMIT $1 OFFSET $2", 2));
        let (sql, _) = rewrite("SELECT ' LIMIT $9'", vec![Value::from(1_u64)]);
        assert_eq!(sql, "SELECT ' LIMIT $9'");
    }
}

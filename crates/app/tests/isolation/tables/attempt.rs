//! A statement that should not go through, tried with somebody's rights.

use sqlx::{AssertSqlSafe, PgConnection};

/// Insufficient privilege; a row outside the policy is told so too.
pub(crate) const DENIED: &[&str] = &["42501"];

/// A statement, and the ways in which it may end: `0 rows`, or an SQLSTATE.
pub(crate) type Crime = (String, &'static [&'static str]);

/// Whose rights a statement is tried with.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) role: Option<String>,
    pub(crate) schema: String,
    pub(crate) tenant: Option<String>,
}

impl Scope {
    /// Opens a transaction as the application does.
    pub(crate) async fn open(&self, login: &mut PgConnection) {
        let set = |name: &str, value: &Option<String>| match value {
            Some(value) => format!("; SET LOCAL {name} = '{value}'"),
            None => String::new(),
        };
        let (role, tenant) = (set("role", &self.role), set("app.tenant", &self.tenant));
        let path = format!("; SET LOCAL search_path TO {}, extensions", self.schema);
        let opening = format!("BEGIN{role}{path}{tenant}");
        run(login, &opening).await.unwrap();
    }
}

/// Tries a statement in a transaction of a scope, and commits: what went through is lasting. How it
/// ended: `3 rows`, or an SQLSTATE.
pub(crate) async fn attempt(login: &mut PgConnection, scope: &Scope, sql: &str) -> String {
    scope.open(login).await;
    let outcome = run(login, sql).await;
    let end = if outcome.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    run(login, end).await.unwrap();
    match outcome {
        Ok(touched) => format!("{touched} rows"),
        Err(error) => error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .map_or_else(|| error.to_string(), Into::into),
    }
}

/// Tries each in turn, and names those that did not end as they should.
pub(crate) async fn demand(
    login: &mut PgConnection,
    scope: &Scope,
    who: &str,
    crimes: &[Crime],
) -> Vec<String> {
    let mut failures = Vec::new();
    for (crime, expected) in crimes {
        let ended = attempt(login, scope, crime).await;
        if !expected.contains(&ended.as_str()) {
            failures.push(format!("{who}: {crime}: {ended} instead of {expected:?}"));
        }
    }
    failures
}

/// Runs a statement; how many rows it touched.
pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    if sql.ends_with("FROM STDIN") {
        // Let in, it would wait for the rows.
        let copy = connection.copy_in_raw(sql).await?;
        return copy.finish().await;
    }
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

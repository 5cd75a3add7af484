//! Drift: what differs between a schema and one that was freshly migrated.
//!
//! The migrations that are recorded say how a schema was made, not what became of it. So a fresh
//! one is made in a transaction that is never committed, everything in it is written down as
//! PostgreSQL's catalogue has it, and every schema is compared with that: first by a fingerprint, all
//! of them in one query, and only those that differ object by object.

use std::fmt::Write as _;

use sea_orm::{DatabaseTransaction, DbBackend, DbErr, FromQueryResult, Statement};
use sea_orm_migration::MigratorTrait as _;

use crate::{
    MigrationError, Migrator,
    fit::PLATFORM,
    migrator::{enter, of},
    platform::Platform,
    roles::{Roles, run},
    tenant::Tenant,
};

/// No slug ends in a hyphen, so no tenant has this schema.
const REFERENCE: &str = "t_reference_";
const PLATFORM_REFERENCE: &str = "platform_reference_";

/// How many schemas are compared object by object. Who finds more of them different has one cause
/// to look for.
const TOLD: usize = 20;
/// How many differences are told.
const MOST: usize = 200;

const FACTS: &str = include_str!("drift/facts.sql");
const FINGERPRINTS: &str = include_str!("drift/fingerprints.sql");
const DIFFERENCES: &str = include_str!("drift/differences.sql");

/// What differs between the schemas and freshly migrated ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// How many schemas were compared.
    pub compared: usize,
    /// The schemas that differ.
    pub schemas: Vec<String>,
    /// In what the first of them differ.
    pub differences: Vec<Difference>,
}

/// An object of a schema that is not as the migrations make it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {problem}; {remedy}")]
pub struct Difference {
    /// The schema.
    pub schema: String,
    /// What it is: `index t_acme.users users_email_idx`.
    pub object: String,
    /// How it differs.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl Migrator {
    /// Compares schemas with freshly migrated ones: those of these names that exist. Their
    /// migrations should be this program's, else whatever the missing ones make is named. Leaves
    /// nothing behind, also when it is killed.
    pub async fn drift(&self, schemas: &[String]) -> Result<Drift, MigrationError> {
        // Migrations of the platform give rights on its own schema, where two would meet.
        let tx = self.begin(PLATFORM).await?;
        Self::compare(tx, schemas).await.map_err(of(REFERENCE))
    }

    async fn compare(tx: DatabaseTransaction, schemas: &[String]) -> Result<Drift, DbErr> {
        // The planner expects much of functions that return sets: compiling takes longer than
        // running.
        run(
            &tx,
            "SET LOCAL statement_timeout = '2min'; SET LOCAL jit = off",
        )
        .await?;
        make_references(&tx).await?;
        run(&tx, "SET LOCAL ROLE NONE; SET LOCAL search_path TO ''").await?;
        let drift = compare(&tx, schemas).await?;
        tx.rollback().await?;
        Ok(drift)
    }
}

/// Makes the schemas that the others are compared with.
async fn make_references(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    let roles = Roles::read(tx, Some(REFERENCE)).await?;
    enter(tx, REFERENCE, &roles).await?;
    Tenant::up(tx, None).await?;
    let Roles { owner, backup, .. } = &roles;
    let records = format!("GRANT SELECT ON seaql_migrations TO {backup}");
    run(tx, &records).await?;
    let enter = format!(
        "SET LOCAL ROLE {owner}; CREATE SCHEMA {PLATFORM_REFERENCE}; \
         SET LOCAL search_path TO {PLATFORM_REFERENCE}, extensions"
    );
    run(tx, &enter).await?;
    Platform::up(tx, None).await?;
    run(tx, &records).await
}

async fn compare(tx: &DatabaseTransaction, schemas: &[String]) -> Result<Drift, DbErr> {
    let prints = facts_of(schemas.iter().map(String::as_str), FINGERPRINTS);
    let prints = Print::find_by_statement(prints).all(tx).await?;
    let print = |schema: &str| {
        let found = prints.iter().find(|print| print.schema == schema);
        found.map(|print| print.fingerprint.as_str())
    };
    let (tenants, platform) = (print(REFERENCE), print(PLATFORM_REFERENCE));
    let compared = prints
        .iter()
        .filter(|print| ![REFERENCE, PLATFORM_REFERENCE].contains(&print.schema.as_str()));
    let mut drift = Drift::default();
    for Print {
        schema,
        fingerprint,
    } in compared
    {
        let expected = if schema == PLATFORM {
            platform
        } else {
            tenants
        };
        drift.compared += 1;
        if expected != Some(fingerprint) {
            drift.schemas.push(schema.clone());
        }
    }
    if !drift.schemas.is_empty() {
        let told = drift.schemas.iter().take(TOLD).map(String::as_str);
        let rows = facts_of(told, DIFFERENCES);
        let rows = Row::find_by_statement(rows).all(tx).await?;
        drift.differences = rows.into_iter().take(MOST).map(Row::into).collect();
    }
    Ok(drift)
}

/// A query over everything there is in these schemas and in those they are compared with.
fn facts_of<'a>(schemas: impl Iterator<Item = &'a str>, query: &str) -> Statement {
    let mut names = format!("{REFERENCE},{PLATFORM_REFERENCE}");
    for schema in schemas {
        // Writing to a string can't fail.
        let _ = write!(names, ",{schema}");
    }
    Statement::from_sql_and_values(
        DbBackend::Postgres,
        format!("{FACTS}{query}"),
        [names.into()],
    )
}

#[derive(FromQueryResult)]
struct Print {
    schema: String,
    fingerprint: String,
}

#[derive(FromQueryResult)]
struct Row {
    schema: String,
    kind: String,
    relation: String,
    name: String,
    expected: Option<String>,
    found: Option<String>,
}

impl From<Row> for Difference {
    fn from(row: Row) -> Self {
        let (problem, remedy) = match (&row.expected, &row.found) {
            (Some(expected), None) => (
                format!("it is missing: {expected}"),
                format!("make it again: {}", row.making(expected)),
            ),
            (None, found) => (
                format!(
                    "no migration makes it: {}",
                    found.as_deref().unwrap_or_default()
                ),
                format!(
                    "remove it, unless it holds what is still needed: {}",
                    row.removing()
                ),
            ),
            (Some(expected), Some(found)) => (
                format!("it is `{found}`, and the migrations make `{expected}`"),
                format!("change it back: {}", row.changing(expected)),
            ),
        };
        Self {
            object: row.object(),
            schema: row.schema,
            problem,
            remedy,
        }
    }
}

impl Row {
    fn table(&self) -> String {
        format!("{}.{}", self.schema, self.relation)
    }

    fn object(&self) -> String {
        let Self {
            schema,
            kind,
            relation,
            name,
            ..
        } = self;
        match (kind.as_str(), relation.as_str(), name.as_str()) {
            ("grant", _, name) => format!("grant on {schema}.{name}"),
            (_, "", name) => format!("{kind} {schema}.{name}"),
            (_, relation, "") => format!("{kind} {schema}.{relation}"),
            (_, relation, name) => format!("{kind} {schema}.{relation}.{name}"),
        }
    }

    /// A statement as an operator would write it, who puts the schema in front of the search path.
    fn making(&self, expected: &str) -> String {
        let (table, name) = (self.table(), &self.name);
        match self.kind.as_str() {
            "column" => format!("ALTER TABLE {table} ADD COLUMN {name} {expected}"),
            "constraint" => format!("ALTER TABLE {table} ADD CONSTRAINT {name} {expected}"),
            "policy" => format!("CREATE POLICY {name} ON {table} {expected}"),
            "grant" => format!("GRANT {expected} ON {name}, in schema {}", self.schema),
            "table" => "restore it from a backup, with its rows".to_owned(),
            _ => format!("{expected}, in schema {}", self.schema),
        }
    }

    fn removing(&self) -> String {
        let (table, name, schema) = (self.table(), &self.name, &self.schema);
        match self.kind.as_str() {
            "column" => format!("ALTER TABLE {table} DROP COLUMN {name}"),
            "constraint" => format!("ALTER TABLE {table} DROP CONSTRAINT {name}"),
            "index" => format!("DROP INDEX {schema}.{name}"),
            "policy" => format!("DROP POLICY {name} ON {table}"),
            "trigger" => format!("DROP TRIGGER {name} ON {table}"),
            "rule" => format!("DROP RULE {name} ON {table}"),
            "function" => format!("DROP FUNCTION {schema}.{name}"),
            "foreign keys" => format!("ALTER TABLE {table} ENABLE TRIGGER ALL"),
            "grant" => format!("REVOKE it, in schema {schema}"),
            kind => format!("DROP {} {table}", kind.to_uppercase()),
        }
    }

    fn changing(&self, expected: &str) -> String {
        let (table, name) = (self.table(), &self.name);
        match self.kind.as_str() {
            "row security" => {
                let words = expected.replace(',', " ROW LEVEL SECURITY,");
                format!("ALTER TABLE {table} {words} ROW LEVEL SECURITY")
            }
            "column" => format!("ALTER TABLE {table} ALTER COLUMN {name}, until it is {expected}"),
            "record of migrations" => {
                format!("bring the rows of {table} in line with platform.schema_migrations")
            }
            _ => format!("drop it, and make it as {expected}"),
        }
    }
}

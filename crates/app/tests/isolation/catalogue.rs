//! What there is in the database, as PostgreSQL's own catalogue has it.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection};

/// A column that a row must or may have.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Its type, as SQL has it.
    pub(crate) kind: String,
    pub(crate) is_nullable: bool,
    /// The table whose rows it refers to.
    pub(crate) refers_to: Option<String>,
    /// The words and the numbers that the table's checks mention beside it.
    pub(crate) words: Vec<String>,
    pub(crate) numbers: Vec<String>,
}

/// A table of tenants.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// The columns of each constraint and unique index, by its name.
    pub(crate) rules: BTreeMap<String, Vec<String>>,
}

impl Table {
    pub(crate) fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// A function that runs with its owner's rights.
#[derive(Clone, Debug)]
pub(crate) struct Definer {
    pub(crate) name: String,
    /// The types of its arguments.
    pub(crate) arguments: Vec<String>,
}

impl Definer {
    /// With its arguments' types: `platform.schema_role(name)`.
    pub(crate) fn signature(&self) -> String {
        format!("{}({})", self.name, self.arguments.join(", "))
    }
}

/// Every table of tenants in a schema. The migrator's own book is none.
///
/// # Panics
/// When there is something in the schema that rows could lie in, or be reached through, and that is
/// no plain table: it needs an attack of its own.
pub(crate) async fn tables(superuser: &mut PgConnection, schema: &str) -> Vec<Table> {
    let found: Vec<(String, String)> = rows(
        superuser,
        "SELECT c.relname::text, c.relkind::text FROM pg_class c \
         WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') \
         AND c.relname <> 'seaql_migrations' ORDER BY c.relname",
        &[schema],
    )
    .await;
    let mut tables = Vec::new();
    for (name, kind) in found {
        assert_eq!(
            kind, "r",
            "{schema}.{name} is of the kind `{kind}`: how is it attacked?"
        );
        tables.push(table(superuser, schema, &name).await);
    }
    assert!(tables.len() > 10, "{schema} has {} tables", tables.len());
    tables
}

async fn table(superuser: &mut PgConnection, schema: &str, name: &str) -> Table {
    let qualified = format!("{schema}.{name}");
    let columns: Vec<(String, String, bool, Option<String>)> = rows(
        superuser,
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, \
         (SELECT t.relname::text FROM pg_constraint k JOIN pg_class t ON t.oid = k.confrelid \
          WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND a.attname <> 'tenant_id' \
          AND a.attnum = ANY (k.conkey) LIMIT 1) \
         FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 \
         AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = '' \
         ORDER BY a.attnum",
        &[&qualified],
    )
    .await;
    let rules: Vec<(String, String, Vec<String>)> = rows(
        superuser,
        "SELECT k.conname::text, pg_get_constraintdef(k.oid), \
         (SELECT coalesce(array_agg(a.attname::text), '{}') FROM pg_attribute a \
          WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) \
         FROM pg_constraint k WHERE k.conrelid = $1::regclass \
         UNION ALL \
         SELECT i.indexrelid::regclass::text, '', \
         (SELECT array_agg(a.attname::text) FROM pg_attribute a \
          WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)) \
         FROM pg_index i WHERE i.indrelid = $1::regclass AND i.indisunique",
        &[&qualified],
    )
    .await;
    let columns = columns
        .into_iter()
        .map(|(name, kind, is_nullable, refers_to)| {
            let checks: Vec<&str> = rules
                .iter()
                .filter(|(_, definition, of)| definition.starts_with("CHECK") && of.contains(&name))
                .map(|(_, definition, _)| definition.as_str())
                .collect();
            let checks = checks.join(" ");
            Column {
                name,
                kind,
                is_nullable,
                refers_to,
                words: words(&checks),
                numbers: numbers(&checks),
            }
        })
        .collect();
    let rules = rules
        .into_iter()
        .map(|(name, _, columns)| {
            (
                name.rsplit('.').next().unwrap_or_default().to_owned(),
                columns,
            )
        })
        .collect();
    Table {
        schema: schema.to_owned(),
        name: name.to_owned(),
        columns,
        rules,
    }
}

/// What stands in quotes.
fn words(checks: &str) -> Vec<String> {
    let quoted = checks.split('\'').skip(1).step_by(2);
    quoted.map(ToOwned::to_owned).collect()
}

fn numbers(checks: &str) -> Vec<String> {
    let words = checks.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()))
        .map(ToOwned::to_owned)
        .collect()
}

/// The tables of the platform.
pub(crate) async fn platform_tables(superuser: &mut PgConnection) -> Vec<String> {
    let found: Vec<(String,)> = rows(
        superuser,
        "SELECT format('platform.%I', relname) FROM pg_class \
         WHERE relnamespace = 'platform'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') \
         ORDER BY relname",
        &[],
    )
    .await;
    found.into_iter().map(|(name,)| name).collect()
}

/// Every function outside PostgreSQL itself that runs with its owner's rights.
pub(crate) async fn definers(superuser: &mut PgConnection) -> Vec<Definer> {
    let found: Vec<(String, Vec<String>)> = rows(
        superuser,
        "SELECT format('%I.%I', n.nspname, p.proname), \
         (SELECT coalesce(array_agg(format_type(one, NULL) ORDER BY place), '{}') \
          FROM unnest(p.proargtypes) WITH ORDINALITY AS argument (one, place)) \
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
         WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
        &[],
    )
    .await;
    found
        .into_iter()
        .map(|(name, arguments)| Definer { name, arguments })
        .collect()
}

/// Rows of a query.
pub(crate) async fn rows<T>(superuser: &mut PgConnection, sql: &str, values: &[&str]) -> Vec<T>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let mut query = sqlx::query_as(AssertSqlSafe(sql.to_owned()));
    for value in values {
        query = query.bind((*value).to_owned());
    }
    query.fetch_all(superuser).await.unwrap()
}

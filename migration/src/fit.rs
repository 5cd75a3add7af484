//! Whether a database is the one that this program's migrations make.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};

use crate::manifest::{Entry, Manifest, Scope};

/// What has been applied to the schemas `$1`: `schema_name, name, sha256`. The platform's role may
/// read it, and it exists from the installation on.
pub const APPLIED_TO: &str = "SELECT schema_name, name, sha256 FROM platform.schema_migrations \
                              WHERE schema_name = ANY ($1) ORDER BY schema_name, name";

/// The schemas that do not fit: one column of text. `$1` is what must have been applied to the
/// schema `platform`, `$2` to every other one ([`expected`]). It is asked every second: rows by the
/// thousand stay in PostgreSQL when all is well (10,000 of 1,000 schemas: 13 ms). Readable by the
/// platform's role once the schema `platform` is migrated.
pub const SUSPECTS: &str = "\
    SELECT schema_name FROM ( \
        SELECT schema_name, count(*) AS applied, count(*) FILTER (WHERE name || ' ' || sha256 \
            = ANY (CASE schema_name WHEN 'platform' THEN $1 ELSE $2 END)) AS known \
        FROM platform.schema_migrations GROUP BY schema_name) migrated \
    FULL JOIN (SELECT schema_name FROM platform.tenants \
        WHERE placement = 'dedicated' AND status <> 'creating' \
        UNION ALL SELECT schema_name FROM platform.pools UNION ALL VALUES ('platform')) home \
        USING (schema_name) \
    WHERE applied IS DISTINCT FROM known OR known IS DISTINCT FROM \
        cardinality(CASE schema_name WHEN 'platform' THEN $1 ELSE $2 END) \
    ORDER BY schema_name";

const APPLIED: &str = "SELECT schema_name, name, sha256 FROM platform.schema_migrations \
                       ORDER BY schema_name, name";

/// The schemas that must be whole because a tenant lives there or may be put there: one column of
/// text.
pub(crate) const HOMES: &str = "SELECT schema_name FROM platform.tenants \
    WHERE placement = 'dedicated' AND status <> 'creating' \
    UNION ALL SELECT schema_name FROM platform.pools ORDER BY 1";

/// A row of `platform.schema_migrations`.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Applied {
    /// The schema that was migrated.
    pub schema_name: String,
    /// The migration's name.
    pub name: String,
    /// The SHA-256 of the source file that was compiled in when it ran.
    pub sha256: String,
}

/// A difference between a database and this program's migrations.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The program has it, the database not yet.
    #[error("schema `{schema}` lacks migration `{name}`: run `hrms-bootstrap up`")]
    Missing {
        /// The schema it is missing from.
        schema: String,
        /// The migration's name.
        name: String,
    },
    /// The database has it, the program does not know it.
    #[error("schema `{schema}` has migration `{name}`, which this program does not know")]
    Unknown {
        /// The schema that has it.
        schema: String,
        /// The migration's name.
        name: String,
    },
    /// Both have it, with different contents.
    #[error("migration `{name}` of schema `{schema}` was another one when it ran")]
    Altered {
        /// The schema that has it.
        schema: String,
        /// The migration's name.
        name: String,
    },
}

/// What [`SUSPECTS`] compares with, in its order: names and hashes.
pub fn expected() -> [Vec<String>; 2] {
    let sources = Manifest::of_sources();
    [Scope::Platform, Scope::Tenant].map(|scope| {
        let entries = sources.scope(scope).iter();
        entries
            .map(|it| format!("{} {}", it.name, it.sha256))
            .collect()
    })
}

/// Compares what has been applied with the compiled migrations: for the schema `platform`, every
/// schema that has any row, and the `homes` (the rows of [`HOMES`]).
pub(crate) fn misfits(homes: &[String], applied: &[Applied]) -> Vec<Misfit> {
    let mut schemas: Vec<&str> = applied.iter().map(|row| row.schema_name.as_str()).collect();
    schemas.extend(homes.iter().map(String::as_str));
    schemas.push(PLATFORM);
    schemas.sort_unstable();
    schemas.dedup();
    misfits_of(&schemas, applied)
}

/// Compares what has been applied to these schemas (the rows of [`APPLIED_TO`]) with the compiled
/// migrations.
///
/// ```
/// use migration::fit::{Misfit, misfits_of};
///
/// let nothing_applied = misfits_of(&["platform"], &[]);
/// assert!(matches!(&nothing_applied[0], Misfit::Missing { schema, .. } if schema == "platform"));
/// ```
pub fn misfits_of(schemas: &[&str], applied: &[Applied]) -> Vec<Misfit> {
    let sources = Manifest::of_sources();
    let mut by_schema = applied.to_vec();
    by_schema.sort_by(|a, b| a.schema_name.cmp(&b.schema_name));
    schemas
        .iter()
        .flat_map(|schema| {
            let start = by_schema.partition_point(|row| row.schema_name.as_str() < *schema);
            let end = by_schema.partition_point(|row| row.schema_name.as_str() <= *schema);
            let rows = by_schema.get(start..end).unwrap_or_default();
            differences(schema, sources.scope(scope_of(schema)), rows)
        })
        .collect()
}

impl Misfit {
    /// The schema in which the difference lies.
    pub fn schema(&self) -> &str {
        match self {
            Self::Missing { schema, .. }
            | Self::Unknown { schema, .. }
            | Self::Altered { schema, .. } => schema,
        }
    }
}

/// The schema of the registry.
pub(crate) const PLATFORM: &str = "platform";

pub(crate) fn scope_of(schema: &str) -> Scope {
    if schema == PLATFORM {
        Scope::Platform
    } else {
        Scope::Tenant
    }
}

/// Reads what has been applied, to one schema or to all.
pub(crate) async fn read<C: ConnectionTrait>(
    conn: &C,
    schema: Option<&str>,
) -> Result<Vec<Applied>, DbErr> {
    let select = match schema {
        None => Statement::from_string(DbBackend::Postgres, APPLIED),
        Some(schema) => Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT schema_name, name, sha256 FROM platform.schema_migrations \
             WHERE schema_name = $1 ORDER BY name",
            [schema.into()],
        ),
    };
    Applied::find_by_statement(select).all(conn).await
}

/// The differences of one schema.
pub(crate) fn differences(schema: &str, sources: &[Entry], applied: &[Applied]) -> Vec<Misfit> {
    let schema = schema.to_owned();
    let mut misfits = Vec::new();
    for Entry { name, sha256 } in sources {
        let (schema, name) = (schema.clone(), name.clone());
        match applied.iter().find(|row| row.name == name) {
            None => misfits.push(Misfit::Missing { schema, name }),
            Some(row) if row.sha256 != *sha256 => misfits.push(Misfit::Altered { schema, name }),
            Some(_) => {}
        }
    }
    for row in applied {
        if !sources.iter().any(|source| source.name == row.name) {
            let (schema, name) = (schema.clone(), row.name.clone());
            misfits.push(Misfit::Unknown { schema, name });
        }
    }
    misfits
}

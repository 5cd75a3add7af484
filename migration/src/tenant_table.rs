//! The one way to make a tenant's table.
//!
//! Whatever the table is for, it comes out with the column `tenant_id` (filled in by the database
//! and unknown to the ORM), keys and indexes that start with it, foreign keys that carry it, forced
//! row security with the policy `tenant_isolation`, and rights for its schema's role by name.

use std::fmt::Write as _;

use sea_orm_migration::{DbErr, SchemaManager};

use crate::roles::{Roles, run};

/// The tenant of the transaction. In its one-argument form: a transaction without a tenant fails
/// instead of finding nothing. Not in a sub-select, which would lose the order of an index.
pub(crate) const TENANT: &str = "current_setting('app.tenant')::uuid";

/// A tenant's table in the making. Everything it is given is SQL text of the migration.
#[derive(Clone, Debug)]
pub struct TenantTable {
    name: &'static str,
    columns: Vec<(&'static str, &'static str)>,
    constraints: Vec<String>,
    foreign_keys: Vec<String>,
    indexes: Vec<String>,
    storage: Option<&'static str>,
    rights: Rights,
}

/// What the role of a tenant's schema may do with the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Read, insert, change and delete.
    ReadWrite,
    /// Read and insert: what has been recorded stays.
    Append,
}

impl TenantTable {
    /// A table with the columns `tenant_id` and `id`, its primary key.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            columns: Vec::new(),
            constraints: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            storage: None,
            rights: Rights::ReadWrite,
        }
    }

    /// Adds a column: its name, and its type as SQL has it.
    #[must_use]
    pub fn column(mut self, name: &'static str, definition: &'static str) -> Self {
        self.columns.push((name, definition));
        self
    }

    /// Adds a text column that is compared and sorted by code point, so that a prefix is a range.
    #[must_use]
    pub fn key_column(self, name: &'static str) -> Self {
        self.column(name, r#"text COLLATE "C" NOT NULL"#)
    }

    /// Adds a text column that holds one of these words. Not an enum: its comparison is not
    /// leakproof, and row security would keep it from an index.
    #[must_use]
    pub fn word_column(self, name: &'static str, words: &[&'static str]) -> Self {
        let list = words.join("', '");
        self.column(name, r#"text COLLATE "C" NOT NULL"#)
            .check(name, &format!("{name} IN ('{list}')"))
    }

    /// Adds what every resource carries that can change: `created_at`, `updated_at`, `version`.
    #[must_use]
    pub fn versioned(self) -> Self {
        self.column("created_at", "timestamptz NOT NULL")
            .column("updated_at", "timestamptz NOT NULL")
            .column("version", "bigint NOT NULL DEFAULT 1")
    }

    /// Adds a check; `name` tells it from the table's others.
    #[must_use]
    pub fn check(mut self, name: &str, condition: &str) -> Self {
        let table = self.name;
        self.constraints.push(format!(
            "CONSTRAINT {table}_{name}_check CHECK ({condition})"
        ));
        self
    }

    /// Makes columns unique within a tenant.
    #[must_use]
    pub fn unique(mut self, columns: &[&'static str]) -> Self {
        let (table, name, list) = (self.name, columns.join("_"), columns.join(", "));
        self.constraints.push(format!(
            "CONSTRAINT {table}_{name}_key UNIQUE (tenant_id, {list})"
        ));
        self
    }

    /// Keeps the half-open periods `[valid_from, valid_to)` of one `owner` from overlapping, and
    /// from being empty.
    ///
    /// The condition holds for every row, which the table checks but the planner does not know: so
    /// it leaves the exclusion's index to its purpose. It takes it for cheaper than the B-tree on
    /// (owner, valid_from), and a look-up in it costs ten times as much.
    #[must_use]
    pub fn no_overlap(mut self, owner: &'static str) -> Self {
        const ANY: &str = "id <> '00000000-0000-0000-0000-000000000000'";
        let table = self.name;
        self.constraints.push(format!(
            "CONSTRAINT {table}_no_overlap EXCLUDE USING gist (tenant_id WITH =, {owner} WITH =, \
             daterange(valid_from, valid_to) WITH &&) WHERE ({ANY})"
        ));
        self.unique(&[owner, "valid_from"])
            .check("id", ANY)
            .check("period", "valid_to IS NULL OR valid_to > valid_from")
    }

    /// Adds an index for lists and look-ups within a tenant.
    #[must_use]
    pub fn index(mut self, columns: &[&'static str]) -> Self {
        let (table, name, list) = (self.name, columns.join("_"), columns.join(", "));
        self.indexes.push(format!(
            "CREATE INDEX {table}_{name}_idx ON {table} (tenant_id, {list});"
        ));
        self
    }

    /// Adds an index of the rows that meet a condition, for looking among those alone; `name` tells
    /// it from the table's others.
    #[must_use]
    pub fn index_where(mut self, name: &str, columns: &[&'static str], condition: &str) -> Self {
        let (table, list) = (self.name, columns.join(", "));
        self.indexes.push(format!(
            "CREATE INDEX {table}_{name}_idx ON {table} (tenant_id, {list}) WHERE {condition};"
        ));
        self
    }

    /// Makes a column refer to a row of the same tenant, which then cannot be deleted.
    #[must_use]
    pub fn references(mut self, column: &'static str, target: &'static str) -> Self {
        self.foreign_keys.push(format!(
            "ADD CONSTRAINT {}_{column}_fkey FOREIGN KEY (tenant_id, {column}) \
             REFERENCES {target} (tenant_id, id) ON DELETE RESTRICT",
            self.name
        ));
        self
    }

    /// Sets storage parameters, such as `fillfactor = 50`.
    #[must_use]
    pub fn storage(mut self, parameters: &'static str) -> Self {
        self.storage = Some(parameters);
        self
    }

    /// Grants other rights than reading and writing.
    #[must_use]
    pub fn rights(mut self, rights: Rights) -> Self {
        self.rights = rights;
        self
    }

    /// The table itself, with its indexes.
    fn definition(&self) -> String {
        let table = self.name;
        let mut sql = format!(
            "CREATE TABLE {table} (\n    tenant_id uuid NOT NULL DEFAULT {TENANT},\n    id uuid NOT NULL"
        );
        for (name, definition) in &self.columns {
            let _ = write!(sql, ",\n    {name} {definition}");
        }
        sql += ",\n    PRIMARY KEY (tenant_id, id)";
        for constraint in &self.constraints {
            let _ = write!(sql, ",\n    {constraint}");
        }
        sql += "\n)";
        if let Some(storage) = self.storage {
            let _ = write!(sql, " WITH ({storage})");
        }
        sql += ";\n";
        for index in &self.indexes {
            let _ = writeln!(sql, "{index}");
        }
        sql
    }

    /// What refers to other tables. A table that exists is checked with the eyes of whoever adds the
    /// key, so that is the login, which row security does not bind; see [`back_fill`].
    fn foreign_keys(&self) -> String {
        if self.foreign_keys.is_empty() {
            return String::new();
        }
        format!(
            "ALTER TABLE {}\n    {};\n",
            self.name,
            self.foreign_keys.join(",\n    ")
        )
    }

    /// Row security and rights.
    fn protection(&self, roles: &Roles) -> String {
        let table = self.name;
        let Roles { schema, backup, .. } = roles;
        let rights = match self.rights {
            Rights::ReadWrite => "SELECT, INSERT, UPDATE, DELETE",
            Rights::Append => "SELECT, INSERT",
        };
        format!(
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n\
             CREATE POLICY tenant_isolation ON {table} USING (tenant_id = {TENANT});\n\
             GRANT {rights} ON {table} TO {schema};\n\
             GRANT SELECT ON {table} TO {backup};\n"
        )
    }
}

/// Makes these tables in the schema that is being migrated, in one round trip. They may refer to
/// each other in any order.
pub async fn create_tables(
    manager: &SchemaManager<'_>,
    tables: &[TenantTable],
) -> Result<(), DbErr> {
    create_tables_for(manager, tables, None).await
}

/// The same, for the role of another schema than the one that is being migrated.
pub(crate) async fn create_tables_for(
    manager: &SchemaManager<'_>,
    tables: &[TenantTable],
    schema: Option<&str>,
) -> Result<(), DbErr> {
    let conn = manager.get_connection();
    let roles = Roles::read(conn, schema).await?;
    run(conn, &sql(tables, &roles)).await
}

/// Runs a migration's statements on the rows of every tenant of a schema.
///
/// Forced row security binds the owner too, as whom migrations run: these run as the login instead,
/// which bypasses it.
pub async fn back_fill(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let conn = manager.get_connection();
    let roles = Roles::read(conn, None).await?;
    run(conn, &as_login(sql, &roles.owner)).await
}

/// Runs a migration's statements that change the form of tables, not their rows, as the owner, who
/// keeps what is made.
pub async fn alter(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    run(manager.get_connection(), sql).await
}

fn sql(tables: &[TenantTable], roles: &Roles) -> String {
    let foreign_keys: String = tables.iter().map(TenantTable::foreign_keys).collect();
    let mut sql: String = tables.iter().map(TenantTable::definition).collect();
    if !foreign_keys.is_empty() {
        sql += &as_login(&foreign_keys, &roles.owner);
    }
    sql.extend(tables.iter().map(|table| table.protection(roles)));
    sql
}

fn as_login(sql: &str, owner: &str) -> String {
    let sql = sql.trim_end().trim_end_matches(';');
    format!("SET LOCAL ROLE NONE;\n{sql};\nSET LOCAL ROLE {owner};\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not a test of PostgreSQL but of history: a hash in the manifest stands for what a migration
    /// did, and part of that is here. Who changes this output changes migrations that have run.
    #[test]
    fn a_table_is_made_as_ever() {
        let tables = [
            TenantTable::new("teams")
                .key_column("code")
                .column("lead_id", "uuid")
                .unique(&["code"])
                .index(&["lead_id", "code"])
                .index_where("led", &["code"], "lead_id IS NOT NULL")
                .references("lead_id", "people"),
            TenantTable::new("people")
                .word_column("state", &["here", "gone"])
                .column("team_id", "uuid NOT NULL")
                .column("valid_from", "date NOT NULL")
                .column("valid_to", "date")
                .versioned()
                .no_overlap("team_id")
                .references("team_id", "teams")
                .storage("fillfactor = 50")
                .rights(Rights::Append),
        ];
        let roles = Roles {
            owner: "the_owner".to_owned(),
            schema: "the_schema".to_owned(),
            backup: "the_backup".to_owned(),
        };
        assert_eq!(
            sql(&tables, &roles),
            include_str!("tenant_table/expected.sql")
        );
    }
}

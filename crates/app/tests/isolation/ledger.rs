//! What belongs to a tenant, to see that an attack left it as it was.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection};

use crate::catalogue::{Table, platform_tables, rows};

/// How many rows a tenant has in each table, and what they add up to.
pub(crate) type Ledger = BTreeMap<String, (i64, String)>;

/// The statement that reads a tenant's ledger; made once, for it reads the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct Bookkeeper(String);

impl Bookkeeper {
    /// Keeps the books of whoever lives in the schema of these tables. What the platform keeps about
    /// a tenant belongs to it as well.
    pub(crate) async fn of(superuser: &mut PgConnection, tables: &[Table]) -> Self {
        let mut owned: Vec<_> = tables
            .iter()
            .map(|table| (table.qualified(), "tenant_id"))
            .collect();
        let platform = platform_tables(superuser).await;
        for table in &platform {
            let about: Vec<(String,)> = rows(
                superuser,
                "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass \
                 AND attnum > 0 AND attname = 'tenant_id'",
                &[table],
            )
            .await;
            if *table == "platform.tenants" {
                owned.push((table.clone(), "id"));
            } else if !about.is_empty() {
                owned.push((table.clone(), "tenant_id"));
            }
        }
        let parts: Vec<_> = owned
            .iter()
            .map(|(table, owner)| {
                format!(
                    "SELECT '{table}', count(*), \
                     md5(coalesce(string_agg(it::text, '|' ORDER BY it::text), '')) \
                     FROM {table} it WHERE it.{owner} = $1::uuid"
                )
            })
            .collect();
        Self(parts.join(" UNION ALL "))
    }

    /// What a tenant has now.
    pub(crate) async fn read(&self, superuser: &mut PgConnection, tenant: &str) -> Ledger {
        let query = sqlx::query_as(AssertSqlSafe(self.0.clone())).bind(tenant.to_owned());
        let rows: Vec<(String, i64, String)> = query.fetch_all(superuser).await.unwrap();
        rows.into_iter()
            .map(|(table, count, sum)| (table, (count, sum)))
            .collect()
    }
}

/// The tables whose rows are not what they were.
pub(crate) fn changed(before: &Ledger, after: &Ledger) -> Vec<String> {
    let is_other = |table: &&String| before.get(*table) != after.get(*table);
    let tables = before.keys().chain(after.keys());
    tables.filter(is_other).cloned().collect()
}

//! `platform.pools`: the schemas that tenants share.
//!
//! A tenant is placed, and counted, before its pool's schema exists, and a pool is entered here
//! only once its schema does: a pool that is listed can be used.

use database::{PlatformTx, StoreError};
use kernel::SchemaName;
use sea_orm::{FromQueryResult, Value};

#[derive(FromQueryResult)]
struct Pool {
    schema_name: String,
    tenants: i64,
}

impl Pool {
    fn name(&self) -> Result<SchemaName, StoreError> {
        self.schema_name.parse().map_err(StoreError::corrupt)
    }
}

/// Placements take turns: two that see the last free place would both take it.
pub(crate) async fn lock(tx: &PlatformTx) -> Result<(), StoreError> {
    tx.run(
        "SELECT pg_advisory_xact_lock(hashtextextended('hrms pools', 0))",
        [],
    )
    .await?;
    Ok(())
}

pub(crate) async fn place(tx: &PlatformTx, capacity: u32) -> Result<SchemaName, StoreError> {
    lock(tx).await?;
    let with_room: Option<Pool> = tx
        .row(
            "UPDATE pools SET tenant_count = tenant_count + 1 \
             WHERE schema_name = (SELECT schema_name FROM pools WHERE tenant_count < $1 \
                                  ORDER BY schema_name LIMIT 1) \
             RETURNING schema_name, tenant_count::bigint AS tenants",
            [Value::from(i64::from(capacity))],
        )
        .await?;
    if let Some(pool) = with_room {
        return pool.name();
    }
    // The newest one, listed or still being made.
    let newest: Option<Pool> = tx
        .row(
            "SELECT schema_name, \
                    (SELECT count(*) FROM tenants WHERE tenants.schema_name = all_pools.schema_name) \
                        AS tenants \
             FROM (SELECT max(schema_name) AS schema_name \
                   FROM (SELECT schema_name FROM pools \
                         UNION ALL \
                         SELECT schema_name FROM tenants WHERE placement = 'pooled') every \
                  ) all_pools \
             WHERE schema_name IS NOT NULL",
            [],
        )
        .await?;
    match newest {
        None => Ok(SchemaName::pool(1)),
        Some(pool) if pool.tenants < i64::from(capacity) => pool.name(),
        Some(pool) => next(&pool.schema_name),
    }
}

fn next(schema: &str) -> Result<SchemaName, StoreError> {
    schema
        .strip_prefix("pool_")
        .and_then(|number| number.parse::<u16>().ok())
        .and_then(|number| number.checked_add(1))
        .filter(|number| *number < 10_000)
        .map(SchemaName::pool)
        .ok_or_else(|| StoreError::corrupt(format!("no pool comes after `{schema}`")))
}

pub(crate) async fn open(tx: &PlatformTx, schema: &SchemaName) -> Result<(), StoreError> {
    lock(tx).await?;
    tx.run(
        "INSERT INTO pools (schema_name, tenant_count) \
         SELECT $1, count(*) FROM tenants WHERE schema_name = $1 \
         ON CONFLICT DO NOTHING",
        [Value::from(schema.as_str())],
    )
    .await?;
    Ok(())
}

pub(crate) async fn leave(tx: &PlatformTx, schema: &SchemaName) -> Result<(), StoreError> {
    tx.run(
        "UPDATE pools SET tenant_count = tenant_count - 1 WHERE schema_name = $1",
        [Value::from(schema.as_str())],
    )
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_numbered() {
        assert_eq!(next("pool_0001").unwrap().as_str(), "pool_0002");
        assert!(next("pool_9999").is_err());
    }
}

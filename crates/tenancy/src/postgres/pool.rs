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
    let placed: Option<Pool> = tx
        .row(
            "SELECT platform.place_in_pool($1) AS schema_name",
            [Value::from(i64::from(capacity))],
        )
        .await?;
    let placed = placed.ok_or_else(|| StoreError::corrupt("a tenant was placed nowhere"))?;
    placed.schema_name.parse().map_err(StoreError::corrupt)
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

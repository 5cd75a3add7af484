//! What was answered to requests that came with a key, so that the same request is done once.

use sea_orm_migration::prelude::*;

use crate::{TenantTable, create_tables};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, &[idempotency_keys()]).await
    }
}

/// Rows live for a day; whoever stores one clears a few that are older away. A key comes from the
/// client, a route is a method and a path: both are short texts.
fn idempotency_keys() -> TenantTable {
    TenantTable::new("idempotency_keys")
        .column("actor_id", "uuid NOT NULL")
        .key_column("route")
        .key_column("key")
        .column("request_hash", "bytea NOT NULL")
        .column("status", "smallint NOT NULL")
        .column("location", "text")
        .column("resource_version", "bigint")
        .column("body", "bytea NOT NULL")
        .column("expires_at", "timestamptz NOT NULL")
        .unique(&["actor_id", "route", "key"])
        .index(&["expires_at"])
        .check("request_hash", "octet_length(request_hash) = 32")
        .check("status", "status BETWEEN 200 AND 299")
}

//! Files of the tenant, in pieces.

use sea_orm_migration::prelude::*;

use crate::{TenantTable, create_tables};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, &[files(), file_chunks()]).await
    }
}

/// What a file is called is for people; nothing is found by it. One that has no last day stays until
/// it is deleted.
fn files() -> TenantTable {
    TenantTable::new("files")
        .column("name", "text NOT NULL")
        .column("length", "bigint NOT NULL")
        .column("created_at", "timestamptz NOT NULL")
        .column("expires_at", "timestamptz")
        .check("name", "octet_length(name) BETWEEN 1 AND 400")
        .check("length", "length >= 0")
        .index_where("expires_at", &["expires_at"], "expires_at IS NOT NULL")
}

/// A piece is as long as one takes into memory at a time.
fn file_chunks() -> TenantTable {
    TenantTable::new("file_chunks")
        .column("file_id", "uuid NOT NULL")
        .column("number", "integer NOT NULL")
        .column("content", "bytea NOT NULL")
        .check("content", "octet_length(content) BETWEEN 1 AND 262144")
        .unique(&["file_id", "number"])
        .references("file_id", "files")
}

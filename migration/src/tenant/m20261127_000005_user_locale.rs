//! The language that a user reads, where it is not his tenant's.

use sea_orm_migration::prelude::*;

use crate::alter;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alter(manager, COLUMN).await
    }
}

/// A language tag (BCP 47).
const COLUMN: &str = "ALTER TABLE users ADD COLUMN locale text COLLATE \"C\"";

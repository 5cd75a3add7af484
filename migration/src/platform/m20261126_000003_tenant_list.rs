//! By what the list of tenants is searched and sorted.

use sea_orm_migration::prelude::*;

use crate::roles::run;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), KEYS).await
    }
}

/// No row security lies over the registry, so the key may be PostgreSQL's work: what `normalised_key`
/// does, with the letters that the database's locale knows.
const KEYS: &str = r#"
ALTER TABLE tenants ADD COLUMN name_key text COLLATE "C" NOT NULL
    GENERATED ALWAYS AS (lower(normalize(regexp_replace(name, '\s+', ' ', 'g'), NFKC))) STORED;
CREATE INDEX tenants_name_key_idx ON tenants (name_key, id);
CREATE INDEX tenants_created_at_idx ON tenants (created_at, id);
"#;

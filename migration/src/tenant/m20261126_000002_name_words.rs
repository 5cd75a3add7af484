//! The words inside the names of people, by which they are searched.

use sea_orm_migration::prelude::*;

use crate::{TenantTable, back_fill, create_tables};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, &[name_words()]).await?;
        back_fill(manager, WORDS).await
    }
}

/// A row for each word that does not begin a name itself, which the name's own key finds.
fn name_words() -> TenantTable {
    TenantTable::new("name_words")
        .column("employee_id", "uuid NOT NULL")
        .key_column("word_key")
        .unique(&["employee_id", "word_key"])
        .index(&["word_key", "employee_id"])
        .references("employee_id", "employees")
}

/// As the domain has it: what follows a blank, a hyphen, a full stop or an apostrophe, to the next
/// blank.
const WORDS: &str = "\
    INSERT INTO name_words (tenant_id, id, employee_id, word_key) \
    SELECT tenant_id, gen_random_uuid(), id, word FROM (\
    SELECT DISTINCT e.tenant_id, e.id, split_part(substr(name, at + 1), ' ', 1) AS word \
    FROM employees e CROSS JOIN LATERAL (VALUES (e.first_name_key), (e.last_name_key)) AS n (name) \
    CROSS JOIN LATERAL generate_series(1, length(name)) AS at \
    WHERE substr(name, at, 1) IN (' ', '-', '.', '''', '\u{2019}')) AS words \
    WHERE word <> '' AND left(word, 1) NOT IN (' ', '-', '.', '''', '\u{2019}')";

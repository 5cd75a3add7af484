//! Which program does which work, and which one says what is done at set times.

use sea_orm_migration::prelude::*;

use crate::roles::run;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        run(conn, TABLES).await?;
        run(conn, RIGHTS).await
    }
}

const TABLES: &str = r"
-- Each kind of work that it does, with the newest payload that it reads; NULL of a program that
-- does not say so.
ALTER TABLE workers ADD COLUMN kinds jsonb CHECK (jsonb_typeof(kinds) = 'object');

-- Which programs run that declare schedules, by what they declare. An older one leaves the schedules
-- as a newer one wants them.
CREATE TABLE schedule_generations (
    generation integer PRIMARY KEY CHECK (generation >= 0),
    seen_at timestamptz NOT NULL DEFAULT now()
);
";

const RIGHTS: &str = r"
DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON schedule_generations TO %I', platform.schema_role('backup'));
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON schedule_generations TO %I',
        platform.schema_role('platform'));
END
$$;
";

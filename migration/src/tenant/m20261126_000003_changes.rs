//! What changes of employment leave behind: what an employment began with, why a service ended, and
//! that somebody has worked here before.

use sea_orm_migration::prelude::*;

use crate::alter;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alter(manager, COLUMNS).await?;
        crate::back_fill(manager, FIRST_DAYS).await?;
        alter(manager, INDEX).await
    }
}

const COLUMNS: &str = "\
    ALTER TABLE employments \
        ADD COLUMN cause text COLLATE \"C\" \
            CONSTRAINT employments_cause_check CHECK (cause IN ('transfer', 'promotion')), \
        ADD COLUMN end_reason text COLLATE \"C\" \
            CONSTRAINT employments_end_reason_check CHECK (end_reason IN ('resignation', \
            'dismissal', 'redundancy', 'end_of_contract', 'retirement', 'death', 'other')); \
    ALTER TABLE employees ADD COLUMN original_hire_date date";

/// Earlier employments begin before the last date of hire.
const FIRST_DAYS: &str = "\
    UPDATE employees e SET original_hire_date = LEAST(e.hire_date, (SELECT min(m.valid_from) \
    FROM employments m WHERE m.tenant_id = e.tenant_id AND m.employee_id = e.id))";

/// Who has left stands in an index of its own, and so does who came back.
const INDEX: &str = "\
    ALTER TABLE employees \
        ALTER COLUMN original_hire_date SET NOT NULL, \
        ADD CONSTRAINT employees_original_hire_date_check \
            CHECK (original_hire_date <= hire_date); \
    DROP INDEX employees_leaving_idx; \
    CREATE INDEX employees_leaving_idx ON employees (tenant_id, last_name_key, id) \
        WHERE employed_until IS NOT NULL OR original_hire_date < hire_date";

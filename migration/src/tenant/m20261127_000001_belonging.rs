//! By whom a job title, a location or an employment type is held, without a look at the employments
//! themselves, as it is for a department already.

use sea_orm_migration::prelude::*;

use crate::alter;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alter(manager, INDEXES).await
    }
}

const INDEXES: &str = "\
    DROP INDEX employments_job_title_id_idx, employments_location_id_idx; \
    CREATE INDEX employments_job_title_id_employee_id_idx \
        ON employments (tenant_id, job_title_id, employee_id); \
    CREATE INDEX employments_location_id_employee_id_idx \
        ON employments (tenant_id, location_id, employee_id); \
    CREATE INDEX employments_employment_type_employee_id_idx \
        ON employments (tenant_id, employment_type, employee_id)";

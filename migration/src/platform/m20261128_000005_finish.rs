//! A job is done only for a tenant that is served when it ends.

use sea_orm_migration::prelude::*;

use crate::roles::run;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), FUNCTIONS).await
    }
}

/// A handler may take half an hour. What it did for a tenant that was suspended meanwhile, or that is
/// being moved, is undone like that of a job which was lost; and the job waits with its tenant.
const FUNCTIONS: &str = r"
CREATE OR REPLACE FUNCTION finish_job(job uuid, token uuid, outcome jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
DECLARE
    tenant uuid := tenant_of_transaction();
BEGIN
    UPDATE jobs SET state = 'done', result = outcome, ended_at = clock_timestamp(),
        lease_token = NULL, lease_until = NULL, worker_id = NULL
    WHERE id = job AND lease_token = token AND tenant_id = tenant
        AND (tenant = '00000000-0000-0000-0000-000000000000'
            OR EXISTS (SELECT FROM tenants WHERE tenants.id = tenant AND status = 'active'));
    RETURN FOUND;
END
$$;
";

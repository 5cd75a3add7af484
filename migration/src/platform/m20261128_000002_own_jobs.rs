//! How a tenant looks at its own jobs, and the public tenant, whose users run the platform, at all.

use sea_orm_migration::prelude::*;

use crate::roles::run;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        run(conn, FUNCTIONS).await?;
        run(conn, RIGHTS).await
    }
}

/// What a job is about stays inside, and so does why it failed: that is told to operators, in words
/// that may name what is nobody else's business.
const FUNCTIONS: &str = r"
CREATE FUNCTION show_job(job uuid) RETURNS TABLE (
        id uuid, kind text, state text, progress_done bigint, progress_total bigint, result jsonb,
        enqueued_by uuid, created_at timestamptz, started_at timestamptz, ended_at timestamptz
    ) LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT id, kind, state, progress_done, progress_total, result, enqueued_by,
        created_at, started_at, ended_at
    FROM jobs WHERE id = job AND tenant_id = tenant_of_transaction();
END
$$;

-- Takes any job back, as far as it has not ended.
CREATE FUNCTION take_job_back(job uuid, owner uuid) RETURNS boolean LANGUAGE plpgsql
    SET search_path = platform, pg_temp
AS $$
BEGIN
    UPDATE jobs SET state = 'cancelled', ended_at = now(), handed_over_until = NULL,
        parked_for = NULL, lease_token = NULL, lease_until = NULL, worker_id = NULL
    WHERE id = job AND (owner IS NULL OR tenant_id = owner)
        AND state IN ('ready', 'retry', 'parked', 'running', 'dead');
    RETURN FOUND;
END
$$;

-- Takes a job of the transaction's tenant back.
CREATE FUNCTION cancel_job(job uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    RETURN take_job_back(job, tenant_of_transaction());
END
$$;

CREATE FUNCTION cancel_any_job(job uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    RETURN take_job_back(job, NULL);
END
$$;

-- Lets a job be tried from the beginning.
CREATE FUNCTION retry_any_job(job uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    UPDATE jobs SET state = 'retry', attempt = 0, run_at = now(), parked_for = NULL,
        ended_at = NULL
    WHERE id = job AND state IN ('dead', 'parked', 'retry', 'cancelled');
    RETURN FOUND;
END
$$;
";

const RIGHTS: &str = r"
DO $$
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION cancel_any_job(uuid), retry_any_job(uuid) TO %I',
        platform.schema_role('public'));
END
$$;
GRANT EXECUTE ON FUNCTION show_job(uuid), cancel_job(uuid) TO PUBLIC;
";

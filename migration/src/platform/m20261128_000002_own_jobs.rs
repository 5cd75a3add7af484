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

-- Takes a job of the transaction's tenant back, and returns what it was about; nothing when it has
-- ended. One that is dead is the operators' to look at.
CREATE FUNCTION cancel_job(job uuid) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
DECLARE
    about jsonb;
BEGIN
    UPDATE jobs SET state = 'cancelled', ended_at = now(), handed_over_until = NULL,
        parked_for = NULL, lease_token = NULL, lease_until = NULL, worker_id = NULL
    WHERE id = job AND tenant_id = tenant_of_transaction()
        AND state IN ('ready', 'retry', 'parked', 'running')
    RETURNING payload INTO about;
    RETURN about;
END
$$;

-- How many jobs of a kind the transaction's tenant has that have yet to end, up to a thousand: those
-- that wait, those that are under way, and those that are parked, each by its index.
CREATE FUNCTION unfinished_jobs(of_kind text, in_queue text) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
DECLARE
    tenant uuid := tenant_of_transaction();
BEGIN
    RETURN (SELECT count(*) FROM (
        SELECT FROM jobs WHERE queue = in_queue AND tenant_id = tenant AND kind = of_kind
            AND state IN ('ready', 'retry') AND handed_over_until IS NULL
        UNION ALL
        SELECT FROM jobs WHERE queue = in_queue AND tenant_id = tenant AND kind = of_kind
            AND (state = 'running' OR handed_over_until IS NOT NULL)
        UNION ALL
        SELECT FROM jobs WHERE tenant_id = tenant AND kind = of_kind AND state = 'parked'
        LIMIT 1000) one);
END
$$;

CREATE FUNCTION cancel_any_job(job uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    UPDATE jobs SET state = 'cancelled', ended_at = now(), handed_over_until = NULL,
        parked_for = NULL, lease_token = NULL, lease_until = NULL, worker_id = NULL
    WHERE id = job AND state IN ('ready', 'retry', 'parked', 'running', 'dead');
    RETURN FOUND;
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
GRANT EXECUTE ON FUNCTION show_job(uuid), cancel_job(uuid), unfinished_jobs(text, text) TO PUBLIC;
";

//! Work that is done later: the jobs of every tenant and of the platform, and who does them.

use sea_orm_migration::prelude::*;

use crate::roles::run;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        run(conn, TABLES).await?;
        run(conn, FUNCTIONS).await?;
        run(conn, RIGHTS).await
    }
}

/// A job waits (`ready`, or `retry` after a failure) until it is handed over, to a broker or within
/// the process; whoever takes it over `runs` it under a lease, and it ends as `done`, `dead` or
/// `cancelled`. A `parked` one waits for somebody: its tenant to be served again, or an operator.
///
/// The platform's own jobs have the nil UUID for a tenant, which no tenant has. There is no foreign
/// key to the registry: it would lock the tenant's row in every transaction that has work done.
const TABLES: &str = r#"
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind ~ '^[a-z_]{1,40}(\.[a-z_]{1,40}){1,3}$'),
    payload_version smallint NOT NULL CHECK (payload_version > 0),
    payload jsonb NOT NULL CHECK (octet_length(payload::text) <= 65536),
    queue text COLLATE "C" NOT NULL
        CHECK (queue IN ('critical', 'default', 'bulk', 'provisioning')),
    state text COLLATE "C" NOT NULL DEFAULT 'ready'
        CHECK (state IN ('ready', 'running', 'retry', 'done', 'dead', 'parked', 'cancelled')),
    attempt smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL CHECK (max_attempts > 0),
    run_at timestamptz NOT NULL,
    unique_key text COLLATE "C" CHECK (octet_length(unique_key) BETWEEN 1 AND 200),
    -- Handed over, and to be so again if nobody has taken it over by then.
    handed_over_until timestamptz,
    lease_token uuid,
    lease_until timestamptz,
    worker_id uuid,
    parked_for text COLLATE "C" CHECK (parked_for IN ('tenant', 'operator')),
    progress_done bigint,
    progress_total bigint,
    result jsonb CHECK (octet_length(result::text) <= 65536),
    last_error text,
    request_id text CHECK (octet_length(request_id) <= 128),
    traceparent text CHECK (octet_length(traceparent) <= 55),
    tracestate text CHECK (octet_length(tracestate) <= 512),
    enqueued_by uuid,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT jobs_lease_check CHECK ((state = 'running') = (lease_token IS NOT NULL)
        AND (lease_token IS NULL) = (lease_until IS NULL)
        AND (lease_token IS NULL) = (worker_id IS NULL)),
    CONSTRAINT jobs_ended_check
        CHECK ((state IN ('done', 'dead', 'cancelled')) = (ended_at IS NOT NULL)),
    CONSTRAINT jobs_parked_check CHECK ((state = 'parked') = (parked_for IS NOT NULL)),
    CONSTRAINT jobs_handed_over_check
        CHECK (handed_over_until IS NULL OR state IN ('ready', 'retry'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02);
-- Whose turn is next, tenant by tenant.
CREATE INDEX jobs_waiting_idx ON jobs (queue, tenant_id, run_at, id)
    WHERE state IN ('ready', 'retry') AND handed_over_until IS NULL;
-- What is under way: never many.
CREATE INDEX jobs_under_way_idx ON jobs (queue, tenant_id)
    WHERE state = 'running' OR handed_over_until IS NOT NULL;
-- What has run out: read in this order, so that nothing else of the table is.
CREATE INDEX jobs_handed_over_idx ON jobs (handed_over_until) WHERE handed_over_until IS NOT NULL;
CREATE INDEX jobs_lease_idx ON jobs (lease_until) WHERE lease_until IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique_key ON jobs (tenant_id, kind, unique_key)
    WHERE unique_key IS NOT NULL AND state IN ('ready', 'running', 'retry', 'parked');
CREATE INDEX jobs_parked_idx ON jobs (tenant_id) WHERE state = 'parked';
CREATE INDEX jobs_ended_idx ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_state_idx ON jobs (state, id);
CREATE INDEX jobs_tenant_idx ON jobs (tenant_id, id);

-- A worker that runs, as it last said of itself.
CREATE TABLE workers (
    id uuid PRIMARY KEY,
    host text NOT NULL,
    version text NOT NULL,
    queues text NOT NULL,
    broker text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- Queues whose jobs wait until an operator says otherwise.
CREATE TABLE paused_queues (
    queue text COLLATE "C" PRIMARY KEY
        CHECK (queue IN ('critical', 'default', 'bulk', 'provisioning')),
    since timestamptz NOT NULL DEFAULT now()
);
"#;

/// By these a tenant's transaction has work done, and the transaction that does it says that it is
/// done. Everybody may call them: a right for each tenant's role would be a list of a thousand
/// entries, which two transactions cannot lengthen at a time. So they ask themselves who calls.
const FUNCTIONS: &str = r"
-- The tenant that the transaction is in, as the registry has it; nil for the platform's own.
CREATE FUNCTION tenant_of_transaction() RETURNS uuid LANGUAGE plpgsql STABLE
    SET search_path = platform, pg_temp
AS $$
DECLARE
    -- Inside a function of its owner the role that was taken shows here alone.
    taken text := current_setting('role');
    tenant uuid := current_setting('app.tenant')::uuid;
BEGIN
    IF tenant = '00000000-0000-0000-0000-000000000000' THEN
        IF taken IN (schema_role('platform'), schema_role('owner')) THEN
            RETURN tenant;
        END IF;
    ELSIF EXISTS (
        SELECT FROM tenants WHERE id = tenant AND schema_role(schema_name::name) = taken
    ) THEN
        RETURN tenant;
    END IF;
    RAISE EXCEPTION 'jobs are for transactions of a tenant or of the platform'
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Puts a job down, and returns its id, or that of the one with the same key that has yet to end.
CREATE FUNCTION enqueue_job(
    job uuid, kind text, payload_version smallint, payload jsonb, queue text,
    max_attempts smallint, run_at timestamptz, unique_key text, request_id text,
    traceparent text, tracestate text, enqueued_by uuid, now timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tenant uuid := tenant_of_transaction();
    earlier uuid;
BEGIN
    LOOP
        INSERT INTO jobs (id, tenant_id, kind, payload_version, payload, queue, max_attempts,
            run_at, unique_key, request_id, traceparent, tracestate, enqueued_by, created_at)
        VALUES (job, tenant, enqueue_job.kind, enqueue_job.payload_version, enqueue_job.payload,
            enqueue_job.queue, enqueue_job.max_attempts, enqueue_job.run_at,
            enqueue_job.unique_key, enqueue_job.request_id, enqueue_job.traceparent,
            enqueue_job.tracestate, enqueue_job.enqueued_by, enqueue_job.now)
        ON CONFLICT (tenant_id, kind, unique_key)
            WHERE unique_key IS NOT NULL AND state IN ('ready', 'running', 'retry', 'parked')
            DO NOTHING;
        IF FOUND THEN
            RETURN job;
        END IF;
        SELECT id INTO earlier FROM jobs
        WHERE tenant_id = tenant AND kind = enqueue_job.kind
            AND unique_key = enqueue_job.unique_key
            AND state IN ('ready', 'running', 'retry', 'parked');
        IF FOUND THEN
            RETURN earlier;
        END IF;
    END LOOP;
END
$$;

-- Notes in the transaction of its effects that a job is done; false when whoever did it has lost it
-- meanwhile, and must undo everything.
CREATE FUNCTION finish_job(job uuid, token uuid, outcome jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    UPDATE jobs SET state = 'done', result = outcome, ended_at = clock_timestamp(),
        lease_token = NULL, lease_until = NULL, worker_id = NULL
    WHERE id = job AND lease_token = token AND tenant_id = tenant_of_transaction();
    RETURN FOUND;
END
$$;
";

/// What a job is about is its tenant's business: the roles of tenants do not see the table. The
/// platform's role, as which a worker finds its work, writes here and nowhere else.
const RIGHTS: &str = r"
DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON jobs, workers, paused_queues TO %I',
        platform.schema_role('backup'));
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON jobs, workers, paused_queues TO %I',
        platform.schema_role('platform'));
END
$$;
GRANT USAGE ON SCHEMA platform TO PUBLIC;
GRANT EXECUTE ON FUNCTION
    enqueue_job(uuid, text, smallint, jsonb, text, smallint, timestamptz, text, text, text, text,
        uuid, timestamptz),
    finish_job(uuid, uuid, jsonb) TO PUBLIC;
";

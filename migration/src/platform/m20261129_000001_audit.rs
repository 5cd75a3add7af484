//! What the audit of every schema needs of the platform, the platform's own audit, and what is signed
//! over all of them.

use sea_orm_migration::prelude::*;

use crate::{roles::run, tenant};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        run(conn, TABLES).await?;
        run(conn, FUNCTIONS).await?;
        run(conn, RIGHTS).await?;
        // The platform is nobody's tenant: `tenant_id` is nil in its own.
        tenant::furnish_audit(manager, Some("platform")).await
    }
}

/// An event waits in `audit_unsealed` from its commit until it is in the chain of its tenant, a second
/// later. There is no foreign key to the registry, as with jobs.
///
/// What was signed waits in `audit_unfiled` from its commit until it is in a file outside the database. The
/// head of each chain that has grown since then waits in `audit_heads` for the next hour; the log holds them,
/// and a checkpoint is signed over all of it (RFC 6962). The peaks of a checkpoint are the roots of the
/// largest perfect trees that its leaves make, so that the next one needs the new leaves alone.
const TABLES: &str = r#"
CREATE TABLE audit_unsealed (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);
CREATE INDEX audit_unsealed_tenant_idx ON audit_unsealed (tenant_id, number);

CREATE TABLE audit_unfiled (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    line text NOT NULL CHECK (octet_length(line) <= 1048576)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);

-- What the platform permits a tenant's transaction to do to the audit, once: a retirement or the release of
-- a hold, by its id. No role of a tenant gets at it.
CREATE TABLE audit_permits (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE audit_heads (
    tenant_id uuid PRIMARY KEY,
    seal bigint NOT NULL CHECK (seal > 0),
    last_position bigint NOT NULL CHECK (last_position > 0),
    link bytea NOT NULL CHECK (octet_length(link) = 32)
);

CREATE TABLE audit_log (
    position bigint PRIMARY KEY CHECK (position > 0),
    tenant_id uuid NOT NULL,
    seal bigint NOT NULL CHECK (seal > 0),
    last_position bigint NOT NULL CHECK (last_position > 0),
    link bytea NOT NULL CHECK (octet_length(link) = 32),
    UNIQUE (tenant_id, seal)
);

CREATE TABLE audit_checkpoints (
    number bigint PRIMARY KEY CHECK (number > 0),
    size bigint NOT NULL CHECK (size > 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    previous bytea NOT NULL CHECK (octet_length(previous) = 32),
    peaks bytea NOT NULL CHECK (octet_length(peaks) % 32 = 0),
    signed_at timestamptz NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    signature bytea NOT NULL
);
"#;

const FUNCTIONS: &str = r"
-- Notes new events, whoever inserts them, as waiting for their seal.
CREATE FUNCTION note_audit_events() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    INSERT INTO audit_unsealed (tenant_id, event_id) SELECT tenant_id, id FROM new_events;
    RETURN NULL;
END
$$;

-- Refuses whoever changes what was recorded: everybody, but for the one function that moves events away
-- which are sealed and archived.
CREATE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    context text;
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME IN ('audit_events', 'audit_targets') THEN
        GET DIAGNOSTICS context = PG_CONTEXT;
        IF context ~ '\nPL/pgSQL function platform\.retire_audit_events\(uuid,uuid\[\]\) line ' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- The tenant's events that wait for their seal, the oldest first.
CREATE FUNCTION unsealed_audit_events(most integer) RETURNS TABLE (waiting bigint, event uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = platform, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    tenant uuid := tenant_of_transaction();
BEGIN
    RETURN QUERY SELECT number, event_id FROM audit_unsealed
        WHERE tenant_id = tenant ORDER BY number LIMIT most;
END
$$;

-- Notes that these of them are sealed: by their numbers, for one with a lower number may have been
-- committed since they were read. What was signed waits to be filed.
CREATE FUNCTION audit_events_sealed(numbers bigint[], signed text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    tenant uuid := tenant_of_transaction();
BEGIN
    DELETE FROM audit_unsealed WHERE number = ANY (numbers) AND tenant_id = tenant;
    INSERT INTO audit_unfiled (tenant_id, line) SELECT tenant, signed WHERE signed IS NOT NULL;
END
$$;

-- Takes the tenant's events away that a retirement has moved into an archive: those that are sealed, that
-- stand where it says, and that nobody holds; all of them, or none. By its whole name `keep_audit` knows it,
-- so its search_path does not hold the schema that it is in.
CREATE FUNCTION retire_audit_events(retirement uuid, events uuid[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant uuid := platform.tenant_of_transaction();
    home text;
    expected bigint;
    retired bigint;
BEGIN
    DELETE FROM platform.audit_permits WHERE tenant_id = tenant AND id = retirement;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the platform has not permitted this retirement'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT schema_name INTO home FROM platform.tenants WHERE id = tenant;
    home := coalesce(home, 'platform');
    EXECUTE format('SELECT events FROM %I.audit_retirements WHERE tenant_id = $1 AND id = $2', home)
        INTO expected USING tenant, retirement;
    EXECUTE format(
        'DELETE FROM %1$I.audit_events e USING %1$I.audit_links l, %1$I.audit_retirements r
        WHERE r.tenant_id = $1 AND r.id = $2
            AND e.tenant_id = $1 AND e.id = ANY ($3) AND e.category = r.category
            AND l.tenant_id = $1 AND l.id = e.id
            AND l.position BETWEEN r.first_position AND r.last_position
            AND l.position <= (SELECT max(last_position) FROM %1$I.audit_seals WHERE tenant_id = $1)
            AND NOT EXISTS (
                SELECT FROM %1$I.audit_holds h WHERE h.tenant_id = $1 AND h.released_at IS NULL
                    AND (h.target_id IS NULL OR h.target_id = e.subject_id OR EXISTS (
                        SELECT FROM %1$I.audit_targets t WHERE t.tenant_id = $1
                            AND t.target_id = h.target_id AND t.at = e.at AND t.event_id = e.id))
            )', home)
        USING tenant, retirement, events;
    GET DIAGNOSTICS retired = ROW_COUNT;
    IF expected IS NULL OR retired <> expected THEN
        RAISE EXCEPTION 'of % events % can be retired', expected, retired
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DELETE FROM %I.audit_targets WHERE tenant_id = $1 AND event_id = ANY ($2)', home)
        USING tenant, events;
    RETURN retired;
END
$$;

-- Releases a hold, if the platform has permitted it; whether there was one that was in force.
CREATE FUNCTION release_audit_hold(hold uuid, at timestamptz) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
DECLARE
    tenant uuid := tenant_of_transaction();
    home text;
    released bigint;
BEGIN
    DELETE FROM audit_permits WHERE tenant_id = tenant AND id = hold;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the platform has not permitted the release of this hold'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT schema_name INTO home FROM tenants WHERE id = tenant;
    EXECUTE format('UPDATE %I.audit_holds SET released_at = greatest($3, placed_at)
        WHERE tenant_id = $1 AND id = $2 AND released_at IS NULL', coalesce(home, 'platform'))
        USING tenant, hold, at;
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released > 0;
END
$$;
";

const RIGHTS: &str = r"
DO $$
DECLARE
    platform name := platform.schema_role('platform');
BEGIN
    EXECUTE format('GRANT SELECT ON audit_unsealed, audit_unsealed_number_seq, audit_unfiled,
        audit_unfiled_number_seq, audit_heads, audit_log, audit_checkpoints,
        audit_permits TO %I', platform.schema_role('backup'));
    EXECUTE format('GRANT SELECT ON audit_unsealed TO %I', platform);
    EXECUTE format('GRANT SELECT, INSERT ON audit_log, audit_checkpoints TO %I', platform);
    EXECUTE format('GRANT SELECT, UPDATE, DELETE ON audit_unfiled TO %I', platform);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON audit_permits TO %I', platform);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON audit_heads TO %I', platform);
END
$$;
CREATE TRIGGER audit_log_kept BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION keep_audit();
CREATE TRIGGER audit_log_kept_whole BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit();
CREATE TRIGGER audit_checkpoints_kept BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION keep_audit();
CREATE TRIGGER audit_checkpoints_kept_whole BEFORE TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit();
GRANT EXECUTE ON FUNCTION
    unsealed_audit_events(integer), audit_events_sealed(bigint[], text), retire_audit_events(uuid, uuid[]),
    release_audit_hold(uuid, timestamptz)
    TO PUBLIC;
";

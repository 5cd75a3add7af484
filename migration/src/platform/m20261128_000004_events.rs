//! What happened: the events of every tenant, in one order for each, and who has yet to hear of them.

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

/// An event lies in `recorded_events` from the commit of its change until it gets its place in the feed
/// of its tenant, a moment later, and moves to `events`, where nothing changes any more. Two tables:
/// in one, each event would be a row that dies when it gets its place, with an entry in every index,
/// in a table that is kept for ever.
///
/// The numbers come one by one (an identity without a cache): of two events that are recorded under the
/// same lock, the later one has the greater number, whichever connections recorded them.
///
/// There is no foreign key to the registry, as with jobs: it would lock the tenant's row.
const TABLES: &str = r#"
CREATE TABLE recorded_events (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL
        CHECK (kind ~ '^[a-z_]{1,40}(\.[a-z_]{1,40}){1,2}\.v[1-9][0-9]{0,2}$'),
    subject_kind text COLLATE "C" NOT NULL CHECK (subject_kind ~ '^[a-z_]{1,40}$'),
    subject_id uuid NOT NULL,
    data jsonb NOT NULL
        CHECK (jsonb_typeof(data) = 'object' AND octet_length(data::text) <= 16384),
    actor_id uuid,
    request_id text CHECK (octet_length(request_id) <= 128),
    occurred_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);

-- The last place in each feed: the row under whose lock the next ones are given.
CREATE TABLE event_feeds (
    tenant_id uuid PRIMARY KEY,
    last_position bigint NOT NULL CHECK (last_position > 0)
) WITH (fillfactor = 50);

-- The feeds: 1, 2, 3, … of each tenant, without a gap.
CREATE TABLE events (
    tenant_id uuid NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject_kind text COLLATE "C" NOT NULL,
    subject_id uuid NOT NULL,
    data jsonb NOT NULL,
    actor_id uuid,
    request_id text,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, position)
);
CREATE INDEX events_subject_idx ON events (tenant_id, subject_id, position);
CREATE INDEX events_kind_idx ON events (tenant_id, kind, position);

-- What a subscriber has yet to hear. Whoever comes first in its lane (subscriber and subject) goes first.
CREATE TABLE event_deliveries (
    tenant_id uuid NOT NULL,
    subscriber text COLLATE "C" NOT NULL CHECK (subscriber ~ '^[a-z_]{1,40}(\.[a-z_]{1,40}){0,3}$'),
    subject_id uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, subscriber, subject_id, position)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
"#;

/// By these a tenant's transaction records what it does, reads its own feed, and tells its own
/// subscribers. Everybody may call them, so they ask themselves who calls, as those of jobs do.
///
/// Those that read go by an index whatever the planner believes of tables that are empty when a
/// connection first asks, and hold millions later.
const FUNCTIONS: &str = r"
-- Records events of one kind in the order of the arrays.
CREATE FUNCTION record_events(
    kind text, subject_kind text, ids uuid[], subject_ids uuid[], data text[],
    actor_id uuid, request_id text, occurred_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
DECLARE
    tenant uuid := tenant_of_transaction();
BEGIN
    INSERT INTO recorded_events (id, tenant_id, kind, subject_kind, subject_id, data, actor_id,
        request_id, occurred_at)
    SELECT it.id, tenant, record_events.kind, record_events.subject_kind, it.subject_id,
        it.data::jsonb, record_events.actor_id, record_events.request_id,
        record_events.occurred_at
    FROM unnest(record_events.ids, record_events.subject_ids, record_events.data)
        WITH ORDINALITY AS it (id, subject_id, data, place)
    ORDER BY it.place;
END
$$;

-- The tenant's events behind a position, of a subject or a kind if one is named.
CREATE FUNCTION read_events(after bigint, most integer, of_subject uuid, of_kind text)
    RETURNS SETOF events LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = platform, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    tenant uuid := tenant_of_transaction();
BEGIN
    IF of_subject IS NOT NULL THEN
        RETURN QUERY SELECT * FROM events e
            WHERE e.tenant_id = tenant AND e.subject_id = of_subject AND e.position > after
                AND (of_kind IS NULL OR e.kind = of_kind)
            ORDER BY e.position LIMIT most;
    ELSIF of_kind IS NOT NULL THEN
        RETURN QUERY SELECT * FROM events e
            WHERE e.tenant_id = tenant AND e.kind = of_kind AND e.position > after
            ORDER BY e.position LIMIT most;
    ELSE
        RETURN QUERY SELECT * FROM events e
            WHERE e.tenant_id = tenant AND e.position > after
            ORDER BY e.position LIMIT most;
    END IF;
END
$$;

-- Waits for whoever is in the lane, and returns what comes next in it.
CREATE FUNCTION next_events(of_subscriber text, of_subject uuid, most integer)
    RETURNS SETOF events LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    tenant uuid := tenant_of_transaction();
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(
        format('hrms events %s %s %s', of_subscriber, tenant, of_subject), 0));
    RETURN QUERY SELECT e.* FROM event_deliveries d
        JOIN events e ON e.tenant_id = d.tenant_id AND e.position = d.position
        WHERE d.tenant_id = tenant AND d.subscriber = of_subscriber AND d.subject_id = of_subject
        ORDER BY d.position LIMIT most;
END
$$;

-- Notes that a subscriber has heard what there is of a subject up to a position.
CREATE FUNCTION events_heard(of_subscriber text, of_subject uuid, up_to bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    DELETE FROM event_deliveries d
    WHERE d.tenant_id = tenant_of_transaction() AND d.subscriber = of_subscriber
        AND d.subject_id = of_subject AND d.position <= up_to;
END
$$;
";

/// What happened in a tenant is its own business: no role of tenants sees a table. The platform's role,
/// as which the events get their places, changes none of them.
const RIGHTS: &str = r"
DO $$
DECLARE
    platform name := platform.schema_role('platform');
BEGIN
    EXECUTE format('GRANT SELECT ON recorded_events, recorded_events_number_seq, events, event_feeds,
        event_deliveries TO %I', platform.schema_role('backup'));
    EXECUTE format('GRANT SELECT, UPDATE, DELETE ON recorded_events TO %I', platform);
    EXECUTE format('GRANT SELECT, INSERT ON events TO %I', platform);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON event_feeds TO %I', platform);
    EXECUTE format('GRANT SELECT, INSERT ON event_deliveries TO %I', platform);
END
$$;
GRANT EXECUTE ON FUNCTION
    record_events(text, text, uuid[], uuid[], text[], uuid, text, timestamptz),
    read_events(bigint, integer, uuid, text),
    next_events(text, uuid, integer),
    events_heard(text, uuid, bigint) TO PUBLIC;
";

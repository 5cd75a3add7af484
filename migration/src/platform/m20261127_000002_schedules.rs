//! Work that is done at set times: schedules, and the instants at which they fired.

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

/// A schedule is the platform's (the nil UUID, as with its jobs) or a tenant's. One of the
/// platform's may be for each tenant; if it follows the clocks of the tenants, there is a row for
/// each time zone that any of them lives in.
///
/// As with jobs there is no foreign key to the registry; what belongs to nobody is deleted.
const TABLES: &str = r#"
CREATE TABLE schedules (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]*([.-][a-z0-9_]+)*$'
        AND octet_length(name) <= 100),
    -- By the program, which switches off what it no longer declares.
    is_declared boolean NOT NULL,
    fires_for text COLLATE "C" NOT NULL
        CHECK (fires_for IN ('owner', 'each_tenant', 'each_tenant_of_zone')),
    cron text NOT NULL CHECK (octet_length(cron) BETWEEN 1 AND 200),
    time_zone text NOT NULL CHECK (octet_length(time_zone) BETWEEN 1 AND 100),
    misfire text COLLATE "C" NOT NULL CHECK (misfire IN ('skip', 'once', 'each')),
    misfire_bound smallint CHECK (misfire_bound BETWEEN 1 AND 1000),
    kind text COLLATE "C" NOT NULL CHECK (kind ~ '^[a-z_]{1,40}(\.[a-z_]{1,40}){1,3}$'),
    payload_version smallint NOT NULL CHECK (payload_version > 0),
    -- A little less than a job may have: the instant of the fire may be added.
    payload jsonb NOT NULL CHECK (octet_length(payload::text) <= 65000),
    queue text COLLATE "C" NOT NULL
        CHECK (queue IN ('critical', 'default', 'bulk', 'provisioning')),
    max_attempts smallint NOT NULL CHECK (max_attempts > 0),
    is_on boolean NOT NULL,
    next_fire_at timestamptz CHECK (date_trunc('minute', next_fire_at, 'UTC') = next_fire_at),
    -- Why it was switched off, if it could not fire.
    last_error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT schedules_on_check CHECK (is_on = (next_fire_at IS NOT NULL)),
    CONSTRAINT schedules_bound_check
        CHECK ((misfire = 'each') = (misfire_bound IS NOT NULL)),
    -- No tenant's schedule fires for another tenant.
    CONSTRAINT schedules_owner_check CHECK (fires_for = 'owner'
        OR tenant_id = '00000000-0000-0000-0000-000000000000')
);
CREATE UNIQUE INDEX schedules_name_key ON schedules (tenant_id, name)
    WHERE fires_for <> 'each_tenant_of_zone';
CREATE UNIQUE INDEX schedules_zone_key ON schedules (name, time_zone)
    WHERE fires_for = 'each_tenant_of_zone';
-- What is due: the whole cost of a tick at which nothing is.
CREATE INDEX schedules_due_idx ON schedules (next_fire_at) WHERE next_fire_at IS NOT NULL;

-- That a schedule has fired for an instant, committed together with the jobs of that fire.
CREATE TABLE schedule_fires (
    schedule_id uuid NOT NULL CONSTRAINT schedule_fires_schedule_id_fkey
        REFERENCES schedules (id) ON DELETE CASCADE,
    fire_at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    CONSTRAINT schedule_fires_key UNIQUE (schedule_id, fire_at)
);
CREATE INDEX schedule_fires_fired_at_idx ON schedule_fires (fired_at);
"#;

/// As with jobs, the platform's role alone: no tenant sees when another one's work is due.
const RIGHTS: &str = r"
DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON schedules, schedule_fires TO %I',
        platform.schema_role('backup'));
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON schedules, schedule_fires TO %I',
        platform.schema_role('platform'));
END
$$;
";

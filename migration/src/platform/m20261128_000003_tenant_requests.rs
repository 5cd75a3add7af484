//! How the public tenant, whose users run the platform, asks for a new tenant.

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

/// Who becomes a tenant's first administrator, from the request until the tenant is there. Of his
/// password there is never more than the hash.
const TABLES: &str = r"
CREATE TABLE first_administrators (
    tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
    email text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL
);
";

const FUNCTIONS: &str = r"
-- The pool where one more tenant has a place, which is taken; the next one, which may not exist yet,
-- when all are full. Placements take turns: two that see the last free place would both take it.
CREATE FUNCTION place_in_pool(capacity bigint) RETURNS text LANGUAGE plpgsql
    SET search_path = platform, pg_temp
AS $$
DECLARE
    placed text;
    newest text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('hrms pools', 0));
    UPDATE pools SET tenant_count = tenant_count + 1
        WHERE schema_name = (SELECT schema_name FROM pools WHERE tenant_count < capacity
                             ORDER BY schema_name LIMIT 1)
        RETURNING schema_name INTO placed;
    IF placed IS NOT NULL THEN
        RETURN placed;
    END IF;
    -- The newest one, listed or still being made.
    SELECT max(schema_name) INTO newest FROM (
        SELECT schema_name FROM pools
        UNION ALL
        SELECT schema_name FROM tenants WHERE placement = 'pooled'
    ) every;
    IF newest IS NULL THEN
        RETURN 'pool_0001';
    END IF;
    IF (SELECT count(*) FROM tenants WHERE schema_name = newest) < capacity THEN
        RETURN newest;
    END IF;
    IF newest = 'pool_9999' THEN
        RAISE EXCEPTION 'no pool comes after %', newest;
    END IF;
    RETURN 'pool_' || lpad((substr(newest, 6)::integer + 1)::text, 4, '0');
END
$$;

-- Claims a slug for a tenant that is then made, and returns the tenant; nothing when it is taken.
CREATE FUNCTION claim_tenant(
    wanted uuid, new_slug text, new_name text, new_name_key text, new_placement text,
    new_locale text, new_time_zone text, pool_capacity bigint, administrator text,
    password_hash text, claimed_at timestamptz
) RETURNS SETOF tenants LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
DECLARE
    place text;
BEGIN
    PERFORM require_right_to_change_tenants();
    -- Before a place is taken for nothing; who claims it at this moment is found below.
    IF EXISTS (SELECT FROM tenants WHERE slug = new_slug) THEN
        RETURN;
    END IF;
    place := CASE new_placement
        WHEN 'pooled' THEN place_in_pool(pool_capacity)
        ELSE 't_' || replace(new_slug, '-', '_')
    END;
    INSERT INTO tenants (id, slug, name, name_key, schema_name, placement, status, locale,
        time_zone, created_at, updated_at)
    VALUES (wanted, new_slug, new_name, new_name_key, place, new_placement, 'creating',
        new_locale, new_time_zone, claimed_at, claimed_at)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        UPDATE pools SET tenant_count = tenant_count - 1 WHERE schema_name = place;
        RETURN;
    END IF;
    INSERT INTO first_administrators (tenant_id, email, password_hash, created_at)
        VALUES (wanted, administrator, claim_tenant.password_hash, claimed_at);
    RETURN QUERY SELECT * FROM tenants WHERE id = wanted;
END
$$;
";

const RIGHTS: &str = r"
DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON first_administrators TO %I', platform.schema_role('backup'));
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION claim_tenant(uuid, text, text, text, text, text, text, bigint,
             text, text, timestamptz) TO %I',
        platform.schema_role('public'));
END
$$;
";

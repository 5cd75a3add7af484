-- What an installation needs in its database, run by a superuser under the installation's lock.
-- `{id}` is the installation id, eight hexadecimal digits. Every statement may run again.

CREATE SCHEMA IF NOT EXISTS platform AUTHORIZATION hrms_{id}_owner;
CREATE SCHEMA IF NOT EXISTS extensions AUTHORIZATION hrms_{id}_owner;
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA extensions;

-- `public` is the public tenant's schema: nobody else has rights there.
ALTER SCHEMA public OWNER TO hrms_{id}_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- A tenant that could call set_config inside a SELECT would read its neighbour in a pool.
-- `SET LOCAL` needs no right; pg_dump and pg_restore need the function.
REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean)
    TO hrms_{id}_migrator, hrms_{id}_backup, hrms_{id}_restore;

-- A large object lies in no schema and under no row policy: nobody makes one.
REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),
    pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC;

-- What the row policy costs a row that is read without an index: 0.2 µs, which the planner takes for
-- a fiftieth of that. Told the truth, it counts a company from an index (67 µs for 1,000 people, not
-- 234) and looks 26 managers up instead of reading everybody.
ALTER FUNCTION pg_catalog.current_setting(text) COST 25;
-- On solid state a row by index costs little more than the next one; the default is a turning disk's.
ALTER ROLE hrms_{id}_app SET random_page_cost = 1.1;

ALTER DEFAULT PRIVILEGES FOR ROLE hrms_{id}_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

GRANT USAGE ON SCHEMA platform TO hrms_{id}_platform, hrms_{id}_backup;

-- One row, for ever. It does not belong to the owner, so that no migration can rename the house.
CREATE TABLE IF NOT EXISTS platform.installation (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id text NOT NULL CHECK (id ~ '^[0-9a-f]{8}$')
);
INSERT INTO platform.installation (id) VALUES ('{id}') ON CONFLICT DO NOTHING;
ALTER TABLE platform.installation OWNER TO hrms_{id}_roles;
GRANT SELECT ON platform.installation
    TO hrms_{id}_owner, hrms_{id}_migrator, hrms_{id}_platform, hrms_{id}_backup;

-- The authority on what is migrated, written in the migration's own transaction.
CREATE TABLE IF NOT EXISTS platform.schema_migrations (
    schema_name text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    sha256 text COLLATE "C" NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (schema_name, name)
);
ALTER TABLE platform.schema_migrations OWNER TO hrms_{id}_owner;
GRANT SELECT ON platform.schema_migrations TO hrms_{id}_platform, hrms_{id}_backup;

-- The role of a tenant schema.
CREATE OR REPLACE FUNCTION platform.schema_role(schema_name name) RETURNS name
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$ SELECT ('hrms_{id}_' || schema_name)::name $$;
ALTER FUNCTION platform.schema_role(name) OWNER TO hrms_{id}_owner;
REVOKE ALL ON FUNCTION platform.schema_role(name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.schema_role(name) TO hrms_{id}_platform, hrms_{id}_migrator;

-- The two functions below run with CREATEROLE, which on PostgreSQL 15 is as good as superuser.
-- So they accept names of one pattern only, have the installation id written into them, and refer
-- to nothing outside pg_catalog: whatever else they called, the owner of the schema could replace.

-- Makes the role of a tenant schema, unless it is there, and returns its name. Another database of
-- the cluster may be doing the same (a clone shares the installation): who comes second is content.
CREATE OR REPLACE FUNCTION platform.create_schema_role(schema_name name) RETURNS name
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema_role name := 'hrms_{id}_' || schema_name;
    login name;
BEGIN
    IF schema_name IS NULL OR schema_name !~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$' THEN
        RAISE EXCEPTION '"%" is not the name of a tenant schema', schema_name
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regrole(quote_ident(schema_role)) IS NULL THEN
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', schema_role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    FOREACH login IN ARRAY ARRAY['hrms_{id}_app', 'hrms_{id}_migrator']::name[] LOOP
        IF NOT EXISTS (
            SELECT FROM pg_auth_members
            WHERE roleid = quote_ident(schema_role)::regrole AND member = quote_ident(login)::regrole
        ) THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', schema_role, login);
            EXCEPTION WHEN unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
    RETURN schema_role;
END
$$;

-- Drops the role of a tenant schema that is gone. False when there was none, or when a clone of
-- this database still uses it.
CREATE OR REPLACE FUNCTION platform.drop_schema_role(schema_name name) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema_role name := 'hrms_{id}_' || schema_name;
BEGIN
    IF schema_name IS NULL OR schema_name !~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$' THEN
        RAISE EXCEPTION '"%" is not the name of a tenant schema', schema_name
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regrole(quote_ident(schema_role)) IS NULL THEN
        RETURN false;
    END IF;
    IF EXISTS (
        SELECT FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass AND refobjid = quote_ident(schema_role)::regrole
            AND dbid NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP ROLE %I', schema_role);
    RETURN true;
END
$$;

ALTER FUNCTION platform.create_schema_role(name) OWNER TO hrms_{id}_roles;
ALTER FUNCTION platform.drop_schema_role(name) OWNER TO hrms_{id}_roles;
REVOKE ALL ON FUNCTION platform.create_schema_role(name) FROM PUBLIC;
REVOKE ALL ON FUNCTION platform.drop_schema_role(name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.create_schema_role(name) TO hrms_{id}_migrator;
GRANT EXECUTE ON FUNCTION platform.drop_schema_role(name) TO hrms_{id}_migrator;

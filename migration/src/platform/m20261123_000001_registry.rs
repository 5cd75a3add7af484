//! The registry: tenants, their hosts, the pools, and what all processes share.

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

const TABLES: &str = r#"
CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    slug text COLLATE "C" NOT NULL CONSTRAINT tenants_slug_key UNIQUE
        CHECK (slug ~ '^[a-z][a-z0-9-]{0,38}[a-z0-9]$'),
    name text NOT NULL,
    schema_name text COLLATE "C" NOT NULL
        CHECK (schema_name ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$'),
    placement text COLLATE "C" NOT NULL CHECK (placement IN ('dedicated', 'pooled')),
    status text COLLATE "C" NOT NULL
        CHECK (status IN ('creating', 'active', 'suspended', 'migrating', 'moving')),
    locale text NOT NULL DEFAULT 'en',
    time_zone text NOT NULL DEFAULT 'UTC',
    branding jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(branding) = 'object'),
    placement_epoch bigint NOT NULL DEFAULT 1,
    auth_epoch bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT tenants_placement_schema_check
        CHECK ((placement = 'pooled') = (schema_name LIKE 'pool\_%'))
);
CREATE UNIQUE INDEX tenants_dedicated_schema_key ON tenants (schema_name)
    WHERE placement = 'dedicated';
CREATE INDEX tenants_schema_name_idx ON tenants (schema_name);

CREATE TABLE domains (
    host text COLLATE "C" PRIMARY KEY CHECK (host = lower(host)),
    tenant_id uuid NOT NULL CONSTRAINT domains_tenant_id_fkey
        REFERENCES tenants (id) ON DELETE RESTRICT
);
CREATE INDEX domains_tenant_id_idx ON domains (tenant_id);

CREATE TABLE pools (
    schema_name text COLLATE "C" PRIMARY KEY CHECK (schema_name ~ '^pool_[0-9]{4}$'),
    tenant_count integer NOT NULL DEFAULT 0 CHECK (tenant_count BETWEEN 0 AND 1000)
);

-- Keys are in base64, the private one as PKCS #8 DER.
CREATE TABLE signing_keys (
    kid text COLLATE "C" PRIMARY KEY,
    algorithm text NOT NULL,
    private_key text NOT NULL,
    public_key text NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('next', 'active', 'retiring')),
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX signing_keys_active_key ON signing_keys (state) WHERE state = 'active';

CREATE TABLE secrets (
    name text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);
"#;

/// The API reads the registry and changes nothing in it.
const RIGHTS: &str = r"
DO $$
BEGIN
    EXECUTE format(
        'GRANT SELECT ON tenants, domains, pools, signing_keys, secrets TO %I, %I',
        platform.schema_role('platform'), platform.schema_role('backup'));
END
$$;
";

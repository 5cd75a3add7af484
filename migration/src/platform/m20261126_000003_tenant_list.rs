//! By what the list of tenants is searched and sorted, and that of a tenant's domains.

use sea_orm_migration::prelude::*;

use crate::roles::run;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        run(conn, KEYS).await?;
        run(conn, CHANGE).await
    }
}

/// `name_key` is `kernel::text::normalised_key` of the name, and the program writes it: what PostgreSQL
/// makes of capitals depends on the locale of the database. Of tenants that are here already it does
/// what it can; their keys are written anew when they are changed.
const KEYS: &str = r#"
ALTER TABLE tenants ADD COLUMN name_key text COLLATE "C";
UPDATE tenants SET name_key = lower(normalize(regexp_replace(btrim(name), '\s+', ' ', 'g'), NFKC));
ALTER TABLE tenants ALTER COLUMN name_key SET NOT NULL;
CREATE INDEX tenants_name_key_idx ON tenants (name_key, id);
CREATE INDEX tenants_created_at_idx ON tenants (created_at, id);
CREATE INDEX domains_tenant_id_host_idx ON domains (tenant_id, host);
DROP INDEX domains_tenant_id_idx;
"#;

const CHANGE: &str = r"
DROP FUNCTION change_tenant(uuid, text, text, text, jsonb, timestamptz);
CREATE FUNCTION change_tenant(
    wanted uuid, new_name text, new_name_key text, new_locale text, new_time_zone text,
    new_branding jsonb, changed_at timestamptz
) RETURNS SETOF tenants LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    RETURN QUERY UPDATE tenants
        SET name = new_name, name_key = new_name_key, locale = new_locale, time_zone = new_time_zone,
            branding = new_branding, updated_at = changed_at, version = version + 1
        WHERE id = wanted RETURNING *;
END
$$;
DO $$
BEGIN
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION
             change_tenant(uuid, text, text, text, text, jsonb, timestamptz) TO %I',
        platform.schema_role('public'));
END
$$;
";

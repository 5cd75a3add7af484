//! How the public tenant, whose users run the platform, changes tenants: by these functions alone.

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

/// They work in a transaction of the public tenant, so that a change, the answer that is kept for
/// its `Idempotency-Key` and the record of who made it are one; and for an operator. The API cannot
/// write the registry in any other way, and in these ways nobody renames a slug, moves a tenant,
/// lowers an epoch or suspends the public tenant.
const FUNCTIONS: &str = r"
CREATE FUNCTION require_right_to_change_tenants() RETURNS void LANGUAGE plpgsql STABLE
    SET search_path = platform, pg_temp
AS $$
DECLARE
    -- Inside a function of its owner the role that was taken shows here alone.
    taken text := current_setting('role');
BEGIN
    IF taken = schema_role('owner') THEN
        RETURN;
    END IF;
    IF taken = schema_role('public') AND current_setting('app.tenant')
        = (SELECT id::text FROM tenants WHERE slug = 'public')
    THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'tenants are changed by the public tenant'
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- The tenant, which nobody else changes until the transaction ends.
CREATE FUNCTION lock_tenant(wanted uuid) RETURNS SETOF tenants LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    RETURN QUERY SELECT * FROM tenants WHERE id = wanted FOR UPDATE;
END
$$;

CREATE FUNCTION change_tenant(
    wanted uuid, new_name text, new_locale text, new_time_zone text, new_branding jsonb,
    changed_at timestamptz
) RETURNS SETOF tenants LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    RETURN QUERY UPDATE tenants
        SET name = new_name, locale = new_locale, time_zone = new_time_zone,
            branding = new_branding, updated_at = changed_at, version = version + 1
        WHERE id = wanted RETURNING *;
END
$$;

-- Its tokens end with it: who was signed in signs in again, or refreshes.
CREATE FUNCTION suspend_tenant(wanted uuid, reason text, changed_at timestamptz)
    RETURNS SETOF tenants LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    RETURN QUERY UPDATE tenants
        SET status = 'suspended', suspended_at = changed_at, suspension_reason = reason,
            placement_epoch = placement_epoch + 1, auth_epoch = auth_epoch + 1,
            updated_at = changed_at, version = version + 1
        WHERE id = wanted AND status = 'active' AND slug <> 'public' RETURNING *;
END
$$;

CREATE FUNCTION resume_tenant(wanted uuid, changed_at timestamptz)
    RETURNS SETOF tenants LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    RETURN QUERY UPDATE tenants
        SET status = 'active', suspended_at = NULL, suspension_reason = NULL,
            placement_epoch = placement_epoch + 1, updated_at = changed_at, version = version + 1
        WHERE id = wanted AND status = 'suspended' RETURNING *;
END
$$;

-- False when the host is registered already, to whomever.
CREATE FUNCTION add_domain(wanted uuid, new_host text, changed_at timestamptz) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    INSERT INTO domains (host, tenant_id, created_at) VALUES (new_host, wanted, changed_at)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE tenants SET placement_epoch = placement_epoch + 1, updated_at = changed_at,
        version = version + 1 WHERE id = wanted;
    RETURN true;
END
$$;

-- False when the host is not registered to this tenant.
CREATE FUNCTION remove_domain(wanted uuid, old_host text, changed_at timestamptz) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = platform, pg_temp
AS $$
BEGIN
    PERFORM require_right_to_change_tenants();
    DELETE FROM domains WHERE host = old_host AND tenant_id = wanted;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE tenants SET placement_epoch = placement_epoch + 1, updated_at = changed_at,
        version = version + 1 WHERE id = wanted;
    RETURN true;
END
$$;
";

const RIGHTS: &str = r"
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA platform TO %I', platform.schema_role('public'));
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION lock_tenant(uuid),
             change_tenant(uuid, text, text, text, jsonb, timestamptz),
             suspend_tenant(uuid, text, timestamptz), resume_tenant(uuid, timestamptz),
             add_domain(uuid, text, timestamptz), remove_domain(uuid, text, timestamptz) TO %I',
        platform.schema_role('public'));
END
$$;
";

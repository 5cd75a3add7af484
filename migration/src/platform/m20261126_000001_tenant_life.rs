//! What becomes of a tenant: suspension, subscription, and how every process hears of a change.

use sea_orm_migration::prelude::*;

use crate::roles::run;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        run(conn, LIFE).await?;
        run(conn, CHANGES).await?;
        run(conn, RIGHTS).await
    }
}

/// A tenant in grace works until `grace_until`, by the clock: nobody has to write anything then.
const LIFE: &str = r#"
ALTER TABLE tenants
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN suspension_reason text,
    ADD COLUMN subscription_state text COLLATE "C" NOT NULL DEFAULT 'active'
        CHECK (subscription_state IN ('active', 'grace', 'expired')),
    ADD COLUMN grace_until timestamptz,
    ADD CONSTRAINT tenants_grace_until_check
        CHECK ((subscription_state = 'grace') = (grace_until IS NOT NULL)),
    ADD CONSTRAINT tenants_public_subscription_check
        CHECK (slug <> 'public' OR subscription_state = 'active');

ALTER TABLE domains ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
"#;

/// What changed in the registry: the slug or the host, for an hour. The transaction's number lets a
/// reader that remembers which transactions were still running miss nothing, whatever the order in
/// which they end.
///
/// `NOTIFY` takes a lock of the whole server when the transaction commits. Writes of the registry are
/// few; no transaction of a tenant may do this.
const CHANGES: &str = r#"
CREATE TABLE changes (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    at timestamptz NOT NULL DEFAULT now(),
    subject text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL
);
CREATE INDEX changes_transaction_idx ON changes (transaction);
CREATE INDEX changes_at_idx ON changes (at);

CREATE FUNCTION note_changed_tenant() RETURNS trigger LANGUAGE plpgsql
    SET search_path = platform, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO changes (subject, name) VALUES ('tenant', OLD.slug);
    END IF;
    IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR NEW.slug <> OLD.slug) THEN
        INSERT INTO changes (subject, name) VALUES ('tenant', NEW.slug);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION note_changed_host() RETURNS trigger LANGUAGE plpgsql
    SET search_path = platform, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO changes (subject, name) VALUES ('host', OLD.host);
    END IF;
    IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR NEW.host <> OLD.host) THEN
        INSERT INTO changes (subject, name) VALUES ('host', NEW.host);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION tell_changes() RETURNS trigger LANGUAGE plpgsql
    SET search_path = platform, pg_temp
AS $$
BEGIN
    DELETE FROM changes WHERE number IN (
        SELECT number FROM changes WHERE at < now() - interval '1 hour' FOR UPDATE SKIP LOCKED);
    PERFORM pg_notify('hrms_changes', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON tenants
    FOR EACH ROW EXECUTE FUNCTION note_changed_tenant();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON domains
    FOR EACH ROW EXECUTE FUNCTION note_changed_host();
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON tenants
    FOR EACH STATEMENT EXECUTE FUNCTION tell_changes();
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON domains
    FOR EACH STATEMENT EXECUTE FUNCTION tell_changes();
"#;

const RIGHTS: &str = r"
DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON changes TO %I, %I',
        platform.schema_role('platform'), platform.schema_role('backup'));
END
$$;
";

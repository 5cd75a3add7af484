//! The audit: what was done, the chain that proves it, the keys of the persons in it, and what ends it.

use sea_orm_migration::prelude::*;

use crate::{Rights, TenantTable, alter, tenant_table::create_tables_for};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        furnish(manager, None).await
    }
}

/// The tables and what keeps them, in the schema that is being migrated: a tenant's, whose role it has,
/// or the platform's.
pub(crate) async fn furnish(
    manager: &SchemaManager<'_>,
    schema: Option<&str>,
) -> Result<(), DbErr> {
    let tables = [
        audit_events(),
        audit_targets(),
        audit_links(),
        audit_seals(),
        audit_subjects(),
        audit_holds(),
        audit_retirements(),
    ];
    create_tables_for(manager, &tables, schema).await?;
    alter(manager, TRIGGERS).await
}

/// JSON is kept as the text that was hashed, so it is `json` and not `jsonb`. The time is the
/// database's, of the moment and not of the transaction, and in microseconds.
fn audit_events() -> TenantTable {
    const ACTION: &str = r"action ~ '^[a-z_]{1,40}(\.[a-z_]{1,40}){1,3}\.v[1-9][0-9]{0,2}$'";
    TenantTable::new("audit_events")
        .column("at", "timestamptz NOT NULL DEFAULT clock_timestamp()")
        .word_column(
            "actor_type",
            &["user", "api_key", "operator", "system", "anonymous"],
        )
        .column("actor_id", "uuid")
        .column("session_id", "uuid")
        .column("api_key_id", "uuid")
        .column("impersonator_id", "uuid")
        .column("operator", "text")
        .key_column("action")
        .word_column(
            "category",
            &[
                "admin",
                "data_write",
                "data_read",
                "auth",
                "system",
                "denied",
            ],
        )
        .word_column("outcome", &["success", "failure", "denied"])
        .column("targets", "json NOT NULL")
        .column("changes", "json NOT NULL")
        .column("details", "json NOT NULL")
        .column("subject_id", "uuid")
        .column("personal", "bytea")
        .column("job_id", "uuid")
        .column("request_id", "text COLLATE \"C\"")
        .column("trace_id", "text COLLATE \"C\"")
        .column("address", "text COLLATE \"C\"")
        .column("user_agent", "text")
        .check("action", ACTION)
        .check("at", &finite("at"))
        .check("operator", "octet_length(operator) <= 256")
        .check("request_id", "octet_length(request_id) <= 128")
        .check("user_agent", "octet_length(user_agent) <= 1024")
        .check("personal", "personal IS NULL OR subject_id IS NOT NULL")
        .index(&["at", "id"])
        .index(&["actor_id", "at", "id"])
        .index(&["action", "at", "id"])
        .index(&["category", "at", "id"])
        .index_where("failed", &["outcome", "at", "id"], "outcome <> 'success'")
        .index_where(
            "request",
            &["request_id", "at", "id"],
            "request_id IS NOT NULL",
        )
        .rights(Rights::Append)
}

/// A time that every program can read.
fn finite(column: &str) -> String {
    format!("{column} >= timestamptz '2000-01-01Z' AND {column} < timestamptz '3000-01-01Z'")
}

/// By what something was done to, its records are found. (What stands in the record itself counts.)
fn audit_targets() -> TenantTable {
    TenantTable::new("audit_targets")
        .column("event_id", "uuid NOT NULL")
        .column("target_id", "uuid NOT NULL")
        .column("at", "timestamptz NOT NULL")
        .unique(&["target_id", "at", "event_id"])
        .rights(Rights::Append)
}

/// The chain. A link has the id of its event, so an event is linked once; and a place and a link before
/// it, each of which exists once: there is no fork.
fn audit_links() -> TenantTable {
    const HASHES: &str =
        "octet_length(hash) = 32 AND octet_length(link) = 32 AND octet_length(previous) = 32";
    TenantTable::new("audit_links")
        .column("position", "bigint NOT NULL")
        .column("hash", "bytea NOT NULL")
        .column("previous", "bytea NOT NULL")
        .column("link", "bytea NOT NULL")
        .check("position", "position > 0")
        .check("hashes", HASHES)
        .unique(&["position"])
        .unique(&["previous"])
        .rights(Rights::Append)
}

/// What was signed: the chain up to a link. Seals make a chain of their own, by their numbers.
fn audit_seals() -> TenantTable {
    TenantTable::new("audit_seals")
        .column("number", "bigint NOT NULL")
        .column("first_position", "bigint NOT NULL")
        .column("last_position", "bigint NOT NULL")
        .column("link", "bytea NOT NULL")
        .column("previous", "bytea NOT NULL")
        .column("sealed_at", "timestamptz NOT NULL")
        .column("key_id", "text COLLATE \"C\" NOT NULL")
        .column("signature", "bytea NOT NULL")
        .check("number", "number > 0")
        .check("sealed_at", &finite("sealed_at"))
        .check(
            "hashes",
            "octet_length(link) = 32 AND octet_length(previous) = 32 AND octet_length(signature) = 64",
        )
        .check(
            "positions",
            "0 < first_position AND first_position <= last_position",
        )
        .unique(&["number"])
        .unique(&["last_position"])
        .rights(Rights::Append)
}

/// The key of each person in the audit, itself encrypted. Without it nothing personal of him can be read
/// any more.
fn audit_subjects() -> TenantTable {
    TenantTable::new("audit_subjects")
        .column("key", "bytea NOT NULL")
        .column(
            "created_at",
            "timestamptz NOT NULL DEFAULT clock_timestamp()",
        )
}

/// What must not be deleted, however old: everything, or what concerns one person or thing. A hold is
/// released by a function, and only if the platform has permitted it.
fn audit_holds() -> TenantTable {
    TenantTable::new("audit_holds")
        .column("target_id", "uuid")
        .column("reason", "text NOT NULL")
        .column("placed_at", "timestamptz NOT NULL")
        .column("released_at", "timestamptz")
        .check("reason", "octet_length(reason) BETWEEN 1 AND 1000")
        .check("period", "released_at IS NULL OR released_at >= placed_at")
        .index_where("open", &["target_id"], "released_at IS NULL")
        .rights(Rights::Append)
}

/// What was moved out of `audit_events` into an archive: at which places of the chain, signed.
fn audit_retirements() -> TenantTable {
    TenantTable::new("audit_retirements")
        .column("number", "bigint NOT NULL")
        .key_column("category")
        .column("first_position", "bigint NOT NULL")
        .column("last_position", "bigint NOT NULL")
        .column("positions", "text NOT NULL")
        .column("events", "bigint NOT NULL")
        .column("archive", "text NOT NULL")
        .column("archive_hash", "bytea NOT NULL")
        .column("retired_at", "timestamptz NOT NULL")
        .column("key_id", "text COLLATE \"C\" NOT NULL")
        .column("signature", "bytea NOT NULL")
        .check("events", "events > 0")
        .check("retired_at", &finite("retired_at"))
        .check(
            "hashes",
            "octet_length(archive_hash) = 32 AND octet_length(signature) = 64",
        )
        .unique(&["number"])
        .rights(Rights::Append)
}

/// Whoever inserts an event has it sealed, and nobody changes what is there.
const TRIGGERS: &str = "\
    CREATE TRIGGER audit_events_noted AFTER INSERT ON audit_events \
        REFERENCING NEW TABLE AS new_events \
        FOR EACH STATEMENT EXECUTE FUNCTION platform.note_audit_events(); \
    CREATE TRIGGER audit_events_kept BEFORE UPDATE OR DELETE ON audit_events \
        FOR EACH ROW EXECUTE FUNCTION platform.keep_audit(); \
    CREATE TRIGGER audit_events_kept_whole BEFORE TRUNCATE ON audit_events \
        FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_audit(); \
    CREATE TRIGGER audit_targets_kept BEFORE UPDATE OR DELETE ON audit_targets \
        FOR EACH ROW EXECUTE FUNCTION platform.keep_audit(); \
    CREATE TRIGGER audit_targets_kept_whole BEFORE TRUNCATE ON audit_targets \
        FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_audit(); \
    CREATE TRIGGER audit_links_kept BEFORE UPDATE OR DELETE ON audit_links \
        FOR EACH ROW EXECUTE FUNCTION platform.keep_audit(); \
    CREATE TRIGGER audit_links_kept_whole BEFORE TRUNCATE ON audit_links \
        FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_audit(); \
    CREATE TRIGGER audit_seals_kept BEFORE UPDATE OR DELETE ON audit_seals \
        FOR EACH ROW EXECUTE FUNCTION platform.keep_audit(); \
    CREATE TRIGGER audit_seals_kept_whole BEFORE TRUNCATE ON audit_seals \
        FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_audit(); \
    CREATE TRIGGER audit_retirements_kept BEFORE UPDATE OR DELETE ON audit_retirements \
        FOR EACH ROW EXECUTE FUNCTION platform.keep_audit(); \
    CREATE TRIGGER audit_retirements_kept_whole BEFORE TRUNCATE ON audit_retirements \
        FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_audit();";

//! Who may log in, what they may do, and their sessions.

use sea_orm_migration::prelude::*;

use crate::{TenantTable, create_tables};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [users(), role_assignments(), sessions(), refresh_tokens()];
        create_tables(manager, &tables).await
    }
}

fn users() -> TenantTable {
    TenantTable::new("users")
        .column("email", "text NOT NULL")
        .key_column("email_key")
        .column("display_name", "text NOT NULL")
        .column("password_hash", "text")
        .word_column("status", &["active", "deactivated"])
        .column("auth_epoch", "bigint NOT NULL DEFAULT 1")
        .column("employee_id", "uuid")
        .versioned()
        .unique(&["email_key"])
        .unique(&["employee_id"])
        .references("employee_id", "employees")
}

fn role_assignments() -> TenantTable {
    TenantTable::new("role_assignments")
        .column("user_id", "uuid NOT NULL")
        .key_column("role")
        .unique(&["user_id", "role"])
        .references("user_id", "users")
}

fn sessions() -> TenantTable {
    TenantTable::new("sessions")
        .column("user_id", "uuid NOT NULL")
        .column("created_at", "timestamptz NOT NULL")
        .column("last_used_at", "timestamptz NOT NULL")
        .column("expires_at", "timestamptz NOT NULL")
        .column("absolute_expires_at", "timestamptz NOT NULL")
        .column("ended_at", "timestamptz")
        .column("auth_time", "timestamptz NOT NULL")
        .column("amr", "text NOT NULL")
        .index(&["user_id"])
        .references("user_id", "users")
}

/// A token's hash is the SHA-256 of a random token: nobody can try tokens against a stolen table.
fn refresh_tokens() -> TenantTable {
    TenantTable::new("refresh_tokens")
        .column("session_id", "uuid NOT NULL")
        .column("token_hash", "bytea NOT NULL")
        .column("issued_at", "timestamptz NOT NULL")
        .column("expires_at", "timestamptz NOT NULL")
        .column("used_at", "timestamptz")
        .column("successor_id", "uuid")
        .unique(&["token_hash"])
        .index(&["session_id"])
        .index(&["successor_id"])
        .check("token_hash", "octet_length(token_hash) = 32")
        .references("session_id", "sessions")
        .references("successor_id", "refresh_tokens")
}

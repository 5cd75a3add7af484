//! Roles: what each is, and who takes which.

use super::{breaks, findings};
use crate::scratch::{Scratch, run};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn every_changed_role_is_named() {
    breaks(
        "",
        &[
            (
                "ALTER ROLE {p}app SUPERUSER",
                "role {p}app: it is a superuser; ALTER ROLE {p}app NOSUPERUSER",
            ),
            (
                "ALTER ROLE {p}app BYPASSRLS",
                "role {p}app: it bypasses row security",
            ),
            ("ALTER ROLE {p}app INHERIT", "role {p}app: it inherits"),
            (
                "ALTER ROLE {p}app CREATEROLE",
                "role {p}app: it makes roles",
            ),
            (
                "ALTER ROLE {p}app CREATEDB",
                "role {p}app: it makes databases",
            ),
            (
                "ALTER ROLE {p}app REPLICATION",
                "role {p}app: it replicates",
            ),
            (
                "ALTER ROLE {p}app RESET search_path",
                "role {p}app: its search_path is not empty",
            ),
            (
                "ALTER ROLE {p}app SET row_security = off",
                "role {p}app: it sets row_security=off for itself; ALTER ROLE {p}app RESET row_security",
            ),
            (
                "ALTER ROLE {p}t_acme SET default_transaction_read_only = on",
                "role {p}t_acme: it sets default_transaction_read_only=on for itself",
            ),
            (
                "ALTER ROLE {p}migrator CREATEROLE",
                "role {p}migrator: it makes roles",
            ),
            (
                "ALTER ROLE {p}migrator NOBYPASSRLS",
                "role {p}migrator: it is bound by row security",
            ),
            ("ALTER ROLE {p}owner LOGIN", "role {p}owner: it can log in"),
            ("ALTER ROLE {p}roles LOGIN", "role {p}roles: it can log in"),
            (
                "ALTER ROLE {p}t_acme LOGIN",
                "role {p}t_acme: it can log in",
            ),
            (
                "ALTER ROLE {p}t_acme BYPASSRLS",
                "role {p}t_acme: it bypasses row security",
            ),
            (
                "CREATE ROLE {p}intruder",
                "role {p}intruder: its name is none",
            ),
            (
                "GRANT {p}owner TO {p}app",
                "role {p}app: it is a member of {p}owner",
            ),
            (
                "REVOKE {p}platform FROM {p}app",
                "role {p}app: it is not a member of {p}platform; GRANT {p}platform TO {p}app",
            ),
            (
                "REVOKE {p}owner FROM {p}migrator",
                "role {p}migrator: it is not a member of {p}owner",
            ),
            (
                "REVOKE {p}owner FROM {p}restore",
                "role {p}restore: it is not a member of {p}owner",
            ),
            (
                "REVOKE {p}t_acme FROM {p}app",
                "role {p}app: it is not a member of {p}t_acme",
            ),
            (
                "REVOKE {p}pool_0001 FROM {p}migrator",
                "role {p}migrator: it is not a member of {p}pool_0001",
            ),
            (
                "GRANT {p}pool_0001 TO {p}t_acme",
                "role {p}t_acme: it is a member of {p}pool_0001",
            ),
            (
                "GRANT {p}roles TO {p}migrator",
                "role {p}migrator: it is a member of {p}roles",
            ),
            (
                "GRANT pg_read_all_data TO {p}t_acme",
                "role {p}t_acme: it is a member of pg_read_all_data",
            ),
            (
                "GRANT {p}t_acme TO {p}app WITH ADMIN OPTION",
                "role {p}app: it is a member of {p}t_acme",
            ),
            (
                "CREATE TABLE extensions.mine (); ALTER TABLE extensions.mine OWNER TO {p}t_acme",
                "role {p}t_acme: it owns table extensions.mine",
            ),
            (
                "GRANT SELECT ON pool_0001.users TO {p}t_acme",
                "role {p}t_acme: it has rights on table pool_0001.users",
            ),
            (
                "CREATE TABLE extensions.t (); GRANT SELECT ON extensions.t TO {p}platform",
                "role {p}platform: it has rights on table extensions.t",
            ),
            (
                "ALTER ROLE {p}app SET app.tenant = '01890000-0000-7000-8000-000000000000'",
                "role {p}app: it sets a tenant",
            ),
            (
                "ALTER DATABASE {d} SET app.tenant = '01890000-0000-7000-8000-000000000000'",
                "database {d}: it sets a tenant",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_schema_without_its_role_is_named() {
    let (_clean, scratch) = Scratch::migrated(&["t_acme"]).await;
    let mut conn = scratch.superuser().await;
    let role = scratch.installation.schema_role("t_acme");
    run(
        &mut conn,
        &format!("DROP OWNED BY {role}; DROP ROLE {role}"),
    )
    .await
    .unwrap();
    let found = findings(&scratch).await;
    assert!(
        found[0]
            .to_string()
            .contains(&format!("it has tables and no role {role}")),
        "{found:?}"
    );
}

#[tokio::test]
async fn installing_again_gives_memberships_back() {
    let (_clean, scratch) = Scratch::migrated(&["t_acme", "public"]).await;
    let mut conn = scratch.superuser().await;
    let prefix = scratch.installation.schema_role("");
    let revoke = "REVOKE {p}platform, {p}t_acme, {p}public FROM {p}app; \
                  REVOKE {p}platform, {p}owner, {p}t_acme FROM {p}migrator; \
                  REVOKE {p}owner FROM {p}restore";
    run(&mut conn, &revoke.replace("{p}", &prefix))
        .await
        .unwrap();
    assert_eq!(findings(&scratch).await.len(), 7);
    let id = scratch.installation.id();
    migration::install::install(&mut conn, id).await.unwrap();
    assert_eq!(findings(&scratch).await, []);
}

//! Who may do what.

use super::breaks;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn every_surplus_right_is_named() {
    breaks(
        "",
        &[
            (
                "GRANT SELECT ON t_acme.users TO PUBLIC",
                "t_acme.users: PUBLIC has SELECT",
            ),
            (
                "GRANT SELECT (email) ON t_acme.users TO PUBLIC",
                "t_acme.users: PUBLIC has SELECT",
            ),
            (
                "GRANT TRUNCATE ON t_acme.users TO {p}t_acme",
                "{p}t_acme has TRUNCATE",
            ),
            (
                "GRANT SELECT ON t_acme.users TO {p}pool_0001",
                "t_acme.users: {p}pool_0001 has SELECT",
            ),
            (
                "GRANT SELECT ON t_acme.users TO {p}app",
                "t_acme.users: {p}app has SELECT",
            ),
            (
                "GRANT DELETE ON t_acme.users TO {p}backup",
                "t_acme.users: {p}backup has DELETE",
            ),
            (
                "GRANT SELECT ON t_acme.seaql_migrations TO {p}t_acme",
                "{p}t_acme has SELECT",
            ),
            (
                "GRANT USAGE ON SCHEMA t_acme TO {p}app",
                "schema t_acme: {p}app has USAGE",
            ),
            (
                "GRANT CREATE ON SCHEMA t_acme TO {p}t_acme",
                "schema t_acme: {p}t_acme has CREATE",
            ),
            (
                "GRANT USAGE ON SCHEMA public TO PUBLIC",
                "schema public: PUBLIC has USAGE",
            ),
            (
                "GRANT USAGE ON SCHEMA platform TO {p}t_acme",
                "schema platform: {p}t_acme has USAGE",
            ),
            (
                "GRANT UPDATE ON platform.tenants TO {p}platform",
                "platform.tenants: {p}platform has UPDATE",
            ),
            (
                "GRANT SELECT ON platform.secrets TO {p}t_acme",
                "platform.secrets: {p}t_acme has SELECT",
            ),
            (
                "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
                "set_config(text,text,boolean): PUBLIC has EXECUTE; \
                 REVOKE EXECUTE ON FUNCTION set_config(text,text,boolean) FROM PUBLIC",
            ),
            (
                "GRANT EXECUTE ON FUNCTION pg_catalog.lo_create(oid) TO {p}t_acme",
                "lo_create(oid): {p}t_acme has EXECUTE",
            ),
            (
                "GRANT EXECUTE ON FUNCTION platform.create_schema_role(name) TO {p}platform",
                "platform.create_schema_role(name): {p}platform has EXECUTE",
            ),
            (
                "GRANT EXECUTE ON FUNCTION platform.lock_tenant(uuid) TO {p}t_acme",
                "platform.lock_tenant(uuid): {p}t_acme has EXECUTE",
            ),
            (
                "GRANT EXECUTE ON FUNCTION platform.lock_tenant(uuid) TO {p}platform",
                "platform.lock_tenant(uuid): {p}platform has EXECUTE",
            ),
            (
                "GRANT EXECUTE ON FUNCTION platform.schema_role(name) TO {p}public",
                "platform.schema_role(name): {p}public has EXECUTE",
            ),
            (
                "GRANT SELECT ON platform.tenants TO {p}public",
                "platform.tenants: {p}public has SELECT",
            ),
            (
                "ALTER FUNCTION platform.suspend_tenant(uuid, text, timestamptz) RESET search_path",
                "it runs with its owner's rights and its caller's search_path",
            ),
            (
                "GRANT TEMPORARY ON DATABASE {d} TO PUBLIC",
                "database {d}: PUBLIC has TEMPORARY",
            ),
            (
                "GRANT TEMPORARY ON DATABASE {d} TO {p}app",
                "database {d}: {p}app has TEMPORARY",
            ),
            (
                "CREATE FUNCTION t_acme.all_users() RETURNS bigint LANGUAGE sql SECURITY DEFINER \
                 AS 'SELECT 1::bigint'",
                "t_acme.all_users(): it runs with its owner's rights",
            ),
            (
                "ALTER FUNCTION platform.create_schema_role(name) OWNER TO postgres",
                "does not belong to",
            ),
            (
                "ALTER SCHEMA t_acme OWNER TO postgres",
                "schema t_acme: its owner is postgres",
            ),
            (
                "ALTER EXTENSION btree_gist SET SCHEMA public",
                "extension btree_gist: it is not in",
            ),
            (
                "GRANT USAGE ON SCHEMA extensions TO PUBLIC",
                "schema extensions: PUBLIC has USAGE",
            ),
            (
                "CREATE FUNCTION extensions.peek() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
                "extensions.peek(): PUBLIC has EXECUTE",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_schema_that_nobody_here_makes_is_named_and_what_everybody_may_there() {
    breaks(
        "CREATE SCHEMA reports; CREATE TABLE reports.pay (amount bigint);",
        &[
            (
                "",
                "schema reports: neither the installation nor a migration makes it; \
                 DROP SCHEMA reports",
            ),
            (
                "GRANT USAGE ON SCHEMA reports TO PUBLIC",
                "schema reports: PUBLIC has USAGE; REVOKE USAGE ON SCHEMA reports FROM PUBLIC",
            ),
            (
                "GRANT SELECT ON reports.pay TO PUBLIC",
                "reports.pay: PUBLIC has SELECT",
            ),
            (
                "GRANT UPDATE (amount) ON reports.pay TO PUBLIC",
                "reports.pay: PUBLIC has UPDATE; REVOKE UPDATE (amount) ON TABLE reports.pay",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn rights_on_what_is_yet_to_be_made_are_named() {
    breaks(
        "",
        &[
            (
                "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
                "default privileges of postgres: what he makes there (TABLES) comes with",
            ),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE {p}owner IN SCHEMA t_acme \
                 GRANT SELECT ON TABLES TO {p}pool_0001",
                "default privileges of {p}owner in schema t_acme: what he makes there (TABLES) comes \
                 with {{p}pool_0001=r/{p}owner}; ALTER DEFAULT PRIVILEGES FOR ROLE {p}owner \
                 IN SCHEMA t_acme REVOKE ALL ON TABLES FROM {p}pool_0001",
            ),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE {p}owner GRANT EXECUTE ON FUNCTIONS TO {p}app",
                "default privileges of {p}owner: what he makes there (FUNCTIONS) comes with",
            ),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE {p}owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
                "default privileges of {p}owner: everybody may call the functions",
            ),
        ],
    )
    .await;
}

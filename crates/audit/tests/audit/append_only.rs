//! What was recorded stays, whoever comes: by the catalogue, and by trying.

use sqlx::AssertSqlSafe;

use crate::scene::Scene;

/// What may be appended to and nothing else.
const TABLES: [&str; 7] = [
    "t_acme.audit_events",
    "t_acme.audit_targets",
    "t_acme.audit_links",
    "t_acme.audit_seals",
    "t_acme.audit_retirements",
    "platform.audit_log",
    "platform.audit_checkpoints",
];

#[tokio::test]
async fn no_role_may_change_what_was_recorded() {
    let scene = Scene::arrange().await;
    let granted: Vec<String> = scene
        .column(
            "SELECT DISTINCT format('%s: %s to %s', c.oid::regclass, acl.privilege_type, acl.grantee) \
             FROM pg_class c, aclexplode(c.relacl) acl \
             WHERE c.relname IN ('audit_events', 'audit_targets', 'audit_links', 'audit_seals', \
                     'audit_retirements', 'audit_log', 'audit_checkpoints') \
                 AND acl.grantee <> c.relowner AND acl.privilege_type NOT IN ('SELECT', 'INSERT')",
        )
        .await;
    assert_eq!(granted, Vec::<String>::new());
    // On each table a trigger before UPDATE and DELETE of a row, and one before TRUNCATE.
    let kept: Vec<String> = scene
        .column(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_trigger t \
             JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE t.tgfoid = 'platform.keep_audit()'::regprocedure AND t.tgenabled = 'O' \
                 AND t.tgtype IN (27, 34) \
             GROUP BY 1 HAVING count(DISTINCT t.tgtype) = 2",
        )
        .await;
    for table in TABLES {
        assert!(kept.iter().any(|it| it == table), "{table}: {kept:?}");
    }
}

#[tokio::test]
async fn every_role_and_the_owner_is_refused() {
    let scene = Scene::arrange().await;
    scene.record(&scene.on.acme, 2).await;
    let folder = crate::scene::FilledFolder::new();
    let sealer = scene.sealer(&folder);
    sealer.look().await.unwrap();
    sealer.checkpoint().await.unwrap();
    // A trigger of rows fires where there is one.
    scene
        .attack(
            "INSERT INTO t_acme.audit_retirements \
             SELECT tenant_id, id, 1, 'auth', 1, 1, '1', 1, 'x', sha256('x'), now(), 'x', \
                 sha512('x') \
             FROM t_acme.audit_events LIMIT 1",
        )
        .await;
    let prefix = scene.data.role("");
    let roles: Vec<String> = scene
        .column(&format!(
            "SELECT rolname::text FROM pg_roles WHERE starts_with(rolname, '{prefix}')"
        ))
        .await;
    assert!(roles.len() > 5, "{roles:?}");
    let acme = scene.on.acme.id();
    let mut superuser = scene.superuser().await;
    for role in &roles {
        for table in TABLES {
            for change in [
                format!("UPDATE {table} SET tenant_id = tenant_id"),
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table}"),
            ] {
                // The log of all chains is the platform's, and its rows bear no tenant's name alone.
                let change = change.replace(
                    "audit_checkpoints SET tenant_id = tenant_id",
                    "audit_checkpoints SET size = size",
                );
                let attempt = format!(
                    "BEGIN; SET LOCAL ROLE \"{role}\"; SET LOCAL app.tenant = '{acme}'; {change}; COMMIT"
                );
                let done = sqlx::raw_sql(AssertSqlSafe(attempt))
                    .execute(&mut superuser)
                    .await;
                let refused = done.err().and_then(sqlx::Error::into_database_error);
                let code = refused
                    .as_ref()
                    .and_then(|it| it.code())
                    .map(std::borrow::Cow::into_owned);
                assert_eq!(
                    code.as_deref(),
                    Some("42501"),
                    "{role}: {change}: {refused:?}"
                );
                sqlx::raw_sql("ROLLBACK")
                    .execute(&mut superuser)
                    .await
                    .unwrap();
            }
        }
    }
}

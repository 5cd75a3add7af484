//! Somebody has got hold of the role of a tenant's schema, as by an injection into a statement. He can have
//! the platform record what he likes of his own tenant, and nothing else.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::scene::{FilledFolder, Scene};

/// What he has: a connection with the role of Acme's schema.
struct Thief(PgConnection);

impl Thief {
    async fn of(scene: &Scene) -> Self {
        let mut connection = scene.superuser().await;
        let (role, id) = (scene.data.role("t_acme"), scene.on.acme.id());
        let sql = format!("SET ROLE {role}; SET search_path TO t_acme; SET app.tenant = '{id}'");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        Self(connection)
    }

    /// Tries it; the SQLSTATE that it ends with.
    async fn tries(&mut self, sql: &str) -> Option<String> {
        let mut tx = self.0.begin().await.unwrap();
        let sql = AssertSqlSafe(sql.to_owned());
        let tried = sqlx::raw_sql(sql).execute(&mut *tx).await;
        match tried {
            Ok(_) => {
                tx.commit().await.unwrap();
                None
            }
            Err(error) => {
                let code = error
                    .as_database_error()
                    .and_then(sqlx::error::DatabaseError::code);
                Some(code.unwrap_or_default().into_owned())
            }
        }
    }
}

async fn sealed() -> (Scene, FilledFolder) {
    let (scene, folder) = (Scene::arrange().await, FilledFolder::new());
    scene.record(&scene.on.acme, 3).await;
    scene.record(&scene.on.initech, 3).await;
    scene.sealer(&folder).look().await.unwrap();
    (scene, folder)
}

const DENIED: Option<&str> = Some("42501");

#[tokio::test]
async fn he_moves_nothing_away_and_releases_no_hold() {
    let (scene, folder) = sealed().await;
    let mut thief = Thief::of(&scene).await;
    let forged = "INSERT INTO audit_retirements (id, number, category, first_position, last_position, \
         positions, events, archive, archive_hash, retired_at, key_id, signature) \
         SELECT gen_random_uuid(), 1, 'data_write', 1, 3, '1-3', 3, 'x', sha256('x'), now(), 'x', \
             sha512('x')";
    assert_eq!(
        thief.tries(forged).await,
        None,
        "nothing keeps him from claiming it"
    );
    let retire = "SELECT platform.retire_audit_events((SELECT id FROM audit_retirements), \
         (SELECT array_agg(id) FROM audit_events))";
    assert_eq!(thief.tries(retire).await.as_deref(), DENIED);
    let hold =
        "INSERT INTO audit_holds (id, reason, placed_at) VALUES (gen_random_uuid(), 'x', now())";
    assert_eq!(thief.tries(hold).await, None);
    for sql in [
        "DELETE FROM audit_holds",
        "UPDATE audit_holds SET released_at = now()",
        "SELECT platform.release_audit_hold((SELECT id FROM audit_holds), now())",
        "INSERT INTO platform.audit_permits SELECT tenant_id, id FROM audit_retirements",
        "DELETE FROM audit_events",
    ] {
        assert_eq!(thief.tries(sql).await.as_deref(), DENIED, "{sql}");
    }
    let events: i64 = scene.look("SELECT count(*) FROM t_acme.audit_events").await;
    assert_eq!(events, 3);
    let found = scene.verify(&folder).await.findings;
    assert!(
        found
            .iter()
            .all(|it| it.fault == audit::Fault::RetirementForged),
        "{found:?}"
    );
    assert!(!found.is_empty());
}

#[tokio::test]
async fn what_he_has_filed_about_another_tenant_is_not_filed() {
    let (scene, folder) = sealed().await;
    let before = folder.lines();
    let theirs = scene.on.initech.id();
    let line = before
        .iter()
        .find(|it| it.contains(&theirs.to_string()))
        .unwrap();
    let forged = line.replace("\"number\":1", "\"number\":2");
    let unknown = forged.replace("\"key_id\":\"", "\"key_id\":\"0");
    let mut thief = Thief::of(&scene).await;
    for line in [line, &forged, &unknown] {
        let sql = format!("SELECT platform.audit_events_sealed('{{}}', '{line}')");
        assert_eq!(thief.tries(&sql).await, None);
    }
    scene.sealer(&folder).look().await.unwrap();
    assert_eq!(folder.lines(), before);
    scene.sealer(&folder).checkpoint().await.unwrap();
    scene.is_proven(&folder).await;
}

#[tokio::test]
async fn what_he_inserts_keeps_nobody_from_being_sealed() {
    let (scene, folder) = sealed().await;
    let mut thief = Thief::of(&scene).await;
    let insert = |at: &str, details: &str| {
        format!(
            "INSERT INTO audit_events (id, at, actor_type, action, category, outcome, targets, changes, \
                 details) VALUES (gen_random_uuid(), {at}, 'system', 'desk.moved.v1', 'system', \
                 'success', '[]', '{{}}', '{details}')"
        )
    };
    for at in [
        "'infinity'",
        "'-infinity'",
        "'4713-01-01 BC'",
        "'290000-01-01'",
    ] {
        let tried = thief.tries(&insert(at, "{}")).await;
        assert_eq!(tried.as_deref(), Some("23514"), "{at}");
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for details in [
        r#"{"a":"\ud800"}"#,
        r#"{"a":1e400}"#,
        r#"{"a":9007199254740993}"#,
        r#"{"a":1,"a":2}"#,
        r#"{ "b" : 1 }"#,
        &deep,
    ] {
        assert_eq!(
            thief.tries(&insert("now()", details)).await,
            None,
            "{details}"
        );
    }
    scene.record(&scene.on.acme, 2).await;
    scene.record(&scene.on.initech, 1).await;
    let done = scene.sealer(&folder).look().await.unwrap();
    assert_eq!(done.events, 6 + 2 + 1);
    scene.is_proven(&folder).await;
    // What he wrote is shown as the text that it is.
    let tx = scene
        .database()
        .begin_tenant_read(&scene.on.acme)
        .await
        .unwrap();
    let records = audit::read_all(&tx).await.unwrap();
    tx.commit().await.unwrap();
    let illegible = records
        .iter()
        .filter(|it| it.details.get("illegible").is_some());
    assert_eq!(illegible.count(), 6);
}

#[tokio::test]
async fn what_he_puts_into_the_chain_is_not_built_upon_and_ends_no_verifying() {
    let (scene, folder) = sealed().await;
    let mut thief = Thief::of(&scene).await;
    let link = "INSERT INTO audit_links (id, position, hash, previous, link) \
         VALUES (gen_random_uuid(), 4, sha256('a'), sha256('b'), sha256('c'))";
    let seal = |number: &str| {
        format!(
            "INSERT INTO audit_seals (id, number, first_position, last_position, link, previous, \
                 sealed_at, key_id, signature) VALUES (gen_random_uuid(), {number}, 4, 4, sha256('c'), \
                 sha256('d'), now(), 'nobody', sha512('x'))"
        )
    };
    assert_eq!(thief.tries(link).await, None);
    assert_eq!(thief.tries(&seal("9223372036854775807")).await, None);
    scene.record(&scene.on.acme, 2).await;
    scene.record(&scene.on.initech, 2).await;
    let done = scene.sealer(&folder).look().await.unwrap();
    assert_eq!(done.events, 2, "the other tenant's");
    let found = scene.verify(&folder).await.findings;
    assert!(
        found.iter().any(|it| it.fault == audit::Fault::SealForged),
        "{found:?}"
    );
    assert!(found.iter().all(|it| it.tenant == "acme"), "{found:?}");
}

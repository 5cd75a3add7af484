//! Refusals are recorded one by one until they come in floods.

use std::sync::Arc;

use audit::{AuditLog, Refusals};
use database::Database;
use kernel::{ErrorKind, SessionId, UserId};
use serde_json::Value;
use telemetry::Origin;
use testkit::audit_log;
use uuid::Uuid;
use web::{Refusal, RefusalLog as _, TokenOwner};

use crate::scene::Scene;

struct Door {
    scene: Scene,
    refusals: Refusals,
}

impl Door {
    async fn arrange() -> Self {
        let scene = Scene::arrange().await;
        let log = audit_log();
        let database = recorded_by(scene.database(), &log);
        let refusals = Refusals::new(log, database, Arc::new(scene.known()));
        Self { scene, refusals }
    }

    async fn refuse(&self, user: u128, owner: Option<TokenOwner>) {
        let refusal = Refusal {
            tenant: &self.scene.on.acme,
            origin: Origin {
                user: Some(UserId::new(Uuid::from_u128(user))).filter(|_| owner.is_none()),
                request_id: Some("r-1".to_owned()),
                ..Origin::default()
            },
            action: "GET /api/v1/employees",
            kind: if owner.is_some() {
                ErrorKind::TenantMismatch
            } else {
                ErrorKind::PermissionDenied
            },
            reason: "this needs the permission `employees:read`",
            owner,
        };
        self.refusals.refused(refusal).await;
    }

    async fn recorded(&self, schema: &str, action: &str) -> Vec<Value> {
        let mut all = self.scene.events(schema).await;
        all.retain(|it| it["action"] == action);
        all
    }
}

fn recorded_by(database: &Database, log: &AuditLog) -> Database {
    database.clone().recorded_by(Arc::new(log.clone()))
}

#[tokio::test]
async fn a_refusal_says_who_was_refused_what_and_why() {
    let door = Door::arrange().await;
    door.refuse(1, None).await;
    let told = door.recorded("t_acme", "access.denied.v1").await;
    let [one] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(one["category"], "denied");
    assert_eq!(one["outcome"], "denied");
    assert_eq!(one["actor_id"], Uuid::from_u128(1).to_string());
    assert_eq!(one["details"]["route"], "GET /api/v1/employees");
    assert_eq!(one["details"]["error"], "permission_denied");
}

#[tokio::test]
async fn a_flood_is_counted_and_told_in_one_record() {
    let door = Door::arrange().await;
    for _ in 0..50 {
        door.refuse(1, None).await;
    }
    door.refuse(2, None).await;
    assert_eq!(door.recorded("t_acme", "access.denied.v1").await.len(), 21);
    assert!(
        door.recorded("t_acme", "access.refusals_counted.v1")
            .await
            .is_empty()
    );
    door.refusals.settle(None).await;
    let told = door.recorded("t_acme", "access.refusals_counted.v1").await;
    let [one] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(one["details"]["times"], 30);
    assert_eq!(one["details"]["counted_action"], "access.denied.v1");
    assert_eq!(one["details"]["who"], Uuid::from_u128(1).to_string());
    door.refusals.settle(None).await;
    let again = door.recorded("t_acme", "access.refusals_counted.v1").await;
    assert_eq!(again.len(), 1, "it is told once");
}

#[tokio::test]
async fn a_foreign_token_is_told_at_home_and_counted_where_it_was_tried() {
    let door = Door::arrange().await;
    let owner = TokenOwner {
        tenant_id: door.scene.on.initech.id(),
        user_id: UserId::new(Uuid::from_u128(9)),
        session_id: SessionId::new(Uuid::from_u128(10)),
    };
    door.refuse(0, Some(owner)).await;
    door.refusals.settle(None).await;
    let home = door
        .recorded("pool_0001", "access.tenant_mismatch.v1")
        .await;
    assert_eq!(home.len(), 1);
    assert_eq!(home[0]["actor_id"], Uuid::from_u128(9).to_string());
    assert_eq!(home[0]["details"]["requested_tenant"], "acme");
    assert!(
        door.recorded("t_acme", "access.tenant_mismatch.v1")
            .await
            .is_empty()
    );
    let there = door.recorded("t_acme", "access.refusals_counted.v1").await;
    assert_eq!(there.len(), 1);
    assert_eq!(there[0]["details"]["times"], 1);
    assert!(
        there[0]["details"]["who"].is_null(),
        "nor is told who it was"
    );
}

#[tokio::test]
async fn what_cannot_be_told_yet_is_told_later() {
    let door = Door::arrange().await;
    for _ in 0..25 {
        door.refuse(1, None).await;
    }
    let mut superuser = door.scene.superuser().await;
    let away = "ALTER TABLE t_acme.audit_events RENAME TO away";
    sqlx::raw_sql(away).execute(&mut superuser).await.unwrap();
    door.refusals.settle(None).await;
    let back = "ALTER TABLE t_acme.away RENAME TO audit_events";
    sqlx::raw_sql(back).execute(&mut superuser).await.unwrap();
    assert!(
        door.recorded("t_acme", "access.refusals_counted.v1")
            .await
            .is_empty()
    );
    door.refusals.settle(None).await;
    let told = door.recorded("t_acme", "access.refusals_counted.v1").await;
    assert_eq!(told[0]["details"]["times"], 5);
}

//! Who is shown what of the feed.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

use std::sync::Arc;

use activity::{Feed, Reader, permission::ReadEvents};
use kernel::{
    Actor, Ambient, Authorizer, EmployeeId, Permission, PermissionMarker as _, Permit, Reach,
    RoleName,
};
use messaging::{DomainEvent, EventKind, EventLog, EventSequencer, FeedQuery, Handlers, Origin};
use serde::Serialize;
use serde_json::{Value, json};
use testkit::{DedicatedAndPooled, TestDatabase};
use uuid::Uuid;

const READ: Permission = Permission {
    name: "employees:read",
    description: "Read.",
};
const READ_PAY: Permission = Permission {
    name: "employees:read_compensation",
    description: "Read pay.",
};

const KINDS: [EventKind; 1] = [EventKind {
    name: Paid::KIND,
    description: "Somebody is paid.",
    permission: READ,
    guarded: &[("compensation", READ_PAY)],
}];

#[derive(Serialize)]
struct Paid {
    #[serde(skip)]
    employee: Uuid,
    effective_date: &'static str,
    compensation: u32,
}

impl DomainEvent for Paid {
    const KIND: &'static str = "employee.paid.v1";
    const SUBJECT: &'static str = "employee";

    fn subject(&self) -> Uuid {
        self.employee
    }
}

/// Of a kind that nobody declares.
#[derive(Serialize)]
struct Whispered {
    secret: &'static str,
}

impl DomainEvent for Whispered {
    const KIND: &'static str = "employee.whispered.v1";
    const SUBJECT: &'static str = "employee";

    fn subject(&self) -> Uuid {
        Uuid::from_u128(1)
    }
}

/// Allows these, so far, and the feed.
struct Allows(Vec<(Permission, Reach)>, Reach);

impl Authorizer for Allows {
    fn reach(&self, _: &Actor, permission: Permission) -> Option<Reach> {
        if permission == ReadEvents::PERMISSION {
            return Some(self.1);
        }
        let found = self.0.iter().find(|(allowed, _)| *allowed == permission);
        found.map(|(_, reach)| *reach)
    }
}

fn actor(on: &DedicatedAndPooled) -> Actor {
    Actor {
        tenant_id: on.acme.id(),
        is_platform: false,
        user_id: Uuid::from_u128(11).into(),
        session_id: Uuid::from_u128(12).into(),
        employee_id: Some(EmployeeId::new(Uuid::from_u128(2))),
        roles: [RoleName::new("somebody")].into(),
    }
}

/// Three events: what two people are paid, and what nobody declares.
async fn three_events() -> (TestDatabase, DedicatedAndPooled) {
    let clone = TestDatabase::create().await;
    let on = clone.tenants().await;
    let log = EventLog::new(Ambient::system());
    let tx = on.database.begin_tenant(&on.acme).await.unwrap();
    let paid = [1, 2].map(|employee| Paid {
        employee: Uuid::from_u128(employee),
        effective_date: "2026-01-01",
        compensation: 5_000,
    });
    log.record(&tx, &paid).await.unwrap();
    let whispered = Whispered { secret: "psst" };
    log.record(&tx, &[whispered]).await.unwrap();
    tx.commit().await.unwrap();
    let (database, platform) = (on.database.clone(), on.platform.clone());
    let sequencer = EventSequencer::new(database, platform, &Handlers::new(), Ambient::system());
    assert_eq!(sequencer.sequence().await.unwrap().events, 3);
    (clone, on)
}

fn reader<'a>(on: &'a DedicatedAndPooled, actor: &'a Actor, origin: &'a Origin) -> Reader<'a> {
    Reader {
        tenant: &on.acme,
        actor,
        origin,
    }
}

/// What the events say to somebody who may do this; none is missing.
async fn shown(on: &DedicatedAndPooled, may: &[(Permission, Reach)]) -> Vec<Value> {
    let authorizer: Arc<dyn Authorizer> = Arc::new(Allows(may.to_vec(), Reach::Tenant));
    let actor = actor(on);
    let permit = Permit::obtain(authorizer.as_ref(), &actor).unwrap();
    let feed = Feed::new(on.database.clone(), authorizer, KINDS);
    let query = FeedQuery::default();
    let origin = Origin {
        user: Some(actor.user_id),
        ..Origin::default()
    };
    let events = feed
        .read(&permit, reader(on, &actor, &origin), &query, 25)
        .await;
    let events = events.unwrap();
    let places: Vec<_> = events.iter().map(|event| event.position).collect();
    assert_eq!(places, [1, 2, 3]);
    events.into_iter().map(|event| event.data).collect()
}

#[tokio::test]
async fn everybody_sees_that_it_happened_and_each_what_he_may() {
    let (_clone, on) = three_events().await;
    let whole = json!({"effective_date": "2026-01-01", "compensation": 5_000});
    let without_pay = json!({"effective_date": "2026-01-01"});
    let nothing = json!({});
    assert_eq!(
        shown(&on, &[(READ, Reach::Tenant), (READ_PAY, Reach::Tenant)]).await,
        [&whole, &whole, &nothing].map(Value::clone)
    );
    assert_eq!(
        shown(&on, &[(READ, Reach::Tenant)]).await,
        [&without_pay, &without_pay, &nothing].map(Value::clone)
    );
    // His own pay, and nobody else's.
    assert_eq!(
        shown(&on, &[(READ, Reach::Tenant), (READ_PAY, Reach::Own)]).await,
        [&without_pay, &whole, &nothing].map(Value::clone)
    );
    assert_eq!(
        shown(&on, &[(READ, Reach::Own), (READ_PAY, Reach::Tenant)]).await,
        [&nothing, &whole, &nothing].map(Value::clone)
    );
    assert_eq!(
        shown(&on, &[(READ_PAY, Reach::Tenant)]).await,
        [&nothing, &nothing, &nothing].map(Value::clone)
    );
}

#[tokio::test]
async fn each_answer_that_shows_pay_is_recorded_once_with_all_whose_it_is() {
    let (_clone, on) = three_events().await;
    let recorded = async || {
        let tx = on.database.begin_tenant_read(&on.acme).await.unwrap();
        let records = audit::read_all(&tx).await.unwrap();
        tx.commit().await.unwrap();
        let told = records.into_iter().map(|record| {
            let ids = record.targets.as_array().unwrap().iter();
            let ids: Vec<Uuid> = ids
                .map(|it| it["id"].as_str().unwrap().parse().unwrap())
                .collect();
            let ids: Vec<u128> = ids.into_iter().map(|id| id.as_u128()).collect();
            assert_eq!(record.details, json!({"fields": ["compensation"]}));
            assert_eq!(record.actor.id, Some(Uuid::from_u128(11)));
            assert_eq!(record.targets[0]["type"], "employee");
            (record.action, record.category, ids)
        });
        told.collect::<Vec<_>>()
    };
    for may in [
        vec![(READ, Reach::Tenant)],
        vec![(READ_PAY, Reach::Tenant)],
        vec![],
    ] {
        shown(&on, &may).await;
    }
    assert_eq!(recorded().await, []);
    let record = |ids: &[u128]| {
        let action = "events.guarded_read.v1".to_owned();
        (action, "data_read".to_owned(), ids.to_vec())
    };
    shown(&on, &[(READ, Reach::Tenant), (READ_PAY, Reach::Tenant)]).await;
    assert_eq!(recorded().await, [record(&[1, 2])]);
    // His own pay counts as well.
    shown(&on, &[(READ, Reach::Tenant), (READ_PAY, Reach::Own)]).await;
    assert_eq!(recorded().await, [record(&[1, 2]), record(&[2])]);
}

#[tokio::test]
async fn the_feed_is_for_whoever_reaches_everybody() {
    let (_clone, on) = three_events().await;
    let authorizer: Arc<dyn Authorizer> = Arc::new(Allows(Vec::new(), Reach::Own));
    let actor = actor(&on);
    let permit = Permit::obtain(authorizer.as_ref(), &actor).unwrap();
    let feed = Feed::new(on.database.clone(), authorizer, KINDS);
    let query = FeedQuery::default();
    let origin = Origin::default();
    let refused = feed
        .read(&permit, reader(&on, &actor, &origin), &query, 25)
        .await;
    assert!(refused.is_err());
}

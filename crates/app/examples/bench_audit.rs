//! Measures the audit on the server of `HRMS_TEST_DATABASE_URL`: changes a second with their record and
//! without, beside the same statements sent by hand; how long an event waits for its seal; what recording
//! is of hiring somebody; how many events a second are verified; and what an export of all of them takes.
//! `./just bench audit` runs it for release; an argument is the number of events (200,000).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    clippy::similar_names,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be made ends"
)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use access::RoleAuthorizer;
use async_trait::async_trait;
use audit::{
    AuditExporter, Period, PublicKeys, SealFiles, Sealer, SigningKey, Tenants, TenantsUnknown,
    Verifier, Whose,
};
use database::{
    AuditSink, Database, DatabaseSettings, PlatformTx, StoreError, TenantContext, TenantTx,
};
use employees::{
    EmployeeService, model::EmploymentType, postgres::Postgres, repository::References,
};
use futures_util::future::BoxFuture;
use kernel::{
    Actor, Ambient, Permit, RoleName, SessionId, TenantId, UserId,
    audit::{AuditCategory, AuditEntry, FieldChange},
    field::{AccessGroup, Class, FieldDeclaration},
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use telemetry::Origin;
use testkit::{DedicatedAndPooled, TestDatabase, audit_log};
use uuid::Uuid;

const WRITERS: usize = 8;
const FOR: Duration = Duration::from_secs(8);

const NAME: FieldDeclaration =
    FieldDeclaration::new("first_name", Class::Personal, AccessGroup::Identity);
const CODE: FieldDeclaration =
    FieldDeclaration::new("code", Class::Internal, AccessGroup::Identity);

/// Forgets what it is told: what a change costs without its record.
struct Forgets;

impl AuditSink for Forgets {
    fn in_tenant<'a>(
        &'a self,
        _: &'a TenantTx,
        _: Vec<AuditEntry>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn in_platform<'a>(
        &'a self,
        _: &'a PlatformTx,
        _: Vec<AuditEntry>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Known(BTreeMap<TenantId, TenantContext>);

#[async_trait]
impl Tenants for Known {
    async fn find(&self, id: TenantId) -> Result<Option<TenantContext>, TenantsUnknown> {
        Ok(self.0.get(&id).cloned())
    }
}

/// A small change: a file of no length, and of a person a name, if that is said of it.
fn entry(is_personal: bool, number: usize) -> AuditEntry {
    let field = if is_personal { NAME } else { CODE };
    let changes = vec![FieldChange {
        field,
        before: Some(json!("Neena")),
        after: Some(json!("Nina")),
    }];
    let person = Uuid::from_u128(1_000 + number as u128 % 500);
    let entry = AuditEntry::new("employee.updated.v1", AuditCategory::DataWrite);
    entry.about("employee", person).changing(changes)
}

const CHANGE: &str = "INSERT INTO files (id, name, length, created_at) VALUES ($1, 'a', 0, now())";

/// So many a second were done by as many as write at once.
async fn rate(work: impl AsyncFn(usize) + Clone) -> f64 {
    let done = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let writers = (0..WRITERS).map(|_| {
        let (work, done) = (work.clone(), Arc::clone(&done));
        async move {
            while begun.elapsed() < FOR {
                let number = done.fetch_add(1, Ordering::Relaxed);
                work(number).await;
            }
        }
    });
    futures_util::future::join_all(writers).await;
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

async fn changes(database: &Database, tenant: &TenantContext, record: Option<bool>) -> f64 {
    let ambient = Ambient::system();
    rate(async |number| {
        let tx = database.begin_tenant(tenant).await.unwrap();
        let tx = tx.initiated_by(origin());
        let id: kernel::FileId = ambient.id();
        tx.run(CHANGE, [id.uuid().into()]).await.unwrap();
        if let Some(is_personal) = record {
            tx.record(entry(is_personal, number));
        }
        tx.commit().await.unwrap();
    })
    .await
}

fn origin() -> Origin {
    Origin {
        user: Some(UserId::new(Uuid::from_u128(7))),
        session: Some(SessionId::new(Uuid::from_u128(8))),
        request_id: Some("7f3c1c52-8a6e-4f0e-9d34-0a5f6f0c2b11".to_owned()),
        address: Some("192.0.2.7".parse().unwrap()),
        user_agent: Some("curl/8.5.0".to_owned()),
        ..Origin::default()
    }
}

/// The same statements, prepared, by as many connections.
async fn by_hand(data: &TestDatabase, tenant: &TenantContext) -> f64 {
    let mut connections = Vec::new();
    for _ in 0..WRITERS {
        let mut connection: PgConnection = data.superuser().await;
        let id = tenant.id();
        let session = format!(
            "SET ROLE {}; SET search_path TO t_acme, extensions; SET app.tenant = '{id}'; \
             PREPARE change (uuid) AS INSERT INTO files (id, name, length, created_at) \
               VALUES ($1, 'a', 0, now()); \
             PREPARE record (uuid, uuid) AS WITH written AS ( \
               INSERT INTO audit_events (id, actor_type, actor_id, action, category, outcome, \
                 targets, changes, details, request_id, address, user_agent) \
               VALUES ($1, 'user', $1, 'employee.updated.v1', 'data_write', 'success', \
                 '[{{\"id\":\"00000000-0000-0000-0000-0000000003e8\",\"type\":\"employee\"}}]', \
                 '{{\"code\":{{\"after\":\"Nina\",\"before\":\"Neena\",\"class\":\"internal\"}}}}', \
                 '{{}}', '7f3c1c52', '192.0.2.7', 'curl/8.5.0') RETURNING id, at) \
               INSERT INTO audit_targets (id, event_id, target_id, at) \
               SELECT $2, id, '00000000-0000-0000-0000-0000000003e8', at FROM written",
            data.role("t_acme")
        );
        connection.execute(AssertSqlSafe(session)).await.unwrap();
        connections.push(connection);
    }
    let ambient = Ambient::system();
    let begun = Instant::now();
    let writing = connections.into_iter().map(|mut connection| {
        let ambient = ambient.clone();
        async move {
            let mut done = 0_usize;
            while begun.elapsed() < FOR {
                let id = |()| ambient.id::<kernel::AuditEventId>();
                let (file, event, target) = (id(()), id(()), id(()));
                let batch = format!(
                    "BEGIN; EXECUTE change ('{file}'); EXECUTE record ('{event}', '{target}'); COMMIT"
                );
                connection.execute(AssertSqlSafe(batch)).await.unwrap();
                done += 1;
            }
            connection.close().await.unwrap();
            done
        }
    });
    let done: usize = futures_util::future::join_all(writing)
        .await
        .into_iter()
        .sum();
    done as f64 / begun.elapsed().as_secs_f64()
}

/// People a second who are hired with an e-mail address and pay.
async fn hires(database: &Database, tenant: &TenantContext) -> f64 {
    let authorizer = Arc::new(RoleAuthorizer);
    let service = EmployeeService::new(
        database.clone(),
        Ambient::system(),
        Arc::clone(&authorizer) as _,
        Postgres,
        audit_log(),
    );
    let actor = Actor {
        tenant_id: tenant.id(),
        is_platform: false,
        user_id: UserId::new(Uuid::from_u128(7)),
        session_id: SessionId::new(Uuid::from_u128(8)),
        employee_id: None,
        roles: [RoleName::new("administrator")].into(),
    };
    let ambient = Ambient::system();
    rate(async |_| {
        let permit = Permit::obtain(authorizer.as_ref(), &actor).unwrap();
        let number: kernel::EmployeeId = ambient.id();
        let hire = employees::service::Hire {
            number: Some(number.to_string()[24..].parse().unwrap()),
            name: employees::model::PersonName {
                first: "Neena".parse().unwrap(),
                last: "Yang".parse().unwrap(),
            },
            work_email: Some(format!("{number}@example.com").parse().unwrap()),
            phone: None,
            hire_date: time::macros::date!(2024 - 01 - 01),
            employment_type: EmploymentType::FullTime,
            references: References {
                department: None,
                job_title: None,
                location: None,
                manager: None,
            },
            pay: None,
        };
        let tx = database.begin_tenant(tenant).await.unwrap();
        let tx = tx.initiated_by(origin());
        service.hire(&permit, &tx, &actor, hire).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await
}

/// The most memory that this process has had, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmHWM")).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1_024.0
}

async fn count(data: &TestDatabase, sql: &'static str) -> i64 {
    let mut superuser = data.superuser().await;
    sqlx::query_scalar(sql)
        .fetch_one(&mut superuser)
        .await
        .unwrap()
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let wanted: i64 = std::env::args()
        .nth(1)
        .map_or(200_000, |it| it.parse().unwrap());
    let data = TestDatabase::create().await;
    let settings = DatabaseSettings {
        pool_size: 12,
        max_connections_per_tenant: Some(12),
        ..data.settings()
    };
    let (database, authority) = data.connect(settings).await;
    let on: DedicatedAndPooled = data.tenants().await;
    let acme = authority.tenant(testkit::ACME.record());
    let silent = database.clone().recorded_by(Arc::new(Forgets));

    let hand = by_hand(&data, &acme).await;
    let alone = changes(&silent, &acme, None).await;
    let open = changes(&database, &acme, Some(false)).await;
    let personal = changes(&database, &acme, Some(true)).await;
    println!("changes with their record, by hand      {hand:8.0}/s");
    println!("changes alone                           {alone:8.0}/s");
    println!(
        "changes with their record               {open:8.0}/s (aim 3,000; {:.0} % of by hand)",
        open / hand * 100.0
    );
    println!("the same, of something personal         {personal:8.0}/s");

    let (without, with) = (
        hires(&silent, &on.globex).await,
        hires(&database, &on.globex).await,
    );
    println!("hires without a record                  {without:8.0}/s");
    println!(
        "hires with their record                 {with:8.0}/s (recording is {:.0} % of a hire)",
        (1.0 - with / without) * 100.0
    );

    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::read(&"dGhlIGtleSB0aGF0IHNpZ25zIGluIGV2ZXJ5IHRlc3Q=".into()).unwrap();
    let public = PublicKeys::read(&key.public_half()).unwrap();
    let tenants = [&on.acme, &on.globex, &on.initech, &on.umbrella];
    let known = Known(tenants.map(|it| (it.id(), it.clone())).into());
    let sealer = Arc::new(Sealer::new(
        database.clone(),
        on.platform.clone(),
        Arc::new(known),
        key,
        SealFiles::new(folder.path()),
        Ambient::system(),
    ));
    let begun = Instant::now();
    let mut sealed = 0;
    loop {
        let look = sealer.look().await.unwrap();
        sealed += look.events;
        if !look.is_more {
            break;
        }
    }
    println!(
        "sealed, what had come together          {:8.0}/s",
        sealed as f64 / begun.elapsed().as_secs_f64()
    );

    let from = count(
        &data,
        "SELECT coalesce(max(number), 0) FROM t_acme.audit_seals",
    )
    .await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let sealing = {
        let sealer = Arc::clone(&sealer);
        telemetry::spawn(async move {
            let until = async {
                let _ = stopped.await;
            };
            sealer.run_until(until, Duration::from_millis(300)).await;
        })
    };
    let beside = changes(&database, &acme, Some(true)).await;
    while count(&data, "SELECT count(*) FROM platform.audit_unsealed").await > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.send(()).expect("the sealer listens");
    sealing.await.unwrap();
    let lag = format!(
        "SELECT array_agg(extract(epoch FROM lag)::float8 ORDER BY place) FROM (SELECT place, \
         percentile_disc(place) WITHIN GROUP (ORDER BY s.sealed_at - e.at) AS lag \
         FROM (VALUES (0.5::float8), (0.99), (1.0)) p (place) \
         CROSS JOIN t_acme.audit_seals s JOIN t_acme.audit_links l \
           ON l.position BETWEEN s.first_position AND s.last_position \
         JOIN t_acme.audit_events e ON e.id = l.id WHERE s.number > {from} GROUP BY place) it"
    );
    let mut superuser = data.superuser().await;
    let lags: Vec<f64> = sqlx::query_scalar(AssertSqlSafe(lag))
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    println!("changes beside the sealer               {beside:8.0}/s");
    println!(
        "an event waits for its seal             {:.2} s in the middle, {:.2} s p99 (aim 2), {:.2} s at most",
        lags[0], lags[1], lags[2]
    );

    let there = count(&data, "SELECT count(*) FROM t_acme.audit_events").await;
    let fill = format!(
        "INSERT INTO t_acme.audit_events (tenant_id, id, actor_type, actor_id, action, category, \
             outcome, targets, changes, details, request_id, address, user_agent) \
         SELECT '{}', gen_random_uuid(), 'user', gen_random_uuid(), 'employee.updated.v1', \
             'data_write', 'success', \
             '[{{\"id\":\"00000000-0000-0000-0000-0000000003e8\",\"type\":\"employee\"}}]', \
             '{{\"code\":{{\"after\":\"Nina\",\"before\":\"Neena\",\"class\":\"internal\"}}}}', '{{}}', \
             '7f3c1c52', '192.0.2.7', 'curl/8.5.0' FROM generate_series(1, {})",
        acme.id(),
        (wanted - there).max(0)
    );
    superuser.execute(AssertSqlSafe(fill)).await.unwrap();
    while sealer.look().await.unwrap().is_more {}
    superuser.execute("VACUUM ANALYZE").await.unwrap();

    let mut chains: Vec<Whose> = tenants.map(|it| Whose::Tenant(it.clone())).into();
    chains.push(Whose::Platform);
    let verifier = Verifier::new(
        database.clone(),
        on.platform.clone(),
        public,
        SealFiles::new(folder.path()),
        None,
        Ambient::system(),
        |_, _| {},
    );
    let begun = Instant::now();
    let verified = verifier
        .verify(&chains, true, Period::default())
        .await
        .unwrap();
    let rate = verified.events as f64 / begun.elapsed().as_secs_f64();
    println!(
        "verified                                {rate:8.0}/s (aim 100,000; {} events, {} findings)",
        verified.events,
        verified.findings.len()
    );

    let exporter = AuditExporter::new(database.clone());
    let before = peak();
    let (begun, mut lines, mut bytes) = (Instant::now(), 0, 0);
    let mut next = exporter.from_the_beginning(&acme).await.unwrap();
    while let Some(place) = next {
        let (some, further) = exporter.go_on(&acme, place).await.unwrap();
        lines += some.len();
        bytes += some
            .iter()
            .map(|line| serde_json::to_vec(line).unwrap().len())
            .sum::<usize>();
        next = further;
    }
    let took = begun.elapsed();
    println!(
        "exported                                {:8.0}/s ({lines} lines, {} MiB in {:.1} s; memory {before:.0} -> {:.0} MiB at most)",
        lines as f64 / took.as_secs_f64(),
        bytes / 1_048_576,
        took.as_secs_f64(),
        peak()
    );
}

//! A company in which something is done, and what a superuser sees of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use audit::{
    Archives, Period, PublicKeys, SealFiles, Sealer, SigningKey, Tenants, TenantsUnknown, Verified,
    Verifier, Whose,
};
use database::{Database, TenantContext, TenantTx};
use kernel::{
    Ambient, SessionId, TenantId, UserId,
    audit::{AuditCategory, AuditEntry, FieldChange},
    field::{AccessGroup, Class, FieldDeclaration},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use telemetry::Origin;
use testkit::{DedicatedAndPooled, TestDatabase};
use uuid::Uuid;

pub(crate) const NAME: FieldDeclaration =
    FieldDeclaration::new("first_name", Class::Personal, AccessGroup::Identity);
pub(crate) const NUMBER: FieldDeclaration =
    FieldDeclaration::new("employee_number", Class::Internal, AccessGroup::Identity);
pub(crate) const IBAN: FieldDeclaration =
    FieldDeclaration::new("iban", Class::Sensitive, AccessGroup::Bank).number();
pub(crate) const PASSWORD: FieldDeclaration =
    FieldDeclaration::new("password", Class::Secret, AccessGroup::Identity);

pub(crate) struct Scene {
    pub(crate) data: TestDatabase,
    pub(crate) on: DedicatedAndPooled,
}

impl Scene {
    pub(crate) async fn arrange() -> Self {
        let data = TestDatabase::create().await;
        let on = data.tenants().await;
        Self { data, on }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.on.database
    }

    /// A transaction on behalf of somebody.
    pub(crate) async fn begin(&self, tenant: &TenantContext) -> TenantTx {
        let tx = self.database().begin_tenant(tenant).await.unwrap();
        tx.initiated_by(Origin {
            user: Some(UserId::new(Uuid::from_u128(7))),
            session: Some(SessionId::new(Uuid::from_u128(8))),
            request_id: Some("r-1".to_owned()),
            address: Some("192.0.2.7".parse().unwrap()),
            user_agent: Some("curl/8".to_owned()),
            ..Origin::default()
        })
    }

    pub(crate) async fn superuser(&self) -> PgConnection {
        self.data.superuser().await
    }

    /// What a superuser's query of one value finds.
    pub(crate) async fn look<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let mut superuser = self.superuser().await;
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        query.fetch_one(&mut superuser).await.unwrap()
    }

    /// Every value that a superuser's query of one column finds.
    pub(crate) async fn column<T>(&self, sql: &str) -> Vec<T>
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let mut superuser = self.superuser().await;
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        query.fetch_all(&mut superuser).await.unwrap()
    }

    /// What somebody does who may do everything, past the triggers.
    pub(crate) async fn attack(&self, sql: &str) {
        let sql = format!("SET session_replication_role = replica; {sql}");
        let mut superuser = self.superuser().await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut superuser);
        done.await.unwrap();
    }

    /// So much is done in a tenant, in one transaction.
    pub(crate) async fn record(&self, tenant: &TenantContext, events: u64) {
        let tx = self.begin(tenant).await;
        for number in 0..events {
            tx.record(done(number));
        }
        tx.commit().await.unwrap();
    }

    /// So much is done in the platform.
    pub(crate) async fn record_in_platform(&self, events: u64) {
        let tx = self
            .database()
            .begin_platform(&self.on.platform)
            .await
            .unwrap();
        for number in 0..events {
            tx.record(done(number));
        }
        tx.commit().await.unwrap();
    }

    pub(crate) fn sealer(&self, folder: &FilledFolder) -> Sealer {
        self.sealer_at(folder, Ambient::system())
    }

    pub(crate) fn sealer_at(&self, folder: &FilledFolder, ambient: Ambient) -> Sealer {
        self.sealer_of(self.database(), &folder.seals(), ambient)
    }

    pub(crate) fn sealer_into(&self, folder: &Path) -> Sealer {
        self.sealer_of(self.database(), folder, Ambient::system())
    }

    pub(crate) fn sealer_of(&self, database: &Database, folder: &Path, ambient: Ambient) -> Sealer {
        Sealer::new(
            database.clone(),
            self.on.platform.clone(),
            Arc::new(self.known()),
            key(),
            SealFiles::new(folder),
            ambient,
        )
    }

    /// Nothing was done to anything.
    pub(crate) async fn is_proven(&self, folder: &FilledFolder) {
        let verified = self.verify(folder).await;
        assert_eq!(verified.findings, []);
        let sealed: i64 = self.look("SELECT count(*) FROM t_acme.audit_links").await;
        assert!(verified.events + verified.archived >= sealed.unsigned_abs());
    }

    /// What is found in all chains.
    pub(crate) async fn verify(&self, folder: &FilledFolder) -> Verified {
        self.verify_within(folder, Period::default(), Ambient::system())
            .await
    }

    pub(crate) async fn verify_within(
        &self,
        folder: &FilledFolder,
        period: Period,
        ambient: Ambient,
    ) -> Verified {
        let verifier = Verifier::new(
            self.database().clone(),
            self.on.platform.clone(),
            PublicKeys::read(&key().public_half()).unwrap(),
            SealFiles::new(folder.seals()),
            Some(Archives::new(folder.archives())),
            ambient,
            |_, _| {},
        );
        let on = &self.on;
        let tenants = [&on.acme, &on.globex, &on.initech, &on.umbrella];
        let mut chains: Vec<Whose> = tenants.map(|it| Whose::Tenant(it.clone())).into();
        chains.push(Whose::Platform);
        verifier.verify(&chains, true, period).await.unwrap()
    }

    pub(crate) fn known(&self) -> Known {
        let on = &self.on;
        let tenants = [&on.acme, &on.globex, &on.initech, &on.umbrella];
        Known(tenants.map(|it| (it.id(), it.clone())).into())
    }

    /// The events of a schema as JSON, in the order in which they were written.
    pub(crate) async fn events(&self, schema: &str) -> Vec<Value> {
        let all = format!(
            "SELECT coalesce(json_agg(to_jsonb(e) - 'tenant_id' ORDER BY at, id), '[]') \
             FROM {schema}.audit_events e"
        );
        let all: Value = self.look(&all).await;
        all.as_array().unwrap().clone()
    }
}

/// Somebody's values change.
pub(crate) fn updated(person: Uuid) -> AuditEntry {
    let change = |field, before, after| FieldChange {
        field,
        before,
        after: Some(after),
    };
    AuditEntry::new("employee.updated.v1", AuditCategory::DataWrite)
        .about("employee", person)
        .changing(vec![
            change(NAME, Some(json!("Canary Neena")), json!("Canary Nina")),
            change(NUMBER, Some(json!("17")), json!("18")),
            change(IBAN, None, json!("DE89370400440532013000")),
            change(PASSWORD, None, json!("Canary secret")),
        ])
}

/// Something is done.
fn done(number: u64) -> AuditEntry {
    AuditEntry::new("department.updated.v1", AuditCategory::DataWrite)
        .on("department", Uuid::from_u128(1))
        .detail("number", number)
}

/// The key that signs in tests.
pub(crate) fn key() -> SigningKey {
    SigningKey::read(&"dGhlIGtleSB0aGF0IHNpZ25zIGluIGV2ZXJ5IHRlc3Q=".into()).unwrap()
}

/// The tenants of the scene.
pub(crate) struct Known(BTreeMap<TenantId, TenantContext>);

#[async_trait]
impl Tenants for Known {
    async fn find(&self, id: TenantId) -> Result<Option<TenantContext>, TenantsUnknown> {
        Ok(self.0.get(&id).cloned())
    }
}

/// A folder of a sealer's own.
pub(crate) struct FilledFolder(tempfile::TempDir);

impl FilledFolder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        // A sealer that comes too late each time files nothing.
        std::fs::create_dir(folder.seals()).unwrap();
        folder
    }

    pub(crate) fn seals(&self) -> PathBuf {
        self.0.path().join("seals")
    }

    pub(crate) fn archives(&self) -> PathBuf {
        self.0.path().join("archives")
    }

    /// Every line that was filed.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let read = SealFiles::new(self.seals()).read(|it| lines.push(it.line().unwrap()));
        assert_eq!(read.unwrap(), 0);
        lines
    }

    /// Writes other lines in their place.
    pub(crate) fn write(&self, lines: &[String]) {
        std::fs::remove_dir_all(self.seals()).unwrap();
        std::fs::create_dir(self.seals()).unwrap();
        let text = lines.join("\n") + "\n";
        std::fs::write(self.seals().join("seals-2026-01-01.ndjson"), text).unwrap();
    }

    /// Adds what another folder holds.
    pub(crate) fn take_over(&self, other: &Self) {
        self.write(&[self.lines(), other.lines()].concat());
    }
}

//! A company in which something is done, and what a superuser sees of it.

use database::{Database, TenantContext, TenantTx};
use kernel::{
    SessionId, UserId,
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

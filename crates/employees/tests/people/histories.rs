//! Who changed what of somebody, as far as the reader may see it.

use std::sync::Arc;

use audit::{AuditLog, HistoryPlace};
use employees::{
    EmployeeService, EmployeesError,
    model::Guarded,
    permission::{Read, ReadCompensation, ReadHistory},
    postgres::Postgres,
    service::{HistoryEvent, Transfer, View},
};
use kernel::{
    Actor, Ambient, Authorizer, EmployeeId, Limit, PageRequest, Permission, PermissionMarker as _,
    Permit, Reach,
};
use serde_json::{Map, Value, json};
use testkit::audit_log;
use time::{Duration, macros::date};

use crate::company::{Company, first_page, leaving, monthly, paid, permit, somebody};

/// Everything of somebody's history, read in pages of a size.
async fn read(company: &Company, actor: &Actor, id: EmployeeId, limit: u16) -> Vec<HistoryEvent> {
    let may = permit::<ReadHistory>(actor);
    let mut all = Vec::new();
    let mut after: Option<HistoryPlace> = None;
    loop {
        let page = PageRequest {
            limit: Limit::new(limit).unwrap(),
            after,
            count: true,
        };
        let reader = company.reader(actor);
        let found = company.employees.history(&may, reader, id, &page, false);
        let found = found.await.unwrap();
        all.extend(found.items);
        after = found.next;
        if after.is_none() {
            assert_eq!(found.total, Some(all.len() as u64));
            return all;
        }
    }
}

/// What an event changed: a field each, `null` where it is hidden.
fn changes(event: &HistoryEvent) -> Value {
    let told = event.changes.iter().map(|it| {
        let values = match &it.values {
            Guarded::Hidden => Value::Null,
            Guarded::Shown(change) => json!([change.from, change.to]),
        };
        (it.field.clone(), values)
    });
    Value::Object(told.collect::<Map<_, _>>())
}

/// Somebody who was hired, paid otherwise and terminated, and of whom others read.
async fn career(company: &Company) -> EmployeeId {
    let mut hire = somebody("Yang");
    hire.pay = Some(monthly("3000"));
    let yang = company.hire(hire).await.unwrap().id;
    let raise = paid(date!(2024 - 01 - 01), "4000");
    company.pay(yang, raise).await.unwrap();
    company.person("King", Some(yang)).await;
    let administrator = company.administrator();
    let reads = permit::<Read>(&administrator);
    let reader = company.reader(&administrator);
    let shown = company
        .employees
        .show(&reads, reader, yang, View::default());
    shown.await.unwrap();
    yang
}

#[tokio::test]
async fn a_history_says_who_changed_what_and_not_who_read_it() {
    let company = Company::found().await;
    let yang = career(&company).await;
    let administrator = company.administrator();
    let history = read(&company, &administrator, yang, 25).await;
    let actions: Vec<_> = history.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(
        actions,
        ["employee.compensation_changed.v1", "employee.hired.v1"]
    );
    let euros =
        |amount: &str| json!({"amount": amount, "currency": "EUR", "pay_period": "monthly"});
    assert_eq!(
        changes(&history[0]),
        json!({"effective_date": [null, "2024-01-01"],
            "compensation": [euros("3000.00"), euros("4000.00")]})
    );
    assert_eq!(changes(&history[1])["last_name"], json!([null, "Yang"]));
    assert!(
        history
            .iter()
            .all(|it| !it.erased && it.outcome == "success")
    );
    // Reading it is recorded, and no part of it.
    let again = read(&company, &administrator, yang, 25).await;
    assert_eq!(again.len(), 2);
    // An export is one reading, however many pages it has.
    let may = permit::<ReadHistory>(&administrator);
    let (reader, page) = (company.reader(&administrator), first_page());
    let goes_on = company.employees.history(&may, reader, yang, &page, true);
    assert_eq!(goes_on.await.unwrap().items.len(), 2);
    let records = crate::auditing::records_of(&company, company.initech()).await;
    let of_history = records.iter().filter(|(record, _)| {
        record.action == "employee.history_read.v1"
            && record.category == "data_read"
            && record.targets[0]["id"] == json!(yang)
            && record.request_id.as_deref() == Some("r-17")
    });
    assert_eq!(of_history.count(), 2);
}

#[tokio::test]
async fn a_history_is_whole_at_every_size_of_page() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let king = company.person("King", None).await;
    for months in 0..9_i64 {
        let day = date!(2021 - 01 - 01) + Duration::days(months * 31);
        let manager = if months % 2 == 0 {
            employees::service::Edit::Set(king)
        } else {
            employees::service::Edit::Clear
        };
        let transfer = Transfer {
            manager,
            ..Transfer::on(day)
        };
        company.transfer(yang, transfer).await.unwrap();
    }
    let administrator = company.administrator();
    let whole = read(&company, &administrator, yang, 200).await;
    assert_eq!(whole.len(), 10);
    for pair in whole.windows(2) {
        assert!(pair[0].place > pair[1].place);
    }
    for limit in [1, 3, 10] {
        assert_eq!(read(&company, &administrator, yang, limit).await, whole);
    }
}

/// Allows these, everywhere.
struct Allows(&'static [Permission]);

impl Authorizer for Allows {
    fn reach(&self, _: &Actor, permission: Permission) -> Option<Reach> {
        let allowed = self.0.contains(&permission);
        allowed.then_some(Reach::Tenant)
    }
}

/// What somebody sees of a history who may do this.
async fn seen(company: &Company, id: EmployeeId, may: &'static [Permission]) -> Vec<HistoryEvent> {
    let authorizer: Arc<dyn Authorizer> = Arc::new(Allows(may));
    let actor = company.administrator();
    let permit: Permit<ReadHistory> = Permit::obtain(authorizer.as_ref(), &actor).unwrap();
    let database = company.on.database.clone();
    let employees = EmployeeService::new(
        database,
        Ambient::system(),
        authorizer,
        Postgres,
        audit_log(),
    );
    let page = first_page();
    let found = employees.history(&permit, company.reader(&actor), id, &page, false);
    found.await.unwrap().items
}

#[tokio::test]
async fn of_fields_that_are_not_his_to_see_a_reader_learns_that_they_changed() {
    const HISTORY: Permission = ReadHistory::PERMISSION;
    let company = Company::found().await;
    let yang = career(&company).await;
    let without_pay = seen(&company, yang, &[HISTORY, Read::PERMISSION]).await;
    assert_eq!(
        changes(&without_pay[0]),
        json!({"effective_date": [null, "2024-01-01"], "compensation": null})
    );
    let pay_alone = seen(&company, yang, &[HISTORY, ReadCompensation::PERMISSION]).await;
    let told = changes(&pay_alone[0]);
    assert_eq!(told["effective_date"], Value::Null);
    assert!(told["compensation"].is_array());
    let nothing = seen(&company, yang, &[HISTORY]).await;
    let hidden = nothing.iter().flat_map(|event| &event.changes);
    assert!(hidden.into_iter().all(|it| it.values == Guarded::Hidden));
    assert_eq!(nothing.len(), 2);
}

#[tokio::test]
async fn of_whoever_is_erased_it_stays_known_what_changed_and_not_from_what_to_what() {
    let company = Company::found().await;
    let yang = career(&company).await;
    let tx = company.on.database.begin_tenant(company.initech()).await;
    let tx = tx.unwrap();
    assert!(AuditLog::forget(&tx, yang.uuid()).await.unwrap());
    tx.commit().await.unwrap();
    let history = read(&company, &company.administrator(), yang, 25).await;
    assert!(history.iter().all(|event| event.erased));
    assert_eq!(
        changes(&history[0]),
        json!({"effective_date": [null, null], "compensation": [null, null]})
    );
    // What is the company's own stays.
    assert_eq!(
        changes(&history[1])["employee_number"],
        json!([null, "1001"])
    );
}

#[tokio::test]
async fn a_history_is_for_those_who_may_read_everybodys() {
    let company = Company::found().await;
    let yang = career(&company).await;
    let himself = company.actor("employee", Some(yang));
    let refused: Result<Permit<ReadHistory>, _> = Permit::obtain(&access::RoleAuthorizer, &himself);
    assert!(refused.is_err());
    let hr = company.actor("hr_manager", None);
    assert_eq!(read(&company, &hr, yang, 25).await.len(), 2);
}

#[tokio::test]
async fn a_neighbours_history_is_not_there() {
    let company = Company::found().await;
    let yang = career(&company).await;
    company
        .terminate(yang, leaving(date!(2026 - 12 - 31)))
        .await
        .unwrap_err();
    let actor = company.administrator();
    let may = permit::<ReadHistory>(&actor);
    for tenant in [&company.on.umbrella, &company.on.acme] {
        let reader = company.reader_in(tenant, &actor);
        let page = first_page();
        let found = company
            .employees
            .history(&may, reader, yang, &page, false)
            .await;
        assert!(matches!(found, Err(EmployeesError::NotFound)));
        assert_eq!(crate::auditing::records_of(&company, tenant).await, []);
        // Nor where it is asked for past the service.
        let tx = company.on.database.begin_tenant_read(tenant).await.unwrap();
        let found = audit_log().history(&tx, yang.uuid(), None, 25).await;
        assert_eq!(found.unwrap(), []);
        tx.commit().await.unwrap();
    }
}

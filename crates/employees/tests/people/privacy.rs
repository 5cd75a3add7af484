//! Who saw what people are paid is recorded, and what is recorded says nothing to whoever has no key.

use database::TenantContext;
use employees::{
    ImportService,
    import::{ImportLimits, ImportMode, ImportSet, Kind},
    lists,
    model::EndReason,
    permission::{Read, Update},
    postgres::Postgres,
    repository::ReportDepth,
    service::{ImportOptions, Particulars, Terminate, View},
};
use kernel::{Actor, Ambient, DomainError as _, EmployeeId};
use messaging::Origin;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use time::macros::date;

use crate::{
    auditing::records_of,
    company::{Company, asked, first_page, leaving, monthly, paid, permit, somebody},
};

/// What was recorded of reading so far: action, first target and details.
async fn reads(company: &Company) -> Vec<(String, Value, Value)> {
    let all = records_of(company, company.initech()).await.into_iter();
    let reads = all.filter(|(record, _)| record.category == "data_read");
    reads
        .map(|(record, changes)| {
            assert_eq!(changes, json!({}));
            assert_eq!(record.request_id.as_deref(), Some("r-17"));
            (
                record.action,
                record.targets[0]["id"].clone(),
                record.details,
            )
        })
        .collect()
}

async fn paid_and_unpaid(company: &Company) -> (EmployeeId, EmployeeId) {
    let mut hire = somebody("Yang");
    hire.pay = Some(monthly("3000"));
    let yang = company.hire(hire).await.unwrap().id;
    (yang, company.person("King", None).await)
}

#[tokio::test]
async fn whoever_sees_pay_is_recorded_and_nobody_else() {
    let company = Company::found().await;
    let (yang, king) = paid_and_unpaid(&company).await;
    let employees = &company.employees;
    let show = async |actor: &Actor, id, view: View<'_>| {
        let read = permit::<Read>(actor);
        let shown = employees.show(&read, company.reader(actor), id, view);
        shown.await.map(drop)
    };
    let tell = async |actor: &Actor, id, left_out| {
        let read = permit::<Read>(actor);
        let (reader, page) = (company.reader(actor), first_page());
        let told = employees.timeline(&read, reader, id, &page, left_out);
        told.await.map(drop)
    };
    let administrator = company.administrator();
    let without_pay = View {
        without_pay: true,
        ..View::default()
    };
    // Nothing is shown of what is not agreed, not asked for, or not his to see.
    show(&administrator, king, View::default()).await.unwrap();
    tell(&administrator, king, false).await.unwrap();
    show(&administrator, yang, without_pay).await.unwrap();
    tell(&administrator, yang, true).await.unwrap();
    let colleague = company.actor("employee", Some(king));
    show(&colleague, yang, View::default()).await.unwrap_err();
    tell(&colleague, yang, false).await.unwrap_err();
    assert_eq!(reads(&company).await, []);

    let his = (
        "employee.compensation_read.v1".to_owned(),
        json!(yang),
        json!({"fields": ["compensation"]}),
    );
    let himself = company.actor("employee", Some(yang));
    for actor in [&administrator, &himself] {
        show(actor, yang, View::default()).await.unwrap();
        tell(actor, yang, false).await.unwrap();
    }
    assert_eq!(reads(&company).await, vec![his; 4]);
}

#[tokio::test]
async fn whoever_changes_something_and_is_shown_pay_has_seen_it() {
    let company = Company::found().await;
    let (yang, king) = paid_and_unpaid(&company).await;
    let actor = company.administrator();
    for id in [yang, king] {
        let edited = company.change(async |tx| {
            let may = permit::<Update>(&actor);
            let person = company.employees.lock_employee(&may, tx, id).await?;
            let wanted = Particulars {
                number: person.number.clone(),
                name: person.name.clone(),
                work_email: None,
                phone: None,
            };
            company.employees.update(tx, &actor, person, wanted).await
        });
        edited.await.unwrap();
    }
    let all = records_of(&company, company.initech()).await;
    let reads = all.iter().filter(|(it, _)| it.category == "data_read");
    let whose: Vec<_> = reads.map(|(it, _)| it.targets[0]["id"].clone()).collect();
    assert_eq!(whose, [json!(yang)]);
}

#[tokio::test]
async fn an_export_is_recorded_with_its_filters_and_not_with_what_they_look_for() {
    let company = Company::found().await;
    let (yang, king) = paid_and_unpaid(&company).await;
    let administrator = company.administrator();
    let himself = company.actor("employee", Some(yang));
    let everybody = asked(&[]);
    let filtered = asked(&[("last_name", "Yang"), ("q", "ya"), ("status", "active")]);
    for (actor, query) in [
        (&administrator, &everybody),
        (&administrator, &filtered),
        (&himself, &everybody),
    ] {
        let (read, page) = (permit::<Read>(actor), first_page());
        let reader = company.reader(actor);
        let exported = company.employees.export(&read, reader, query, &page);
        let exported = exported.await.unwrap();
        assert_eq!(exported.total, None, "it was not asked for");
    }
    let (read, page) = (permit::<Read>(&administrator), first_page());
    let reader = company.reader(&administrator);
    let depth = ReportDepth::DIRECT;
    let reports = company
        .employees
        .export_reports(&read, reader, king, depth, &page);
    reports.await.unwrap();
    let record = |whom: Value, details| ("employees.exported.v1".to_owned(), whom, details);
    assert_eq!(
        reads(&company).await,
        [
            record(
                Value::Null,
                json!({"count": 2, "filters": [], "whole": true})
            ),
            record(
                Value::Null,
                json!({"count": 1, "filters": ["last_name", "status", "q"], "whole": false})
            ),
            record(
                Value::Null,
                json!({"count": 1, "filters": [], "whole": true})
            ),
            record(
                json!(king),
                json!({"count": 0, "filters": ["manager", "depth"], "whole": false})
            ),
        ]
    );
    assert!(
        lists::EMPLOYEES
            .shown
            .iter()
            .all(|it| it.name != "compensation")
    );
}

/// Everything that the tables of the audit hold of a schema, as text.
async fn everything(company: &Company, schema: &str) -> String {
    let mut superuser = company.superuser().await;
    let mut all = String::new();
    for table in ["audit_events", "audit_targets", "audit_subjects"] {
        let sql = format!(
            "SELECT coalesce(string_agg(row_to_json(it)::text, ' '), '') FROM {schema}.{table} it"
        );
        let text: String = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        all.push_str(&text);
    }
    let raw = format!(
        "SELECT coalesce(string_agg(encode(personal, 'escape'), ' '), '') FROM {schema}.audit_events"
    );
    let raw: String = sqlx::query_scalar(AssertSqlSafe(raw))
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    all + &raw
}

#[tokio::test]
async fn no_name_no_address_no_number_and_no_pay_stands_in_the_open() {
    let company = Company::found().await;
    let mut hire = somebody("Canaryfamily");
    hire.name.first = "Canarygiven".parse().unwrap();
    hire.work_email = Some("canary@canary.example".parse().unwrap());
    hire.phone = Some("+15155550199".parse().unwrap());
    hire.pay = Some(monthly("73137"));
    let canary = company.hire(hire).await.unwrap().id;
    let raise = paid(date!(2024 - 01 - 01), "74147");
    company.pay(canary, raise).await.unwrap();
    let later = paid(date!(2028 - 01 - 01), "75157");
    company.pay(canary, later).await.unwrap();
    let gone = Terminate {
        reason: Some(EndReason::Redundancy),
        ..leaving(date!(2026 - 12 - 31))
    };
    company.terminate(canary, gone).await.unwrap();
    let read = permit::<Read>(&company.administrator());
    let administrator = company.administrator();
    let reader = company.reader(&administrator);
    let shown = company
        .employees
        .show(&read, reader, canary, View::default());
    shown.await.unwrap();
    let query = asked(&[("last_name", "Canaryfamily")]);
    let page = first_page();
    let exported = company.employees.export(&read, reader, &query, &page);
    exported.await.unwrap();
    let text = everything(&company, "pool_0001").await;
    assert!(text.contains("employee.hired.v1"));
    for secret in [
        "Canary",
        "canary",
        "5550199",
        "73137",
        "74147",
        "75157",
        "2020-01-01",
        "2027-01-01",
        "redundancy",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    // Whoever has the keys reads it.
    let records = records_of(&company, company.initech()).await;
    let told: String = records.iter().map(|(_, it)| it.to_string()).collect();
    for value in [
        "Canarygiven",
        "canary@canary.example",
        "73137.00",
        "75157.00",
    ] {
        assert!(told.contains(value), "{value}");
    }
}

struct Importing<'a> {
    company: &'a Company,
    imports: ImportService,
}

impl<'a> Importing<'a> {
    fn of(company: &'a Company) -> Self {
        let (database, limits) = (company.on.database.clone(), ImportLimits::DEFAULT);
        Self {
            company,
            imports: ImportService::new(database, Ambient::system(), Postgres, limits),
        }
    }

    fn tenant(&self) -> &TenantContext {
        &self.company.on.acme
    }

    async fn import(&self, files: &[(Kind, &str)], how: ImportOptions) -> String {
        let files = files
            .iter()
            .map(|(kind, text)| (*kind, kind.as_str(), text.as_bytes().to_vec()));
        let what = (ImportSet::native(files), how);
        let origin = Origin {
            user: Some(uuid::Uuid::from_u128(9).into()),
            ..Origin::default()
        };
        let imported = self
            .imports
            .import_as_operator(self.tenant(), what, origin, &|_, _, _| ());
        match imported.await {
            Ok(_) => String::new(),
            Err(error) => format!("{:?}", error.fields()),
        }
    }
}

#[tokio::test]
async fn an_import_is_recorded_as_a_whole_and_of_each_whom_it_brought() {
    let company = Company::found().await;
    let importing = Importing::of(&company);
    let columns = "employee_number,first_name,last_name,hire_date,department_code,\
                   manager_number,pay_amount,pay_currency,pay_period\n";
    let people = format!(
        "{columns}1,Ada,Canaryking,2020-01-01,IT,,73137,EUR,monthly\n2,Bo,Lee,2021-01-01,IT,1,,,\n"
    );
    let past = "employee_number,first_day,last_day\n1,2018-01-01,2018-12-31\n";
    let files = [
        (
            Kind::Departments,
            "code,name,manager_number\nIT,Computers,1\n",
        ),
        (Kind::Employees, people.as_str()),
        (Kind::EmploymentHistory, past),
    ];
    let dry_run = ImportOptions {
        dry_run: true,
        ..ImportOptions::default()
    };
    assert_eq!(importing.import(&files, dry_run).await, "");
    let bad = [(Kind::Employees, "first_name\nAda\n")];
    assert_ne!(importing.import(&bad, ImportOptions::default()).await, "");
    assert_eq!(records_of(&company, importing.tenant()).await, []);

    assert_eq!(importing.import(&files, ImportOptions::default()).await, "");
    let more = "employee_number,first_day,last_day\n2,2019-01-01,2019-12-31\n";
    let independent = ImportOptions {
        mode: ImportMode::Independent,
        dry_run: false,
    };
    let more = [(Kind::EmploymentHistory, more)];
    assert_eq!(importing.import(&more, independent).await, "");

    let records = records_of(&company, importing.tenant()).await;
    let actions: Vec<_> = records.iter().map(|(it, _)| it.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "employee.hired.v1",
            "employee.hired.v1",
            "department.created.v1",
            "employees.imported.v1",
            "employee.history_imported.v1",
            "employees.imported.v1",
        ]
    );
    assert!(records.iter().all(|(it, _)| {
        it.category == "data_write" && it.actor.id == Some(uuid::Uuid::from_u128(9))
    }));
    let ids: Vec<_> = records.iter().map(|(it, _)| &it.targets[0]["id"]).collect();
    let job = |from: &str, to: &str| {
        json!([{"valid_from": from, "valid_to": to, "employment_type": "full_time",
            "department_id": null, "job_title_id": null, "location_id": null, "manager_id": null}])
    };
    assert_eq!(
        records[0].1,
        json!({
            "employee_number": {"after": "1"}, "first_name": {"after": "Ada"},
            "last_name": {"after": "Canaryking"}, "hire_date": {"after": "2020-01-01"},
            "original_hire_date": {"after": "2018-01-01"},
            "employment_type": {"after": "full_time"}, "department_id": {"after": ids[2]},
            "compensation": {"after":
                {"amount": "73137.00", "currency": "EUR", "pay_period": "monthly"}},
            "past_employments": {"after": job("2018-01-01", "2019-01-01")},
        })
    );
    assert_eq!(records[1].1["manager_id"], json!({"after": ids[0]}));
    assert_eq!(records[2].1["manager_id"], json!({"after": ids[0]}));
    assert_eq!(
        records[3].0.details,
        json!({"mode": "atomic", "dry_run": false, "departments": 1, "job_titles": 0,
            "locations": 0, "employees": 2, "past_employments": 1, "compensations": 1})
    );
    assert_eq!(ids[4], ids[1]);
    assert_eq!(
        records[4].1,
        json!({"past_employments": {"after": job("2019-01-01", "2020-01-01")}})
    );
    assert_eq!(records[5].0.details["mode"], "independent");
    let text = everything(&company, "t_acme").await;
    for secret in ["Canary", "73137"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

//! What is told of what happens: each use case, with its change.

use database::TenantContext;
use employees::{
    ImportService,
    events::KINDS,
    import::{ImportLimits, ImportSet, Kind},
    model::EndReason,
    permission::{CreateOrganisation, Update, UpdateOrganisation},
    postgres::Postgres,
    service::{
        Edit, ImportOptions, NewDepartment, Particulars, Promotion, Rehire, Terminate, Transfer,
    },
};
use kernel::Ambient;
use messaging::{Event, EventFeed, EventSequencer, FeedQuery, Handlers, Origin};
use serde_json::{Value, json};
use time::macros::date;
use uuid::Uuid;

use crate::company::{Company, back, leaving, monthly, paid, permit, somebody, under};

/// Everything that was told of a tenant.
async fn feed_of(company: &Company, tenant: &TenantContext) -> Vec<Event> {
    let on = &company.on;
    let sequencer = EventSequencer::new(
        on.database.clone(),
        on.platform.clone(),
        &Handlers::new(),
        Ambient::system(),
    );
    while sequencer.sequence().await.unwrap().events > 0 {}
    let tx = on.database.begin_tenant_read(tenant).await.unwrap();
    let events = EventFeed::read(&tx, &FeedQuery::default(), 10_000).await;
    tx.commit().await.unwrap();
    events.unwrap()
}

async fn feed(company: &Company) -> Vec<Event> {
    feed_of(company, company.initech()).await
}

/// The kinds and data of what was told of something.
fn told_of(feed: &[Event], subject: Uuid) -> Vec<(&str, &Value)> {
    let events = feed.iter().filter(|event| event.subject_id == subject);
    events
        .map(|event| (event.kind.as_str(), &event.data))
        .collect()
}

fn no_terms() -> Value {
    json!({"employment_type": "full_time", "department_id": null, "job_title_id": null,
        "location_id": null, "manager_id": null})
}

/// One object with the fields of both.
fn with(mut one: Value, other: &Value) -> Value {
    let fields = one.as_object_mut().unwrap();
    fields.extend(other.as_object().unwrap().clone());
    one
}

#[tokio::test]
async fn a_career_is_told_step_by_step() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let head = company.job_title("Head").await;
    let king = company.person("King", None).await;
    let mut hire = somebody("Yang");
    hire.pay = Some(monthly("3000"));
    let yang = company.hire(hire).await.unwrap().id;
    let transfer = Transfer {
        department: Edit::Set(sales),
        location: Edit::Clear,
        ..Transfer::on(date!(2021 - 01 - 01))
    };
    company.transfer(yang, transfer).await.unwrap();
    // Nothing changes, and nothing is told.
    company.transfer(yang, transfer).await.unwrap();
    let promotion = Promotion {
        effective_date: date!(2022 - 01 - 01),
        job_title: head,
        pay: Some(paid(date!(2022 - 01 - 01), "4000")),
    };
    company.promote(yang, promotion).await.unwrap();
    let gone = Terminate {
        reason: Some(EndReason::Resignation),
        successor: Some(king),
        ..leaving(date!(2023 - 06 - 30))
    };
    company.terminate(yang, gone).await.unwrap();
    let rehire = Rehire {
        pay: Some(monthly("5000")),
        ..back(date!(2026 - 01 - 01))
    };
    company.rehire(yang, rehire).await.unwrap();
    let refused = company.rehire(yang, back(date!(2026 - 02 - 01))).await;
    assert!(refused.is_err());

    let feed = feed(&company).await;
    let euros =
        |amount: &str| json!({"amount": amount, "currency": "EUR", "pay_period": "monthly"});
    assert_eq!(
        told_of(&feed, yang.uuid()),
        [
            (
                "employee.hired.v1",
                &with(
                    json!({"hire_date": "2020-01-01", "compensation": euros("3000.00")}),
                    &no_terms()
                )
            ),
            (
                "employee.transferred.v1",
                &json!({"effective_date": "2021-01-01", "department_id": sales, "location_id": null})
            ),
            (
                "employee.promoted.v1",
                &json!({"effective_date": "2022-01-01", "job_title_id": head})
            ),
            (
                "employee.compensation_changed.v1",
                &json!({"effective_date": "2022-01-01", "compensation": euros("4000.00")})
            ),
            (
                "employee.terminated.v1",
                &json!({"last_day": "2023-06-30", "reason": "resignation", "successor_id": king})
            ),
            (
                "employee.rehired.v1",
                &with(
                    json!({"hire_date": "2026-01-01", "compensation": euros("5000.00")}),
                    &no_terms()
                )
            ),
        ]
    );
    let known = |kind: &str| KINDS.iter().any(|known| known.name == kind);
    assert!(feed.iter().all(|event| known(&event.kind)));
}

#[tokio::test]
async fn those_who_are_handed_over_to_a_successor_are_told_of_too() {
    let company = Company::found().await;
    let king = company.person("King", None).await;
    let yang = company.person("Yang", Some(king)).await;
    let (ann, bob) = (
        company.person("Ann", Some(yang)).await,
        company.person("Bob", None).await,
    );
    let moved = under(yang, date!(2021 - 01 - 01));
    company.transfer(bob, moved).await.unwrap();
    let gone = Terminate {
        successor: Some(ann),
        ..leaving(date!(2026 - 12 - 31))
    };
    company.terminate(yang, gone).await.unwrap();
    let feed = feed(&company).await;
    for (who, manager) in [(ann, king), (bob, ann)] {
        let told = told_of(&feed, who.uuid());
        let expected = json!({"effective_date": "2027-01-01", "manager_id": manager});
        assert_eq!(
            told.last().unwrap(),
            &("employee.transferred.v1", &expected)
        );
    }
}

#[tokio::test]
async fn an_edited_person_is_told_without_name_and_address() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let actor = company.administrator();
    let may = permit::<Update>(&actor);
    for last_name in ["De Haan", "De Haan"] {
        let edited = company.change(async |tx| {
            let person = company.employees.lock_employee(&may, tx, yang).await?;
            let mut wanted = Particulars {
                number: person.number.clone(),
                name: person.name.clone(),
                work_email: Some("haan@example.com".parse().unwrap()),
                phone: None,
            };
            wanted.name.last = last_name.parse().unwrap();
            company.employees.update(tx, &actor, person, wanted).await
        });
        edited.await.unwrap();
    }
    let feed = feed(&company).await;
    let told = told_of(&feed, yang.uuid());
    assert_eq!(told.len(), 2, "what changed nothing is not told: {told:?}");
    assert_eq!(told[1].0, "employee.updated.v1");
    assert_eq!(told[1].1, &json!({"changed": ["last_name", "work_email"]}));
    let everything: String = feed.iter().map(|event| event.data.to_string()).collect();
    for name in ["Haan", "haan", "Yang", "Ann"] {
        assert!(!everything.contains(name), "{name} in {everything}");
    }
}

#[tokio::test]
async fn the_organisation_is_told_as_it_is_created_and_as_it_changes() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let job = company.job_title("Clerk").await;
    let may = permit::<UpdateOrganisation>(&company.administrator());
    let changed = company.change(async |tx| {
        let department = company.employees.lock_department(&may, tx, sales).await?;
        let wanted = NewDepartment {
            code: Some(department.code.clone()),
            name: "Selling".parse().unwrap(),
            parent_id: None,
            manager_id: None,
        };
        company
            .employees
            .change_department(tx, department, wanted)
            .await
    });
    let changed = changed.await.unwrap();
    // Refused, and nothing is told.
    let create = permit::<CreateOrganisation>(&company.administrator());
    let again = NewDepartment {
        code: Some(changed.code.clone()),
        name: "Again".parse().unwrap(),
        parent_id: None,
        manager_id: None,
    };
    let refused = company
        .change(async |tx| {
            company
                .employees
                .create_department(&create, tx, again)
                .await
        })
        .await;
    assert!(refused.is_err());

    let feed = feed(&company).await;
    let code = changed.code.as_str();
    let department =
        |name| json!({"code": code, "name": name, "parent_id": null, "manager_id": null});
    assert_eq!(
        told_of(&feed, sales.uuid()),
        [
            ("department.created.v1", &department("Sales")),
            (
                "department.updated.v1",
                &with(json!({"changed": ["name"]}), &department("Selling"))
            ),
        ]
    );
    assert_eq!(told_of(&feed, job.uuid())[0].0, "job_title.created.v1");
    assert_eq!(feed.len(), 3);
}

#[tokio::test]
async fn whoever_is_imported_was_hired_and_who_is_not_was_not() {
    let company = Company::found().await;
    let on = &company.on;
    let limits = ImportLimits::DEFAULT;
    let imports = ImportService::new(on.database.clone(), Ambient::system(), Postgres, limits);
    let import = async |files: &[(Kind, &str)]| {
        let files = files
            .iter()
            .map(|(kind, text)| (*kind, kind.as_str(), text.as_bytes().to_vec()));
        let set = ImportSet::native(files);
        let how = ImportOptions::default();
        let imported =
            imports.import_as_operator(&on.acme, (set, how), Origin::default(), &|_, _, _| ());
        imported.await
    };
    let columns = "employee_number,first_name,last_name,hire_date,department_code,\
                   manager_number,pay_amount,pay_currency,pay_period\n";
    let bad = format!("{columns}1,Ada,King,2020-01-01,,9,,,\n");
    import(&[(Kind::Employees, &bad)]).await.unwrap_err();
    let good = format!(
        "{columns}1,Ada,King,2020-01-01,IT,,1000,EUR,monthly\n2,Bo,Lee,2021-01-01,IT,1,,,\n"
    );
    let departments = "code,name,manager_number\nIT,Computers,1\n";
    let files = [
        (Kind::Departments, departments),
        (Kind::Employees, good.as_str()),
    ];
    import(&files).await.unwrap();
    let past = "employee_number,first_day,last_day\n1,2018-01-01,2018-12-31\n";
    let imported = import(&[(Kind::EmploymentHistory, past)]).await;
    imported.unwrap();

    let feed = feed_of(&company, &on.acme).await;
    let kinds: Vec<_> = feed.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "employee.hired.v1",
            "employee.hired.v1",
            "department.created.v1",
            "employee.history_imported.v1",
        ]
    );
    let department = feed[2].subject_id;
    assert_eq!(feed[2].data["manager_id"], json!(feed[0].subject_id));
    assert_eq!(
        feed[0].data,
        with(
            with(
                json!({"hire_date": "2020-01-01", "compensation":
                    {"amount": "1000.00", "currency": "EUR", "pay_period": "monthly"}}),
                &no_terms()
            ),
            &json!({"department_id": department})
        )
    );
    assert_eq!(feed[1].data["manager_id"], json!(feed[0].subject_id));
    assert_eq!(feed[1].data.get("compensation"), None);
    assert_eq!(feed[3].subject_id, feed[0].subject_id);
}

//! What is recorded of what happens: each use case one record of each whom it changed, with what it was
//! and what it is.

use audit::Record;
use database::TenantContext;
use employees::{
    model::EndReason,
    permission::{CreateOrganisation, Update, UpdateOrganisation},
    service::{
        Edit, NewDepartment, NewJobTitle, NewLocation, Particulars, Promotion, Rehire, Terminate,
        Transfer,
    },
};
use serde_json::{Map, Value, json};
use testkit::audit_log;
use time::macros::date;
use uuid::Uuid;

use crate::company::{Company, back, leaving, monthly, paid, permit, somebody, under};

/// Everything that was recorded of a tenant, and the changes of each record, decrypted.
pub(crate) async fn records_of(company: &Company, tenant: &TenantContext) -> Vec<(Record, Value)> {
    let tx = company.on.database.begin_tenant_read(tenant).await.unwrap();
    let mut all = Vec::new();
    for record in audit::read_all(&tx).await.unwrap() {
        let personal = audit_log().personal(&tx, &record).await.unwrap();
        let personal = serde_json::to_value(personal).unwrap();
        let mut told = Map::new();
        for (field, change) in record.changes.as_object().unwrap() {
            let mut change = change.as_object().unwrap().clone();
            for said in ["class", "group"] {
                assert!(change.remove(said).is_some(), "{field}");
            }
            if change.remove("encrypted").is_some() {
                change.extend(personal[field].as_object().unwrap().clone());
            }
            told.insert(field.clone(), change.into());
        }
        all.push((record, told.into()));
    }
    tx.commit().await.unwrap();
    all
}

/// The actions and changes of what was written of something.
async fn written(company: &Company, target: Uuid) -> Vec<(String, Value)> {
    let all = records_of(company, company.initech()).await;
    let its = all.into_iter().filter(|(record, _)| {
        record.category == "data_write" && record.targets[0]["id"] == json!(target)
    });
    its.map(|(record, changes)| (record.action, changes))
        .collect()
}

fn is(after: impl Into<Value>) -> Value {
    json!({"after": after.into()})
}

fn was(before: impl Into<Value>, after: impl Into<Value>) -> Value {
    json!({"before": before.into(), "after": after.into()})
}

fn euros(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR", "pay_period": "monthly"})
}

#[tokio::test]
async fn each_step_of_a_career_leaves_one_record_with_its_change() {
    let company = Company::found().await;
    let sales = company.department("Sales").await;
    let head = company.job_title("Head").await;
    let king = company.person("King", None).await;
    let mut hire = somebody("Yang");
    hire.pay = Some(monthly("3000"));
    hire.work_email = Some("yang@example.com".parse().unwrap());
    let yang = company.hire(hire).await.unwrap().id;
    let transfer = Transfer {
        department: Edit::Set(sales),
        location: Edit::Clear,
        ..Transfer::on(date!(2021 - 01 - 01))
    };
    company.transfer(yang, transfer).await.unwrap();
    // Nothing changes, and nothing is recorded.
    company.transfer(yang, transfer).await.unwrap();
    let promotion = Promotion {
        effective_date: date!(2022 - 01 - 01),
        job_title: head,
        pay: Some(paid(date!(2022 - 01 - 01), "4000")),
    };
    company.promote(yang, promotion).await.unwrap();
    let raise = paid(date!(2023 - 01 - 01), "4500");
    company.pay(yang, raise).await.unwrap();
    company.pay(yang, raise).await.unwrap();
    // Agreed for later, and void with the end.
    let later = under(king, date!(2024 - 01 - 01));
    company.transfer(yang, later).await.unwrap();
    let gone = Terminate {
        reason: Some(EndReason::Resignation),
        successor: Some(king),
        ..leaving(date!(2023 - 06 - 30))
    };
    company.terminate(yang, gone).await.unwrap();
    company.terminate(yang, gone).await.unwrap();
    let rehire = Rehire {
        pay: Some(monthly("5000")),
        ..back(date!(2026 - 01 - 01))
    };
    company.rehire(yang, rehire).await.unwrap();
    let refused = company.rehire(yang, back(date!(2026 - 02 - 01))).await;
    assert!(refused.is_err());

    let terms = json!({"valid_from": "2024-01-01", "valid_to": null, "employment_type": "full_time",
        "department_id": sales, "job_title_id": head, "location_id": null, "manager_id": king});
    let expected = [
        (
            "employee.hired.v1",
            json!({
                "employee_number": is("1002"), "first_name": is("Ann"), "last_name": is("Yang"),
                "work_email": is("yang@example.com"), "hire_date": is("2020-01-01"),
                "original_hire_date": is("2020-01-01"), "employment_type": is("full_time"),
                "compensation": is(euros("3000.00")),
            }),
        ),
        (
            "employee.transferred.v1",
            json!({"effective_date": is("2021-01-01"), "department_id": was(Value::Null, json!(sales))}),
        ),
        (
            "employee.promoted.v1",
            json!({"effective_date": is("2022-01-01"), "job_title_id": was(Value::Null, json!(head))}),
        ),
        (
            "employee.compensation_changed.v1",
            json!({"effective_date": is("2022-01-01"),
                "compensation": was(euros("3000.00"), euros("4000.00"))}),
        ),
        (
            "employee.compensation_changed.v1",
            json!({"effective_date": is("2023-01-01"),
                "compensation": was(euros("4000.00"), euros("4500.00"))}),
        ),
        (
            "employee.transferred.v1",
            json!({"effective_date": is("2024-01-01"), "manager_id": was(Value::Null, json!(king))}),
        ),
        (
            "employee.terminated.v1",
            json!({"employed_until": was(Value::Null, "2023-07-01"), "reason": is("resignation"),
                "successor_id": is(json!(king)), "later_employments": {"before": [terms]}}),
        ),
        (
            "employee.rehired.v1",
            json!({"effective_date": is("2026-01-01"), "hire_date": was("2020-01-01", "2026-01-01"),
                "employed_until": was("2023-07-01", Value::Null),
                "employment_type": is("full_time"), "compensation": is(euros("5000.00"))}),
        ),
    ];
    let written = written(&company, yang.uuid()).await;
    for ((action, changes), (expected_action, expected)) in written.iter().zip(&expected) {
        assert_eq!((action.as_str(), changes), (*expected_action, expected));
    }
    assert_eq!(written.len(), expected.len());
}

#[tokio::test]
async fn whoever_comes_back_the_day_after_was_never_away() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let gone = Terminate {
        reason: Some(EndReason::Dismissal),
        ..leaving(date!(2026 - 12 - 31))
    };
    company.terminate(yang, gone).await.unwrap();
    // He leaves earlier, and nobody says why.
    let earlier = leaving(date!(2026 - 11 - 30));
    company.terminate(yang, earlier).await.unwrap();
    let resigned = Terminate {
        reason: Some(EndReason::Resignation),
        ..earlier
    };
    company.terminate(yang, resigned).await.unwrap();
    company
        .rehire(yang, back(date!(2026 - 12 - 01)))
        .await
        .unwrap();
    let written = written(&company, yang.uuid()).await;
    let changes: Vec<_> = written.into_iter().skip(1).map(|it| it.1).collect();
    assert_eq!(
        changes,
        [
            json!({"employed_until": was(Value::Null, "2027-01-01"), "reason": is("dismissal")}),
            json!({"employed_until": was("2027-01-01", "2026-12-01"),
                "reason": {"before": "dismissal"}}),
            json!({"reason": is("resignation")}),
            json!({"effective_date": is("2026-12-01"), "employed_until": was("2026-12-01", Value::Null),
                "reason": {"before": "resignation"}, "employment_type": is("full_time")}),
        ]
    );
}

#[tokio::test]
async fn those_who_are_handed_over_have_records_of_their_own() {
    let company = Company::found().await;
    let king = company.person("King", None).await;
    let yang = company.person("Yang", Some(king)).await;
    let (ann, bob) = (
        company.person("Ann", Some(yang)).await,
        company.person("Bob", None).await,
    );
    // Bob will report to him from a later day on.
    let moved = under(yang, date!(2027 - 03 - 01));
    company.transfer(bob, moved).await.unwrap();
    let gone = Terminate {
        successor: Some(ann),
        ..leaving(date!(2026 - 12 - 31))
    };
    company.terminate(yang, gone).await.unwrap();
    for (who, day, manager) in [(ann, "2027-01-01", king), (bob, "2027-03-01", ann)] {
        let written = written(&company, who.uuid()).await;
        let expected = json!({"effective_date": is(day),
            "manager_id": was(json!(yang), json!(manager))});
        let last = written.last().unwrap();
        assert_eq!(last, &("employee.transferred.v1".to_owned(), expected));
    }
}

#[tokio::test]
async fn an_edited_person_is_recorded_with_what_was_edited() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let actor = company.administrator();
    let may = permit::<Update>(&actor);
    let edit = async |last_name: &str, commits: bool| {
        let tx = company.on.database.begin_tenant(company.initech()).await;
        let tx = tx.unwrap();
        let employees = &company.employees;
        let person = employees.lock_employee(&may, &tx, yang).await.unwrap();
        let mut wanted = Particulars {
            number: person.number.clone(),
            name: person.name.clone(),
            work_email: Some("haan@example.com".parse().unwrap()),
            phone: None,
        };
        wanted.name.last = last_name.parse().unwrap();
        let updated = employees.update(&tx, &actor, person, wanted).await;
        updated.unwrap();
        if commits {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
    };
    edit("Rolled Back", false).await;
    edit("De Haan", true).await;
    edit("De Haan", true).await;
    let written = written(&company, yang.uuid()).await;
    assert_eq!(written.len(), 2, "{written:?}");
    assert_eq!(
        written.last().unwrap(),
        &(
            "employee.updated.v1".to_owned(),
            json!({"last_name": was("Yang", "De Haan"),
                "work_email": was(Value::Null, "haan@example.com")})
        )
    );
}

#[tokio::test]
async fn the_organisation_is_recorded_as_it_is_created_and_as_it_changes() {
    let company = Company::found().await;
    let employees = &company.employees;
    let create = permit::<CreateOrganisation>(&company.administrator());
    let may = permit::<UpdateOrganisation>(&company.administrator());
    let sales = company.department("Sales").await;
    let job = company.job_title("Clerk").await;
    let king = company.person("King", None).await;
    let place = |street: Option<&str>| NewLocation {
        code: Some("L".parse().unwrap()),
        name: "Oxford".parse().unwrap(),
        address: employees::model::PostalAddress {
            street: street.map(|it| it.parse().unwrap()),
            postal_code: None,
            city: None,
            region: None,
            country: "GB".parse().unwrap(),
        },
        time_zone: None,
    };
    let created = company
        .change(async |tx| {
            let new = place(None);
            employees.create_location(&create, tx, new).await
        })
        .await;
    let oxford = created.unwrap().id;
    for _ in 0..2 {
        let changed = company.change(async |tx| {
            let department = employees.lock_department(&may, tx, sales).await?;
            let wanted = NewDepartment {
                code: Some(department.code.clone()),
                name: "Selling".parse().unwrap(),
                parent_id: None,
                manager_id: Some(king),
            };
            employees.change_department(tx, department, wanted).await?;
            let title = employees.lock_job_title(&may, tx, job).await?;
            let money = |amount| kernel::Money::parse(amount, "EUR").unwrap();
            let wanted = NewJobTitle {
                code: Some(title.code.clone()),
                name: title.name.clone(),
                pay_range: employees::model::PayRange::new(money("1"), money("2")).ok(),
            };
            employees.change_job_title(tx, title, wanted).await?;
            let location = employees.lock_location(&may, tx, oxford).await?;
            let wanted = place(Some("High Street 1"));
            employees.change_location(tx, location, wanted).await
        });
        changed.await.unwrap();
    }
    // Refused, and nothing is recorded.
    let again = company.change(async |tx| {
        let new = place(None);
        employees.create_location(&create, tx, new).await
    });
    assert!(again.await.is_err());

    let money = |amount| json!({"amount": amount, "currency": "EUR"});
    let range = json!({"min": money("1.00"), "max": money("2.00")});
    for (target, name, created, updated) in [
        (
            sales.uuid(),
            "department",
            json!({"code": is("1001"), "name": is("Sales")}),
            json!({"name": was("Sales", "Selling"), "manager_id": was(Value::Null, json!(king))}),
        ),
        (
            job.uuid(),
            "job_title",
            json!({"code": is("1001"), "name": is("Clerk")}),
            json!({"pay_range": was(Value::Null, range)}),
        ),
        (
            oxford.uuid(),
            "location",
            json!({"code": is("L"), "name": is("Oxford"), "country": is("GB")}),
            json!({"street_address": was(Value::Null, "High Street 1")}),
        ),
    ] {
        assert_eq!(
            written(&company, target).await,
            [
                (format!("{name}.created.v1"), created),
                (format!("{name}.updated.v1"), updated)
            ]
        );
    }
}

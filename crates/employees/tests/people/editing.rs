use employees::{EmployeesError, model::EmployeeProfile, permission::Update, service::Particulars};
use kernel::{EmployeeId, ErrorKind};
use uuid::Uuid;

use crate::company::{Company, asked, named, permit, somebody};

async fn edit(
    company: &Company,
    id: EmployeeId,
    change: impl Fn(&mut Particulars),
) -> Result<EmployeeProfile, EmployeesError> {
    let actor = company.administrator();
    let permit = permit::<Update>(&actor);
    let employees = &company.employees;
    company
        .change(async |tx| {
            let person = employees.lock_employee(&permit, tx, id).await?;
            let mut wanted = Particulars {
                number: person.number.clone(),
                name: person.name.clone(),
                work_email: person.work_email.clone(),
                phone: person.phone.clone(),
            };
            change(&mut wanted);
            employees.update(tx, &actor, person, wanted).await
        })
        .await
}

#[tokio::test]
async fn who_is_called_something_else_is_found_by_it_and_not_by_what_he_was_called() {
    let company = Company::found().await;
    let yang = company.person("van der Berg", None).await;
    let shown = edit(&company, yang, |wanted| {
        wanted.name.last = "De Haan".parse().unwrap();
        wanted.work_email = Some("Haan@example.com".parse().unwrap());
    });
    let shown = shown.await.unwrap();
    assert_eq!(shown.stamp.version, 2);
    assert_eq!(shown.name.last.as_str(), "De Haan");
    let found = async |q| company.names(&asked(&[("q", q)]), 10).await.len();
    for (q, count) in [
        ("haan", 1),
        ("haan@", 1),
        ("berg", 0),
        ("van", 0),
        ("ann de", 1),
    ] {
        assert_eq!(found(q).await, count, "{q}");
    }
}

#[tokio::test]
async fn what_changes_nothing_is_no_new_version() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let before = company.show(yang).await.unwrap();
    assert_eq!(edit(&company, yang, |_| {}).await.unwrap(), before);
}

#[tokio::test]
async fn a_number_and_an_address_that_somebody_has_are_refused() {
    let company = Company::found().await;
    let mut king = somebody("King");
    king.work_email = Some("king@example.com".parse().unwrap());
    let king = company.hire(king).await.unwrap();
    let yang = company.person("Yang", None).await;
    let number = king.number.clone();
    let taken = edit(&company, yang, |wanted| wanted.number = number.clone()).await;
    assert_eq!(
        named(taken),
        (ErrorKind::Conflict, "/employee_number".to_owned(), "taken")
    );
    let taken = edit(&company, yang, |wanted| {
        wanted.work_email = Some("KING@example.com".parse().unwrap());
    });
    assert_eq!(
        named(taken.await),
        (ErrorKind::Conflict, "/work_email".to_owned(), "taken")
    );
    let nobody = edit(&company, Uuid::from_u128(404).into(), |_| {}).await;
    assert!(matches!(nobody, Err(EmployeesError::NotFound)));
}

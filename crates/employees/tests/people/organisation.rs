use employees::{
    EmployeesError,
    model::{Department, PayRange, PostalAddress},
    permission::{CreateOrganisation, UpdateOrganisation},
    service::{NewDepartment, NewJobTitle, NewLocation},
};
use kernel::{DepartmentId, DomainError as _, ErrorKind, Limit, ListQuery, Money, PageRequest};
use uuid::Uuid;

use crate::company::{Company, first_page, permit, read_organisation};

#[tokio::test]
async fn what_was_created_is_shown_as_it_was_answered() {
    let company = Company::found().await;
    let (employees, tenant) = (&company.employees, company.initech());
    let create = permit::<CreateOrganisation>(&company.administrator());
    let read = read_organisation(&company);

    let king = company.person("King", None).await;
    let top = company.department("Company").await;
    let new = NewDepartment {
        code: Some("sales".parse().unwrap()),
        name: "Sales".parse().unwrap(),
        parent_id: Some(top),
        manager_id: Some(king),
    };
    let sales = company
        .change(async |tx| company.employees.create_department(&create, tx, new).await)
        .await
        .unwrap();
    assert_eq!(sales.code.as_str(), "SALES");
    assert_eq!(
        employees.department(&read, tenant, sales.id).await.unwrap(),
        sales
    );

    let euro = |amount| Money::parse(amount, "EUR").unwrap();
    let new = NewJobTitle {
        code: None,
        name: "Sales Representative".parse().unwrap(),
        pay_range: Some(PayRange::new(euro("6000"), euro("12008")).unwrap()),
    };
    let job = company
        .change(async |tx| company.employees.create_job_title(&create, tx, new).await)
        .await
        .unwrap();
    assert_eq!(
        employees.job_title(&read, tenant, job.id).await.unwrap(),
        job
    );

    let new = NewLocation {
        code: None,
        name: "Oxford".parse().unwrap(),
        address: PostalAddress {
            street: Some("Magdalen Centre".parse().unwrap()),
            postal_code: Some("OX9 9ZB".parse().unwrap()),
            city: Some("Oxford".parse().unwrap()),
            region: None,
            country: "gb".parse().unwrap(),
        },
        time_zone: Some("Europe/London".parse().unwrap()),
    };
    let oxford = company
        .change(async |tx| company.employees.create_location(&create, tx, new).await)
        .await
        .unwrap();
    assert_eq!(
        employees.location(&read, tenant, oxford.id).await.unwrap(),
        oxford
    );

    // A neighbour in the pool has none of it.
    let neighbour = &company.on.umbrella;
    let foreign = employees.department(&read, neighbour, sales.id).await;
    assert!(matches!(foreign, Err(EmployeesError::NotFound)));
    let page = employees
        .locations(&read, neighbour, &by_name(), &first_page())
        .await
        .unwrap();
    assert!(page.items.is_empty());
}

#[tokio::test]
async fn a_code_belongs_to_one_department_of_a_company() {
    let company = Company::found().await;
    let create = permit::<CreateOrganisation>(&company.administrator());
    let new = |code: &str| NewDepartment {
        code: Some(code.parse().unwrap()),
        name: "Sales".parse().unwrap(),
        parent_id: None,
        manager_id: None,
    };
    company
        .change(async |tx| {
            company
                .employees
                .create_department(&create, tx, new("SALES"))
                .await
        })
        .await
        .unwrap();
    let error = company
        .change(async |tx| {
            company
                .employees
                .create_department(&create, tx, new("sales"))
                .await
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.fields()[0].pointer, "/code");
}

#[tokio::test]
async fn a_department_is_part_of_one_that_exists() {
    let company = Company::found().await;
    let create = permit::<CreateOrganisation>(&company.administrator());
    let new = NewDepartment {
        code: None,
        name: "Sales".parse().unwrap(),
        parent_id: Some(Uuid::from_u128(404).into()),
        manager_id: Some(Uuid::from_u128(404).into()),
    };
    let error = company
        .change(async |tx| company.employees.create_department(&create, tx, new).await)
        .await
        .unwrap_err();
    let fields: Vec<_> = error
        .fields()
        .into_iter()
        .map(|field| field.pointer)
        .collect();
    assert_eq!(fields, ["/parent_id", "/manager_id"]);
}

fn by_name() -> ListQuery {
    employees::lists::DEPARTMENTS.read([], |_| true).unwrap()
}

#[tokio::test]
async fn departments_are_listed_by_name_page_by_page() {
    let company = Company::found().await;
    for name in ["Sales", "finance", "Finance", "IT", "Legal"] {
        company.department(name).await;
    }
    let read = read_organisation(&company);
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let request = PageRequest {
            limit: Limit::new(2).unwrap(),
            after,
            count: true,
        };
        let page = company
            .employees
            .departments(&read, company.initech(), &by_name(), &request)
            .await
            .unwrap();
        assert_eq!(page.total, Some(5));
        names.extend(
            page.items
                .iter()
                .map(|item| item.name.as_str().to_lowercase()),
        );
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(names, ["finance", "finance", "it", "legal", "sales"]);
}

#[tokio::test]
async fn a_department_that_is_moved_stays_part_of_a_tree() {
    let company = Company::found().await;
    let (top, middle, bottom) = (
        company.department("Top").await,
        company.department("Middle").await,
        company.department("Bottom").await,
    );
    move_to(&company, middle, Some(top)).await.unwrap();
    move_to(&company, bottom, Some(middle)).await.unwrap();
    for (department, parent) in [(top, bottom), (top, middle), (middle, middle)] {
        let error = move_to(&company, department, Some(parent))
            .await
            .unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/parent_id");
        assert_eq!(error.fields()[0].code, "cycle");
    }
    let moved = move_to(&company, bottom, None).await.unwrap();
    assert_eq!((moved.parent_id, moved.stamp.version), (None, 3));
    let same = move_to(&company, bottom, None).await.unwrap();
    assert_eq!(same, moved, "what changes nothing makes no version");
}

#[tokio::test]
async fn two_departments_that_are_made_parts_of_each_other_at_once_do_not_both_become_so() {
    let company = Company::found().await;
    for round in 0..20 {
        let one = company.department(&format!("One {round}")).await;
        let other = company.department(&format!("Other {round}")).await;
        let (there, back) = tokio::join!(
            move_to(&company, one, Some(other)),
            move_to(&company, other, Some(one))
        );
        assert!(there.is_ok() != back.is_ok(), "{there:?} {back:?}");
    }
}

async fn move_to(
    company: &Company,
    id: DepartmentId,
    parent_id: Option<DepartmentId>,
) -> Result<Department, EmployeesError> {
    let update = permit::<UpdateOrganisation>(&company.administrator());
    company
        .change(async |tx| {
            let department = company.employees.lock_department(&update, tx, id).await?;
            let wanted = NewDepartment {
                code: Some(department.code.clone()),
                name: department.name.clone(),
                parent_id,
                manager_id: department.manager_id,
            };
            let employees = &company.employees;
            employees.change_department(tx, department, wanted).await
        })
        .await
}

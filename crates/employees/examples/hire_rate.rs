//! How many people eight tasks hire a second into one company, each of whom draws a number: what
//! adr/0007 quotes. Takes the seconds to run as its argument, and the test server's URL from
//! `HRMS_TEST_DATABASE_URL`.
#![expect(clippy::unwrap_used, reason = "nothing is measured without a server")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use access::RoleAuthorizer;
use database::{DatabaseSettings, StoreError};
use employees::{
    EmployeeService,
    model::{EmploymentType, PersonName},
    permission::Create,
    postgres::Postgres,
    repository::References,
    service::Hire,
};
use kernel::{Actor, Ambient, Permit, RoleName};
use testkit::{ACME, TestDatabase};
use time::macros::date;
use uuid::Uuid;

const TASKS: usize = 8;

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(5));
    let test = TestDatabase::create().await;
    let settings = DatabaseSettings {
        pool_size: 10,
        ..test.settings()
    };
    let (database, authority) = test.connect(settings).await;
    let acme = authority.tenant(ACME.record());
    let actor = Actor {
        tenant_id: acme.id(),
        is_platform: false,
        user_id: Uuid::from_u128(1).into(),
        session_id: Uuid::from_u128(2).into(),
        employee_id: None,
        roles: [RoleName::new("administrator")].into(),
    };
    let permit: Permit<Create> = Permit::obtain(&RoleAuthorizer, &actor).unwrap();
    let employees = EmployeeService::new(
        database.clone(),
        Ambient::system(),
        Arc::new(RoleAuthorizer),
        Postgres,
        testkit::audit_log(),
    );
    let begun = Instant::now();
    let hiring = async || {
        let mut hired = 0_u32;
        while begun.elapsed() < time {
            let tx = database.begin_tenant(&acme).await?;
            let done = employees.hire(&permit, &tx, &actor, somebody()).await;
            done.unwrap();
            tx.commit().await?;
            hired += 1;
        }
        Ok::<u32, StoreError>(hired)
    };
    let tasks = (0..TASKS).map(|_| hiring());
    let hired: u32 = futures_util::future::try_join_all(tasks)
        .await
        .unwrap()
        .into_iter()
        .sum();
    let rate = f64::from(hired) / begun.elapsed().as_secs_f64();
    println!("{rate:.0} people hired a second by {TASKS} tasks");
}

fn somebody() -> Hire {
    Hire {
        number: None,
        name: PersonName {
            first: "Ann".parse().unwrap(),
            last: "Yang".parse().unwrap(),
        },
        work_email: None,
        phone: None,
        hire_date: date!(2020 - 01 - 01),
        employment_type: EmploymentType::FullTime,
        references: References {
            department: None,
            job_title: None,
            location: None,
            manager: None,
        },
        pay: None,
    }
}

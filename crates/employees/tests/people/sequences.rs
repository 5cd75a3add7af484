//! Whatever is done in whatever order, and whatever is refused of it: what must hold holds.

use std::collections::{BTreeMap, BTreeSet};

use employees::{
    model::{EmploymentStatus, Tenures},
    service::{Edit, Promotion, Rehire, Terminate, Transfer},
};
use kernel::{DateRange, EmployeeId};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use sea_orm::FromQueryResult;
use time::{Date, Duration};
use uuid::Uuid;

use crate::company::{Company, TODAY, back, monthly, paid, somebody};

const PEOPLE: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Report(usize, Option<usize>, i64),
    Move(usize, usize, i64),
    Promote(usize, usize, i64),
    Pay(usize, u16, i64),
    Leave(usize, Option<usize>, i64),
    Return(usize, Option<usize>, i64),
}

/// Days are in steps of some, so that they meet.
fn step() -> impl Strategy<Value = Step> {
    let who = || 0..PEOPLE;
    let day = || (-12_i64..12).prop_map(|at| at * 20);
    prop_oneof![
        3 => (who(), prop::option::of(who()), day()).prop_map(|(a, b, at)| Step::Report(a, b, at)),
        2 => (who(), 0_usize..2, day()).prop_map(|(a, b, at)| Step::Move(a, b, at)),
        1 => (who(), 0_usize..2, day()).prop_map(|(a, b, at)| Step::Promote(a, b, at)),
        2 => (who(), 1_u16..4, day()).prop_map(|(a, b, at)| Step::Pay(a, b, at)),
        2 => (who(), prop::option::of(who()), day()).prop_map(|(a, b, at)| Step::Leave(a, b, at)),
        2 => (who(), prop::option::of(who()), day()).prop_map(|(a, b, at)| Step::Return(a, b, at)),
    ]
}

#[derive(Debug, FromQueryResult)]
struct Period {
    employee_id: Uuid,
    valid_from: Date,
    valid_to: Option<Date>,
    manager_id: Option<Uuid>,
    cause: Option<String>,
    end_reason: Option<String>,
}

#[derive(Debug, FromQueryResult)]
struct Person {
    id: Uuid,
    original_hire_date: Date,
    hire_date: Date,
    employed_until: Option<Date>,
}

const HORIZON: i64 = 320;

fn days() -> impl Iterator<Item = Date> {
    (-HORIZON..HORIZON)
        .step_by(10)
        .map(|at| TODAY + Duration::days(at))
}

async fn check(company: &Company, people: &[EmployeeId]) {
    let database = &company.on.database;
    let tx = database.begin_tenant_read(company.initech()).await.unwrap();
    let ids: Vec<Uuid> = people.iter().map(|id| id.uuid()).collect();
    let persons: Vec<Person> = tx
        .rows(
            "SELECT id, original_hire_date, hire_date, employed_until FROM employees \
             WHERE id = ANY($1)",
            [ids.clone().into()],
        )
        .await
        .unwrap();
    let employments: Vec<Period> = tx
        .rows(
            "SELECT employee_id, valid_from, valid_to, manager_id, cause, end_reason \
             FROM employments WHERE employee_id = ANY($1) ORDER BY valid_from",
            [ids.clone().into()],
        )
        .await
        .unwrap();
    let pay: Vec<Period> = tx
        .rows(
            "SELECT employee_id, valid_from, valid_to, NULL::uuid AS manager_id, \
             NULL AS cause, NULL AS end_reason FROM compensations \
             WHERE employee_id = ANY($1) ORDER BY valid_from",
            [ids.into()],
        )
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let range = |it: &Period| DateRange::new(it.valid_from, it.valid_to).unwrap();
    for person in &persons {
        let own: Vec<&Period> = employments
            .iter()
            .filter(|it| it.employee_id == person.id)
            .collect();
        for (one, next) in own.iter().zip(own.iter().skip(1)) {
            assert!(!range(one).overlaps(&range(next)));
            // Only where a service ends there is a reason, and only within one a cause.
            assert!(one.end_reason.is_none() || !range(one).meets(&range(next)));
            assert!(next.cause.is_none() || range(one).meets(&range(next)));
        }
        let (first, last) = (own.first().unwrap(), own.last().unwrap());
        assert_eq!(last.valid_to, person.employed_until);
        assert_eq!(first.valid_from, person.original_hire_date);
        let service = DateRange::new(person.hire_date, person.employed_until).unwrap();
        let tenures = Tenures::of(own.iter().map(|it| range(it)), service);
        assert_eq!(tenures.service(person.hire_date), Some(service));
        for it in pay.iter().filter(|it| it.employee_id == person.id) {
            assert!(tenures.service(it.valid_from).unwrap().includes(&range(it)));
        }
        // Within a service a status never goes back, and as of today it is what is stored.
        let mut before = EmploymentStatus::Scheduled;
        for day in days() {
            let standing = tenures.on(day);
            let shown = company.on(person.id.into(), day).await;
            assert_eq!(shown.status, standing.status);
            let came_back = before == EmploymentStatus::Terminated && day >= standing.hire_date;
            let rank = |status| EmploymentStatus::ALL.iter().position(|it| *it == status);
            assert!(came_back || rank(standing.status) >= rank(before));
            before = standing.status;
        }
        let stored = EmploymentStatus::on(
            TODAY,
            person.original_hire_date,
            person.hire_date,
            person.employed_until,
        );
        assert_eq!(tenures.on(TODAY).status, stored);
    }
    for day in days() {
        let managers: BTreeMap<Uuid, Uuid> = employments
            .iter()
            .filter(|it| range(it).contains(day))
            .filter_map(|it| Some((it.employee_id, it.manager_id?)))
            .collect();
        for start in managers.keys() {
            let mut met = BTreeSet::new();
            let mut at = *start;
            while let Some(above) = managers.get(&at) {
                assert!(met.insert(at), "{day}: a circle through {at}");
                at = *above;
            }
        }
        for manager in managers.values().filter(|_| day >= TODAY) {
            let works = |it: &&Period| it.employee_id == *manager && range(it).contains(day);
            assert!(
                employments.iter().any(|it| works(&it)),
                "{day}: {manager} is gone"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_stay_whole_whatever_is_done() {
    let company = Company::found().await;
    let departments = [company.department("A").await, company.department("B").await];
    let jobs = [company.job_title("A").await, company.job_title("B").await];
    let mut runner = TestRunner::deterministic();
    let sequences = prop::collection::vec(step(), 30);
    let (mut done, mut refused) = (0, 0);
    for _ in 0..12 {
        let mut people = Vec::new();
        for name in ["One", "Two", "Three", "Four"] {
            let mut hire = somebody(name);
            hire.hire_date = TODAY - Duration::days(260);
            people.push(company.hire(hire).await.unwrap().id);
        }
        let steps = sequences.new_tree(&mut runner).unwrap().current();
        for step in &steps {
            let day = |at: i64| TODAY + Duration::days(at);
            let somebody = |at: Option<usize>| at.map(|at| people[at]);
            let outcome = match *step {
                Step::Report(who, manager, at) => {
                    let transfer = Transfer {
                        manager: somebody(manager).map_or(Edit::Clear, Edit::Set),
                        ..Transfer::on(day(at))
                    };
                    company.transfer(people[who], transfer).await
                }
                Step::Move(who, department, at) => {
                    let transfer = Transfer {
                        department: Edit::Set(departments[department]),
                        ..Transfer::on(day(at))
                    };
                    company.transfer(people[who], transfer).await
                }
                Step::Promote(who, job, at) => {
                    let promotion = Promotion {
                        effective_date: day(at),
                        job_title: jobs[job],
                        pay: None,
                    };
                    company.promote(people[who], promotion).await
                }
                Step::Pay(who, amount, at) => {
                    let change = paid(day(at), &format!("{amount}000"));
                    company.pay(people[who], change).await
                }
                Step::Leave(who, successor, at) => {
                    let terminate = Terminate {
                        last_day: day(at),
                        reason: Some("other".parse().unwrap()),
                        successor: somebody(successor),
                    };
                    company.terminate(people[who], terminate).await
                }
                Step::Return(who, manager, at) => {
                    let rehire = Rehire {
                        references: employees::repository::References {
                            manager: somebody(manager),
                            ..back(TODAY).references
                        },
                        pay: Some(monthly("1000")),
                        ..back(day(at))
                    };
                    company.rehire(people[who], rehire).await
                }
            };
            match outcome {
                Ok(_) => done += 1,
                Err(_) => refused += 1,
            }
        }
        check(&company, &people).await;
    }
    assert!(done > 100 && refused > 50, "{done} done, {refused} refused");
}

//! Who reports to whom, on every day.

use std::sync::Arc;

use employees::service::{Edit, Terminate, Transfer};
use futures_util::future::join_all;
use kernel::{DomainError as _, EmployeeId, ErrorKind};
use time::{Duration, macros::date};

use crate::company::{Company, TODAY, leaving, named, somebody, under};

const CYCLE: &str = "cycle";

#[tokio::test]
async fn nobody_reports_to_himself_directly_or_through_others_on_any_day() {
    let company = Company::found().await;
    let king = company.person("King", None).await;
    let yang = company.person("Yang", Some(king)).await;
    let garcia = company.person("Garcia", Some(yang)).await;
    let cycle = (ErrorKind::ValidationFailed, "/manager_id".to_owned(), CYCLE);
    for below in [king, yang, garcia] {
        for day in [date!(2020 - 01 - 01), TODAY, date!(2030 - 01 - 01)] {
            assert_eq!(
                named(company.transfer(king, under(below, day)).await),
                cycle
            );
        }
    }
    // Garcia will report to nobody from 2027 on: then, and not before, he may lead.
    let free = date!(2027 - 01 - 01);
    let transfer = Transfer {
        manager: Edit::Clear,
        ..Transfer::on(free)
    };
    company.transfer(garcia, transfer).await.unwrap();
    let day = free - Duration::DAY;
    assert_eq!(
        named(company.transfer(king, under(garcia, day)).await),
        cycle
    );
    company.transfer(king, under(garcia, free)).await.unwrap();
    // And what was recorded for later is looked at too: from 2025 on Garcia would report to King.
    let early = under(king, date!(2025 - 01 - 01));
    company.transfer(garcia, early).await.unwrap();
    assert_eq!(
        named(company.transfer(garcia, under(king, free)).await),
        cycle
    );
    assert_eq!(company.manager_on(garcia, TODAY).await.unwrap(), "Ann King");
    assert_eq!(company.manager_on(king, free).await.unwrap(), "Ann Garcia");
}

#[tokio::test]
async fn a_manager_works_here_for_as_long_as_he_leads() {
    let company = Company::found().await;
    let yang = company.person("Yang", None).await;
    let king = company.person("King", None).await;
    company
        .terminate(king, leaving(TODAY + Duration::days(30)))
        .await
        .unwrap();
    let refused = named(company.transfer(yang, under(king, TODAY)).await);
    let gone = (
        ErrorKind::ValidationFailed,
        "/manager_id".to_owned(),
        "not_active",
    );
    assert_eq!(refused, gone);
    // Until somebody else does, he may.
    let next = company.person("Next", None).await;
    let from = TODAY + Duration::days(31);
    company.transfer(yang, under(next, from)).await.unwrap();
    company.transfer(yang, under(king, TODAY)).await.unwrap();
    assert_eq!(
        company
            .manager_on(yang, from - Duration::DAY)
            .await
            .unwrap(),
        "Ann King"
    );
    assert_eq!(company.manager_on(yang, from).await.unwrap(), "Ann Next");
    let mut hire = somebody("New");
    hire.references.manager = Some(king);
    assert_eq!(named(company.hire(hire).await).2, "not_active");
}

/// At READ COMMITTED both would look up, see nobody, and make the circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_managers_who_are_made_each_others_boss_at_once_one_is() {
    let company = Company::found().await;
    for round in 0..25 {
        let one = company.person("One", None).await;
        let two = company.person("Two", None).await;
        let both = [
            company.transfer(one, under(two, TODAY)),
            company.transfer(two, under(one, TODAY)),
        ];
        let (done, refused): (Vec<_>, Vec<_>) =
            join_all(both).await.into_iter().partition(Result::is_ok);
        assert_eq!((done.len(), refused.len()), (1, 1), "{round}");
        for refused in refused {
            assert_eq!(named(refused).2, CYCLE);
        }
    }
}

/// Through others, and on days that do not all overlap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_that_is_closed_by_all_at_once_stays_open() {
    let company = Company::found().await;
    for _ in 0..8 {
        let mut ring: Vec<EmployeeId> = Vec::new();
        for name in ["A", "B", "C", "D"] {
            ring.push(company.person(name, None).await);
        }
        let next = |at: usize| ring[(at + 1) % ring.len()];
        let closing = (0..ring.len()).map(|at| {
            let from = TODAY + Duration::days(i64::try_from(at).unwrap());
            company.transfer(ring[at], under(next(at), from))
        });
        let refused = join_all(closing)
            .await
            .into_iter()
            .filter(Result::is_err)
            .count();
        assert_eq!(refused, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_transfers_of_one_employee_at_once_are_done_one_after_the_other() {
    let company = Arc::new(Company::found().await);
    let yang = company.person("Yang", None).await;
    let mut departments = Vec::new();
    for number in 0..50 {
        departments.push(company.department(&format!("D{number}")).await);
    }
    let transferring: Vec<_> = departments
        .iter()
        .copied()
        .enumerate()
        .map(|(at, department)| {
            let company = Arc::clone(&company);
            // Each day of two months, some of them twice, in no order.
            let offset = i64::try_from(at * 37 % 40).unwrap();
            let day = TODAY - Duration::days(20) + Duration::days(offset);
            let transfer = Transfer {
                department: Edit::Set(department),
                ..Transfer::on(day)
            };
            telemetry::spawn(async move {
                let done = company.transfer(yang, transfer).await;
                done.map(|_| day)
            })
        })
        .collect();
    let mut days = Vec::new();
    for done in transferring {
        days.push(done.await.unwrap().unwrap());
    }
    days.sort_unstable();
    days.dedup();
    let history = company.employments(yang).await;
    let mut begins: Vec<_> = history.iter().map(|it| it.valid_from).collect();
    begins.reverse();
    assert_eq!(begins.split_first().unwrap().0, &date!(2020 - 01 - 01));
    assert_eq!(begins.split_first().unwrap().1, days);
    for (later, earlier) in history.iter().zip(history.iter().skip(1)) {
        assert_eq!(earlier.valid_to, Some(later.valid_from));
    }
    assert_eq!(company.show(yang).await.unwrap().stamp.version, 51);
}

/// Whoever is first: the other one sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_hired_under_a_manager_who_is_being_terminated() {
    let company = Company::found().await;
    let mut outcomes = [0, 0];
    for round in 0..30 {
        let king = company.person("King", None).await;
        let mut hire = somebody("Yang");
        hire.references.manager = Some(king);
        let hiring = async {
            later(round % 4).await;
            company.hire(hire).await.map(drop)
        };
        let terminating = async {
            later((round + 2) % 5).await;
            company.terminate(king, leaving(TODAY)).await.map(drop)
        };
        match futures_util::join!(hiring, terminating) {
            (Ok(()), Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::StateConflict);
                outcomes[0] += 1;
            }
            (Err(error), Ok(())) => {
                assert_eq!(error.fields()[0].code, "not_active");
                outcomes[1] += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?}");
}

async fn later(turns: usize) {
    for _ in 0..turns {
        tokio::time::sleep(std::time::Duration::from_micros(400)).await;
    }
}

/// Each is the other's successor: the second one finds that his has left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_leave_at_once_do_not_succeed_each_other() {
    let company = Company::found().await;
    for _ in 0..10 {
        let one = company.person("One", None).await;
        let two = company.person("Two", None).await;
        company.person("Report", Some(one)).await;
        company.person("Report", Some(two)).await;
        let leave = |id, successor| {
            let terminate = Terminate {
                successor: Some(successor),
                ..leaving(TODAY)
            };
            company.terminate(id, terminate)
        };
        let (first, second) = futures_util::join!(leave(one, two), leave(two, one));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let refused = [first, second].into_iter().find(Result::is_err).unwrap();
        assert_eq!(named(refused).2, "not_active");
    }
}

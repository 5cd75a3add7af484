//! The sample companies that ship with the platform.

use std::{collections::HashSet, path::Path, sync::Arc};

use kernel::{Ambient, FixedClock, SeededEntropy};
use time::macros::{date, datetime};

use super::{Batch, CheckedDraft, Draft, ImportLimits, ImportMode, ImportSet, Known, tests::whole};

fn draft(company: &str) -> CheckedDraft {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/samples");
    let set = ImportSet::from_folder(&samples.join(company), None).unwrap();
    let draft = Draft::read(set.into(), ImportLimits::DEFAULT);
    let checked = draft.check(Known::default(), ImportMode::Atomic, date!(2026 - 03 - 01));
    checked.unwrap()
}

fn plan(company: &str) -> Batch {
    let ambient = Ambient::new(
        Arc::new(FixedClock::at(datetime!(2026-03-01 12:00 UTC))),
        Arc::new(SeededEntropy::new(1)),
    );
    whole(draft(company).plan(Vec::new(), &ambient).unwrap())
}

#[test]
fn every_sample_company_comes_in() {
    for (company, people, departments) in [("acme", 60, 14), ("globex", 25, 5)] {
        let report = draft(company).report();
        assert_eq!(
            (report.employees, report.departments),
            (people, departments),
            "{company}"
        );
    }
}

#[test]
fn every_sample_company_has_one_at_the_top_and_people_in_every_department() {
    for company in ["acme", "globex"] {
        let plan = plan(company);
        let tops = plan.employees.iter().filter(|employee| {
            let mut employments = plan.employments.iter();
            let present = employments.find(|one| one.employee_id == employee.id);
            present.is_some_and(|present| present.terms.manager_id.is_none())
        });
        assert_eq!(tops.count(), 1, "{company}");
        let staffed: HashSet<_> = plan
            .employments
            .iter()
            .filter_map(|one| one.terms.department_id)
            .collect();
        assert_eq!(staffed.len(), plan.departments.len(), "{company}");
    }
}

#[test]
fn nobody_in_a_sample_is_paid_outside_his_range_in_its_currency() {
    for company in ["acme", "globex"] {
        let plan = plan(company);
        for pay in &plan.compensations {
            let mut employments = plan.employments.iter();
            let at = employments
                .find(|one| one.employee_id == pay.employee_id)
                .unwrap();
            let job = plan
                .job_titles
                .iter()
                .find(|job| Some(job.id) == at.terms.job_title_id)
                .unwrap();
            let Some(range) = job.pay_range else { continue };
            let amount = pay.remuneration.pay.amount();
            let comparable = amount.currency() == range.min().currency()
                && !matches!(at.terms.employment_type.as_str(), "part_time" | "contract");
            if comparable {
                let inside = range.min().minor_units()..=range.max().minor_units();
                assert!(
                    inside.contains(&amount.minor_units()),
                    "{company}: {}",
                    job.code
                );
            }
        }
    }
}

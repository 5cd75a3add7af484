//! Somebody else's data, as it is: the HR sample of Oracle Database with the mapping that ships
//! with the platform.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use kernel::{Ambient, EmployeeId, FixedClock, SeededEntropy};
use time::macros::{date, datetime};

use super::{
    Batch, CheckedDraft, Draft, ImportLimits, ImportMode, ImportReport, ImportSet, Known, Mapping,
    tests::whole,
};
use crate::model::{Employee, Employment, PayPeriod};

const MAPPING: &str = include_str!("../../../../deploy/mappings/oracle_hr.toml");

/// The sample is not part of the project: it lies beside it or not at all.
pub(crate) fn sample() -> Option<ImportSet> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("../shared/data/oracle_hr");
    if !folder.is_dir() {
        eprintln!(
            "skipped: the Oracle HR sample is not at {}",
            folder.display()
        );
        return None;
    }
    let options = BTreeMap::from([("mail_domain".to_owned(), "acme.example".to_owned())]);
    let mapping = Mapping::parse(MAPPING)
        .unwrap()
        .with_options(&options)
        .unwrap();
    Some(ImportSet::from_folder(&folder, Some(mapping)).unwrap())
}

fn draft() -> Option<CheckedDraft> {
    let draft = Draft::read(sample()?.into(), ImportLimits::DEFAULT);
    let checked = draft.check(Known::default(), ImportMode::Atomic, date!(2026 - 03 - 01));
    Some(checked.unwrap())
}

fn plan() -> Option<Batch> {
    let ambient = Ambient::new(
        Arc::new(FixedClock::at(datetime!(2026-03-01 12:00 UTC))),
        Arc::new(SeededEntropy::new(1)),
    );
    Some(whole(draft()?.plan(Vec::new(), &ambient).unwrap()))
}

fn employee<'a>(plan: &'a Batch, number: &str) -> &'a Employee {
    let mut employees = plan.employees.iter();
    employees
        .find(|employee| employee.number.as_str() == number)
        .unwrap()
}

/// The employments of somebody, the oldest first.
fn employments<'a>(plan: &'a Batch, number: &str) -> Vec<&'a Employment> {
    let id = employee(plan, number).id;
    let of = plan
        .employments
        .iter()
        .filter(|employment| employment.employee_id == id);
    let mut employments: Vec<_> = of.collect();
    employments.sort_by_key(|employment| employment.period.from());
    employments
}

fn days(employment: &Employment) -> String {
    let end = employment
        .period
        .to()
        .map_or_else(|| "…".to_owned(), |day| day.to_string());
    format!("{} {end}", employment.period.from())
}

#[test]
fn every_row_comes_in() {
    let (Some(draft), Some(plan)) = (draft(), plan()) else {
        return;
    };
    assert_eq!(
        draft.report(),
        ImportReport {
            departments: 27,
            job_titles: 19,
            locations: 23,
            employees: 107,
            past_employments: 10,
            compensations: 107,
        }
    );
    assert_eq!(plan.employments.len(), 117);
    let open = plan
        .employments
        .iter()
        .filter(|employment| employment.period.to().is_none());
    assert_eq!(open.count(), 107);
}

#[test]
fn king_is_at_the_top_of_all() {
    let Some(plan) = plan() else { return };
    let king = employee(&plan, "100").id;
    let manager = |id: EmployeeId| {
        let mut employments = plan.employments.iter();
        let current = employments.find(|e| e.employee_id == id && e.period.to().is_none());
        current.unwrap().terms.manager_id
    };
    for employee in &plan.employees {
        let mut top = employee.id;
        for _ in 0..10 {
            top = manager(top).unwrap_or(top);
        }
        assert_eq!(top, king, "{}", employee.name);
    }
}

#[test]
fn yang_came_back_after_two_earlier_employments() {
    let Some(plan) = plan() else { return };
    let yang = employments(&plan, "101");
    let days: Vec<String> = yang.iter().map(|employment| days(employment)).collect();
    assert_eq!(
        days,
        [
            "2007-09-21 2011-10-28",
            "2011-10-28 2015-03-16",
            "2015-09-21 …"
        ]
    );
    assert!(
        yang[0].terms.job_title_id != yang[1].terms.job_title_id
            && yang[0].terms.manager_id.is_none()
    );
}

#[test]
fn the_present_employment_begins_after_the_last_earlier_one_and_the_hire_date_stays() {
    let Some(plan) = plan() else { return };
    let li = employments(&plan, "114");
    assert_eq!(days(li[0]), "2016-03-24 2018-01-01");
    assert_eq!(days(li[1]), "2018-01-01 …");
    assert_eq!(employee(&plan, "114").hire_date, date!(2012 - 12 - 07));
}

#[test]
fn people_get_addresses_pay_commission_and_the_place_of_their_department() {
    let Some(plan) = plan() else { return };
    let singh = employee(&plan, "145");
    assert_eq!(
        singh.work_email.as_ref().unwrap().as_str(),
        "jsingh@acme.example"
    );
    let pay = plan
        .compensations
        .iter()
        .find(|pay| pay.employee_id == singh.id)
        .unwrap();
    assert_eq!(pay.remuneration.pay.amount().to_string(), "14000.00 USD");
    assert_eq!(pay.remuneration.pay.period(), PayPeriod::Monthly);
    assert_eq!(pay.remuneration.commission.unwrap().basis_points(), 4_000);
    let oxford = plan
        .locations
        .iter()
        .find(|location| location.code.as_str() == "2500")
        .unwrap();
    assert_eq!(
        employments(&plan, "145")[0].terms.location_id,
        Some(oxford.id)
    );
    assert_eq!(oxford.address.country.as_str(), "GB");
}

#[test]
fn who_has_no_department_has_none() {
    let Some(plan) = plan() else { return };
    let grant = employments(&plan, "178");
    assert_eq!(grant[0].terms.department_id, None);
    assert!(grant[0].terms.manager_id.is_some());
}

#[test]
fn a_department_has_its_manager_and_a_job_its_range_of_pay() {
    let Some(plan) = plan() else { return };
    let sales = plan
        .departments
        .iter()
        .find(|department| department.name.as_str() == "Sales");
    assert_eq!(sales.unwrap().manager_id, Some(employee(&plan, "145").id));
    let president = plan
        .job_titles
        .iter()
        .find(|job| job.code.as_str() == "AD_PRES")
        .unwrap();
    assert_eq!(
        president.pay_range.unwrap().max().to_string(),
        "40000.00 USD"
    );
}

//! What is recorded of changes: people, terms, pay and organisation, field by field, as the API writes
//! them.

use kernel::{
    DateRange, EmailAddress, EmployeeId, Money, TimeZone,
    audit::{Audited, FieldChange, changes},
    field::FieldDeclaration,
};
use serde_json::{Map, Value, json};
use time::Date;

use super::{
    Department, Employee, EndReason, History, JobTitle, Location, Name, PhoneNumber, Remuneration,
    Terms,
    fields::{
        CITY, CODE, COMPENSATION, COUNTRY, DEPARTMENT_ID, EFFECTIVE_DATE, EMPLOYED_UNTIL,
        EMPLOYEE_NUMBER, EMPLOYMENT_TYPE, FIRST_NAME, HIRE_DATE, JOB_TITLE_ID, LAST_NAME,
        LATER_COMPENSATIONS, LATER_EMPLOYMENTS, LED_BY, LOCATION_ID, MANAGER_ID, NAME,
        ORIGINAL_HIRE_DATE, PARENT_ID, PAST_EMPLOYMENTS, PAY_RANGE, PHONE, POSTAL_CODE, REASON,
        REGION, STREET_ADDRESS, SUCCESSOR_ID, TIME_ZONE, WORK_EMAIL,
    },
};

fn day(date: Date) -> Value {
    date.to_string().into()
}

fn money(money: Money) -> Value {
    json!({"amount": money.amount().to_string(), "currency": money.currency().code()})
}

impl Audited for Employee {
    fn audited(&self) -> Vec<(FieldDeclaration, Value)> {
        let email = self.work_email.as_ref().map(EmailAddress::as_str);
        let phone = self.phone.as_ref().map(PhoneNumber::as_str);
        vec![
            (EMPLOYEE_NUMBER, self.number.as_str().into()),
            (FIRST_NAME, self.name.first.as_str().into()),
            (LAST_NAME, self.name.last.as_str().into()),
            (WORK_EMAIL, email.into()),
            (PHONE, phone.into()),
            (HIRE_DATE, day(self.hire_date)),
            (ORIGINAL_HIRE_DATE, day(self.original_hire_date)),
            (EMPLOYED_UNTIL, self.employed_until.map(day).into()),
        ]
    }
}

impl Audited for Terms {
    fn audited(&self) -> Vec<(FieldDeclaration, Value)> {
        vec![
            (EMPLOYMENT_TYPE, self.employment_type.as_str().into()),
            (DEPARTMENT_ID, json!(self.department_id)),
            (JOB_TITLE_ID, json!(self.job_title_id)),
            (LOCATION_ID, json!(self.location_id)),
            (MANAGER_ID, json!(self.manager_id)),
        ]
    }
}

impl Audited for Remuneration {
    fn audited(&self) -> Vec<(FieldDeclaration, Value)> {
        let mut pay = money(self.pay.amount());
        if let Value::Object(pay) = &mut pay {
            let period = self.pay.period().as_str();
            pay.insert("pay_period".to_owned(), period.into());
            let commission = self.commission.map(|share| share.percent().to_string());
            pay.extend(commission.map(|it| ("commission_percent".to_owned(), it.into())));
        }
        vec![(COMPENSATION, pay)]
    }
}

impl Audited for Department {
    fn audited(&self) -> Vec<(FieldDeclaration, Value)> {
        vec![
            (CODE, self.code.as_str().into()),
            (NAME, self.name.as_str().into()),
            (PARENT_ID, json!(self.parent_id)),
            (LED_BY, json!(self.manager_id)),
        ]
    }
}

impl Audited for JobTitle {
    fn audited(&self) -> Vec<(FieldDeclaration, Value)> {
        let range = self.pay_range;
        let range = range.map(|it| json!({"min": money(it.min()), "max": money(it.max())}));
        vec![
            (CODE, self.code.as_str().into()),
            (NAME, self.name.as_str().into()),
            (PAY_RANGE, range.into()),
        ]
    }
}

impl Audited for Location {
    fn audited(&self) -> Vec<(FieldDeclaration, Value)> {
        let line = |line: &Option<Name>| line.as_ref().map(Name::as_str).into();
        let address = &self.address;
        vec![
            (CODE, self.code.as_str().into()),
            (NAME, self.name.as_str().into()),
            (STREET_ADDRESS, line(&address.street)),
            (POSTAL_CODE, line(&address.postal_code)),
            (CITY, line(&address.city)),
            (REGION, line(&address.region)),
            (COUNTRY, address.country.as_str().into()),
            (
                TIME_ZONE,
                self.time_zone.as_ref().map(TimeZone::name).into(),
            ),
        ]
    }
}

/// Something that is there now.
fn new(field: FieldDeclaration, value: Value) -> FieldChange {
    FieldChange {
        field,
        before: None,
        after: Some(value),
    }
}

/// From which day on a change holds.
pub(crate) fn effective(date: Date) -> FieldChange {
    new(EFFECTIVE_DATE, day(date))
}

/// Somebody who is new, as what and for how much, and what he worked as before.
pub(crate) fn hired(
    employee: &Employee,
    terms: Terms,
    pay: Option<Remuneration>,
    past: &[(DateRange, Terms)],
) -> Vec<FieldChange> {
    let mut all = changes(None, Some(employee));
    all.extend(changes(None, Some(&terms)));
    all.extend(changes(None, pay.as_ref()));
    all.extend(lengthened(past));
    all
}

/// Employments that somebody had before.
pub(crate) fn lengthened(past: &[(DateRange, Terms)]) -> Option<FieldChange> {
    (!past.is_empty()).then(|| new(PAST_EMPLOYMENTS, periods(past)))
}

/// What is in force from a day on that was not, or was otherwise.
pub(crate) fn changed_on<T: Audited + Clone + PartialEq>(
    date: Date,
    before: &History<T>,
    after: &History<T>,
) -> Vec<FieldChange> {
    let mut all = vec![effective(date)];
    all.extend(changes(before.on(date), after.on(date)));
    all
}

/// Another reason why a service ends, or none any more.
pub(crate) fn reasoned(before: Option<EndReason>, after: Option<EndReason>) -> Option<FieldChange> {
    let word = |reason: Option<EndReason>| reason.map(|it| it.as_str().into());
    (before != after).then(|| FieldChange {
        field: REASON,
        before: word(before),
        after: word(after),
    })
}

/// Who takes over from somebody who leaves.
pub(crate) fn succeeded(successor: Option<EmployeeId>) -> Option<FieldChange> {
    successor.map(|successor| new(SUCCESSOR_ID, json!(successor)))
}

/// What was agreed for the days from one on, and is void.
pub(crate) fn void(
    date: Date,
    terms: &History<Terms>,
    pay: &History<Remuneration>,
) -> Vec<FieldChange> {
    let gone = |field, value: Option<Value>| {
        value.map(|value| FieldChange {
            field,
            before: Some(value),
            after: None,
        })
    };
    let terms = gone(LATER_EMPLOYMENTS, later(date, terms));
    let pay = gone(LATER_COMPENSATIONS, later(date, pay));
    terms.into_iter().chain(pay).collect()
}

fn later<T: Audited + Clone + PartialEq>(date: Date, all: &History<T>) -> Option<Value> {
    let later = all.periods().iter().filter(|(days, _)| days.from() >= date);
    let later: Vec<_> = later.cloned().collect();
    (!later.is_empty()).then(|| periods(&later))
}

fn periods<T: Audited>(all: &[(DateRange, T)]) -> Value {
    let one = |(days, value): &(DateRange, T)| {
        let mut fields: Map<String, Value> = Map::new();
        fields.insert("valid_from".to_owned(), day(days.from()));
        fields.insert("valid_to".to_owned(), days.to().map(day).into());
        let values = value.audited().into_iter();
        fields.extend(values.map(|(field, value)| (field.name.to_owned(), value)));
        Value::Object(fields)
    };
    all.iter().map(one).collect()
}

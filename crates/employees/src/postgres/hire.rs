//! Somebody who is hired, stored by one statement instead of three.

use database::{StoreError, TenantTx};
use kernel::EmailAddress;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::name_words;
use crate::{
    model::{Commission, Compensation, Employee, Employment, PhoneNumber},
    repository::Inserted,
};

/// `$1` to `$14` are the person, and `$12` to `$14` the stamp of the others too; `$15` to `$22` are
/// his employment, `$23` to `$29` his pay, if there is any, and `$30` the words inside his name. His
/// service is his first. Whoever has the number or the address already keeps all of it out. What is
/// no column's value at once needs its type.
const HIRE: &str = "\
    WITH hired AS (\
    INSERT INTO employees (id, employee_number, first_name, last_name, first_name_key, \
    last_name_key, work_email, work_email_key, phone, original_hire_date, hire_date, \
    employed_until, created_at, updated_at, version) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14) \
    ON CONFLICT DO NOTHING RETURNING id, created_at, updated_at, version), \
    employed AS (\
    INSERT INTO employments (employee_id, created_at, updated_at, version, id, valid_from, \
    valid_to, department_id, job_title_id, location_id, manager_id, employment_type) \
    SELECT hired.*, $15::uuid, $16::date, $17::date, $18::uuid, $19::uuid, $20::uuid, \
    $21::uuid, $22::text FROM hired), \
    paid AS (\
    INSERT INTO compensations (employee_id, created_at, updated_at, version, id, valid_from, \
    valid_to, amount_minor, currency, pay_period, commission_bp) \
    SELECT hired.*, $23::uuid, $24::date, $25::date, $26::bigint, $27::text, $28::text, \
    $29::integer FROM hired WHERE $23 IS NOT NULL), \
    named AS (\
    INSERT INTO name_words (id, employee_id, word_key) \
    SELECT gen_random_uuid(), hired.id, word FROM hired, unnest($30::text[]) word) \
    SELECT EXISTS (SELECT FROM hired) AS answer";

#[derive(FromQueryResult)]
struct Answer {
    answer: bool,
}

pub(super) async fn store(
    tx: &TenantTx,
    employee: &Employee,
    employment: &Employment,
    compensation: Option<&Compensation>,
) -> Result<Inserted, StoreError> {
    let values = person(employee)
        .into_iter()
        .chain(position(employment))
        .chain(pay(compensation))
        .chain([name_words::value(&employee.name)]);
    if is_true(tx.row(HIRE, values).await?) {
        return Ok(Inserted::Stored);
    }
    // A statement of its own, for that one does not see who came in while it waited.
    let number_taken = tx
        .row(
            "SELECT EXISTS (SELECT 1 FROM employees WHERE employee_number = $1) AS answer",
            [employee.number.as_str().into()],
        )
        .await?;
    Ok(if is_true(number_taken) {
        Inserted::NumberTaken
    } else {
        Inserted::EmailTaken
    })
}

fn is_true(row: Option<Answer>) -> bool {
    row.is_some_and(|row| row.answer)
}

fn person(employee: &Employee) -> [Value; 14] {
    let (name, stamp) = (&employee.name, &employee.stamp);
    let email = employee.work_email.as_ref();
    [
        employee.id.uuid().into(),
        employee.number.as_str().into(),
        name.first.as_str().into(),
        name.last.as_str().into(),
        name.first.key().into(),
        name.last.key().into(),
        email.map(EmailAddress::as_str).into(),
        email.map(EmailAddress::key).into(),
        employee.phone.as_ref().map(PhoneNumber::as_str).into(),
        employee.hire_date.into(),
        employee.employed_until.into(),
        stamp.created_at.into(),
        stamp.updated_at.into(),
        stamp.version.into(),
    ]
}

fn position(employment: &Employment) -> [Value; 8] {
    let terms = &employment.terms;
    [
        employment.id.uuid().into(),
        employment.period.from().into(),
        employment.period.to().into(),
        terms.department_id.map(Uuid::from).into(),
        terms.job_title_id.map(Uuid::from).into(),
        terms.location_id.map(Uuid::from).into(),
        terms.manager_id.map(Uuid::from).into(),
        terms.employment_type.as_str().into(),
    ]
}

fn pay(compensation: Option<&Compensation>) -> [Value; 7] {
    let days = compensation.map(|it| it.period);
    let pay = compensation.map(|it| it.remuneration.pay);
    let commission = compensation.and_then(|it| it.remuneration.commission);
    [
        compensation.map(|it| it.id.uuid()).into(),
        days.map(|days| days.from()).into(),
        days.and_then(|days| days.to()).into(),
        pay.map(|pay| pay.amount().minor_units()).into(),
        pay.map(|pay| pay.amount().currency().code()).into(),
        pay.map(|pay| pay.period().as_str()).into(),
        commission
            .map(Commission::basis_points)
            .map(i32::from)
            .into(),
    ]
}

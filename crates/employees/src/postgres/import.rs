//! Imports, many rows a statement.
//!
//! A statement takes its rows as one JSON text: its own text stays the same whatever their number,
//! so that it is planned once, and a row has the column types of its table. (`COPY FROM` is refused
//! under row security.)

use async_trait::async_trait;
use database::{StoreError, TenantTx};
use kernel::{DateRange, DepartmentId, EmailAddress, EmployeeId, JobTitleId, LocationId, TimeZone};
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::{Postgres, name_words};
use crate::{
    import::{Batch, ImportRepository, Known, KnownEmployee, Wanted},
    model::{
        Cause, Code, Commission, Compensation, Department, Employee, EmployeeNumber, Employment,
        EndReason, JobTitle, Location, Name, PhoneNumber, Remuneration, Stamp,
    },
};

/// Rows a statement: enough to make the round trip cheap, few enough to stay far from the
/// statement's time limit.
const CHUNK: usize = 2_000;

/// Keys a look-up.
const KEYS: usize = 5_000;

#[async_trait]
impl ImportRepository for Postgres {
    async fn known(&self, tx: &TenantTx, wanted: &Wanted) -> Result<Known, StoreError> {
        let mut known = Known::default();
        for keys in chunks(&wanted.departments, Code::as_str) {
            let sql = "SELECT code AS key, id FROM departments WHERE code = ANY($1)";
            for row in tx.rows::<KeyRow>(sql, [keys]).await? {
                let code = Code::stored(row.key);
                known.departments.insert(code, row.id.into());
            }
        }
        for keys in chunks(&wanted.job_titles, Code::as_str) {
            let sql = "SELECT code AS key, id FROM job_titles WHERE code = ANY($1)";
            for row in tx.rows::<KeyRow>(sql, [keys]).await? {
                let code = Code::stored(row.key);
                known.job_titles.insert(code, row.id.into());
            }
        }
        for keys in chunks(&wanted.locations, Code::as_str) {
            let sql = "SELECT code AS key, id FROM locations WHERE code = ANY($1)";
            for row in tx.rows::<KeyRow>(sql, [keys]).await? {
                known.locations.insert(Code::stored(row.key), row.id.into());
            }
        }
        for keys in chunks(&wanted.employees, EmployeeNumber::as_str) {
            for row in tx.rows::<EmployeeKeyRow>(PEOPLE, [keys]).await? {
                let employee = KnownEmployee {
                    id: row.id.into(),
                    hire_date: row.hire_date,
                    employed_until: row.employed_until,
                };
                let number = EmployeeNumber::stored(row.key);
                known.employees.insert(number, employee);
            }
        }
        for keys in chunks(&wanted.email_keys, |key| key) {
            let sql = "SELECT work_email_key AS key, id FROM employees \
                       WHERE work_email_key = ANY($1)";
            for row in tx.rows::<KeyRow>(sql, [keys]).await? {
                known.email_keys.insert(row.key);
            }
        }
        for keys in chunks(&wanted.histories, EmployeeNumber::as_str) {
            for row in tx.rows::<PeriodRow>(PERIODS, [keys]).await? {
                let number = EmployeeNumber::stored(row.employee_number);
                let days = DateRange::new(row.valid_from, row.valid_to);
                let days = days.map_err(StoreError::corrupt)?;
                known.employments.entry(number).or_default().push(days);
            }
        }
        Ok(known)
    }

    async fn taken(
        &self,
        tx: &TenantTx,
        numbers: &[EmployeeNumber],
    ) -> Result<Vec<EmployeeNumber>, StoreError> {
        let mut taken = Vec::new();
        for keys in chunks(numbers, EmployeeNumber::as_str) {
            let sql = "SELECT employee_number AS key, id FROM employees \
                       WHERE employee_number = ANY($1)";
            let rows: Vec<KeyRow> = tx.rows(sql, [keys]).await?;
            taken.extend(rows.into_iter().map(|row| EmployeeNumber::stored(row.key)));
        }
        Ok(taken)
    }

    async fn store(&self, tx: &TenantTx, batch: &Batch) -> Result<(), StoreError> {
        insert(tx, &batch.locations, CHUNK).await?;
        insert(tx, &batch.job_titles, CHUNK).await?;
        insert(tx, &batch.employees, CHUNK).await?;
        for chunk in batch.employees.chunks(CHUNK) {
            name_words::insert(tx, chunk).await?;
        }
        // In one statement: a part may come before the whole, and references are looked at when
        // the statement ends.
        insert(tx, &batch.departments, batch.departments.len()).await?;
        insert(tx, &batch.employments, CHUNK).await?;
        for chunk in batch.with_a_past.chunks(CHUNK) {
            let ids: Vec<Uuid> = chunk.iter().map(|id| id.uuid()).collect();
            let now = batch.stamp.created_at;
            tx.run(LENGTHEN, [ids.into(), now.into()]).await?;
        }
        insert(tx, &batch.compensations, CHUNK).await
    }
}

const PEOPLE: &str = "\
    SELECT employee_number AS key, id, hire_date, employed_until FROM employees \
    WHERE employee_number = ANY($1) ORDER BY id FOR SHARE";

const PERIODS: &str = "\
    SELECT e.employee_number, m.valid_from, m.valid_to \
    FROM employees e JOIN employments m ON m.employee_id = e.id \
    WHERE e.employee_number = ANY($1)";

/// Whose past became longer, and began before what was known as his first day.
const LENGTHEN: &str = "\
    UPDATE employees e SET original_hire_date = past.first, updated_at = $2, \
    version = e.version + 1 \
    FROM (SELECT m.employee_id, min(m.valid_from) AS first FROM employments m \
    WHERE m.employee_id = ANY($1) GROUP BY m.employee_id) past \
    WHERE e.id = past.employee_id AND e.original_hire_date > past.first";

#[derive(FromQueryResult)]
struct KeyRow {
    key: String,
    id: Uuid,
}

#[derive(FromQueryResult)]
struct PeriodRow {
    employee_number: String,
    valid_from: Date,
    valid_to: Option<Date>,
}

#[derive(FromQueryResult)]
struct EmployeeKeyRow {
    key: String,
    id: Uuid,
    hire_date: Date,
    employed_until: Option<Date>,
}

/// Some keys after the other, as the values of a statement.
fn chunks<'a, T: 'a>(
    keys: impl IntoIterator<Item = &'a T>,
    text: impl Fn(&T) -> &str,
) -> impl Iterator<Item = Value> {
    let mut keys = keys.into_iter();
    std::iter::from_fn(move || {
        let some: Vec<String> = keys
            .by_ref()
            .take(KEYS)
            .map(|it| text(it).to_owned())
            .collect();
        (!some.is_empty()).then(|| some.into())
    })
}

/// A record as a row of its table.
pub(super) trait Record {
    type Row<'a>: Serialize
    where
        Self: 'a;

    /// Inserts rows; `$1`: the rows as JSON, `$2`: when they are made.
    const INSERT: &'static str;

    fn row(&self) -> Self::Row<'_>;

    fn stamp(&self) -> Stamp;
}

/// Stores records that are made now, so many a statement.
pub(super) async fn insert<T: Record>(
    tx: &TenantTx,
    records: &[T],
    chunk: usize,
) -> Result<(), StoreError> {
    for chunk in records.chunks(chunk.max(1)) {
        let Some(stamp) = chunk.first().map(T::stamp) else {
            continue;
        };
        let rows = {
            let rows: Vec<T::Row<'_>> = chunk.iter().map(T::row).collect();
            serde_json::to_string(&rows).map_err(StoreError::corrupt)?
        };
        tx.run(T::INSERT, [rows.into(), stamp.created_at.into()])
            .await?;
    }
    Ok(())
}

/// Each column of a row comes from the member of the same name of a JSON object.
macro_rules! insert {
    ($table:literal, $columns:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (",
            $columns,
            ", created_at, updated_at, version) SELECT ",
            $columns,
            ", $2, $2, 1 FROM json_populate_recordset(NULL::",
            $table,
            ", $1::json)"
        )
    };
}

#[derive(Serialize)]
pub(super) struct LocationRow<'a> {
    id: Uuid,
    code: &'a str,
    name: &'a str,
    name_key: String,
    street_address: Option<&'a str>,
    postal_code: Option<&'a str>,
    city: Option<&'a str>,
    region: Option<&'a str>,
    country: &'a str,
    time_zone: Option<&'a str>,
}

impl Record for Location {
    type Row<'a> = LocationRow<'a>;

    const INSERT: &'static str = insert!(
        "locations",
        "id, code, name, name_key, street_address, postal_code, city, region, country, time_zone"
    );

    fn row(&self) -> LocationRow<'_> {
        let address = &self.address;
        LocationRow {
            id: self.id.uuid(),
            code: self.code.as_str(),
            name: self.name.as_str(),
            name_key: self.name.key(),
            street_address: address.street.as_ref().map(Name::as_str),
            postal_code: address.postal_code.as_ref().map(Name::as_str),
            city: address.city.as_ref().map(Name::as_str),
            region: address.region.as_ref().map(Name::as_str),
            country: address.country.as_str(),
            time_zone: self.time_zone.as_ref().map(TimeZone::name),
        }
    }

    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

#[derive(Serialize)]
pub(super) struct JobTitleRow<'a> {
    id: Uuid,
    code: &'a str,
    name: &'a str,
    name_key: String,
    pay_range_min_minor: Option<i64>,
    pay_range_max_minor: Option<i64>,
    currency: Option<&'static str>,
}

impl Record for JobTitle {
    type Row<'a> = JobTitleRow<'a>;

    const INSERT: &'static str = insert!(
        "job_titles",
        "id, code, name, name_key, pay_range_min_minor, pay_range_max_minor, currency"
    );

    fn row(&self) -> JobTitleRow<'_> {
        let range = self.pay_range.as_ref();
        JobTitleRow {
            id: self.id.uuid(),
            code: self.code.as_str(),
            name: self.name.as_str(),
            name_key: self.name.key(),
            pay_range_min_minor: range.map(|range| range.min().minor_units()),
            pay_range_max_minor: range.map(|range| range.max().minor_units()),
            currency: range.map(|range| range.min().currency().code()),
        }
    }

    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

#[derive(Serialize)]
pub(super) struct EmployeeRow<'a> {
    id: Uuid,
    employee_number: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    first_name_key: String,
    last_name_key: String,
    work_email: Option<&'a str>,
    work_email_key: Option<&'a str>,
    phone: Option<&'a str>,
    original_hire_date: String,
    hire_date: String,
    employed_until: Option<String>,
}

impl Record for Employee {
    type Row<'a> = EmployeeRow<'a>;

    const INSERT: &'static str = insert!(
        "employees",
        "id, employee_number, first_name, last_name, first_name_key, last_name_key, work_email, \
         work_email_key, phone, original_hire_date, hire_date, employed_until"
    );

    fn row(&self) -> EmployeeRow<'_> {
        let name = &self.name;
        EmployeeRow {
            id: self.id.uuid(),
            employee_number: self.number.as_str(),
            first_name: name.first.as_str(),
            last_name: name.last.as_str(),
            first_name_key: name.first.key(),
            last_name_key: name.last.key(),
            work_email: self.work_email.as_ref().map(EmailAddress::as_str),
            work_email_key: self.work_email.as_ref().map(EmailAddress::key),
            phone: self.phone.as_ref().map(PhoneNumber::as_str),
            original_hire_date: self.original_hire_date.to_string(),
            hire_date: self.hire_date.to_string(),
            employed_until: self.employed_until.as_ref().map(ToString::to_string),
        }
    }

    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

#[derive(Serialize)]
pub(super) struct DepartmentRow<'a> {
    id: Uuid,
    code: &'a str,
    name: &'a str,
    name_key: String,
    parent_id: Option<DepartmentId>,
    manager_id: Option<EmployeeId>,
}

impl Record for Department {
    type Row<'a> = DepartmentRow<'a>;

    const INSERT: &'static str = insert!(
        "departments",
        "id, code, name, name_key, parent_id, manager_id"
    );

    fn row(&self) -> DepartmentRow<'_> {
        DepartmentRow {
            id: self.id.uuid(),
            code: self.code.as_str(),
            name: self.name.as_str(),
            name_key: self.name.key(),
            parent_id: self.parent_id,
            manager_id: self.manager_id,
        }
    }

    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

#[derive(Serialize)]
pub(super) struct EmploymentRow {
    id: Uuid,
    employee_id: EmployeeId,
    valid_from: String,
    valid_to: Option<String>,
    department_id: Option<DepartmentId>,
    job_title_id: Option<JobTitleId>,
    location_id: Option<LocationId>,
    manager_id: Option<EmployeeId>,
    employment_type: &'static str,
    cause: Option<&'static str>,
    end_reason: Option<&'static str>,
}

impl Record for Employment {
    type Row<'a> = EmploymentRow;

    const INSERT: &'static str = insert!(
        "employments",
        "id, employee_id, valid_from, valid_to, department_id, job_title_id, location_id, \
         manager_id, employment_type, cause, end_reason"
    );

    fn row(&self) -> EmploymentRow {
        EmploymentRow {
            id: self.id.uuid(),
            employee_id: self.employee_id,
            valid_from: self.period.from().to_string(),
            valid_to: self.period.to().as_ref().map(ToString::to_string),
            department_id: self.terms.department_id,
            job_title_id: self.terms.job_title_id,
            location_id: self.terms.location_id,
            manager_id: self.terms.manager_id,
            employment_type: self.terms.employment_type.as_str(),
            cause: self.cause.map(Cause::as_str),
            end_reason: self.end_reason.map(EndReason::as_str),
        }
    }

    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

#[derive(Serialize)]
pub(super) struct CompensationRow {
    id: Uuid,
    employee_id: EmployeeId,
    valid_from: String,
    valid_to: Option<String>,
    amount_minor: i64,
    currency: &'static str,
    pay_period: &'static str,
    commission_bp: Option<u16>,
}

impl Record for Compensation {
    type Row<'a> = CompensationRow;

    const INSERT: &'static str = insert!(
        "compensations",
        "id, employee_id, valid_from, valid_to, amount_minor, currency, pay_period, commission_bp"
    );

    fn row(&self) -> CompensationRow {
        let Remuneration { pay, commission } = self.remuneration;
        let amount = pay.amount();
        CompensationRow {
            id: self.id.uuid(),
            employee_id: self.employee_id,
            valid_from: self.period.from().to_string(),
            valid_to: self.period.to().as_ref().map(ToString::to_string),
            amount_minor: amount.minor_units(),
            currency: amount.currency().code(),
            pay_period: pay.period().as_str(),
            commission_bp: commission.map(Commission::basis_points),
        }
    }

    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

#[cfg(test)]
mod tests;

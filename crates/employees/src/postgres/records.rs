//! Records as rows of their tables, many rows a statement.
//!
//! A statement takes its rows as one JSON text: its own text stays the same whatever their number,
//! so that it is planned once, and a row has the column types of its table. (`COPY FROM` is refused
//! under row security.)

use database::{StoreError, TenantTx};
use kernel::{DepartmentId, EmailAddress, EmployeeId, JobTitleId, LocationId, TimeZone};
use serde::Serialize;
use uuid::Uuid;

use crate::model::{
    Cause, Commission, Compensation, Department, Employee, Employment, EndReason, JobTitle,
    Location, Name, PhoneNumber, Remuneration, Stamp,
};

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

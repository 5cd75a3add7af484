//! An employee with the names of what his employment refers to.

use database::{Mode, StoreError, Tenant, Tx};
use kernel::EmployeeId;
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::revision::remuneration;
use crate::model::{
    Assignment, CurrentPay, EmployeeNumber, EmployeeProfile, EmploymentStatus, Guarded, Name,
    Named, PersonName, Remuneration, Stamp,
};

/// What is selected of an employee `e`, who was [`employed!`] and given [`names!`]; [`ProfileRow`] reads
/// it by position. Text, for a column list that is built anew for each request costs more than the
/// query's planning.
macro_rules! columns {
    () => {
        "e.id, e.employee_number, e.first_name, e.last_name, e.last_name_key, e.work_email, \
         e.phone, e.hire_date, e.employed_until, e.created_at, e.updated_at, e.version, \
         e.employment_type, e.department_id, d.name, e.job_title_id, j.name, e.location_id, \
         l.name, e.manager_id, b.first_name || ' ' || b.last_name, e.original_hire_date"
    };
}

/// What is selected of the employment `m` that [`employed!`] finds.
macro_rules! employment {
    () => {
        "m.employment_type, m.department_id, m.job_title_id, m.location_id, m.manager_id"
    };
}

/// Joins people `e` with their employment `m` of a day: one index look-up a person, which its order
/// keeps the planner from turning into a scan of everybody's employments.
macro_rules! employed {
    ($day:literal) => {
        concat!(
            " LEFT JOIN LATERAL (SELECT ",
            employment!(),
            " FROM employments m WHERE m.employee_id = e.id AND m.valid_from <= ",
            $day,
            " AND (m.valid_to IS NULL OR m.valid_to > ",
            $day,
            ") ORDER BY m.valid_from DESC) m ON true "
        )
    };
}

/// Joins people `e` who were [`employed!`], in a subquery that the planner takes as it is, with the
/// names of what their employment refers to.
macro_rules! names {
    () => {
        " LEFT JOIN departments d ON d.id = e.department_id \
         LEFT JOIN job_titles j ON j.id = e.job_title_id \
         LEFT JOIN locations l ON l.id = e.location_id \
         LEFT JOIN employees b ON b.id = e.manager_id"
    };
}

/// The day as of which `e` is shown when the day is `$2`: for somebody who has not begun yet his
/// first one, for somebody who has left his last one.
macro_rules! as_of {
    () => {
        "LEAST(GREATEST($2, e.hire_date), e.employed_until - 1)"
    };
}

pub(super) use {columns, employed, employment, names};

/// A row of [`columns`].
pub(super) struct ProfileRow {
    id: Uuid,
    employee_number: String,
    first_name: String,
    last_name: String,
    pub(super) last_name_key: String,
    work_email: Option<String>,
    phone: Option<String>,
    pub(super) hire_date: Date,
    original_hire_date: Date,
    employed_until: Option<Date>,
    stamp: Stamp,
    employment_type: Option<String>,
    department: Option<Named<Uuid>>,
    job_title: Option<Named<Uuid>>,
    location: Option<Named<Uuid>>,
    manager: Option<Named<Uuid>>,
}

/// How many columns [`columns`] has: the first position behind them.
pub(super) const WIDTH: usize = 22;

impl FromQueryResult for ProfileRow {
    fn from_query_result(row: &QueryResult, _prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get_by_index(0)?,
            employee_number: row.try_get_by_index(1)?,
            first_name: row.try_get_by_index(2)?,
            last_name: row.try_get_by_index(3)?,
            last_name_key: row.try_get_by_index(4)?,
            work_email: row.try_get_by_index(5)?,
            phone: row.try_get_by_index(6)?,
            hire_date: row.try_get_by_index(7)?,
            employed_until: row.try_get_by_index(8)?,
            stamp: Stamp {
                created_at: row.try_get_by_index::<OffsetDateTime>(9)?,
                updated_at: row.try_get_by_index::<OffsetDateTime>(10)?,
                version: row.try_get_by_index(11)?,
            },
            employment_type: row.try_get_by_index(12)?,
            department: named(row, 13)?,
            job_title: named(row, 15)?,
            location: named(row, 17)?,
            manager: named(row, 19)?,
            original_hire_date: row.try_get_by_index(21)?,
        })
    }
}

/// Reads an id and, behind it, a name.
pub(super) fn named(row: &QueryResult, at: usize) -> Result<Option<Named<Uuid>>, DbErr> {
    let id: Option<Uuid> = row.try_get_by_index(at)?;
    let name: Option<String> = row.try_get_by_index(at + 1)?;
    Ok(id.zip(name).map(|(id, name)| Named { id, name }))
}

/// Says of what an id is.
pub(super) fn typed<Id: From<Uuid>>(named: Named<Uuid>) -> Named<Id> {
    Named {
        id: named.id.into(),
        name: named.name,
    }
}

impl ProfileRow {
    pub(super) fn id(&self) -> EmployeeId {
        self.id.into()
    }

    /// The employee as of a day, without pay.
    pub(super) fn into_profile(self, day: Date) -> Result<EmployeeProfile, StoreError> {
        let assignment = match self.employment_type {
            None => None,
            Some(employment_type) => Some(Assignment {
                employment_type: employment_type.parse().map_err(StoreError::corrupt)?,
                department: self.department.map(typed),
                job_title: self.job_title.map(typed),
                location: self.location.map(typed),
                manager: self.manager.map(typed),
            }),
        };
        Ok(EmployeeProfile {
            id: self.id.into(),
            number: EmployeeNumber::stored(self.employee_number),
            name: PersonName {
                first: Name::stored(self.first_name),
                last: Name::stored(self.last_name),
            },
            work_email: self.work_email,
            phone: self.phone,
            hire_date: self.hire_date,
            original_hire_date: self.original_hire_date,
            status: EmploymentStatus::on(
                day,
                self.original_hire_date,
                self.hire_date,
                self.employed_until,
            ),
            assignment,
            compensation: Guarded::Hidden,
            stamp: self.stamp,
        })
    }
}

struct PaidRow {
    profile: ProfileRow,
    pay: Option<PayRow>,
}

struct PayRow {
    amount_minor: i64,
    currency: String,
    pay_period: String,
    commission_bp: Option<i32>,
    valid_from: Date,
}

impl FromQueryResult for PaidRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let amount: Option<i64> = row.try_get_by_index(WIDTH)?;
        let pay = match amount {
            None => None,
            Some(amount_minor) => Some(PayRow {
                amount_minor,
                currency: row.try_get_by_index(WIDTH + 1)?,
                pay_period: row.try_get_by_index(WIDTH + 2)?,
                commission_bp: row.try_get_by_index(WIDTH + 3)?,
                valid_from: row.try_get_by_index(WIDTH + 4)?,
            }),
        };
        Ok(Self {
            profile: ProfileRow::from_query_result(row, prefix)?,
            pay,
        })
    }
}

impl TryFrom<PayRow> for CurrentPay {
    type Error = StoreError;

    fn try_from(row: PayRow) -> Result<Self, StoreError> {
        let Remuneration { pay, commission } = remuneration(
            row.amount_minor,
            &row.currency,
            &row.pay_period,
            row.commission_bp,
        )?;
        Ok(Self {
            pay,
            commission,
            valid_from: row.valid_from,
        })
    }
}

/// Which day's employment and pay are read.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    /// As of a day: see [`as_of`].
    AsOf(Date),
    /// This very day's.
    On(Date),
}

/// One employee.
pub(super) async fn one<M: Mode>(
    tx: &Tx<Tenant, M>,
    id: EmployeeId,
    shown: Shown,
    with_pay: bool,
) -> Result<Option<EmployeeProfile>, StoreError> {
    let (day, unpaid, paid) = match shown {
        Shown::AsOf(day) => (day, UNPAID, PAID),
        Shown::On(day) => (day, UNPAID_ON, PAID_ON),
    };
    let values = [id.uuid().into(), day.into()];
    if !with_pay {
        let row: Option<ProfileRow> = tx.row(unpaid, values).await?;
        return row.map(|row| row.into_profile(day)).transpose();
    }
    let row: Option<PaidRow> = tx.row(paid, values).await?;
    row.map(|row| {
        let mut profile = row.profile.into_profile(day)?;
        let pay = row.pay.map(CurrentPay::try_from).transpose()?;
        profile.compensation = Guarded::Shown(pay);
        Ok(profile)
    })
    .transpose()
}

/// The person `$1` with the employment of a day.
macro_rules! person {
    ($day:expr) => {
        concat!(
            " FROM (SELECT e.*, shown.day, ",
            employment!(),
            " FROM employees e CROSS JOIN LATERAL (SELECT ",
            $day,
            " AS day) shown",
            employed!("shown.day"),
            "WHERE e.id = $1 OFFSET 0) e",
            names!()
        )
    };
}

macro_rules! pay {
    ($person:expr) => {
        concat!(
            "SELECT ",
            columns!(),
            ", p.amount_minor, p.currency, p.pay_period, p.commission_bp, p.valid_from",
            $person,
            " LEFT JOIN compensations p ON p.employee_id = e.id AND p.valid_from <= e.day \
             AND (p.valid_to IS NULL OR p.valid_to > e.day)"
        )
    };
}

const UNPAID: &str = concat!("SELECT ", columns!(), person!(as_of!()));
const UNPAID_ON: &str = concat!("SELECT ", columns!(), person!("$2::date"));
pub(super) const PAID: &str = pay!(person!(as_of!()));
pub(super) const PAID_ON: &str = pay!(person!("$2::date"));

//! Employments and pay that are being changed.

use database::{StoreError, TenantTx};
use kernel::{Currency, DateRange, EmployeeId, Money};
use sea_orm::FromQueryResult;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    history::parsed,
    records::{Record, insert},
};
use crate::{
    model::{Commission, Compensation, Employment, Pay, Remuneration, Stamp, Terms},
    repository::Revision,
};

#[derive(FromQueryResult)]
struct EmploymentRow {
    id: Uuid,
    employee_id: Uuid,
    valid_from: Date,
    valid_to: Option<Date>,
    department_id: Option<Uuid>,
    job_title_id: Option<Uuid>,
    location_id: Option<Uuid>,
    manager_id: Option<Uuid>,
    employment_type: String,
    cause: Option<String>,
    end_reason: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    version: i64,
}

impl TryFrom<EmploymentRow> for Employment {
    type Error = StoreError;

    fn try_from(row: EmploymentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            employee_id: row.employee_id.into(),
            period: DateRange::new(row.valid_from, row.valid_to).map_err(StoreError::corrupt)?,
            terms: Terms {
                employment_type: row.employment_type.parse().map_err(StoreError::corrupt)?,
                department_id: row.department_id.map(Into::into),
                job_title_id: row.job_title_id.map(Into::into),
                location_id: row.location_id.map(Into::into),
                manager_id: row.manager_id.map(Into::into),
            },
            cause: parsed(row.cause)?,
            end_reason: parsed(row.end_reason)?,
            stamp: Stamp {
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            },
        })
    }
}

pub(super) async fn employments(
    tx: &TenantTx,
    ids: &[EmployeeId],
) -> Result<Vec<Employment>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows: Vec<EmploymentRow> = tx
        .rows(
            "SELECT id, employee_id, valid_from, valid_to, department_id, job_title_id, \
             location_id, manager_id, employment_type, cause, end_reason, created_at, updated_at, \
             version FROM employments WHERE employee_id = ANY($1) ORDER BY employee_id, valid_from",
            [ids.into()],
        )
        .await?;
    rows.into_iter().map(Employment::try_from).collect()
}

#[derive(FromQueryResult)]
pub(super) struct CompensationRow {
    id: Uuid,
    employee_id: Uuid,
    valid_from: Date,
    valid_to: Option<Date>,
    amount_minor: i64,
    currency: String,
    pay_period: String,
    commission_bp: Option<i32>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    version: i64,
}

impl TryFrom<CompensationRow> for Compensation {
    type Error = StoreError;

    fn try_from(row: CompensationRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            employee_id: row.employee_id.into(),
            period: DateRange::new(row.valid_from, row.valid_to).map_err(StoreError::corrupt)?,
            remuneration: remuneration(
                row.amount_minor,
                &row.currency,
                &row.pay_period,
                row.commission_bp,
            )?,
            stamp: Stamp {
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            },
        })
    }
}

/// What somebody is paid, of its columns.
pub(super) fn remuneration(
    amount_minor: i64,
    currency: &str,
    pay_period: &str,
    commission_bp: Option<i32>,
) -> Result<Remuneration, StoreError> {
    let currency = Currency::from_code(currency)
        .ok_or_else(|| StoreError::corrupt("compensations.currency"))?;
    let amount = Money::from_minor_units(amount_minor, currency);
    let period = pay_period.parse().map_err(StoreError::corrupt)?;
    let share = |points| {
        let points = u16::try_from(points).map_err(StoreError::corrupt)?;
        Commission::from_basis_points(points).map_err(StoreError::corrupt)
    };
    Ok(Remuneration {
        pay: Pay::new(amount, period).map_err(StoreError::corrupt)?,
        commission: commission_bp.map(share).transpose()?,
    })
}

/// The columns of [`CompensationRow`].
macro_rules! pay_columns {
    () => {
        "id, employee_id, valid_from, valid_to, amount_minor, currency, pay_period, \
         commission_bp, created_at, updated_at, version"
    };
}

pub(super) use pay_columns;

pub(super) async fn pay(tx: &TenantTx, id: EmployeeId) -> Result<Vec<Compensation>, StoreError> {
    let rows: Vec<CompensationRow> = tx
        .rows(
            concat!(
                "SELECT ",
                pay_columns!(),
                " FROM compensations WHERE employee_id = $1 ORDER BY valid_from"
            ),
            [id.uuid().into()],
        )
        .await?;
    rows.into_iter().map(Compensation::try_from).collect()
}

/// A record that may be revised.
pub(super) trait Revised: Record {
    const DELETE: &'static str;
    /// `$1`: the rows as JSON, `$2`: when they change.
    const UPDATE: &'static str;

    fn id(&self) -> Uuid;
}

impl Revised for Employment {
    const DELETE: &'static str = "DELETE FROM employments WHERE id = ANY($1)";
    const UPDATE: &'static str = "\
        UPDATE employments m SET valid_to = r.valid_to, department_id = r.department_id, \
        job_title_id = r.job_title_id, location_id = r.location_id, manager_id = r.manager_id, \
        employment_type = r.employment_type, cause = r.cause, end_reason = r.end_reason, \
        updated_at = $2, version = m.version + 1 \
        FROM json_populate_recordset(NULL::employments, $1::json) r WHERE m.id = r.id";

    fn id(&self) -> Uuid {
        self.id.uuid()
    }
}

impl Revised for Compensation {
    const DELETE: &'static str = "DELETE FROM compensations WHERE id = ANY($1)";
    const UPDATE: &'static str = "\
        UPDATE compensations p SET valid_to = r.valid_to, amount_minor = r.amount_minor, \
        currency = r.currency, pay_period = r.pay_period, commission_bp = r.commission_bp, \
        updated_at = $2, version = p.version + 1 \
        FROM json_populate_recordset(NULL::compensations, $1::json) r WHERE p.id = r.id";

    fn id(&self) -> Uuid {
        self.id.uuid()
    }
}

/// First what is gone, then what is shorter or longer, then what is new: so no two ever overlap,
/// which would be refused row by row.
pub(super) async fn store<R: Revised>(
    tx: &TenantTx,
    revision: &Revision<R>,
) -> Result<(), StoreError> {
    let gone: Vec<Uuid> = revision.removed.iter().map(R::id).collect();
    if !gone.is_empty() {
        tx.run(R::DELETE, [gone.into()]).await?;
    }
    if let Some(first) = revision.revised.first() {
        let rows: Vec<R::Row<'_>> = revision.revised.iter().map(R::row).collect();
        let rows = serde_json::to_string(&rows).map_err(StoreError::corrupt)?;
        let now = first.stamp().updated_at;
        tx.run(R::UPDATE, [rows.into(), now.into()]).await?;
    }
    insert(tx, &revision.added, usize::MAX).await
}

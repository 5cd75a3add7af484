//! Imports: what is there already, and what comes in.

use async_trait::async_trait;
use database::{StoreError, TenantTx};
use kernel::DateRange;
use sea_orm::{FromQueryResult, Value};
use time::Date;
use uuid::Uuid;

use super::{Postgres, name_words, records::insert};
use crate::{
    import::{Batch, ImportRepository, Known, KnownEmployee, Wanted},
    model::{Code, EmployeeNumber},
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
            let ids: Vec<Uuid> = chunk.iter().map(|(id, _)| id.uuid()).collect();
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

#[cfg(test)]
mod tests;

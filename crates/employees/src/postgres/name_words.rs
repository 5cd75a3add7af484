//! The words inside names, by which `q` finds a "van der Berg" as Berg.
//!
//! A word that begins a name is found by the name's own key; for the others there is a row each:
//! an index on an array of words is none that row security lets a query use.

use database::{StoreError, TenantTx};
use sea_orm::Value;
use serde::Serialize;
use uuid::Uuid;

use crate::model::{Employee, PersonName};

/// The words inside a name, as one value.
pub(super) fn value(name: &PersonName) -> Value {
    Vec::from_iter(name.inner_words()).into()
}

#[derive(Serialize)]
struct Row {
    employee_id: Uuid,
    word_key: String,
}

/// Stores the words inside the names of many.
pub(super) async fn insert(tx: &TenantTx, employees: &[Employee]) -> Result<(), StoreError> {
    let rows = employees.iter().flat_map(|employee| {
        let words = employee.name.inner_words().into_iter();
        words.map(|word_key| Row {
            employee_id: employee.id.uuid(),
            word_key,
        })
    });
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_string(&rows).map_err(StoreError::corrupt)?;
    tx.run(
        "INSERT INTO name_words (id, employee_id, word_key) \
         SELECT gen_random_uuid(), employee_id, word_key \
         FROM json_populate_recordset(NULL::name_words, $1::json)",
        [rows.into()],
    )
    .await?;
    Ok(())
}

//! Whether the database is the one that this program's migrations make.

use database::{PlatformReadTx, StoreError};
use migration::fit::{APPLIED_TO, Applied, Misfit, SUSPECTS, expected, misfits_of};
use sea_orm::FromQueryResult;

#[derive(FromQueryResult)]
struct Suspect {
    schema_name: String,
}

/// What keeps the database from fitting this program; empty when it fits.
///
/// # Errors
/// [`StoreError`] when the platform's schema cannot be read.
pub(crate) async fn misfits(tx: &PlatformReadTx) -> Result<Vec<Misfit>, StoreError> {
    let suspects: Vec<Suspect> = tx.rows(SUSPECTS, expected().map(Into::into)).await?;
    if suspects.is_empty() {
        return Ok(Vec::new());
    }
    let suspects: Vec<String> = suspects.into_iter().map(|it| it.schema_name).collect();
    let applied: Vec<Applied> = tx.rows(APPLIED_TO, [suspects.clone().into()]).await?;
    let suspects: Vec<&str> = suspects.iter().map(String::as_str).collect();
    Ok(misfits_of(&suspects, &applied))
}

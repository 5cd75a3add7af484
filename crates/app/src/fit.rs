//! Whether the database is the one that this program's migrations make.

use database::{PlatformReadTx, StoreError};
use migration::fit::{APPLIED, Applied, HOMES, Misfit};
use sea_orm::FromQueryResult;

#[derive(FromQueryResult)]
struct Home {
    schema_name: String,
}

/// What keeps the database from fitting this program; empty when it fits.
///
/// # Errors
/// [`StoreError`] when the platform's schema cannot be read.
pub(crate) async fn misfits(tx: &PlatformReadTx) -> Result<Vec<Misfit>, StoreError> {
    let applied: Vec<Applied> = tx.rows(APPLIED, []).await?;
    let homes: Vec<Home> = tx.rows(HOMES, []).await?;
    let homes: Vec<String> = homes.into_iter().map(|home| home.schema_name).collect();
    Ok(migration::fit::misfits(&homes, &applied))
}

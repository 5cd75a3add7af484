//! The checks.

use std::{collections::BTreeMap, time::Duration};

use database::{Database, PlatformReadTx, StoreError};
use kernel::Slug;
use sea_orm::FromQueryResult;
use tenancy::Registry;

use super::Check;
use crate::fit;

/// Runs every check, each with an end.
pub(super) async fn run(
    database: &Database,
    registry: &Registry,
    timeout: Duration,
) -> BTreeMap<&'static str, Check> {
    let asked = tokio::time::timeout(timeout, ask(database, registry)).await;
    let [reached, migrations, public_tenant] = asked.unwrap_or_else(|_elapsed| {
        let slow = format!("no answer within {} ms", timeout.as_millis());
        unknown(slow)
    });
    BTreeMap::from([
        ("database", reached),
        ("migrations", migrations),
        ("public_tenant", public_tenant),
        // Neither is part of this release: there is nothing to configure.
        ("cache", Check::Disabled),
        ("broker", Check::Disabled),
        ("worker", Check::Disabled),
    ])
}

async fn ask(database: &Database, registry: &Registry) -> [Check; 3] {
    match look(database, registry).await {
        Ok(checks) => checks,
        // The error's own text names what an operator can act on and holds no secret.
        Err(error) => unknown(error.to_string()),
    }
}

/// One short transaction answers all three.
async fn look(database: &Database, registry: &Registry) -> Result<[Check; 3], StoreError> {
    let tx = database.begin_platform_read(registry.platform()).await?;
    let misfits = fit::misfits(&tx).await?;
    let public_tenant = public_tenant(&tx).await?;
    tx.commit().await?;
    let migrations = match misfits.first() {
        None => Check::Ok,
        Some(first) => Check::Failed(format!("{first} ({} in all)", misfits.len())),
    };
    Ok([Check::Ok, migrations, public_tenant])
}

#[derive(FromQueryResult)]
struct Found {
    status: String,
}

async fn public_tenant(tx: &PlatformReadTx) -> Result<Check, StoreError> {
    let slug = Slug::public();
    let found: Option<Found> = tx
        .row(
            "SELECT status FROM tenants WHERE slug = $1",
            [slug.as_str().into()],
        )
        .await?;
    Ok(match found {
        Some(Found { status }) if status == "active" => Check::Ok,
        Some(Found { status }) => Check::Failed(format!("the public tenant is {status}")),
        None => Check::Failed("there is no public tenant: run `hrms-bootstrap up`".to_owned()),
    })
}

/// Without the database nothing can be said of the rest.
fn unknown(reason: String) -> [Check; 3] {
    let rest = Check::Failed("unknown while the database does not answer".to_owned());
    [Check::Failed(reason), rest.clone(), rest]
}

//! Filing: what was signed is written outside the database.

use std::collections::BTreeMap;

use database::StoreError;
use uuid::Uuid;

use super::{SealError, Sealer};
use crate::{Seal, Signed, Statement, postgres::log};

impl Sealer {
    /// Writes what was signed and is in no file yet, a thousand lines at most; how many there were.
    /// They are on the disk before it is noted that they are.
    pub(super) async fn file(&self) -> Result<u64, SealError> {
        let tx = self.database.begin_platform(&self.platform).await?;
        let unfiled = log::unfiled(&tx).await?;
        if unfiled.is_empty() {
            tx.rollback().await?;
            return Ok(0);
        }
        let mut heads: BTreeMap<Uuid, Seal> = BTreeMap::new();
        let mut lines = Vec::with_capacity(unfiled.len());
        let mut numbers = Vec::with_capacity(unfiled.len());
        for it in unfiled {
            numbers.push(it.number);
            // Whoever gets at the database may have put anything there.
            let Some(signed) =
                Signed::parse(&it.line).filter(|signed| self.may_file(signed, it.tenant_id))
            else {
                tracing::error!("a line that nobody signed was to be filed with the seals");
                continue;
            };
            lines.push(it.line);
            if let Statement::Seal(seal) = signed.statement {
                let newest = heads.entry(seal.tenant).or_insert_with(|| seal.clone());
                if newest.number < seal.number {
                    *newest = seal;
                }
            }
        }
        let filed = lines.len() as u64;
        let (folder, today) = (self.files.clone(), self.ambient.now());
        let written = telemetry::spawn_blocking(move || folder.append(today, &lines));
        written.await.map_err(StoreError::corrupt)??;
        let heads: Vec<&Seal> = heads.values().collect();
        log::filed(&tx, numbers, &heads).await?;
        tx.commit().await?;
        Ok(filed)
    }

    /// Whether a line is signed by a key that this installation has or had, and about the tenant that had
    /// it filed. What else a tenant's role might put there is nobody's proof.
    fn may_file(&self, signed: &Signed, tenant: Uuid) -> bool {
        let about = match &signed.statement {
            Statement::Seal(it) => it.tenant,
            Statement::Retirement(it) => it.tenant,
            Statement::Checkpoint(_) => Uuid::nil(),
        };
        about == tenant && self.trusted.vouch_for(signed)
    }
}

//! Checkpoints: all chains are signed together, once an hour.

use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::{SealError, Sealer};
use crate::{
    Checkpoint, Statement,
    chain::first_checkpoint,
    merkle::Peaks,
    postgres::{
        chain,
        log::{self, Entry},
    },
    record::canonical_text,
    statement::{VERSION, micros},
};

/// Microseconds between two checkpoints.
const HOUR: i64 = 3_600_000_000;

/// Microseconds between two looks whether one is due.
const MINUTE: i64 = 60_000_000;

impl Sealer {
    /// Signs the heads of all chains, unless somebody did so within the last hour, is at it, or no
    /// chain has grown. Whether it did.
    ///
    /// # Errors
    /// [`SealError::Store`]; [`SealError::Altered`] when the log is not what the last checkpoint says.
    pub async fn checkpoint(&self) -> Result<bool, SealError> {
        let now = micros(self.ambient.now());
        if now < self.no_checkpoint_before.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let last = log::last_checkpoint(&tx).await?;
        tx.commit().await?;
        let signed_at = last.and_then(|(last, _)| match last.statement {
            Statement::Checkpoint(it) => Some(it.signed_at),
            _ => None,
        });
        let due = signed_at.map_or(0, |at| at + HOUR);
        let signed = due <= now && self.checkpoint_now(signed_at).await?;
        let next = if signed {
            now + HOUR
        } else {
            due.max(now + MINUTE)
        };
        self.no_checkpoint_before.store(next, Ordering::Relaxed);
        Ok(signed)
    }

    /// Signs the heads of all chains, if the last checkpoint still is the one that was seen.
    async fn checkpoint_now(&self, seen: Option<i64>) -> Result<bool, SealError> {
        let altered = || SealError::Altered {
            tenant: Uuid::nil(),
        };
        let tx = self.database.begin_platform(&self.platform).await?;
        if !chain::is_our_turn(&tx, "hrms audit checkpoints".to_owned()).await? {
            tx.rollback().await?;
            return Ok(false);
        }
        let (number, previous, mut peaks) = match log::last_checkpoint(&tx).await? {
            None => (0, first_checkpoint(), Peaks::default()),
            Some((signed, peaks)) => {
                let hash = signed.statement.hash()?;
                let is_ours = self.trusted.vouch_for(&signed);
                let Statement::Checkpoint(last) = signed.statement else {
                    return Err(altered());
                };
                if seen != Some(last.signed_at) {
                    tx.rollback().await?;
                    return Ok(false);
                }
                let peaks = Peaks::kept(last.size.unsigned_abs(), &peaks).ok_or_else(altered)?;
                if !is_ours || peaks.root() != last.root {
                    return Err(altered());
                }
                (last.number, hash, peaks)
            }
        };
        let mut entries = log::take_heads(&tx).await?;
        if entries.is_empty() {
            tx.rollback().await?;
            return Ok(false);
        }
        for entry in &mut entries {
            entry.position = size(&peaks) + 1;
            peaks.add(leaf(entry)?.as_bytes());
        }
        log::add_entries(&tx, &entries).await?;
        let checkpoint = Checkpoint {
            v: VERSION,
            number: number + 1,
            size: size(&peaks),
            root: peaks.root(),
            previous,
            signed_at: micros(self.ambient.now()),
            key_id: self.key.id().to_owned(),
        };
        let signed = self.key.sign(Statement::Checkpoint(checkpoint.clone()))?;
        log::add_checkpoint(&tx, &checkpoint, peaks.to_bytes(), &signed.signature).await?;
        chain::sealed(&tx, Vec::new(), Some(signed.line()?)).await?;
        tx.commit().await?;
        Ok(true)
    }
}

fn size(peaks: &Peaks) -> i64 {
    i64::try_from(peaks.size()).unwrap_or(i64::MAX)
}

/// What a leaf of the tree holds: an entry of the log in its canonical form.
pub(crate) fn leaf(entry: &Entry) -> Result<String, database::StoreError> {
    canonical_text(&serde_json::json!({
        "v": VERSION,
        "position": entry.position,
        "tenant": entry.tenant_id,
        "seal": entry.seal,
        "last_position": entry.last_position,
        "link": crate::keys::hex(&entry.link),
    }))
}

//! The log of all chains, and the trees that were signed over it.

use std::collections::BTreeMap;

use super::{
    Verified, Verifier, VerifyError,
    filed::Filed,
    finding::{Fault, Finding},
};
use crate::{
    Checkpoint, Statement, chain::first_checkpoint, merkle::Peaks, postgres::log, sealer::leaf,
};

/// By whom checkpoints are: everybody's.
const NAME: &str = "platform";

impl Verifier {
    pub(super) async fn checkpoints(
        &self,
        filed: &Filed,
        verified: &mut Verified,
    ) -> Result<(), VerifyError> {
        let proven = self.proven_checkpoints(filed, verified).await?;
        let mut previous = Some((0, first_checkpoint()));
        for checkpoint in proven.values() {
            let follows =
                |(number, hash)| number + 1 != checkpoint.number || checkpoint.previous == hash;
            if !previous.is_none_or(follows) {
                let differs = Finding::new(Fault::CheckpointDiffers, NAME);
                verified.find([differs.number(checkpoint.number)]);
            }
            let hash = Statement::Checkpoint(checkpoint.clone()).hash()?;
            previous = Some((checkpoint.number, hash));
        }
        self.trees(proven.values(), verified).await
    }

    /// The checkpoints that were signed: those of the files before those of the table.
    async fn proven_checkpoints(
        &self,
        filed: &Filed,
        verified: &mut Verified,
    ) -> Result<BTreeMap<i64, Checkpoint>, VerifyError> {
        let mut stored = BTreeMap::new();
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let mut after = 0;
        loop {
            let page = log::checkpoints(&tx, after).await?;
            if page.is_empty() {
                break;
            }
            for signed in page {
                let is_signed = self.keys.vouch_for(&signed);
                let Statement::Checkpoint(it) = signed.statement else {
                    continue;
                };
                after = it.number;
                stored.insert(it.number, is_signed.then_some(it));
            }
        }
        tx.commit().await?;
        let of = |fault, number| Finding::new(fault, NAME).number(number);
        let mut proven = filed.checkpoints.clone();
        for number in proven.keys() {
            if !stored.contains_key(number) {
                verified.find([of(Fault::CheckpointMissing, *number)]);
            }
        }
        for (number, checkpoint) in stored {
            match (proven.get(&number), checkpoint) {
                (_, None) => verified.find([of(Fault::CheckpointForged, number)]),
                (Some(filed), Some(stored)) if *filed != stored => {
                    verified.find([of(Fault::CheckpointDiffers, number)]);
                }
                (Some(_), Some(_)) => {}
                (None, Some(stored)) => {
                    if self.is_overdue(stored.signed_at) {
                        verified.find([of(Fault::CheckpointUnfiled, number)]);
                    }
                    proven.insert(number, stored);
                }
            }
        }
        let forged = filed.forged_checkpoints.iter();
        verified.find(forged.map(|it| of(Fault::CheckpointForged, *it)));
        Ok(proven)
    }

    /// Computes the tree over the log, and compares its root wherever one was signed.
    async fn trees(
        &self,
        checkpoints: impl Iterator<Item = &Checkpoint>,
        verified: &mut Verified,
    ) -> Result<(), VerifyError> {
        let mut checkpoints = checkpoints.peekable();
        let mut peaks = Peaks::default();
        let mut after = 0;
        loop {
            let tx = self.database.begin_platform_read(&self.platform).await?;
            let page = log::entries(&tx, after).await?;
            tx.commit().await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                after = entry.position;
                peaks.add(leaf(&entry)?.as_bytes());
                let is_end = |it: &&Checkpoint| it.size.unsigned_abs() == peaks.size();
                while let Some(checkpoint) = checkpoints.next_if(is_end) {
                    verified.checkpoints += 1;
                    if checkpoint.root != peaks.root() {
                        let differs = Finding::new(Fault::CheckpointDiffers, NAME);
                        verified.find([differs.number(checkpoint.number)]);
                    }
                }
            }
        }
        // Those over entries that are not there.
        let others =
            checkpoints.map(|it| Finding::new(Fault::CheckpointDiffers, NAME).number(it.number));
        verified.find(others);
        Ok(())
    }
}

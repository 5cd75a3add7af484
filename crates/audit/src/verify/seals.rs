//! The seals of a tenant: those of the table, of the files and of the log of all chains, against each
//! other.

use std::collections::{BTreeMap, BTreeSet};

use database::{Mode, Scope, StoreError, Tx};
use uuid::Uuid;

use super::{
    Verifier,
    filed::{FiledOfTenant, ProvenSeal},
    finding::{Fault, Finding},
};
use crate::{
    Hash, Statement,
    chain::first_seal,
    postgres::{chain, log::Entry},
};

/// The seals of a tenant that can be trusted, in their order, and what is wrong with the others.
pub(super) struct Seals {
    pub(super) proven: Vec<ProvenSeal>,
    /// Numbers of those in the table that cannot.
    pub(super) forged: Vec<i64>,
    pub(super) findings: Vec<Finding>,
}

impl Verifier {
    /// The seals in the table: those that were signed, and the numbers of those that were not.
    async fn stored_seals<S: Scope, M: Mode>(
        &self,
        tx: &Tx<S, M>,
        tenant: Uuid,
        filed: &FiledOfTenant,
    ) -> Result<(BTreeMap<i64, ProvenSeal>, Vec<i64>), StoreError> {
        let (mut proven, mut forged, mut after) = (BTreeMap::new(), Vec::new(), 0);
        loop {
            let page = chain::seals(tx, tenant, after).await?;
            let Some(last) = page.last() else {
                return Ok((proven, forged));
            };
            if let Statement::Seal(seal) = &last.statement {
                after = seal.number;
            }
            for signed in page {
                let hash = signed.statement.hash()?;
                let Statement::Seal(seal) = &signed.statement else {
                    continue;
                };
                // What is filed was verified when it was read.
                let is_filed = filed
                    .seals
                    .get(&seal.number)
                    .is_some_and(|it| it.hash == hash);
                if is_filed || self.keys.vouch_for(&signed) {
                    proven.insert(seal.number, ProvenSeal::of(seal, hash));
                } else {
                    forged.push(seal.number);
                }
            }
        }
    }

    /// Compares them. The files are trusted before the table: what was signed first is what counts.
    pub(super) async fn seals<S: Scope, M: Mode>(
        &self,
        tx: &Tx<S, M>,
        (tenant, name): (Uuid, &str),
        filed: &FiledOfTenant,
        log: &[Entry],
    ) -> Result<Seals, StoreError> {
        let (stored, forged) = self.stored_seals(tx, tenant, filed).await?;
        let of_log = log.iter().map(|it| it.seal);
        let known = filed.seals.keys().chain(stored.keys()).copied();
        // What is forged names no number that there must be: it could name any.
        let forged_numbers: BTreeSet<i64> = forged.iter().copied().collect();
        let mut findings = Vec::new();
        let mut proven: Vec<ProvenSeal> = Vec::new();
        let of_seal = |fault, seal: &ProvenSeal| {
            Finding::new(fault, name)
                .positions(seal.first_position, seal.last_position)
                .number(seal.number)
        };
        let last = known
            .clone()
            .chain(of_log.clone())
            .max()
            .unwrap_or_default();
        let mut numbers: BTreeSet<i64> =
            known.chain(of_log).chain(forged.iter().copied()).collect();
        // Where there is a gap, its first and its last number stand for it.
        let mut before = 0;
        for number in numbers.clone() {
            if number > before + 1 && before < last {
                numbers.extend([before + 1, (number - 1).min(last)]);
            }
            before = number;
        }
        for number in numbers {
            let (in_file, in_table) = (filed.seals.get(&number), stored.get(&number));
            if forged_numbers.contains(&number) {
                findings.push(Finding::new(Fault::SealForged, name).number(number));
            }
            match (in_file, in_table) {
                (Some(one), Some(other)) if one.hash != other.hash => {
                    findings.push(of_seal(Fault::SealForked, other));
                }
                (Some(one), None) if !forged_numbers.contains(&number) => {
                    findings.push(of_seal(Fault::SealMissing, one));
                }
                (None, Some(one)) if self.is_overdue(one.sealed_at) => {
                    findings.push(of_seal(Fault::SealUnfiled, one));
                }
                (None, None) if !forged_numbers.contains(&number) => {
                    findings.push(Finding::new(Fault::SealLost, name).number(number));
                }
                _ => {}
            }
            proven.extend(in_file.or(in_table));
        }
        findings.extend(
            filed
                .forked
                .iter()
                .map(|it| Finding::new(Fault::SealForked, name).number(*it)),
        );
        findings.extend(
            filed
                .forged
                .iter()
                .map(|it| Finding::new(Fault::SealForged, name).number(*it)),
        );
        findings.extend(misplaced(tenant, &proven).map(|it| of_seal(Fault::SealMisplaced, it)));
        for entry in log {
            let place = proven
                .binary_search_by_key(&entry.seal, |it| it.number)
                .ok();
            let seal = place.and_then(|it| proven.get(it));
            let says = |seal: &ProvenSeal| (seal.last_position, seal.link);
            let logged = (entry.last_position, Hash::stored(&entry.link)?);
            if seal.is_some_and(|seal| says(seal) != logged) {
                let differs = Finding::new(Fault::LogDiffers, name);
                findings.push(differs.number(entry.seal).position(entry.last_position));
            }
        }
        Ok(Seals {
            proven,
            forged,
            findings,
        })
    }
}

/// Seals that do not follow the one before them, where that one is there.
fn misplaced(tenant: Uuid, proven: &[ProvenSeal]) -> impl Iterator<Item = &ProvenSeal> {
    let first = proven.first().filter(move |it| {
        it.number == 1 && (it.first_position, it.previous) != (1, first_seal(tenant))
    });
    let others = proven.windows(2).filter_map(|pair| {
        let [one, next] = pair else { return None };
        let follows = (next.first_position, next.previous) == (one.last_position + 1, one.hash);
        (next.number == one.number + 1 && !follows).then_some(next)
    });
    first.into_iter().chain(others)
}

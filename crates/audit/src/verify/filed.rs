//! What the files say.

use std::collections::{BTreeMap, HashMap};

use database::StoreError;
use uuid::Uuid;

use crate::{Checkpoint, FileFault, Hash, PublicKeys, Retirement, Seal, SealFiles, Statement};

/// A seal that somebody of the installation signed: what verifying needs of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProvenSeal {
    pub(super) number: i64,
    pub(super) first_position: i64,
    pub(super) last_position: i64,
    pub(super) link: Hash,
    pub(super) previous: Hash,
    pub(super) hash: Hash,
    pub(super) sealed_at: i64,
}

impl ProvenSeal {
    pub(super) fn of(seal: &Seal, hash: Hash) -> Self {
        Self {
            number: seal.number,
            first_position: seal.first_position,
            last_position: seal.last_position,
            link: seal.link,
            previous: seal.previous,
            hash,
            sealed_at: seal.sealed_at,
        }
    }
}

/// What was filed of one tenant.
#[derive(Debug, Default)]
pub(super) struct FiledOfTenant {
    pub(super) seals: BTreeMap<i64, ProvenSeal>,
    /// Numbers of which there are two that were signed.
    pub(super) forked: Vec<i64>,
    /// Numbers of which there is one that was not.
    pub(super) forged: Vec<i64>,
    pub(super) retirements: BTreeMap<i64, Retirement>,
    pub(super) forged_retirements: Vec<i64>,
}

/// Everything that was filed.
#[derive(Debug, Default)]
pub(super) struct Filed {
    pub(super) tenants: HashMap<Uuid, FiledOfTenant>,
    pub(super) checkpoints: BTreeMap<i64, Checkpoint>,
    pub(super) forged_checkpoints: Vec<i64>,
    /// Lines that are not whole: a crash, or somebody, cut them off.
    pub(super) broken: u64,
}

impl Filed {
    /// Reads the files, of one tenant or of all.
    pub(super) fn read(
        folder: &SealFiles,
        keys: &PublicKeys,
        tenant: Option<Uuid>,
    ) -> Result<Self, FileFault> {
        let mut filed = Self::default();
        let broken = folder.read(|signed| {
            let Ok(hash) = signed.statement.hash() else {
                return;
            };
            match &signed.statement {
                Statement::Seal(it) if tenant.is_none_or(|tenant| tenant == it.tenant) => {
                    let of_tenant = filed.tenants.entry(it.tenant).or_default();
                    match of_tenant.seals.get(&it.number) {
                        Some(known) if known.hash == hash => {}
                        _ if !keys.vouch_for(&signed) => of_tenant.forged.push(it.number),
                        Some(_another) => of_tenant.forked.push(it.number),
                        None => {
                            let seal = ProvenSeal::of(it, hash);
                            of_tenant.seals.insert(it.number, seal);
                        }
                    }
                }
                Statement::Retirement(it) if tenant.is_none_or(|tenant| tenant == it.tenant) => {
                    let of_tenant = filed.tenants.entry(it.tenant).or_default();
                    if keys.vouch_for(&signed) {
                        of_tenant.retirements.insert(it.number, it.clone());
                    } else {
                        of_tenant.forged_retirements.push(it.number);
                    }
                }
                Statement::Checkpoint(it) if tenant.is_none() => {
                    if keys.vouch_for(&signed) {
                        filed.checkpoints.insert(it.number, it.clone());
                    } else {
                        filed.forged_checkpoints.push(it.number);
                    }
                }
                _ => {}
            }
        });
        filed.broken = broken?;
        Ok(filed)
    }

    /// How many events were sealed, as far as the files know: for telling how far verifying is.
    pub(super) fn events(&self) -> u64 {
        let last = self
            .tenants
            .values()
            .filter_map(|it| it.seals.last_key_value());
        last.map(|(_, seal)| seal.last_position.unsigned_abs())
            .sum()
    }
}

/// Places in the chain, as a retirement names them: `1-7,9`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(Vec<(i64, i64)>);

impl Places {
    /// Those of a list in ascending order.
    pub(crate) fn of(positions: impl IntoIterator<Item = i64>) -> Self {
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for position in positions {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == position => *last = position,
                _ => ranges.push((position, position)),
            }
        }
        Self(ranges)
    }

    /// Reads them.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let wrong = || StoreError::corrupt("places are not of the form 1-7,9");
        let ranges = text.split(',').map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            match (first.parse(), last.parse()) {
                (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
                _ => Err(wrong()),
            }
        });
        ranges.collect::<Result<_, _>>().map(Self)
    }

    /// Adds others.
    pub(super) fn add(&mut self, more: &Self) {
        self.0.extend(&more.0);
        self.0.sort_unstable();
    }

    /// Whether this place is among them.
    pub(super) fn hold(&self, position: i64) -> bool {
        let behind = self.0.partition_point(|(first, _)| *first <= position);
        let found = behind.checked_sub(1).and_then(|it| self.0.get(it));
        found.is_some_and(|(_, last)| position <= *last)
    }
}

impl std::fmt::Display for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, (first, last)) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_and_read_as_ranges() {
        let places = Places::of([1, 2, 3, 7, 9, 10]);
        assert_eq!(places.to_string(), "1-3,7,9-10");
        assert_eq!(Places::parse("1-3,7,9-10").unwrap(), places);
        let held: Vec<i64> = (0..12).filter(|it| places.hold(*it)).collect();
        assert_eq!(held, [1, 2, 3, 7, 9, 10]);
        for wrong in ["", "x", "3-1", "1,,2", "1-2-3"] {
            assert!(Places::parse(wrong).is_err(), "{wrong}");
        }
    }
}

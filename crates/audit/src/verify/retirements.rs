//! What was moved into archives: who signed that, and whether the archives hold it.

use std::collections::BTreeMap;

use database::StoreError;

use super::{
    Verified, Verifier, VerifyError, Whose,
    chain::reading,
    filed::{FiledOfTenant, Places},
    finding::{Fault, Finding},
};
use crate::{
    Archives, Hash, Retirement, Statement,
    postgres::{retire, verify::Step},
    retention::Archived,
};

impl Verifier {
    /// The places that were retired, each by a retirement that was signed.
    pub(super) async fn places_retired(
        &self,
        whose: &Whose,
        filed: &FiledOfTenant,
    ) -> Result<Places, VerifyError> {
        let mut scratch = Verified::default();
        let proven = self.proven_retirements(whose, filed, &mut scratch).await?;
        let mut places = Places::default();
        for it in proven.values() {
            places.add(&Places::parse(&it.positions)?);
        }
        Ok(places)
    }

    /// The same, with what is wrong with the retirements and their archives.
    pub(super) async fn retirements(
        &self,
        whose: &Whose,
        filed: &FiledOfTenant,
        verified: &mut Verified,
    ) -> Result<Places, VerifyError> {
        let name = whose.name();
        let proven = self.proven_retirements(whose, filed, verified).await?;
        let mut places = Places::default();
        for it in proven.values() {
            let of_this = Places::parse(&it.positions)?;
            if let Some(archives) = &self.archives {
                match self.archive(whose, archives, it, &of_this).await? {
                    None => verified.archives_elsewhere += 1,
                    Some(Ok(events)) => verified.archived += events,
                    Some(Err(ArchiveWrong)) => {
                        let changed = Finding::new(Fault::ArchiveChanged, &name);
                        verified.find([changed.number(it.number)]);
                    }
                }
            } else {
                verified.archives_elsewhere += 1;
            }
            places.add(&of_this);
        }
        Ok(places)
    }

    async fn proven_retirements(
        &self,
        whose: &Whose,
        filed: &FiledOfTenant,
        verified: &mut Verified,
    ) -> Result<BTreeMap<i64, Retirement>, VerifyError> {
        let name = whose.name();
        let of = |fault, number| Finding::new(fault, &name).number(number);
        let stored = reading!(self, whose, |tx| retire::all(&tx, whose.id()).await?);
        let mut proven = filed.retirements.clone();
        let mut known = Vec::new();
        for signed in stored {
            let is_signed = self.keys.vouch_for(&signed);
            let Statement::Retirement(it) = signed.statement else {
                continue;
            };
            known.push(it.number);
            match proven.get(&it.number) {
                _ if !is_signed => verified.find([of(Fault::RetirementForged, it.number)]),
                Some(filed) if *filed == it => {}
                Some(_another) => verified.find([of(Fault::RetirementForged, it.number)]),
                None => {
                    if self.is_overdue(it.retired_at) {
                        verified.find([of(Fault::RetirementUnfiled, it.number)]);
                    }
                    proven.insert(it.number, it);
                }
            }
        }
        let missing = filed.retirements.keys().filter(|it| !known.contains(it));
        verified.find(missing.map(|it| of(Fault::RetirementMissing, *it)));
        let forged = filed.forged_retirements.iter();
        verified.find(forged.map(|it| of(Fault::RetirementForged, *it)));
        Ok(proven)
    }

    /// Compares an archive with what was signed, and each record in it with its link; how many there
    /// are, or `None` when it is not here.
    async fn archive(
        &self,
        whose: &Whose,
        folder: &Archives,
        retirement: &Retirement,
        places: &Places,
    ) -> Result<Option<Result<u64, ArchiveWrong>>, VerifyError> {
        let (folder, name) = (folder.clone(), retirement.archive.clone());
        let reading_file = telemetry::spawn_blocking(move || folder.read(&name));
        let Some(bytes) = reading_file.await.map_err(StoreError::corrupt)?? else {
            return Ok(None);
        };
        if Hash::of(&[&bytes]) != retirement.archive_hash {
            return Ok(Some(Err(ArchiveWrong)));
        }
        let texts = bytes.split(|it| *it == b'\n').filter(|it| !it.is_empty());
        let archived: Result<Vec<Archived>, _> = texts.map(serde_json::from_slice).collect();
        let Ok(archived) = archived else {
            return Ok(Some(Err(ArchiveWrong)));
        };
        let links: BTreeMap<i64, Step> = {
            let ids: Vec<_> = archived.iter().map(|it| it.record.id).collect();
            let rows = reading!(self, whose, |tx| retire::links(&tx, ids).await?);
            let steps: Result<Vec<Step>, _> = {
                let rows = rows.into_iter();
                rows.map(|it| it.step(whose.id())).collect()
            };
            steps?.into_iter().map(|it| (it.position, it)).collect()
        };
        let is_whole = |it: &Archived| {
            let hash = it.record.hash().ok();
            let link = links.get(&it.position);
            places.hold(it.position)
                && hash == Some(it.hash)
                && link.is_some_and(|link| {
                    (link.event, link.hash, link.link) == (it.record.id, it.hash, it.link)
                })
        };
        let count = archived.len() as u64;
        let is_right = count == retirement.events.unsigned_abs() && archived.iter().all(is_whole);
        Ok(Some(if is_right {
            Ok(count)
        } else {
            Err(ArchiveWrong)
        }))
    }
}

/// An archive is not what was signed.
struct ArchiveWrong;

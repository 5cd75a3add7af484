//! One chain: its seals, its links, its events, and what is in none of them.

use std::collections::HashSet;

use database::StoreError;
use uuid::Uuid;

use super::{
    Period, Verified, Verifier, VerifyError, Whose,
    filed::{Filed, FiledOfTenant, Places, ProvenSeal},
    finding::{Fault, Finding},
    seals::Seals,
    segment::{self, Bounds},
};
use crate::{
    Hash,
    chain::origin,
    postgres::{
        log,
        verify::{self, LinkedRow, Named, PAGE, Step},
    },
    sealer::recorded_at,
    statement::micros,
};

/// Runs something in a read transaction of whoever it is.
macro_rules! reading {
    ($verifier:expr, $whose:expr, |$tx:ident| $body:expr) => {
        match $whose {
            Whose::Tenant(context) => {
                let $tx = $verifier.database.begin_tenant_read(context).await?;
                let result = $body;
                $tx.commit().await?;
                result
            }
            Whose::Platform => {
                let platform = &$verifier.platform;
                let $tx = $verifier.database.begin_platform_read(platform).await?;
                let result = $body;
                $tx.commit().await?;
                result
            }
        }
    };
}
pub(super) use reading;

impl Verifier {
    pub(super) async fn chain(
        &self,
        whose: &Whose,
        filed: &Filed,
        period: Period,
        total: u64,
        verified: &mut Verified,
    ) -> Result<(), VerifyError> {
        let (tenant, name) = (whose.id(), whose.name());
        let nothing = FiledOfTenant::default();
        let of_tenant = filed.tenants.get(&tenant).unwrap_or(&nothing);
        let log = self.log_of(tenant).await?;
        let Seals {
            proven,
            forged,
            findings,
        } = reading!(self, whose, |tx| {
            self.seals(&tx, (tenant, &name), of_tenant, &log).await?
        });
        verified.seals += proven.len() as u64;
        verified.find(findings);
        let retired = self.retirements(whose, of_tenant, verified).await?;
        let walked = self.walk(whose, &proven, &retired, period, total).await?;
        verified.events += walked.events;
        // What was moved into an archive meanwhile is no finding.
        let mut findings = walked.findings;
        if findings.iter().any(|it| it.fault == Fault::EventMissing) {
            let now = self.places_retired(whose, of_tenant).await?;
            let is_retired = |it: &Finding| it.position.is_some_and(|it| now.hold(it));
            findings.retain(|it| it.fault != Fault::EventMissing || !is_retired(it));
        }
        verified.find(findings);
        let end = proven.last().map_or(0, |it| it.last_position);
        let behind = reading!(self, whose, |tx| {
            verify::links_behind(&tx, end, forged).await?
        });
        verified.find(behind.iter().map(|it| named(Fault::EventAdded, &name, it)));
        self.unlinked(whose, period, verified).await
    }

    async fn log_of(&self, tenant: Uuid) -> Result<Vec<log::Entry>, StoreError> {
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let mut entries: Vec<log::Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |it| it.seal);
            let page = log::entries_of(&tx, tenant, after).await?;
            if page.is_empty() {
                break;
            }
            entries.extend(page);
        }
        tx.commit().await?;
        Ok(entries)
    }

    /// Goes along the chain, from seal to seal. While one page is hashed, the next is read.
    async fn walk(
        &self,
        whose: &Whose,
        seals: &[ProvenSeal],
        retired: &Places,
        period: Period,
        total: u64,
    ) -> Result<Walked, VerifyError> {
        let (tenant, name) = (whose.id(), whose.name());
        let (mut seals, mut start) = sealed_within(tenant, seals, period);
        let mut walked = Walked::default();
        let (Some(first), Some(last)) = (seals.first(), seals.last()) else {
            return Ok(walked);
        };
        let (mut first, end) = (first.first_position, last.last_position);
        // Where a seal before is lost, its events belong to the next.
        if let Some((_, before)) = start {
            first = before + 1;
        }
        let mut link = start
            .take()
            .map_or_else(|| origin(tenant), |(link, _)| link);
        let mut after = first - 1;
        let mut hashing = None;
        let mut steps: Vec<Step> = Vec::new();
        loop {
            let page: Vec<LinkedRow> =
                reading!(self, whose, |tx| { verify::links(&tx, after, end).await? });
            let is_last = page.len() < PAGE;
            after = page.last().map_or(after, |it| it.position);
            let reading_on = hashing.replace(hash(tenant, page));
            if let Some(hashed) = reading_on {
                let hashed: Vec<Step> = collect(hashed).await?;
                self.advance(hashed.len() as u64, total);
                walked.events += hashed.iter().filter(|it| it.found.is_some()).count() as u64;
                steps.extend(hashed);
            }
            if is_last && let Some(hashed) = hashing.take() {
                let hashed: Vec<Step> = collect(hashed).await?;
                self.advance(hashed.len() as u64, total);
                walked.events += hashed.iter().filter(|it| it.found.is_some()).count() as u64;
                steps.extend(hashed);
            }
            let reached = if is_last {
                end
            } else {
                steps.last().map_or(0, |it| it.position)
            };
            while let Some((seal, others)) = seals.split_first()
                && seal.last_position <= reached
            {
                let length = steps.partition_point(|it| it.position <= seal.last_position);
                let part: Vec<Step> = steps.drain(..length).collect();
                let bounds = Bounds {
                    start: link,
                    first,
                    seal,
                };
                walked
                    .findings
                    .extend(segment::check(&name, &bounds, &part, retired));
                (link, first) = (seal.link, seal.last_position + 1);
                seals = others;
            }
            if is_last {
                return Ok(walked);
            }
        }
    }

    /// Events that are in no chain: they wait for their seal, or nobody recorded them.
    async fn unlinked(
        &self,
        whose: &Whose,
        period: Period,
        verified: &mut Verified,
    ) -> Result<(), VerifyError> {
        let name = whose.name();
        let seen = reading!(self, whose, |tx| verify::unlinked(&tx).await?);
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let queue = verify::queue(&tx, whose.id()).await?;
        let ids = seen.iter().map(|it| it.id).collect();
        let waiting = verify::waiting(&tx, whose.id(), ids).await?;
        let waiting: HashSet<Uuid> = waiting.into_iter().collect();
        tx.commit().await?;
        let strangers: Vec<Uuid> = {
            let strangers = seen.iter().map(|it| it.id);
            strangers.filter(|it| !waiting.contains(it)).collect()
        };
        // One that was sealed between the two looks is in the chain by now.
        let strangers = reading!(self, whose, |tx| {
            verify::still_unlinked(&tx, strangers).await?
        });
        let added = strangers.iter().filter(|it| is_within(period, it));
        verified.find(added.map(|it| named(Fault::EventAdded, &name, it)));
        let late = seen.iter().filter(|it| {
            waiting.contains(&it.id) && is_within(period, it) && self.is_overdue(recorded(it))
        });
        let late: Vec<Uuid> = late.map(|it| it.id).collect();
        let late = reading!(self, whose, |tx| verify::still_unlinked(&tx, late).await?);
        verified.find(late.iter().map(|it| named(Fault::EventUnsealed, &name, it)));
        // What waits and is not there was never retired: only what is sealed is.
        let lost = reading!(self, whose, |tx| {
            let present: HashSet<Uuid> = verify::present(&tx, queue.clone())
                .await?
                .into_iter()
                .collect();
            let linked: HashSet<Uuid> = verify::linked(&tx, queue.clone())
                .await?
                .into_iter()
                .collect();
            let is_gone = |it: &&Uuid| !present.contains(it) && !linked.contains(it);
            queue.iter().filter(is_gone).copied().collect::<Vec<_>>()
        });
        let lost = lost.into_iter().map(|it| {
            Finding::new(Fault::EventLostUnsealed, &name).event(it, recorded_at(it), None)
        });
        verified.find(lost);
        Ok(())
    }
}

#[derive(Default)]
struct Walked {
    events: u64,
    findings: Vec<Finding>,
}

/// The seals of a period, and the link and the place before the first of them.
fn sealed_within(
    tenant: Uuid,
    seals: &[ProvenSeal],
    period: Period,
) -> (&[ProvenSeal], Option<(Hash, i64)>) {
    let from = period.from.map_or(i64::MIN, micros);
    let to = period
        .to
        .map_or(i64::MAX, |to| micros(to) + super::PATIENCE);
    let begin = seals.partition_point(|it| it.sealed_at < from);
    // The first one behind it as well: what was recorded at the end was sealed later.
    let end = seals
        .partition_point(|it| it.sealed_at <= to)
        .saturating_add(1);
    let chosen = seals
        .get(begin..end.clamp(begin, seals.len()))
        .unwrap_or_default();
    let before = begin.checked_sub(1).and_then(|it| seals.get(it));
    let before = before.map(|it| (it.link, it.last_position));
    (chosen, before.or(Some((origin(tenant), 0))))
}

type Hashing = [tokio::task::JoinHandle<Result<Vec<Step>, StoreError>>; 2];

/// Hashes the events of a page, on two threads.
fn hash(tenant: Uuid, mut page: Vec<LinkedRow>) -> Hashing {
    let second = page.split_off(page.len() / 2);
    [page, second].map(|half| {
        telemetry::spawn_blocking(move || half.into_iter().map(|it| it.step(tenant)).collect())
    })
}

async fn collect(hashing: Hashing) -> Result<Vec<Step>, StoreError> {
    let mut steps = Vec::new();
    for half in hashing {
        steps.extend(half.await.map_err(StoreError::corrupt)??);
    }
    Ok(steps)
}

fn recorded(event: &Named) -> i64 {
    event.at.map_or_else(|| recorded_at(event.id), micros)
}

fn is_within(period: Period, event: &Named) -> bool {
    let at = recorded(event);
    period.from.is_none_or(|from| micros(from) <= at) && period.to.is_none_or(|to| at <= micros(to))
}

fn named(fault: Fault, tenant: &str, event: &Named) -> Finding {
    let finding = Finding::new(fault, tenant);
    let finding = finding.event(event.id, recorded(event), event.action.as_deref());
    match event.position {
        Some(position) => finding.position(position),
        None => finding,
    }
}

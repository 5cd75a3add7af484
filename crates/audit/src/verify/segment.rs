//! A part of the chain: from one seal to the next.

use std::collections::HashMap;

use super::{
    filed::{Places, ProvenSeal},
    finding::{Fault, Finding},
};
use crate::{Hash, chain::link, postgres::verify::Step};

/// Where a part begins, and what was signed over its end.
pub(super) struct Bounds<'a> {
    /// The link before it, as signed.
    pub(super) start: Hash,
    /// Its first place.
    pub(super) first: i64,
    /// The seal at its end.
    pub(super) seal: &'a ProvenSeal,
}

/// What is wrong with a part of the chain.
///
/// What was signed over both ends decides: first whether the hashes in the links lead from one to the
/// other; if so, an event that has another hash was changed. If not, whether the events as they are now
/// do; then the links were changed. If neither, the order in which the links follow each other tells what
/// was moved; and if that doesn't either, the part was computed anew.
pub(super) fn check(
    tenant: &str,
    bounds: &Bounds<'_>,
    steps: &[Step],
    retired: &Places,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let holes = holes(bounds, steps);
    let name = |fault, step: &Step| {
        Finding::new(fault, tenant)
            .event(step.event, step.at, step.action.as_deref())
            .position(step.position)
    };
    for step in steps {
        if step.found.is_none() && !retired.hold(step.position) {
            findings.push(name(Fault::EventMissing, step));
        }
    }
    for position in &holes {
        findings.push(Finding::new(Fault::LinkMissing, tenant).position(*position));
    }
    let leads = |hash: fn(&Step) -> Hash| {
        let end = steps
            .iter()
            .fold(bounds.start, |it, step| link(it, hash(step)));
        holes.is_empty() && end == bounds.seal.link
    };
    if leads(|step| step.hash) {
        let mut expected = bounds.start;
        for step in steps {
            let previous = std::mem::replace(&mut expected, step.link);
            expected = link(previous, step.hash);
            if step.found.is_some_and(|found| found != step.hash) {
                findings.push(name(Fault::EventChanged, step));
            }
            if (step.previous, step.link) != (previous, expected) {
                findings.push(name(Fault::LinkChanged, step));
            }
        }
        return findings;
    }
    if leads(|step| step.found.unwrap_or(step.hash)) {
        let changed = steps
            .iter()
            .filter(|it| it.found.is_some_and(|found| found != it.hash));
        findings.extend(changed.map(|it| name(Fault::LinkChanged, it)));
        return findings;
    }
    let before = findings.len();
    for step in steps
        .iter()
        .filter(|it| it.found.is_some_and(|found| found != it.hash))
    {
        findings.push(name(Fault::EventChanged, step));
    }
    let moved = moved(bounds, steps);
    findings.extend(moved.iter().map(|it| name(Fault::EventMoved, it)));
    if findings.len() == before && holes.is_empty() {
        let rewritten = Finding::new(Fault::ChainRewritten, tenant);
        let last = bounds.seal.last_position;
        findings.push(
            rewritten
                .positions(bounds.first, last)
                .number(bounds.seal.number),
        );
    }
    findings
}

/// Places without a link.
fn holes(bounds: &Bounds<'_>, steps: &[Step]) -> Vec<i64> {
    let mut expected = bounds.first;
    let mut holes = Vec::new();
    for step in steps {
        holes.extend(expected..step.position);
        expected = step.position + 1;
    }
    holes.extend(expected..=bounds.seal.last_position);
    holes
}

/// Links that are at another place than where they were signed.
fn moved<'a>(bounds: &Bounds<'_>, steps: &'a [Step]) -> Vec<&'a Step> {
    // Those that are whole, by what they follow: from the start on, they tell their order.
    let whole = |it: &&Step| link(it.previous, it.hash) == it.link;
    let by_previous: HashMap<Hash, &Step> = steps
        .iter()
        .filter(whole)
        .map(|it| (it.previous, it))
        .collect();
    let mut order = Vec::new();
    let mut end = bounds.start;
    while let Some(step) = by_previous.get(&end).filter(|_| order.len() < steps.len()) {
        order.push(*step);
        end = step.link;
    }
    if end == bounds.seal.link {
        let places = (bounds.first..).zip(&order);
        return places
            .filter(|(place, it)| *place != it.position)
            .map(|(_, it)| *it)
            .collect();
    }
    // Rows of the chain keep their links, and say another event than was linked there.
    let exchanged = |it: &&Step| {
        let is_wrong = link(it.previous, it.hash) != it.link;
        is_wrong
            && steps.iter().any(|other| {
                other.position != it.position && link(it.previous, other.hash) == it.link
            })
    };
    let mut moved: Vec<&Step> = steps.iter().filter(exchanged).collect();
    // A row that is whole, and fits neither to what is before it nor to what is behind it.
    for (number, step) in steps.iter().enumerate().filter(|(_, it)| whole(it)) {
        let before = number.checked_sub(1).and_then(|it| steps.get(it));
        let before = before.map_or(bounds.start, |it| it.link);
        let behind = steps
            .get(number + 1)
            .map_or(bounds.seal.link, |it| it.previous);
        if step.previous != before && step.link != behind {
            moved.push(step);
        }
    }
    moved
}

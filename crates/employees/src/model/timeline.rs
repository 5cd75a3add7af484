//! What happened to somebody, told from his employments and his pay.

use kernel::{DepartmentId, EmployeeId, JobTitleId, LocationId};
use serde::{Deserialize, Serialize};
use time::{Date, Duration};

use super::{
    Assignment, Cause, Compensation, EmploymentRecord, EmploymentType, EndReason, Named,
    Remuneration, word::words,
};

/// Something that happened to somebody, or will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEvent {
    /// The first day on which it is so; of an end the last day before it.
    pub date: Date,
    /// What kind of thing it is.
    pub kind: EventKind,
    /// What it changed of his assignment.
    pub changes: AssignmentChanges,
    /// What it changed of his pay.
    pub pay: Option<Change<Remuneration>>,
    /// Why his service ended.
    pub reason: Option<EndReason>,
}

words! {
    /// What happens to people.
    EventKind: "hired, rehired, transferred, promoted, compensation_changed, terminated";
    /// His first service begins.
    Hired = "hired",
    /// Another service begins.
    Rehired = "rehired",
    /// Another department, job, location, manager or type.
    Transferred = "transferred",
    /// A better job.
    Promoted = "promoted",
    /// Other pay.
    CompensationChanged = "compensation_changed",
    /// A service ends.
    Terminated = "terminated",
}

/// What something was and what it has become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<T> {
    /// Before.
    pub from: Option<T>,
    /// After.
    pub to: Option<T>,
}

impl<T: Clone + PartialEq> Change<T> {
    /// The change, if there is any.
    fn between(from: Option<&T>, to: Option<&T>) -> Option<Self> {
        (from != to).then(|| Self {
            from: from.cloned(),
            to: to.cloned(),
        })
    }
}

/// What changed of an assignment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssignmentChanges {
    /// On which terms.
    pub employment_type: Option<Change<EmploymentType>>,
    /// Where he belongs.
    pub department: Option<Change<Named<DepartmentId>>>,
    /// What he does.
    pub job_title: Option<Change<Named<JobTitleId>>>,
    /// Where he works.
    pub location: Option<Change<Named<LocationId>>>,
    /// Whom he reports to.
    pub manager: Option<Change<Named<EmployeeId>>>,
}

impl AssignmentChanges {
    fn between(from: Option<&Assignment>, to: &Assignment) -> Self {
        let from_type = from.map(|from| &from.employment_type);
        Self {
            employment_type: Change::between(from_type, Some(&to.employment_type)),
            department: Change::between(
                from.and_then(|from| from.department.as_ref()),
                to.department.as_ref(),
            ),
            job_title: Change::between(
                from.and_then(|from| from.job_title.as_ref()),
                to.job_title.as_ref(),
            ),
            location: Change::between(
                from.and_then(|from| from.location.as_ref()),
                to.location.as_ref(),
            ),
            manager: Change::between(
                from.and_then(|from| from.manager.as_ref()),
                to.manager.as_ref(),
            ),
        }
    }
}

/// Where a page of events ends. No two events of somebody have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventKey {
    /// The day.
    pub date: Date,
    /// On one day an employment begins, then pay, and then a service ends.
    pub rank: u8,
}

impl EventKey {
    /// Behind every event.
    pub const END: Self = Self {
        date: Date::MAX,
        rank: u8::MAX,
    };
}

impl TimelineEvent {
    /// Where it stands in its timeline.
    pub fn key(&self) -> EventKey {
        EventKey {
            date: self.date,
            rank: match self.kind {
                EventKind::CompensationChanged => 2,
                EventKind::Terminated => 3,
                _ => 1,
            },
        }
    }
}

/// Records the newest first, of which the last tells only what was before the others when there are
/// older ones.
#[derive(Clone, Debug)]
pub struct Newest<T> {
    /// The records.
    pub records: Vec<T>,
    /// Whether there are older ones.
    pub more: bool,
}

impl<T> Newest<T> {
    /// Each record that is told of, with those after and before it.
    fn told(&self) -> impl Iterator<Item = (Option<&T>, &T, Option<&T>)> {
        let told = self.records.len().saturating_sub(usize::from(self.more));
        self.records.iter().enumerate().take(told).map(|(at, it)| {
            let later = at.checked_sub(1).and_then(|at| self.records.get(at));
            (later, it, self.records.get(at + 1))
        })
    }
}

/// What is told of these records before a place in the timeline, the newest first.
pub fn timeline(
    employments: &Newest<EmploymentRecord>,
    pay: &Newest<Compensation>,
    before: EventKey,
) -> Vec<TimelineEvent> {
    let mut events = Vec::new();
    for (later, it, earlier) in employments.told() {
        events.push(began(it, earlier));
        let goes_on = later.is_some_and(|later| it.valid_to == Some(later.valid_from));
        events.extend(it.valid_to.filter(|_| !goes_on).map(|to| ended(it, to)));
    }
    for (later, it, earlier) in pay.told() {
        let earlier = earlier.filter(|earlier| earlier.period.meets(&it.period));
        events.push(paid(
            it.period.from(),
            earlier.map(|earlier| earlier.remuneration),
            Some(it.remuneration),
        ));
        // That pay ends with the service is told by that. It may also end within: whoever came back
        // the day after he had left was not away, and what he had been paid was not agreed again.
        let goes_on = later.is_some_and(|later| it.period.meets(&later.period));
        let works = |day: Date| {
            let mut all = employments.records.iter();
            all.any(|on| on.valid_from <= day && on.valid_to.is_none_or(|to| day < to))
        };
        let end = it.period.to().filter(|end| !goes_on && works(*end));
        events.extend(end.map(|end| paid(end, Some(it.remuneration), None)));
    }
    events.retain(|event| event.key() < before);
    events.sort_by_key(|event| std::cmp::Reverse(event.key()));
    events
}

fn paid(date: Date, from: Option<Remuneration>, to: Option<Remuneration>) -> TimelineEvent {
    TimelineEvent {
        date,
        kind: EventKind::CompensationChanged,
        changes: AssignmentChanges::default(),
        pay: Some(Change { from, to }),
        reason: None,
    }
}

fn began(it: &EmploymentRecord, earlier: Option<&EmploymentRecord>) -> TimelineEvent {
    let last = earlier.filter(|earlier| earlier.valid_to == Some(it.valid_from));
    let kind = match (last, earlier, it.cause) {
        (None, None, _) => EventKind::Hired,
        (None, Some(_), _) => EventKind::Rehired,
        (Some(_), _, Some(Cause::Promotion)) => EventKind::Promoted,
        (Some(_), _, _) => EventKind::Transferred,
    };
    TimelineEvent {
        date: it.valid_from,
        kind,
        changes: AssignmentChanges::between(last.map(|last| &last.assignment), &it.assignment),
        pay: None,
        reason: None,
    }
}

fn ended(it: &EmploymentRecord, to: Date) -> TimelineEvent {
    TimelineEvent {
        date: to - Duration::DAY,
        kind: EventKind::Terminated,
        changes: AssignmentChanges::default(),
        pay: None,
        reason: it.end_reason,
    }
}

//! The file of a person who is being changed: what all changes of employment and pay share.

use database::{Mode, StoreError, Tenant, TenantTx, Tx};
use kernel::{Actor, DateRange, EmployeeId, FieldErrors, Reach};
use time::{Date, OffsetDateTime};

use super::{Employees, Storage, reads::record_pay};
use crate::{
    EmployeesError,
    model::{
        Cause, Compensation, Employee, EmployeeProfile, Employment, History, Remuneration, Stamp,
        Tenures, Terms,
    },
    repository::{Inserted, Revision},
};

/// The lock of a tenant under which it changes who reports to whom. Who takes it takes it before
/// the rows of people, and those in the order of their ids.
pub(super) const MANAGERS: &str = "managers";

/// What becomes of a field of the terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays.
    #[default]
    Keep,
    /// There is nothing any more.
    Clear,
    /// This.
    Set(T),
}

impl<T: Copy> Edit<T> {
    /// What it is set to.
    pub fn set(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// What it becomes, if it is another one: nothing, or this.
    #[expect(
        clippy::option_option,
        reason = "absent, null and present are three things to say"
    )]
    pub(super) fn edited(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }

    /// What becomes of a value.
    pub fn of(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// A date is within living memory, or soon: anything else is a slip of the finger.
pub(super) fn plausible(day: Date, pointer: &'static str, wrong: &mut FieldErrors) {
    if !(1900..=2199).contains(&day.year()) {
        wrong.push(pointer, "invalid", "must lie between 1900 and 2199");
    }
}

/// The days from one on to the next change; it is a mistake when nothing is in force then.
pub(super) fn rest(
    terms: &History<Terms>,
    day: Date,
    pointer: &'static str,
    wrong: &mut FieldErrors,
) -> Option<DateRange> {
    let days = terms.rest(day);
    if days.is_none() {
        wrong.push(
            pointer,
            "not_employed",
            format!("he does not work here on {day}"),
        );
    }
    days
}

pub(super) fn terms_of<'a>(
    employments: impl IntoIterator<Item = &'a Employment>,
) -> Result<History<Terms>, StoreError> {
    let periods = employments.into_iter().map(|it| (it.period, it.terms));
    History::of(periods).ok_or_else(|| StoreError::corrupt("employments overlap"))
}

pub(super) fn pay_of(pay: &[Compensation]) -> Result<History<Remuneration>, StoreError> {
    let periods = pay.iter().map(|it| (it.period, it.remuneration));
    History::of(periods).ok_or_else(|| StoreError::corrupt("compensations overlap"))
}

/// The services of somebody who has these employments.
pub(super) fn tenures(
    person: &Employee,
    employments: &[Employment],
) -> Result<Tenures, StoreError> {
    let last = DateRange::new(person.hire_date, person.employed_until);
    let last = last.map_err(StoreError::corrupt)?;
    Ok(Tenures::of(employments.iter().map(|it| it.period), last))
}

impl<S: Storage> Employees<S> {
    /// Somebody who is being changed and, if there is another one, him too, both locked.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`] when the first is not there.
    pub(super) async fn lock_two(
        &self,
        tx: &TenantTx,
        id: EmployeeId,
        other: Option<EmployeeId>,
    ) -> Result<(Employee, Option<Employee>), EmployeesError> {
        let ids: Vec<EmployeeId> = [id].into_iter().chain(other).collect();
        let mut found = self.storage.lock_people(tx, &ids).await?;
        let mut take = |id: EmployeeId| {
            let at = found.iter().position(|person| person.id == id)?;
            Some(found.swap_remove(at))
        };
        let person = take(id).ok_or(EmployeesError::NotFound)?;
        Ok((person, other.and_then(take)))
    }

    /// Stores what has become of somebody's employments; whether anything has.
    pub(super) async fn save_terms(
        &self,
        tx: &TenantTx,
        before: &[Employment],
        employee: EmployeeId,
        after: &History<Terms>,
        cause: Option<Cause>,
        now: OffsetDateTime,
    ) -> Result<bool, EmployeesError> {
        let stamp = Stamp::new(now);
        let revised = revision(
            before,
            after.periods(),
            |it| (it.period, it.terms),
            |it, days, terms| Employment {
                period: days,
                terms,
                cause: if it.terms == terms { it.cause } else { cause },
                // It does not end where it ended.
                end_reason: it.end_reason.filter(|_| it.period == days),
                stamp: it.stamp.changed(now),
                ..it.clone()
            },
            |days, terms| Employment {
                id: self.ambient.id(),
                employee_id: employee,
                period: days,
                terms,
                cause,
                end_reason: None,
                stamp,
            },
        );
        if revised.is_empty() {
            return Ok(false);
        }
        self.storage.revise_employments(tx, &revised).await?;
        Ok(true)
    }

    /// Stores what has become of somebody's pay; whether anything has.
    pub(super) async fn save_pay(
        &self,
        tx: &TenantTx,
        before: &[Compensation],
        employee: EmployeeId,
        after: &History<Remuneration>,
        now: OffsetDateTime,
    ) -> Result<bool, EmployeesError> {
        let stamp = Stamp::new(now);
        let revised = revision(
            before,
            after.periods(),
            |it| (it.period, it.remuneration),
            |it, days, remuneration| Compensation {
                period: days,
                remuneration,
                stamp: it.stamp.changed(now),
                ..it.clone()
            },
            |days, remuneration| Compensation {
                id: self.ambient.id(),
                employee_id: employee,
                period: days,
                remuneration,
                stamp,
            },
        );
        if revised.is_empty() {
            return Ok(false);
        }
        self.storage.revise_pay(tx, &revised).await?;
        Ok(true)
    }

    /// Stores a person, one version on.
    pub(super) async fn save_person(
        &self,
        tx: &TenantTx,
        person: Employee,
        now: OffsetDateTime,
    ) -> Result<(), EmployeesError> {
        let person = Employee {
            stamp: person.stamp.changed(now),
            ..person
        };
        let taken = |field| Err(EmployeesError::Taken { field });
        match self.storage.update_person(tx, &person).await? {
            Inserted::Stored => Ok(()),
            Inserted::NumberTaken => taken("employee_number"),
            Inserted::EmailTaken => taken("work_email"),
        }
    }

    /// Whether the actor may see what somebody is paid.
    pub(super) fn sees_pay_of(&self, actor: &Actor, id: EmployeeId) -> bool {
        self.may_see_pay(actor)
            .is_some_and(|pay| match pay.reach() {
                Reach::Tenant => true,
                Reach::Own => actor.employee_id == Some(id),
            })
    }

    /// What is shown of somebody to whoever changed something of him. Pay that is shown with it was
    /// read.
    pub(super) async fn shown_after(
        &self,
        tx: &TenantTx,
        actor: &Actor,
        id: EmployeeId,
        today: Date,
    ) -> Result<EmployeeProfile, EmployeesError> {
        let with_pay = self.sees_pay_of(actor, id);
        let profile = self.profile_as_of(tx, id, today, with_pay).await?;
        record_pay(tx, &profile);
        Ok(profile)
    }

    /// What is shown of somebody as of a day, with or without his pay.
    pub(super) async fn profile_as_of<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        day: Date,
        with_pay: bool,
    ) -> Result<EmployeeProfile, EmployeesError> {
        let profile = self.storage.profile(tx, id, day, with_pay).await?;
        let profile = profile.ok_or(EmployeesError::NotFound)?;
        if day >= profile.hire_date || profile.original_hire_date == profile.hire_date {
            return Ok(profile);
        }
        // Before the last of several services, how he stood shows in his employments alone.
        let days = self.storage.days_employed(tx, id).await?;
        let (last, employments) = days.ok_or(EmployeesError::NotFound)?;
        let standing = Tenures::of(employments, last).on(day);
        let profile = self.storage.profile_on(tx, id, standing.shown, with_pay);
        let profile = profile.await?.ok_or(EmployeesError::NotFound)?;
        Ok(EmployeeProfile {
            status: standing.status,
            hire_date: standing.hire_date,
            ..profile
        })
    }
}

/// What has become of records when these periods are in force. A record is known by the day on
/// which it begins.
fn revision<R, T: Copy + PartialEq>(
    before: &[R],
    after: &[(DateRange, T)],
    was: impl Fn(&R) -> (DateRange, T),
    revise: impl Fn(&R, DateRange, T) -> R,
    mut add: impl FnMut(DateRange, T) -> R,
) -> Revision<R>
where
    R: Clone,
{
    let begins = |record: &R, day| was(record).0.from() == day;
    let mut revision = Revision {
        removed: Vec::new(),
        revised: Vec::new(),
        added: Vec::new(),
    };
    for (days, value) in after {
        match before.iter().find(|record| begins(record, days.from())) {
            Some(record) if was(record) == (*days, *value) => {}
            Some(record) => revision.revised.push(revise(record, *days, *value)),
            None => revision.added.push(add(*days, *value)),
        }
    }
    let gone = before.iter().filter(|record| {
        let day = was(record).0.from();
        after.iter().all(|(days, _)| days.from() != day)
    });
    revision.removed.extend(gone.cloned());
    revision
}

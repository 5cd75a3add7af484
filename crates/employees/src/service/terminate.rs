//! The end of a service.

use database::TenantTx;
use kernel::{Actor, EmployeeId, FieldErrors, Permit, audit::changes};
use time::{Date, OffsetDateTime};

use super::{
    Employees, Storage,
    file::{MANAGERS, pay_of, plausible, terms_of},
    for_the_tenant,
    manager::CIRCLE,
};
use crate::{
    EmployeesError,
    events::{Terminated, Transferred},
    model::{Cause, Employee, EmployeeProfile, Employment, EndReason, Terms, audited, cannot_lead},
    permission,
    repository::{ReportingLine, Revision},
};

/// Who leaves, and who takes over from him.
#[derive(Clone, Copy, Debug)]
pub struct Terminate {
    /// The last day on which he works here, in the past or in the future.
    pub last_day: Date,
    /// Why.
    pub reason: Option<EndReason>,
    /// To whom those report from the next day on who would report to him.
    pub successor: Option<EmployeeId>,
}

const LAST_DAY: &str = "/last_day";
const SUCCESSOR: &str = "/successor_id";

impl<S: Storage> Employees<S> {
    /// Ends somebody's service. Whatever was agreed for the days after his last one is void. If it
    /// is known already that he leaves, he may only leave earlier.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`]; [`EmployeesError::Invalid`] naming a last day before his first
    /// one, or a successor who cannot lead those who report to him; [`EmployeesError::State`] when
    /// somebody reports to him then and there is no successor, or when he leaves before.
    pub async fn terminate(
        &self,
        permit: &Permit<permission::Terminate>,
        tx: &TenantTx,
        actor: &Actor,
        id: EmployeeId,
        terminate: Terminate,
    ) -> Result<EmployeeProfile, EmployeesError> {
        for_the_tenant(permit)?;
        tx.lock(MANAGERS).await?;
        let (person, successor) = self.lock_two(tx, id, terminate.successor).await?;
        let now = self.ambient.now();
        let today = tx.tenant().time_zone().date_at(now);
        let until = checked(&person, &terminate, successor.as_ref())?;

        let employments = self.storage.employments_of(tx, &[id]).await?;
        let mut terms = terms_of(&employments)?;
        let manager = terms
            .on(terminate.last_day)
            .and_then(|terms| terms.manager_id);
        let pay = self.storage.pay_of(tx, id).await?;
        let mut paid = pay_of(&pay)?;
        let mut changed = audited::void(until, &terms, &paid);
        terms.end(until);
        self.save_terms(tx, &employments, id, &terms, None, now)
            .await?;
        let was = last(&employments).and_then(|last| last.end_reason);
        let reason = self.give_reason(tx, id, terminate.reason, now).await?;
        changed.extend(audited::reasoned(was, reason));
        paid.end(until);
        self.save_pay(tx, &pay, id, &paid, now).await?;

        let left = Employee {
            employed_until: Some(until),
            ..person.clone()
        };
        changed.extend(changes(Some(&person), Some(&left)));
        if changed.is_empty() {
            // All of that was said before.
            return self.shown_after(tx, actor, id, today).await;
        }
        self.save_person(tx, left, now).await?;
        let successor_id = successor.as_ref().map(|it| it.id);
        let terminated = Terminated::of(id, terminate.last_day, terminate.reason, successor_id);
        changed.extend(audited::succeeded(successor_id));
        self.chronicle.note(tx, terminated, changed).await?;
        self.hand_over(tx, Leaving { id, until, manager }, successor, today, now)
            .await?;
        self.shown_after(tx, actor, id, today).await
    }

    /// Says why the service ends with his last employment, if that was told; why it does.
    async fn give_reason(
        &self,
        tx: &TenantTx,
        id: EmployeeId,
        reason: Option<EndReason>,
        now: OffsetDateTime,
    ) -> Result<Option<EndReason>, EmployeesError> {
        let employments = self.storage.employments_of(tx, &[id]).await?;
        let Some(last) = last(&employments) else {
            return Ok(None);
        };
        if reason.is_none() || last.end_reason == reason {
            return Ok(last.end_reason);
        }
        let revision = Revision {
            removed: Vec::new(),
            revised: vec![Employment {
                end_reason: reason,
                stamp: last.stamp.changed(now),
                ..last.clone()
            }],
            added: Vec::new(),
        };
        self.storage.revise_employments(tx, &revision).await?;
        Ok(reason)
    }

    /// Gives those who would report to somebody who is gone to his successor. One of them who is
    /// the successor himself reports to whom the one who leaves reported to.
    async fn hand_over(
        &self,
        tx: &TenantTx,
        leaving: Leaving,
        successor: Option<Employee>,
        today: Date,
        now: OffsetDateTime,
    ) -> Result<(), EmployeesError> {
        let ids = self
            .storage
            .reports_since(tx, leaving.id, leaving.until)
            .await?;
        if ids.is_empty() {
            return Ok(());
        }
        let Some(successor) = successor else {
            return Err(EmployeesError::State {
                pointer: SUCCESSOR,
                code: "required",
                message: format!(
                    "{} report to him after his last day: name somebody to whom they will",
                    people(ids.len())
                ),
            });
        };
        let reports = self.storage.lock_people(tx, &ids).await?;
        let employments = self.storage.employments_of(tx, &ids).await?;
        let mut files: Vec<(Employee, Vec<Employment>)> = Vec::with_capacity(reports.len());
        for person in reports {
            let own = employments.iter().filter(|it| it.employee_id == person.id);
            let own = own.cloned().collect();
            files.push((person, own));
        }
        // The successor first: who reports to him next must not meet him above himself.
        files.sort_by_key(|(person, _)| person.id != successor.id);
        let mut handed_over = Vec::with_capacity(files.len());
        for (person, employments) in files {
            let manager = if person.id == successor.id {
                leaving.manager
            } else {
                Some(successor.id)
            };
            self.check_hand_over(tx, &person, &employments, leaving, manager, today)
                .await?;
            let mut terms = terms_of(&employments)?;
            let was = terms.clone();
            let lines = lines(person.id, &employments, leaving);
            for line in &lines {
                terms.change(line.days, |terms| Terms {
                    manager_id: manager,
                    ..*terms
                });
            }
            let cause = Some(Cause::Transfer);
            self.save_terms(tx, &employments, person.id, &terms, cause, now)
                .await?;
            let first = lines.iter().map(|line| line.days.from()).min();
            let day = first.unwrap_or(leaving.until);
            let changes = audited::changed_on(day, &was, &terms);
            let transferred = Transferred::to_manager(person.id, leaving.until, manager);
            handed_over.push((transferred, changes));
            self.save_person(tx, person, now).await?;
        }
        self.chronicle.note_all(tx, handed_over).await?;
        Ok(())
    }

    /// Whether somebody can report to a manager on all days on which he would report to one who is
    /// gone.
    async fn check_hand_over(
        &self,
        tx: &TenantTx,
        person: &Employee,
        employments: &[Employment],
        leaving: Leaving,
        manager: Option<EmployeeId>,
        today: Date,
    ) -> Result<(), EmployeesError> {
        let Some(manager) = manager else {
            return Ok(());
        };
        let lines = lines(person.id, employments, leaving);
        let found = self.storage.lock_people(tx, &[manager]).await?;
        let mut wrong = FieldErrors::new();
        let mut cannot = found.iter().flat_map(|manager| {
            lines.iter().filter_map(|line| {
                let (hired, until) = (manager.hire_date, manager.employed_until);
                cannot_lead(hired, until, line.days, today)
            })
        });
        if let Some(why) = cannot.next() {
            wrong.push(SUCCESSOR, "not_active", why);
        } else if self
            .storage
            .would_close_a_circle(tx, manager, &lines)
            .await?
        {
            wrong.push(SUCCESSOR, "cycle", CIRCLE);
        }
        wrong.into_result().map_err(EmployeesError::Invalid)
    }
}

/// The employment with which a service ends.
fn last(employments: &[Employment]) -> Option<&Employment> {
    employments.iter().max_by_key(|it| it.period.from())
}

/// Who leaves.
#[derive(Clone, Copy)]
struct Leaving {
    id: EmployeeId,
    until: Date,
    /// Whom he reported to on his last day.
    manager: Option<EmployeeId>,
}

/// The days on which somebody with these employments would report to him who is gone.
fn lines(employee: EmployeeId, employments: &[Employment], leaving: Leaving) -> Vec<ReportingLine> {
    let under_him = employments
        .iter()
        .filter(|it| it.terms.manager_id == Some(leaving.id));
    let days = under_him.filter_map(|it| it.period.starting(leaving.until));
    days.map(|days| ReportingLine { employee, days }).collect()
}

fn people(count: usize) -> String {
    if count == 1 {
        "1 person would".to_owned()
    } else {
        format!("{count} people would")
    }
}

/// The first day on which he is gone.
fn checked(
    person: &Employee,
    terminate: &Terminate,
    successor: Option<&Employee>,
) -> Result<Date, EmployeesError> {
    let last_day = terminate.last_day;
    let mut wrong = FieldErrors::new();
    plausible(last_day, LAST_DAY, &mut wrong);
    if last_day < person.hire_date {
        let message = format!("he begins on {}", person.hire_date);
        wrong.push(LAST_DAY, "not_employed", message);
    }
    match terminate.successor {
        Some(himself) if himself == person.id => {
            wrong.push(SUCCESSOR, "invalid", "nobody is his own successor");
        }
        Some(_) if successor.is_none() => {
            wrong.push(SUCCESSOR, "not_found", "there is no such employee");
        }
        _ => {}
    }
    wrong.into_result().map_err(EmployeesError::Invalid)?;
    let until = last_day.next_day().unwrap_or(last_day);
    match person.employed_until {
        Some(earlier) if earlier < until => Err(EmployeesError::State {
            pointer: LAST_DAY,
            code: "not_employed",
            message: format!(
                "he is gone from {earlier} on: to let him stay longer, rehire him on that day"
            ),
        }),
        _ => Ok(until),
    }
}

//! What happened to somebody, and what will.

use database::{Mode, Tenant, Tx};
use kernel::{EmployeeId, Page, PageRequest, Permit};
use time::Date;

use super::{Employees, Reader, Storage, query::may_see, reads};
use crate::{
    EmployeesError,
    model::{EventKey, Newest, TimelineEvent, timeline},
    permission::Read,
};

/// Somebody's timeline, a page of it, and the day it is where the tenant lives.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The newest first.
    pub page: Page<TimelineEvent, EventKey>,
    /// What begins later is scheduled.
    pub today: Date,
}

impl<S: Storage> Employees<S> {
    /// One page of what happened to somebody, the newest first, with his pay if the actor may see
    /// it. It is recorded when it says what he was paid, unless that is `known`: the amounts are left
    /// out of the answer, or it goes on with an export that was recorded at its start.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`].
    pub async fn timeline(
        &self,
        permit: &Permit<Read>,
        reader: Reader<'_>,
        id: EmployeeId,
        page: &PageRequest<EventKey>,
        known: bool,
    ) -> Result<Timeline, EmployeesError> {
        may_see(permit, reader.actor, id)?;
        let with_pay = self.sees_pay_of(reader.actor, id);
        if !with_pay || known {
            let tx = self.database.begin_tenant_read(reader.tenant).await?;
            let told = self.tell(&tx, id, page, with_pay).await?;
            tx.commit().await?;
            return Ok(told);
        }
        let tx = self.begin_recorded(reader).await?;
        let told = self.tell(&tx, id, page, with_pay).await?;
        if told.page.items.iter().any(|event| event.pay.is_some()) {
            tx.record(reads::pay_of(id));
        }
        tx.commit().await?;
        Ok(told)
    }

    async fn tell<M: Mode>(
        &self,
        tx: &Tx<Tenant, M>,
        id: EmployeeId,
        page: &PageRequest<EventKey>,
        with_pay: bool,
    ) -> Result<Timeline, EmployeesError> {
        let before = page.after.unwrap_or(EventKey::END);
        // One more than the page, one that is told of on the page before, and one before all.
        let limit = u32::from(page.limit.get()) + 3;
        let newest = |records: usize| records >= usize::try_from(limit).unwrap_or(usize::MAX);

        if !self.storage.exists(tx, id).await? {
            return Err(EmployeesError::NotFound);
        }
        let day = before.date;
        let records = self.storage.employments_until(tx, id, day, limit).await?;
        let employments = Newest {
            more: newest(records.len()),
            records,
        };
        let records = if with_pay {
            self.storage.pay_until(tx, id, day, limit).await?
        } else {
            Vec::new()
        };
        let pay = Newest {
            more: newest(records.len()),
            records,
        };
        let total = if page.count {
            let count = self.storage.count_events(tx, id).await?;
            let paid = if with_pay { count.compensations } else { 0 };
            Some(count.employments + count.endings + paid)
        } else {
            None
        };
        let events = timeline(&employments, &pay, before);
        Ok(Timeline {
            page: Page::of_surplus(events, page.limit, total, TimelineEvent::key),
            today: self.today(tx.tenant()),
        })
    }
}

//! Pay from a day on.

use database::TenantTx;
use kernel::{Actor, DateRange, EmployeeId, FieldErrors, Permit};
use time::Date;

use super::{
    Edit, Employees, Storage,
    file::{pay_of, plausible, tenures},
    for_the_tenant,
};
use crate::{
    EmployeesError,
    events::CompensationChanged,
    model::{Commission, EmployeeProfile, Pay, Remuneration, audited::changed_on},
    permission,
};

/// What somebody is paid from a day on, in the past (a correction) or in the future, until the next
/// change that is recorded or the end of his service.
#[derive(Clone, Copy, Debug)]
pub struct ChangeCompensation {
    /// The first day.
    pub effective_date: Date,
    /// How much, per pay period.
    pub pay: Pay,
    /// The share of sales on top.
    pub commission: Edit<Commission>,
}

impl<S: Storage> Employees<S> {
    /// Changes what somebody is paid.
    ///
    /// # Errors
    /// [`EmployeesError::NotFound`]; [`EmployeesError::Invalid`] naming a day on which he does not
    /// work here.
    pub async fn change_compensation(
        &self,
        permit: &Permit<permission::ChangeCompensation>,
        tx: &TenantTx,
        actor: &Actor,
        id: EmployeeId,
        change: ChangeCompensation,
    ) -> Result<EmployeeProfile, EmployeesError> {
        for_the_tenant(permit)?;
        self.pay_otherwise(tx, id, &change).await?;
        let today = self.today(tx.tenant());
        self.shown_after(tx, actor, id, today).await
    }

    pub(super) async fn pay_otherwise(
        &self,
        tx: &TenantTx,
        id: EmployeeId,
        change: &ChangeCompensation,
    ) -> Result<(), EmployeesError> {
        let (person, _) = self.lock_two(tx, id, None).await?;
        let now = self.ambient.now();
        let employments = self.storage.employments_of(tx, &[id]).await?;
        let service = tenures(&person, &employments)?.service(change.effective_date);
        let mut wrong = FieldErrors::new();
        plausible(change.effective_date, POINTER, &mut wrong);
        if service.is_none() {
            let message = format!("he does not work here on {}", change.effective_date);
            wrong.push(POINTER, "not_employed", message);
        }
        wrong.into_result().map_err(EmployeesError::Invalid)?;
        let Some(service) = service else {
            return Ok(());
        };
        let before = self.storage.pay_of(tx, id).await?;
        let mut pay = pay_of(&before)?;
        let day = change.effective_date;
        let current = pay.on(day).and_then(|current| current.commission);
        let remuneration = Remuneration {
            pay: change.pay,
            commission: change.commission.of(current),
        };
        // Where nothing was agreed, it holds until something is.
        let next = pay
            .next_after(day)
            .map(|next| DateRange::new(day, Some(next)));
        let until_next = next.transpose().ok().flatten();
        let days = pay.rest(day).or_else(|| {
            let open = service.starting(day)?;
            until_next.map_or(Some(open), |until| open.intersection(&until))
        });
        let was = pay.clone();
        if let Some(days) = days {
            pay.put(days, remuneration);
        }
        if self.save_pay(tx, &before, id, &pay, now).await? {
            self.save_person(tx, person, now).await?;
            let changed = CompensationChanged {
                employee: id,
                effective_date: day.to_string(),
                compensation: remuneration.into(),
            };
            let what = changed_on(day, &was, &pay);
            self.chronicle.note(tx, changed, what).await?;
        }
        Ok(())
    }
}

const POINTER: &str = "/effective_date";

//! Promotions: a better job, and more pay with it if that is agreed.

use database::TenantTx;
use kernel::{Actor, EmployeeId, JobTitleId, Permit};
use time::Date;

use super::{ChangeCompensation, Edit, Employees, Storage, Transfer, for_the_tenant};
use crate::{
    EmployeesError,
    model::{Cause, EmployeeProfile},
    permission::{self, Promote},
};

/// A better job from a day on, until the next change that is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Promotion {
    /// The first day.
    pub effective_date: Date,
    /// The job.
    pub job_title: JobTitleId,
    /// What he is paid from that day on; it stays when nothing is agreed.
    pub pay: Option<ChangeCompensation>,
}

impl<S: Storage> Employees<S> {
    /// Promotes somebody.
    ///
    /// # Errors
    /// Those of [`Self::transfer`] and [`Self::change_compensation`];
    /// [`EmployeesError::Denied`] when pay is agreed and the actor may not change it.
    pub async fn promote(
        &self,
        permit: &Permit<Promote>,
        tx: &TenantTx,
        actor: &Actor,
        id: EmployeeId,
        promotion: Promotion,
    ) -> Result<EmployeeProfile, EmployeesError> {
        for_the_tenant(permit)?;
        let transfer = Transfer {
            job_title: Edit::Set(promotion.job_title),
            ..Transfer::on(promotion.effective_date)
        };
        if let Some(pay) = &promotion.pay {
            let permit: Permit<permission::ChangeCompensation> =
                Permit::obtain(self.authorizer.as_ref(), actor)?;
            for_the_tenant(&permit)?;
            self.reassign(tx, id, &transfer, Cause::Promotion).await?;
            self.pay_otherwise(tx, id, pay).await?;
        } else {
            self.reassign(tx, id, &transfer, Cause::Promotion).await?;
        }
        let today = self.today(tx.tenant());
        self.shown_after(tx, actor, id, today).await
    }
}

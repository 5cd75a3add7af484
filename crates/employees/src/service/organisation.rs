//! Departments, job titles and locations: created, changed, shown and listed.

mod departments;
mod job_titles;
mod locations;

pub use departments::NewDepartment;
pub use job_titles::NewJobTitle;
pub use locations::NewLocation;

use database::TenantTx;

use super::{Employees, Storage};
use crate::{EmployeesError, model::Code, repository::Series};

const TAKEN: EmployeesError = EmployeesError::Taken { field: "code" };

impl<S: Storage> Employees<S> {
    /// The code that was given, or the next of the series.
    async fn code(
        &self,
        tx: &TenantTx,
        given: Option<Code>,
        series: Series,
    ) -> Result<Code, EmployeesError> {
        match given {
            Some(code) => Ok(code),
            None => Ok(Code::stored(
                self.storage.draw(tx, series).await?.to_string(),
            )),
        }
    }
}

/// What has a code keeps one.
fn kept(code: Option<Code>) -> Result<Code, EmployeesError> {
    code.ok_or_else(|| EmployeesError::field("/code", "required", "a code cannot be cleared"))
}

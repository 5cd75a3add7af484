//! Bringing an organisation in from files: departments, job titles, locations, people and their
//! earlier employments.
//!
//! Everything comes in or nothing does, and everything that is wrong is told at once, each with its
//! file, line and column. The way of a file:
//!
//! 1. [`ImportSet`]: the files, in the platform's own format or in another system's with a
//!    [`Mapping`].
//! 2. [`Draft::read`]: cells become values; each bad one is a [`Fault`].
//! 3. [`Draft::check`]: rows are held against each other and against what the tenant has
//!    ([`Known`]): references, numbers given twice, managers in a circle, employments that overlap.
//! 4. [`CheckedDraft::plan`]: ids are drawn, and what remains is to be stored ([`Plan`]).
//!
//! Nothing here does more than compute, except [`ImportSet::from_folder`]. The use case is
//! [`Imports`](crate::service::Imports). `docs/importing.md` is the guide for those who make the
//! files.
//!
//! ```
//! use employees::import::{Draft, ImportSet, Kind, Known};
//!
//! let csv = "first_name,last_name,hire_date,manager_number\nAda,King,2026-02-30,7\n";
//! let set = ImportSet::single(Kind::Employees, "people.csv", csv.into());
//! let faults = Draft::read(set).check(Known::default()).unwrap_err();
//! let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
//! assert_eq!(
//!     told,
//!     [
//!         "people.csv, line 2, hire_date: must be a date of the form YYYY-MM-DD, for example \
//!          2026-03-01",
//!     ]
//! );
//! ```

mod cells;
mod check;
mod draft;
mod fault;
mod grid;
mod kind;
mod mapping;
#[cfg(test)]
mod oracle_hr;
mod plan;
mod repository;
mod rows;
#[cfg(test)]
mod samples;
mod set;
mod sheet;
#[cfg(test)]
mod tests;
mod tree;
mod values;

pub use draft::{CheckedDraft, Draft, Known, Wanted};
pub use fault::{Fault, Faults, MAX_FAULTS};
pub use grid::MAX_ROWS;
pub use kind::{Column, Kind, UnknownKind};
pub use mapping::{Mapping, MappingError, MappingOption, ReadyMapping};
pub use plan::{ImportReport, Plan};
pub use repository::ImportRepository;
pub use set::{ImportSet, ImportSetError, MAX_FILE_BYTES};

//! Bringing an organisation in from files: departments, job titles, locations, people and their
//! earlier employments.
//!
//! Everything comes in or nothing does ([`ImportMode::Independent`]: every good row does), and
//! everything that is wrong is told at once, each with its file, line and column. The way of a file:
//!
//! 1. [`ImportSet`]: the files, in the platform's own format ([`ColumnMap`]: under other names) or
//!    in another system's with a [`Mapping`].
//! 2. [`Draft::read`]: cells become values; each bad one is a [`Fault`]. What matters to other rows
//!    is kept.
//! 3. [`Draft::check`]: rows are held against each other and against what the tenant has
//!    ([`Known`]): references, numbers given twice, managers in a circle, employments that overlap.
//! 4. [`CheckedDraft::plan`]: ids are drawn, and what remains is to be stored ([`Plan`]), a [`Batch`]
//!    after the other. Who people are is read again from the files, as they come up.
//!
//! So an import holds a hundred bytes or two of a row, and never the file.
//!
//! Nothing here does more than compute and read files. The use case is
//! [`Imports`](crate::service::Imports). `docs/importing.md` is the guide for those who make the
//! files.
//!
//! ```
//! use employees::import::{Draft, ImportLimits, ImportMode, ImportSet, Kind, Known};
//! use time::macros::date;
//!
//! let csv = "first_name,last_name,hire_date,manager_number\nAda,King,2026-02-30,7\n";
//! let set = ImportSet::single(Kind::Employees, "people.csv", csv.as_bytes().to_vec());
//! let draft = Draft::read(set.into(), ImportLimits::DEFAULT);
//! let checked = draft.check(Known::default(), ImportMode::Atomic, date!(2026 - 03 - 01));
//! let faults = checked.unwrap_err();
//! let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
//! assert_eq!(
//!     told,
//!     [
//!         "people.csv, line 2, hire_date: must be a date of the form YYYY-MM-DD, for example \
//!          2026-03-01",
//!     ]
//! );
//! ```

mod batch;
mod cells;
mod check;
mod columns;
mod content;
mod draft;
mod fault;
mod grid;
mod independent;
mod kind;
mod limits;
mod mapping;
mod mode;
#[cfg(test)]
pub(crate) mod oracle_hr;
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

pub use batch::{Batch, ImportReport, Newcomer, Past};
pub use columns::{ColumnMap, ColumnMapError};
pub use content::Content;
pub use draft::{CheckedDraft, Draft, Known, KnownEmployee, Wanted};
pub use fault::{Fault, Faults};
pub use kind::{Column, Kind, UnknownKind};
pub use limits::ImportLimits;
pub use mapping::{Mapping, MappingError, MappingOption, ReadyMapping};
pub use mode::{ImportMode, UnknownMode};
pub use plan::Plan;
pub use repository::ImportRepository;
pub use set::{ImportSet, ImportSetError, MAX_FILE_BYTES, content};

//! People, the organisation they work in, and their employment over time.
//!
//! A person ([`model::Employee`]), the places he worked in ([`model::Employment`]) and what he was
//! paid ([`model::Compensation`]) are kept apart, each with its own days in force. What the API
//! shows of an employee is composed as of today, which is the day where the tenant lives. Its
//! invariants:
//!
//! - Employments of one person never overlap, and neither do his compensations. Between them there
//!   may be gaps: somebody may come back.
//! - What changes, changes from a day on, in the past or in the future, until the next change that
//!   is recorded ([`model::History`]). What is scheduled comes into force by itself, for everything
//!   is read as of a day.
//! - Nobody reports to himself, directly or through others, on any day, and no department is part of
//!   itself. A tree is changed under a lock of the tenant, taken before the rows of people, and those
//!   in the order of their ids; what is new has nothing below it and needs none.
//! - On every day from today on, whoever is reported to works here: nobody is given a manager who
//!   leaves before, and nobody leaves before those who report to him have a successor. Of the past,
//!   which is often written down later and top first, that is not asked.
//! - An employee number and an address at work belong to one person of a tenant. Numbers that are
//!   drawn may leave gaps and are never drawn twice.
//! - What somebody is paid is read only for those who may see it, and leaves the crate for nobody
//!   else. Who may see himself alone finds nobody else: there is nothing here.
//! - Whatever changes is recorded as an event in the same transaction, under the lock of what changed
//!   ([`events`]).
//! - Whether somebody works here ([`model::EmploymentStatus`]) is derived from a day and never
//!   stored.
//!
//! ```
//! use employees::model::{EmployeeNumber, EmploymentStatus};
//! use time::macros::date;
//!
//! let number: EmployeeNumber = "e-17".parse()?;
//! assert_eq!(number.as_str(), "E-17");
//!
//! let hired = date!(2026-03-01);
//! let status = EmploymentStatus::on(date!(2026-02-28), hired, hired, None);
//! assert_eq!(status, EmploymentStatus::Scheduled);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]

pub mod error;
pub mod events;
pub mod http;
pub mod import;
pub mod jobs;
pub mod lists;
pub mod mail;
pub mod model;
pub mod permission;
pub mod postgres;
pub mod repository;
pub mod service;

pub use error::EmployeesError;
pub use http::configure;

/// The use cases over PostgreSQL: what the composition root makes.
pub type EmployeeService = service::Employees<postgres::Postgres>;

/// The import over PostgreSQL: what the composition root and the operator's command line make.
pub type ImportService = service::Imports<postgres::Postgres>;

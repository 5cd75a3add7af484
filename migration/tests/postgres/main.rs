//! The migrations against a real PostgreSQL.
//!
//! `HRMS_TEST_DATABASE_URL` is a superuser's URL; each test makes its own database and roles and
//! drops them at the end.

#[cfg(test)]
mod scratch;

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod install;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod migrate;

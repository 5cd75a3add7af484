//! What the tests of every crate share: a database of a test's own, with tenants in both
//! placements.
//!
//! [`TestDatabase::create`] clones a migrated template in about 40 ms. The template is built once
//! per version of the migrations and kept; clones are dropped when the test ends. The server is
//! `HRMS_TEST_DATABASE_URL`, a superuser's URL, which `./just test` sets. With the feature `api`,
//! [`Api`] runs the whole API in the test's own process, with users in every tenant. Tests that
//! install the platform themselves begin with an [`EmptyDatabase`].
//!
//! | tenant | schema | placement |
//! | --- | --- | --- |
//! | `public` | `public` | dedicated; its users run the platform |
//! | `acme`, `globex` | `t_acme`, `t_globex` | dedicated |
//! | `initech`, `umbrella` | `pool_0001` | pooled, neighbours |

#[cfg(feature = "api")]
mod api;
mod database;
mod empty;
mod scale;
mod server;
mod template;
#[cfg(feature = "api")]
mod worker;

#[cfg(feature = "api")]
pub use api::{Answer, Api, AppLogin, Session, USER_PASSWORD, api_settings, email};
pub use database::{AUDIT_KEY, DedicatedAndPooled, TestDatabase, audit_log};
pub use empty::EmptyDatabase;
pub use scale::scaled;
pub use server::Server;
pub use template::{ACME, FIXTURES, Fixture, GLOBEX, INITECH, PUBLIC, UMBRELLA};
#[cfg(feature = "api")]
pub use worker::Worker;

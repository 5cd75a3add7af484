//! Users, sessions and keys in PostgreSQL.

mod entity;
mod keys;
mod sessions;
mod users;

pub use keys::PostgresKeys;
pub use sessions::PostgresSessions;
pub use users::PostgresUsers;

use std::sync::Arc;

use kernel::RoleName;

/// The roles of a user as the queries aggregate them: `administrator employee`.
fn roles(text: Option<&str>) -> Arc<[RoleName]> {
    text.unwrap_or_default()
        .split_whitespace()
        .map(RoleName::new)
        .collect()
}

//! What the use cases of users share.

use std::{fmt, sync::Arc};

use database::Database;
use kernel::Ambient;
use telemetry::Origin;

use crate::{PasswordHasher, Store};

/// Creating and changing users. The use cases stand in files of their own: `create_user`,
/// `set_password`.
pub struct Users {
    pub(crate) database: Database,
    pub(crate) store: Store,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) ambient: Ambient,
    pub(crate) origin: Origin,
}

impl Users {
    /// The same, on somebody's behalf.
    #[must_use]
    pub fn initiated_by(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Users")
    }
}

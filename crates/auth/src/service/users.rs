//! What the use cases of users share.

use std::{fmt, sync::Arc};

use database::Database;
use kernel::Ambient;

use crate::{PasswordHasher, Store};

/// Creating and changing users. The use cases stand in files of their own: `create_user`,
/// `set_password`.
pub struct Users {
    pub(crate) database: Database,
    pub(crate) store: Store,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) ambient: Ambient,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Users")
    }
}

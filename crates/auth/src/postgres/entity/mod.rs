//! The tables.

pub(crate) mod refresh_token;
pub(crate) mod role_assignment;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod signing_key;
pub(crate) mod user;

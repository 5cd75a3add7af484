//! The use cases.

mod authenticate;
mod create_user;
mod login;
mod logout;
mod profile;
mod purge;
mod refresh;
mod rehash;
mod sessions;
mod set_password;
mod standings;
mod users;

pub use authenticate::TokenAuthenticator;
pub use purge::{Purge, Purged};
pub use sessions::{Sessions, SignedIn};
pub use standings::Standings;
pub use users::Users;

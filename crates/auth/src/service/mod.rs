//! The use cases.

mod authenticate;
mod cache_usage;
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
pub use cache_usage::CacheUsage;
pub use purge::{Purge, Purged};
pub use sessions::{Sessions, SignedIn};
pub use standings::Standings;
pub use users::Users;

//! The use cases.

mod authenticate;
mod create_user;
mod login;
mod logout;
mod profile;
mod refresh;
mod sessions;
mod set_password;
mod standings;
mod users;

pub use authenticate::TokenAuthenticator;
pub use sessions::{Sessions, SignedIn};
pub use standings::Standings;
pub use users::Users;

//! Types that cannot hold an invalid state.

mod display_name;
mod password;
mod reader;
mod refresh_token;
mod session;
mod user;

pub use display_name::{DisplayName, DisplayNameError};
pub use password::{Password, PasswordError};
pub use reader::Reader;
pub use refresh_token::{RefreshToken, StoredRefreshToken, TokenHash};
pub use session::{AuthMethods, Session, SessionLifetime};
pub use user::{NewUser, PasswordHash, Standing, UnknownUserStatus, User, UserStatus};

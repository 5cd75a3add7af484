//! The routes, and what the request pipeline needs.

mod authenticator;
mod jwks;
mod login;
mod logout;
mod me;
mod refresh;
mod signed_in;

pub use jwks::{JsonWebKey, JsonWebKeySet};
pub use login::Credentials;
pub use me::Me;
pub use refresh::RefreshRequest;
pub use signed_in::{SignedInResponse, TenantSummary, UserProfile};

use utoipa_actix_web::service_config::ServiceConfig;

/// The largest body of a request by somebody who has not signed in yet, in bytes: the longest
/// address and the longest password fit, each character of them escaped.
const CREDENTIALS_LIMIT: usize = 8 * 1024;

/// Adds the routes. Their handlers take [`Sessions`](crate::Sessions) and
/// [`KeyRing`](crate::KeyRing) from the application's data.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(login::login)
        .service(refresh::refresh)
        .service(logout::logout)
        .service(me::me)
        .service(jwks::jwks);
}

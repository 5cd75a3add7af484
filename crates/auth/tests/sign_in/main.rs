//! Signing in, staying signed in and signing out, on a real PostgreSQL with two dedicated tenants
//! and two neighbours in a pool.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod access_token;
mod keys;
mod login;
mod purge;
mod refresh;
mod rehash;
mod scene;
mod users;

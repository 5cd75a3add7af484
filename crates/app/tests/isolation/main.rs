//! Wall 6: whatever there is, attacked by everybody who could.
//!
//! Nothing here is a list of what exists. The tables come from PostgreSQL's catalogue and the routes
//! from the API's own description; rows and requests are made from the types they declare. What a
//! machine cannot know, [`known`] says: a few lines for a kind of id, a value or a function. What
//! stands nowhere fails the suite, which names it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot arrange its scene has failed"
)]

mod catalogue;
mod document;
mod filling;
mod known;
mod ledger;
mod recorded;
mod routes;
mod scene;
mod tables;

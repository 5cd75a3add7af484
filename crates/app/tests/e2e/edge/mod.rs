//! The edge of the API: what becomes of a request before anybody looks at what it asks for.

mod accept;
mod cors;
mod limits;
mod proxies;
mod slow;
mod trace;

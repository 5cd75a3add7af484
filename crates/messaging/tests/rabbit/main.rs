//! Jobs over a real RabbitMQ: that nothing is lost, whatever is lost on the way.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot arrange its scene has failed"
)]

mod carrying;
mod outages;
mod proxy;
mod refusing;
mod secrets;
mod server;
mod topology;

#[path = "../jobs/scene.rs"]
#[expect(dead_code, reason = "the other tests of jobs use all of it")]
mod scene;

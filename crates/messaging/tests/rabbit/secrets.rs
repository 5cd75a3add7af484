//! The password is nobody's business.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use messaging::{Broker as _, Queue};
use tracing_subscriber::fmt::MakeWriter;

use crate::server::{Corner, envelopes, until, url};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_stands_in_no_log_no_status_and_no_debug() {
    let lines = Lines::default();
    // The client reads on threads of its own. The only test that sets it.
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(lines.clone())
        .finish();
    tracing::subscriber::set_global_default(log).unwrap();

    let corner = Corner::new();
    let url = url();
    let (_, rest) = url
        .split_once("hrms:")
        .unwrap_or(url.split_once("//").unwrap());
    let (password, place) = rest.split_once('@').unwrap();
    let broker = corner.broker().await;
    let shown = format!("{broker:?} {} {:?}", broker.status(), corner.settings());
    broker.publish(Queue::Default, envelopes(1)).await;
    broker.close().await;

    let wrong = format!("amqp://hrms:hunter2@{place}");
    let refused = Corner::start(&corner.settings_at(&wrong));
    let told = || refused.status().to_string();
    until(|| told().contains("ACCESS_REFUSED"), told).await;
    let shown = format!("{shown} {refused:?} {}", told());
    refused.close().await;

    let nowhere = Corner::start(&corner.settings_at("amqp://hrms:hunter2@nowhere.invalid/%2f"));
    let told = || nowhere.status().to_string();
    until(|| !told().contains("not connected yet"), told).await;
    let shown = format!("{shown} {nowhere:?} {}", told());
    nowhere.close().await;

    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("RabbitMQ is connected"), "{written}");
    for secret in [password, "hunter2"] {
        assert!(!written.contains(secret), "{written}");
        assert!(!shown.contains(secret), "{shown}");
    }
    corner.tidy().await;
}

//! The composition root: what the programs and the end-to-end tests share.
//!
//! [`settings::Settings`] say how, [`Components`] are everything that serves, [`serve`] serves it,
//! [`WorkerComponents`] do jobs, and [`operate`] is what an operator does from the command line. No rule of the business lives
//! here.

mod components;
mod fit;
mod foundation;
mod health;
mod jobs;
mod mail;
mod metrics;
mod openapi;
pub mod operate;
mod routes;
mod sealing;
mod server;
pub mod service;
pub mod settings;
mod worker;

pub use actix_web::dev::{Server, ServerHandle};
pub use components::{Components, StartError};
pub use health::{Check, Report, Status};
pub use kernel::Ambient;
pub use messaging::{Drained, Stop};
pub use metrics::serve as serve_metrics;
pub use openapi::document as openapi_document;
pub use server::serve;
pub use telemetry;
pub use worker::WorkerComponents;

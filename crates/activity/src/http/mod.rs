//! The routes: a file each.

mod cancel_job;
mod list_events;
mod platform;
mod representation;
mod show_job;

use utoipa_actix_web::service_config::ServiceConfig;

/// Adds the routes. Their handlers take [`Feed`](crate::Feed), [`OwnJobs`](crate::OwnJobs) and
/// [`AllJobs`](crate::AllJobs) from the application's data.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list_events::list_events)
        .service(show_job::show_job)
        .service(cancel_job::cancel_job);
    platform::configure(config);
}

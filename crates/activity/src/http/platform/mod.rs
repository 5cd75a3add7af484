//! The routes of those who run the platform. They exist in the public tenant alone.

mod cancel_job;
mod list_jobs;
mod representation;
mod retry_job;
mod show_job;

use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list_jobs::list_jobs)
        .service(show_job::show_job)
        .service(retry_job::retry_job)
        .service(cancel_job::cancel_job);
}

//! The routes, and what the request pipeline needs.

mod platform;
mod resolver;
mod show_tenant;

pub use show_tenant::{BrandingBody, TenantProfile};

use utoipa_actix_web::service_config::ServiceConfig;

/// Adds the routes. Their handlers take [`Directory`](crate::Directory),
/// [`Administration`](crate::Administration), [`Passwords`](crate::Passwords) and
/// [`messaging::Enqueuer`] from the application's data.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(show_tenant::show);
    platform::configure(config);
}

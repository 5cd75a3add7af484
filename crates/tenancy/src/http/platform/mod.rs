//! The routes of those who run the platform: a file each. They exist in the public tenant alone.

mod add_domain;
mod create_tenant;
mod list_domains;
mod list_tenants;
mod remove_domain;
mod representation;
mod resume_tenant;
mod show_tenant;
mod suspend_tenant;
mod update_tenant;

use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list_tenants::list_tenants)
        .service(create_tenant::create_tenant)
        .service(show_tenant::show_tenant)
        .service(update_tenant::update_tenant)
        .service(suspend_tenant::suspend_tenant)
        .service(resume_tenant::resume_tenant)
        .service(list_domains::list_domains)
        .service(add_domain::add_domain)
        .service(remove_domain::remove_domain);
}

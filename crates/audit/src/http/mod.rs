//! The routes: a file each.

mod export;
mod list_events;
mod representation;
mod show_event;

use utoipa_actix_web::service_config::ServiceConfig;

/// Adds the routes. Their handlers take [`AuditReader`](crate::AuditReader) and
/// [`AuditExporter`](crate::AuditExporter) from the application's data.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list_events::list_audit_events)
        .service(export::export_audit)
        .service(show_event::show_audit_event);
}

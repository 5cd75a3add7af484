//! Every route there is.

use utoipa_actix_web::service_config::ServiceConfig;

use crate::{health, openapi};

/// Adds the routes of every domain.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    health::configure(config);
    openapi::configure(config);
    tenancy::configure(config);
    auth::configure(config);
    activity::configure(config);
    audit::configure(config);
    employees::configure(config);
}

//! What a tenant is, and what a request says about it.

mod host;
mod question;
mod tenant;

pub use host::{HostName, HostNameError};
pub use question::{HostRules, NamedHost, Question};
pub use tenant::{
    Branding, BrandingError, Domain, Locale, LocaleError, Suspension, SuspensionReason,
    SuspensionReasonError, Tenant, TenantDetails, TenantName, TenantNameError,
};

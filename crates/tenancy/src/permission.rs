//! What somebody may be allowed to do here, in the public tenant alone.

kernel::permissions! {
    /// Read tenants and their domains.
    ReadTenants = "platform:read_tenants", "Read which companies there are, and their domains.";
    /// Create tenants.
    CreateTenants = "platform:create_tenants", "Create companies, each with its first administrator.";
    /// Change tenants and their domains.
    UpdateTenants = "platform:update_tenants", "Change companies' names, languages, time zones, branding and domains.";
    /// Suspend and resume tenants.
    SuspendTenants = "platform:suspend_tenants", "Suspend companies, and let them in again.";
}

//! What somebody may be allowed to do here.

kernel::permissions! {
    /// Read employees and their employment history.
    Read = "employees:read", "Read the people of the company, where they work and what they worked as.";
    /// Read what employees are paid.
    ReadCompensation = "employees:read_compensation", "Read what people are paid.";
    /// Hire.
    Create = "employees:create", "Hire people.";
    /// Import people and organisation.
    Import = "employees:import", "Import people, departments, job titles and locations from files.";
    /// Read departments, job titles and locations.
    ReadOrganisation = "organisation:read", "Read departments, job titles and locations.";
    /// Create departments, job titles and locations.
    CreateOrganisation = "organisation:create", "Create departments, job titles and locations.";
    /// Change departments, job titles and locations.
    UpdateOrganisation = "organisation:update", "Change departments, job titles and locations.";
}

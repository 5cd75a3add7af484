//! What somebody may be allowed to do here.

kernel::permissions! {
    /// Read employees and their employment history.
    Read = "employees:read", "Read the people of the company, where they work and what they worked as.";
    /// Read what employees are paid.
    ReadCompensation = "employees:read_compensation", "Read what people are paid.";
    /// Read who changed what of employees.
    ReadHistory = "employees:read_history", "Read who changed what of people, and when.";
    /// Hire.
    Create = "employees:create", "Hire people.";
    /// Change what is said of a person.
    Update = "employees:update", "Change people's names, numbers, addresses and telephone numbers.";
    /// Transfer.
    Transfer = "employees:transfer", "Transfer people to another department, job, location or manager.";
    /// Promote.
    Promote = "employees:promote", "Promote people.";
    /// Change what employees are paid.
    ChangeCompensation = "employees:change_compensation", "Change what people are paid.";
    /// Terminate.
    Terminate = "employees:terminate", "Let people's service end.";
    /// Rehire.
    Rehire = "employees:rehire", "Rehire people who left.";
    /// Import people and organisation.
    Import = "employees:import", "Import people, departments, job titles and locations from files.";
    /// Read departments, job titles and locations.
    ReadOrganisation = "organisation:read", "Read departments, job titles and locations.";
    /// Create departments, job titles and locations.
    CreateOrganisation = "organisation:create", "Create departments, job titles and locations.";
    /// Change departments, job titles and locations.
    UpdateOrganisation = "organisation:update", "Change departments, job titles and locations.";
}

//! What somebody may be allowed to do with events and jobs.

kernel::permissions! {
    /// Read the feed of events.
    ReadEvents = "events:read", "Read what happens in the company: the feed of events.";
    /// Look at jobs.
    ReadJobs = "jobs:read", "See how far long work has come, and what came of it.";
    /// Take jobs back.
    CancelJobs = "jobs:cancel", "Take long work back that has not ended.";
    /// Look at every tenant's jobs.
    ReadAllJobs = "platform:read_jobs", "See which jobs there are, of all companies, and how each stands.";
    /// Have jobs tried again, and take them back.
    OperateJobs = "platform:operate_jobs", "Have failed jobs tried again, and take jobs back, of all companies.";
}

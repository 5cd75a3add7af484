//! Tables as the ORM sees them: without `tenant_id`, which the database fills in and filters
//! by.

pub(crate) mod department;
pub(crate) mod job_title;
pub(crate) mod location;

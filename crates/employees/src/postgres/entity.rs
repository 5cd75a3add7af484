//! The tables, as the ORM sees them: without `tenant_id`, which the database fills in and filters
//! by.

pub(crate) mod compensation;
pub(crate) mod department;
pub(crate) mod employee;
pub(crate) mod employment;
pub(crate) mod job_title;
pub(crate) mod location;

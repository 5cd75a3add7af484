//! What the suite cannot find out by itself. Whoever adds something new to the API or the database
//! adds a line here when the suite asks for it.

/// A call of a function with its owner's rights: the function with its arguments' types, the call, in
/// which `{theirs}` is the other tenant's id, and how it may end (`0 rows`, or an SQLSTATE).
type Call = (&'static str, &'static str, &'static [&'static str]);

/// How the functions that run with their owner's rights, and that a tenant or the platform may call,
/// are turned on another tenant.
pub(crate) const CALLS: &[Call] = &[];

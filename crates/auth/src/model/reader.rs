//! Users to whom is written.

use std::fmt;

use kernel::EmailAddress;

/// A user to whom a mail may be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Reader {
    /// Where his mail goes.
    pub email: EmailAddress,
    /// How he is called.
    pub display_name: String,
    /// The language he reads (BCP 47), if it is not his tenant's.
    pub locale: Option<String>,
}

/// A reader is a person: nothing of him reaches a log.
impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader(…)")
    }
}

//! For whom a mail is written.

use kernel::TimeZone;

use crate::Language;

/// For whom a mail is written.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    /// The language he reads.
    pub language: Language,
    /// How his company is called.
    pub company: &'a str,
    /// What its clocks show.
    pub time_zone: &'a TimeZone,
    /// What links begin with, as `https://hr.example.com`; without it there are none.
    pub links: Option<&'a str>,
}

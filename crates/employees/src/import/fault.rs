//! What is wrong with a file, told so that the person who made it finds the place.

use std::{collections::HashMap, fmt, sync::Arc};

use super::Kind;

/// How many faults an import tells; of the rest it tells the number.
pub const MAX_FAULTS: usize = 1_000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name.
    pub file: Arc<str>,
    /// The line on which the row begins, as an editor counts it; the header's is 1.
    pub line: u64,
    /// The column's name as it stands in the file's header, when it is about one.
    pub column: Option<Arc<str>>,
    /// The stable code: `required`, `invalid`, `not_found`, `duplicate`, `cycle`, `overlap`, ….
    pub code: &'static str,
    /// A sentence for the person who made the file.
    pub message: String,
}

/// `employees.csv, line 17, hire_date: must be a date of the form YYYY-MM-DD`
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong, of which the first [`MAX_FAULTS`] are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    more: u64,
}

impl Faults {
    /// Nothing is wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a fault.
    pub fn push(&mut self, fault: Fault) {
        if self.kept.len() < MAX_FAULTS {
            self.kept.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The faults, by file and line.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.kept.iter()
    }

    /// How many faults there are beyond those kept.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.more
            .saturating_add(u64::try_from(self.kept.len()).unwrap_or(u64::MAX))
    }

    /// `value` when nothing is wrong, else the faults by file and line.
    pub(super) fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            return Ok(value);
        }
        self.kept
            .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Err(self)
    }
}

/// Where rows come from: their file, and what its header calls our columns.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) kind: Kind,
    pub(super) file: Arc<str>,
    pub(super) headings: HashMap<&'static str, Arc<str>>,
}

impl Source {
    /// Describes what is wrong with one of our columns, under the name the file has for it.
    pub(super) fn fault(
        &self,
        line: u64,
        field: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Fault {
        let heading = self.headings.get(field).cloned();
        Fault {
            file: Arc::clone(&self.file),
            line,
            column: Some(heading.unwrap_or_else(|| field.into())),
            code,
            message: message.into(),
        }
    }
}

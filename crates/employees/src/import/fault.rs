//! What is wrong with a file, told so that the person who made it finds the place.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use super::Kind;

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

/// Everything that is wrong, of which so many are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    most: usize,
    more: u64,
    rows: HashSet<(Arc<str>, u64)>,
    incomplete: bool,
    refused: bool,
}

impl Faults {
    /// Nothing is wrong yet; so many faults at most will be kept.
    pub fn new(most: usize) -> Self {
        Self {
            kept: Vec::new(),
            most: most.max(1),
            more: 0,
            rows: HashSet::new(),
            incomplete: false,
            refused: false,
        }
    }

    /// Notes a fault of a row.
    pub fn push(&mut self, fault: Fault) {
        self.rows.insert((Arc::clone(&fault.file), fault.line));
        if self.kept.len() < self.most {
            self.kept.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Notes a row that cannot be read at all: nobody knows what it would have been.
    pub(super) fn unreadable(&mut self, fault: Fault) {
        self.incomplete = true;
        self.push(fault);
    }

    /// Notes that a file cannot be taken as a whole, whatever its rows are.
    pub(super) fn refuse(&mut self, fault: Fault) {
        self.refused = true;
        self.unreadable(fault);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether every row could be read.
    pub(super) fn all_was_read(&self) -> bool {
        !self.incomplete
    }

    /// Whether a file cannot be taken as a whole.
    pub(super) fn is_refusal(&self) -> bool {
        self.refused
    }

    /// Whether something is wrong with a row.
    pub(super) fn has(&self, file: &Arc<str>, line: u64) -> bool {
        self.rows.contains(&(Arc::clone(file), line))
    }

    /// How many rows something is wrong with.
    pub fn rows(&self) -> usize {
        self.rows.len()
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

    /// The same by file and line, as people go through them.
    pub(super) fn in_order(mut self) -> Self {
        self.kept
            .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        self
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

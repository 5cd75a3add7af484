//! Whose columns a file has: ours, or the same under other names.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Fault, Faults, Kind, content::Reader, fault::Source, grid::Grid};

/// What a file calls our columns, where it calls them otherwise: `Surname:last_name,Notes:`. A
/// column that is mapped to nothing is not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMap {
    /// By the heading as it is compared; with the heading as it was written.
    columns: BTreeMap<String, (String, Option<&'static str>)>,
}

/// Why a text is no [`ColumnMap`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnMapError {
    /// Longer than any header, or with control characters.
    #[error("it has {LONGEST_MAP} bytes at most, and no control characters")]
    Unreadable,
    /// Not of the form `heading:column`.
    #[error("`{0}` is not of the form `heading:column`")]
    Form(String),
    /// A column that rows of this kind do not have.
    #[error("`{column}` is no column of {kind}, which are {}", names(*kind))]
    Unknown {
        /// What it names.
        column: String,
        /// What the rows are.
        kind: Kind,
    },
    /// A heading or a column that is named twice.
    #[error("`{0}` is named twice")]
    Twice(String),
}

/// How long a map may be, in bytes: it goes along with an import that is done later.
const LONGEST_MAP: usize = 16 * 1024;

/// Headings are compared without the blanks around them, whatever the case of their letters.
fn compared(heading: &str) -> String {
    heading.trim().to_lowercase()
}

impl ColumnMap {
    /// Reads pairs of a heading and a column of the kind, separated by commas.
    ///
    /// # Errors
    /// [`ColumnMapError`].
    pub fn parse(kind: Kind, text: &str) -> Result<Self, ColumnMapError> {
        if text.len() > LONGEST_MAP || text.chars().any(char::is_control) {
            return Err(ColumnMapError::Unreadable);
        }
        let mut columns = BTreeMap::new();
        let mut taken = HashSet::new();
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let form = || ColumnMapError::Form(pair.trim().to_owned());
            let (heading, column) = pair.rsplit_once(':').ok_or_else(form)?;
            let (heading, column) = (heading.trim(), column.trim());
            if heading.is_empty() {
                return Err(form());
            }
            let column = match column {
                "" => None,
                name => Some(kind.column(&compared(name)).ok_or_else(|| {
                    let column = name.to_owned();
                    ColumnMapError::Unknown { column, kind }
                })?),
            };
            let column = column.map(|column| column.name);
            if let Some(name) = column.filter(|name| !taken.insert(*name)) {
                return Err(ColumnMapError::Twice(name.to_owned()));
            }
            let entry = (heading.to_owned(), column);
            if columns.insert(compared(heading), entry).is_some() {
                return Err(ColumnMapError::Twice(heading.to_owned()));
            }
        }
        Ok(Self { columns })
    }

    /// Where a file has our columns. Every heading is a column of ours or mapped, none of our
    /// columns comes twice, and every required one is there; else `None`, and why is noted.
    pub(super) fn find(
        &self,
        kind: Kind,
        grid: &Grid<Reader>,
        faults: &mut Faults,
    ) -> Option<(Source, HashMap<&'static str, usize>)> {
        let before = faults.total();
        let mut fault = |heading: &str, code, message: String| {
            faults.refuse(Fault {
                file: grid.file.clone(),
                line: 1,
                column: Some(heading.into()),
                code,
                message,
            });
        };
        let mut positions = HashMap::new();
        let mut headings = HashMap::new();
        let mut mapped = HashSet::new();
        for (position, heading) in grid.header.iter().enumerate() {
            let key = compared(heading);
            let column = match (self.columns.get(&key), kind.column(&key)) {
                (Some((_, column)), _) => {
                    mapped.insert(key);
                    let Some(column) = column else { continue };
                    *column
                }
                (None, Some(column)) => column.name,
                (None, None) => {
                    let message = format!(
                        "`{heading}` is no column of {kind}, which are {}",
                        names(kind)
                    );
                    fault(heading, "unknown_column", message);
                    continue;
                }
            };
            if positions.insert(column, position).is_some() {
                let message = format!("the header names `{column}` twice");
                fault(heading, "duplicate_column", message);
            }
            headings.insert(column, heading.clone());
        }
        for (key, (heading, _)) in &self.columns {
            if !mapped.contains(key) {
                let message = format!("`{heading}` is mapped, and the file does not have it");
                fault(heading, "missing_column", message);
            }
        }
        for column in kind.columns() {
            if column.required && !positions.contains_key(column.name) {
                let message = format!("the column `{}` is missing", column.name);
                fault(column.name, "missing_column", message);
            }
        }
        if faults.total() > before {
            return None;
        }
        let source = Source {
            kind,
            file: grid.file.clone(),
            headings,
        };
        Some((source, positions))
    }
}

fn names(kind: Kind) -> String {
    let names: Vec<String> = kind
        .columns()
        .iter()
        .map(|column| format!("`{}`", column.name))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{ImportLimits, content::Content};

    fn header(text: &str, map: &str) -> (bool, Vec<String>) {
        let mut faults = Faults::new(100);
        let content = Content::from(text.as_bytes().to_vec());
        let reader = content.reader();
        let file = "d.csv".into();
        let grid = Grid::open(&file, reader, ImportLimits::DEFAULT, &mut faults).unwrap();
        let map = ColumnMap::parse(Kind::Departments, map).unwrap();
        let found = map.find(Kind::Departments, &grid, &mut faults).is_some();
        (found, faults.iter().map(ToString::to_string).collect())
    }

    fn told(text: &str, map: &str) -> Vec<String> {
        let (found, faults) = header(text, map);
        assert!(!found);
        faults
    }

    #[test]
    fn columns_may_stand_in_any_order_and_optional_ones_be_left_out() {
        assert_eq!(header("name,code\nIT,10\n", ""), (true, Vec::new()));
    }

    #[test]
    fn a_heading_counts_without_blanks_and_case() {
        assert_eq!(header(" Name ,CODE\nIT,10\n", ""), (true, Vec::new()));
        assert_eq!(
            header("Titel,code\nIT,10\n", " TITEL : Name "),
            (true, Vec::new())
        );
    }

    #[test]
    fn every_unknown_and_every_missing_column_is_named() {
        let faults = told("code,colour,Title\n", "");
        let places: Vec<&str> = faults.iter().filter_map(|f| f.split(':').next()).collect();
        assert_eq!(
            places,
            [
                "d.csv, line 1, colour",
                "d.csv, line 1, Title",
                "d.csv, line 1, name"
            ]
        );
    }

    #[test]
    fn a_column_that_is_mapped_to_nothing_is_not_read() {
        let (found, _) = header("code,Title,colour\n", "Title:name,colour:");
        assert!(found);
    }

    #[test]
    fn what_comes_twice_or_is_mapped_and_not_there_is_named() {
        assert_eq!(
            told("code,name,Title\n", "title:name"),
            ["d.csv, line 1, Title: the header names `name` twice"]
        );
        assert_eq!(
            told("code,Code,name\n", ""),
            ["d.csv, line 1, Code: the header names `code` twice"]
        );
        assert_eq!(
            told("code,name\n", "Title:"),
            ["d.csv, line 1, Title: `Title` is mapped, and the file does not have it"]
        );
    }

    #[test]
    fn a_map_that_cannot_be_meant_is_refused_with_the_reason() {
        let refused = |text| ColumnMap::parse(Kind::Departments, text).unwrap_err();
        for (text, reason) in [
            ("name", "not of the form"),
            (":name", "not of the form"),
            ("Title:colour", "`colour` is no column of departments"),
            ("a:name,b:name", "`name` is named twice"),
            ("a:name,A:code", "`A` is named twice"),
        ] {
            let message = refused(text).to_string();
            assert!(message.contains(reason), "{text}: {message}");
        }
        assert_eq!(
            ColumnMap::parse(Kind::Departments, "Cost: centre:code")
                .unwrap()
                .columns
                .keys()
                .collect::<Vec<_>>(),
            ["cost: centre"]
        );
    }
}

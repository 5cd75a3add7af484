//! Rows with our columns, wherever they come from.

use std::{collections::HashMap, sync::Arc};

use super::{
    Fault, Faults, Kind,
    fault::Source,
    grid::{Grid, GridRow},
};

/// The rows of one kind. Cells are found by our names of columns.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pub(super) source: Arc<Source>,
    positions: HashMap<&'static str, usize>,
    pub(super) rows: Vec<GridRow>,
}

impl Sheet {
    /// Rows whose cells are in the order of `fields`.
    pub(super) fn new(
        source: Source,
        fields: impl Iterator<Item = &'static str>,
        rows: Vec<GridRow>,
    ) -> Self {
        Self {
            source: Arc::new(source),
            positions: fields.zip(0..).collect(),
            rows,
        }
    }

    /// A file in our own format: every column known, every required one there.
    pub(super) fn native(kind: Kind, grid: Grid, faults: &mut Faults) -> Option<Self> {
        let before = faults.total();
        let mut fault = |column: &str, code, message: String| {
            faults.push(Fault {
                file: Arc::clone(&grid.file),
                line: 1,
                column: Some(column.into()),
                code,
                message,
            });
        };
        let mut fields = Vec::new();
        for heading in &grid.header {
            match kind.column(heading) {
                Some(column) => fields.push(column.name),
                None => fault(
                    heading,
                    "unknown_column",
                    format!(
                        "`{heading}` is no column of {kind}, which are {}",
                        names(kind)
                    ),
                ),
            }
        }
        for column in kind.columns() {
            if column.required && !fields.contains(&column.name) {
                fault(
                    column.name,
                    "missing_column",
                    format!("the column `{}` is missing", column.name),
                );
            }
        }
        if faults.total() > before {
            return None;
        }
        let source = Source {
            kind,
            file: grid.file,
            headings: HashMap::new(),
        };
        Some(Self::new(source, fields.into_iter(), grid.rows))
    }

    /// A cell without the spaces around it; empty when the file does not have the column.
    pub(super) fn cell<'a>(&self, row: &'a GridRow, field: &str) -> &'a str {
        self.positions
            .get(field)
            .and_then(|position| row.cells.get(*position))
            .unwrap_or_default()
            .trim()
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

    fn header(text: &str) -> (bool, Vec<String>) {
        let mut faults = Faults::new();
        let grid = Grid::read(&"d.csv".into(), text.as_bytes(), &mut faults).unwrap();
        let sheet = Sheet::native(Kind::Departments, grid, &mut faults);
        (
            sheet.is_some(),
            faults.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn columns_may_stand_in_any_order_and_optional_ones_be_left_out() {
        assert_eq!(header("name,code\nIT,10\n"), (true, Vec::new()));
    }

    #[test]
    fn every_unknown_and_every_missing_column_is_named() {
        let (read, faults) = header("code,colour,Name\n");
        assert!(!read);
        let places: Vec<&str> = faults.iter().filter_map(|f| f.split(':').next()).collect();
        assert_eq!(
            places,
            [
                "d.csv, line 1, colour",
                "d.csv, line 1, Name",
                "d.csv, line 1, name"
            ]
        );
    }
}

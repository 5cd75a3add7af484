//! Rows with our columns, wherever they come from.

use std::{collections::HashMap, sync::Arc};

use kernel::formula;

use super::{
    ColumnMap, Faults, Kind,
    content::Reader,
    fault::Source,
    grid::{Grid, GridRow},
    mapping::Columns,
};

/// The rows of one kind, one after the other. Cells are found by our names of columns.
pub(super) struct Sheet {
    pub(super) source: Arc<Source>,
    positions: HashMap<&'static str, usize>,
    grid: Grid<Reader>,
    /// How our cells are made of those of the file, when they are not the same.
    columns: Option<Columns>,
    /// Takes what cannot be read of the file when another sheet tells it.
    untold: Option<Faults>,
}

impl Sheet {
    /// A file in our own format, or with other names of our columns.
    pub(super) fn native(
        kind: Kind,
        map: &ColumnMap,
        grid: Grid<Reader>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let (source, positions) = map.find(kind, &grid, faults)?;
        Some(Self {
            source: Arc::new(source),
            positions,
            grid,
            columns: None,
            untold: None,
        })
    }

    /// Another system's file.
    pub(super) fn mapped(
        source: Source,
        grid: Grid<Reader>,
        columns: Columns,
        untold: Option<Faults>,
    ) -> Self {
        Self {
            source: Arc::new(source),
            positions: columns.fields().zip(0..).collect(),
            grid,
            columns: Some(columns),
            untold,
        }
    }

    /// The next row; what cannot be read before it is noted.
    pub(super) fn next(&mut self, faults: &mut Faults) -> Option<GridRow> {
        let row = match &mut self.untold {
            Some(untold) => self.grid.next(untold)?,
            None => self.grid.next(faults)?,
        };
        Some(match &self.columns {
            Some(columns) => columns.apply(&row, &self.source, faults),
            // What a list was written as is read as it was.
            None if row.cells.iter().any(|cell| cell.contains('\'')) => GridRow {
                line: row.line,
                cells: row.cells.iter().map(formula::as_it_was).collect(),
            },
            None => row,
        })
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

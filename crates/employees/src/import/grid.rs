//! Reading CSV (RFC 4180): a header, then rows with as many cells, one after the other.
//!
//! A cell is text and nothing else: `=1+1` stays the four characters it is.

mod records;

use std::{collections::HashSet, io::Read, sync::Arc};

use csv::StringRecord;
use records::Records;

use super::{Fault, Faults, ImportLimits};

/// A file whose header was read. Of its rows one is in memory at a time.
pub(super) struct Grid<R> {
    pub(super) file: Arc<str>,
    pub(super) header: Vec<Arc<str>>,
    records: Records<R>,
    rows: usize,
    limits: ImportLimits,
}

/// A row with as many cells as the header.
#[derive(Clone, Debug)]
pub(super) struct GridRow {
    /// The line on which it begins.
    pub(super) line: u64,
    pub(super) cells: StringRecord,
}

impl<R: Read> Grid<R> {
    /// Reads the header. `None` when nothing can be read at all; why is noted.
    pub(super) fn open(
        file: &Arc<str>,
        source: R,
        limits: ImportLimits,
        faults: &mut Faults,
    ) -> Option<Self> {
        let mut records = Records::new(source, limits.row_bytes);
        let header = match records.next() {
            Some(Ok((_, header))) => names(&header),
            Some(Err(bad)) => Err((bad.code, bad.message)),
            None => Err(("empty", "the file is empty".to_owned())),
        };
        match header {
            Ok(header) => Some(Self {
                file: Arc::clone(file),
                header,
                records,
                rows: 0,
                limits,
            }),
            Err((code, message)) => {
                faults.refuse(fault(file, 1, code, message));
                None
            }
        }
    }

    /// The next row that can be read; those that cannot are noted and left out.
    pub(super) fn next(&mut self, faults: &mut Faults) -> Option<GridRow> {
        loop {
            let (line, cells) = match self.records.next()? {
                Ok(record) => record,
                Err(bad) => {
                    faults.unreadable(fault(&self.file, bad.line, bad.code, bad.message));
                    continue;
                }
            };
            if cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if cells.len() != self.header.len() {
                let message = format!(
                    "the row has {} cells, the header has {}",
                    cells.len(),
                    self.header.len()
                );
                faults.unreadable(fault(&self.file, line, "cells", message));
                continue;
            }
            if self.rows == self.limits.rows {
                let message = format!("a file may have {} rows; divide it", self.limits.rows);
                faults.refuse(fault(&self.file, line, "too_many_rows", message));
                self.records.end();
                return None;
            }
            self.rows += 1;
            return Some(GridRow { line, cells });
        }
    }

    /// Where the column of this name is.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|heading| &**heading == name)
    }
}

fn fault(file: &Arc<str>, line: u64, code: &'static str, message: String) -> Fault {
    Fault {
        file: Arc::clone(file),
        line,
        column: None,
        code,
        message,
    }
}

/// The names in a header: none empty, none twice.
fn names(header: &StringRecord) -> Result<Vec<Arc<str>>, (&'static str, String)> {
    let names: Vec<Arc<str>> = header.iter().map(|name| name.trim().into()).collect();
    if let [only] = names.as_slice()
        && let Some(other) = [';', '\t', '|'].into_iter().find(|c| only.contains(*c))
    {
        return Err((
            "separator",
            format!(
                "cells are separated by commas, and this header has {other:?}: save it as CSV with commas"
            ),
        ));
    }
    let mut seen = HashSet::new();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err((
                "missing_column",
                format!("column {} of the header has no name", index + 1),
            ));
        }
        if !seen.insert(name) {
            return Err((
                "duplicate_column",
                format!("the header names `{name}` twice"),
            ));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: ImportLimits = ImportLimits {
        rows: 1_000,
        row_bytes: 20_000,
        ..ImportLimits::DEFAULT
    };

    /// The rows, unless nothing can be read at all, and the faults.
    fn read(bytes: &[u8]) -> (Option<Vec<GridRow>>, Faults) {
        let mut faults = Faults::new(LIMITS.faults);
        let grid = Grid::open(&"people.csv".into(), bytes, LIMITS, &mut faults);
        let rows = grid.map(|mut grid| std::iter::from_fn(|| grid.next(&mut faults)).collect());
        (rows, faults)
    }

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let (grid, faults) = read(text.as_bytes());
        assert!(faults.is_empty(), "{faults:?}");
        let rows = grid.unwrap();
        rows.iter()
            .map(|row| (row.line, row.cells.iter().map(str::to_owned).collect()))
            .collect()
    }

    fn faults(bytes: &[u8]) -> Vec<String> {
        read(bytes).1.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_row_is_named_by_the_line_on_which_it_begins() {
        let text = "\u{FEFF}a,b\r\n\r\n1,2\r\n\"x\r\ny\",\"say \"\"hi\"\"\"\r\n\n,\n5,5\" disk";
        assert_eq!(
            rows(text),
            [
                (3, vec!["1".to_owned(), "2".to_owned()]),
                (4, vec!["x\r\ny".to_owned(), "say \"hi\"".to_owned()]),
                (8, vec!["5".to_owned(), "5\" disk".to_owned()]),
            ]
        );
    }

    #[test]
    fn a_cell_is_text_and_never_a_formula() {
        let cells = &rows("a,b\n=1+1,@SUM(A1)\n")[0].1;
        assert_eq!(cells, &["=1+1", "@SUM(A1)"]);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_named_and_the_others_are_still_looked_at() {
        let faults = faults(b"a,b\n1\n\"x\"y,2\n\xFF,2\n1,2,3\n\"open,2\n1,2\n");
        assert_eq!(
            faults,
            [
                "people.csv, line 2: the row has 1 cells, the header has 2",
                "people.csv, line 3: text follows the quotation mark that closes a cell; double \
                 the quotation marks inside a cell",
                "people.csv, line 4: the row is not UTF-8; save the file as CSV in UTF-8",
                "people.csv, line 5: the row has 3 cells, the header has 2",
                "people.csv, line 6: a quotation mark opens a cell and none closes it",
            ]
        );
    }

    #[test]
    fn a_header_that_cannot_be_meant_is_refused() {
        let message = |bytes: &[u8]| faults(bytes).join("\n");
        assert!(message(b"").contains("empty"));
        assert!(message(b"\xEF\xBB\xBF").contains("empty"));
        assert!(message(b"a,a\n").contains("twice"));
        assert!(message(b"a,,b\n").contains("column 2"));
        assert!(message(b"a;b\n1;2\n").contains("separated by commas"));
    }

    #[test]
    fn a_file_with_too_many_rows_is_refused_on_the_first_of_them() {
        let text = format!("a\n{}", "1\n".repeat(LIMITS.rows + 1));
        assert_eq!(
            faults(text.as_bytes()),
            ["people.csv, line 1002: a file may have 1000 rows; divide it"]
        );
        assert!(faults(&text.as_bytes()[..text.len() - 2]).is_empty());
    }

    #[test]
    fn a_row_of_megabytes_is_refused_and_not_kept() {
        let field = format!("a,b\n1,2\n\n{},3\n4,5\n", "x".repeat(10_000_000));
        let columns = format!("a,b\n1,2\n\n{}\n", ",".repeat(1_000_000));
        let quote = format!("a,b\n1,2\n\n\"3,4\n{}", "5,6\n".repeat(100_000));
        for bytes in [field, columns, quote] {
            assert_eq!(
                faults(bytes.as_bytes()),
                [
                    "people.csv, line 4: the row is longer than 20000 bytes; is a quotation mark \
                     missing?"
                ]
            );
        }
    }

    #[test]
    fn a_row_longer_than_what_is_read_at_a_time_keeps_its_line() {
        let long = "y\n".repeat(4_500);
        let text = format!("a,b\n1,\"{long}\"\n\n2,\"{long}\"\r\n3,z\n");
        let lines: Vec<u64> = rows(&text).iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4_504, 9_005]);
    }

    fn written(cells: &[Vec<String>], width: usize) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let header: Vec<String> = (0..width).map(|index| format!("c{index}")).collect();
        writer.write_record(&header).unwrap();
        for row in cells {
            writer.write_record(row).unwrap();
        }
        writer.into_inner().unwrap()
    }

    proptest! {
        #[test]
        fn any_cells_come_back_as_they_were_written(
            cells in prop::collection::vec(prop::collection::vec(any::<String>(), 3), 0..8)
        ) {
            let (grid, faults) = read(&written(&cells, 3));
            prop_assert!(faults.is_empty(), "{:?}", faults);
            let kept: Vec<Vec<String>> = cells
                .into_iter()
                .filter(|row| row.iter().any(|cell| !cell.trim().is_empty()))
                .collect();
            let back: Vec<Vec<String>> = grid
                .unwrap()
                .iter()
                .map(|row| row.cells.iter().map(str::to_owned).collect())
                .collect();
            prop_assert_eq!(back, kept);
        }

        #[test]
        fn quotes_commas_and_line_breaks_come_back_as_they_were_written(
            cells in prop::collection::vec(prop::collection::vec("[\",\r\na=]{0,6}x", 2), 0..8)
        ) {
            let (grid, faults) = read(&written(&cells, 2));
            prop_assert!(faults.is_empty(), "{:?}", faults);
            let back: Vec<Vec<String>> = grid
                .unwrap()
                .iter()
                .map(|row| row.cells.iter().map(str::to_owned).collect())
                .collect();
            prop_assert_eq!(back, cells);
        }

        #[test]
        fn any_bytes_are_rows_or_faults_never_a_panic(bytes in any::<Vec<u8>>()) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_text_that_looks_like_csv_is_rows_or_faults(text in "[ab\",\r\n;é]{0,40}") {
            let (grid, _) = read(text.as_bytes());
            if let Some(rows) = grid {
                let lines = u64::try_from(text.len()).unwrap() + 1;
                prop_assert!(rows.iter().all(|row| row.line <= lines));
                prop_assert!(rows.is_sorted_by_key(|row| row.line));
            }
        }
    }
}

//! Reading CSV (RFC 4180): a header, then rows with as many cells.
//!
//! A cell is text and nothing else: `=1+1` stays the four characters it is.

use std::{collections::HashSet, ops::Range, sync::Arc};

use csv::{ByteRecord, ReaderBuilder, StringRecord};

use super::{Fault, Faults};

/// How many rows a file may have.
pub const MAX_ROWS: usize = 100_000;

/// A file as it was read.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) file: Arc<str>,
    pub(super) header: Vec<Arc<str>>,
    pub(super) rows: Vec<GridRow>,
}

/// A row with as many cells as the header.
#[derive(Clone, Debug)]
pub(super) struct GridRow {
    /// The line on which it begins.
    pub(super) line: u64,
    pub(super) cells: StringRecord,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Grid {
    /// Reads a file. Bad rows are noted and left out; `None` when nothing can be read at all.
    pub(super) fn read(file: &Arc<str>, bytes: &[u8], faults: &mut Faults) -> Option<Self> {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let mut records = Records::new(bytes);
        let fault = |line, code, message: String| Fault {
            file: Arc::clone(file),
            line,
            column: None,
            code,
            message,
        };
        let header = match records.next() {
            Some(Ok((_, header))) => match names(&header) {
                Ok(header) => header,
                Err((code, message)) => {
                    faults.push(fault(1, code, message));
                    return None;
                }
            },
            Some(Err(bad)) => {
                faults.push(fault(bad.line, bad.code, bad.message));
                return None;
            }
            None => {
                faults.push(fault(1, "empty", "the file is empty".to_owned()));
                return None;
            }
        };
        let mut rows = Vec::new();
        for record in records {
            let (line, cells) = match record {
                Ok(record) => record,
                Err(bad) => {
                    faults.push(fault(bad.line, bad.code, bad.message));
                    continue;
                }
            };
            if cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if cells.len() != header.len() {
                let message = format!(
                    "the row has {} cells, the header has {}",
                    cells.len(),
                    header.len()
                );
                faults.push(fault(line, "cells", message));
                continue;
            }
            if rows.len() == MAX_ROWS {
                let message = format!("a file may have {MAX_ROWS} rows; divide it");
                faults.push(fault(line, "too_many_rows", message));
                return None;
            }
            rows.push(GridRow { line, cells });
        }
        Some(Self {
            file: Arc::clone(file),
            header,
            rows,
        })
    }

    /// Where the column of this name is.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|heading| &**heading == name)
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

/// A record that cannot be read.
struct BadRecord {
    line: u64,
    code: &'static str,
    message: String,
}

/// The records of a file with the lines on which they begin.
///
/// The `csv` crate splits them. It forgives quotes out of place and counts a record's line from the
/// end of the one before it, so both are looked at here, in the bytes that it took the record from.
struct Records<'a> {
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    start: usize,
    line: u64,
    ended: bool,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        Self {
            bytes,
            reader,
            start: 0,
            line: 1,
            ended: false,
        }
    }

    /// Goes over the blank lines before a record.
    fn skip_blank_lines(&mut self) {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let blank = rest
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        self.advance(blank);
    }

    fn advance(&mut self, length: usize) {
        let end = self.start.saturating_add(length).min(self.bytes.len());
        self.line += line_breaks(self.bytes, self.start..end);
        self.start = end;
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(u64, StringRecord), BadRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.skip_blank_lines();
        let line = self.line;
        let bad = |code, message: &str| {
            let message = message.to_owned();
            Some(Err(BadRecord {
                line,
                code,
                message,
            }))
        };
        let mut record = ByteRecord::new();
        match self.reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(_unreadable) => {
                self.ended = true;
                return bad("quoting", "the file cannot be read from here on");
            }
        }
        let end = usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        let raw = self.bytes.get(self.start..end).unwrap_or_default();
        match quoting(raw) {
            Quoting::Sound => {}
            Quoting::Unclosed => {
                self.ended = true;
                return bad(
                    "quoting",
                    "a quotation mark opens a cell and none closes it",
                );
            }
            Quoting::Trailing => {
                self.advance(raw.len());
                return bad(
                    "quoting",
                    "text follows the quotation mark that closes a cell; double the quotation \
                     marks inside a cell",
                );
            }
        }
        self.advance(raw.len());
        match StringRecord::from_byte_record(record) {
            Ok(record) => Some(Ok((line, record))),
            Err(_not_utf8) => bad(
                "encoding",
                "the row is not UTF-8; save the file as CSV in UTF-8",
            ),
        }
    }
}

/// Counts the breaks that end in a range: `\n`, `\r\n` and a lone `\r` are one each.
fn line_breaks(bytes: &[u8], range: Range<usize>) -> u64 {
    let before = range.start.checked_sub(1).and_then(|at| bytes.get(at));
    let mut after_return = before == Some(&b'\r');
    let mut breaks = 0;
    for byte in bytes.get(range).unwrap_or_default() {
        if *byte == b'\r' || (*byte == b'\n' && !after_return) {
            breaks += 1;
        }
        after_return = *byte == b'\r';
    }
    breaks
}

enum Quoting {
    Sound,
    Unclosed,
    Trailing,
}

/// Whether every cell that begins with a quotation mark ends with one (RFC 4180, 2.5 to 2.7). A
/// mark inside a cell that does not begin with one is text: `5" disk`.
fn quoting(record: &[u8]) -> Quoting {
    enum At {
        Start,
        Plain,
        Quoted,
        Mark,
    }
    let mut at = At::Start;
    for byte in record {
        at = match (at, byte) {
            (At::Quoted, b'"') => At::Mark,
            (At::Start | At::Mark, b'"') | (At::Quoted, _) => At::Quoted,
            (_, b',' | b'\r' | b'\n') => At::Start,
            (At::Mark, _) => return Quoting::Trailing,
            (At::Start | At::Plain, _) => At::Plain,
        };
    }
    match at {
        At::Quoted => Quoting::Unclosed,
        _ => Quoting::Sound,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> (Option<Grid>, Faults) {
        let mut faults = Faults::new();
        let grid = Grid::read(&"people.csv".into(), bytes, &mut faults);
        (grid, faults)
    }

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let (grid, faults) = read(text.as_bytes());
        assert!(faults.is_empty(), "{faults:?}");
        let rows = grid.unwrap().rows;
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
        let text = format!("a\n{}", "1\n".repeat(MAX_ROWS + 1));
        assert_eq!(
            faults(text.as_bytes()),
            ["people.csv, line 100002: a file may have 100000 rows; divide it"]
        );
        assert!(faults(&text.as_bytes()[..text.len() - 2]).is_empty());
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
                .rows
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
                .rows
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
            if let Some(grid) = grid {
                let lines = u64::try_from(text.len()).unwrap() + 1;
                prop_assert!(grid.rows.iter().all(|row| row.line <= lines));
                prop_assert!(grid.rows.is_sorted_by_key(|row| row.line));
            }
        }
    }
}

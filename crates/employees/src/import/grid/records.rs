//! The records of a CSV file, as strictly as RFC 4180 has them, and where each begins.

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder, StringRecord};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A record that cannot be read.
pub(super) struct BadRecord {
    pub(super) line: u64,
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// The records of a file with the lines on which they begin.
///
/// The `csv` crate splits them. It forgives quotes out of place, counts a record's line from the
/// end of the one before it, and takes a record of any length, so all three are looked at here, in
/// the bytes that it took the record from.
pub(super) struct Records<R> {
    reader: csv::Reader<Seen<R>>,
    /// Where the next record begins, in bytes from the beginning of the file.
    start: u64,
    line: u64,
    /// Whether the last byte before `start` was `\r`.
    after_return: bool,
    ended: bool,
}

/// A source that keeps what was read of the present record, and gives up when it is too long.
struct Seen<R> {
    source: io::Chain<io::Cursor<Vec<u8>>, R>,
    bytes: Vec<u8>,
    most: usize,
}

impl<R: Read> Read for Seen<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.len() > self.most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = self.source.read(buffer)?;
        self.bytes
            .extend_from_slice(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl<R: Read> Seen<R> {
    /// A source without its byte order mark.
    fn new(mut source: R, most: usize) -> Self {
        let mut head = Vec::new();
        // What cannot be read now cannot be read later, and is told then.
        let _ = source.by_ref().take(3).read_to_end(&mut head);
        if head == BYTE_ORDER_MARK {
            head.clear();
        }
        Self {
            source: io::Cursor::new(head).chain(source),
            bytes: Vec::new(),
            most,
        }
    }
}

impl<R: Read> Records<R> {
    /// The records of a source, none longer than so many bytes.
    pub(super) fn new(source: R, most: usize) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(Seen::new(source, most));
        Self {
            reader,
            start: 0,
            line: 1,
            after_return: false,
            ended: false,
        }
    }

    /// Reads no more.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Takes the first bytes of those seen: they are behind us.
    fn advance(&mut self, length: usize) {
        let bytes = &mut self.reader.get_mut().bytes;
        for byte in bytes.drain(..length.min(bytes.len())) {
            // `\n`, `\r\n` and a lone `\r` are one break each.
            if byte == b'\r' || (byte == b'\n' && !self.after_return) {
                self.line += 1;
            }
            self.after_return = byte == b'\r';
            self.start += 1;
        }
    }

    /// Goes over the blank lines before a record; the record's bytes then are the first of so many
    /// that were seen.
    fn skip_blank_lines(&mut self, end: u64) -> usize {
        let bytes = &self.reader.get_ref().bytes;
        let blank = bytes
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let length = usize::try_from(end.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let blank = blank.min(length);
        self.advance(blank);
        length.saturating_sub(blank)
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<(u64, StringRecord), BadRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let bad = |line, code, message: String| {
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
                let Seen { bytes, most, .. } = self.reader.get_ref();
                let (is_long, most) = (bytes.len() > *most, *most);
                self.skip_blank_lines(u64::MAX);
                let line = self.line;
                return if is_long {
                    let message = format!(
                        "the row is longer than {most} bytes; is a quotation mark missing?"
                    );
                    bad(line, "too_long", message)
                } else {
                    let message = "the file cannot be read from here on";
                    bad(line, "quoting", message.to_owned())
                };
            }
        }
        let end = self.reader.position().byte();
        let length = self.skip_blank_lines(end);
        let line = self.line;
        let raw = self.reader.get_ref().bytes.get(..length);
        let quoting = quoting(raw.unwrap_or_default());
        self.advance(length);
        match quoting {
            Quoting::Sound => {}
            Quoting::Unclosed => {
                self.ended = true;
                let message = "a quotation mark opens a cell and none closes it";
                return bad(line, "quoting", message.to_owned());
            }
            Quoting::Trailing => {
                let message = "text follows the quotation mark that closes a cell; double the \
                               quotation marks inside a cell";
                return bad(line, "quoting", message.to_owned());
            }
        }
        match StringRecord::from_byte_record(record) {
            Ok(record) => Some(Ok((line, record))),
            Err(_not_utf8) => {
                let message = "the row is not UTF-8; save the file as CSV in UTF-8";
                bad(line, "encoding", message.to_owned())
            }
        }
    }
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

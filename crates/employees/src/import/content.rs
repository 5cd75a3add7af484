//! What a file of an import holds.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt as _,
    sync::Arc,
};

/// The bytes of a file, in memory or on disk. An import reads them more than once, and keeps of
/// what it reads as little as it can.
#[derive(Clone, Debug)]
pub struct Content(Kept);

#[derive(Clone, Debug)]
enum Kept {
    Memory(Arc<[u8]>),
    Disk(Arc<File>),
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Kept::Memory(bytes.into()))
    }
}

impl From<File> for Content {
    /// Of a file that nobody writes to any more.
    fn from(file: File) -> Self {
        Self(Kept::Disk(Arc::new(file)))
    }
}

impl From<Arc<File>> for Content {
    /// Of a file that nobody writes to any more.
    fn from(file: Arc<File>) -> Self {
        Self(Kept::Disk(file))
    }
}

impl Content {
    /// Whether it has more rows than so many, its header and empty lines left out. A row ends where a
    /// line does that is not inside quotation marks.
    pub(crate) fn has_more_rows(&self, rows: usize) -> io::Result<bool> {
        let mut reader = self.reader();
        let mut buffer = vec![0; 64 * 1024];
        let (mut found, mut is_quoted, mut is_in_row) = (0_usize, false, false);
        loop {
            let length = reader.read(&mut buffer)?;
            if length == 0 {
                return Ok((found + usize::from(is_in_row)).saturating_sub(1) > rows);
            }
            for byte in buffer.get(..length).unwrap_or_default() {
                match byte {
                    b'\n' | b'\r' if !is_quoted => {
                        found += usize::from(is_in_row);
                        is_in_row = false;
                    }
                    byte => {
                        is_quoted ^= *byte == b'"';
                        is_in_row = true;
                    }
                }
            }
            if found.saturating_sub(1) > rows {
                return Ok(true);
            }
        }
    }

    /// Reads it from the beginning.
    pub(super) fn reader(&self) -> Reader {
        Reader {
            content: self.clone(),
            at: 0,
        }
    }
}

/// Reads a content. Several can read the same one.
#[derive(Debug)]
pub(super) struct Reader {
    content: Content,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match &self.content.0 {
            Kept::Disk(file) => file.read_at(buffer, self.at)?,
            Kept::Memory(bytes) => {
                let at = usize::try_from(self.at).unwrap_or(usize::MAX);
                let mut rest = bytes.get(at..).unwrap_or_default();
                rest.read(buffer)?
            }
        };
        self.at += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_a_reader_of_csv_counts_them() {
        for (text, rows) in [
            ("", 0),
            ("a", 0),
            ("a\n", 0),
            ("a\n1", 1),
            ("a\r\n1\r\n", 1),
            ("a\r1\r2", 2),
            ("a\n\n\n1\n\n", 1),
            ("a\n\"1\n2\n\"\"3\"\n4\n", 2),
        ] {
            let content = Content::from(text.as_bytes().to_vec());
            assert!(!content.has_more_rows(rows).unwrap(), "{text:?}");
            let fewer = rows.checked_sub(1);
            let has_more = fewer.is_some_and(|fewer| content.has_more_rows(fewer).unwrap());
            assert_eq!(has_more, rows > 0, "{text:?}");
        }
        let long = Content::from("x\n".repeat(100_000).into_bytes());
        assert!(long.has_more_rows(99_998).unwrap());
        assert!(!long.has_more_rows(99_999).unwrap());
    }
}

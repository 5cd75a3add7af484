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
    /// Whether it has more lines than so many, the first one left out.
    pub(crate) fn has_more_lines(&self, lines: usize) -> io::Result<bool> {
        let mut reader = self.reader();
        let mut buffer = vec![0; 64 * 1024];
        let (mut ends, mut is_in_line) = (0_usize, false);
        loop {
            let length = reader.read(&mut buffer)?;
            let read = buffer.get(..length).unwrap_or_default();
            let Some(last) = read.last() else {
                return Ok((ends + usize::from(is_in_line)).saturating_sub(1) > lines);
            };
            ends += read.iter().filter(|byte| **byte == b'\n').count();
            is_in_line = *last != b'\n';
            if ends.saturating_sub(1) > lines {
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
    fn lines_are_counted_without_the_first_one_and_with_one_that_does_not_end() {
        for (text, lines) in [
            ("", 0),
            ("a", 0),
            ("a\n", 0),
            ("a\n1", 1),
            ("a\n1\n", 1),
            ("a\n1\n2", 2),
        ] {
            let content = Content::from(text.as_bytes().to_vec());
            assert!(!content.has_more_lines(lines).unwrap(), "{text:?}");
            let fewer = lines.checked_sub(1);
            let has_more = fewer.is_some_and(|fewer| content.has_more_lines(fewer).unwrap());
            assert_eq!(has_more, lines > 0, "{text:?}");
        }
        let long = Content::from("x\n".repeat(100_000).into_bytes());
        assert!(long.has_more_lines(99_998).unwrap());
        assert!(!long.has_more_lines(99_999).unwrap());
    }
}

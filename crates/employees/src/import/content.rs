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

impl Content {
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

//! Mails as files, for people to open.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use kernel::Ambient;

use crate::Arrived;

/// So many mails are kept; of more, the oldest go.
const MOST: usize = 500;

/// A folder of mails, a file each that nobody else can read.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    ambient: Ambient,
    written: AtomicU32,
}

impl Folder {
    /// Makes the folder, unless it is there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path, ambient: Ambient) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)?;
        Ok(Self {
            path: path.to_owned(),
            ambient,
            written: AtomicU32::new(0),
        })
    }

    /// Writes a mail; its file. The names of files follow each other in time.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, mail: &Arrived) -> io::Result<PathBuf> {
        let millis = self.ambient.now().unix_timestamp_nanos() / 1_000_000;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        // Another sink of this clone may write at the same time.
        let name = format!("{millis:013}-{number:05}-{}.eml", process::id());
        let file = self.path.join(name);
        let mut options = OpenOptions::new();
        let mut written = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)?;
        written.write_all(&mail.bytes)?;
        self.forget_the_oldest()?;
        Ok(file)
    }

    fn forget_the_oldest(&self) -> io::Result<()> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.path)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|file| file.extension().is_some_and(|it| it == "eml"))
            .collect();
        files.sort();
        let too_many = files.len().saturating_sub(MOST);
        for file in files.iter().take(too_many) {
            // And forget at the same time.
            if let Err(error) = fs::remove_file(file)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
        Ok(())
    }
}

//! The files outside the database: what was signed, a line each, and what was moved away.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::{Hash, Signed};

/// A file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read or written", .path.display())]
pub struct FileFault {
    /// Which one, or which folder.
    pub path: PathBuf,
    /// Why not.
    #[source]
    pub source: io::Error,
}

/// A folder with what was signed: a file a day for all tenants, `seals-2026-11-27.ndjson`, each line
/// a [`Signed`]. Several processes may write into one folder, and each host have its own: a line may
/// be there twice, in any order. Lines are only ever added; what was added is on the disk.
#[derive(Clone, Debug)]
pub struct SealFiles {
    folder: PathBuf,
}

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

impl SealFiles {
    /// Those of a folder. It is made when something is first written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds lines to the file of a day; they are on the disk when it returns.
    pub(crate) fn append(&self, today: OffsetDateTime, lines: &[String]) -> Result<(), FileFault> {
        let day = today.date().format(DAY).unwrap_or_default();
        let path = self.folder.join(format!("seals-{day}.ndjson"));
        let write = || -> io::Result<()> {
            make_folder(&self.folder)?;
            let is_new = !path.exists();
            let mut file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .mode(0o640)
                .open(&path)?;
            let mut text = String::new();
            // A line that a crash cut off proves nothing, and must not spoil the next.
            if !ends_whole(&mut file)? {
                text.push('\n');
            }
            for line in lines {
                text.push_str(line);
                text.push('\n');
            }
            // One write: of several processes that add at once, none cuts another's line in two.
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
            if is_new {
                File::open(&self.folder)?.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|source| FileFault {
            path: path.clone(),
            source,
        })
    }

    /// Reads every line of every file, in no order. Those that are not whole are counted.
    ///
    /// # Errors
    /// [`FileFault`]; also when there is no such folder.
    pub fn read(&self, mut take: impl FnMut(Signed)) -> Result<u64, FileFault> {
        let mut broken = 0;
        for path in self.paths()? {
            let file = File::open(&path).map_err(at(&path))?;
            for line in BufReader::new(file).split(b'\n') {
                let line = line.map_err(at(&path))?;
                match std::str::from_utf8(&line).ok().and_then(Signed::parse) {
                    Some(signed) => take(signed),
                    None if line.is_empty() => {}
                    None => broken += 1,
                }
            }
        }
        Ok(broken)
    }

    fn paths(&self) -> Result<Vec<PathBuf>, FileFault> {
        let entries = fs::read_dir(&self.folder).map_err(at(&self.folder))?;
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(at(&self.folder))?.path();
            if path.extension().is_some_and(|it| it == "ndjson") {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

/// A folder with archives: what was moved out of the database, a file a retirement.
#[derive(Clone, Debug)]
pub struct Archives {
    folder: PathBuf,
}

impl Archives {
    /// Those of a folder. It is made when something is first written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Where an archive lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes an archive whole, and returns its hash; it is on the disk then.
    pub(crate) fn write(&self, name: &str, text: &[u8]) -> Result<Hash, FileFault> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.folder);
        let draft = path.with_extension("draft");
        let write = || -> io::Result<()> {
            make_folder(folder)?;
            // What is there was signed, perhaps: it is never written over by something else.
            match fs::read(&path) {
                Ok(there) if there == text => return Ok(()),
                Ok(_another) => return Err(io::ErrorKind::AlreadyExists.into()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o640)
                .open(&draft)?;
            file.write_all(text)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(folder)?.sync_all()?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(at(&path))?;
        Ok(Hash::of(&[text]))
    }

    /// Reads an archive; `None` when it is not here.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FileFault> {
        // A name comes from a statement that somebody signed, and still leads nowhere else.
        let is_below = Path::new(name)
            .components()
            .all(|it| matches!(it, std::path::Component::Normal(_)));
        let path = self.path(name);
        match fs::read(&path) {
            _ if !is_below => Ok(None),
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FileFault { path, source }),
        }
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(folder)
}

fn ends_whole(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn at(path: &Path) -> impl Fn(io::Error) -> FileFault {
    move |source| FileFault {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const LINE: &str = r#"{"first_position":1,"key_id":"k","last_position":1,"link":"0000000000000000000000000000000000000000000000000000000000000000","number":1,"previous":"0000000000000000000000000000000000000000000000000000000000000000","sealed_at":1,"signature":"","tenant":"00000000-0000-0000-0000-000000000000","type":"hrms.audit.seal","v":1}"#;

    #[test]
    fn a_line_that_was_cut_off_does_not_spoil_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let files = SealFiles::new(folder.path().join("seals"));
        let today = datetime!(2026-11-27 21:00 UTC);
        files.append(today, &[LINE.to_owned()]).unwrap();
        let path = files.folder().join("seals-2026-11-27.ndjson");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&LINE.as_bytes()[..40]).unwrap();
        files
            .append(today, &[LINE.to_owned(), LINE.to_owned()])
            .unwrap();
        let mut lines = Vec::new();
        assert_eq!(files.read(|it| lines.push(it.line().unwrap())).unwrap(), 1);
        assert_eq!(lines, [LINE, LINE, LINE]);
    }

    #[test]
    fn no_folder_is_no_empty_folder() {
        assert!(SealFiles::new("/nowhere").read(|_| {}).is_err());
    }

    #[test]
    fn an_archive_is_read_from_its_folder_alone() {
        let folder = tempfile::tempdir().unwrap();
        let archives = Archives::new(folder.path().join("archives"));
        fs::write(folder.path().join("other"), "x").unwrap();
        let hash = archives.write("a/1.ndjson", b"abc").unwrap();
        assert_eq!(hash, Hash::of(&[b"abc"]));
        assert_eq!(archives.read("a/1.ndjson").unwrap().unwrap(), b"abc");
        assert_eq!(archives.read("a/2.ndjson").unwrap(), None);
        assert_eq!(archives.read("../other").unwrap(), None);
    }
}

//! The files of one import.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Faults, Kind, MappingError, ReadyMapping, grid::Grid, sheet::Sheet};

/// How large a file of a folder may be, in bytes. (The body of an upload has a lower limit.)
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The files of one import, not yet read. They come in together or not at all.
#[derive(Clone, Debug)]
pub struct ImportSet {
    files: BTreeMap<Arc<str>, Vec<u8>>,
    format: Format,
}

#[derive(Clone, Debug)]
enum Format {
    Native(Vec<(Kind, Arc<str>)>),
    Mapped(ReadyMapping),
}

/// Why the files of an import cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ImportSetError {
    /// A file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is larger than [`MAX_FILE_BYTES`].
    #[error("`{}` is larger than {MAX_FILE_BYTES} bytes; divide it", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The folder has none of the files.
    #[error("`{}` has none of the files {}", folder.display(), native_names())]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// The mapping cannot be used.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

fn native_names() -> String {
    Kind::ALL.map(|kind| format!("`{kind}.csv`")).join(", ")
}

impl ImportSet {
    /// One file in the platform's own format.
    pub fn single(kind: Kind, file: &str, bytes: Vec<u8>) -> Self {
        Self::native([(kind, file, bytes)])
    }

    /// Files in the platform's own format: kind, name for messages, content.
    pub fn native<'a>(files: impl IntoIterator<Item = (Kind, &'a str, Vec<u8>)>) -> Self {
        let mut kinds = Vec::new();
        let mut contents = BTreeMap::new();
        for (kind, file, bytes) in files {
            let file: Arc<str> = file.into();
            kinds.push((kind, Arc::clone(&file)));
            contents.insert(file, bytes);
        }
        Self {
            files: contents,
            format: Format::Native(kinds),
        }
    }

    /// Files of another system; `read` is asked for each file that the mapping names.
    pub fn mapped<E>(
        mapping: ReadyMapping,
        read: impl Fn(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let names: BTreeSet<&str> = mapping.files();
        let files = names
            .into_iter()
            .map(|name| Ok((name.into(), read(name)?)))
            .collect::<Result<_, E>>()?;
        Ok(Self {
            files,
            format: Format::Mapped(mapping),
        })
    }

    /// Those of `departments.csv`, `job_titles.csv`, `locations.csv`, `employees.csv` and
    /// `employment_history.csv` that a folder has; with a mapping, the files that it names.
    pub fn from_folder(
        folder: &Path,
        mapping: Option<ReadyMapping>,
    ) -> Result<Self, ImportSetError> {
        if let Some(mapping) = mapping {
            return Self::mapped(mapping, |name| content(&folder.join(name)));
        }
        let mut files = Vec::new();
        for kind in Kind::ALL {
            let name = format!("{kind}.csv");
            let path = folder.join(&name);
            if path.exists() {
                files.push((kind, name, content(&path)?));
            }
        }
        if files.is_empty() {
            return Err(ImportSetError::Nothing {
                folder: folder.to_owned(),
            });
        }
        let files = files
            .iter_mut()
            .map(|(kind, name, bytes)| (*kind, name.as_str(), std::mem::take(bytes)));
        Ok(Self::native(files))
    }

    /// Reads the files; what cannot be read is noted.
    pub(super) fn sheets(self, faults: &mut Faults) -> Vec<Sheet> {
        let mut grids: BTreeMap<Arc<str>, Grid> = BTreeMap::new();
        for (file, bytes) in self.files {
            if let Some(grid) = Grid::read(&file, &bytes, faults) {
                grids.insert(file, grid);
            }
        }
        match self.format {
            Format::Native(kinds) => kinds
                .into_iter()
                .filter_map(|(kind, file)| Sheet::native(kind, grids.remove(&file)?, faults))
                .collect(),
            Format::Mapped(mapping) => mapping.sheets(&grids, faults),
        }
    }
}

fn content(path: &Path) -> Result<Vec<u8>, ImportSetError> {
    let unreadable = |source| ImportSetError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE_BYTES) {
        Ok(bytes)
    } else {
        Err(ImportSetError::TooLarge {
            path: path.to_owned(),
        })
    }
}

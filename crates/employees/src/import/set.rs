//! The files of one import.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    ColumnMap, Content, Faults, ImportLimits, Kind, MappingError, ReadyMapping, grid::Grid,
    sheet::Sheet,
};

/// How large a file of a folder may be, in bytes. (The body of an upload has a lower limit.)
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The files of one import, not yet read. They come in together or not at all.
#[derive(Clone, Debug)]
pub struct ImportSet {
    files: BTreeMap<Arc<str>, Content>,
    format: Format,
}

#[derive(Clone, Debug)]
enum Format {
    Native(Vec<(Kind, Arc<str>)>, ColumnMap),
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
    pub fn single(kind: Kind, file: &str, content: impl Into<Content>) -> Self {
        Self::native([(kind, file, content.into())])
    }

    /// Files in the platform's own format: kind, name for messages, content.
    pub fn native<'a, C: Into<Content>>(
        files: impl IntoIterator<Item = (Kind, &'a str, C)>,
    ) -> Self {
        let mut kinds = Vec::new();
        let mut contents = BTreeMap::new();
        for (kind, file, content) in files {
            let file: Arc<str> = file.into();
            kinds.push((kind, Arc::clone(&file)));
            contents.insert(file, content.into());
        }
        Self {
            files: contents,
            format: Format::Native(kinds, ColumnMap::default()),
        }
    }

    /// The same, when files in the platform's own format call columns otherwise.
    #[must_use]
    pub fn with_columns(mut self, columns: ColumnMap) -> Self {
        if let Format::Native(_, map) = &mut self.format {
            *map = columns;
        }
        self
    }

    /// Files of another system; `read` is asked for each file that the mapping names.
    pub fn mapped<C: Into<Content>, E>(
        mapping: ReadyMapping,
        read: impl Fn(&str) -> Result<C, E>,
    ) -> Result<Self, E> {
        let names: BTreeSet<&str> = mapping.files();
        let files = names
            .into_iter()
            .map(|name| Ok((name.into(), read(name)?.into())))
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
            .iter()
            .map(|(kind, name, content)| (*kind, name.as_str(), content.clone()));
        Ok(Self::native(files))
    }

    /// Opens the files; what cannot be read is noted.
    pub(super) fn sheets(&self, limits: ImportLimits, faults: &mut Faults) -> Vec<Sheet> {
        match &self.format {
            Format::Native(kinds, columns) => kinds
                .iter()
                .filter_map(|(kind, file)| {
                    let content = self.files.get(file)?;
                    let grid = Grid::open(file, content.reader(), limits, faults)?;
                    Sheet::native(*kind, columns, grid, faults)
                })
                .collect(),
            Format::Mapped(mapping) => mapping.sheets(&self.files, limits, faults),
        }
    }

    /// Opens the file of one kind anew.
    pub(super) fn sheet(&self, kind: Kind, limits: ImportLimits) -> Option<Sheet> {
        let sheets = self.sheets(limits, &mut Faults::new(1));
        sheets.into_iter().find(|sheet| sheet.source.kind == kind)
    }
}

/// A file of at most [`MAX_FILE_BYTES`].
///
/// # Errors
/// [`ImportSetError::Unreadable`], [`ImportSetError::TooLarge`].
pub fn content(path: &Path) -> Result<Content, ImportSetError> {
    let unreadable = |source| ImportSetError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(ImportSetError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(file.into())
}

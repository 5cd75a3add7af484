//! `import`: an organisation from files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use employees::{
    ImportService,
    import::{
        ImportSet, ImportSetError, Kind, MAX_FILE_BYTES, Mapping, MappingError, ReadyMapping,
    },
    postgres::Postgres,
    service::ImportError,
};
use kernel::Slug;

use super::{Failure, ImportedReport, Operator, operator::Platform};

/// What an operator wants to bring in.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// Into which tenant.
    pub tenant: Slug,
    /// How to read another system's files.
    pub mapping: Option<PathBuf>,
    /// What the mapping leaves to the person who imports.
    pub options: BTreeMap<String, String>,
    /// A folder with files, or one file.
    pub source: PathBuf,
    /// What the rows of the one file are, when its name does not say it.
    pub kind: Option<Kind>,
}

impl Operator {
    /// Imports files into a tenant: all of it, or nothing.
    ///
    /// # Errors
    /// [`Failure::Import`] with everything that is wrong with the files, [`Failure::Files`],
    /// [`Failure::NoTenant`].
    pub async fn import(&self, request: &ImportRequest) -> Result<ImportedReport, Failure> {
        let set = files(request)?;
        let platform = self.open().await?;
        let found = platform.tenant(&request.tenant).await?;
        found.tenant.admits_requests()?;
        self.bring_in(&platform, &found.context, set).await
    }

    pub(super) async fn bring_in(
        &self,
        platform: &Platform,
        tenant: &database::TenantContext,
        set: ImportSet,
    ) -> Result<ImportedReport, Failure> {
        let database = platform.database.clone();
        let imports = ImportService::new(database, self.ambient.clone(), Postgres);
        let report = Box::pin(imports.import_as_operator(tenant, set)).await?;
        Ok(ImportedReport::of(&report))
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Import(Box::new(error))
    }
}

fn files(request: &ImportRequest) -> Result<ImportSet, Failure> {
    let mapping = request.mapping.as_deref();
    let mapping = mapping
        .map(|file| ready(file, &request.options))
        .transpose()?;
    let source = request.source.as_path();
    if mapping.is_none() && source.is_file() {
        return one_file(source, request.kind);
    }
    Ok(ImportSet::from_folder(source, mapping)?)
}

fn ready(file: &Path, options: &BTreeMap<String, String>) -> Result<ReadyMapping, Failure> {
    let text = fs::read_to_string(file).map_err(|source| Failure::File {
        path: file.to_owned(),
        source,
    })?;
    let mapping = Mapping::parse(&text).map_err(ImportSetError::from)?;
    mapping.with_options(options).map_err(|error| match error {
        MappingError::UnknownOptions(_) | MappingError::MissingOptions(_) => Failure::Argument {
            option: "--set",
            reason: error.to_string(),
        },
        other => ImportSetError::from(other).into(),
    })
}

/// `employees.csv` says by its name what it is.
fn one_file(file: &Path, kind: Option<Kind>) -> Result<ImportSet, Failure> {
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let kind = match kind {
        Some(kind) => kind,
        None => stem.parse().map_err(|_unknown| Failure::Argument {
            option: "--kind",
            reason: format!(
                "the name of {} does not say what its rows are",
                file.display()
            ),
        })?,
    };
    let unreadable = |source| ImportSetError::Unreadable {
        path: file.to_owned(),
        source,
    };
    let length = fs::metadata(file).map_err(unreadable)?.len();
    if length > MAX_FILE_BYTES {
        return Err(ImportSetError::TooLarge {
            path: file.to_owned(),
        }
        .into());
    }
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(stem);
    Ok(ImportSet::single(
        kind,
        name,
        fs::read(file).map_err(unreadable)?,
    ))
}

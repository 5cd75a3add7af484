//! `import`: an organisation from files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use employees::{
    ImportService,
    import::{
        ColumnMap, ImportSet, ImportSetError, Kind, Mapping, MappingError, ReadyMapping, content,
    },
    postgres::Postgres,
    service::{ImportError, ImportOptions},
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
    /// What the one file calls our columns, where it calls them otherwise: `Surname:last_name`.
    pub columns: Vec<String>,
    /// What becomes of good rows when others are bad, and whether anything is stored.
    pub how: ImportOptions,
}

impl Operator {
    /// Imports files into a tenant: all of it, or nothing; or what is good.
    ///
    /// # Errors
    /// [`Failure::Import`] with everything that is wrong with the files, [`Failure::Files`],
    /// [`Failure::NoTenant`].
    pub async fn import(&self, request: &ImportRequest) -> Result<ImportedReport, Failure> {
        let set = files(request)?;
        let platform = self.open().await?;
        let found = platform.tenant(&request.tenant).await?;
        found.tenant.admits_requests()?;
        self.bring_in(&platform, &found.context, set, request.how)
            .await
    }

    pub(super) async fn bring_in(
        &self,
        platform: &Platform,
        tenant: &database::TenantContext,
        set: ImportSet,
        how: ImportOptions,
    ) -> Result<ImportedReport, Failure> {
        let database = platform.database.clone();
        let limits = self.settings.imports.limits();
        let imports = ImportService::new(database, self.ambient.clone(), Postgres, limits);
        let progress = |kind: Kind, done, total| {
            let what = match kind {
                Kind::EmploymentHistory => "employments",
                other => other.as_str(),
            };
            self.reporter.progress(what, done, total);
        };
        let origin = platform.origin.clone();
        let imported = imports.import_as_operator(tenant, (set, how), origin, &progress);
        Ok(ImportedReport::of(&Box::pin(imported).await?, how.dry_run))
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
        return one_file(source, request.kind, &request.columns.join(","));
    }
    if !request.columns.is_empty() {
        return Err(Failure::Argument {
            option: "--map",
            reason: "it goes with one file".to_owned(),
        });
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
fn one_file(file: &Path, kind: Option<Kind>, columns: &str) -> Result<ImportSet, Failure> {
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
    let columns = ColumnMap::parse(kind, columns).map_err(|error| Failure::Argument {
        option: "--map",
        reason: error.to_string(),
    })?;
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(stem);
    let set = ImportSet::single(kind, name, content(file)?);
    Ok(set.with_columns(columns))
}

//! An import has ended.

use askama::Template;
use database::Tenant;
use kernel::UserId;
use mail::{Content, Language, Line, Reading};
use messaging::Work;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::words;
use crate::{
    import::{Faults, ImportMode, Kind},
    service::{ImportOptions, Imported},
};

/// Tells a user that an import of his has ended.
///
/// Whoever ends an import puts it down in the same transaction:
/// `enqueuer.enqueue(tx, &Order::now(TellImportEnded { user_id, ended }, origin))`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TellImportEnded {
    /// Whom. If he is gone or deactivated by then, nobody is told.
    pub user_id: UserId,
    /// What.
    pub ended: ImportEnded,
}

impl Work for TellImportEnded {
    type Scope = Tenant;
    const KIND: &'static str = "employees.tell_import_ended";
    /// A mail server may be away for half a day.
    const MAX_ATTEMPTS: i16 = 30;
    const TIMEOUT: std::time::Duration = std::time::Duration::from_mins(2);
}

/// How an import ended, as it lies in a job until it is told: places and counts, and no word out of
/// the file but the names of its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportEnded {
    /// What the rows were; absent when the files were of several kinds.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// What became of good rows beside bad ones.
    pub mode: ImportMode,
    /// Whether nothing was to be stored.
    pub dry_run: bool,
    /// What came of it.
    pub outcome: ImportOutcome,
    /// Rows that came in, or would have.
    pub created: u64,
    /// Rows with which something is wrong.
    pub failed: u64,
    /// Where something is wrong: the first places.
    pub faults: Vec<FaultPlace>,
    /// In how many places beyond these.
    pub more_faults: u64,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339")]
    pub ended_at: OffsetDateTime,
    /// Where its result is found: `/api/v1/imports/…`.
    pub result_path: String,
}

/// What came of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// The good rows came in; with `atomic`, all of them.
    CameIn,
    /// Nothing came in, because of what is wrong with the file.
    Refused,
    /// Nothing came in, and the file is not to blame.
    BrokeOff,
}

/// Where something is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultPlace {
    /// The line on which the row begins.
    pub line: u64,
    /// The column's name as it stands in the file's header, when it is about one.
    #[serde(default)]
    pub column: Option<String>,
    /// The stable code: `required`, `invalid`, ….
    pub code: String,
}

/// A column's name is cut to so many characters.
const LONGEST_NAME: usize = 60;

impl ImportEnded {
    /// So many places are told one by one; the others are counted.
    pub const TOLD: usize = 10;

    /// The import is over, and rows came in.
    pub fn came_in(
        kind: Option<Kind>,
        how: ImportOptions,
        imported: &Imported,
        ended_at: OffsetDateTime,
        result_path: String,
    ) -> Self {
        Self {
            created: count(imported.report.rows()),
            ..Self::with_faults(kind, how, &imported.faults, ended_at, result_path)
        }
    }

    /// The file was refused, and nothing came in.
    pub fn refused(
        kind: Option<Kind>,
        how: ImportOptions,
        faults: &Faults,
        ended_at: OffsetDateTime,
        result_path: String,
    ) -> Self {
        Self {
            outcome: ImportOutcome::Refused,
            ..Self::with_faults(kind, how, faults, ended_at, result_path)
        }
    }

    /// The import could not be done, and nothing came in.
    pub fn broke_off(
        kind: Option<Kind>,
        how: ImportOptions,
        ended_at: OffsetDateTime,
        result_path: String,
    ) -> Self {
        let none = Faults::new(1);
        Self {
            outcome: ImportOutcome::BrokeOff,
            ..Self::with_faults(kind, how, &none, ended_at, result_path)
        }
    }

    fn with_faults(
        kind: Option<Kind>,
        how: ImportOptions,
        faults: &Faults,
        ended_at: OffsetDateTime,
        result_path: String,
    ) -> Self {
        let places = faults.iter().take(Self::TOLD).map(|fault| FaultPlace {
            line: fault.line,
            column: fault.column.as_deref().map(name),
            code: fault.code.to_owned(),
        });
        let places: Vec<FaultPlace> = places.collect();
        Self {
            kind,
            mode: how.mode,
            dry_run: how.dry_run,
            outcome: ImportOutcome::CameIn,
            created: 0,
            failed: count(faults.rows()),
            more_faults: faults.total().saturating_sub(count(places.len())),
            faults: places,
            ended_at,
            result_path,
        }
    }

    /// The mail that tells it.
    ///
    /// # Errors
    /// When a template cannot be written: a defect.
    pub fn content(&self, reading: &Reading<'_>) -> Result<Content, askama::Error> {
        let it = &View::of(self, reading);
        let (subject, text, html) = match reading.language {
            Language::English => (
                EnglishSubject { it }.render()?,
                EnglishText { it }.render()?,
                EnglishHtml { it }.render()?,
            ),
            Language::German => (
                GermanSubject { it }.render()?,
                GermanText { it }.render()?,
                GermanHtml { it }.render()?,
            ),
        };
        Ok(Content {
            subject: Line::new(&subject),
            text,
            html,
        })
    }
}

/// A heading may be anything; as a name it is one short line.
fn name(column: &str) -> String {
    let line = Line::new(column);
    line.as_str().chars().take(LONGEST_NAME).collect()
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// What the templates see: words and numbers of the reader's language.
#[expect(clippy::struct_excessive_bools, reason = "templates ask yes or no")]
struct View<'a> {
    company: &'a str,
    kind: &'static str,
    mode: &'static str,
    is_trial: bool,
    came_in: bool,
    broke_off: bool,
    has_failed: bool,
    created: String,
    failed: String,
    faults: Vec<PlaceView<'a>>,
    more: Option<String>,
    ended_at: String,
    link: Option<String>,
}

struct PlaceView<'a> {
    line: u64,
    column: Option<&'a str>,
    fault: &'a str,
}

impl<'a> View<'a> {
    fn of(ended: &'a ImportEnded, reading: &Reading<'a>) -> Self {
        let Reading {
            language,
            company,
            time_zone,
            links,
        } = *reading;
        let faults = ended.faults.iter().map(|place| PlaceView {
            // As editors show it.
            line: place.line,
            column: place.column.as_deref(),
            fault: words::fault(language, &place.code),
        });
        Self {
            company,
            kind: words::kind(language, ended.kind),
            mode: words::mode(language, ended.mode),
            is_trial: ended.dry_run,
            came_in: ended.outcome == ImportOutcome::CameIn,
            broke_off: ended.outcome == ImportOutcome::BrokeOff,
            has_failed: ended.failed > 0,
            created: language.number(ended.created),
            failed: language.number(ended.failed),
            faults: faults.collect(),
            more: (ended.more_faults > 0).then(|| language.number(ended.more_faults)),
            ended_at: language.moment(time_zone.local_at(ended.ended_at)),
            link: links.map(|links| format!("{links}{}", ended.result_path)),
        }
    }
}

/// A template of the view, by its file.
macro_rules! template {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> {
            it: &'a View<'a>,
        }
    };
}

template!(EnglishSubject, "mail/import_ended.en.subject.txt");
template!(EnglishText, "mail/import_ended.en.txt");
template!(EnglishHtml, "mail/import_ended.en.html");
template!(GermanSubject, "mail/import_ended.de.subject.txt");
template!(GermanText, "mail/import_ended.de.txt");
template!(GermanHtml, "mail/import_ended.de.html");

#[cfg(test)]
mod tests;

//! What the domain's words are in the languages that mails are written in.

use mail::Language::{self, English, German};

use crate::import::{ImportMode, Kind};

/// What is imported, to follow "import of" and "Import von".
pub(super) fn kind(language: Language, kind: Option<Kind>) -> &'static str {
    match (kind, language) {
        (Some(Kind::Departments), English) => "departments",
        (Some(Kind::Departments), German) => "Abteilungen",
        (Some(Kind::JobTitles), English) => "job titles",
        (Some(Kind::JobTitles), German) => "Stellenbezeichnungen",
        (Some(Kind::Locations), English) => "locations",
        (Some(Kind::Locations), German) => "Standorten",
        (Some(Kind::Employees), English) => "employees",
        (Some(Kind::Employees), German) => "Mitarbeitenden",
        (Some(Kind::EmploymentHistory), English) => "earlier employments",
        (Some(Kind::EmploymentHistory), German) => "früheren Beschäftigungen",
        (None, English) => "people and organisation",
        (None, German) => "Personal- und Organisationsdaten",
    }
}

/// What becomes of good rows beside bad ones.
pub(super) fn mode(language: Language, mode: ImportMode) -> &'static str {
    match (mode, language) {
        (ImportMode::Atomic, English) => "all rows or none",
        (ImportMode::Atomic, German) => "alle Zeilen oder keine",
        (ImportMode::Independent, English) => "every good row",
        (ImportMode::Independent, German) => "jede gute Zeile",
    }
}

/// What is wrong, by its stable code; of a code that is not known here, the code.
pub(super) fn fault(language: Language, code: &str) -> &str {
    match (code, language) {
        ("required", English) => "is missing",
        ("required", German) => "fehlt",
        ("invalid", English) => "is not valid",
        ("invalid", German) => "ist nicht gültig",
        ("not_found", English) => "refers to something that does not exist",
        ("not_found", German) => "verweist auf etwas, das es nicht gibt",
        ("duplicate", English) => "is there already",
        ("duplicate", German) => "gibt es bereits",
        ("duplicate_column", English) => "is a column that is there twice",
        ("duplicate_column", German) => "ist eine doppelte Spalte",
        ("unknown_column", English) => "is a column that is not known",
        ("unknown_column", German) => "ist eine unbekannte Spalte",
        ("missing_column", English) => "is a column that is not there",
        ("missing_column", German) => "ist eine Spalte, die fehlt",
        ("not_active", English) => "refers to somebody who does not work here then",
        ("not_active", German) => "verweist auf jemanden, der dann nicht hier arbeitet",
        ("not_imported", English) => "needs a row that did not come in",
        ("not_imported", German) => "braucht eine Zeile, die nicht übernommen wurde",
        ("cycle", English) => "leads back to itself",
        ("cycle", German) => "führt im Kreis zurück",
        ("overlap", English) => "overlaps with another period",
        ("overlap", German) => "überschneidet sich mit einem anderen Zeitraum",
        (code, _) => code,
    }
}

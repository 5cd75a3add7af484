//! Texts that a spreadsheet would take for formulas.
//!
//! A spreadsheet takes a text that begins like a formula for one, and would run what somebody gave
//! as his name: an apostrophe before it makes it text (OWASP, "CSV Injection"). So it is behind each
//! character at which some spreadsheets begin another cell: those of half of Europe do at `;`.
//!
//! ```
//! use kernel::formula::{as_it_was, harmless};
//!
//! assert_eq!(harmless("=1+1"), "'=1+1");
//! assert_eq!(as_it_was("'=1+1"), "=1+1");
//! assert_eq!(as_it_was("'t Hooft"), "'t Hooft");
//! ```

use std::borrow::Cow;

/// What a formula begins with, in full width too, and what a spreadsheet skips before one.
const FORMULA: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];
const SEPARATORS: [char; 5] = [';', '\t', '|', '\r', '\n'];

/// Whether a text is a formula, or one behind apostrophes.
fn begins_like_one(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

/// A text that no spreadsheet runs: an apostrophe stands before what begins like a formula, and
/// another one where one stood already.
pub fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len() + 1);
    let mut begins = true;
    for (at, character) in text.char_indices() {
        if begins && text.get(at..).is_some_and(begins_like_one) {
            harmless.push('\'');
        }
        harmless.push(character);
        begins = SEPARATORS.contains(&character);
    }
    harmless
}

/// The text of which [`harmless`] made this one. One that it did not make stays as it is, unless it
/// begins with an apostrophe before something like a formula.
pub fn as_it_was(text: &str) -> Cow<'_, str> {
    if !text.contains('\'') {
        return text.into();
    }
    let mut was = String::with_capacity(text.len());
    let mut begins = true;
    for (at, character) in text.char_indices() {
        let is_added = begins && character == '\'' && text.get(at..).is_some_and(begins_like_one);
        begins = SEPARATORS.contains(&character);
        if !is_added {
            was.push(character);
        }
    }
    was.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_apostrophe_stands_before_what_would_be_run() {
        for (text, written) in [
            ("=1", "'=1"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\t=1", "'\t'=1"),
            ("x;=cmd|'/C calc'!A0", "x;'=cmd|'/C calc'!A0"),
            ("Yang = Chief", "Yang = Chief"),
            ("+49 30", "'+49 30"),
            ("a;=1", "a;'=1"),
            ("'=1", "''=1"),
            ("'t Hooft", "'t Hooft"),
            ("O'Neill", "O'Neill"),
            ("a-b", "a-b"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), written);
            assert_eq!(as_it_was(written), text);
        }
    }

    proptest! {
        #[test]
        fn what_was_made_harmless_comes_back(text in "['=;|+\\-\ta\u{ff1d}]{0,10}") {
            let written = harmless(&text);
            prop_assert_eq!(as_it_was(&written), text);
        }

        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let written = harmless(&text);
            prop_assert_eq!(as_it_was(&written), text);
        }

        #[test]
        fn nothing_that_is_written_begins_like_a_formula(text in "['=;|+a]{0,10}") {
            for cell in harmless(&text).split(SEPARATORS) {
                prop_assert!(!cell.starts_with(FORMULA), "{}", cell);
            }
        }
    }
}

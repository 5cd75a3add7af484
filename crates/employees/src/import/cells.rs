//! The cells of one row, on their way to becoming values.

use std::fmt::Display;

use super::{Faults, Wanted, grid::GridRow, sheet::Sheet};

/// A row that notes what is wrong with it.
pub(super) struct Cells<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) row: &'a GridRow,
    pub(super) faults: &'a mut Faults,
    pub(super) wanted: &'a mut Wanted,
}

impl<'a> Cells<'a> {
    pub(super) fn line(&self) -> u64 {
        self.row.line
    }

    /// The cell as text; empty when the file does not have the column.
    pub(super) fn text(&self, field: &str) -> &'a str {
        self.sheet.cell(self.row, field)
    }

    pub(super) fn fault(&mut self, field: &'static str, code: &'static str, message: &str) {
        let fault = self.sheet.source.fault(self.row.line, field, code, message);
        self.faults.push(fault);
    }

    /// Whether one of the cells has something in it.
    pub(super) fn has_any(&self, fields: &[&str]) -> bool {
        fields.iter().any(|field| !self.text(field).is_empty())
    }

    /// The value of a good result; of a bad one its message is noted.
    pub(super) fn checked<T, E: Display>(
        &mut self,
        field: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(field, "invalid", &error.to_string());
                None
            }
        }
    }

    /// A cell that may be empty.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.text(field) {
            "" => None,
            text => self.checked(field, read(text)),
        }
    }

    /// A cell that may not.
    pub(super) fn required<T, E: Display>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(field);
        if text.is_empty() {
            self.fault(field, "required", "must not be empty");
            return None;
        }
        self.checked(field, read(text))
    }
}

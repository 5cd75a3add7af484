//! How much of an import is taken.

/// What an import may have at most, so that its memory is bounded whatever a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportLimits {
    /// Rows of a file.
    pub rows: usize,
    /// Bytes of a row, about: with more, the rest of the file is not read.
    pub row_bytes: usize,
    /// Faults that are told; the others are counted.
    pub faults: usize,
    /// Rows that are waited for: with more, a worker imports them.
    pub inline_rows: usize,
    /// Imports of one tenant that may wait for a worker; the next one is refused.
    pub waiting: u64,
    /// Imports at a time in a process, each of another tenant.
    pub at_once: usize,
}

impl ImportLimits {
    /// What holds when nobody says otherwise.
    pub const DEFAULT: Self = Self {
        rows: 100_000,
        row_bytes: 64 * 1024,
        faults: 1_000,
        inline_rows: 1_000,
        waiting: 16,
        at_once: 4,
    };
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

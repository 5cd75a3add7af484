//! What becomes of the good rows of a file that has bad ones.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What becomes of the good rows when others are bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// One bad row, and none comes in.
    #[default]
    Atomic,
    /// The good rows come in; those that are bad, and those that need one of them, do not.
    Independent,
}

/// A text that names no mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of `atomic`, `independent`")]
pub struct UnknownMode;

impl FromStr for ImportMode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text {
            "atomic" => Ok(Self::Atomic),
            "independent" => Ok(Self::Independent),
            _ => Err(UnknownMode),
        }
    }
}

impl fmt::Display for ImportMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Atomic => "atomic",
            Self::Independent => "independent",
        })
    }
}

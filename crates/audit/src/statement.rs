//! What is signed: seals, checkpoints and retirements, and the line that each is in a file.

use database::StoreError;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Hash, record::canonical_text};

/// The version of the form in which statements are written now.
pub(crate) const VERSION: u8 = 1;

/// The chain of a tenant up to a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The version of this form.
    pub v: u8,
    /// Whose chain; nil is the platform's own.
    pub tenant: Uuid,
    /// Its place among the seals of the tenant, from 1 on.
    pub number: i64,
    /// The first event that it adds, by its place in the chain, from 1 on.
    pub first_position: i64,
    /// The last one.
    pub last_position: i64,
    /// The link of that one.
    pub link: Hash,
    /// The hash of the seal before it.
    pub previous: Hash,
    /// When, in microseconds since 1970 in UTC.
    pub sealed_at: i64,
    /// The key.
    pub key_id: String,
}

/// The heads of all chains, as a tree of RFC 6962 over the log of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The version of this form.
    pub v: u8,
    /// Its place among the checkpoints, from 1 on.
    pub number: i64,
    /// How many entries of the log it covers.
    pub size: i64,
    /// The root of the tree over these.
    pub root: Hash,
    /// The hash of the checkpoint before it.
    pub previous: Hash,
    /// When, in microseconds since 1970 in UTC.
    pub signed_at: i64,
    /// The key.
    pub key_id: String,
}

/// Events that were moved out of the database into an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retirement {
    /// The version of this form.
    pub v: u8,
    /// Whose; nil is the platform.
    pub tenant: Uuid,
    /// Its place among the retirements of the tenant, from 1 on.
    pub number: i64,
    /// The category of all of them.
    pub category: String,
    /// Their places in the chain: `1-7,9`.
    pub positions: String,
    /// How many they are.
    pub events: i64,
    /// The archive: a file below the folder of archives.
    pub archive: String,
    /// The SHA-256 of that file.
    pub archive_hash: Hash,
    /// When, in microseconds since 1970 in UTC.
    pub retired_at: i64,
    /// The key.
    pub key_id: String,
}

/// What is signed. Its type stands in what is signed, so that none can be taken for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Statement {
    /// A chain up to a link.
    #[serde(rename = "hrms.audit.seal")]
    Seal(Seal),
    /// All chains.
    #[serde(rename = "hrms.audit.checkpoint")]
    Checkpoint(Checkpoint),
    /// Events that were moved away.
    #[serde(rename = "hrms.audit.retirement")]
    Retirement(Retirement),
}

impl Statement {
    /// Its canonical form (RFC 8785): what is signed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it holds what JSON cannot.
    pub fn canonical(&self) -> Result<Vec<u8>, StoreError> {
        canonical_text(self).map(String::into_bytes)
    }

    /// SHA-256 of its canonical form: what the next one of its kind holds.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn hash(&self) -> Result<Hash, StoreError> {
        Ok(Hash::of(&[&self.canonical()?]))
    }

    /// The key that it names.
    pub fn key_id(&self) -> &str {
        match self {
            Self::Seal(it) => &it.key_id,
            Self::Checkpoint(it) => &it.key_id,
            Self::Retirement(it) => &it.key_id,
        }
    }
}

/// A statement and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// What is signed.
    #[serde(flatten)]
    pub statement: Statement,
    /// The signature (Ed25519) of its canonical form, in base64.
    pub signature: String,
}

impl Signed {
    /// The line that it is in a file: its canonical form with the signature, without a line feed.
    ///
    /// # Errors
    /// As [`Statement::canonical`].
    pub fn line(&self) -> Result<String, StoreError> {
        canonical_text(self)
    }

    /// What a line holds, if it is whole.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// Microseconds since 1970 in UTC.
pub(crate) fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// The instant so many microseconds after 1970 in UTC.
pub(crate) fn instant(micros: i64) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
        .map_err(StoreError::corrupt)
}

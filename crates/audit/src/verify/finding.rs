//! What verifying finds.

use std::fmt;

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// An event is not what was sealed.
    EventChanged,
    /// An event was sealed, is gone, and was not retired.
    EventMissing,
    /// An event stands at another place of the chain than when it was sealed.
    EventMoved,
    /// An event is there that nobody recorded: it is in no chain, or behind what was signed.
    EventAdded,
    /// An event has waited for its seal for more than a minute.
    EventUnsealed,
    /// An event was recorded, and is gone before it was sealed.
    EventLostUnsealed,
    /// A place of the chain is empty: its event cannot be told.
    LinkMissing,
    /// A link is not what was sealed; its event is.
    LinkChanged,
    /// These places of the chain hold other events than what was signed over them: the chain was
    /// computed anew, and which of them were changed cannot be told.
    ChainRewritten,
    /// A seal was filed, and is not in the database any more.
    SealMissing,
    /// A seal is in the database, and in no file.
    SealUnfiled,
    /// A seal is nowhere, though later ones are, or the log of all chains names it.
    SealLost,
    /// A seal was not signed by a key of the installation.
    SealForged,
    /// There are two seals of this number that were signed: what was signed first is lost.
    SealForked,
    /// A seal does not follow the one before it.
    SealMisplaced,
    /// The log of all chains says otherwise than the seal.
    LogDiffers,
    /// What is stored of a chain cannot be read: it was put there past every program of ours. The rest of
    /// this chain was not verified.
    ChainIllegible,
    /// A checkpoint was filed, and is not in the database any more.
    CheckpointMissing,
    /// A checkpoint is in the database, and in no file.
    CheckpointUnfiled,
    /// A checkpoint was not signed by a key of the installation.
    CheckpointForged,
    /// The log of all chains is not what the checkpoint was signed over.
    CheckpointDiffers,
    /// A retirement was filed, and is not in the database any more.
    RetirementMissing,
    /// A retirement is in the database, and in no file.
    RetirementUnfiled,
    /// A retirement was not signed by a key of the installation.
    RetirementForged,
    /// An archive is not what was signed, or holds other events than what was sealed.
    ArchiveChanged,
}

impl Fault {
    const fn words(self) -> &'static str {
        match self {
            Self::EventChanged => "an event was changed",
            Self::EventMissing => "an event is missing",
            Self::EventMoved => "an event was moved",
            Self::EventAdded => "an event was added",
            Self::EventUnsealed => "an event waits for its seal",
            Self::EventLostUnsealed => "an event is missing that was not sealed yet",
            Self::LinkMissing => "a place of the chain is empty",
            Self::LinkChanged => "a link of the chain was changed",
            Self::ChainRewritten => "a part of the chain was written anew",
            Self::SealMissing => "a seal is missing in the database",
            Self::SealUnfiled => "a seal is in no file",
            Self::SealLost => "a seal is missing everywhere",
            Self::SealForged => "a seal is forged",
            Self::SealForked => "a seal was signed twice",
            Self::SealMisplaced => "a seal does not follow the one before it",
            Self::LogDiffers => "the log of all chains says otherwise than a seal",
            Self::CheckpointMissing => "a checkpoint is missing in the database",
            Self::CheckpointUnfiled => "a checkpoint is in no file",
            Self::CheckpointForged => "a checkpoint is forged",
            Self::CheckpointDiffers => "the log of all chains is not what a checkpoint says",
            Self::RetirementMissing => "a retirement is missing in the database",
            Self::RetirementUnfiled => "a retirement is in no file",
            Self::RetirementForged => "a retirement is forged",
            Self::ChainIllegible => "what is stored of the chain cannot be read",
            Self::ArchiveChanged => "an archive was changed",
        }
    }
}

/// Something that is not as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Whose: a slug, or `platform`.
    pub tenant: String,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Uuid>,
    /// When it was recorded (RFC 3339); of one that is gone, as its id says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What was done, as it is written there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The place in the chain, or the first of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// The last of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_position: Option<i64>,
    /// The number of the seal, the checkpoint or the retirement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
}

impl Finding {
    pub(super) fn new(fault: Fault, tenant: &str) -> Self {
        Self {
            fault,
            tenant: tenant.to_owned(),
            event: None,
            at: None,
            action: None,
            position: None,
            last_position: None,
            number: None,
        }
    }

    pub(super) fn event(mut self, event: Uuid, at: i64, action: Option<&str>) -> Self {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000);
        self.event = Some(event);
        self.at = at.ok().and_then(|at| at.format(&Rfc3339).ok());
        self.action = action.map(str::to_owned);
        self
    }

    pub(super) fn position(mut self, position: i64) -> Self {
        self.position = Some(position);
        self
    }

    pub(super) fn positions(mut self, first: i64, last: i64) -> Self {
        self.position = Some(first);
        self.last_position = Some(last);
        self
    }

    pub(super) fn number(mut self, number: i64) -> Self {
        self.number = Some(number);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.tenant, self.fault.words())?;
        if let Some(number) = self.number {
            write!(f, ", number {number}")?;
        }
        match (self.position, self.last_position) {
            (Some(first), Some(last)) => write!(f, ", places {first} to {last}")?,
            (Some(position), None) => write!(f, ", place {position}")?,
            _ => {}
        }
        if let Some(event) = self.event {
            write!(f, ", event {event}")?;
        }
        if let Some(at) = &self.at {
            write!(f, " of {at}")?;
        }
        if let Some(action) = &self.action {
            write!(f, ", {action}")?;
        }
        Ok(())
    }
}

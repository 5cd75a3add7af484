//! What can go wrong with the audit for an operator, and what to do next.

use audit::{AuditKeyError, Verified, VerifyError};
use kernel::ErrorKind;
use uuid::Uuid;

/// Why something about the audit was not done, or what was found in it.
#[derive(Debug, thiserror::Error)]
pub enum AuditFailure {
    /// The key is none.
    #[error("the key of the audit cannot be used")]
    Key(#[source] AuditKeyError),
    /// It could not be verified.
    #[error("the audit could not be verified")]
    Verify(#[from] VerifyError),
    /// It is not as it was signed.
    #[error(
        "the audit is not as it was signed: {} findings among {} events",
        .0.findings.len() as u64 + .0.more_findings, .0.events
    )]
    Findings(Box<Verified>),
    /// There is no such hold.
    #[error("there is no hold `{0}`")]
    NoHold(Uuid),
}

impl AuditFailure {
    pub(super) fn next(&self) -> &'static str {
        match self {
            Self::Key(_) => {
                "Put the key back that the installation was made with, from the file audit-key, or \
                 audit-signing-key, of its folder of credentials; another audit-key reads nothing of what \
                 was recorded."
            }
            Self::Verify(_) => {
                "Check that the folder of the seals is there and can be read, and that the database \
                 answers; then run the same command again."
            }
            Self::Findings(_) => {
                "docs/operators/audit.md says what each finding means. Change nothing before you have \
                 copied the database, the files and this list."
            }
            Self::NoHold(_) => "`hrms-bootstrap audit hold list` shows those there are.",
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Key(_) => "settings",
            Self::Verify(_) => "verify",
            Self::Findings(_) => "audit_findings",
            Self::NoHold(_) => ErrorKind::NotFound.as_str(),
        }
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::NoHold(_) => 4,
            Self::Key(_) | Self::Verify(_) | Self::Findings(_) => 1,
        }
    }

    /// Each finding, a line each.
    pub(super) fn details(&self) -> Vec<String> {
        let Self::Findings(verified) = self else {
            return Vec::new();
        };
        let mut details: Vec<String> = verified.findings.iter().map(ToString::to_string).collect();
        if verified.more_findings > 0 {
            details.push(format!("and {} more", verified.more_findings));
        }
        details
    }
}

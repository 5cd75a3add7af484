//! Why a mail was not sent.

use std::{fmt, time::Duration};

/// Why a mail was not sent. None holds an address, or a word of the mail server's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// There is no mail server.
    #[error("no mail server is configured (mail.url)")]
    NotConfigured,
    /// The reader's address is none that a mail can go to.
    #[error("the reader's address is none that a mail can be sent to")]
    Reader,
    /// The mail cannot be written down.
    #[error("the mail cannot be written: {0}")]
    Unwritable(&'static str),
    /// The mail server cannot be reached, its certificate is not to be trusted, or it went away.
    #[error("the mail server cannot be reached: {0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("the mail server did not take the mail within {} ms", .0.as_millis())]
    Silent(Duration),
    /// It does not take mail from us: the connection, the login or the way it is encrypted is not
    /// to its liking, or to ours.
    #[error("the mail server does not let us in: {0}")]
    NotAdmitted(Status),
    /// It does not offer what was configured.
    #[error("the mail server does not offer {0}")]
    NotOffered(&'static str),
    /// It takes the mail another time, perhaps.
    #[error("the mail server put the mail off: {0}")]
    Postponed(Status),
    /// It will never take the mail.
    #[error("the mail server refused the mail: {0}")]
    Refused(Status),
}

/// What may become of a mail that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It may be sent later.
    Later,
    /// It may be sent once somebody has repaired something.
    OnceRepaired,
    /// It will never be sent.
    Never,
}

impl MailError {
    /// What may become of the mail.
    pub fn outlook(&self) -> Outlook {
        match self {
            Self::Unreachable(_) | Self::Silent(_) | Self::Postponed(_) => Outlook::Later,
            Self::NotConfigured | Self::NotAdmitted(_) | Self::NotOffered(_) => {
                Outlook::OnceRepaired
            }
            Self::Reader | Self::Unwritable(_) | Self::Refused(_) => Outlook::Never,
        }
    }
}

/// The number of an answer (RFC 5321), and what it says more exactly (RFC 3463), if it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `550`.
    pub code: u16,
    /// `5.1.1`.
    pub enhanced: Option<String>,
}

impl Status {
    /// Of an answer, what is a number.
    pub(crate) fn of(code: u16, answer: &str) -> Self {
        let first = answer.split_whitespace().next().unwrap_or_default();
        let parts: Vec<&str> = first.split('.').collect();
        let is_number = |part: &&str| {
            (1..=3).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_digit())
        };
        let is_status = parts.len() == 3 && parts.iter().all(is_number);
        Self {
            code,
            enhanced: is_status.then(|| first.to_owned()),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        match &self.enhanced {
            Some(enhanced) => write!(f, " {enhanced}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_answer_only_numbers_are_kept() {
        let status = Status::of(550, "5.1.1 <jane@acme.example>: no such user");
        assert_eq!(status.to_string(), "550 5.1.1");
        for answer in ["jane@acme.example", "1.2", "5.1.1.1 x", "5.jane.1", ""] {
            assert_eq!(Status::of(451, answer).to_string(), "451", "{answer}");
        }
    }
}

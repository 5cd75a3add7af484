//! E-mail addresses.

use std::{fmt, str::FromStr};

use crate::normalised_key;

/// An e-mail address as somebody wrote it, with the key by which it is looked up.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    written: String,
    key: String,
}

/// Why a text is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailAddressError {
    /// More than 254 octets (RFC 5321, 4.5.3.1.3, less the angle brackets).
    #[error("an e-mail address has at most 254 characters")]
    TooLong,
    /// Not of the form `name@domain`.
    #[error("must be an e-mail address, for example `jane.doe@example.com`")]
    Malformed,
}

impl EmailAddress {
    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The form by which addresses are compared: case-insensitive, also in the local part, because
    /// people do not tell `Jane@` from `jane@`.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for EmailAddress {
    type Err = EmailAddressError;

    /// Accepts what HTML's `input type=email` accepts (WHATWG, "valid e-mail address"), and
    /// letters of any script; the proof that an address exists is a mail, not a pattern.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.len() > 254 {
            return Err(EmailAddressError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailAddressError::Malformed)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && local
                .chars()
                .all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c));
        let label_ok = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let domain_ok = domain.split('.').all(label_ok);
        if local_ok && domain_ok {
            Ok(Self {
                written: text.to_owned(),
                key: normalised_key(text),
            })
        } else {
            Err(EmailAddressError::Malformed)
        }
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// An address is personal data: `Debug` output, which may reach a log, does not show it.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_twins_share_a_key_and_keep_their_spelling() {
        let one: EmailAddress = "Jane.Doe@Example.com".parse().unwrap();
        let two: EmailAddress = "jane.doe@EXAMPLE.com".parse().unwrap();
        assert_eq!(one.key(), two.key());
        assert_eq!(one.as_str(), "Jane.Doe@Example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "jane",
            "@example.com",
            "jane@",
            "jane@-x.com",
            "a b@c.de",
            "jane@x..y",
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        assert_eq!(
            long.parse::<EmailAddress>().unwrap_err(),
            EmailAddressError::TooLong
        );
    }

    #[test]
    fn debug_output_does_not_show_the_address() {
        let address: EmailAddress = "jane@example.com".parse().unwrap();
        assert!(!format!("{address:?}").contains("jane"));
    }
}

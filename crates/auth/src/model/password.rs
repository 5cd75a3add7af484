//! Passwords.

use std::{fmt, ops::RangeInclusive};

use kernel::Ambient;
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use unicode_normalization::UnicodeNormalization as _;

/// A password as somebody typed it, in the Unicode form NFKC: two keyboards that write an `é`
/// differently write the same password (NIST SP 800-63B, 3.1.1.2). It is wiped from memory when it
/// is dropped and is never printed.
#[derive(Clone)]
pub struct Password(SecretString);

/// Why a text may not become a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("a password has at least 12 characters")]
    TooShort,
    /// Too many characters.
    #[error("a password has at most 128 characters")]
    TooLong,
}

impl PasswordError {
    /// The stable code of the field error.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
        }
    }
}

impl Password {
    /// How many characters (Unicode code points) a new password has. There are no rules about kinds
    /// of characters: they make passwords worse (NIST SP 800-63B, 3.1.1.2).
    pub const LENGTH: RangeInclusive<usize> = 12..=128;

    /// A longer text is no password: NFKC composes each of the 128 characters from four at most, and
    /// each of these has four bytes at most.
    const MOST_BYTES: usize = 128 * 4 * 4;

    /// Takes a new password.
    ///
    /// # Errors
    /// [`PasswordError`] when it is too short or too long.
    pub fn choose(text: &str) -> Result<Self, PasswordError> {
        if text.len() > Self::MOST_BYTES {
            return Err(PasswordError::TooLong);
        }
        let password = Self::presented(text);
        let length = password.0.expose_secret().chars().count();
        if length < *Self::LENGTH.start() {
            Err(PasswordError::TooShort)
        } else if length > *Self::LENGTH.end() {
            Err(PasswordError::TooLong)
        } else {
            Ok(password)
        }
    }

    /// Takes a password that is to be compared with a stored one. It need not follow today's rules:
    /// they may have been others when it was chosen.
    ///
    /// A text that is longer than any password is not looked at: it becomes the empty password,
    /// which nobody has. So it is compared as any other wrong one, and whoever sends a megabyte does
    /// not make the platform write the eleven megabytes that NFKC can make of it.
    pub fn presented(text: &str) -> Self {
        let text = if text.len() > Self::MOST_BYTES {
            ""
        } else {
            text
        };
        Self(SecretString::from(text.nfkc().collect::<String>()))
    }

    /// Draws a password of 125 bits that can be read aloud: `h4kz2-…`.
    pub fn generate(ambient: &Ambient) -> Self {
        // Crockford's base 32: no `i`, `l`, `o`, `u`.
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let random = Zeroizing::new(ambient.bytes::<25>());
        let mut text = String::with_capacity(29);
        for (position, byte) in random.iter().enumerate() {
            if position > 0 && position % 5 == 0 {
                text.push('-');
            }
            let letter = ALPHABET.get(usize::from(byte % 32)).copied();
            text.push(char::from(letter.unwrap_or(b'0')));
        }
        Self(SecretString::from(text))
    }

    /// The password itself, for whoever must hand it to a person.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel::{FixedClock, SeededEntropy};
    use rstest::rstest;
    use time::OffsetDateTime;

    use super::*;

    #[rstest]
    #[case::eleven(11, Err(PasswordError::TooShort))]
    #[case::twelve(12, Ok(()))]
    #[case::a_sentence(128, Ok(()))]
    #[case::a_page(129, Err(PasswordError::TooLong))]
    fn a_new_password_has_12_to_128_characters(
        #[case] length: usize,
        #[case] expected: Result<(), PasswordError>,
    ) {
        for letter in ["a", "日", " "] {
            let outcome = Password::choose(&letter.repeat(length)).map(|_password| ());
            assert_eq!(outcome, expected, "{letter}");
        }
    }

    #[test]
    fn two_ways_of_typing_one_letter_are_one_password() {
        let composed = Password::presented("caf\u{e9} au lait");
        let decomposed = Password::presented("cafe\u{301} au lait");
        assert_eq!(composed.expose(), decomposed.expose());
        assert_ne!(
            composed.expose(),
            Password::presented("cafe au lait").expose()
        );
    }

    #[test]
    fn what_is_longer_than_any_password_is_not_normalised() {
        // NFKC writes this one ligature with eighteen letters.
        let page = "\u{fdfa}".repeat(340_000);
        assert_eq!(Password::presented(&page).expose(), "");
        let outcome = Password::choose(&page).map(|_password| ());
        assert_eq!(outcome, Err(PasswordError::TooLong));
    }

    #[test]
    fn the_longest_password_may_be_written_with_the_most_bytes() {
        // Alpha with a breathing, an accent and an iota below: one character when it is composed.
        let decomposed = "\u{1d6c2}\u{313}\u{300}\u{345}".repeat(128);
        let composed = "\u{1f82}".repeat(128);
        assert!(Password::choose(&decomposed).is_ok());
        assert_eq!(Password::presented(&decomposed).expose(), composed);
    }

    #[test]
    fn a_password_is_never_printed() {
        let password = Password::presented("correct horse battery");
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn generated_passwords_follow_the_rules_and_differ() {
        let clock = FixedClock::at(OffsetDateTime::UNIX_EPOCH);
        let ambient = Ambient::new(Arc::new(clock), Arc::new(SeededEntropy::new(7)));
        let one = Password::generate(&ambient);
        let two = Password::generate(&ambient);
        assert!(Password::choose(one.expose()).is_ok());
        assert_eq!(one.expose().len(), 29);
        assert_ne!(one.expose(), two.expose());
    }
}

//! Short texts with rules: numbers, codes, countries, telephone numbers.

use std::{fmt, str::FromStr, sync::Arc};

/// Why a text is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but blanks.
    #[error("must not be empty")]
    Empty,
    /// Longer than its limit, in characters.
    #[error("has at most {0} characters")]
    TooLong(usize),
    /// A character that cannot be shown, such as a line break.
    #[error("must be a single line of printable characters")]
    Unprintable,
    /// Not of the form of a number or code.
    #[error("has letters A to Z, digits, `-`, `_`, `.` and `/`, and begins with a letter or digit")]
    Code,
    /// Not of the form of a country code.
    #[error("must be a country code of two letters (ISO 3166-1), for example `DE`")]
    Country,
    /// Not of the form of a telephone number.
    #[error("must be a telephone number, for example `+49 30 1234567`")]
    Phone,
}

impl TextError {
    /// The stable code of the mistake, for a client.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "required",
            Self::TooLong(_) => "too_long",
            Self::Unprintable | Self::Code | Self::Country | Self::Phone => "invalid",
        }
    }
}

/// Copies of such a text share it: an import holds hundreds of thousands.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $parse:path;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.as_str().to_owned()
            }

            /// What storage holds was parsed before it was stored.
            pub(crate) fn stored(text: String) -> Self {
                Self(text.into())
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                $parse(text).map(|text| Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )+};
}

texts! {
    /// The number by which a company knows an employee: `1042`, `E-17`. At most 20 characters of
    /// `A-Z`, digits, `-`, `_`, `.`, `/`; lower-case letters become upper-case, so that one number
    /// has one spelling.
    EmployeeNumber = code;
    /// The short name by which a company knows a department, a job title or a location: `SALES`,
    /// `AD_PRES`. The same form as [`EmployeeNumber`].
    Code = code;
    /// A country, by its code of two letters (ISO 3166-1 alpha-2).
    CountryCode = country;
}

/// A telephone number as somebody wrote it, with its extension: at most 40 characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The number as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number as it was written, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        phone(text).map(Self)
    }
}

/// A telephone number is personal data: `Debug` output, which may reach a log, does not show it.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

fn code(text: &str) -> Result<String, TextError> {
    const MAX: usize = 20;
    let text = text.trim();
    let first = *text.as_bytes().first().ok_or(TextError::Empty)?;
    if text.chars().count() > MAX {
        return Err(TextError::TooLong(MAX));
    }
    let inner_ok = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
    if inner_ok && first.is_ascii_alphanumeric() {
        Ok(text.to_ascii_uppercase())
    } else {
        Err(TextError::Code)
    }
}

fn country(text: &str) -> Result<String, TextError> {
    let text = text.trim();
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err(TextError::Country)
    }
}

fn phone(text: &str) -> Result<String, TextError> {
    const MAX: usize = 40;
    let text = text.trim();
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if text.chars().count() > MAX {
        return Err(TextError::TooLong(MAX));
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let form_ok = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-./() #*,;extEXT".contains(&b));
    if form_ok && digits >= 3 {
        Ok(text.to_owned())
    } else {
        Err(TextError::Phone)
    }
}

/// A single printable line, blanks at the ends and runs of blanks removed.
pub(super) fn line(text: &str, max: usize) -> Result<String, TextError> {
    let mut line = String::with_capacity(text.len());
    // A tab or a line break inside is a mistake, not a blank.
    for word in text.trim().split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() {
        return Err(TextError::Empty);
    }
    if line.chars().count() > max {
        return Err(TextError::TooLong(max));
    }
    if !line.chars().all(kernel::is_printable) {
        return Err(TextError::Unprintable);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        let number: EmployeeNumber = " e-17 ".parse().unwrap();
        assert_eq!(number.as_str(), "E-17");
    }

    #[test]
    fn what_is_no_number_is_refused_with_a_reason() {
        let parse = |text: &str| text.parse::<EmployeeNumber>().unwrap_err();
        assert_eq!(parse(" "), TextError::Empty);
        assert_eq!(parse("-1"), TextError::Code);
        assert_eq!(parse("1 2"), TextError::Code);
        assert_eq!(parse(&"9".repeat(21)), TextError::TooLong(20));
    }

    #[test]
    fn a_country_has_two_letters() {
        assert_eq!("de".parse::<CountryCode>().unwrap().as_str(), "DE");
        assert_eq!("Germany".parse::<CountryCode>(), Err(TextError::Country));
    }

    #[test]
    fn telephone_numbers_of_many_countries_are_accepted_as_written() {
        for text in [
            "1.515.555.0100",
            "+49 (30) 123-45",
            "44.1632.960033",
            "555-0100 ext 7",
        ] {
            assert_eq!(text.parse::<PhoneNumber>().unwrap().as_str(), text);
        }
        assert!("call me".parse::<PhoneNumber>().is_err());
    }

    #[test]
    fn a_telephone_number_does_not_reach_a_log() {
        let phone: PhoneNumber = "555-0100".parse().unwrap();
        assert!(!format!("{phone:?}").contains("555"));
    }

    proptest! {
        #[test]
        fn a_parsed_text_parses_to_itself(text in any::<String>()) {
            if let Ok(once) = line(&text, 100) {
                prop_assert_eq!(line(&once, 100), Ok(once.clone()));
            }
            if let Ok(once) = text.parse::<Code>() {
                prop_assert_eq!(once.as_str().parse::<Code>(), Ok(once.clone()));
            }
        }

        #[test]
        fn letter_case_never_makes_two_codes(text in "[A-Za-z0-9][A-Za-z0-9_./-]{0,19}") {
            prop_assert_eq!(text.to_lowercase().parse::<Code>(), text.to_uppercase().parse::<Code>());
        }
    }
}

//! What lists are filtered and sorted by.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::normalised_key;

/// A value of a filter or of a sort key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scalar {
    /// A text in the form in which it is stored and compared.
    Text(String),
    /// An identifier.
    Id(Uuid),
    /// A day.
    Date(Date),
    /// An instant.
    Instant(OffsetDateTime),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
}

/// What kind of value a field holds: how it is written in a filter, and what may be asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name: compared without regard to case and blanks ([`normalised_key`]).
    Name,
    /// A short name, kept in upper case.
    Code,
    /// A text that is compared as it stands.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An identifier.
    Id,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// An instant, RFC 3339.
    Instant,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// What is asked of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// `field=value`
    Equal,
    /// `field[ne]=value`; also where the field holds nothing.
    NotEqual,
    /// `field[lt]=value`
    Less,
    /// `field[lte]=value`
    LessOrEqual,
    /// `field[gt]=value`
    Greater,
    /// `field[gte]=value`
    GreaterOrEqual,
    /// `field[in]=value,value`
    In,
    /// `field[contains]=text`
    Contains,
}

impl Operator {
    /// What stands in brackets behind the field; nothing for equality.
    pub fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Equal => None,
            Self::NotEqual => Some("ne"),
            Self::Less => Some("lt"),
            Self::LessOrEqual => Some("lte"),
            Self::Greater => Some("gt"),
            Self::GreaterOrEqual => Some("gte"),
            Self::In => Some("in"),
            Self::Contains => Some("contains"),
        }
    }
}

impl Kind {
    /// What may be asked of a field of this kind.
    pub fn operators(self) -> &'static [Operator] {
        use Operator::{Contains, Equal, Greater, GreaterOrEqual, In, Less, LessOrEqual, NotEqual};
        match self {
            Self::Name | Self::Code => &[
                Equal,
                NotEqual,
                Less,
                LessOrEqual,
                Greater,
                GreaterOrEqual,
                In,
                Contains,
            ],
            Self::Text | Self::Word(_) | Self::Id => &[Equal, NotEqual, In],
            Self::Boolean => &[Equal, NotEqual],
            Self::Date | Self::Instant | Self::Integer => &[
                Equal,
                NotEqual,
                Less,
                LessOrEqual,
                Greater,
                GreaterOrEqual,
                In,
            ],
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// What the value must be, for the person who wrote it.
    pub fn read(self, text: &str) -> Result<Scalar, String> {
        let written = |key: String| match key.len() {
            0 => Err("must not be empty".to_owned()),
            1..=200 if !text.chars().any(char::is_control) => Ok(Scalar::Text(key)),
            _ => Err("has at most 200 printable characters".to_owned()),
        };
        match self {
            Self::Name => written(normalised_key(text)),
            Self::Code => written(text.trim().to_uppercase()),
            Self::Text => written(text.to_owned()),
            Self::Word(words) => match words.iter().find(|word| **word == text) {
                Some(word) => Ok(Scalar::Text((*word).to_owned())),
                None => Err(format!("must be one of {}", words.join(", "))),
            },
            Self::Id => crate::id::parse(text)
                .map(Scalar::Id)
                .map_err(|_wrong| "an identifier is a UUID, as the API returned it".to_owned()),
            Self::Date => read_date(text)
                .map(Scalar::Date)
                .ok_or_else(|| "must be a date, for example 2026-01-31".to_owned()),
            Self::Instant => read_instant(text)
                .map(Scalar::Instant)
                .ok_or_else(|| "must be an instant, for example 2026-01-31T12:00:00Z".to_owned()),
            Self::Integer => text
                .parse()
                .map(Scalar::Integer)
                .map_err(|_wrong| "must be a whole number".to_owned()),
            Self::Boolean => text
                .parse()
                .map(Scalar::Boolean)
                .map_err(|_wrong| "must be true or false".to_owned()),
        }
    }
}

/// A date, `YYYY-MM-DD` and nothing else: the library would take a sign, and years that PostgreSQL
/// does not know.
fn read_date(text: &str) -> Option<Date> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let plain = text.len() == 10 && text.starts_with(|first: char| first.is_ascii_digit());
    let date = Date::parse(text, format).ok()?;
    (plain && date.year() >= 1).then_some(date)
}

/// An instant in UTC, of the years of [`read_date`].
fn read_instant(text: &str) -> Option<OffsetDateTime> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let utc = instant.checked_to_offset(time::UtcOffset::UTC)?;
    (1..=9999).contains(&utc.year()).then_some(utc)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [Kind; 9] = [
        Kind::Name,
        Kind::Code,
        Kind::Text,
        Kind::Word(&["active", "gone"]),
        Kind::Id,
        Kind::Date,
        Kind::Instant,
        Kind::Integer,
        Kind::Boolean,
    ];

    #[test]
    fn a_value_is_read_as_it_is_stored() {
        let text = |text: &str| Ok(Scalar::Text(text.to_owned()));
        assert_eq!(Kind::Name.read(" van  den BERG "), text("van den berg"));
        assert_eq!(Kind::Code.read(" e-17 "), text("E-17"));
        assert_eq!(Kind::Text.read("r-7 A"), text("r-7 A"));
        assert_eq!(Kind::Word(&["active"]).read("active"), text("active"));
        assert_eq!(
            Kind::Instant.read("2026-01-31T12:00:00+01:00"),
            Kind::Instant.read("2026-01-31T11:00:00Z")
        );
    }

    #[test]
    fn what_is_no_value_says_what_would_be_one() {
        for (kind, wrong) in [
            (Kind::Name, " "),
            (Kind::Name, "a\0"),
            (Kind::Word(&["active"]), "Active"),
            (Kind::Id, "7"),
            (Kind::Date, "2026-02-30"),
            (Kind::Date, "2026-02-03T00:00:00Z"),
            (Kind::Date, "-9999-01-01"),
            (Kind::Date, "+2026-01-01"),
            (Kind::Date, "0000-01-01"),
            (Kind::Instant, "9999-12-31T23:59:59-23:59"),
            (Kind::Instant, "0000-01-01T00:00:00Z"),
            (Kind::Instant, "2026-02-03"),
            (Kind::Integer, "1.5"),
            (Kind::Boolean, "yes"),
        ] {
            assert!(kind.read(wrong).is_err(), "{kind:?} {wrong}");
        }
        assert!(Kind::Name.read(&"a".repeat(201)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_value_or_an_error_never_a_panic(text in any::<String>()) {
            for kind in KINDS {
                let _ = kind.read(&text);
            }
        }

        #[test]
        fn a_value_survives_a_cursor(text in "[a-z0-9:T.Z-]{0,24}", number in any::<i64>()) {
            for kind in KINDS {
                for text in [text.clone(), number.to_string()] {
                    if let Ok(value) = kind.read(&text) {
                        let written = serde_json::to_string(&value).unwrap();
                        prop_assert_eq!(serde_json::from_str::<Scalar>(&written).unwrap(), value);
                    }
                }
            }
        }
    }
}

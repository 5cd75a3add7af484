//! The languages that mails are written in, and how each writes dates and numbers.

use time::PrimitiveDateTime;

/// A language that mails are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// English: also for whom no other one is right.
    English,
    /// German.
    German,
}

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const GERMAN: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language of a language tag (BCP 47), whatever region or script it names; `None` when no
    /// mail is written in it.
    pub fn of(tag: &str) -> Option<Self> {
        let language = tag.split('-').next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|it| it.tag().eq_ignore_ascii_case(language))
    }

    /// The reader's language, else the tenant's, else English.
    pub fn for_reader(reader: Option<&str>, tenant: &str) -> Self {
        reader
            .and_then(Self::of)
            .or_else(|| Self::of(tenant))
            .unwrap_or(Self::English)
    }

    /// Its tag: `de`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// A number with its thousands parted: `12,345`, `12.345`.
    pub fn number(self, number: u64) -> String {
        let separator = match self {
            Self::English => ',',
            Self::German => '.',
        };
        let digits = number.to_string();
        let mut parted = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                parted.push(separator);
            }
            parted.push(digit);
        }
        parted
    }

    /// A day and a minute: `27 November 2026, 17:05`, `27. November 2026, 17:05 Uhr`.
    pub fn moment(self, at: PrimitiveDateTime) -> String {
        let month = usize::from(u8::from(at.month())) - 1;
        let (day, year, hour, minute) = (at.day(), at.year(), at.hour(), at.minute());
        // There are twelve of each.
        let name = |names: [&'static str; 12]| names.get(month).copied().unwrap_or_default();
        match self {
            Self::English => format!("{day} {} {year}, {hour:02}:{minute:02}", name(ENGLISH)),
            Self::German => format!("{day}. {} {year}, {hour:02}:{minute:02} Uhr", name(GERMAN)),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_language_is_found_by_the_beginning_of_a_tag() {
        for (tag, language) in [
            ("de", Some(Language::German)),
            ("de-CH-1996", Some(Language::German)),
            ("en-GB", Some(Language::English)),
            ("den", None),
            ("fr", None),
            ("", None),
        ] {
            assert_eq!(Language::of(tag), language, "{tag}");
        }
    }

    #[test]
    fn numbers_and_moments_are_written_as_the_language_does() {
        for (number, english, german) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1,000", "1.000"),
            (1_234_567, "1,234,567", "1.234.567"),
        ] {
            assert_eq!(Language::English.number(number), english);
            assert_eq!(Language::German.number(number), german);
        }
        let at = datetime!(2026-03-07 09:05:59);
        assert_eq!(Language::English.moment(at), "7 March 2026, 09:05");
        assert_eq!(Language::German.moment(at), "7. März 2026, 09:05 Uhr");
        let at = datetime!(2026-12-31 23:59);
        assert_eq!(Language::English.moment(at), "31 December 2026, 23:59");
    }
}

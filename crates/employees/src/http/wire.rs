//! Values as they stand in JSON.

use std::{borrow::Cow, fmt, str::FromStr};

use kernel::{FieldError, FieldErrors, Money};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{Date, OffsetDateTime};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};
use web::Problem;

use crate::{
    model::{EmploymentStatus, EmploymentType, EndReason, EventKind, PayPeriod, TextError},
    service::Edit,
};

/// A date, `YYYY-MM-DD` (ISO 8601).
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde wants"
)]
pub(super) fn date<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

/// A date or `null`.
#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde wants"
)]
pub(super) fn optional_date<S: Serializer>(
    date: &Option<Date>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match date {
        Some(date) => serializer.collect_str(date),
        None => serializer.serialize_none(),
    }
}

/// An instant in UTC, `YYYY-MM-DDThh:mm:ss.ffffffZ` (RFC 3339).
pub(super) fn instant<S: Serializer>(
    instant: &OffsetDateTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Utc(*instant))
}

struct Utc(OffsetDateTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = self.0.to_offset(time::UtcOffset::UTC);
        let (hour, minute, second) = utc.time().as_hms();
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}", utc.date())?;
        let micros = utc.microsecond();
        if micros > 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("Z")
    }
}

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Money)]
pub(super) struct MoneyBody {
    /// A decimal number with the places of its currency.
    #[schema(example = "1234.50")]
    amount: String,
    /// The currency (ISO 4217).
    #[schema(example = "EUR")]
    currency: &'static str,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self {
            amount: money.amount().to_string(),
            currency: money.currency().code(),
        }
    }
}

/// An amount of money in a request.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMoney)]
pub(super) struct NewMoney {
    /// A decimal number with no more places than its currency has.
    #[schema(example = "1234.50")]
    pub(super) amount: String,
    /// The currency (ISO 4217).
    #[schema(example = "EUR")]
    pub(super) currency: String,
}

impl From<Money> for NewMoney {
    fn from(money: Money) -> Self {
        Self {
            amount: money.amount().to_string(),
            currency: money.currency().code().to_owned(),
        }
    }
}

impl NewMoney {
    pub(super) fn parse(&self, pointer: &str, wrong: &mut FieldErrors) -> Option<Money> {
        money(&self.amount, &self.currency, pointer, wrong)
    }
}

/// Reads an amount and its currency from two fields of an object.
pub(super) fn money(
    amount: &str,
    currency: &str,
    pointer: &str,
    wrong: &mut FieldErrors,
) -> Option<Money> {
    match Money::parse(amount, currency) {
        Ok(money) => Some(money),
        Err(error) => {
            let field = if matches!(error, kernel::MoneyError::Currency(_)) {
                "currency"
            } else {
                "amount"
            };
            wrong.push(format!("{pointer}/{field}"), "invalid", error.to_string());
            None
        }
    }
}

/// One of a closed set of words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<T>(pub(super) T);

/// Whether somebody works here.
pub(super) type EmploymentStatusWord = Word<EmploymentStatus>;
/// On which terms somebody works.
pub(super) type EmploymentTypeWord = Word<EmploymentType>;
/// What an amount of pay is paid for.
pub(super) type PayPeriodWord = Word<PayPeriod>;

/// Why a service ended.
pub(super) type EndReasonWord = Word<EndReason>;
/// What happened.
pub(super) type EventKindWord = Word<EventKind>;

/// A closed set of words.
pub(super) trait Words: Copy + FromStr<Err: fmt::Display> + 'static {
    const NAME: &'static str;
    fn words() -> impl Iterator<Item = &'static str>;
    fn word(self) -> &'static str;
}

macro_rules! words {
    ($($set:ident),+) => {$(
        impl Words for $set {
            const NAME: &'static str = stringify!($set);

            fn words() -> impl Iterator<Item = &'static str> {
                Self::ALL.iter().map(|word| word.as_str())
            }

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )+};
}

words!(
    EmploymentStatus,
    EmploymentType,
    EndReason,
    EventKind,
    PayPeriod
);

impl<T> From<T> for Word<T> {
    fn from(word: T) -> Self {
        Self(word)
    }
}

impl<T: Words> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<'de, T: Words> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

impl<T: Words> PartialSchema for Word<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(T::words()))
            .into()
    }
}

impl<T: Words> ToSchema for Word<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }
}

/// Reads a text field; what is wrong with it is noted.
pub(super) fn text<T: FromStr<Err = TextError>>(
    value: &str,
    pointer: &str,
    wrong: &mut FieldErrors,
) -> Option<T> {
    match value.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            wrong.push(pointer, error.code(), error.to_string());
            None
        }
    }
}

/// Reads a text field that may be absent.
pub(super) fn optional_text<T: FromStr<Err = TextError>>(
    value: Option<&str>,
    pointer: &str,
    wrong: &mut FieldErrors,
) -> Option<T> {
    value.and_then(|value| text(value, pointer, wrong))
}

/// Reads a field that is kept when it is absent and cleared by `null`:
/// `#[serde(default, deserialize_with = "wire::edit")]`.
pub(super) fn edit<'de, T, D>(deserializer: D) -> Result<Edit<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value = Option::<T>::deserialize(deserializer)?;
    Ok(value.map_or(Edit::Clear, Edit::Set))
}

/// Reads a date, `YYYY-MM-DD`.
pub(super) fn parse_date(text: &str) -> Result<Date, &'static str> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    Date::parse(text, format).map_err(|_wrong| "must be a date, for example 2026-01-31")
}

/// Reads the one date of a body that can be wrong.
pub(super) fn date_of(pointer: &'static str, text: &str) -> Result<Date, Problem> {
    parse_date(text)
        .map_err(|message| Problem::invalid(vec![FieldError::new(pointer, "invalid", message)]))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_instant_is_written_in_utc() {
        let written = |instant| Utc(instant).to_string();
        assert_eq!(
            written(datetime!(2026-01-31 23:30 -1)),
            "2026-02-01T00:30:00Z"
        );
        assert_eq!(
            written(datetime!(2026-01-31 23:30:01.5 UTC)),
            "2026-01-31T23:30:01.500000Z"
        );
    }

    #[test]
    fn a_date_is_a_date() {
        assert!(parse_date("2026-02-28").is_ok());
        for wrong in [
            "2026-02-29",
            "26-02-01",
            "2026-2-1",
            "2026-02-01T00:00:00Z",
            "",
        ] {
            assert!(parse_date(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_word_outside_its_set_is_refused_with_the_set() {
        let error = serde_json::from_str::<Word<PayPeriod>>("\"daily\"").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("yearly, monthly, weekly, hourly")
        );
    }
}

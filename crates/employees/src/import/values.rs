//! Cells that are no type of the model by themselves.

use kernel::{Currency, Money};
use rust_decimal::Decimal;
use time::{Date, Month};

use crate::model::{Commission, CommissionError};

/// Why a cell is not the value it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ValueError {
    #[error("must be a date of the form YYYY-MM-DD, for example 2026-03-01")]
    Date,
    #[error("lies outside the years {FIRST_YEAR} to {LAST_YEAR}")]
    Year,
    #[error("must be the code of a currency (ISO 4217), for example EUR")]
    Currency,
}

// A year outside is a slip of the keyboard: nobody alive was hired in 0201.
const FIRST_YEAR: i32 = 1900;
const LAST_YEAR: i32 = 2199;

/// A date as ISO 8601 writes it. Others are ambiguous: 03/04/2026 is two days.
pub(super) fn date(text: &str) -> Result<Date, ValueError> {
    let digits = |range: std::ops::Range<usize>| {
        let part = text.get(range)?;
        part.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| part.parse::<u16>().ok())?
    };
    let parse = || {
        let year = digits(0..4)?;
        let month = Month::try_from(u8::try_from(digits(5..7)?).ok()?).ok()?;
        let day = u8::try_from(digits(8..10)?).ok()?;
        let dashes = text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        (dashes && text.len() == 10)
            .then(|| Date::from_calendar_date(i32::from(year), month, day).ok())?
    };
    let date = parse().ok_or(ValueError::Date)?;
    if (FIRST_YEAR..=LAST_YEAR).contains(&date.year()) {
        Ok(date)
    } else {
        Err(ValueError::Year)
    }
}

/// The day after a date: people name the last day of a period, the platform the first one after.
pub(super) fn day_after(text: &str) -> Result<Date, ValueError> {
    date(text)?.next_day().ok_or(ValueError::Year)
}

pub(super) fn currency(text: &str) -> Result<Currency, ValueError> {
    Money::parse_currency(text).map_err(|_no_currency| ValueError::Currency)
}

pub(super) fn amount(text: &str, currency: Currency) -> Result<Money, kernel::MoneyError> {
    Money::parse(text, currency.code())
}

pub(super) fn commission(percent: &str) -> Result<Commission, CommissionError> {
    let percent = Decimal::from_str_exact(percent).map_err(|_no_number| CommissionError)?;
    Commission::from_percent(percent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;

    #[test]
    fn a_date_is_written_as_iso_8601_has_it() {
        assert_eq!(date("2024-02-29"), Ok(date!(2024 - 02 - 29)));
        for wrong in [
            "2023-02-29",
            "24-02-29",
            "2024-2-29",
            "29/02/2024",
            "2024-02-29T00:00",
            "+024-02-29",
            "２024-02-29",
        ] {
            assert_eq!(date(wrong), Err(ValueError::Date), "{wrong}");
        }
        assert_eq!(date("0201-03-01"), Err(ValueError::Year));
        assert_eq!(day_after("2199-12-31"), Ok(date!(2200 - 01 - 01)));
    }

    #[test]
    fn a_currency_is_somebodys_money() {
        assert_eq!(currency("EUR"), Ok(Currency::EUR));
        for wrong in ["", "eur", "EURO", "XXX", "XTS", "XAU"] {
            assert_eq!(currency(wrong), Err(ValueError::Currency), "{wrong}");
        }
    }

    #[test]
    fn a_commission_is_a_percentage() {
        assert_eq!(commission("12.5").unwrap().basis_points(), 1_250);
        for wrong in [
            "",
            "12,5",
            "-1",
            "101",
            "1e1",
            "99999999999999999999999999999999",
        ] {
            assert!(commission(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_value_or_refused(text in any::<String>()) {
            let _ = (date(&text), currency(&text), commission(&text));
        }

        #[test]
        fn every_day_reads_back(days in 0_i64..100_000) {
            let day = date!(1900 - 01 - 01) + time::Duration::days(days);
            prop_assert_eq!(date(&day.to_string()), Ok(day));
        }
    }
}

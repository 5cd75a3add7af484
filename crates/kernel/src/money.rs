//! Money: a decimal amount with a currency, never a float.

use std::fmt;

use iso_currency::Currency;
use rust_decimal::Decimal;

/// An amount of a currency, in whole minor units (cents, yen, fils), as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why something is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number.
    #[error("an amount is a decimal number with a point, for example \"1234.50\"")]
    Amount,
    /// Not the code of a currency.
    #[error("`{0}` is not the code of a currency (ISO 4217), for example `EUR`")]
    Currency(String),
    /// More decimal places than the currency has.
    #[error("{currency} has {places} decimal places")]
    Places {
        /// The currency's code.
        currency: &'static str,
        /// The decimal places it has (ISO 4217, "minor unit").
        places: u16,
    },
    /// Too large to store.
    #[error("the amount is too large")]
    TooLarge,
    /// Two currencies where one is needed.
    #[error("{0} and {1} cannot be added: convert one of them first")]
    TwoCurrencies(&'static str, &'static str),
}

/// The decimal places of a currency (ISO 4217, "minor unit"; funds without one have none).
fn places(currency: Currency) -> u16 {
    currency.exponent().unwrap_or(0)
}

impl Money {
    /// An amount in minor units.
    pub fn from_minor_units(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads an amount and a currency as they stand on the wire: `"1234.50"`, `"EUR"`.
    pub fn parse(amount: &str, currency: &str) -> Result<Self, MoneyError> {
        let currency = Self::parse_currency(currency)?;
        let plain = !amount.is_empty()
            && amount
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        if !plain {
            return Err(MoneyError::Amount);
        }
        let decimal = Decimal::from_str_exact(amount).map_err(|error| match error {
            rust_decimal::Error::ExceedsMaximumPossibleValue => MoneyError::TooLarge,
            _ => MoneyError::Amount,
        })?;
        Self::new(decimal, currency)
    }

    /// Reads the code of a currency: `EUR`. Gold, "no currency" and what else has a code of ISO 4217
    /// without being anyone's money is none.
    ///
    /// # Errors
    /// [`MoneyError::Currency`].
    pub fn parse_currency(code: &str) -> Result<Currency, MoneyError> {
        Currency::from_code(code)
            .filter(|currency| !currency.is_special())
            .ok_or_else(|| MoneyError::Currency(code.to_owned()))
    }

    /// An amount of a currency, with no more decimal places than the currency has.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let mut scaled = amount.normalize();
        if scaled.scale() > u32::from(places(currency)) {
            return Err(MoneyError::Places {
                currency: currency.code(),
                places: places(currency),
            });
        }
        scaled.rescale(u32::from(places(currency)));
        if scaled.scale() != u32::from(places(currency)) {
            return Err(MoneyError::TooLarge);
        }
        let minor = i64::try_from(scaled.mantissa()).map_err(|_wide| MoneyError::TooLarge)?;
        Ok(Self { minor, currency })
    }

    /// The amount in minor units.
    pub fn minor_units(self) -> i64 {
        self.minor
    }

    /// The amount with the currency's decimal places.
    pub fn amount(self) -> Decimal {
        Decimal::new(self.minor, u32::from(places(self.currency)))
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::TwoCurrencies`], [`MoneyError::TooLarge`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::TwoCurrencies(
                self.currency.code(),
                other.currency.code(),
            ));
        }
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(MoneyError::TooLarge)?;
        Ok(Self {
            minor,
            currency: self.currency,
        })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_keeps_the_places_of_its_currency() {
        assert_eq!(
            Money::parse("1234.5", "EUR").unwrap().to_string(),
            "1234.50 EUR"
        );
        assert_eq!(Money::parse("1234", "JPY").unwrap().to_string(), "1234 JPY");
        assert_eq!(Money::parse("-1.234", "KWD").unwrap().minor_units(), -1234);
    }

    #[test]
    fn what_is_no_money_is_refused_with_a_reason() {
        for bad in [
            "", "x", "1e5", "1,5", " 1", "+1", "1_000", "0x10", "--1", "1.2.3", "NaN",
        ] {
            assert_eq!(Money::parse(bad, "EUR"), Err(MoneyError::Amount), "{bad}");
        }
        assert!(matches!(
            Money::parse("1.001", "EUR"),
            Err(MoneyError::Places { places: 2, .. })
        ));
        assert!(matches!(
            Money::parse("1", "EURO"),
            Err(MoneyError::Currency(_))
        ));
        assert_eq!(
            Money::parse("92233720368547758.08", "EUR"),
            Err(MoneyError::TooLarge)
        );
    }

    #[test]
    fn what_has_a_code_and_is_nobodys_money_is_refused() {
        for code in ["XXX", "XTS", "XAU", "XAG", "XDR", "XUA", "XBA", "XAD"] {
            let refused = Err(MoneyError::Currency(code.to_owned()));
            assert_eq!(Money::parse("1", code), refused);
        }
        for code in ["XAF", "XCD", "XOF", "XPF", "CHF"] {
            assert!(Money::parse("1", code).is_ok(), "{code}");
        }
    }

    #[test]
    fn two_currencies_do_not_add() {
        let euro = Money::parse("1", "EUR").unwrap();
        let yen = Money::parse("1", "JPY").unwrap();
        assert_eq!(
            euro.checked_add(yen),
            Err(MoneyError::TwoCurrencies("EUR", "JPY"))
        );
    }

    fn currency() -> impl Strategy<Value = Currency> {
        prop_oneof![
            Just(Currency::EUR),
            Just(Currency::JPY),
            Just(Currency::KWD)
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(minor in any::<i64>(), currency in currency()) {
            let money = Money::from_minor_units(minor, currency);
            let read = Money::parse(&money.amount().to_string(), currency.code()).unwrap();
            prop_assert_eq!(read, money);
        }

        #[test]
        fn addition_is_exact_or_refused(a in any::<i64>(), b in any::<i64>()) {
            let sum = Money::from_minor_units(a, Currency::EUR)
                .checked_add(Money::from_minor_units(b, Currency::EUR));
            let expected = a
                .checked_add(b)
                .map(|minor| Money::from_minor_units(minor, Currency::EUR))
                .ok_or(MoneyError::TooLarge);
            prop_assert_eq!(sum, expected);
        }

        #[test]
        fn any_text_is_money_or_an_error_never_a_panic(amount in any::<String>()) {
            let _ = Money::parse(&amount, "EUR");
        }
    }
}

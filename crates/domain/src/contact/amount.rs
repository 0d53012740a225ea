//! The cost of acquiring a customer: an exact amount in a currency.

use std::fmt;

use super::number::Decimal;

/// Decimals that an amount keeps.
const PLACES: u32 = 5;
const UNITS_PER_ONE: u128 = 10_u128.pow(PLACES);

/// A positive amount of money, in units of 10^-5 of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(u128);

impl Amount {
    /// Reads a JSON number, or a string that is one: positive, below 10^15, rounded to five decimals half to even
    /// with every digit counted, and positive still after that.
    pub fn parse(text: &str) -> Option<Self> {
        let decimal = Decimal::parse(text)?;
        if !decimal.is_positive() || !decimal.is_below_power(15) {
            return None;
        }
        let units = decimal.units(PLACES)?;
        (units > 0).then_some(Self(units))
    }

    /// The amount in units of 10^-5.
    pub fn to_units(self) -> u128 {
        self.0
    }

    /// The amount of so many units of 10^-5. Meant for units that [`Amount::to_units`] gave.
    pub fn from_units(units: u128) -> Self {
        Self(units)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / UNITS_PER_ONE, self.0 % UNITS_PER_ONE);
        write!(f, "{whole}.{fraction:05}")
    }
}

/// The currencies that the vendor's page allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Currency {
    /// United States dollar.
    Usd,
    /// Euro.
    Eur,
}

impl Currency {
    /// Reads `USD` or `EUR`, in capitals as the page demands.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "USD" => Some(Self::Usd),
            "EUR" => Some(Self::Eur),
            _ => None,
        }
    }

    /// The ISO 4217 code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usd => "USD",
            Self::Eur => "EUR",
        }
    }

    /// Bytes of stored data: a number once given is never given anew.
    fn to_byte(self) -> u8 {
        match self {
            Self::Usd => 0,
            Self::Eur => 1,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Usd),
            1 => Some(Self::Eur),
            _ => None,
        }
    }
}

/// What it cost to acquire a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cac {
    /// How much.
    pub value: Amount,
    /// Of which currency.
    pub currency: Currency,
}

impl Cac {
    /// The currency's byte, then the units little-endian without the zero bytes at the end: four bytes
    /// hold most amounts.
    pub fn to_bytes(&self) -> Vec<u8> {
        let units = self.value.to_units().to_le_bytes();
        let len = units.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let mut bytes = Vec::with_capacity(1 + len);
        bytes.push(self.currency.to_byte());
        bytes.extend_from_slice(&units[..len]);
        bytes
    }

    /// Reads what [`Cac::to_bytes`] wrote; `None` for anything else, an amount of zero included.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&currency, units) = bytes.split_first()?;
        if matches!(units, [] | [.., 0]) {
            return None;
        }
        let mut padded = [0; size_of::<u128>()];
        padded.get_mut(..units.len())?.copy_from_slice(units);
        Some(Self {
            value: Amount::from_units(u128::from_le_bytes(padded)),
            currency: Currency::from_byte(currency)?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::{Amount, Cac, Currency};

    #[test]
    fn amounts_keep_five_decimals_rounded_half_to_even() {
        for (text, shown) in [
            ("2.05", "2.05000"),
            ("2", "2.00000"),
            ("2.0", "2.00000"),
            ("0.00001", "0.00001"),
            ("1e-5", "0.00001"),
            ("0.000006", "0.00001"),
            ("0.0000050000000000000000000000000000000000000001", "0.00001"),
            ("0.000015", "0.00002"),
            ("0.000025", "0.00002"),
            ("0.0000250000000000000000000000000000000000000000", "0.00002"),
            ("0.0000250000000000000000000000000000000000000001", "0.00003"),
            ("1.000005", "1.00000"),
            ("1.000015", "1.00002"),
            ("1.0000149999999999999999999999999999999999999999", "1.00001"),
            ("0.999995", "1.00000"),
            ("9.999995", "10.00000"),
            ("123456e-5", "1.23456"),
            ("1e14", "100000000000000.00000"),
            ("0.1e15", "100000000000000.00000"),
            ("999999999999999", "999999999999999.00000"),
            ("999999999999999.99999", "999999999999999.99999"),
            ("999999999999999.999994", "999999999999999.99999"),
            ("999999999999999.999999", "1000000000000000.00000"),
        ] {
            let amount = Amount::parse(text);
            assert_eq!(amount.map(|amount| amount.to_string()).as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "0",
            "0.0",
            "-0",
            "0e9",
            "-1",
            "-0.00001",
            "0.000005",
            "5e-6",
            "0.000001",
            "0.00000499999999999999999999",
            "1e-6",
            "1e-999999999999",
            "1e15",
            "1000000000000000",
            "1000000000000000.0",
            "10e14",
            "1e999999999999",
            "+1",
            ".5",
            "5.",
            "01",
            "1_000",
            "1,5",
            "1 000",
            " 1",
            "1 ",
            "NaN",
            "Infinity",
            "1e",
            "$1",
            "1USD",
            "true",
            "0x1",
            "١",
        ] {
            assert_eq!(Amount::parse(text), None, "{text:?} must be refused");
        }
    }

    #[test]
    fn hostile_sizes_cost_one_pass() {
        let zeros = "0".repeat(1_000_000);
        let exponent = "9".repeat(10_000);
        let units = |text: &str| Amount::parse(text).map(Amount::to_units);
        assert_eq!(units(&format!("0.000025{zeros}")), Some(2));
        assert_eq!(units(&format!("0.000025{zeros}1")), Some(3));
        assert_eq!(units(&format!("1{zeros}e-1000000")), Some(100_000));
        assert_eq!(units(&format!("1{zeros}")), None);
        assert_eq!(units(&format!("1e{exponent}")), None);
        assert_eq!(units(&format!("1e-{exponent}")), None);
        assert_eq!(units(&format!("0.{zeros}1e{exponent}")), None);
    }

    #[test]
    fn currencies_are_in_capitals() {
        for currency in [Currency::Usd, Currency::Eur] {
            assert_eq!(Currency::parse(currency.as_str()), Some(currency));
        }
        for text in ["", "usd", "Usd", "eur", "GBP", "USD ", " EUR", "$", "USDT"] {
            assert_eq!(Currency::parse(text), None, "{text:?} must be refused");
        }
    }

    #[test]
    fn the_stored_bytes_are_these() {
        let value = Amount::parse("2.05").unwrap();
        let cac = |currency| Cac { value, currency };
        assert_eq!(cac(Currency::Usd).to_bytes(), [0, 0xc8, 0x20, 0x03]);
        assert_eq!(cac(Currency::Eur).to_bytes(), [1, 0xc8, 0x20, 0x03]);
    }

    #[test]
    fn bytes_that_were_never_written_are_refused() {
        for bytes in [
            &[][..],
            &[0],
            &[2, 1],
            &[255, 1],
            &[0, 0],
            &[0, 1, 0],
            &[0; 17],
            &[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        ] {
            assert_eq!(Cac::from_bytes(bytes), None, "{bytes:?} must be refused");
        }
    }

    /// Schoolbook rounding on a number of at most 10 decimals.
    fn model(whole: u128, decimals: u128) -> u128 {
        let scaled = whole * 10_u128.pow(10) + decimals;
        let (units, rest) = (scaled / 100_000, scaled % 100_000);
        units + u128::from(rest > 50_000 || (rest == 50_000 && units % 2 == 1))
    }

    proptest! {
        #[test]
        fn rounding_agrees_with_a_big_decimal_model(
            whole in 0_u128..1_000_000_000_000_000, units in 0_u128..100_000,
            rest in prop_oneof![0_u128..100_000, Just(50_000_u128), 49_999_u128..50_002],
            shift in 0_usize..20,
        ) {
            let decimals = units * 100_000 + rest;
            let expected = Some(model(whole, decimals)).filter(|units| *units > 0);
            let plain = format!("{whole}.{decimals:010}");
            prop_assert_eq!(Amount::parse(&plain).map(Amount::to_units), expected);
            let shifted = format!("{whole}{decimals:010}{}e-{}", "0".repeat(shift), 10 + shift);
            let shifted = if whole == 0 { plain } else { shifted };
            prop_assert_eq!(Amount::parse(&shifted).map(Amount::to_units), expected);
        }

        #[test]
        fn an_amount_reads_back_what_it_shows(units in 1_u128..100_000_000_000_000_000_000) {
            let amount = Amount::from_units(units);
            prop_assert_eq!(Amount::parse(&amount.to_string()), Some(amount));
        }

        #[test]
        fn a_cac_survives_its_bytes(units in 1..=u128::MAX, shift in 0_u32..128, euro: bool) {
            let currency = if euro { Currency::Eur } else { Currency::Usd };
            let value = Amount::from_units((units >> shift).max(1));
            let cac = Cac { value, currency };
            prop_assert_eq!(Cac::from_bytes(&cac.to_bytes()), Some(cac));
        }

        #[test]
        fn no_text_and_no_bytes_make_it_panic(text in any::<String>(), near in "[-.eE0-9]{0,40}", bytes: Vec<u8>) {
            Amount::parse(&text);
            Amount::parse(&near);
            Cac::from_bytes(&bytes);
        }
    }
}

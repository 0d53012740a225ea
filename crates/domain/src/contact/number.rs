//! Decimal text, read exactly: JSON numbers and the strings that look like them.

/// A decimal number in normal form: `0.d₁d₂…dₙ × 10^point`, d₁ and dₙ not 0; no digits at all for zero.
///
/// It borrows the text and never expands the exponent, so that a megabyte of digits and an exponent of ten
/// thousand digits each cost one pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    point: i64,
}

impl<'a> Decimal<'a> {
    /// Reads the number grammar of RFC 8259: no `+1`, `.5`, `1.`, `01`, `1_000`, blanks or `NaN`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.as_bytes();
        let (negative, text) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, rest) = split_digits(text);
        if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix(b".") {
            Some(rest) => Some(split_digits(rest)).filter(|(digits, _)| !digits.is_empty())?,
            None => (&rest[..0], rest),
        };
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', exponent @ ..] => parse_exponent(exponent)?,
            _ => return None,
        };
        Some(Self::normal(negative, whole, fraction, exponent))
    }

    fn normal(negative: bool, whole: &'a [u8], fraction: &'a [u8], exponent: i64) -> Self {
        let significant = without_leading_zeros(whole);
        let (whole, fraction, places) = if significant.is_empty() {
            let significant = without_leading_zeros(fraction);
            let zeros = fraction.len() - significant.len();
            (&whole[..0], significant, -length(zeros))
        } else {
            (significant, fraction, length(significant.len()))
        };
        let fraction = without_trailing_zeros(fraction);
        let whole = if fraction.is_empty() { without_trailing_zeros(whole) } else { whole };
        Self { negative, whole, fraction, point: exponent.saturating_add(places) }
    }

    /// Whether it is above zero.
    pub(super) fn is_positive(&self) -> bool {
        !self.negative && self.len() > 0
    }

    /// Whether its magnitude is below `10^power`.
    pub(super) fn is_below_power(&self, power: i64) -> bool {
        self.len() == 0 || self.point <= power
    }

    /// The magnitude in units of `10^-places`, rounded half to even; `None` where 38 digits do not hold it.
    pub(super) fn units(&self, places: u32) -> Option<u128> {
        if self.len() == 0 {
            return Some(0);
        }
        let kept = self.point.saturating_add(i64::from(places));
        if kept > 38 {
            return None;
        }
        // Below a tenth of a unit nothing can round up.
        let Ok(kept) = usize::try_from(kept) else {
            return Some(0);
        };
        let digits = self.digits().chain(std::iter::repeat(0)).take(kept);
        let units = digits.fold(0_u128, |units, digit| units * 10 + u128::from(digit));
        let up = match self.digits().nth(kept) {
            // The last digit of the normal form is not 0: any digit after the 5 puts it above the half.
            Some(5) => self.len() > kept + 1 || units % 2 == 1,
            Some(digit) => digit > 5,
            None => false,
        };
        Some(units + u128::from(up))
    }

    fn is_integer(&self) -> bool {
        self.len() == 0 || length(self.len()) <= self.point
    }

    fn len(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).map(|digit| digit - b'0')
    }
}

/// The value of `text` if it is a JSON number whose value is an integer of 64 bits: `100.0` and `1e2` are 100.
pub fn integer(text: &str) -> Option<i64> {
    let decimal = Decimal::parse(text)?;
    if !decimal.is_integer() {
        return None;
    }
    let magnitude = i128::try_from(decimal.units(0)?).ok()?;
    let value = if decimal.negative { -magnitude } else { magnitude };
    value.try_into().ok()
}

/// Decimals of [`units`].
const PLACES: u32 = 5;

/// What [`units`] makes of 1.
pub const UNITS_PER_ONE: i128 = 10_i128.pow(PLACES);

/// The value of `text` in units of 10^-5, rounded half to even, if it is a JSON number of at most 33 whole digits.
pub fn units(text: &str) -> Option<i128> {
    let decimal = Decimal::parse(text)?;
    let magnitude = i128::try_from(decimal.units(PLACES)?).ok()?;
    Some(if decimal.negative { -magnitude } else { magnitude })
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// The exponent after its `e`. It saturates: no text is long enough for its digits to bring the value of so large
/// an exponent back into any range that we take.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits
        .iter()
        .fold(0_i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Some(if negative { -magnitude } else { magnitude })
}

/// A length of text in memory, which is at most `isize::MAX`.
fn length(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

fn without_leading_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

fn without_trailing_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    &digits[..digits.len() - zeros]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decimal, integer};

    #[test]
    fn integers_are_accepted_however_they_are_written() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("0.000", 0),
            ("-0.0e-7", 0),
            ("0e999999999999", 0),
            ("0e-99999999999999999999999", 0),
            ("100", 100),
            ("100.0", 100),
            ("1e2", 100),
            ("1E+2", 100),
            ("1.5e1", 15),
            ("0.001e3", 1),
            ("1200e-2", 12),
            ("-42", -42),
            ("1e18", 1_000_000_000_000_000_000),
            ("9223372036854775807", i64::MAX),
            ("9223372036854775807.0", i64::MAX),
            ("0.9223372036854775807e19", i64::MAX),
            ("9223372036854775807000e-3", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            ("-9223372036854775808.000", i64::MIN),
        ] {
            assert_eq!(integer(text), Some(value), "{text}");
        }
    }

    #[test]
    fn fractions_and_what_64_bits_do_not_hold_are_refused() {
        for text in [
            "1.5",
            "0.1",
            "1e-1",
            "-1.000000000000000000000000000001",
            "9223372036854775806.9999999999999999",
            "9223372036854775808",
            "-9223372036854775809",
            "1e19",
            "-1e19",
            "1e38",
            "1e39",
            "340282366920938463463374607431768211456",
            "1e999999999999",
            "1e-999999999999",
            "1e99999999999999999999999999",
        ] {
            assert_eq!(integer(text), None, "{text} must be refused");
        }
    }

    #[test]
    fn what_is_no_json_number_is_refused() {
        for text in [
            "", "-", "+", "+1", "--1", "-+1", ".5", "-.5", "5.", "1.e2", "01", "-01", "00", "1_000", "1,000",
            "1 000", " 1", "1 ", "\t1", "1\n", "e", "1e", "1e+", "1e-", "1e1.0", "1e 1", "1ee1", "1e+-1",
            "1.2.3", "NaN", "nan", "Infinity", "-inf", "0x10", "1f", "1n", "true", "null", "١٢", "１",
            "1\u{0}", "½", "−1",
        ] {
            assert_eq!(integer(text), None, "{text:?} must be refused");
        }
    }

    #[test]
    fn units_round_half_to_even() {
        for (text, units) in [
            ("0", 0),
            ("0.4", 0),
            ("0.5", 0),
            ("0.50000000000000000000000000000000000000000000000000001", 1),
            ("0.6", 1),
            ("0.05", 0),
            ("0.09", 0),
            ("0.95", 1),
            ("1.5", 2),
            ("2.5", 2),
            ("2.5000", 2),
            ("2.51", 3),
            ("25e-1", 2),
            ("35e-1", 4),
            ("9.5", 10),
            ("99.5", 100),
            ("1e-999999999999", 0),
        ] {
            let decimal = Decimal::parse(text);
            assert_eq!(decimal.and_then(|decimal| decimal.units(0)), Some(units), "{text}");
        }
    }

    #[test]
    fn hostile_sizes_cost_one_pass() {
        let zeros = "0".repeat(1_000_000);
        let nines = "9".repeat(1_000_000);
        let exponent = "9".repeat(10_000);
        assert_eq!(integer(&format!("1.{zeros}")), Some(1));
        assert_eq!(integer(&format!("1{zeros}e-1000000")), Some(1));
        assert_eq!(integer(&format!("0.{zeros}1e1000001")), Some(1));
        assert_eq!(integer(&format!("1.{zeros}1")), None);
        assert_eq!(integer(&nines), None);
        assert_eq!(integer(&format!("0.{nines}")), None);
        assert_eq!(integer(&format!("0e{exponent}")), Some(0));
        assert_eq!(integer(&format!("1e{exponent}")), None);
        assert_eq!(integer(&format!("1e-{exponent}")), None);
        assert_eq!(integer(&format!("1e-{zeros}1")), None);
        assert_eq!(integer(&format!("10e-{zeros}1")), Some(1));
        assert_eq!(integer(&format!("0{zeros}")), None);
    }

    proptest! {
        #[test]
        fn every_integer_comes_back(value in any::<i64>(), zeros in 0_usize..30) {
            prop_assert_eq!(integer(&value.to_string()), Some(value));
            let text = format!("{value}.{}", "0".repeat(zeros + 1));
            prop_assert_eq!(integer(&text), Some(value));
            let text = format!("{value}{}e-{zeros}", "0".repeat(zeros));
            prop_assert_eq!(integer(&text), Some(value));
        }

        #[test]
        fn the_grammar_is_that_of_serde_json(text in r"[-+]?[0-9]{0,4}\.?[0-9]{0,4}([eE][-+]?[0-9]{0,2})?") {
            let expected = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(Decimal::parse(&text).is_some(), expected);
        }

        #[test]
        fn small_numbers_agree_with_integer_arithmetic(
            whole in 0_u64..10_000, fraction in 0_u64..10_000, exponent in -12_i32..5
        ) {
            let text = format!("{whole}.{fraction:04}e{exponent}");
            let scaled = i128::from(whole * 10_000 + fraction);
            let value = match u32::try_from(exponent - 4) {
                Ok(power) => Some(scaled * 10_i128.pow(power)),
                Err(_) => {
                    let divisor = 10_i128.pow((4 - exponent).unsigned_abs());
                    (scaled % divisor == 0).then(|| scaled / divisor)
                }
            };
            prop_assert_eq!(integer(&text).map(i128::from), value);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), near in "[-+.eE0-9]{0,40}") {
            integer(&text);
            integer(&near);
        }
    }
}

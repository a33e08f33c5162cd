//! Numbers as SQL writes them, and as Spark reads them.
//!
//! Invariant: a number keeps the type that Spark gives it, because that decides what it is compared as: digits alone are
//! whole, with a point a decimal, with an exponent a double.

use std::cmp::Ordering;

/// Digits that a decimal of Spark's has at most.
const MOST_DIGITS: usize = 38;

/// Digits after the point, beyond which Spark rounds a decimal before it is compared with a BIGINT.
const MOST_AFTER_POINT: u32 = 18;

/// A number as Spark types it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(i64),
    Decimal { unscaled: i128, scale: u32 },
    Double(f64),
}

impl Number {
    /// The number that a text is, with its sign and its suffix.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let digits_end = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (mut number, mut suffix) = text.split_at(digits_end);
        if suffix.eq_ignore_ascii_case("e") || !suffix.is_ascii() {
            (number, suffix) = (text, "");
        }
        let is_plain = number.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+'));
        match suffix.to_ascii_uppercase().as_str() {
            "L" if is_plain => whole(number, i64::MIN, i64::MAX, "BIGINT"),
            "S" if is_plain => whole(number, i16::MIN.into(), i16::MAX.into(), "SMALLINT"),
            "Y" if is_plain => whole(number, i8::MIN.into(), i8::MAX.into(), "TINYINT"),
            "D" => double(number),
            "F" => double(number).and_then(float),
            "" if is_plain => number.parse().map_or_else(|_| decimal(number), |number| Ok(Self::Whole(number))),
            "" if number.bytes().any(|byte| byte.eq_ignore_ascii_case(&b'e')) => double(number),
            "" | "BD" => decimal(number),
            _ => Err("no number: names of columns that begin with a digit go into back-ticks".to_owned()),
        }
    }

    /// The number as a double, which is what a DOUBLE is compared with.
    pub(super) fn double(self) -> f64 {
        match self {
            // As Java does it: to the nearest.
            #[allow(clippy::cast_precision_loss)]
            Self::Whole(number) => number as f64,
            Self::Decimal { unscaled, scale } => {
                // By its digits, which are read to the nearest double.
                format!("{unscaled}e-{scale}").parse().unwrap_or(f64::NAN)
            }
            Self::Double(number) => number,
        }
    }

    /// Why a BIGINT is not compared with it as Spark would, if that is so.
    pub(super) fn refused_by_whole(self) -> Option<String> {
        match self {
            Self::Decimal { scale, .. } if scale > MOST_AFTER_POINT => {
                Some(format!("a BIGINT is compared with at most {MOST_AFTER_POINT} digits after the point"))
            }
            _ => None,
        }
    }

    /// How a BIGINT stands to it.
    pub(super) fn order_of_whole(self, whole: i64) -> Ordering {
        match self {
            Self::Whole(number) => whole.cmp(&number),
            Self::Decimal { unscaled, scale } => {
                // A number of 19 digits, and 18 more: within 38.
                (i128::from(whole) * 10_i128.pow(scale.min(MOST_AFTER_POINT))).cmp(&unscaled)
            }
            Self::Double(number) => order_of_doubles(Self::Whole(whole).double(), number),
        }
    }

    /// How two of them stand to each other.
    pub(super) fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Double(_), _) | (_, Self::Double(_)) => order_of_doubles(self.double(), other.double()),
            (Self::Whole(one), other) => other.order_of_whole(one),
            (one, Self::Whole(other)) => one.order_of_whole(other).reverse(),
            (Self::Decimal { unscaled, scale }, Self::Decimal { unscaled: others, scale: places }) => {
                let most = scale.max(places);
                let at = |unscaled: i128, scale: u32| unscaled.checked_mul(10_i128.checked_pow(most - scale)?);
                match (at(unscaled, scale), at(others, places)) {
                    (Some(one), Some(other)) => one.cmp(&other),
                    // What has so many more digits is told apart by its size.
                    _ => order_of_doubles(self.double(), other.double()),
                }
            }
        }
    }
}

/// Spark's order of doubles: NaN equals NaN and is above all others, and there is one zero.
pub(super) fn order_of_doubles(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other).unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
}

fn whole(text: &str, least: i64, most: i64, kind: &str) -> Result<Number, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.map(Number::Whole).ok_or_else(|| format!("no {kind}: it lies between {least} and {most}"))
}

fn double(text: &str) -> Result<Number, String> {
    let number: f64 = text.parse().map_err(|_| "no number".to_owned())?;
    if number.is_finite() { Ok(Number::Double(number)) } else { Err("a number that is too large for a DOUBLE".into()) }
}

/// A FLOAT is compared as the double that it is, which has other digits than it was written with.
fn float(number: Number) -> Result<Number, String> {
    let Number::Double(number) = number else { return Ok(number) };
    #[allow(clippy::cast_possible_truncation)]
    let nearest = number as f32;
    if nearest.is_finite() {
        Ok(Number::Double(f64::from(nearest)))
    } else {
        Err("a number that is too large for a FLOAT".to_owned())
    }
}

fn decimal(text: &str) -> Result<Number, String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| "no number".to_owned())?),
        None => (text, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let places = i32::try_from(after.len()).unwrap_or(i32::MAX).saturating_sub(exponent);
    let too_many = || format!("a number of more than {MOST_DIGITS} digits");
    // What has places before the point only is a whole number.
    let zeros = usize::try_from(places.saturating_neg()).unwrap_or(0);
    if zeros > MOST_DIGITS {
        return Err(too_many());
    }
    let digits = format!("{before}{after}{}", "0".repeat(zeros));
    let count = digits.trim_start_matches(['-', '+', '0']).len().max(after.len());
    let is_number = digits.bytes().any(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err("no number".to_owned());
    }
    match u32::try_from(places.max(0)) {
        _ if count > MOST_DIGITS => Err(too_many()),
        Ok(scale) if scale <= 38 => {
            let unscaled = digits.parse().map_err(|_| "no number".to_owned())?;
            Ok(Number::Decimal { unscaled, scale })
        }
        _ => Err(too_many()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_type_that_spark_gives_it() {
        let decimal = |unscaled, scale| Number::Decimal { unscaled, scale };
        for (text, expected) in [
            ("5", Some(Number::Whole(5))),
            ("-9223372036854775808", Some(Number::Whole(i64::MIN))),
            ("9223372036854775808", Some(decimal(9_223_372_036_854_775_808, 0))),
            ("5L", Some(Number::Whole(5))),
            ("127y", Some(Number::Whole(127))),
            ("128Y", None),
            ("40000S", None),
            ("5.50", Some(decimal(550, 2))),
            (".5", Some(decimal(5, 1))),
            ("5.", Some(decimal(5, 0))),
            ("-0.5", Some(decimal(-5, 1))),
            ("5e0", Some(Number::Double(5.0))),
            ("5E-1", Some(Number::Double(0.5))),
            ("5D", Some(Number::Double(5.0))),
            ("0.1F", Some(Number::Double(f64::from(0.1_f32)))),
            ("5BD", Some(decimal(5, 0))),
            ("5e1BD", Some(decimal(50, 0))),
            ("-2.5e3BD", Some(decimal(-2_500, 0))),
            ("25e-1BD", Some(decimal(25, 1))),
            ("1e38BD", None),
            ("1e2000000000BD", None),
            ("1e39f", None),
            ("1e400", None),
            ("5.5L", None),
            ("0x10", None),
            ("1.2.3", None),
            ("2fa", None),
            ("12e", None),
            ("123456789012345678901234567890123456789", None),
        ] {
            assert_eq!(Number::parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_as_what_they_are() {
        let of = |text: &str| Number::parse(text).expect("a number");
        let large = 9_007_199_254_740_993; // 2^53 + 1, which no double is.
        assert_eq!(of("9007199254740993").order_of_whole(large), Ordering::Equal);
        assert_eq!(of("9007199254740992.5").order_of_whole(large), Ordering::Greater);
        assert_eq!(of("9007199254740992e0").order_of_whole(large), Ordering::Equal, "both as doubles");
        assert_eq!(of("2.50").order(of("2.5")), Ordering::Equal);
        assert_eq!(of("2.5").order(of("3")), Ordering::Less);
        assert_eq!(of("99999999999999999999999999999999999999").order(of("0.1")), Ordering::Greater);
        assert_eq!(of("0.1").double().to_bits(), 0.1_f64.to_bits());
        assert!(of("0.1234567890123456789").refused_by_whole().is_some());
        assert_eq!(order_of_doubles(f64::NAN, f64::INFINITY), Ordering::Greater);
        assert_eq!(order_of_doubles(f64::NAN, -f64::NAN), Ordering::Equal);
        assert_eq!(order_of_doubles(-0.0, 0.0), Ordering::Equal);
    }
}

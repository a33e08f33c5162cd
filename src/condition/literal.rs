//! Numbers, days and moments as SQL writes them, and as Spark reads them.
//!
//! Invariant: a number keeps the type that Spark gives it, because that decides what it is compared as: digits alone are
//! whole, with a point a decimal, with an exponent a double.

use std::cmp::Ordering;

use crate::time::{Micros, date_days};

/// Digits that a decimal of Spark's has at most.
const MOST_DIGITS: usize = 38;

/// Digits after the point, beyond which Spark rounds a decimal before it is compared with a BIGINT.
const MOST_AFTER_POINT: u32 = 18;

const MICROS_A_SECOND: i64 = 1_000_000;
const SECONDS_A_DAY: i64 = 86_400;

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
            "F" => double(number).map(float),
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
fn float(number: Number) -> Number {
    match number {
        #[allow(clippy::cast_possible_truncation)]
        Number::Double(number) => Number::Double(f64::from(number as f32)),
        other => other,
    }
}

fn decimal(text: &str) -> Result<Number, String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| "no number".to_owned())?),
        None => (text, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    let places = i32::try_from(after.len()).unwrap_or(i32::MAX).saturating_sub(exponent);
    let count = digits.trim_start_matches(['-', '+', '0']).len().max(after.len());
    let (too_many, scale) = (format!("a number of more than {MOST_DIGITS} digits"), u32::try_from(places));
    let is_number = digits.bytes().any(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err("no number".to_owned());
    }
    match scale {
        _ if count > MOST_DIGITS => Err(too_many),
        Ok(scale) if scale <= 38 => {
            let unscaled = digits.parse().map_err(|_| "no number".to_owned())?;
            Ok(Number::Decimal { unscaled, scale })
        }
        _ => Err(too_many),
    }
}

/// The day that a text is: `2024-05-01`, `2024-5-1`, `2024-05` or `2024`.
pub(super) fn day(text: &str) -> Option<i32> {
    let mut parts = text.trim().split('-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let mut next = || match parts.next() {
        None => Some("1"),
        Some(part) if matches!(part.len(), 1 | 2) => Some(part),
        Some(_) => None,
    };
    let (month, day) = (next()?, next()?);
    match parts.next() {
        None => date_days(&format!("{year}-{month:0>2}-{day:0>2}")),
        Some(_) => None,
    }
}

/// The moment that a text is: a day, and a time after a space or `T`, and a zone. Without a zone it is of UTC.
pub(super) fn moment(text: &str) -> Option<Micros> {
    let text = text.trim();
    let Some((date, time)) = text.split_once([' ', 'T']) else {
        return Some(i64::from(day(text)?) * SECONDS_A_DAY * MICROS_A_SECOND);
    };
    // A time is of a whole day.
    date.split('-').nth(2)?;
    let zone_at = time.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone_at);
    let micros = i64::from(day(date)?) * SECONDS_A_DAY * MICROS_A_SECOND + time_of_day(time)?;
    let micros = micros - zone_seconds(zone.trim())? * MICROS_A_SECOND;
    // Years of four digits, as everywhere.
    (-62_135_596_800..253_402_300_800).contains(&micros.div_euclid(MICROS_A_SECOND)).then_some(micros)
}

fn time_of_day(text: &str) -> Option<Micros> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':').map(|part| part.parse::<i64>().ok().filter(|_| matches!(part.len(), 1 | 2)));
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 59 || fraction.contains('.') {
        return None;
    }
    // What is finer than a microsecond is cut off, as Spark does.
    let micros: i64 = format!("{:0<6}", fraction.get(..6).unwrap_or(fraction)).parse().ok()?;
    Some((hours * 3_600 + minutes * 60 + seconds) * MICROS_A_SECOND + micros)
}

/// How far a zone is before UTC. Zones that have a name, and change with the season, are not known here.
fn zone_seconds(zone: &str) -> Option<i64> {
    let offset = ["UTC", "GMT", "UT", "Z"].into_iter().find_map(|name| zone.strip_prefix(name)).unwrap_or(zone);
    if offset.is_empty() {
        return Some(0);
    }
    let sign = match offset.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = offset[1..].split_once(':').unwrap_or((&offset[1..], "0"));
    let number = |part: &str| {
        let is_short = matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i64>().ok().filter(|_| is_short)
    };
    let seconds = number(hours)? * 3_600 + number(minutes).filter(|minutes| *minutes < 60)? * 60;
    (seconds <= 18 * 3_600).then_some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600 * MICROS_A_SECOND;

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
            ("5e1BD", None),
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

    #[test]
    fn days_and_moments() {
        for (text, expected) in [
            ("1970-01-02", Some(1)),
            ("1970-1-2", Some(1)),
            ("1970-02", Some(31)),
            ("1971", Some(365)),
            ("2023-02-29", None),
            ("70-01-01", None),
            ("1970-01-02 ", Some(1)),
            ("1970-01-02x", None),
            ("", None),
        ] {
            assert_eq!(day(text), expected, "{text}");
        }
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1970-01-01 01:00:00", Some(HOUR)),
            ("1970-01-01T1:0", Some(HOUR)),
            ("1970-01-01 00:00:00.5", Some(500_000)),
            ("1970-01-01 00:00:00.1234567", Some(123_456)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00+01:00", Some(-HOUR)),
            ("1970-01-01 00:00:00 -1", Some(HOUR)),
            ("1970-01-01 00:00:00 UTC+1:30", Some(-3 * HOUR / 2)),
            ("1970-01-01 00:00:00 Europe/Berlin", None),
            ("1970-01-01 00:00:00+19:00", None),
            ("1970-01-01 24:00:00", None),
            ("1970-01-01 00:60:00", None),
            ("1970-01 00:00:00", None),
            ("0001-01-01 00:00:00+01:00", None),
        ] {
            assert_eq!(moment(text), expected, "{text}");
        }
    }
}

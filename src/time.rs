//! Days and moments: their numbers, and the one form in which Airtable sends them; other forms of RFC 3339 by a library.
//!
//! Bounds are Spark's: years 1 to 9999. What is finer than a microsecond is not cut off but refused.

use chrono::{DateTime, SecondsFormat, Timelike, Utc};

/// A time in seconds since 1970-01-01T00:00:00Z.
pub type Seconds = i64;

/// A time in microseconds since 1970-01-01T00:00:00Z, as Arrow and Spark keep it.
pub type Micros = i64;

/// The same time in microseconds.
pub(crate) fn micros(seconds: Seconds) -> Micros {
    seconds.saturating_mul(1_000_000)
}

/// `2026-01-31T23:59:59Z`. Times beyond the years that have four digits are not met here: servers give them.
pub(crate) fn utc(seconds: Seconds) -> String {
    let time = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The same to the microsecond, with as many digits as it takes.
pub(crate) fn utc_micros(micros: Micros) -> String {
    let time = DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The second of an RFC 3339 time, such as [`utc`] writes.
pub(crate) fn seconds(text: &str) -> Option<Seconds> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp())
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
pub(crate) fn date_days(text: &str) -> Option<i32> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..])?);
    days(year, month, day)
}

/// Microseconds since 1970-01-01T00:00:00Z of `YYYY-MM-DDTHH:MM:SS.fffZ`, of any other RFC 3339 time, or of a day, which
/// begins at midnight UTC.
pub(crate) fn timestamp_micros(text: &str) -> Option<Micros> {
    usual_form(text).or_else(|| other_form(text)).or_else(|| Some(i64::from(date_days(text)?) * 86_400_000_000))
}

fn usual_form(text: &str) -> Option<i64> {
    let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let marks = [(10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if marks.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let days = date_days(text.get(..10)?)?;
    let (hour, minute) = (digits(&bytes[11..13])?, digits(&bytes[14..16])?);
    let (second, milli) = (digits(&bytes[17..19])?, digits(&bytes[20..23])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(days) * 86_400 + i64::from((hour * 60 + minute) * 60 + second);
    Some(seconds * 1_000_000 + i64::from(milli) * 1_000)
}

fn other_form(text: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    let first = DateTime::<Utc>::from_timestamp(-62_135_596_800, 0)?;
    let last = DateTime::<Utc>::from_timestamp(253_402_300_799, 999_999_999)?;
    // A leap second has no place of its own in Spark's time.
    let exact = time.nanosecond() % 1_000 == 0 && time.nanosecond() < 1_000_000_000;
    (exact && (first..=last).contains(&time)).then(|| time.timestamp_micros())
}

/// Counted from the first of March, so that a leap day is the last of its year.
fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if year == 0 || !(1..=12).contains(&month) || !(1..=length).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let since_year_0 = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    Some(since_year_0.cast_signed() - 719_468)
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn times_are_told_and_read_back() {
        assert_eq!(utc(1_767_225_599), "2025-12-31T23:59:59Z");
        assert_eq!(seconds("2025-12-31T23:59:59Z"), Some(1_767_225_599));
        for (micros, text) in [
            (1_767_225_599_000_000, "2025-12-31T23:59:59Z"),
            (1_767_225_599_120_000, "2025-12-31T23:59:59.120Z"),
            (1_767_225_599_000_001, "2025-12-31T23:59:59.000001Z"),
        ] {
            assert_eq!((utc_micros(micros).as_str(), timestamp_micros(text)), (text, Some(micros)));
        }
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn dates() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2024-02-29", Some(19_782)),
            ("0001-01-01", Some(-719_162)),
            ("9999-12-31", Some(2_932_896)),
            ("2023-02-29", None),
            ("0000-01-01", None),
            ("2024-2-9", None),
            ("2024/02/09", None),
            ("+024-02-09", None),
            ("2024-02-09T00:00:00.000Z", None),
            ("", None),
            ("２024-02-0", None),
        ] {
            assert_eq!(date_days(text), expected, "{text}");
        }
    }

    #[test]
    fn every_day_has_its_number() {
        for year in 0..10_000_u32 {
            for month in 0..14 {
                for day in 0..33 {
                    let date = NaiveDate::from_ymd_opt(year.cast_signed(), month, day).filter(|_| year > 0);
                    assert_eq!(days(year, month, day), date.map(|date| date.to_epoch_days()), "{year}-{month}-{day}");
                }
            }
        }
    }

    #[test]
    fn timestamps() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000Z", Some(0)),
            ("2022-09-05T07:00:00.123Z", Some(1_662_361_200_123_000)),
            ("2022-09-05T07:00:00Z", Some(1_662_361_200_000_000)),
            ("2022-09-05T09:00:00.123456+02:00", Some(1_662_361_200_123_456)),
            ("2022-09-05", Some(1_662_336_000_000_000)),
            ("0001-01-01T00:00:00.000Z", Some(-62_135_596_800_000_000)),
            ("9999-12-31T23:59:59.999Z", Some(253_402_300_799_999_000)),
            ("2022-09-05T07:00:00.1234567Z", None),
            ("2022-09-05T24:00:00.000Z", None),
            ("2022-09-05T07:60:00.000Z", None),
            ("2022-13-05T07:00:00.000Z", None),
            ("2016-12-31T23:59:60Z", None),
            ("0000-12-31T00:00:00.000Z", None),
            ("0000-12-31T00:00:00Z", None),
            ("9999-12-31T23:59:59-01:00", None),
            ("2022-09-05T07:00", None),
            ("yesterday", None),
        ] {
            assert_eq!(timestamp_micros(text), expected, "{text}");
        }
    }
}

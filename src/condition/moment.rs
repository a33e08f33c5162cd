//! Days and moments as SQL writes them, and as Spark reads them: `stringToDate` and `stringToTimestamp` of its
//! `SparkDateTimeUtils`, in a session of the time zone UTC.
//!
//! Invariant: a text is what it is in Spark, or it is refused. Refused are also a few that Spark reads: what is another
//! one at each read, zones by name, and years that no cell has.

use crate::time::{Micros, date_days};

const SECONDS_A_DAY: i64 = 86_400;

/// The seconds of the years 1 to 9999.
const YEARS: std::ops::Range<i64> = -62_135_596_800..253_402_300_800;

const NO_DAY: &str = "the text is no day: write it as '2024-05-31'";
const NO_MOMENT: &str =
    "the text is no moment: write it as '2024-05-31 12:00:00', which is of UTC, or with Z or an offset such as +02:00";
const FAR: &str = "no cell has another year than 1 to 9999: write a nearer one, or leave the comparison out";
const FLEETING: &str = "the text is another time at each read: write the day";
const NO_ZONE: &str = "zones are told by Z or an offset such as +02:00, after the seconds: write one of these";

/// What Spark takes for a time in typed literals, beside `epoch`.
const WORDS: [&str; 4] = ["now", "today", "tomorrow", "yesterday"];

/// The day that a text is: `2024-05-01`, `2024-5-1`, `2024-05` or `2024`. What stands after a whole day and a blank or `T`
/// is cut off.
///
/// # Errors
/// Why it is none.
pub(super) fn day(text: &str) -> Result<i32, &'static str> {
    let text = trimmed(text);
    let is_whole = |(day, _): &(&str, &str)| dashes(day) == 2;
    let date = text.split_once([' ', 'T']).filter(is_whole).map_or(text, |(day, _)| day);
    // Spark's days go further than its moments.
    date_of(date, 7, NO_DAY).map_err(|why| told(text, why))
}

/// The moment that a text is: a day as above, and a time after a blank or `T`, and a zone. Without a zone it is of UTC.
///
/// # Errors
/// Why it is none.
pub(super) fn moment(text: &str) -> Result<Micros, &'static str> {
    let text = trimmed(text);
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) if dashes(date) == 2 => (date, Some(time)),
        _ => (text, None),
    };
    let day = date_of(date, 6, NO_MOMENT).map_err(|why| told(text, why))?;
    let (micros, offset) = time.map_or(Ok((0, 0)), time_of)?;
    let seconds = i64::from(day) * SECONDS_A_DAY + micros.div_euclid(1_000_000) - offset;
    if YEARS.contains(&seconds) { Ok(seconds * 1_000_000 + micros.rem_euclid(1_000_000)) } else { Err(FAR) }
}

/// Spark takes blanks and control characters away, but for those that are no ASCII.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == ' ' || c.is_ascii_control())
}

/// Why a text is refused, which is not always that it is none.
fn told(text: &str, why: &'static str) -> &'static str {
    let is_word = |word: &&str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let is_time = time_of(text.strip_prefix('T').unwrap_or(text)).is_ok() && text.contains(':');
    if is_time || WORDS.iter().any(is_word) { FLEETING } else { why }
}

/// How many there are in a date, beside its sign.
fn dashes(date: &str) -> usize {
    date.strip_prefix('-').unwrap_or(date).matches('-').count()
}

/// The day of a date, with its sign. `none` is what to say where it is none.
fn date_of(date: &str, digits_of_year: usize, none: &'static str) -> Result<i32, &'static str> {
    let mut parts = date.strip_prefix(['-', '+']).unwrap_or(date).split('-');
    let year = parts.next().and_then(|part| digits(part, 4, digits_of_year)).ok_or(none)?;
    let mut next = || parts.next().map_or(Some(1), |part| digits(part, 1, 2)).ok_or(none);
    let (month, day) = (next()?, next()?);
    let is_far = date.starts_with('-') || !(1..=9_999).contains(&year);
    // Far years have the days of near ones.
    let near = if is_far { 2_000 + year % 400 } else { year };
    let days = date_days(&format!("{near:04}-{month:02}-{day:02}")).ok_or(none)?;
    match parts.next() {
        Some(_) => Err(none),
        None if is_far => Err(FAR),
        None => Ok(days),
    }
}

/// The microseconds of a time since midnight, and the seconds by which its zone is before UTC.
fn time_of(text: &str) -> Result<(Micros, i64), &'static str> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == ':')).unwrap_or(text.len());
    let (whole, rest) = text.split_at(end);
    let mut parts = whole.split(':');
    let mut next = |most: i64| {
        let part = parts.next().map(|part| digits(part, 1, 2).filter(|part| *part <= most));
        part.map(|part| part.ok_or(NO_MOMENT)).transpose()
    };
    let (hours, minutes, seconds) = (next(23)?.ok_or(NO_MOMENT)?, next(59)?, next(59)?);
    let micros = (hours * 3_600 + minutes.unwrap_or(0) * 60 + seconds.unwrap_or(0)) * 1_000_000;
    if parts.next().is_some() {
        return Err(NO_MOMENT);
    }
    if rest.is_empty() {
        return Ok((micros, 0));
    }
    // A fraction or a zone stands after seconds only.
    if seconds.is_none() {
        return Err(if rest.starts_with('.') { NO_MOMENT } else { NO_ZONE });
    }
    let Some(fraction) = rest.strip_prefix('.') else { return Ok((micros, offset(rest)?)) };
    let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
    let (fraction, zone) = fraction.split_at(end);
    // What is finer than a microsecond is cut off.
    let fraction = format!("{:0<6}", fraction.get(..6).unwrap_or(fraction));
    let offset = if zone.is_empty() { 0 } else { offset(zone)? };
    Ok((micros + digits(&fraction, 6, 6).ok_or(NO_MOMENT)?, offset))
}

/// By how many seconds a zone is before UTC: as Java's `ZoneId.of` reads it, after Spark has given single digits a zero.
/// Zones that have a name, and change with the season, are not known here.
fn offset(zone: &str) -> Result<i64, &'static str> {
    let zone = trimmed(zone);
    if zone == "Z" {
        return Ok(0);
    }
    let offset = ["UTC", "GMT", "UT"].into_iter().find_map(|name| zone.strip_prefix(name));
    match offset {
        Some("") => Ok(0),
        offset => offset_of(offset.unwrap_or(zone)).ok_or(NO_ZONE),
    }
}

/// That of `+2`, `+02`, `+0200`, `+02:00`, `+2:00`, `+2:0`, `+020000` or `+02:00:00`.
fn offset_of(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let text = &text[1..];
    let (hours, minutes, seconds) = if text.contains(':') {
        let mut parts = text.split(':');
        let (hours, minutes) = (digits(parts.next()?, 1, 2)?, parts.next()?);
        let seconds = parts.next();
        // Only the last part may be of one digit, as Spark leaves it.
        let minutes = digits(minutes, if seconds.is_none() { 1 } else { 2 }, 2)?;
        let seconds = seconds.map_or(Some(0), |seconds| digits(seconds, 2, 2))?;
        parts.next().is_none().then_some((hours, minutes, seconds))?
    } else {
        let pair = |at: usize| text.get(at..at + 2).map_or(Some(0), |part| digits(part, 2, 2));
        match text.len() {
            1 | 2 => (digits(text, 1, 2)?, 0, 0),
            4 | 6 => (pair(0)?, pair(2)?, pair(4)?),
            _ => return None,
        }
    };
    let total = hours * 3_600 + minutes * 60 + seconds;
    (minutes <= 59 && seconds <= 59 && total <= 18 * 3_600).then_some(sign * total)
}

/// A number of so many digits.
fn digits(text: &str, least: usize, most: usize) -> Option<i64> {
    let is_number = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600 * 1_000_000;

    /// As Spark 4.3 says of each, but for what is refused.
    #[test]
    fn a_day_is_what_it_is_in_spark() {
        for (text, expected) in [
            ("1970-01-02", Ok(1)),
            ("1970-1-2", Ok(1)),
            ("1970-02", Ok(31)),
            ("1971", Ok(365)),
            ("+1970-01-02", Ok(1)),
            ("01970-01-02", Ok(1)),
            ("  1970-01-02\t\n", Ok(1)),
            ("\u{1}1970-01-02\0", Ok(1)),
            ("1970-01-02 23:59:59", Ok(1)),
            ("1970-1-2T", Ok(1)),
            ("1970-01-02 and so on", Ok(1)),
            ("1970-01-02\u{a0}", Err(NO_DAY)),
            ("1970-02 x", Err(NO_DAY)),
            ("1970 x", Err(NO_DAY)),
            ("2023-02-29", Err(NO_DAY)),
            ("70-01-01", Err(NO_DAY)),
            ("1970-001-01", Err(NO_DAY)),
            ("1970-01-", Err(NO_DAY)),
            ("1970-01-02x", Err(NO_DAY)),
            ("1970-01-02-03", Err(NO_DAY)),
            ("1970/01/02", Err(NO_DAY)),
            ("", Err(NO_DAY)),
            ("-", Err(NO_DAY)),
            ("12345678-01-01", Err(NO_DAY)),
            ("12023-02-29", Err(NO_DAY)),
            ("12024-02-29", Err(FAR)),
            ("-1970-01-02", Err(FAR)),
            ("0000-01-01", Err(FAR)),
            ("1234567-01-01", Err(FAR)),
            ("Today", Err(FLEETING)),
            ("epoch", Err(NO_DAY)),
        ] {
            assert_eq!(day(text), expected, "{text:?}");
        }
    }

    /// As Spark 4.3 says of each, but for what is refused.
    #[test]
    fn a_moment_is_what_it_is_in_spark() {
        for (text, expected) in [
            ("1970-01-01", Ok(0)),
            ("1970-01", Ok(0)),
            ("1970-01-01 1", Ok(HOUR)),
            ("1970-01-01 01:00", Ok(HOUR)),
            ("1970-01-01T1:0:0", Ok(HOUR)),
            ("1970-01-01 01:00:00 ", Ok(HOUR)),
            ("1970-01-01 00:00:00.", Ok(0)),
            ("1970-01-01 00:00:00.1", Ok(100_000)),
            ("1970-01-01 00:00:00.12", Ok(120_000)),
            ("1970-01-01 00:00:00.123", Ok(123_000)),
            ("1970-01-01 00:00:00.1234", Ok(123_400)),
            ("1970-01-01 00:00:00.12345", Ok(123_450)),
            ("1970-01-01 00:00:00.123456", Ok(123_456)),
            ("1970-01-01 00:00:00.1234567", Ok(123_456)),
            ("1970-01-01 00:00:00.12345678", Ok(123_456)),
            ("1970-01-01 00:00:00.123456789", Ok(123_456)),
            ("1970-01-01 00:00:00.1234567891", Ok(123_456)),
            ("1969-12-31 23:59:59.999999", Ok(-1)),
            ("1970-01-01T00:00:00Z", Ok(0)),
            ("1970-01-01 00:00:00.5 Z", Ok(500_000)),
            ("1970-01-01T00:00:00+01:00", Ok(-HOUR)),
            ("1970-01-01 00:00:00.000001+01", Ok(1 - HOUR)),
            ("1970-01-01 00:00:00 -1", Ok(HOUR)),
            ("1970-01-01 00:00:00+1:0", Ok(-HOUR)),
            ("1970-01-01 00:00:00-0100", Ok(HOUR)),
            ("1970-01-01 00:00:00-010000", Ok(HOUR)),
            ("1970-01-01 00:00:00-1:00:00", Ok(HOUR)),
            ("1970-01-01 00:00:00+01:00:01", Ok(-HOUR - 1_000_000)),
            ("1970-01-01 00:00:00 UTC+1:30", Ok(-3 * HOUR / 2)),
            ("1970-01-01 00:00:00GMT", Ok(0)),
            ("1970-01-01 00:00:00 UT-18:00", Ok(18 * HOUR)),
            ("1970-01-01 00:00+01:00", Err(NO_ZONE)),
            ("1970-01-01 00Z", Err(NO_ZONE)),
            ("1970-01-01Z", Err(NO_MOMENT)),
            ("1970-01-01 Z", Err(NO_MOMENT)),
            ("1970-01-01 00:00:00 Europe/Berlin", Err(NO_ZONE)),
            ("1970-01-01 00:00:00 Z+1", Err(NO_ZONE)),
            ("1970-01-01 00:00:00z", Err(NO_ZONE)),
            ("1970-01-01 00:00:00 UTC+", Err(NO_ZONE)),
            ("1970-01-01 00:00:00 1", Err(NO_ZONE)),
            ("1970-01-01 00:00:00.5.5", Err(NO_ZONE)),
            ("1970-01-01 00:00:00+010", Err(NO_ZONE)),
            ("1970-01-01 00:00:00+01:00:3", Err(NO_ZONE)),
            ("1970-01-01 00:00:00+17:60", Err(NO_ZONE)),
            ("1970-01-01 00:00:00+18:01", Err(NO_ZONE)),
            ("1970-01-01 00:00:00+é1", Err(NO_ZONE)),
            ("1970-01-01 24:00:00", Err(NO_MOMENT)),
            ("1970-01-01 00:60:00", Err(NO_MOMENT)),
            ("1970-01-01 00:00:60", Err(NO_MOMENT)),
            ("1970-01-01 00:00:000", Err(NO_MOMENT)),
            ("1970-01-01 00:", Err(NO_MOMENT)),
            ("1970-01-01 00:00:00:00", Err(NO_MOMENT)),
            ("1970-01-01 00:00.5", Err(NO_MOMENT)),
            ("1970-01-01T", Err(NO_MOMENT)),
            ("1970-01-01  00:00:00", Err(NO_MOMENT)),
            ("1970-01-01t00:00:00", Err(NO_MOMENT)),
            ("1970-01 00:00:00", Err(NO_MOMENT)),
            ("1970-01-01\u{2003}", Err(NO_MOMENT)),
            ("1234567-01-01", Err(NO_MOMENT)),
            ("123456-01-01", Err(FAR)),
            ("-0001-01-01 00:00:00", Err(FAR)),
            ("0001-01-01 00:00:00+01:00", Err(FAR)),
            ("9999-12-31 23:59:59-00:01", Err(FAR)),
            ("9999-12-31 23:59:59.999999", Ok(253_402_300_799_999_999)),
            ("now", Err(FLEETING)),
            ("12:13:14", Err(FLEETING)),
            ("T12:13", Err(FLEETING)),
        ] {
            assert_eq!(moment(text), expected, "{text:?}");
        }
    }
}

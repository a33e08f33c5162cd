//! Texts to points in time: ISO forms, the forms `DATETIME_PARSE` tries by itself, and its format strings.
//!
//! A text without a zone is in UTC (unconfirmed; Airtable's reference says GMT).

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::moment::{self, MONTHS, Piece};

/// Reads an ISO text: a date, then perhaps `T` or a space and a time to the minute, second or below, then perhaps `Z`
/// or an offset.
pub(super) fn parse_iso(text: &str) -> Option<DateTime<Utc>> {
    let mut rest = text.trim();
    let year = fixed(&mut rest, 4)? as i32;
    let month = fixed(strip(&mut rest, "-")?, 2)?;
    let day = fixed(strip(&mut rest, "-")?, 2)?;
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    rest = rest.strip_prefix(['T', 't', ' '])?;
    let hour = fixed(&mut rest, 2)?;
    let minute = fixed(strip(&mut rest, ":")?, 2)?;
    let (mut second, mut nanosecond) = (0, 0);
    if strip(&mut rest, ":").is_some() {
        second = fixed(&mut rest, 2)?;
        if strip(&mut rest, ".").is_some() {
            nanosecond = fraction(&mut rest)?;
        }
    }
    let offset = if rest.is_empty() { 0 } else { zone(&mut rest)? };
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond)?;
    rest.is_empty().then(|| utc(date.and_time(time), offset)).flatten()
}

/// Reads a text in a form that needs no format string.
pub(super) fn parse_any(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Some(date) = parse_iso(text) {
        return Some(date);
    }
    let text = text.trim();
    let named = text.contains(|c: char| c.is_ascii_alphabetic());
    let twelve = ["am", "pm"].iter().any(|half| text.to_ascii_lowercase().ends_with(half));
    let format = match (text.as_bytes().first()?, text.contains('/')) {
        (b'0'..=b'9', true) if twelve => "M/D/YYYY h:mm:ss A",
        (b'0'..=b'9', true) if !named => "M/D/YYYY H:mm:ss",
        (b'0'..=b'9', false) if twelve => "D MMM YYYY h:mm A",
        (b'0'..=b'9', false) if named => "D MMM YYYY H:mm:ss",
        (b'A'..=b'Z' | b'a'..=b'z', false) if twelve => "MMM D YYYY h:mm A",
        (b'A'..=b'Z' | b'a'..=b'z', false) => "MMM D YYYY H:mm:ss",
        _ => return None,
    };
    // `h:mm A` is also what a 12-hour time with seconds left out looks like.
    let short = format.replace(":ss", "");
    parse(text, format, now).or_else(|| parse(text, &short, now))
}

/// Reads `text` as moment does outside its strict mode: what is between the parts is not compared, parts missing at
/// the end are left out, and a missing date is that of `now`. Weeks and names of days are read over.
pub(super) fn parse(text: &str, format: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut parts = Parts::default();
    let mut rest = text.trim();
    parts.read(format, &mut rest)?;
    parts.finish(now)
}

#[derive(Default)]
struct Parts {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    afternoon: Option<bool>,
    offset: i32,
    stamp: Option<DateTime<Utc>>,
    any: bool,
}

impl Parts {
    fn read(&mut self, format: &str, rest: &mut &str) -> Option<()> {
        for piece in moment::pieces(format) {
            match piece {
                Piece::Literal(literal) => {
                    strip(rest, literal);
                }
                Piece::Format(format) => self.read(format, rest)?,
                Piece::Token(_) if rest.trim().is_empty() => {}
                Piece::Token(token) => {
                    self.token(token, rest)?;
                    self.any = true;
                }
            }
        }
        Some(())
    }

    fn token(&mut self, token: &str, rest: &mut &str) -> Option<()> {
        match token {
            "YYYY" | "yyyy" | "YY" | "yy" | "Y" | "y" => self.year = Some(year(rest)?),
            "Q" | "Qo" => self.month = Some((number(rest, 1)?.checked_sub(1)?) * 3 + 1),
            "MMMM" | "MMM" => self.month = Some(month(rest)?),
            "MM" | "Mo" | "M" => self.month = Some(number(rest, 2)?),
            "DDDD" | "DDDo" | "DDD" => self.day_of_year = Some(number(rest, 3)?),
            "DD" | "D" => self.day = Some(number(rest, 2)?),
            "Do" => {
                self.day = Some(number(rest, 2)?);
                word(rest);
            }
            "HH" | "H" | "hh" | "h" => self.hour = number(rest, 2)?,
            "kk" | "k" => self.hour = number(rest, 2)? % 24,
            "mm" | "m" => self.minute = number(rest, 2)?,
            "ss" | "s" => self.second = number(rest, 2)?,
            "A" | "a" => {
                skip_to(rest, |c| c.is_ascii_alphabetic())?;
                self.afternoon = Some(match word(rest).as_bytes()[0].to_ascii_lowercase() {
                    b'p' => true,
                    b'a' => false,
                    _ => return None,
                });
            }
            "Z" | "ZZ" => {
                skip_to(rest, |c| matches!(c, 'Z' | 'z' | '+' | '-'))?;
                self.offset = zone(rest)?;
            }
            "X" | "x" => {
                let seconds = stamp(rest)? / if token == "x" { 1000.0 } else { 1.0 };
                self.stamp = DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64);
                self.stamp?;
            }
            "dddd" | "ddd" | "dd" | "z" | "zz" => {
                skip_to(rest, char::is_alphabetic)?;
                word(rest);
            }
            run if run.starts_with('S') => {
                skip_to(rest, |c| c.is_ascii_digit())?;
                self.nanosecond = fraction(rest)?;
            }
            _ => {
                number(rest, 4)?;
            }
        }
        Some(())
    }

    fn finish(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !self.any || self.stamp.is_some() {
            return self.stamp;
        }
        let year = self.year.unwrap_or(now.year());
        let date = match (self.day_of_year, self.month, self.day) {
            (Some(day), None, None) => NaiveDate::from_yo_opt(year, day)?,
            (_, month, day) => {
                // Parts below the first one given start at 1, those above it are today's.
                let today = self.year.is_none() && month.is_none();
                let first = |part: u32, of_now: bool| if of_now { part } else { 1 };
                let day = day.unwrap_or(first(now.day(), today));
                let month = month.unwrap_or(first(now.month(), self.year.is_none()));
                NaiveDate::from_ymd_opt(year, month, day)?
            }
        };
        let hour = match self.afternoon {
            Some(afternoon) if self.hour <= 12 => self.hour % 12 + 12 * u32::from(afternoon),
            _ => self.hour,
        };
        let time = NaiveTime::from_hms_nano_opt(hour, self.minute, self.second, self.nanosecond)?;
        utc(date.and_time(time), self.offset)
    }
}

fn utc(local: NaiveDateTime, offset: i32) -> Option<DateTime<Utc>> {
    let offset = TimeDelta::try_seconds(i64::from(offset))?;
    Some(local.checked_sub_signed(offset)?.and_utc())
}

fn strip<'a, 'b>(rest: &'b mut &'a str, prefix: &str) -> Option<&'b mut &'a str> {
    *rest = rest.strip_prefix(prefix)?;
    Some(rest)
}

/// Moves to the first character that `wanted` takes.
fn skip_to(rest: &mut &str, wanted: impl Fn(char) -> bool) -> Option<()> {
    *rest = &rest[rest.find(wanted)?..];
    Some(())
}

/// A number of exactly `width` digits, here.
fn fixed(rest: &mut &str, width: usize) -> Option<u32> {
    let digits = rest.get(..width)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    *rest = &rest[width..];
    digits.parse().ok()
}

/// The next digits, at most `most`, wherever they are.
fn digits<'a>(rest: &mut &'a str, most: usize) -> Option<&'a str> {
    skip_to(rest, |c| c.is_ascii_digit())?;
    let run = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at(run.min(most));
    *rest = after;
    Some(digits)
}

fn number(rest: &mut &str, most: usize) -> Option<u32> {
    digits(rest, most)?.parse().ok()
}

/// A year; of two digits, those above 68 are of the last century.
fn year(rest: &mut &str) -> Option<i32> {
    let digits = digits(rest, 4)?;
    let year: i32 = digits.parse().ok()?;
    Some(match (digits.len(), year) {
        (2, 69..) => 1900 + year,
        (2, _) => 2000 + year,
        _ => year,
    })
}

/// A month by its name, or by three letters of it or more.
fn month(rest: &mut &str) -> Option<u32> {
    skip_to(rest, char::is_alphabetic)?;
    let name = word(rest).to_lowercase();
    if name.len() < 3 {
        return None;
    }
    let at = MONTHS.iter().position(|month| month.to_lowercase().starts_with(&name))?;
    u32::try_from(at + 1).ok()
}

/// The letters here, perhaps none.
fn word<'a>(rest: &mut &'a str) -> &'a str {
    let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}

/// Seconds or milliseconds since 1970.
fn stamp(rest: &mut &str) -> Option<f64> {
    skip_to(rest, |c| c.is_ascii_digit() || c == '-')?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '.')).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    *rest = after;
    digits.parse().ok()
}

/// Digits after the decimal point, as nanoseconds; those past the ninth are dropped.
fn fraction(rest: &mut &str) -> Option<u32> {
    let digits = digits(rest, usize::MAX)?;
    let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok()
}

/// `Z`, `+01:00`, `+0100` or `+01`, as seconds east of UTC.
fn zone(rest: &mut &str) -> Option<i32> {
    if strip(rest, "Z").is_some() || strip(rest, "z").is_some() {
        return Some(0);
    }
    let sign = if strip(rest, "-").is_some() {
        -1
    } else {
        strip(rest, "+")?;
        1
    };
    let hours = fixed(rest, 2)?;
    let colon = strip(rest, ":").is_some();
    let minutes = match fixed(rest, 2) {
        Some(minutes) => minutes,
        None if colon => return None,
        None => 0,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60) as i32)
}

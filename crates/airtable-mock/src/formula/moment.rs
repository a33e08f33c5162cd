//! moment.js format strings, with which `DATETIME_FORMAT` writes and `DATETIME_PARSE` reads.
//!
//! Names of months and days are English and the localised formats American, whatever `SET_LOCALE` says.

use std::fmt::Write;

use chrono::{DateTime, Datelike, Offset, Timelike, Weekday};
use chrono_tz::{OffsetName, Tz};

use super::calendar;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Every token; one that another begins with comes after it.
const TOKENS: [&str; 73] = [
    "YYYY",
    "YY",
    "Y",
    "Qo",
    "Q",
    "Mo",
    "MMMM",
    "MMM",
    "MM",
    "M",
    "DDDo",
    "DDDD",
    "DDD",
    "Do",
    "DD",
    "D",
    "dddd",
    "ddd",
    "dd",
    "do",
    "d",
    "e",
    "E",
    "Wo",
    "WW",
    "W",
    "wo",
    "ww",
    "w",
    "GGGG",
    "GG",
    "gggg",
    "gg",
    "A",
    "a",
    "HH",
    "H",
    "hh",
    "h",
    "kk",
    "k",
    "mm",
    "m",
    "ss",
    "s",
    "SSSSSSSSS",
    "SSSSSSSS",
    "SSSSSSS",
    "SSSSSS",
    "SSSSS",
    "SSSS",
    "SSS",
    "SS",
    "S",
    "x",
    "X",
    "zz",
    "z",
    "ZZ",
    "Z",
    "LTS",
    "LT",
    "LLLL",
    "LLL",
    "LL",
    "L",
    "llll",
    "lll",
    "ll",
    "l",
    "yyyy",
    "yy",
    "y",
];

/// A part of a format string.
pub(super) enum Piece<'a> {
    Token(&'static str),
    /// The format that a localised token stands for.
    Format(&'static str),
    Literal(&'a str),
}

/// The parts of `format`. Text in brackets, and a character after a backslash, are literal.
pub(super) fn pieces(format: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = format;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        if first == '['
            && let Some((literal, after)) = rest[1..].split_once(']')
        {
            rest = after;
            return Some(Piece::Literal(literal));
        }
        if let Some(token) = TOKENS.into_iter().find(|token| rest.starts_with(token)) {
            rest = &rest[token.len()..];
            return Some(localised(token).map_or(Piece::Token(token), Piece::Format));
        }
        let escaped = usize::from(first == '\\');
        let literal = rest[escaped..].chars().next().map_or(0, char::len_utf8);
        let (literal, after) = rest[escaped..].split_at(literal);
        rest = after;
        Some(Piece::Literal(literal))
    })
}

fn localised(token: &str) -> Option<&'static str> {
    Some(match token {
        "LTS" => "h:mm:ss A",
        "LT" => "h:mm A",
        "L" => "MM/DD/YYYY",
        "LL" => "MMMM D, YYYY",
        "LLL" => "MMMM D, YYYY h:mm A",
        "LLLL" => "dddd, MMMM D, YYYY h:mm A",
        "l" => "M/D/YYYY",
        "ll" => "MMM D, YYYY",
        "lll" => "MMM D, YYYY h:mm A",
        "llll" => "ddd, MMM D, YYYY h:mm A",
        _ => return None,
    })
}

/// `date`, as its zone's clock shows it, in `format`.
pub(super) fn format(date: &DateTime<Tz>, format: &str) -> String {
    let mut text = String::new();
    write_pieces(date, format, &mut text);
    text
}

fn write_pieces(date: &DateTime<Tz>, format: &str, text: &mut String) {
    for piece in pieces(format) {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Format(format) => write_pieces(date, format, text),
            Piece::Token(token) => {
                let written = match token.as_bytes()[0] {
                    b'Y' | b'y' | b'Q' | b'M' | b'D' => write_day(date, token, text),
                    b'd' | b'e' | b'E' | b'W' | b'w' | b'G' | b'g' => write_week(date, token, text),
                    _ => write_time(date, token, text),
                };
                written.expect("writing to a String cannot fail");
            }
        }
    }
}

fn write_day(date: &DateTime<Tz>, token: &str, text: &mut String) -> std::fmt::Result {
    let month = MONTHS[date.month0() as usize];
    match token {
        "YYYY" | "yyyy" => write!(text, "{:04}", date.year()),
        "YY" | "yy" => write!(text, "{:02}", date.year().rem_euclid(100)),
        "Y" | "y" => write!(text, "{}", date.year()),
        "Qo" => ordinal(date.quarter(), text),
        "Q" => write!(text, "{}", date.quarter()),
        "MMMM" => text.write_str(month),
        "MMM" => text.write_str(&month[..3]),
        "MM" => write!(text, "{:02}", date.month()),
        "Mo" => ordinal(date.month(), text),
        "M" => write!(text, "{}", date.month()),
        "DDDD" => write!(text, "{:03}", date.ordinal()),
        "DDDo" => ordinal(date.ordinal(), text),
        "DDD" => write!(text, "{}", date.ordinal()),
        "DD" => write!(text, "{:02}", date.day()),
        "Do" => ordinal(date.day(), text),
        _ => write!(text, "{}", date.day()),
    }
}

fn write_week(date: &DateTime<Tz>, token: &str, text: &mut String) -> std::fmt::Result {
    let weekday = date.weekday().num_days_from_sunday();
    let name = DAYS[weekday as usize];
    let (year, week) = calendar::week(date.date_naive(), Weekday::Sun);
    let iso = date.iso_week();
    match token {
        "dddd" => text.write_str(name),
        "ddd" => text.write_str(&name[..3]),
        "dd" => text.write_str(&name[..2]),
        "do" => ordinal(weekday, text),
        "d" | "e" => write!(text, "{weekday}"),
        "E" => write!(text, "{}", date.weekday().number_from_monday()),
        "Wo" => ordinal(iso.week(), text),
        "WW" => write!(text, "{:02}", iso.week()),
        "W" => write!(text, "{}", iso.week()),
        "wo" => ordinal(week, text),
        "ww" => write!(text, "{week:02}"),
        "w" => write!(text, "{week}"),
        "GGGG" => write!(text, "{:04}", iso.year()),
        "GG" => write!(text, "{:02}", iso.year().rem_euclid(100)),
        "gggg" => write!(text, "{year:04}"),
        _ => write!(text, "{:02}", year.rem_euclid(100)),
    }
}

fn write_time(date: &DateTime<Tz>, token: &str, text: &mut String) -> std::fmt::Result {
    let (afternoon, hour12) = date.hour12();
    let hour24 = if date.hour() == 0 { 24 } else { date.hour() };
    let offset = date.offset().fix().local_minus_utc() / 60;
    let (sign, hours, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60, offset.abs() % 60);
    match token {
        "A" => text.write_str(if afternoon { "PM" } else { "AM" }),
        "a" => text.write_str(if afternoon { "pm" } else { "am" }),
        "HH" => write!(text, "{:02}", date.hour()),
        "H" => write!(text, "{}", date.hour()),
        "hh" => write!(text, "{hour12:02}"),
        "h" => write!(text, "{hour12}"),
        "kk" => write!(text, "{hour24:02}"),
        "k" => write!(text, "{hour24}"),
        "mm" => write!(text, "{:02}", date.minute()),
        "m" => write!(text, "{}", date.minute()),
        "ss" => write!(text, "{:02}", date.second()),
        "s" => write!(text, "{}", date.second()),
        "x" => write!(text, "{}", date.timestamp_millis()),
        "X" => write!(text, "{}", date.timestamp()),
        "z" | "zz" => text.write_str(date.offset().abbreviation().unwrap_or_default()),
        "ZZ" => write!(text, "{sign}{hours:02}{minutes:02}"),
        "Z" => write!(text, "{sign}{hours:02}:{minutes:02}"),
        // What is left is a run of S, at most nine: the fraction of the second.
        run => text.write_str(&format!("{:09}", date.nanosecond() % 1_000_000_000)[..run.len()]),
    }
}

fn ordinal(number: u32, text: &mut String) -> std::fmt::Result {
    let suffix = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    write!(text, "{number}{suffix}")
}

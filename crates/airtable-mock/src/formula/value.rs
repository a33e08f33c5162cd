//! What a formula yields, and how one kind of value is read as another.
//!
//! Conversions never fail: a text that is no number is NaN, a value that is no date is `None`. Errors are not handled
//! here; the evaluator lets none reach an operator or a function.

use std::borrow::Cow;
use std::cmp::Ordering;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};

use super::timestamp;

/// The most bytes a text may have. It keeps a formula that multiplies texts from using up the memory; a longer result is
/// an error. No cell comes near it: Airtable's long texts end at 100,000 characters.
pub(super) const LONGEST_TEXT: usize = 1 << 20;

/// What a formula yields. Numbers may be NaN or infinite.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: an empty cell, or `BLANK()`.
    Blank,
    /// A number; also what a comparison (1 or 0) or a checkbox yields.
    Number(f64),
    /// A text, never converted by itself.
    Text(String),
    /// A point in time; a date without time is midnight UTC.
    Date(DateTime<Utc>),
    /// The cells of a lookup, the options of a multiple select, and so on.
    Array(Vec<Value>),
    /// Shown as `#ERROR!`.
    Error,
}

impl Value {
    /// Whether a filter with this result keeps the record: all but 0, NaN, the empty text, the empty array, blank and
    /// an error.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Blank | Value::Error => false,
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Text(text) => !text.is_empty(),
            Value::Date(_) => true,
            Value::Array(items) => !items.is_empty(),
        }
    }

    /// The value as `&` and text functions see it: whole numbers without a fraction, dates in ISO form with
    /// milliseconds and `Z`, arrays joined with `", "`.
    pub fn to_text(&self) -> String {
        self.text().into_owned()
    }

    pub(super) fn truth(holds: bool) -> Value {
        Value::Number(f64::from(u8::from(holds)))
    }

    /// The text as a value, or nothing if it is too long.
    pub(super) fn bounded(text: String) -> Option<Value> {
        (text.len() <= LONGEST_TEXT).then_some(Value::Text(text))
    }

    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Value::Blank => Cow::Borrowed(""),
            Value::Number(number) => Cow::Owned(number_text(*number)),
            Value::Text(text) => Cow::Borrowed(text),
            Value::Date(date) => Cow::Owned(date.to_rfc3339_opts(SecondsFormat::Millis, true)),
            Value::Array(items) => {
                let texts: Vec<_> = items.iter().map(Value::text).collect();
                Cow::Owned(texts.join(", "))
            }
            Value::Error => Cow::Borrowed("#ERROR!"),
        }
    }

    /// The value as arithmetic sees it. Blank is 0, and so is the empty text, which Airtable does not tell from blank.
    /// That a text which looks like a number is one is unconfirmed; that any other yields NaN is observed.
    pub(super) fn number(&self) -> f64 {
        match self {
            Value::Blank => 0.0,
            Value::Number(number) => *number,
            Value::Text(text) => text_number(text),
            Value::Array(items) => match items.as_slice() {
                [] => 0.0,
                [only] => only.number(),
                _ => f64::NAN,
            },
            Value::Date(_) | Value::Error => f64::NAN,
        }
    }

    /// The number of characters or items that an argument asks for: whole, and not below 0.
    pub(super) fn count(&self) -> usize {
        self.number() as usize
    }

    /// The value where a date is expected: ISO texts are read, and a lookup of one date is that date. Years outside
    /// 1 to 9999 are no dates, which also keeps date arithmetic within chrono's range.
    pub(super) fn date(&self) -> Option<DateTime<Utc>> {
        let date = match self {
            Value::Date(date) => Some(*date),
            Value::Text(text) => timestamp::parse_iso(text),
            Value::Array(items) => match items.as_slice() {
                [only] => only.date(),
                _ => None,
            },
            Value::Blank | Value::Number(_) | Value::Error => None,
        };
        date.filter(|date| (1..=9999).contains(&date.year()))
    }

    /// Whether it counts as an empty cell.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Value::Blank => true,
            Value::Text(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Number(_) | Value::Date(_) | Value::Error => false,
        }
    }

    /// The value as a list: an array's items, nothing for blank, else the value alone.
    pub(super) fn items(&self) -> &[Value] {
        match self {
            Value::Blank => &[],
            Value::Array(items) => items,
            other => std::slice::from_ref(other),
        }
    }

    /// `=`. Blank equals the empty text, the empty array and 0 (users report the latter; unconfirmed). A date and a
    /// text compare as dates if the text is one. Everything else compares as text, so a number equals its digits.
    #[expect(clippy::float_cmp, reason = "`=` in a formula is exact")]
    pub(super) fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Number(left), Value::Number(right)) => left == right,
            (Value::Blank, Value::Number(number)) | (Value::Number(number), Value::Blank) => *number == 0.0,
            (Value::Date(date), value) | (value, Value::Date(date)) => value.date() == Some(*date),
            (left, right) => left.text() == right.text(),
        }
    }

    /// `<` and its like; `None` if neither is before the other nor equal, so that every ordering is false. Texts
    /// compare with texts, dates with whatever is a date, all else as numbers (unconfirmed).
    pub(super) fn order(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Date(date), value) => value.date().map(|other| date.cmp(&other)),
            (value, Value::Date(date)) => value.date().map(|other| other.cmp(date)),
            (Value::Text(_) | Value::Array(_), Value::Text(_) | Value::Array(_)) => {
                Some(self.text().cmp(&other.text()))
            }
            (left, right) => left.number().partial_cmp(&right.number()),
        }
    }
}

/// A number as JavaScript prints it, which is what Airtable shows.
fn number_text(number: f64) -> String {
    let size = number.abs();
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        let sign = if number < 0.0 { "-" } else { "" };
        format!("{sign}Infinity")
    } else if number == 0.0 {
        "0".to_owned()
    } else if size >= 1e21 {
        format!("{number:e}").replace('e', "e+")
    } else if size < 1e-6 {
        format!("{number:e}")
    } else {
        format!("{number}")
    }
}

/// The number that a whole text is; `inf` and `nan`, which Rust would take, are none.
fn text_number(text: &str) -> f64 {
    let text = text.trim();
    if text.is_empty() {
        return 0.0;
    }
    if text.bytes().any(|byte| byte.is_ascii_alphabetic() && !byte.eq_ignore_ascii_case(&b'e')) {
        return f64::NAN;
    }
    text.parse().unwrap_or(f64::NAN)
}

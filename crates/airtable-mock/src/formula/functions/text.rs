//! Text functions.
//!
//! Positions count Unicode characters from 1 (Airtable, being JavaScript, may count an emoji as two; unconfirmed). Any
//! argument is read as text, numbers and lookups included. `FIND` minds case and yields 0 where there is nothing to
//! find, `SEARCH` does not mind and yields blank (by common account).

use crate::formula::expression::Values;
use crate::formula::function::{ANY, Function};
use crate::formula::value::{LONGEST_TEXT, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::values("FIND", 2, 3, |values, _| {
        let at = find(&values[0].text(), &values[1].text(), start(values));
        Some(Value::Number(at.unwrap_or(0) as f64))
    }),
    Function::values("SEARCH", 2, 3, |values, _| {
        let at = find(&folded(&values[0].text()), &folded(&values[1].text()), start(values));
        Some(at.map_or(Value::Blank, |at| Value::Number(at as f64)))
    }),
    Function::values("LEN", 1, 1, |values, _| Some(Value::Number(values[0].text().chars().count() as f64))),
    Function::values("LEFT", 2, 2, |values, _| Some(slice(&values[0], 0, values[1].count()))),
    Function::values("RIGHT", 2, 2, |values, _| {
        let wanted = values[1].count();
        let skipped = values[0].text().chars().count().saturating_sub(wanted);
        Some(slice(&values[0], skipped, wanted))
    }),
    Function::values("MID", 3, 3, |values, _| {
        let skipped = values[1].count().saturating_sub(1);
        Some(slice(&values[0], skipped, values[2].count()))
    }),
    Function::values("LOWER", 1, 1, |values, _| Value::bounded(values[0].text().to_lowercase())),
    Function::values("UPPER", 1, 1, |values, _| Value::bounded(values[0].text().to_uppercase())),
    Function::values("TRIM", 1, 1, |values, _| Some(Value::Text(values[0].text().trim().to_owned()))),
    Function::values("SUBSTITUTE", 3, 4, |values, _| substitute(values)),
    Function::values("REPLACE", 4, 4, |values, _| replace(values)),
    Function::values("REPT", 2, 2, |values, _| {
        let (text, times) = (values[0].text(), values[1].count());
        (text.len().checked_mul(times)? <= LONGEST_TEXT).then(|| Value::Text(text.repeat(times)))
    }),
    Function::values("CONCATENATE", 1, ANY, |values, _| {
        let mut text = String::new();
        for value in values {
            text.push_str(&value.text());
        }
        Value::bounded(text)
    }),
    Function::values("T", 1, 1, |values, _| {
        Some(match values[0].as_ref() {
            Value::Text(text) => Value::Text(text.clone()),
            _ => Value::Blank,
        })
    }),
    Function::values("ENCODE_URL_COMPONENT", 1, 1, |values, _| Value::bounded(encoded(&values[0].text()))),
];

/// How many characters an optional third argument tells to skip: it counts from 1, and 0 is the same as 1.
fn start(values: &Values<'_>) -> usize {
    values.get(2).map_or(0, |start| start.count().saturating_sub(1))
}

/// Where `needle` first occurs after `skipped` characters, counted from 1.
fn find(needle: &str, hay: &str, skipped: usize) -> Option<usize> {
    let from = match hay.char_indices().nth(skipped) {
        Some((at, _)) => at,
        None if skipped == hay.chars().count() => hay.len(),
        None => return None,
    };
    let at = hay[from..].find(needle)?;
    Some(skipped + hay[from..from + at].chars().count() + 1)
}

/// Lower case with one character for each, so that positions stay those of the original.
fn folded(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

fn slice(value: &Value, skipped: usize, wanted: usize) -> Value {
    Value::Text(value.text().chars().skip(skipped).take(wanted).collect())
}

/// All occurrences, or with a fourth argument above 0 only that one.
fn substitute(values: &Values<'_>) -> Option<Value> {
    let (text, old, new) = (values[0].text(), values[1].text(), values[2].text());
    if old.is_empty() {
        return Some(Value::Text(text.into_owned()));
    }
    let which = values.get(3).map_or(0, |which| which.count());
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for (nth, (at, _)) in text.match_indices(old.as_ref()).enumerate() {
        if which == 0 || which == nth + 1 {
            result.push_str(&text[copied..at]);
            result.push_str(&new);
            copied = at + old.len();
            if result.len() > LONGEST_TEXT {
                return None;
            }
        }
    }
    result.push_str(&text[copied..]);
    Value::bounded(result)
}

fn replace(values: &Values<'_>) -> Option<Value> {
    let text = values[0].text();
    let skipped = values[1].count().saturating_sub(1);
    let mut result: String = text.chars().take(skipped).collect();
    result.push_str(&values[3].text());
    result.extend(text.chars().skip(skipped.saturating_add(values[2].count())));
    Value::bounded(result)
}

/// Percent-encoded as JavaScript's `encodeURIComponent` does.
fn encoded(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            result.push(char::from(byte));
        } else {
            result.push('%');
            for digit in [byte >> 4, byte & 15] {
                result.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    result
}

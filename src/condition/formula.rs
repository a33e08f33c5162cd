//! A condition -> the Airtable formula that is true wherever the condition is, and may be true elsewhere.
//!
//! Invariants: a formula lets too much through and never too little, because what comes is decided again, and what does
//! not come is lost; nothing that comes from outside ends the text or the name that it stands in. Airtable drops a record
//! for which a formula fails. So only fields that somebody fills in are asked about, whose cells are no errors; and where
//! one were all the same, it fails where the condition cannot be true, and nowhere else.

use super::like::{Known, Pattern};
use super::literal::Number;
use super::operands::midnight;
use super::{Comparison, Condition, Value};
use crate::time::utc;

/// A longer formula is left out. It is sent with each page, and a longer one takes Airtable longer.
const LONGEST: usize = 8_000;

/// Records that are asked for by name.
const MOST_IDS: usize = 100;

/// By how much of themselves the bounds of numbers are put further apart: cells are doubles, and shown with fewer digits.
const SLACK: f64 = 1e-9;

/// By how many seconds the bounds of days are: a day begins at another moment in every zone.
const SLACK_OF_DAYS: i64 = 26 * 3_600;

/// By how many seconds those of moments are: what Airtable keeps of a second is not known.
const SLACK_OF_MOMENTS: i64 = 60;

/// Moments beyond these are not asked about, 1900 and 3000: nothing is known of how Airtable compares them.
const YEARS: std::ops::Range<i64> = -2_208_988_800..32_503_680_000;

/// What a column is for Airtable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    RecordId,
    CreatedTime,
    /// A field of short text, by its name.
    Text(String),
    Number(String),
    Date(String),
    DateTime(String),
    Checkbox(String),
    /// Decided here alone.
    Here,
}

impl Place {
    /// A field by its name and Airtable's word for its type.
    pub(crate) fn of_field(name: &str, kind: &str) -> Self {
        if !is_sayable(name) {
            return Self::Here;
        }
        let name = name.to_owned();
        match kind {
            "singleLineText" | "email" | "url" | "phoneNumber" | "singleSelect" => Self::Text(name),
            "number" | "currency" | "percent" | "rating" | "duration" => Self::Number(name),
            "date" => Self::Date(name),
            "dateTime" => Self::DateTime(name),
            "checkbox" => Self::Checkbox(name),
            _ => Self::Here,
        }
    }

    /// Whether it is told by a name, which may come to be another field's.
    pub(crate) fn is_named(&self) -> bool {
        !matches!(self, Self::RecordId | Self::CreatedTime | Self::Here)
    }

    /// How a formula calls it.
    fn word(&self) -> Option<String> {
        match self {
            Self::RecordId => Some("RECORD_ID()".to_owned()),
            Self::CreatedTime => Some("CREATED_TIME()".to_owned()),
            Self::Text(name) | Self::Number(name) | Self::Date(name) | Self::DateTime(name) | Self::Checkbox(name) => {
                Some(format!("{{{name}}}"))
            }
            Self::Here => None,
        }
    }
}

/// Whether braces can hold a name as it is.
fn is_sayable(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.contains(['{', '}', '\\']) && !name.contains(char::is_control)
}

/// The formula for a condition, none where Airtable is not to be asked. `places` are its columns.
pub(crate) fn formula(condition: &Condition, places: &[Place]) -> Option<String> {
    let formula = of(condition, places, false)?;
    (formula.len() <= LONGEST).then_some(formula)
}

/// `is_one_of_several`: where it fails, another one may be true.
fn of(condition: &Condition, places: &[Place], is_one_of_several: bool) -> Option<String> {
    match condition {
        // What cannot be asked is decided here.
        Condition::And(all) => {
            let mut length = "AND()".len();
            let parts = all.iter().filter_map(|one| of(one, places, is_one_of_several)).filter(|part| {
                let fits = length + part.len() < LONGEST;
                length += if fits { part.len() + 1 } else { 0 };
                fits
            });
            joined("AND", parts.collect())
        }
        // One part that cannot be asked may be the one that is true.
        Condition::Or(all) => {
            let is_possible = |one: &&Condition| !matches!(one, Condition::Constant(Some(false) | None));
            let possible: Vec<&Condition> = all.iter().filter(is_possible).collect();
            let are_several = is_one_of_several || possible.len() > 1;
            joined("OR", possible.into_iter().map(|one| of(one, places, are_several)).collect::<Option<Vec<_>>>()?)
        }
        Condition::Null { column, negated: false } => null(&places[*column]),
        _ => {
            let (place, formula) = of_column(condition, places)?;
            Some(if is_one_of_several && *place != Place::RecordId { or_false(place, &formula) } else { formula })
        }
    }
}

/// A formula that is false where it fails: where the field does, or, because texts may be no days, itself.
fn or_false(place: &Place, formula: &str) -> String {
    match place {
        Place::Text(_) | Place::Number(_) | Place::Checkbox(_) => {
            format!("IF(ISERROR({}),0,{formula})", place.word().unwrap_or_default())
        }
        _ => format!("IF(ISERROR({formula}),0,{formula})"),
    }
}

/// The formula for a condition on one column, which is not that it is NULL.
fn of_column<'p>(condition: &Condition, places: &'p [Place]) -> Option<(&'p Place, String)> {
    let (column, formula) = match condition {
        Condition::Holds { column, negated } => (column, truth(&places[*column], !negated)),
        Condition::Null { column, negated: true } => (column, there(&places[*column])),
        Condition::Compare { column, is, value } => (column, compared(&places[*column], *is, value)),
        Condition::In { column, values, negated: false, .. } => (column, one_of(&places[*column], values)),
        Condition::Like { column, pattern, negated: false } => (column, like(&places[*column], pattern)),
        _ => return None,
    };
    Some((&places[*column], formula?))
}

fn joined(word: &str, mut parts: Vec<String>) -> Option<String> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(format!("{word}({})", parts.join(","))),
    }
}

fn truth(place: &Place, wanted: bool) -> Option<String> {
    let Place::Checkbox(_) = place else { return None };
    let word = place.word()?;
    Some(if wanted { word } else { format!("NOT({word})") })
}

/// A cell that is an error is NULL with us. Airtable takes zeros for blank, too.
fn null(place: &Place) -> Option<String> {
    let word = place.word()?;
    match place {
        Place::Text(_) => Some(format!("IF(ISERROR({word}),1,{word}='')")),
        Place::Number(_) => Some(format!("IF(ISERROR({word}),1,{word}=BLANK())")),
        _ => None,
    }
}

/// Of numbers it would leave out zeros.
fn there(place: &Place) -> Option<String> {
    let Place::Text(_) = place else { return None };
    Some(format!("NOT({}='')", place.word()?))
}

fn compared(place: &Place, is: Comparison, value: &Value) -> Option<String> {
    match (place, value) {
        (Place::RecordId | Place::Text(_), Value::Text(text)) if is == Comparison::Equal => {
            Some(format!("{}={}", place.word()?, quoted(text)?))
        }
        (Place::Number(_), Value::Number(text)) => within(place, is, Number::parse(text).ok()?.double()),
        (Place::Checkbox(_), Value::Bool(truth)) => match is {
            Comparison::Equal => self::truth(place, *truth),
            Comparison::NotEqual => self::truth(place, !truth),
            _ => None,
        },
        (Place::Date(_), Value::Date(days)) => between(place, is, midnight(*days), SLACK_OF_DAYS),
        (Place::Date(_), Value::Time(micros)) => between(place, is, *micros, SLACK_OF_DAYS),
        (Place::DateTime(_) | Place::CreatedTime, Value::Time(micros)) => between(place, is, *micros, SLACK_OF_MOMENTS),
        _ => None,
    }
}

/// Whether a comparison has a bound below, and one above.
fn bounds(is: Comparison) -> Option<(bool, bool)> {
    match is {
        Comparison::Equal => Some((true, true)),
        Comparison::More | Comparison::AtLeast => Some((true, false)),
        Comparison::Less | Comparison::AtMost => Some((false, true)),
        Comparison::NotEqual => None,
    }
}

/// Bounds of a number, told as what it is not, so that what is no number is not left out.
fn within(place: &Place, is: Comparison, number: f64) -> Option<String> {
    let (below, above) = bounds(is)?;
    let word = place.word()?;
    let slack = number.abs() * SLACK;
    let mut parts = Vec::new();
    if below {
        parts.push(format!("NOT({word}<{})", plain(number - slack)?));
    }
    if above {
        parts.push(format!("NOT({word}>{})", plain(number + slack)?));
    }
    joined("AND", parts)
}

/// A number without an exponent, which formulas do not know.
fn plain(number: f64) -> Option<String> {
    Some(number.to_string()).filter(|text| number.is_finite() && text.len() <= 40)
}

/// Bounds of a time. What is blank has none, and comparing it would fail.
fn between(place: &Place, is: Comparison, micros: i64, slack: i64) -> Option<String> {
    let (below, above) = bounds(is)?;
    let word = place.word()?;
    let seconds = micros.div_euclid(1_000_000);
    if !YEARS.contains(&seconds) {
        return None;
    }
    let mut parts = Vec::new();
    if below {
        parts.push(format!("NOT(IS_BEFORE({word},'{}'))", utc(seconds - slack)));
    }
    if above {
        parts.push(format!("NOT(IS_AFTER({word},'{}'))", utc(seconds + 1 + slack)));
    }
    let bounds = joined("AND", parts)?;
    Some(if *place == Place::CreatedTime { bounds } else { format!("IF({word},{bounds})") })
}

fn one_of(place: &Place, values: &[Value]) -> Option<String> {
    if *place == Place::RecordId && values.len() > MOST_IDS {
        return None;
    }
    let mut parts = Vec::new();
    let mut length = 0;
    for value in values {
        let part = compared(place, Comparison::Equal, value)?;
        length += part.len() + 1;
        if length > LONGEST {
            return None;
        }
        parts.push(part);
    }
    joined("OR", parts)
}

fn like(place: &Place, pattern: &str) -> Option<String> {
    let Place::Text(_) = place else { return None };
    let word = place.word()?;
    match Pattern::parse(pattern).ok()?.known() {
        Known::Whole(text) => Some(format!("{word}={}", quoted(&text)?)),
        Known::Parts { start, others } => {
            let mut parts = Vec::new();
            if !start.is_empty() {
                parts.push(format!("FIND({},{word})=1", quoted(&start)?));
            }
            for other in others {
                parts.push(format!("FIND({},{word})>0", quoted(&other)?));
            }
            joined("AND", parts)
        }
    }
}

/// A text in quotes; none for one that a formula may read as another.
fn quoted(text: &str) -> Option<String> {
    // What stands for half of a character with us is something else with Airtable.
    if text.contains(char::is_control) || text.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    Some(format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")))
}

//! One cell's JSON text, looked at without building a tree. The text has been checked by the JSON parser already.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// Why a cell is NULL although it is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// `{"error": "#ERROR!"}`: the formula failed for this record.
    ErrorValue,
    /// `{"specialValue": "NaN"}` and the like where no number belongs.
    SpecialValue,
    /// Of another kind, or out of the column's range.
    Unfit,
}

/// What a cell's first character tells.
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    /// With its quotes and escapes.
    Text(&'a str),
    Array,
    Object,
}

impl<'a> Cell<'a> {
    pub(crate) fn of(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => Self::Text(raw),
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(raw),
        }
    }
}

/// The text that a JSON string stands for; `None` where it stands for none, as half a surrogate pair does.
pub(crate) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        return serde_json::from_str(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inside))
}

/// The double that a JSON number stands for; `None` where it is too large for one.
pub(crate) fn float(raw: &str) -> Option<f64> {
    raw.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A whole number, however it is written.
pub(crate) fn int(raw: &str) -> Option<i64> {
    raw.parse().ok().or_else(|| {
        let number = float(raw)?;
        // Beyond 2^53 a double no longer tells one whole number from the next.
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then(|| {
            #[allow(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
            let whole = number as i64;
            whole
        })
    })
}

/// An object that stands for no value of its own: exactly one key, `error` or `specialValue`, with a text.
#[derive(Debug, PartialEq)]
pub(crate) enum Marker {
    Error,
    /// The double it means, if it means one.
    Special(Option<f64>),
    None,
}

impl Marker {
    pub(crate) fn of(raw: &str) -> Self {
        // Objects with more in them than a marker are seen to be none without being read to their end.
        let mut json = serde_json::Deserializer::from_str(raw);
        json.deserialize_map(MarkerVisitor).unwrap_or(Self::None)
    }

    pub(crate) fn misfit(&self) -> Misfit {
        match self {
            Self::Error => Misfit::ErrorValue,
            Self::Special(_) => Misfit::SpecialValue,
            Self::None => Misfit::Unfit,
        }
    }
}

struct MarkerVisitor;

impl<'de> Visitor<'de> for MarkerVisitor {
    type Value = Marker;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Marker, A::Error> {
        let Some(key) = map.next_key::<Cow<'_, str>>()? else {
            return Ok(Marker::None);
        };
        let marker = match &*key {
            "error" => {
                map.next_value::<String>()?;
                Marker::Error
            }
            "specialValue" => Marker::Special(match map.next_value::<String>()?.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ => None,
            }),
            _ => return Ok(Marker::None),
        };
        let alone = map.next_key::<IgnoredAny>()?.is_none();
        Ok(if alone { marker } else { Marker::None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (raw, expected) in [
            (r#""plain ü""#, Some("plain ü")),
            (r#""""#, Some("")),
            (r#""a\n\"b\" \u00fc \ud83d\ude80""#, Some("a\n\"b\" ü 🚀")),
            (r#""half \ud83d""#, None),
            ("1", None),
        ] {
            assert_eq!(text(raw).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn numbers() {
        for (raw, as_float, as_int) in [
            ("0", Some(0.0), Some(0)),
            ("-7", Some(-7.0), Some(-7)),
            ("1.0", Some(1.0), Some(1)),
            ("1e3", Some(1000.0), Some(1000)),
            ("1.5", Some(1.5), None),
            ("0.1", Some(0.1), None),
            ("9007199254740993", Some(9_007_199_254_740_992.0), Some(9_007_199_254_740_993)),
            ("9223372036854775807", Some(9.223_372_036_854_776e18), Some(i64::MAX)),
            ("9223372036854775808", Some(9.223_372_036_854_776e18), None),
            ("1e999", None, None),
            ("-1e999", None, None),
            ("5e-324", Some(5e-324), None),
        ] {
            assert_eq!((float(raw), int(raw)), (as_float, as_int), "{raw}");
        }
    }

    #[test]
    fn markers() {
        for (raw, expected) in [
            (r##"{"error":"#ERROR!"}"##, Marker::Error),
            (r#"{"specialValue":"Infinity"}"#, Marker::Special(Some(f64::INFINITY))),
            (r#"{"specialValue":"-Infinity"}"#, Marker::Special(Some(f64::NEG_INFINITY))),
            (r#"{"specialValue":"Aleph"}"#, Marker::Special(None)),
            (r#"{"error":{"type":"x"}}"#, Marker::None),
            (r#"{"error":"x","id":"y"}"#, Marker::None),
            (r#"{"id":"usr1"}"#, Marker::None),
            ("{}", Marker::None),
        ] {
            assert_eq!(Marker::of(raw), expected, "{raw}");
        }
        assert!(matches!(Marker::of(r#"{"specialValue":"NaN"}"#), Marker::Special(Some(n)) if n.is_nan()));
    }
}

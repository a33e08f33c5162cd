//! What a cell is besides a value: why it does not fit, and the objects by which Airtable says that there is no value.

use crate::json::{Json, Kind, NotJson};
use crate::time::{Micros, timestamp_micros};

/// Why a cell is NULL although it is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// `{"error": "#ERROR!"}`: the formula failed for this record.
    ErrorValue,
    /// `{"specialValue": "NaN"}` and the like where no number belongs.
    SpecialValue,
    /// Of another kind, or out of the column's range.
    Unfit,
    /// A text with half a surrogate pair. The one misfit that is not NULL: U+FFFD stands in the half's place.
    HalfCharacter,
}

impl Misfit {
    /// What a cell with two misfits is told to be: one that made something NULL goes before a half character.
    pub(super) fn of_both(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        match first {
            None | Some(Self::HalfCharacter) => second.or(first),
            first => first,
        }
    }
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
    /// What an object is, given as its JSON text.
    pub(crate) fn of(raw: &str) -> Self {
        Self::read(&mut Json::new(raw)).unwrap_or(Self::None)
    }

    /// Reads no further than needed: most objects have other keys.
    fn read(json: &mut Json<'_>) -> Result<Self, NotJson> {
        if !json.open_object()? {
            return Ok(Self::None);
        }
        let is_error = match json.key()? {
            "error" => true,
            "specialValue" => false,
            _ => return Ok(Self::None),
        };
        if json.kind() != Kind::Text {
            return Ok(Self::None);
        }
        let marker = match json.text()?.text {
            _ if is_error => Self::Error,
            "NaN" => Self::Special(Some(f64::NAN)),
            "Infinity" => Self::Special(Some(f64::INFINITY)),
            "-Infinity" => Self::Special(Some(f64::NEG_INFINITY)),
            _ => Self::Special(None),
        };
        Ok(if json.next_in_object()? { Self::None } else { marker })
    }

    pub(crate) fn misfit(&self) -> Misfit {
        match self {
            Self::Error => Misfit::ErrorValue,
            Self::Special(_) => Misfit::SpecialValue,
            Self::None => Misfit::Unfit,
        }
    }
}

/// The time in microseconds that a cell holds, given as its JSON text.
pub(crate) fn moment(raw: &str) -> Option<Micros> {
    Json::new(raw).text().ok().and_then(|text| timestamp_micros(text.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers() {
        for (raw, expected) in [
            (r##"{"error":"#ERROR!"}"##, Marker::Error),
            (r##" { "\u0065rror" : "#ERROR!" } "##, Marker::Error),
            (r#"{"specialValue":"Infinity"}"#, Marker::Special(Some(f64::INFINITY))),
            (r#"{"specialValue":"-Infinity"}"#, Marker::Special(Some(f64::NEG_INFINITY))),
            (r#"{"specialValue":"Aleph"}"#, Marker::Special(None)),
            (r#"{"error":{"type":"x"}}"#, Marker::None),
            (r#"{"error":"half \ud83d"}"#, Marker::Error),
            (r#"{"specialValue":"\udc00"}"#, Marker::Special(None)),
            (r#"{"err\ud83dr":"x"}"#, Marker::None),
            (r#"{"error":"x","id":"y"}"#, Marker::None),
            (r#"{"id":"usr1"}"#, Marker::None),
            ("{}", Marker::None),
        ] {
            assert_eq!(Marker::of(raw), expected, "{raw}");
        }
        assert!(matches!(Marker::of(r#"{"specialValue":"NaN"}"#), Marker::Special(Some(n)) if n.is_nan()));
    }
}

//! Between cells (JSON) and the values of formulas.
//!
//! Reading goes by the JSON's shape and the field's value type; writing goes by the type that a computed
//! field promises in its `result`. Error cells pass through both ways.

use serde_json::{Value as Json, json};

use crate::clock::{datetime, parse_ms, stamp, whole_second, write_date};
use crate::data::plain::plain_text;
use crate::formula::Value;

/// The value of a cell's JSON for a formula; `kind` is the type of the values (see `Field::value_kind`).
pub(crate) fn from_cell(kind: &str, json: &[u8]) -> Value {
    serde_json::from_slice(json).map_or(Value::Error, |json| from_json(kind, &json))
}

fn from_json(kind: &str, json: &Json) -> Value {
    match json {
        Json::Null | Json::Bool(false) => Value::Blank,
        Json::Bool(true) => Value::Number(1.0),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) if matches!(kind, "date" | "dateTime") => {
            parse_ms(text).map_or_else(|| Value::Text(text.clone()), |ms| Value::Date(datetime(ms)))
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(|item| from_json(kind, item)).collect()),
        Json::Object(object) if object.contains_key("specialValue") => {
            Value::Number(match object["specialValue"].as_str() {
                Some("Infinity") => f64::INFINITY,
                Some("-Infinity") => f64::NEG_INFINITY,
                _ => f64::NAN,
            })
        }
        Json::Object(object) if object.len() == 1 && object.contains_key("error") => Value::Error,
        Json::Object(_) => match plain_text(json) {
            text if text.is_empty() => Value::Blank,
            text => Value::Text(text),
        },
    }
}

/// A number's JSON: whole numbers without a point, and what is no number as Airtable's special values.
pub(crate) fn number_json(number: f64) -> Json {
    if number.is_nan() {
        return json!({"specialValue": "NaN"});
    }
    if number.is_infinite() {
        return json!({"specialValue": if number > 0.0 { "Infinity" } else { "-Infinity" }});
    }
    // Beyond 2^53 a double is whole anyway and its shortest form is clearer.
    #[allow(clippy::cast_possible_truncation)]
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        return json!(number as i64);
    }
    json!(number)
}

/// The cell that a computed field of result type `kind` shows for a value; `None` if empty.
pub(crate) fn to_cell(kind: &str, value: &Value) -> Option<Vec<u8>> {
    let json = to_json(kind, value)?;
    Some(json.to_string().into_bytes())
}

fn to_json(kind: &str, value: &Value) -> Option<Json> {
    Some(match value {
        Value::Error => json!({"error": "#ERROR!"}),
        _ if kind == "checkbox" => return value.is_truthy().then_some(Json::Bool(true)),
        Value::Blank => return None,
        Value::Number(number) => number_json(*number),
        Value::Text(text) if text.is_empty() => return None,
        Value::Text(text) => json!(text),
        Value::Date(time) if kind == "date" => {
            let mut day = Vec::with_capacity(10);
            write_date(&mut day, time.timestamp_millis());
            json!(String::from_utf8(day).unwrap_or_default())
        }
        Value::Date(time) => json!(stamp(whole_second(time.timestamp_millis()))),
        Value::Array(items) => {
            let items: Vec<Json> = items.iter().filter_map(|item| to_json(kind, item)).collect();
            if items.is_empty() {
                return None;
            }
            json!(items)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_computed_fields() {
        let cases = [
            ("number", Value::Number(3.0), Some("3")),
            ("number", Value::Number(0.25), Some("0.25")),
            ("number", Value::Number(f64::NAN), Some(r#"{"specialValue":"NaN"}"#)),
            ("number", Value::Number(f64::NEG_INFINITY), Some(r#"{"specialValue":"-Infinity"}"#)),
            ("checkbox", Value::Number(0.0), None),
            ("checkbox", Value::Number(1.0), Some("true")),
            ("singleLineText", Value::Text(String::new()), None),
            ("singleLineText", Value::Error, Some(r##"{"error":"#ERROR!"}"##)),
            ("date", Value::Date(datetime(1_663_016_628_123)), Some("\"2022-09-12\"")),
            ("dateTime", Value::Date(datetime(1_663_016_628_123)), Some("\"2022-09-12T21:03:48.000Z\"")),
            ("number", Value::Array(vec![Value::Number(1.0), Value::Blank]), Some("[1]")),
        ];
        for (kind, value, expected) in cases {
            let cell = to_cell(kind, &value).map(|json| String::from_utf8(json).expect("JSON is UTF-8"));
            assert_eq!(cell.as_deref(), expected, "{kind}");
        }
    }

    #[test]
    fn objects_read_as_their_names() {
        let cases = [
            (json!({"id": "usr1", "name": "Ada"}), "Ada"),
            (json!({"text": "4006381333931"}), "4006381333931"),
            (json!({"state": "generated", "value": "ok"}), "ok"),
            (json!(["a", {"id": "usr1", "email": "a@example.com"}]), "a, a@example.com"),
        ];
        for (cell, expected) in cases {
            assert_eq!(plain_text(&cell), expected);
        }
        assert!(matches!(from_cell("number", br##"{"error":"#ERROR!"}"##), Value::Error));
    }
}

//! `cellFormat=string`: cells as a person would read them in a grid.
//!
//! Airtable says that this form is not stable, so only its spirit is kept: numbers with their precision and
//! sign, dates in their field's format and in the asked time zone, everything else by name.

use std::str::FromStr;

use serde_json::Value;

use crate::clock::{datetime, parse_ms};
use crate::data::base::Base;
use crate::data::field::Field;
use crate::data::index::{FieldIndex, TableIndex};
use crate::data::plain::plain_text;

/// One cell as text.
pub(crate) fn cell_string(base: &Base, table: TableIndex, field: FieldIndex, json: &[u8], zone: &str) -> String {
    let of = &base[table][field];
    if of.kind == "multipleRecordLinks" {
        return base.cell_text(table, field, json);
    }
    let Ok(value) = serde_json::from_slice::<Value>(json) else {
        return String::new();
    };
    match &value {
        Value::Array(items) => items.iter().map(|item| scalar(of, item, zone)).collect::<Vec<_>>().join(", "),
        value => scalar(of, value, zone),
    }
}

fn scalar(field: &Field, value: &Value, zone: &str) -> String {
    let kind = field.value_kind();
    match (kind, value) {
        (_, Value::Number(number)) => {
            let number = number.as_f64().unwrap_or(0.0);
            let precision = setting(field, "precision").and_then(Value::as_u64).and_then(|p| usize::try_from(p).ok());
            match (kind, precision) {
                ("percent", precision) => format!("{:.*}%", precision.unwrap_or(0), number * 100.0),
                ("currency", precision) => {
                    let symbol = setting(field, "symbol").and_then(Value::as_str).unwrap_or("$");
                    format!("{symbol}{number:.*}", precision.unwrap_or(2))
                }
                ("duration", _) => format!("{}:{:02}", (number / 3600.0).floor(), (number / 60.0 % 60.0).floor()),
                ("number", Some(precision)) => format!("{number:.precision$}"),
                _ => plain_text(value),
            }
        }
        ("date" | "dateTime", Value::String(text)) => {
            parse_ms(text).map_or_else(|| text.clone(), |ms| day(field, kind, ms, zone))
        }
        _ => plain_text(value),
    }
}

/// An option of the field, or of the result of a computed field.
fn setting<'a>(field: &'a Field, key: &str) -> Option<&'a Value> {
    let result = field.option("result").and_then(|result| result.get("options"));
    field.option(key).or_else(|| result?.get(key))
}

fn day(field: &Field, kind: &str, ms: i64, zone: &str) -> String {
    let name = setting(field, "dateFormat").and_then(|format| format.get("name")?.as_str()).unwrap_or("iso");
    let date = match name {
        "us" | "local" => "%-m/%-d/%Y",
        "european" => "%-d/%-m/%Y",
        "friendly" => "%B %-d, %Y",
        _ => "%Y-%m-%d",
    };
    if kind == "date" {
        return datetime(ms).format(date).to_string();
    }
    let hours = setting(field, "timeFormat").and_then(|format| format.get("name")?.as_str());
    let time = if hours == Some("12hour") { "%-I:%M%P" } else { "%H:%M" };
    let zone = chrono_tz::Tz::from_str(zone).unwrap_or(chrono_tz::UTC);
    datetime(ms).with_timezone(&zone).format(&format!("{date} {time}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_dates_as_shown() {
        let cases = [
            (json!({"type": "currency", "options": {"precision": 2, "symbol": "€"}}), json!(3.5), "€3.50"),
            (json!({"type": "percent", "options": {"precision": 1}}), json!(0.123), "12.3%"),
            (json!({"type": "duration", "options": {"durationFormat": "h:mm"}}), json!(5400), "1:30"),
            (json!({"type": "date", "options": {"dateFormat": {"name": "european"}}}), json!("2024-03-09"), "9/3/2024"),
            (
                json!({"type": "dateTime", "options": {"timeFormat": {"name": "24hour"}}}),
                json!("2024-07-01T12:00:00.000Z"),
                "2024-07-01 14:00",
            ),
            (json!({"type": "checkbox"}), json!(true), "checked"),
        ];
        for (definition, cell, expected) in cases {
            let field = Field::from_json(&definition, "fld1".into());
            assert_eq!(scalar(&field, &cell, "Europe/Berlin"), expected);
        }
    }
}

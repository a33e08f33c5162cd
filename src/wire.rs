//! What Airtable sends, as serde structs: bases, tables, fields, errors. Records are not here: they never become structs
//! (see [`crate::decode`]).
//!
//! Airtable adds properties and types without notice, so every struct ignores what it does not know, and nothing is
//! required that this crate can do without.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET /v0/meta/bases`, one page.
#[derive(Debug, Deserialize)]
pub(crate) struct Bases {
    pub(crate) bases: Vec<Base>,
    pub(crate) offset: Option<String>,
}

/// A base that the token sees.
#[derive(Debug, Clone, Deserialize)]
pub struct Base {
    /// `app...`.
    pub id: String,
    /// The name, which several bases may share.
    #[serde(default)]
    pub name: String,
}

/// `GET /v0/meta/bases/{baseId}/tables`: every table of the base, never paged.
#[derive(Debug, Deserialize)]
pub(crate) struct Tables {
    pub(crate) tables: Vec<Table>,
}

/// A table's definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table {
    /// `tbl...`.
    pub(crate) id: String,
    /// Unique in the base without regard to case.
    pub(crate) name: String,
    /// The field whose texts stand for a record in links.
    #[serde(default)]
    pub(crate) primary_field_id: String,
    /// In the table's order.
    pub(crate) fields: Vec<Field>,
    /// Grids, calendars and so on.
    #[serde(default)]
    pub(crate) views: Vec<View>,
}

/// A field's definition.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Field {
    /// `fld...`.
    pub(crate) id: String,
    /// Unique in the table without regard to case.
    pub(crate) name: String,
    /// One of Airtable's type names, or one that this crate does not know yet.
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    /// What the base's makers wrote about it.
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// Depends on the type; may be missing, null, or of another form than documented.
    #[serde(default)]
    pub(crate) options: Value,
}

/// A view's definition.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct View {
    /// `viw...`.
    pub(crate) id: String,
    /// The name.
    pub(crate) name: String,
}

/// The body of a refused request, in any of the four shapes in which Airtable sends it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    pub(crate) kind: String,
    pub(crate) message: String,
}

/// Longer texts from a server are cut: an error is one line that a person reads.
const LONGEST_MESSAGE: usize = 300;

impl ErrorBody {
    /// Reads `{"error": {"type", "message"}}`, `{"error": {"type"}}`, `{"error": "TYPE"}` and
    /// `{"errors": [{"error", "message"}]}`. Anything else, such as a proxy's page, has neither.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let error = match (&body["error"], &body["errors"][0]) {
            (Value::String(kind), _) => {
                return Self { kind: line(kind), message: String::new() };
            }
            (error @ Value::Object(_), _) | (_, error) => error,
        };
        let text = |key: &str| error[key].as_str().map(line).unwrap_or_default();
        let kind = Some(text("type")).filter(|kind| !kind.is_empty()).unwrap_or_else(|| text("error"));
        Self { kind, message: text("message") }
    }
}

/// `text` as one line of bounded length.
pub(crate) fn line(text: &str) -> String {
    let mut line: String =
        text.split(|c: char| c.is_control() || c == ' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() > LONGEST_MESSAGE {
        line = line.chars().take(LONGEST_MESSAGE).chain("...".chars()).collect();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_shapes_and_none() {
        let body = |kind: &str, message: &str| ErrorBody { kind: kind.into(), message: message.into() };
        for (text, expected) in [
            (r#"{"error":{"type":"INVALID_FILTER_BY_FORMULA","message":"m"}}"#, body("INVALID_FILTER_BY_FORMULA", "m")),
            (r#"{"error":{"type":"NOT_FOUND"}}"#, body("NOT_FOUND", "")),
            (r#"{"error":"NOT_FOUND"}"#, body("NOT_FOUND", "")),
            (r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"m"}]}"#, body("RATE_LIMIT_REACHED", "m")),
            (r#"{"errors":[{"type":"X","message":7}]}"#, body("X", "")),
            (r#"{"error":null}"#, body("", "")),
            (r#"{"errors":[]}"#, body("", "")),
            ("<html>502</html>", body("", "")),
            ("[1]", body("", "")),
            ("", body("", "")),
        ] {
            assert_eq!(ErrorBody::parse(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_message_is_one_short_line() {
        assert_eq!(line("a\n b\u{7}  c"), "a b c");
        assert_eq!(line(&"x".repeat(999)).len(), LONGEST_MESSAGE + 3);
    }

    #[test]
    fn definitions_survive_what_is_new_or_missing() {
        let table = r#"{"id":"tbl1","name":"T","news":1,"fields":[{"id":"fld1","name":"a","options":null},
            {"id":"fld2","name":"b","type":"hologram","options":"odd"}]}"#;
        let table: Table = serde_json::from_str(table).expect("lenient");
        assert_eq!(table.fields[1].kind, "hologram");
        assert!(table.views.is_empty() && table.fields[0].options.is_null());
    }
}

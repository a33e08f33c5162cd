//! A field: its definition as clients see it, and how its cells come about.
//!
//! The definition is kept as the JSON of `options`, because a mock must be able to show definitions that
//! Airtable documents nowhere. What the server itself needs to know, [`Calc`], is derived from it whenever
//! the schema changes (see `plan`).

use serde_json::{Map, Value, json};

use super::index::FieldIndex;
use crate::formula::Formula;

/// How a computed cell is computed. Indices are those of fields in the same table, except `target`.
#[derive(Debug, Clone, Default)]
pub(crate) enum Calc {
    /// Not computed: written by people, or set once by the generator.
    #[default]
    Stored,
    /// A computed field whose definition refers to something that does not exist (any more).
    Invalid,
    /// Part of a cycle of computed fields.
    Circular,
    Formula(Formula),
    Lookup {
        link: FieldIndex,
        target: FieldIndex,
    },
    Rollup {
        link: FieldIndex,
        target: FieldIndex,
        formula: Formula,
    },
    Count {
        link: FieldIndex,
    },
    CreatedTime,
    LastModifiedTime(Vec<FieldIndex>),
    CreatedBy,
    LastModifiedBy(Vec<FieldIndex>),
    AutoNumber,
    Button,
}

/// A field of a table.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Airtable's type string, for example `singleLineText`.
    pub(crate) kind: String,
    /// Left out of the definition if `None`.
    pub(crate) options: Option<Value>,
    /// Keys that only the mock understands: `aggregation`, `static`, `label`, `url`.
    pub(crate) private: Value,
    /// Replaces keys of the shown definition, set by tests.
    pub(crate) overlay: Option<Map<String, Value>>,
    /// Removed fields keep their index, so that cells need no renumbering.
    pub(crate) alive: bool,
    pub(crate) calc: Calc,
    /// `"Name":` and `"fld...":`, ready for a page.
    pub(crate) key_by_name: Box<[u8]>,
    pub(crate) key_by_id: Box<[u8]>,
    /// Cells hold attachment URLs, which are signed anew each time they are sent.
    pub(crate) has_urls: bool,
}

/// Types whose cells nobody writes.
const COMPUTED: [&str; 13] = [
    "formula",
    "rollup",
    "multipleLookupValues",
    "lookup",
    "count",
    "createdTime",
    "lastModifiedTime",
    "createdBy",
    "lastModifiedBy",
    "autoNumber",
    "button",
    "externalSyncSource",
    "manualSort",
];

impl Field {
    /// A field from a definition of the schema's form; `id` is used if the definition names none.
    pub(crate) fn from_json(definition: &Value, id: String) -> Self {
        let text = |key: &str| definition.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut field = Self {
            id: text("id").unwrap_or(id),
            name: text("name").unwrap_or_default(),
            description: text("description").filter(|text| !text.is_empty()),
            kind: text("type").unwrap_or_else(|| "singleLineText".into()),
            options: definition.get("options").cloned(),
            private: definition.get("mock").cloned().unwrap_or(Value::Null),
            overlay: None,
            alive: true,
            calc: Calc::Stored,
            key_by_name: Box::default(),
            key_by_id: Box::default(),
            has_urls: false,
        };
        field.refresh_keys();
        field
    }

    /// To be called after a change of name or id.
    pub(crate) fn refresh_keys(&mut self) {
        let key = |text: &str| format!("{}:", Value::from(text)).into_bytes().into_boxed_slice();
        self.key_by_name = key(&self.name);
        self.key_by_id = key(&self.id);
    }

    pub(crate) fn option(&self, key: &str) -> Option<&Value> {
        self.options.as_ref()?.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn option_text(&self, key: &str) -> Option<&str> {
        self.option(key)?.as_str()
    }

    pub(crate) fn set_option(&mut self, key: &str, value: Value) {
        let options = self.options.get_or_insert_with(|| json!({}));
        if let Some(options) = options.as_object_mut() {
            options.insert(key.into(), value);
        }
    }

    pub(crate) fn private_text(&self, key: &str) -> Option<&str> {
        self.private.get(key)?.as_str()
    }

    /// The type of the values in the cells: for a computed field, that of its `result`.
    pub(crate) fn value_kind(&self) -> &str {
        match self.kind.as_str() {
            "formula" | "rollup" | "multipleLookupValues" | "lookup" | "createdTime" | "lastModifiedTime" => self
                .option("result")
                .and_then(|result| result.get("type")?.as_str())
                .unwrap_or(match self.kind.as_str() {
                    "createdTime" | "lastModifiedTime" => "dateTime",
                    _ => "singleLineText",
                }),
            kind => kind,
        }
    }

    pub(crate) fn is_lookup(&self) -> bool {
        matches!(self.kind.as_str(), "multipleLookupValues" | "lookup")
    }

    /// Whether a client may write cells of this field.
    pub(crate) fn is_writable(&self) -> bool {
        !COMPUTED.contains(&self.kind.as_str())
    }

    pub(crate) fn is_computed(&self) -> bool {
        !matches!(self.calc, Calc::Stored)
    }

    /// The names of a select's options, in their order.
    pub(crate) fn choices(&self) -> impl Iterator<Item = &Value> {
        self.option("choices").and_then(Value::as_array).into_iter().flatten()
    }

    pub(crate) fn choice(&self, name: &str) -> Option<&Value> {
        self.choices().find(|choice| choice.get("name").and_then(Value::as_str) == Some(name))
    }

    /// The definition as `GET .../tables` shows it.
    pub(crate) fn definition(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("id".into(), json!(self.id));
        shown.insert("name".into(), json!(self.name));
        shown.insert("type".into(), json!(self.kind));
        if let Some(description) = &self.description {
            shown.insert("description".into(), json!(description));
        }
        if let Some(options) = &self.options {
            shown.insert("options".into(), self.shown_options(options));
        }
        for (key, value) in self.overlay.iter().flatten() {
            shown.insert(key.clone(), value.clone());
        }
        Value::Object(shown)
    }

    fn shown_options(&self, options: &Value) -> Value {
        let mut options = options.clone();
        if let (Calc::Invalid, Some(map)) = (&self.calc, options.as_object_mut()) {
            map.insert("isValid".into(), json!(false));
            map.insert("result".into(), Value::Null);
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_escaped_json() {
        let field = Field::from_json(&json!({"name": "5\" \\ \u{e9}", "type": "number"}), "fld1".into());
        assert_eq!(&*field.key_by_name, "\"5\\\" \\\\ \u{e9}\":".as_bytes());
        assert_eq!(&*field.key_by_id, b"\"fld1\":");
    }

    #[test]
    fn an_overlay_replaces_what_clients_see() {
        let mut field =
            Field::from_json(&json!({"name": "A", "type": "number", "options": {"precision": 1}}), "fld1".into());
        field.overlay = json!({"options": null, "type": "hologram"}).as_object().cloned();
        assert_eq!(field.definition(), json!({"id": "fld1", "name": "A", "type": "hologram", "options": null}));
        assert_eq!(field.kind, "number");
    }
}

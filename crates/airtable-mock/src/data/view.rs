//! A view: which records of a table it shows, and in which order.
//!
//! Airtable's API tells a view's name, type and visible fields, but not its filter and sort order; the mock
//! keeps these as a formula and a list of fields, given under the key `mock` when the view is made.

use serde_json::{Map, Value, json};

use crate::formula::Formula;

/// A view of a table.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `grid`, `form`, `calendar`, `gallery`, `kanban`, `timeline` or `block`.
    pub(crate) kind: String,
    /// Fields shown, by id; `None` shows all.
    pub(crate) visible: Option<Vec<String>>,
    pub(crate) filter_text: Option<String>,
    /// Compiled whenever the schema changes.
    pub(crate) filter: Option<Formula>,
    /// Field ids or names, and whether descending.
    pub(crate) sort: Vec<(String, bool)>,
}

impl View {
    /// A view from its definition; `id` is used if it names none.
    pub(crate) fn from_json(definition: &Value, id: String) -> Self {
        let text = |key: &str| definition.get(key).and_then(Value::as_str).map(str::to_owned);
        let private = definition.get("mock").unwrap_or(&Value::Null);
        let names = |value: &Value| -> Option<Vec<String>> {
            Some(value.as_array()?.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
        };
        let sort = private.get("sort").and_then(Value::as_array).into_iter().flatten();
        Self {
            id: text("id").unwrap_or(id),
            name: text("name").unwrap_or_else(|| "Grid view".into()),
            kind: text("type").unwrap_or_else(|| "grid".into()),
            visible: definition.get("visibleFieldIds").and_then(names),
            filter_text: private.get("filter").and_then(Value::as_str).map(str::to_owned),
            filter: None,
            sort: sort
                .filter_map(|key| {
                    let descending = key.get("direction").and_then(Value::as_str) == Some("desc");
                    Some((key.get("field")?.as_str()?.to_owned(), descending))
                })
                .collect(),
        }
    }

    /// The definition; `all_fields` are the ids shown by a view that hides nothing.
    pub(crate) fn definition(&self, all_fields: Option<Vec<&str>>) -> Value {
        let mut shown = Map::new();
        shown.insert("id".into(), json!(self.id));
        shown.insert("name".into(), json!(self.name));
        shown.insert("type".into(), json!(self.kind));
        if let (Some(all), "grid") = (all_fields, self.kind.as_str()) {
            let visible = self.visible.as_ref().map_or_else(|| json!(all), |visible| json!(visible));
            shown.insert("visibleFieldIds".into(), visible);
        }
        Value::Object(shown)
    }
}

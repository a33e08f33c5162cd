//! Links to records of other tables, as fields have them. Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::airtable::schema::Field;
use crate::columns::{Object, Shape};
use crate::options::Links;

/// Links that are given by the names of their records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedLinks {
    /// `tbl...`: where the records are.
    pub table_id: String,
    /// Names alone, or with the ids.
    pub form: Links,
}

impl NamedLinks {
    /// Those of a field, if it has links and they are to be named. Lookups of links are links, too: Airtable gives the ids
    /// that the looked-up cells hold.
    pub(super) fn of(field: &Field, form: Links) -> Option<Self> {
        if form == Links::Ids {
            return None;
        }
        let result = &field.options["result"];
        let options = match field.kind.as_str() {
            "multipleRecordLinks" => &field.options,
            "multipleLookupValues" | "lookup" if result["type"] == "multipleRecordLinks" => &result["options"],
            _ => &Value::Null,
        };
        let table_id = options["linkedTableId"].as_str()?.to_owned();
        Some(Self { table_id, form })
    }

    /// What a cell becomes.
    pub(super) fn shape(&self) -> Shape {
        match self.form {
            Links::Both => Shape::List(Box::new(Shape::Struct(Object::Link))),
            Links::Names | Links::Ids => Shape::List(Box::new(Shape::Text)),
        }
    }
}

/// What cells of links are, as Airtable sends them.
pub(super) fn cells(kind: &str) -> Shape {
    let id = Box::new(Shape::Text);
    if kind == "multipleRecordLinks" { Shape::List(id) } else { Shape::Lookup(id) }
}

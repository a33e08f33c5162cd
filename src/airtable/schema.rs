//! What Airtable sends, as serde structs: bases, tables, fields, views. Records are not here: they never become structs
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
#[serde(rename_all = "camelCase")]
pub struct Base {
    /// `app...`.
    pub id: String,
    /// The name, which several bases may share.
    #[serde(default)]
    pub name: String,
    /// What the token's user may do there: `none`, `read`, `comment`, `edit` or `create`.
    #[serde(default)]
    pub(crate) permission_level: Value,
}

impl Base {
    /// Something of it can be read.
    pub(crate) fn is_open(&self) -> bool {
        self.permission_level != "none"
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_survive_what_is_new_or_missing() {
        let table = r#"{"id":"tbl1","name":"T","news":1,"fields":[{"id":"fld1","name":"a","options":null},
            {"id":"fld2","name":"b","type":"hologram","options":"odd"}]}"#;
        let table: Table = serde_json::from_str(table).expect("lenient");
        assert_eq!(table.fields[1].kind, "hologram");
        assert!(table.views.is_empty() && table.fields[0].options.is_null());
    }
}

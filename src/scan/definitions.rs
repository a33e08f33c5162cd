//! What users are told of a base's tables: Airtable's definitions, and beside each field the column that a read makes of it.
//! Pure.

use serde::Serialize;
use serde_json::Value;

use crate::airtable::schema::{Field, Table};
use crate::options::ColumnNames;
use crate::scan::columns::names_by_id;
use crate::scan::names::Naming;

/// A table, as a base defines it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableDefinition {
    /// `tbl...`; empty where Airtable's definition has none, and then it cannot be read.
    pub id: String,
    /// Unique in the base without regard to case.
    pub name: String,
    /// What the base's makers wrote about it.
    pub description: Option<String>,
    /// The id of the field whose texts stand for a record in links; empty where there is none.
    pub primary_field_id: String,
    /// In the table's order.
    pub fields: Vec<FieldDefinition>,
    /// Grids, calendars and so on.
    pub views: Vec<ViewDefinition>,
}

/// A field, and its column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDefinition {
    /// `fld...`.
    pub id: String,
    /// Unique in the table without regard to case.
    pub name: String,
    /// Airtable's word for its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What a read calls its column; `None` where the definition lacks what a column needs.
    pub column: Option<String>,
    /// As Airtable tells them; they depend on the type.
    pub options: Value,
    /// What the base's makers wrote about it.
    pub description: Option<String>,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewDefinition {
    /// `viw...`.
    pub id: String,
    /// Unique in the table.
    pub name: String,
    /// Airtable's word for its type: `grid`, `kanban` and so on.
    #[serde(rename = "type")]
    pub kind: String,
}

impl TableDefinition {
    /// The definition, with columns named as such a read names them.
    pub(crate) fn new(table: &Table, naming: &Naming) -> Self {
        let names = names_by_id(table, naming);
        let needs_name = naming.column_names != ColumnNames::Id;
        let has_column = |field: &&Field| table.check_field(field, needs_name).is_ok();
        let field = |field: &Field| FieldDefinition {
            id: field.id.clone(),
            name: field.name.clone(),
            kind: field.kind.clone(),
            column: Some(field).filter(has_column).and_then(|field| names.get(field.id.as_str()).cloned()),
            options: field.options.clone(),
            description: field.description.clone().filter(|text| !text.is_empty()),
        };
        let views = table.views.iter();
        Self {
            id: table.id.clone(),
            name: table.name.clone(),
            description: table.description.clone().filter(|text| !text.is_empty()),
            primary_field_id: table.primary_field_id.clone(),
            fields: table.fields.iter().map(field).collect(),
            views: views
                .map(|view| ViewDefinition { id: view.id.clone(), name: view.name.clone(), kind: view.kind.clone() })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::json;

    use super::*;
    use crate::airtable::schema::Tables;
    use crate::options::Options;

    fn defined(column_names: &str) -> TableDefinition {
        let table = json!({
            "id": "tbl1", "name": "T", "primaryFieldId": "fld1", "description": "",
            "fields": [
                {"id": "fld1", "name": "Name", "type": "singleLineText", "description": "who"},
                {"id": "fld2", "name": "name", "type": "number", "options": {"precision": 2}},
                {"id": "fld3", "name": 7, "type": "hologram"},
                {"id": null, "name": "lost", "type": "email"},
            ],
            "views": [{"id": "viw1", "name": "Grid", "type": "grid"}, {"id": "viw2", "name": "Odd"}],
        });
        let table = Tables::deserialize(json!({"tables": [table]})).expect("lenient").tables.remove(0);
        let options = [("token", "patA"), ("base_id", "app00000000000001"), ("column_names", column_names)];
        TableDefinition::new(&table, &Naming::of(&Options::parse(options).expect("options").read))
    }

    #[test]
    fn columns_are_those_of_a_read() {
        let columns = |rule| defined(rule).fields.into_iter().map(|field| field.column).collect::<Vec<_>>();
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(columns("snake"), [some("name_fld1"), some("name_fld2"), None, None]);
        assert_eq!(columns("original"), [some("Name_fld1"), some("name_fld2"), None, None]);
        assert_eq!(columns("id"), [some("fld1"), some("fld2"), some("fld3"), None]);
    }

    #[test]
    fn the_rest_is_airtables() {
        let table = defined("snake");
        assert_eq!((table.description, table.primary_field_id.as_str()), (None, "fld1"));
        assert_eq!(table.fields[0].description.as_deref(), Some("who"));
        assert_eq!((&table.fields[0].options, &table.fields[1].options), (&Value::Null, &json!({"precision": 2})));
        assert_eq!(table.fields.iter().map(|field| field.kind.as_str()).collect::<Vec<_>>()[2], "hologram");
        assert_eq!(table.views.iter().map(|view| view.kind.as_str()).collect::<Vec<_>>(), ["grid", ""]);
    }
}

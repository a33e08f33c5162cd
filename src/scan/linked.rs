//! The tables that links lead to, and what names the records there. Pure.
//!
//! A record's name is the text of its primary field as the records API gives it. `cellFormat=string` would give what people
//! see, but needs a time zone and a locale, and Airtable promises nothing about the form of its texts: a copy would change
//! without an edit.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::airtable::schema::Table;
use crate::columns::{Object, Shape};
use crate::error::{Error, Result};
use crate::options::{Links, ReadOptions};
use crate::scan::links::{NamedLinks, cells};
use crate::scan::{Column, FieldSource, Source};

/// A table that links lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedTable {
    /// `tbl...`.
    pub id: String,
    /// For messages.
    pub name: String,
    /// The field whose texts are the names; none where the base has told of no such table or field.
    pub primary_field: Option<PrimaryField>,
}

/// The field that names a table's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimaryField {
    /// `fld...`.
    pub id: String,
    /// Airtable's word for its type.
    pub kind: String,
}

/// The tables that named links lead to, each once, in the order of the columns.
pub(super) fn linked_tables(columns: &[Column], tables: &[Table]) -> Vec<LinkedTable> {
    let mut linked = Vec::<LinkedTable>::new();
    for links in columns.iter().filter_map(Column::links) {
        if linked.iter().all(|table| table.id != links.table_id) {
            linked.push(LinkedTable::of(&links.table_id, tables));
        }
    }
    linked
}

/// What a plan gives, and reads for it, whose rows are the linked records in such columns: the second list has the
/// record's id and the columns that hold links. A lookup of links is none of them: what it gives follows from the links of
/// both tables.
///
/// # Errors
/// [`Error::Option`] for fields that are no links.
pub(super) fn part(given: Vec<Column>, table: &Table, options: &ReadOptions) -> Result<(Vec<Column>, Vec<Column>)> {
    let (mut hidden, mut others) = (vec![Column::new("id", false, Source::RecordId)], Vec::new());
    for column in given {
        let Source::Field(source) = &column.source else { continue };
        let Some(field) = table.fields.iter().find(|field| field.id == source.id) else { continue };
        if field.kind == "multipleRecordLinks" {
            let links = NamedLinks::of(field, Links::Names).map(|links| NamedLinks { form: Links::Ids, ..links });
            let source = FieldSource { shape: cells(&field.kind), links, ..source.clone() };
            hidden.push(Column { source: Source::Field(source), ..column });
        } else {
            others.push(format!("{:?}, of type {}", field.name, field.kind));
        }
    }
    if options.fields.is_some() && !others.is_empty() {
        let (others, links) = (others.join(", "), link_fields(table));
        let said =
            format!("option fields has {others}, and option part is links: name fields that link records{links}");
        return Err(Error::Option(said.into()).of_option("fields"));
    }
    Ok((part_columns(), hidden))
}

/// Those of a table, for a message.
fn link_fields(table: &Table) -> String {
    let links = table.fields.iter().filter(|field| field.kind == "multipleRecordLinks");
    let names: Vec<String> = links.map(|field| format!("{:?}", field.name)).collect();
    if names.is_empty() { ": it has none".to_owned() } else { format!(", such as {}", names.join(", ")) }
}

fn part_columns() -> Vec<Column> {
    use Shape::{Int, Text};
    vec![
        Column::new("id", false, Source::RecordId),
        Column::fact("field_id", Text, false, "id of the field"),
        Column::fact("field", Text, false, "name of the field"),
        Column::fact("position", Int, false, "place in the cell, from 0"),
        Column::fact("linked_table_id", Text, true, "id of the table that the link leads to"),
        Column::fact("linked_id", Text, false, "id of the linked record"),
    ]
}

impl LinkedTable {
    fn of(id: &str, tables: &[Table]) -> Self {
        let Some(table) = tables.iter().find(|table| table.id == id) else {
            return Self { id: id.to_owned(), name: id.to_owned(), primary_field: None };
        };
        let primary = table.fields.iter().find(|field| field.id == table.primary_field_id);
        let primary_field = primary.map(|field| PrimaryField { id: field.id.clone(), kind: field.kind.clone() });
        Self { id: id.to_owned(), name: table.name.clone(), primary_field }
    }

    /// The columns of a read of the names: ids, primary fields, and what is wrong with these, which is told nowhere else.
    /// None where it is not known what names the records.
    pub(crate) fn columns(&self) -> Option<Vec<Column>> {
        let primary = self.primary_field.as_ref()?;
        let field = FieldSource {
            id: primary.id.clone(),
            name: "name".to_owned(),
            kind: primary.kind.clone(),
            description: None,
            shape: name_object(&primary.kind).map_or(Shape::Any, Shape::Struct),
            links: None,
            attachments: None,
        };
        Some(vec![
            Column::new("id", false, Source::RecordId),
            Column::new("name", true, Source::Field(field)),
            Column::new("_rescued_data", true, Source::Rescued),
        ])
    }
}

/// The objects among the cells that name records.
fn name_object(kind: &str) -> Option<Object> {
    match Shape::of(kind, &Value::Null) {
        Shape::Struct(object) if name_property(object).is_some() => Some(object),
        _ => None,
    }
}

/// The property that a reader of such a cell would call its text.
fn name_property(object: Object) -> Option<&'static str> {
    match object {
        Object::Barcode => Some("text"),
        Object::AiText => Some("value"),
        Object::Collaborator => Some("name"),
        Object::Button => Some("label"),
        _ => None,
    }
}

impl PrimaryField {
    /// The property of its cells that is the name, where they are objects.
    pub(crate) fn property(&self) -> Option<&'static str> {
        name_object(&self.kind).and_then(name_property)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::airtable::schema::Tables;
    use crate::options::Options;
    use crate::scan::{Listed, Part, Scan, Selection};

    fn tables() -> Vec<Table> {
        let link = |table: &str| json!({"linkedTableId": table, "isReversed": false});
        let lookup =
            |kind: &str, options: Value| json!({"isValid": true, "result": {"type": kind, "options": options}});
        let tables = json!({"tables": [
            {"id": "tblTasks", "name": "Tasks", "primaryFieldId": "fldTask", "fields": [
                {"id": "fldTask", "name": "Task", "type": "singleLineText"},
                {"id": "fldParts", "name": "Parts", "type": "multipleRecordLinks", "options": link("tblParts")},
                {"id": "fldGone", "name": "Gone", "type": "multipleRecordLinks", "options": link("tblGone")},
                {"id": "fldMakers", "name": "Makers", "type": "multipleLookupValues",
                 "options": lookup("multipleRecordLinks", link("tblParts"))},
                {"id": "fldSizes", "name": "Sizes", "type": "multipleLookupValues",
                 "options": lookup("number", json!({"precision": 0}))},
                {"id": "fldOdd", "name": "Odd", "type": "multipleLookupValues",
                 "options": lookup("multipleRecordLinks", Value::Null)},
                {"id": "fldSum", "name": "Sum", "type": "rollup",
                 "options": lookup("multipleRecordLinks", link("tblParts"))},
            ], "views": []},
            {"id": "tblParts", "name": "Parts", "primaryFieldId": "fldCode", "fields": [
                {"id": "fldCode", "name": "Code", "type": "barcode"},
            ], "views": []},
        ]});
        serde_json::from_value::<Tables>(tables).expect("tables").tables
    }

    fn plan(pairs: &[(&str, &str)]) -> Scan {
        let pairs = [("token", "patX"), ("rescued_data_column", "")].into_iter().chain(pairs.iter().copied());
        let options = Options::parse(pairs).expect("valid options");
        Scan::new("appX", &tables()[0], &options.read).expect("a plan").with_linked(&tables())
    }

    fn types(scan: &Scan) -> Vec<String> {
        let of = |column: &Column| crate::columns::sql_type(&column.spark_type());
        scan.columns.iter().skip(3).map(of).collect()
    }

    const IDS: &str = "ARRAY<STRING>";
    const BOTH: &str = "ARRAY<STRUCT<id: STRING, name: STRING>>";

    #[test]
    fn links_and_lookups_of_links_are_named() {
        for (links, nested, expected) in [
            ("ids", "struct", [IDS, IDS, IDS, "ARRAY<DOUBLE>", IDS, IDS]),
            ("names", "struct", [IDS, IDS, IDS, "ARRAY<DOUBLE>", IDS, IDS]),
            ("both", "struct", [BOTH, BOTH, BOTH, "ARRAY<DOUBLE>", IDS, IDS]),
            ("both", "json", ["STRING"; 6]),
        ] {
            let scan = plan(&[("links", links), ("nested", nested)]);
            assert_eq!(types(&scan), expected, "{links} {nested}");
            let named = scan.columns.iter().filter(|column| column.links().is_some()).map(|column| &*column.name);
            let expected: &[&str] = if links == "ids" { &[] } else { &["parts", "gone", "makers"] };
            assert_eq!(named.collect::<Vec<_>>(), expected);
            assert_eq!(scan.is_plain(), links == "ids");
            let decoded = scan.decoded();
            assert!(decoded.is_plain() && decoded.columns.iter().all(|column| column.links().is_none()));
            if links != "ids" {
                let columns = [3, 5].map(|place| decoded.columns[place].source.clone());
                let shapes = columns.map(|source| match source {
                    Source::Field(field) => field.shape,
                    _ => unreachable!("a field"),
                });
                assert_eq!(shapes, [cells("multipleRecordLinks"), cells("lookup")]);
            }
        }
    }

    #[test]
    fn each_linked_table_is_in_the_plan_once() {
        let scan = plan(&[("links", "names")]);
        let primary_field = Some(PrimaryField { id: "fldCode".into(), kind: "barcode".into() });
        let expected = [
            LinkedTable { id: "tblParts".into(), name: "Parts".into(), primary_field },
            LinkedTable { id: "tblGone".into(), name: "tblGone".into(), primary_field: None },
        ];
        assert_eq!(scan.linked, expected);
        assert_eq!(Scan::from_json(&scan.to_json()).expect("the same"), scan);
        assert!(scan.to_json().contains("\"version\":4"));
        assert!(!plan(&[("links", "ids")]).to_json().contains("links"), "older workers read such plans");
        let odd = scan.to_json().replace("tblGone", "../x");
        assert!(Scan::from_json(&odd).expect_err("refused").to_string().contains("is no id"));
    }

    fn try_plan(pairs: &[(&str, &str)]) -> Result<Scan> {
        let pairs = [("token", "patX")].into_iter().chain(pairs.iter().copied());
        let options = Options::parse(pairs).expect("valid options");
        Scan::new("appX", &tables()[0], &options.read)
    }

    #[test]
    fn links_are_a_part_with_a_row_for_each() {
        let scan = try_plan(&[("part", "links")]).expect("a plan").with_linked(&tables());
        let names: Vec<&str> = scan.columns.iter().map(|column| &*column.name).collect();
        assert_eq!(names, ["id", "field_id", "field", "position", "linked_table_id", "linked_id"]);
        assert_eq!(scan.field_ids(), ["fldParts", "fldGone"]);
        assert_eq!((scan.part, scan.part.keys()), (Part::Links, &["id", "field_id", "position"][..]));
        assert!(scan.linked.is_empty() && scan.to_json().contains("\"version\":4"));
        assert_eq!(Scan::from_json(&scan.to_json()).expect("the same"), scan);
        let one = try_plan(&[("part", "links"), ("fields", "Gone")]).expect("a plan");
        assert_eq!((one.field_ids(), &one.selection), (vec!["fldGone"], &Selection::All));
    }

    #[test]
    fn fields_without_links_are_named_and_a_table_without_any_has_no_rows() {
        let error = try_plan(&[("part", "links"), ("fields", "Task,Parts,Makers")]).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "option fields has \"Task\", of type singleLineText, \"Makers\", of type multipleLookupValues, and option \
             part is links: name fields that link records, such as \"Parts\", \"Gone\""
        );
        assert_eq!(error.option().as_deref(), Some("fields"));
        let options = Options::parse([("token", "patX"), ("part", "links")]).expect("valid options");
        let scan = Scan::new("appX", &tables()[1], &options.read).expect("a plan");
        assert_eq!((scan.columns.len(), scan.selection), (6, Selection::Listed(Listed::default())));
    }

    #[test]
    fn names_are_read_by_the_primary_field() {
        let scan = plan(&[("links", "names")]);
        let ids = |table: &LinkedTable| -> Option<Vec<String>> {
            Some(table.columns()?.iter().filter_map(Column::field_id).map(str::to_owned).collect())
        };
        assert_eq!(ids(&scan.linked[0]), Some(vec!["fldCode".to_owned()]));
        assert_eq!(scan.linked[0].primary_field.as_ref().and_then(PrimaryField::property), Some("text"));
        assert_eq!(ids(&scan.linked[1]), None);
    }

    #[test]
    fn a_users_schema_takes_named_links_as_they_are_or_as_json() {
        let scan = plan(&[("links", "both")]);
        let wanted = json!({"type": "struct", "fields": [{"name": "parts", "type": "string", "nullable": true}]});
        let selected = scan.select(&wanted.to_string()).expect("a selection");
        assert!(selected.columns[0].links().is_some() && selected.field_ids() == ["fldParts"]);
        let ids = json!({"type": "array", "elementType": "string", "containsNull": true});
        let wanted = json!({"type": "struct", "fields": [{"name": "parts", "type": ids, "nullable": true}]});
        let error = scan.select(&wanted.to_string()).expect_err("other types").to_string();
        assert!(error.contains("gives ARRAY<STRUCT<id: STRING, name: STRING>>"), "{error}");
    }
}

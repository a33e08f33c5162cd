//! The tables that are none of Airtable's: a base's fields, choices and views, as rows. Their names, their plans, and
//! what their rows say. Pure.
//!
//! Invariant: columns do not depend on the base, so that a plan needs no request.

use serde_json::{Value, json};

use crate::airtable::schema::{Field, Table};
use crate::columns::{Shape, is_computed};
use crate::error::{Error, Result};
use crate::options::{IngestionType, ReadOptions, TablePart};
use crate::scan::columns::{Column, Fact, Source};
use crate::scan::names::Naming;
use crate::scan::part::Part;
use crate::scan::version::VERSION_OF_REFINED;
use crate::scan::{Scan, TableDefinition};

/// A column: its name, what its values are, and what is said about it.
type Told = (&'static str, Shape, &'static str);

/// What a row tells, by the names of its columns.
pub(crate) type Row = Vec<(&'static str, Value)>;

/// Plans a read of such a table.
///
/// # Errors
/// [`Error::Option`] for an option that is about records.
pub(crate) fn plan(base_id: &str, part: Part, options: &ReadOptions) -> Result<Scan> {
    let name = part.table().unwrap_or_default();
    check(name, options)?;
    let naming = if part == Part::Fields { Naming::of(options) } else { Naming::default() };
    let column = |(name, shape, comment): Told| {
        let fact = Fact { name: name.to_owned(), shape, comment: comment.to_owned() };
        Column::new(name, true, Source::Fact(fact))
    };
    let scan = Scan {
        version: VERSION_OF_REFINED,
        max_records: options.max_records,
        page_size: options.page_size,
        fail_on_bad_value: options.fail_on_bad_value,
        part,
        naming,
        has_all_fields: true,
        ..Scan::whole(base_id, name, name, told(part).into_iter().map(column).collect())
    };
    scan.choosing(options.condition.as_deref())
}

/// Options that are about records mean nothing to definitions.
fn check(name: &str, options: &ReadOptions) -> Result<()> {
    let about_records = [
        ("view", options.view.is_some()),
        ("filter_formula", options.filter_formula.is_some()),
        ("fields", options.fields.is_some()),
        ("part", options.part != TablePart::Records),
    ];
    if let Some((option, _)) = about_records.iter().find(|(_, is_given)| *is_given) {
        return Err(Error::Option(
            format!(
                "option {option} is about records, and the rows of table {name} are definitions of the base: leave \
                 {option} out, and choose rows by option where"
            )
            .into(),
        ));
    }
    if options.ingestion_type != IngestionType::Snapshot {
        return Err(Error::Option(
            format!(
                "option ingestion_type is {}, and table {name} is read as a snapshot only: Airtable tells what the \
                 definitions of a base are, and not how they have changed: leave it out",
                options.ingestion_type.as_str()
            )
            .into(),
        ));
    }
    Ok(())
}

fn told(part: Part) -> Vec<Told> {
    use Shape::{Bool, Int, Json, Text};
    const TABLE: [Told; 2] = [("table_id", Text, "Airtable id of the table"), ("table", Text, "the table's name")];
    const FIELD: [Told; 2] = [("field_id", Text, "Airtable id of the field"), ("field", Text, "the field's name")];
    let mut columns = Vec::from(TABLE);
    match part {
        Part::Fields => {
            columns.extend(FIELD);
            columns.extend([
                ("column", Text, "what reads of the table call the field's column"),
                ("type", Text, "Airtable's word for the field's type"),
                ("description", Text, "what the base's makers wrote about the field"),
                ("options", Json, "JSON of the options that Airtable tells, which depend on the type"),
                ("is_primary", Bool, "whether the field's texts stand for a record in links"),
                ("is_computed", Bool, "whether Airtable makes the field's cells itself"),
                ("linked_table_id", Text, "of a field of links: Airtable id of the table that they lead to"),
            ]);
        }
        Part::Choices => {
            columns.extend(FIELD);
            columns.extend([
                ("choice_id", Text, "Airtable id of the choice"),
                ("name", Text, "the choice's name, which is what cells hold"),
                ("color", Text, "Airtable's word for the choice's colour"),
                ("position", Int, "the choice's place among those of the field, from 0"),
            ]);
        }
        Part::Views => columns.extend([
            ("view_id", Text, "Airtable id of the view"),
            ("view", Text, "the view's name"),
            ("type", Text, "Airtable's word for the view's type"),
        ]),
        Part::Records | Part::Links | Part::Attachments | Part::Comments => {}
    }
    columns
}

/// What a base's definitions say, row by row, in their order. What a definition lacks is null.
pub(crate) fn rows(part: Part, tables: &[Table], naming: &Naming) -> Vec<Row> {
    tables
        .iter()
        .flat_map(|table| match part {
            Part::Fields => fields(table, naming),
            Part::Choices => table.fields.iter().flat_map(|field| choices(table, field)).collect(),
            Part::Views => views(table),
            Part::Records | Part::Links | Part::Attachments | Part::Comments => Vec::new(),
        })
        .collect()
}

fn fields(table: &Table, naming: &Naming) -> Vec<Row> {
    let definition = TableDefinition::new(table, naming);
    let row = |field: &super::FieldDefinition| {
        let is_primary = !field.id.is_empty() && field.id == table.primary_field_id;
        let mut row = of_table(table);
        row.extend([
            ("field_id", text(&field.id)),
            ("field", text(&field.name)),
            ("column", json!(field.column)),
            ("type", text(&field.kind)),
            ("description", json!(field.description)),
            ("options", field.options.clone()),
            ("is_primary", is_primary.into()),
            ("is_computed", is_computed(&field.kind).into()),
            ("linked_table_id", field.options["linkedTableId"].clone()),
        ]);
        row
    };
    definition.fields.iter().map(row).collect()
}

/// Those of the field itself: the choices of a lookup are those of the field that is looked up.
fn choices(table: &Table, field: &Field) -> Vec<Row> {
    let choices = field.options["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |(position, choice): (usize, &Value)| {
        let mut row = of_table(table);
        row.extend([
            ("field_id", text(&field.id)),
            ("field", text(&field.name)),
            ("choice_id", choice["id"].clone()),
            ("name", choice["name"].clone()),
            ("color", choice["color"].clone()),
            ("position", position.into()),
        ]);
        row
    };
    choices.iter().enumerate().map(row).collect()
}

fn views(table: &Table) -> Vec<Row> {
    let row = |view: &crate::airtable::schema::View| {
        let mut row = of_table(table);
        row.extend([("view_id", text(&view.id)), ("view", text(&view.name)), ("type", text(&view.kind))]);
        row
    };
    table.views.iter().map(row).collect()
}

fn of_table(table: &Table) -> Row {
    vec![("table_id", text(&table.id)), ("table", text(&table.name))]
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

#[cfg(test)]
mod tests;

//! Which table, view and fields a read is of, and which fields a condition may name. Pure.

use serde_json::json;

use crate::airtable::schema::{Field, Table, View};
use crate::error::{Error, Result, nearest_or_all};
use crate::options::{ColumnNames, ReadOptions};
use crate::scan::Part;
use crate::scan::columns::columns;
use crate::scan::lookup::{find, find_listed};
use crate::scan::restriction::Nameable;

/// The table whose id or name is `wanted`.
pub(crate) fn find_table<'t>(tables: &'t [Table], wanted: &str, base_id: &str) -> Result<&'t Table> {
    find(tables, wanted, Table::id_and_name).ok_or_else(|| {
        let ours = Part::tables_like(wanted).map(|name| -> &str { name });
        let names = tables.iter().map(|table| table.name.as_str()).chain(ours);
        let near = nearest_or_all(wanted, "it has", names);
        Error::NotFound(format!("table {wanted:?}: base {base_id} has no such table{near}").into())
            .of_option("tableName")
    })
}

/// The view whose id or name is `wanted`.
pub(super) fn find_view<'t>(table: &'t Table, wanted: &str) -> Result<&'t View> {
    if let Some(view) = find(&table.views, wanted, View::id_and_name) {
        return Ok(view);
    }
    table.check_views()?;
    let near = nearest_or_all(wanted, "it has", table.views.iter().map(|view| view.name.as_str()));
    Err(Error::NotFound(format!("option view is {wanted:?}: table {:?} has no such view{near}", table.name).into())
        .of_option("view"))
}

/// The fields of a read, in the table's order.
///
/// # Errors
/// [`Error::NotFound`] for a field that the table does not have; [`Error::Data`] for one whose definition lacks what the
/// read needs.
pub(super) fn selected<'t>(table: &'t Table, options: &ReadOptions) -> Result<Vec<&'t Field>> {
    let needs_name = options.column_names != ColumnNames::Id;
    let Some(wanted) = &options.fields else {
        return table.fields.iter().map(|field| table.check_field(field, needs_name).map(|()| field)).collect();
    };
    let mut ids = Vec::new();
    for name in &wanted.names {
        let found = if wanted.by_commas.is_some() {
            find_listed(&table.fields, name, Field::id_and_name)
        } else {
            find(&table.fields, name, Field::id_and_name)
        };
        let Some(field) = found else {
            let name = if wanted.by_commas.is_some() { name.trim() } else { name };
            let names = || table.fields.iter().map(|field| field.name.as_str());
            let near = nearest_or_all(name, "it has", names());
            let hint = as_json(wanted.by_commas.as_deref(), names()).unwrap_or_default();
            return Err(Error::NotFound(
                format!("option fields has {name:?}: table {:?} has no such field{near}{hint}", table.name).into(),
            )
            .of_option("fields"));
        };
        table.check_field(field, needs_name)?;
        ids.push(field.id.as_str());
    }
    Ok(table.fields.iter().filter(|field| ids.contains(&field.id.as_str())).collect())
}

/// How a list that was written with commas is written in JSON, where that may be what was meant: a name in it has
/// characters that such a list takes for its own.
pub(super) fn as_json<'f>(text: Option<&str>, fields: impl Iterator<Item = &'f str>) -> Option<String> {
    let parts = parts(text?, &fields.collect::<Vec<_>>());
    let is_meant = parts.iter().any(|part| part.contains(',') || part.trim() != part);
    is_meant.then(|| format!("; a name with a comma, or with a space at its end, needs a JSON list: {}", json!(parts)))
}

/// The names in a list with commas, of which some are parts of a field's name.
fn parts(text: &str, fields: &[&str]) -> Vec<String> {
    // A space after a comma is how people write.
    let spaced = |from: usize, part: &str| part.strip_prefix(' ').filter(|_| from > 0).unwrap_or(part).to_owned();
    let split: Vec<&str> = text.split(',').collect();
    let most = fields.iter().map(|field| field.split(',').count()).max().unwrap_or(1);
    let (mut parts, mut from) = (Vec::new(), 0);
    while from < split.len() {
        // The longest name first.
        let joined = (from + 2..=split.len().min(from + most)).rev().map(|to| (to, split[from..to].join(",")));
        let named = joined.map(|(to, name)| (to, spaced(from, &name))).find_map(|(to, name)| {
            let field = fields.iter().find(|field| **field == name || **field == name.trim())?;
            Some((to, (*field).to_owned()))
        });
        let (to, name) = named.unwrap_or_else(|| (from + 1, spaced(from, split[from])));
        parts.push(name);
        from = to;
    }
    parts
}

/// The columns that a condition on a table may name: those of all its fields that can be read.
pub(super) fn nameable(table: &Table, options: &ReadOptions) -> Nameable {
    let needs_name = options.column_names != ColumnNames::Id;
    let fields: Vec<&Field> =
        table.fields.iter().filter(|field| table.check_field(field, needs_name).is_ok()).collect();
    Nameable::of_table(table, columns(table, &fields, options))
}

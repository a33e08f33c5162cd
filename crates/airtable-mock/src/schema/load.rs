//! Bases, tables and fields from JSON.
//!
//! The form is that of Airtable's own schema calls, made easier to write by hand: wherever Airtable wants
//! the id of a table or field, its name will do, select choices may be plain strings, and a table may bring
//! its records along. Names become ids here, once; everything after this file sees ids only.

use std::sync::Arc;

use serde_json::{Value, json};

use super::field::add_field;
use super::reference::{resolve_field, resolve_views};
use crate::change::commit::commit;
use crate::change::edit::edit_cell;
use crate::change::input::accept;
use crate::change::record::create_record;
use crate::clock::parse_ms;
use crate::compute::plan::replan;
use crate::data::base::Base;
use crate::data::file::Files;
use crate::data::id::{Ids, RecordId};
use crate::data::index::{BaseIndex, List, TableIndex, ViewIndex};
use crate::data::record::Edit;
use crate::data::store::Store;
use crate::data::table::Table;
use crate::data::transaction::Transaction;
use crate::data::view::View;
use crate::error::ApiError;

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Makes a base from JSON (see above); gives its index.
///
/// # Errors
/// A missing or doubled name inside the base.
pub(crate) fn create_base(store: &mut Store, definition: &Value, now_ms: i64) -> Result<BaseIndex, ApiError> {
    let text = |key: &str| definition.get(key).and_then(Value::as_str).map(str::to_owned);
    store.seed = store.seed.wrapping_add(1);
    let mut base = Base {
        id: text("id").unwrap_or_else(|| store.ids.fresh("app")),
        name: text("name").unwrap_or_else(|| "Untitled Base".into()),
        permission: text("permissionLevel").unwrap_or_else(|| "create".into()),
        people: Arc::clone(&store.people),
        ids: Ids::new(store.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        tables: List::default(),
        comments: std::collections::HashMap::new(),
        files: Files::default(),
        webhooks: Vec::new(),
        pings: Vec::new(),
        order: Vec::new(),
        transaction: 0,
        manners: store.manners,
    };
    let mut tx = Transaction::silent(now_ms);
    let tables: Vec<&Value> = definition.get("tables").and_then(Value::as_array).into_iter().flatten().collect();
    load_tables(&mut base, &mut tx, &tables)?;
    commit(&mut base, tx);
    Ok(store.bases.push(base))
}

/// Adds tables with their fields, views and records; they may refer to each other in any order.
///
/// # Errors
/// A missing or doubled name.
pub(crate) fn load_tables(
    base: &mut Base,
    tx: &mut Transaction,
    definitions: &[&Value],
) -> Result<Vec<TableIndex>, ApiError> {
    let mut added = Vec::new();
    for definition in definitions {
        added.push(add_table(base, definition)?);
    }
    for &t in &added {
        for f in base[t].fields.indices() {
            resolve_field(base, t, f);
        }
    }
    resolve_views(base, &added);
    replan(base);
    load_records(base, tx, &added, definitions)?;
    Ok(added)
}

fn add_table(base: &mut Base, definition: &Value) -> Result<TableIndex, ApiError> {
    let name = definition.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if name.is_empty() || base.tables.iter().any(|table| table.name.eq_ignore_ascii_case(&name)) {
        return Err(ApiError::invalid("DUPLICATE_TABLE_NAME", format!("Cannot create table named \"{name}\"")));
    }
    let id = definition.get("id").and_then(Value::as_str).map_or_else(|| base.ids.fresh("tbl"), str::to_owned);
    let description = definition.get("description").and_then(Value::as_str);
    let t = base.tables.push(Table {
        id,
        name,
        description: description.filter(|text| !text.is_empty()).map(str::to_owned),
        date_dependency: definition.get("dateDependencySettings").cloned(),
        ..Table::default()
    });
    for field in items(definition, "fields") {
        add_field(base, t, field)?;
    }
    if base[t].fields.is_empty() {
        base.tables.pop();
        return Err(ApiError::invalid_request());
    }
    if let Some(primary) = definition.get("primaryFieldId").and_then(Value::as_str) {
        base[t].primary = base[t].field(primary).unwrap_or_default();
    }
    let views: List<ViewIndex, View> =
        items(definition, "views").map(|view| View::from_json(view, base.ids.fresh("viw"))).collect();
    base[t].views = views;
    if base[t].views.is_empty() {
        let view = View::from_json(&json!({"name": "Grid view", "type": "grid"}), base.ids.fresh("viw"));
        base[t].views.push(view);
    }
    Ok(t)
}

fn load_records(
    base: &mut Base,
    tx: &mut Transaction,
    tables: &[TableIndex],
    definitions: &[&Value],
) -> Result<(), ApiError> {
    let mut links = Vec::new();
    for (&t, definition) in tables.iter().zip(definitions) {
        for record in items(definition, "records") {
            let id = load_record(base, tx, t, record)?;
            links.push((t, id, record));
        }
    }
    // Links last: they may name records of tables that come later.
    for (t, id, record) in links {
        load_cells(base, tx, t, id, record, true)?;
        if let Some(ms) = record.get("modifiedTime").and_then(Value::as_str).and_then(parse_ms) {
            let (field, person) = (base[t].primary, tx.actor.person);
            if let Some(record) = base[t].records.get_mut(id) {
                record.note_edit(Edit { field, ms, person });
            }
        }
    }
    Ok(())
}

fn load_record(base: &mut Base, tx: &mut Transaction, t: TableIndex, definition: &Value) -> Result<RecordId, ApiError> {
    let text = |key: &str| definition.get(key).and_then(Value::as_str);
    let id = create_record(base, tx, t, text("id").and_then(RecordId::parse));
    let person = definition.get("createdBy").and_then(Value::as_u64).and_then(|index| u16::try_from(index).ok());
    if let Some(record) = base[t].records.get_mut(id) {
        record.created_ms = text("createdTime").and_then(parse_ms).unwrap_or(record.created_ms);
        record.created_by = person.unwrap_or(record.created_by);
    }
    load_cells(base, tx, t, id, definition, false)?;
    Ok(id)
}

fn load_cells(
    base: &mut Base,
    tx: &mut Transaction,
    t: TableIndex,
    id: RecordId,
    definition: &Value,
    links: bool,
) -> Result<(), ApiError> {
    for (name, value) in definition.get("fields").and_then(Value::as_object).into_iter().flatten() {
        let f = base[t].field(name).ok_or_else(|| ApiError::unknown_field(name))?;
        let field = &base[t][f];
        if (field.kind == "multipleRecordLinks") != links {
            continue;
        }
        let json = if field.is_writable() {
            accept(base, tx, (t, f), value, true, None)?
        } else {
            (!value.is_null()).then(|| value.to_string().into_bytes())
        };
        edit_cell(base, tx, t, id, f, json.as_deref());
    }
    Ok(())
}

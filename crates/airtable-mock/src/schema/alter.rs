//! Schema: reading it, and the changes of it that the API allows (and a few it does not: removing fields
//! and tables happens in Airtable's own screens, and webhooks tell of it).

use serde_json::{Value, json};

use super::field::{add_field, check_field_name};
use super::load::load_tables;
use super::reference::resolve_field;
use crate::change::commit::commit;
use crate::change::follow::recompute_all;
use crate::compute::plan::replan;
use crate::data::base::Base;
use crate::data::index::{FieldIndex, TableIndex};
use crate::data::transaction::{Actor, Transaction};
use crate::error::ApiError;

/// `POST .../tables`
///
/// # Errors
/// 422 for a missing or doubled name.
pub(crate) fn create_table(base: &mut Base, definition: &Value, actor: Actor, now_ms: i64) -> Result<Value, ApiError> {
    let mut tx = Transaction::new(now_ms, actor);
    let added = load_tables(base, &mut tx, &[definition])?;
    let shown: Vec<Value> = added.iter().map(|t| base[*t].definition(false)).collect();
    tx.schema.created_tables.extend(added.iter().map(|t| base[*t].id.clone()));
    commit(base, tx);
    shown.into_iter().next().ok_or_else(ApiError::invalid_request)
}

/// `PATCH .../tables/{table}`: name and description.
///
/// # Errors
/// 422 for an empty or doubled name.
pub(crate) fn update_table(
    base: &mut Base,
    t: TableIndex,
    change: &Value,
    actor: Actor,
    now_ms: i64,
) -> Result<Value, ApiError> {
    let mut tx = Transaction::new(now_ms, actor);
    let mut previous = json!({});
    if let Some(name) = change.get("name").and_then(Value::as_str) {
        let doubled = base.tables.entries().any(|(other, table)| other != t && table.name.eq_ignore_ascii_case(name));
        if name.is_empty() || doubled {
            return Err(ApiError::invalid("DUPLICATE_TABLE_NAME", format!("Cannot rename the table to \"{name}\"")));
        }
        if base[t].name != name {
            previous["name"] = json!(base[t].name);
            base[t].name = name.into();
        }
    }
    if let Some(description) = change.get("description") {
        let description = description.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        if base[t].description != description {
            previous["description"] = json!(base[t].description);
            base[t].description = description;
        }
    }
    if let Some(settings) = change.get("dateDependencySettings") {
        base[t].date_dependency = Some(settings.clone()).filter(|settings| !settings.is_null());
    }
    if previous != json!({}) {
        tx.schema.metadata.push((base[t].id.clone(), previous));
    }
    commit(base, tx);
    Ok(base[t].definition(false))
}

/// `POST .../fields`
///
/// # Errors
/// 422 for an empty or doubled name, or options that a type needs and that are missing.
pub(crate) fn create_field(
    base: &mut Base,
    t: TableIndex,
    definition: &Value,
    actor: Actor,
    now_ms: i64,
) -> Result<Value, ApiError> {
    let mut tx = Transaction::new(now_ms, actor);
    let kind = definition.get("type").and_then(Value::as_str).ok_or_else(|| ApiError::missing_key("type"))?;
    let needed = match kind {
        "singleSelect" | "multipleSelects" => Some("choices"),
        "multipleRecordLinks" => Some("linkedTableId"),
        "number" | "percent" | "currency" => Some("precision"),
        _ => None,
    };
    if needed.is_some_and(|key| definition.pointer(&format!("/options/{key}")).is_none()) {
        let message = format!("Invalid options for field of type {kind}");
        return Err(ApiError::invalid("INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE", message));
    }
    let counts: Vec<usize> = base.tables.iter().map(|table| table.fields.len()).collect();
    let f = add_field(base, t, definition)?;
    resolve_field(base, t, f);
    replan(base);
    // A link brings its other side along.
    for (table, before) in base.tables.iter().zip(counts) {
        let new = table.fields.iter().skip(before);
        tx.schema.created_fields.extend(new.map(|field| (table.id.clone(), field.id.clone())));
    }
    recompute_all(base, &mut tx);
    let shown = base[t][f].definition();
    commit(base, tx);
    Ok(shown)
}

/// `PATCH .../fields/{field}`: name, description, and (by the mock's own calls) type and options.
///
/// # Errors
/// 422 for an empty or doubled name.
pub(crate) fn update_field(
    base: &mut Base,
    t: TableIndex,
    f: FieldIndex,
    change: &Value,
    actor: Actor,
    now_ms: i64,
) -> Result<Value, ApiError> {
    let mut tx = Transaction::new(now_ms, actor);
    let mut previous = json!({});
    if let Some(name) = change.get("name").and_then(Value::as_str) {
        check_field_name(base, t, Some(f), name)?;
        if base[t][f].name != name {
            previous["name"] = json!(base[t][f].name);
            base[t][f].name = name.into();
        }
    }
    let field = &mut base[t][f];
    if let Some(description) = change.get("description") {
        field.description = description.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    }
    if let Some(kind) = change.get("type").and_then(Value::as_str).filter(|kind| *kind != field.kind) {
        previous["type"] = json!(field.kind);
        field.kind = kind.into();
    }
    if let Some(options) = change.get("options") {
        field.options = Some(options.clone());
    }
    field.refresh_keys();
    if previous != json!({}) {
        tx.schema.changed_fields.push((base[t].id.clone(), base[t][f].id.clone(), previous));
    }
    resolve_field(base, t, f);
    replan(base);
    recompute_all(base, &mut tx);
    commit(base, tx);
    Ok(base[t][f].definition())
}

/// Removes a field, its cells, and the other side of a link; what was computed from it becomes invalid.
///
/// # Errors
/// 422 for the primary field.
pub(crate) fn remove_field(
    base: &mut Base,
    t: TableIndex,
    f: FieldIndex,
    actor: Actor,
    now_ms: i64,
) -> Result<(), ApiError> {
    if base[t].primary == f {
        return Err(ApiError::invalid("INVALID_REQUEST_UNKNOWN", "The primary field cannot be removed"));
    }
    let mut tx = Transaction::new(now_ms, actor);
    let inverse = base.inverse_of(t, f).filter(|_| base[t][f].kind == "multipleRecordLinks");
    for (t, f) in [Some((t, f)), inverse].into_iter().flatten() {
        tx.schema.destroyed_fields.push((base[t].id.clone(), base[t][f].id.clone()));
        base[t][f].alive = false;
        base[t].pinned.retain(|(_, pinned)| *pinned != f);
        for record in base[t].records.iter_mut() {
            if record.cells.get(f).is_some() {
                record.cells.set(f, None);
            }
        }
    }
    replan(base);
    recompute_all(base, &mut tx);
    commit(base, tx);
    Ok(())
}

/// Removes a table, with the fields of other tables that link to it.
///
/// # Errors
/// 422 if a primary field would have to go.
pub(crate) fn remove_table(base: &mut Base, t: TableIndex, actor: &Actor, now_ms: i64) -> Result<(), ApiError> {
    let mut links = Vec::new();
    for other in base.tables.indices().filter(|other| *other != t) {
        let pointing = base[other].live_fields().map(|(f, _)| f).filter(|f| base.linked_table(other, *f) == Some(t));
        links.extend(pointing.map(|f| (other, f)).collect::<Vec<_>>());
    }
    for (other, f) in links {
        remove_field(base, other, f, actor.clone(), now_ms)?;
    }
    let gone = base.tables.remove(t);
    let mut tx = Transaction::new(now_ms, actor.clone());
    tx.schema.destroyed_tables.push(gone.id);
    replan(base);
    commit(base, tx);
    Ok(())
}

//! From a transaction's notes to a webhook's payload.
//!
//! First a flat list of events, which is easy to filter and to split over several payloads; then the nested
//! objects of the wire. How cells look there is in `cell`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::cell::cell;
use super::scope::{in_scope, records_in_view, view};
use crate::clock::{stamp, whole_second};
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::data::index::{TableIndex, ViewIndex};
use crate::data::specification::{Included, Specification};
use crate::data::transaction::{Previous, Transaction};

/// One entry of a payload: the keys under which it stands, and what stands there.
pub(super) struct Event {
    path: Vec<String>,
    value: Value,
    /// Listed (as in `destroyedRecordIds`) rather than keyed.
    listed: bool,
}

impl Event {
    fn keyed(path: &[&str], value: Value) -> Self {
        Self { path: path.iter().map(|key| (*key).to_owned()).collect(), value, listed: false }
    }

    fn listed(path: &[&str], value: &str) -> Self {
        Self { path: path.iter().map(|key| (*key).to_owned()).collect(), value: json!(value), listed: true }
    }
}

/// The payload keys of some events.
pub(super) fn assemble(events: &[Event]) -> Value {
    let mut payload = Value::Object(Map::new());
    for event in events {
        let mut at = &mut payload;
        for key in &event.path {
            at = &mut at[key.as_str()];
        }
        if event.listed {
            match at.as_array_mut() {
                Some(list) => list.push(event.value.clone()),
                None => *at = json!([event.value]),
            }
        } else {
            *at = event.value.clone();
        }
    }
    payload
}

/// Everything in a transaction that a webhook wants to hear.
pub(super) fn events(
    base: &Base,
    wants: &Specification,
    in_view: &mut HashSet<RecordId>,
    tx: &Transaction,
) -> Vec<Event> {
    let mut events = Vec::new();
    let visible = records_in_view(base, wants, tx.now_ms);
    if wants.hears_source(tx.actor.source(&base.manners).name()) {
        if wants.hears_of("tableData") {
            match (&visible, view(base, wants)) {
                (Some(visible), Some((t, view))) => {
                    view_events(base, wants, tx, (t, view), in_view, visible, &mut events);
                }
                _ => record_events(base, wants, tx, &mut events),
            }
        }
        schema_events(base, wants, tx, &mut events);
    }
    if let Some(visible) = visible {
        *in_view = visible;
    }
    events
}

fn record_events(base: &Base, wants: &Specification, tx: &Transaction, events: &mut Vec<Event>) {
    for &(t, id) in &tx.created {
        let table = &base[t].id;
        if in_scope(base, wants, table) && wants.hears_change("add") && !tx.schema.created_tables.contains(table) {
            let path = ["changedTablesById", table, "createdRecordsById", &id.to_string()];
            events.extend(created(base, t, id).map(|value| Event::keyed(&path, value)));
        }
    }
    for ((t, id), previous) in &tx.changed {
        let table = &base[*t].id;
        if in_scope(base, wants, table) && wants.hears_change("update") && !tx.created.contains(&(*t, *id)) {
            let path = ["changedTablesById", table, "changedRecordsById", &id.to_string()];
            events.extend(changed(base, wants, *t, *id, previous).map(|value| Event::keyed(&path, value)));
        }
    }
    for (t, id) in &tx.destroyed {
        let table = &base[*t].id;
        if in_scope(base, wants, table) && wants.hears_change("remove") {
            events.push(Event::listed(&["changedTablesById", table, "destroyedRecordIds"], &id.to_string()));
        }
    }
}

/// In a view's scope, records come and go as the view shows and hides them.
fn view_events(
    base: &Base,
    wants: &Specification,
    tx: &Transaction,
    (t, view): (TableIndex, ViewIndex),
    before: &HashSet<RecordId>,
    now: &HashSet<RecordId>,
    events: &mut Vec<Event>,
) {
    let (table, view) = (&base[t].id, &base[t].views[view].id);
    let path = |section: &'static str| ["changedTablesById", table, "changedViewsById", view, section];
    let mut touched: Vec<RecordId> = tx.touched_records().filter(|(of, _)| *of == t).map(|(_, id)| id).collect();
    touched.extend(tx.destroyed.iter().filter(|(of, _)| *of == t).map(|(_, id)| *id));
    for id in touched {
        let text = id.to_string();
        match (before.contains(&id), now.contains(&id)) {
            (false, true) if wants.hears_change("add") => {
                let path = [path("createdRecordsById").as_slice(), &[text.as_str()]].concat();
                events.extend(created(base, t, id).map(|value| Event::keyed(&path, value)));
            }
            (true, true) if wants.hears_change("update") => {
                let Some(previous) = tx.changed.get(&(t, id)) else {
                    continue;
                };
                let path = [path("changedRecordsById").as_slice(), &[text.as_str()]].concat();
                events.extend(changed(base, wants, t, id, previous).map(|value| Event::keyed(&path, value)));
            }
            (true, false) if wants.hears_change("remove") => {
                events.push(Event::listed(&path("destroyedRecordIds"), &text));
            }
            _ => {}
        }
    }
}

fn created(base: &Base, t: TableIndex, id: RecordId) -> Option<Value> {
    let record = base[t].records.get(id)?;
    let cells: Map<String, Value> =
        record.cells.iter().filter_map(|(field, json)| cell(base, t, Some(record), field, json)).collect();
    Some(json!({"createdTime": stamp(whole_second(record.created_ms)), "cellValuesByFieldId": cells}))
}

/// The entry of a changed record; `None` if nothing of interest changed.
fn changed(base: &Base, wants: &Specification, t: TableIndex, id: RecordId, previous: &Previous) -> Option<Value> {
    let record = base[t].records.get(id)?;
    let fields = &base[t].fields;
    let (mut now, mut before) = (Map::new(), Map::new());
    let mut is_watched = false;
    for (&field, old) in previous {
        let new = record.cells.get(field);
        if new == old.as_deref() || !fields[field].alive {
            continue;
        }
        let key = &fields[field].id;
        is_watched |= wants.watches_cells(key);
        let value = |json: Option<&[u8]>, of| {
            json.and_then(|json| cell(base, t, of, field, json)).map_or(Value::Null, |(_, value)| value)
        };
        now.insert(key.clone(), value(new, Some(record)));
        before.insert(key.clone(), value(old.as_deref(), None));
    }
    if !is_watched {
        return None;
    }
    let mut entry = json!({"current": {"cellValuesByFieldId": now}});
    if wants.include_previous {
        entry["previous"] = json!({"cellValuesByFieldId": before});
    }
    let unchanged: Map<String, Value> = record
        .cells
        .iter()
        .filter(|(field, _)| {
            let key = &fields[*field].id;
            wants.include_cells.has(key) && entry["current"]["cellValuesByFieldId"].get(key).is_none()
        })
        .filter_map(|(field, json)| cell(base, t, Some(record), field, json))
        .collect();
    if wants.include_cells != Included::None {
        entry["unchanged"] = json!({"cellValuesByFieldId": unchanged});
    }
    Some(entry)
}

fn schema_events(base: &Base, wants: &Specification, tx: &Transaction, events: &mut Vec<Event>) {
    let find = |id: &str| base.tables.iter().find(|table| table.id == id);
    let change = &tx.schema;
    if wants.hears_of("tableFields") || wants.hears_of("tableMetadata") {
        for id in change.created_tables.iter().filter(|id| in_scope(base, wants, id)) {
            events.extend(find(id).map(|_| Event::keyed(&["createdTablesById", id], created_table(base, id))));
        }
        events.extend(change.destroyed_tables.iter().map(|id| Event::listed(&["destroyedTableIds"], id)));
    }
    if wants.hears_of("tableFields") {
        for (table, field) in
            change.created_fields.iter().filter(|(table, _)| in_scope(base, wants, table) && wants.hears_change("add"))
        {
            let of = find(table).and_then(|table| table.fields.iter().find(|other| other.id == *field));
            let path = ["changedTablesById", table, "createdFieldsById", field];
            events.extend(of.map(|of| Event::keyed(&path, json!({"name": of.name, "type": of.kind}))));
        }
        for (table, field) in change
            .destroyed_fields
            .iter()
            .filter(|(table, _)| in_scope(base, wants, table) && wants.hears_change("remove"))
        {
            events.push(Event::listed(&["changedTablesById", table, "destroyedFieldIds"], field));
        }
        for (table, field, previous) in &change.changed_fields {
            let heard = in_scope(base, wants, table) && wants.hears_change("update") && wants.watches_schema(field);
            let Some(of) =
                find(table).and_then(|table| table.fields.iter().find(|other| other.id == *field)).filter(|_| heard)
            else {
                continue;
            };
            let now = current(previous, &[("name", json!(of.name)), ("type", json!(of.kind))]);
            let mut entry = json!({"current": now});
            if wants.include_previous_fields {
                entry["previous"] = previous.clone();
            }
            events.push(Event::keyed(&["changedTablesById", table, "changedFieldsById", field], entry));
        }
    }
    if wants.hears_of("tableMetadata") {
        for (id, previous) in
            change.metadata.iter().filter(|(id, _)| in_scope(base, wants, id) && wants.hears_change("update"))
        {
            let Some(table) = find(id) else { continue };
            let now = current(previous, &[("name", json!(table.name)), ("description", json!(table.description))]);
            let entry = json!({"current": now, "previous": previous});
            events.push(Event::keyed(&["changedTablesById", id, "changedMetadata"], entry));
        }
    }
}

/// The present values of the keys that changed.
fn current(previous: &Value, now: &[(&str, Value)]) -> Value {
    let changed = now.iter().filter(|(key, _)| previous.get(key).is_some());
    Value::Object(changed.map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn created_table(base: &Base, id: &str) -> Value {
    let Some(t) = base.table(id) else {
        return Value::Null;
    };
    let table = &base[t];
    let fields: Map<String, Value> = table
        .live_fields()
        .map(|(_, field)| (field.id.clone(), json!({"name": field.name, "type": field.kind})))
        .collect();
    let records: Map<String, Value> =
        table.records.iter().filter_map(|record| Some((record.id.to_string(), created(base, t, record.id)?))).collect();
    json!({"metadata": {"name": table.name, "description": table.description}, "fieldsById": fields, "recordsById": records})
}

//! Cells in the form of payloads, the API's second: selects, links, lookups and people tell more of themselves
//! here than in records.

use serde_json::{Map, Value, json};

use crate::compute::cell::lookup_by_record;
use crate::data::base::Base;
use crate::data::field::{Calc, Field};
use crate::data::id::RecordId;
use crate::data::index::{FieldIndex, TableIndex};
use crate::data::link::link_ids;
use crate::data::record::Record;

/// A cell in the form of payloads, under its field's id. A lookup tells by which record each value comes,
/// which is known of a present record only.
pub(super) fn cell(
    base: &Base,
    t: TableIndex,
    record: Option<&Record>,
    field: FieldIndex,
    json: &[u8],
) -> Option<(String, Value)> {
    let of = base[t].fields.get(field).filter(|field| field.alive)?;
    let value: Value = serde_json::from_slice(json).ok()?;
    let value = match of.kind.as_str() {
        "multipleRecordLinks" => {
            let linked = base.linked_table(t, field)?;
            let entry = |id: RecordId| json!({"id": id.to_string(), "name": base.record_name(linked, id)});
            link_ids(json).into_iter().map(entry).collect()
        }
        _ => match (&of.calc, record) {
            (Calc::Lookup { link, target }, Some(record)) => {
                let values = lookup_by_record(base, t, record, *link, *target);
                let ids: Vec<String> = values.iter().map(|(id, _)| id.to_string()).collect();
                let by_id: Map<String, Value> =
                    values.into_iter().map(|(id, values)| (id.to_string(), json!(values))).collect();
                json!({"linkedRecordIds": ids, "valuesByLinkedRecordId": by_id})
            }
            _ => plain(of, value),
        },
    };
    Some((of.id.clone(), value))
}

fn plain(field: &Field, value: Value) -> Value {
    match (field.kind.as_str(), value) {
        ("singleSelect" | "externalSyncSource", Value::String(name)) => {
            field.choice(&name).cloned().unwrap_or_else(|| json!({"name": name}))
        }
        ("multipleSelects", Value::Array(names)) => names
            .into_iter()
            .map(|name| name.as_str().and_then(|name| field.choice(name)).cloned().unwrap_or(name))
            .collect(),
        ("singleCollaborator" | "createdBy" | "lastModifiedBy", person @ Value::Object(_)) => permitted(person),
        ("multipleCollaborators", Value::Array(people)) => people.into_iter().map(permitted).collect(),
        (_, value) => value,
    }
}

fn permitted(mut person: Value) -> Value {
    if person.get("id").is_some() {
        person["permissionLevel"] = json!("create");
    }
    person
}

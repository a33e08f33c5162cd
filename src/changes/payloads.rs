//! Payloads of a webhook -> which records changed or went, and when. Pure.
//!
//! Payloads tell cells in another form than records do, and only those that changed. So they are taken for no more than
//! which records changed: these are read again by id, and their cells have the form that they have everywhere.

// Serde reads a set from a list only, and what matters of some objects is their keys.
#![allow(clippy::zero_sized_map_values)]

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::scan::{Listed, Scan, Source};
use crate::time::{Micros, timestamp_micros};

/// An object of which the keys matter.
type Keys = HashMap<String, IgnoredAny>;

/// `GET /v0/bases/{baseId}/webhooks/{webhookId}/payloads`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names)] // Airtable's name for it.
pub(super) struct Payloads {
    pub(super) payloads: Vec<Payload>,
    /// The number after that of the last payload.
    pub(super) cursor: u64,
    #[serde(default)]
    pub(super) might_have_more: bool,
}

/// What one transaction changed, or a part of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Payload {
    pub(super) timestamp: Option<String>,
    pub(super) base_transaction_number: Option<u64>,
    error: bool,
    code: Option<String>,
    changed_tables_by_id: HashMap<String, TableChange>,
    destroyed_table_ids: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TableChange {
    created_records_by_id: Keys,
    changed_records_by_id: HashMap<String, RecordChange>,
    destroyed_record_ids: Vec<String>,
    created_fields_by_id: Keys,
    changed_fields_by_id: Keys,
    destroyed_field_ids: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RecordChange {
    current: Option<Cells>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Cells {
    cell_values_by_field_id: Keys,
}

impl Payload {
    /// Whether another payload tells of the same transaction.
    pub(super) fn is_same_transaction(&self, other: &Self) -> bool {
        self.base_transaction_number.is_some() && self.base_transaction_number == other.base_transaction_number
    }

    /// Why the webhook tells nothing more, if that is what it says.
    pub(super) fn failure(&self) -> Option<&str> {
        (self.error || self.code.is_some()).then(|| self.code.as_deref().unwrap_or("an error without a code"))
    }

    /// When the change was made.
    pub(super) fn at(&self) -> Option<Micros> {
        self.timestamp.as_deref().and_then(timestamp_micros)
    }
}

/// What is known of a record after some payloads.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: Micros,
    is_gone: bool,
}

/// What some payloads say of one table: for each record only the last.
#[derive(Debug)]
pub(super) struct Changed {
    table_id: String,
    /// The fields that are read; none where a change of any of them matters.
    fields: Option<HashSet<String>>,
    records: BTreeMap<String, Change>,
    /// Something was said of the table's definition.
    pub(super) definition: bool,
    /// When the last change was made.
    pub(super) newest: Option<Micros>,
}

impl Changed {
    pub(super) fn new(plan: &Scan) -> Self {
        // Whether a record is in a view or fulfils a formula may depend on fields that are not read.
        let all = plan.has_all_fields || plan.view_id.is_some() || plan.filter_formula.is_some();
        let has_field = plan.columns.iter().any(|column| matches!(column.source, Source::Field(_)));
        let fields = (!all && has_field).then(|| plan.field_ids().into_iter().map(str::to_owned).collect());
        Self { table_id: plan.table_id.clone(), fields, records: BTreeMap::new(), definition: false, newest: None }
    }

    /// Takes the next payload; `fallback` is its time if it tells none.
    pub(super) fn add(&mut self, payload: &Payload, fallback: Micros) {
        let at = payload.at().unwrap_or(fallback);
        self.newest = self.newest.max(Some(at));
        self.definition |= payload.destroyed_table_ids.contains(&self.table_id);
        let Some(change) = payload.changed_tables_by_id.get(&self.table_id) else { return };
        self.definition |= !change.created_fields_by_id.is_empty()
            || !change.changed_fields_by_id.is_empty()
            || !change.destroyed_field_ids.is_empty();
        for id in change.created_records_by_id.keys() {
            self.note(id, Change { at, is_gone: false });
        }
        for (id, record) in &change.changed_records_by_id {
            if self.matters(record) {
                self.note(id, Change { at, is_gone: false });
            }
        }
        for id in &change.destroyed_record_ids {
            self.note(id, Change { at, is_gone: true });
        }
    }

    fn note(&mut self, id: &str, change: Change) {
        self.records.insert(id.to_owned(), change);
    }

    fn matters(&self, record: &RecordChange) -> bool {
        match (&self.fields, &record.current) {
            (Some(fields), Some(cells)) => cells.cell_values_by_field_id.keys().any(|id| fields.contains(id)),
            _ => true,
        }
    }

    /// Records so far.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Those that are there as far as the payloads know.
    pub(super) fn present(&self) -> impl Iterator<Item = String> {
        self.records.iter().filter(|(_, change)| !change.is_gone).map(|(id, _)| id.clone())
    }

    /// Records that were to be read anyhow, as of a time before all payloads.
    pub(super) fn also(&mut self, ids: impl IntoIterator<Item = String>, at: Micros) {
        for id in ids {
            self.records.entry(id).or_insert(Change { at, is_gone: false });
        }
    }

    /// The records to read, and those to tell of without reading.
    pub(super) fn listed(self, plan: &Scan) -> Listed {
        let mut listed = Listed { absent_are_gone: true, ..Listed::default() };
        for (id, change) in self.records {
            if change.is_gone { &mut listed.gone } else { &mut listed.present }.push((id, change.at));
        }
        if plan.only_gone {
            // A record that is there is gone for the stream only where it may have left what is read.
            if plan.view_id.is_none() && plan.filter_formula.is_none() {
                listed.present.clear();
            }
            // Pipelines lead this stream and that of all changes into one target, which goes by time: the delete is to win
            // over the row that tells of the same end.
            for (_, at) in listed.present.iter_mut().chain(&mut listed.gone) {
                *at += 1;
            }
        }
        listed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::airtable::schema::Table;
    use crate::options::Options;

    fn plan(options: &[(&str, &str)]) -> Scan {
        let table: Table = serde_json::from_value(json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA",
            "fields": [{"id": "fldA", "name": "A", "type": "number"}, {"id": "fldB", "name": "B", "type": "number"}]}))
        .expect("a table");
        let all = [("token", "patA"), ("ingestion_type", "cdc_with_deletes")].iter().chain(options).copied();
        Scan::new("appA", &table, &Options::parse(all).expect("options").read).expect("a plan")
    }

    fn changed(options: &[(&str, &str)], payloads: &[serde_json::Value]) -> Changed {
        let mut changed = Changed::new(&plan(options));
        for payload in payloads {
            changed.add(&serde_json::from_value(payload.clone()).expect("a payload"), 7);
        }
        changed
    }

    fn of_table(second: u32, change: &serde_json::Value) -> serde_json::Value {
        json!({"timestamp": format!("1970-01-01T00:00:{second:02}.000Z"), "baseTransactionNumber": second,
            "changedTablesById": {"tblA": change, "tblB": {"destroyedRecordIds": ["recOther"]}}})
    }

    #[test]
    fn the_last_word_on_a_record_counts() {
        let payloads = [
            of_table(1, &json!({"createdRecordsById": {"rec1": {}, "rec2": {}}})),
            of_table(
                2,
                &json!({"changedRecordsById": {"rec1": {"current": {"cellValuesByFieldId": {"fldB": 1}}}, "rec3": {}}}),
            ),
            of_table(3, &json!({"destroyedRecordIds": ["rec2", "rec4"]})),
            of_table(4, &json!({"createdRecordsById": {"rec4": {"createdTime": "x"}}})),
        ];
        let changed = changed(&[], &payloads);
        assert_eq!(changed.newest, Some(4_000_000));
        assert!(!changed.definition);
        assert_eq!(changed.present().collect::<Vec<_>>(), ["rec1", "rec3", "rec4"]);
        let at = |id: &str, second: i64| (id.to_owned(), second * 1_000_000);
        let expected = Listed {
            present: vec![at("rec1", 2), at("rec3", 2), at("rec4", 4)],
            gone: vec![at("rec2", 3)],
            absent_are_gone: true,
        };
        assert_eq!(changed.listed(&plan(&[])), expected);
    }

    #[test]
    fn a_stream_of_deletes_tells_them_last_and_looks_only_where_records_may_leave() {
        let payloads = [of_table(1, &json!({"changedRecordsById": {"rec1": {}}, "destroyedRecordIds": ["rec2"]}))];
        let gone = vec![("rec2".to_owned(), 1_000_001)];
        let deletes = ("isDeleteFlow", "true");
        for (options, present) in
            [(vec![deletes], vec![]), (vec![deletes, ("filter_formula", "{A}")], vec![("rec1".to_owned(), 1_000_001)])]
        {
            let listed = changed(&options, &payloads).listed(&plan(&options));
            assert_eq!(listed, Listed { present, gone: gone.clone(), absent_are_gone: true }, "{options:?}");
        }
    }

    #[test]
    fn records_that_are_read_anyhow_give_way_to_what_payloads_say() {
        let mut changed = changed(&[], &[of_table(1, &json!({"destroyedRecordIds": ["rec2"]}))]);
        changed.also(["rec1".to_owned(), "rec2".to_owned()], 5);
        assert_eq!(changed.present().collect::<Vec<_>>(), ["rec1"]);
    }

    #[test]
    fn changes_of_fields_that_are_not_read_do_not_matter_unless_they_may_decide_what_is_read() {
        let payload =
            [of_table(1, &json!({"changedRecordsById": {"rec1": {"current": {"cellValuesByFieldId": {"fldB": 1}}}}}))];
        for (options, count) in [
            (vec![], 1),
            (vec![("fields", "A")], 0),
            (vec![("fields", "B")], 1),
            (vec![("fields", "A"), ("filter_formula", "{B}")], 1),
        ] {
            assert_eq!(changed(&options, &payload).len(), count, "{options:?}");
        }
    }

    #[test]
    fn definitions_and_failures_are_noticed() {
        for change in [
            json!({"createdFieldsById": {"fldC": {"name": "C", "type": "number"}}}),
            json!({"changedFieldsById": {"fldA": {"current": {"name": "Z"}}}}),
            json!({"destroyedFieldIds": ["fldA"]}),
        ] {
            assert!(changed(&[], &[of_table(1, &change)]).definition, "{change}");
        }
        assert!(changed(&[], &[json!({"destroyedTableIds": ["tblA"]})]).definition);
        assert!(!changed(&[], &[json!({"destroyedTableIds": ["tblB"]})]).definition);
        let failed: Payload =
            serde_json::from_value(json!({"error": true, "code": "INVALID_HOOK"})).expect("a payload");
        assert_eq!(failed.failure(), Some("INVALID_HOOK"));
    }
}

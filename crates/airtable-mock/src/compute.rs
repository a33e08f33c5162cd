//! Computed cells, and how a change in one record travels to others.
//!
//! Computed cells are stored like all others and brought up to date at the end of each transaction, so that
//! reading never computes. A record whose cells changed makes the records that read it through a link
//! follow; a record is visited a bounded number of times, so even a cycle across tables ends.

pub(crate) mod plan;
pub(crate) mod value;

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use crate::change::Transaction;
use crate::clock::{datetime, stamp, whole_second, write_date};
use crate::data::base::{Base, field_index, link_ids};
use crate::data::field::Calc;
use crate::data::id::RecordId;
use crate::data::record::Record;
use crate::formula::{Row, Value};
use value::{from_cell, plain_text, to_cell};

const MOST_VISITS: u32 = 12;

/// A record as formulas see it.
pub(crate) struct Reader<'a> {
    base: &'a Base,
    table: usize,
    record: &'a Record,
    id: String,
    now_ms: i64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(base: &'a Base, table: usize, record: &'a Record, now_ms: i64) -> Self {
        Self { base, table, record, id: record.id.to_string(), now_ms }
    }
}

impl Row for Reader<'_> {
    fn field(&self, index: usize) -> Value {
        let field = &self.base.tables[self.table].fields[index];
        let Some(json) = self.record.cells.get(field_index(index)) else {
            return Value::Blank;
        };
        match field.kind.as_str() {
            "multipleRecordLinks" => match self.base.linked_table(self.table, index) {
                Some(linked) => Value::Array(
                    link_ids(json).into_iter().map(|id| Value::Text(self.base.record_name(linked, id))).collect(),
                ),
                None => Value::Blank,
            },
            _ => from_cell(field.value_kind(), json),
        }
    }

    fn record_id(&self) -> &str {
        &self.id
    }

    fn created_time(&self) -> DateTime<Utc> {
        datetime(self.record.created_ms)
    }

    fn last_modified_time(&self, fields: &[usize]) -> Option<DateTime<Utc>> {
        self.base.last_modified_ms(self.record, fields).map(datetime)
    }

    fn now(&self) -> DateTime<Utc> {
        datetime(self.now_ms)
    }
}

impl Base {
    /// When any of these fields (of all, if none are named) was last edited.
    pub(crate) fn last_modified_ms(&self, record: &Record, fields: &[usize]) -> Option<i64> {
        let edited = record.last_edit(fields).map(|edit| edit.ms);
        edited.or_else(|| (!self.manners.blank_until_edited).then_some(record.created_ms))
    }

    /// The cell of a computed field; `None` if it is empty.
    fn compute(&self, t: usize, record: &Record, f: usize, now_ms: i64) -> Option<Vec<u8>> {
        let field = &self.tables[t].fields[f];
        let kind = field.value_kind();
        let reader = || Reader::new(self, t, record, now_ms);
        match &field.calc {
            Calc::Stored => record.cells.get(field_index(f)).map(<[u8]>::to_vec),
            Calc::Invalid => None,
            Calc::Circular => Some(br#"{"error":"circular reference"}"#.to_vec()),
            Calc::Formula(formula) => to_cell(kind, &formula.eval(&reader())),
            Calc::Lookup { link, target } => self.lookup_cell(t, record, *link, *target),
            Calc::Rollup { link, target, formula } => {
                let values = self.linked_values(t, record, *link, *target);
                to_cell(kind, &formula.eval(&RollupRow { values, reader: reader() }))
            }
            Calc::Count { link } => {
                let cell = record.cells.get(field_index(*link));
                Some(cell.map_or(0, |json| link_ids(json).len()).to_string().into_bytes())
            }
            Calc::CreatedTime => Some(time_cell(kind, record.created_ms)),
            Calc::LastModifiedTime(fields) => self.last_modified_ms(record, fields).map(|ms| time_cell(kind, ms)),
            Calc::CreatedBy => Some(self.person(record.created_by)?.cell().to_string().into_bytes()),
            Calc::LastModifiedBy(fields) => {
                let edited = record.last_edit(fields).map(|edit| edit.person);
                let person = edited.or_else(|| (!self.manners.blank_until_edited).then_some(record.created_by));
                Some(self.person(person?)?.cell().to_string().into_bytes())
            }
            Calc::AutoNumber => Some(record.auto_number.to_string().into_bytes()),
            Calc::Button => {
                let label = field.private_text("label").unwrap_or("Open");
                let url = field.private_text("url").map(|url| url.replace("{record}", &record.id.to_string()));
                Some(json!({"label": label, "url": url}).to_string().into_bytes())
            }
        }
    }

    /// The looked-up cells, one after the other, arrays among them flattened.
    fn lookup_cell(&self, t: usize, record: &Record, link: usize, target: usize) -> Option<Vec<u8>> {
        let items: Vec<Json> =
            self.lookup_by_record(t, record, link, target).into_iter().flat_map(|(_, items)| items).collect();
        (!items.is_empty()).then(|| Json::Array(items).to_string().into_bytes())
    }

    /// For each linked record, the values that a lookup shows of it.
    pub(crate) fn lookup_by_record(
        &self,
        t: usize,
        record: &Record,
        link: usize,
        target: usize,
    ) -> Vec<(RecordId, Vec<Json>)> {
        let Some(linked) = self.linked_table(t, link) else {
            return Vec::new();
        };
        let Some(links) = record.cells.get(field_index(link)) else {
            return Vec::new();
        };
        let table = &self.tables[linked];
        let is_checkbox = table.fields[target].value_kind() == "checkbox";
        let values = |id: RecordId| {
            let cell = table.records.get(id).and_then(|record| record.cells.get(field_index(target)));
            match cell.and_then(|json| serde_json::from_slice(json).ok()) {
                Some(Json::Array(items)) => items,
                Some(item) => vec![item],
                // An unchecked box shows as null, other empty cells do not show.
                None if is_checkbox => vec![Json::Null],
                None => Vec::new(),
            }
        };
        link_ids(links).into_iter().map(|id| (id, values(id))).collect()
    }

    fn linked_values(&self, t: usize, record: &Record, link: usize, target: usize) -> Value {
        let Some(linked) = self.linked_table(t, link) else {
            return Value::Blank;
        };
        let Some(links) = record.cells.get(field_index(link)) else {
            return Value::Array(Vec::new());
        };
        let records = &self.tables[linked].records;
        let mut values = Vec::new();
        for record in link_ids(links).into_iter().filter_map(|id| records.get(id)) {
            match Reader::new(self, linked, record, 0).field(target) {
                Value::Array(items) => values.extend(items),
                Value::Blank => {}
                value => values.push(value),
            }
        }
        Value::Array(values)
    }

    /// Brings the computed cells of a record up to date; tells whether any changed.
    fn recompute_record(&mut self, tx: &mut Transaction, t: usize, id: RecordId) -> bool {
        let Some(record) = self.tables[t].records.get(id) else {
            return false;
        };
        let mut fresh = record.clone();
        let mut stale = Vec::new();
        for &f in &self.tables[t].order {
            let field = field_index(f);
            if self.tables[t].pinned.contains(&(id, field)) {
                continue;
            }
            let new = self.compute(t, &fresh, f, tx.now_ms);
            if new.as_deref() != fresh.cells.get(field) {
                fresh.cells.set(field, new.as_deref());
                stale.push((field, new));
            }
        }
        let changed = !stale.is_empty();
        for (field, new) in stale {
            self.put_cell(tx, t, id, field, new.as_deref());
        }
        changed
    }

    /// Brings everything up to date that depends on what the transaction touched.
    pub(crate) fn recompute(&mut self, tx: &mut Transaction) {
        let mut queue: VecDeque<(usize, RecordId)> = tx.touched_records().collect();
        let mut visits: HashMap<RecordId, u32> = HashMap::new();
        while let Some((t, id)) = queue.pop_front() {
            let visit = visits.entry(id).or_default();
            *visit += 1;
            if *visit > MOST_VISITS {
                continue;
            }
            let first = *visit == 1;
            if self.recompute_record(tx, t, id) || first {
                queue.extend(self.reading_records(t, id));
            }
        }
    }

    /// The records of other tables (or this one) whose computed cells may read this record.
    fn reading_records(&self, t: usize, id: RecordId) -> Vec<(usize, RecordId)> {
        let mut found = Vec::new();
        for &(reader, link) in &self.tables[t].readers {
            match self.inverse_of(reader, link) {
                Some((_, inverse)) => {
                    found.extend(self.linked_ids(t, id, inverse).into_iter().map(|other| (reader, other)));
                }
                None => found.extend(self.records_linking_to(reader, link, id)),
            }
        }
        found
    }

    /// The records whose cell in a link field names a record, found by looking at all of them.
    pub(crate) fn records_linking_to(&self, t: usize, link: usize, id: RecordId) -> Vec<(usize, RecordId)> {
        let links =
            |record: &&Record| record.cells.get(field_index(link)).is_some_and(|json| link_ids(json).contains(&id));
        self.tables[t].records.iter().filter(links).map(|record| (t, record.id)).collect()
    }

    /// Computes all cells of the base, after loading it or after a change of the schema. Field by field in
    /// the order of the plan, once is enough.
    pub(crate) fn recompute_all(&mut self, tx: &mut Transaction) {
        for (t, f) in self.order.clone() {
            let field = field_index(f);
            let table = &self.tables[t];
            let free = |record: &&Record| !table.pinned.contains(&(record.id, field));
            let fresh: Vec<(RecordId, Option<Vec<u8>>)> = table
                .records
                .iter()
                .filter(free)
                .map(|record| (record.id, self.compute(t, record, f, tx.now_ms), record.cells.get(field)))
                .filter(|(_, new, old)| new.as_deref() != *old)
                .map(|(id, new, _)| (id, new))
                .collect();
            for (id, new) in fresh {
                self.put_cell(tx, t, id, field, new.as_deref());
            }
        }
    }

    /// Recomputes what depends on the time of day, at most once a second.
    pub(crate) fn refresh_volatile(&mut self, t: usize, now_ms: i64) {
        self.tables[t].refreshed_ms = whole_second(now_ms);
        let mut tx = Transaction::silent(now_ms);
        let ids: Vec<RecordId> = self.tables[t].records.iter().map(|record| record.id).collect();
        for id in ids {
            self.recompute_record(&mut tx, t, id);
        }
    }

    /// Whether [`Base::refresh_volatile`] has something to do.
    pub(crate) fn is_stale(&self, t: usize, now_ms: i64) -> bool {
        !self.tables[t].volatile.is_empty() && self.tables[t].refreshed_ms != whole_second(now_ms)
    }

    /// A cell as text, as `cellFormat=string` and upserts want it.
    pub(crate) fn cell_text(&self, t: usize, f: usize, json: &[u8]) -> String {
        match self.linked_table(t, f) {
            Some(linked) if self.tables[t].fields[f].kind == "multipleRecordLinks" => {
                let names: Vec<String> = link_ids(json).into_iter().map(|id| self.record_name(linked, id)).collect();
                names.join(", ")
            }
            _ => serde_json::from_slice(json).map(|json| plain_text(&json)).unwrap_or_default(),
        }
    }
}

fn time_cell(kind: &str, ms: i64) -> Vec<u8> {
    let mut out = vec![b'"'];
    if kind == "date" {
        write_date(&mut out, ms);
    } else {
        out.extend_from_slice(stamp(whole_second(ms)).as_bytes());
    }
    out.push(b'"');
    out
}

/// The row of a rollup's formula: its only field is `values`.
struct RollupRow<'a> {
    values: Value,
    reader: Reader<'a>,
}

impl Row for RollupRow<'_> {
    fn field(&self, _index: usize) -> Value {
        self.values.clone()
    }
    fn record_id(&self) -> &str {
        self.reader.record_id()
    }
    fn created_time(&self) -> DateTime<Utc> {
        self.reader.created_time()
    }
    fn last_modified_time(&self, _fields: &[usize]) -> Option<DateTime<Utc>> {
        self.reader.last_modified_time(&[])
    }
    fn now(&self) -> DateTime<Utc> {
        self.reader.now()
    }
}

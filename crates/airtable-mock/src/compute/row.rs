//! Records as formulas see them.

use chrono::{DateTime, Utc};

use super::value::from_cell;
use crate::clock::datetime;
use crate::data::base::Base;
use crate::data::index::{FieldIndex, Numbered as _, TableIndex};
use crate::data::link::link_ids;
use crate::data::record::Record;
use crate::formula::{Row, Value};

/// A record as formulas see it.
pub(crate) struct Reader<'a> {
    base: &'a Base,
    table: TableIndex,
    record: &'a Record,
    id: String,
    now_ms: i64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(base: &'a Base, table: TableIndex, record: &'a Record, now_ms: i64) -> Self {
        Self { base, table, record, id: record.id.to_string(), now_ms }
    }

    /// The cell of a field, as formulas see it.
    pub(crate) fn value(&self, field: FieldIndex) -> Value {
        let Some(json) = self.record.cells.get(field) else {
            return Value::Blank;
        };
        let of = &self.base[self.table][field];
        match of.kind.as_str() {
            "multipleRecordLinks" => match self.base.linked_table(self.table, field) {
                Some(linked) => Value::Array(
                    link_ids(json).into_iter().map(|id| Value::Text(self.base.record_name(linked, id))).collect(),
                ),
                None => Value::Blank,
            },
            _ => from_cell(of.value_kind(), json),
        }
    }
}

impl Row for Reader<'_> {
    fn field(&self, index: usize) -> Value {
        self.value(FieldIndex::of(index))
    }

    fn record_id(&self) -> &str {
        &self.id
    }

    fn created_time(&self) -> DateTime<Utc> {
        datetime(self.record.created_ms)
    }

    fn last_modified_time(&self, fields: &[usize]) -> Option<DateTime<Utc>> {
        let fields: Vec<FieldIndex> = fields.iter().map(|number| FieldIndex::of(*number)).collect();
        last_modified_ms(self.base, self.record, &fields).map(datetime)
    }

    fn now(&self) -> DateTime<Utc> {
        datetime(self.now_ms)
    }
}

/// When any of these fields (of all, if none are named) was last edited.
pub(crate) fn last_modified_ms(base: &Base, record: &Record, fields: &[FieldIndex]) -> Option<i64> {
    let edited = record.last_edit(fields).map(|edit| edit.ms);
    edited.or_else(|| (!base.manners.blank_until_edited).then_some(record.created_ms))
}

/// The row of a rollup's formula: its only field is `values`.
pub(crate) struct RollupRow<'a> {
    pub(crate) values: Value,
    pub(crate) reader: Reader<'a>,
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

//! The cell of a computed field.

use serde_json::{Value as Json, json};

use super::row::{Reader, RollupRow, last_modified_ms};
use super::value::to_cell;
use crate::clock::{stamp, whole_second, write_date};
use crate::data::base::Base;
use crate::data::field::Calc;
use crate::data::id::RecordId;
use crate::data::index::{FieldIndex, TableIndex};
use crate::data::link::link_ids;
use crate::data::record::Record;
use crate::formula::Value;

/// The cell of a computed field; `None` if it is empty.
pub(crate) fn compute(base: &Base, t: TableIndex, record: &Record, f: FieldIndex, now_ms: i64) -> Option<Vec<u8>> {
    let field = &base[t][f];
    let kind = field.value_kind();
    let reader = || Reader::new(base, t, record, now_ms);
    match &field.calc {
        Calc::Stored => record.cells.get(f).map(<[u8]>::to_vec),
        Calc::Invalid => None,
        Calc::Circular => Some(br#"{"error":"circular reference"}"#.to_vec()),
        Calc::Formula(formula) => to_cell(kind, &formula.eval(&reader())),
        Calc::Lookup { link, target } => lookup_cell(base, t, record, *link, *target),
        Calc::Rollup { link, target, formula } => {
            let values = linked_values(base, t, record, *link, *target);
            to_cell(kind, &formula.eval(&RollupRow { values, reader: reader() }))
        }
        Calc::Count { link } => {
            let cell = record.cells.get(*link);
            Some(cell.map_or(0, |json| link_ids(json).len()).to_string().into_bytes())
        }
        Calc::CreatedTime => Some(time_cell(kind, record.created_ms)),
        Calc::LastModifiedTime(fields) => last_modified_ms(base, record, fields).map(|ms| time_cell(kind, ms)),
        Calc::CreatedBy => Some(base.person(record.created_by)?.cell().to_string().into_bytes()),
        Calc::LastModifiedBy(fields) => {
            let edited = record.last_edit(fields).map(|edit| edit.person);
            let person = edited.or_else(|| (!base.manners.blank_until_edited).then_some(record.created_by));
            Some(base.person(person?)?.cell().to_string().into_bytes())
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
fn lookup_cell(base: &Base, t: TableIndex, record: &Record, link: FieldIndex, target: FieldIndex) -> Option<Vec<u8>> {
    let items: Vec<Json> =
        lookup_by_record(base, t, record, link, target).into_iter().flat_map(|(_, items)| items).collect();
    (!items.is_empty()).then(|| Json::Array(items).to_string().into_bytes())
}

/// For each linked record, the values that a lookup shows of it.
pub(crate) fn lookup_by_record(
    base: &Base,
    t: TableIndex,
    record: &Record,
    link: FieldIndex,
    target: FieldIndex,
) -> Vec<(RecordId, Vec<Json>)> {
    let Some(linked) = base.linked_table(t, link) else {
        return Vec::new();
    };
    let Some(links) = record.cells.get(link) else {
        return Vec::new();
    };
    let table = &base[linked];
    let is_checkbox = table[target].value_kind() == "checkbox";
    let values = |id: RecordId| {
        let cell = table.records.get(id).and_then(|record| record.cells.get(target));
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

fn linked_values(base: &Base, t: TableIndex, record: &Record, link: FieldIndex, target: FieldIndex) -> Value {
    let Some(linked) = base.linked_table(t, link) else {
        return Value::Blank;
    };
    let Some(links) = record.cells.get(link) else {
        return Value::Array(Vec::new());
    };
    let records = &base[linked].records;
    let mut values = Vec::new();
    for record in link_ids(links).into_iter().filter_map(|id| records.get(id)) {
        match Reader::new(base, linked, record, 0).value(target) {
            Value::Array(items) => values.extend(items),
            Value::Blank => {}
            value => values.push(value),
        }
    }
    Value::Array(values)
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

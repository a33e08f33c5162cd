//! The order of a listing: empty cells first, numbers by size, options by their place in the list, texts
//! without regard to case. Airtable documents none of this; it is what its clients see.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::Value;

use crate::data::base::Base;
use crate::data::field::Field;
use crate::data::index::{FieldIndex, Slot, TableIndex};
use crate::data::plain::plain_text;
use crate::data::record::Record;

/// What a cell is sorted by; the order of the variants counts.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
enum Key {
    Empty,
    Number(f64),
    Text(String),
}

/// Sorts slots of a table by fields, each ascending or descending; equal records keep their order.
pub(crate) fn sort_slots(base: &Base, t: TableIndex, slots: &mut Vec<Slot>, by: &[(FieldIndex, bool)], now_ms: i64) {
    let table = &base[t];
    let sorters: Vec<Sorter> = by.iter().map(|(f, desc)| Sorter::new(base, t, *f, *desc)).collect();
    let mut keyed: Vec<(Vec<Key>, Slot)> = slots
        .iter()
        .filter_map(|slot| {
            let record = table.records.seen(*slot, now_ms)?;
            Some((sorters.iter().map(|sorter| sorter.key(record)).collect(), *slot))
        })
        .collect();
    keyed.sort_by(|(left, _), (right, _)| compare(&sorters, left, right));
    *slots = keyed.into_iter().map(|(_, slot)| slot).collect();
}

fn compare(sorters: &[Sorter], left: &[Key], right: &[Key]) -> Ordering {
    for ((sorter, left), right) in sorters.iter().zip(left).zip(right) {
        let order = left.partial_cmp(right).unwrap_or(Ordering::Equal);
        let order = if sorter.descending { order.reverse() } else { order };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

struct Sorter<'a> {
    base: &'a Base,
    table: TableIndex,
    field: FieldIndex,
    descending: bool,
    places: HashMap<&'a str, f64>,
}

impl<'a> Sorter<'a> {
    fn new(base: &'a Base, table: TableIndex, field: FieldIndex, descending: bool) -> Self {
        let places = choice_places(&base[table][field]);
        Self { base, table, field, descending, places }
    }

    fn key(&self, record: &Record) -> Key {
        let Some(cell) = record.cells.get(self.field) else {
            return Key::Empty;
        };
        if self.base[self.table][self.field].kind == "multipleRecordLinks" {
            return Key::Text(self.base.cell_text(self.table, self.field, cell).to_lowercase());
        }
        match serde_json::from_slice(cell) {
            Ok(Value::Number(number)) => Key::Number(number.as_f64().unwrap_or(0.0)),
            Ok(Value::Bool(true)) => Key::Number(1.0),
            Ok(Value::String(text)) => match self.places.get(text.as_str()) {
                Some(place) => Key::Number(*place),
                None => Key::Text(text.to_lowercase()),
            },
            Ok(json) => Key::Text(plain_text(&json).to_lowercase()),
            Err(_) => Key::Empty,
        }
    }
}

fn choice_places(field: &Field) -> HashMap<&str, f64> {
    let names = field.choices().filter_map(|choice| choice.get("name")?.as_str());
    names.zip(0_u32..).map(|(name, place)| (name, f64::from(place))).collect()
}

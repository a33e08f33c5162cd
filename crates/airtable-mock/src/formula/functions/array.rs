//! Array functions, for lookups and for fields of several values.
//!
//! A value that is no array counts as an array of itself, a blank one as an empty array.

use crate::formula::expression::Values;
use crate::formula::function::{ANY, Function};
use crate::formula::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::values("ARRAYJOIN", 1, 2, |values, _| join(values)),
    Function::values("ARRAYUNIQUE", 1, 1, |values, _| {
        let mut unique: Vec<Value> = Vec::new();
        for item in values[0].items() {
            if !unique.contains(item) {
                unique.push(item.clone());
            }
        }
        Some(Value::Array(unique))
    }),
    Function::values("ARRAYCOMPACT", 1, 1, |values, _| {
        let items = values[0].items().iter();
        Some(Value::Array(items.filter(|item| !item.is_empty()).cloned().collect()))
    }),
    Function::values("ARRAYFLATTEN", 1, ANY, |values, _| {
        let mut flat = Vec::new();
        for value in values {
            flatten(value, &mut flat);
        }
        Some(Value::Array(flat))
    }),
    Function::values("ARRAYSLICE", 2, 3, |values, _| Some(slice(values))),
];

fn join(values: &Values<'_>) -> Option<Value> {
    let separator = values.get(1).map_or(", ".into(), |separator| separator.text());
    let mut text = String::new();
    for (nth, item) in values[0].items().iter().enumerate() {
        if nth > 0 {
            text.push_str(&separator);
        }
        text.push_str(&item.text());
    }
    Value::bounded(text)
}

fn flatten(value: &Value, flat: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, flat)),
        Value::Blank => {}
        other => flat.push(other.clone()),
    }
}

/// From the first position to the last, both included and counted from 1; negative ones count from the end.
fn slice(values: &Values<'_>) -> Value {
    let items = values[0].items();
    let length = items.len() as f64;
    let position = |value: f64| match value.trunc() {
        value if value < 0.0 => length + value + 1.0,
        value => value,
    };
    let first = position(values[1].number()).max(1.0);
    let last = values.get(2).map_or(length, |last| position(last.number()));
    let (skipped, last) = ((first - 1.0) as usize, last.min(length) as usize);
    Value::Array(items.get(skipped..last).unwrap_or_default().to_vec())
}

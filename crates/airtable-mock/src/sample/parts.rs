//! What the records and fields of the sample are made of.

#![allow(clippy::needless_pass_by_value, reason = "`record` takes the json! that is made for it")]

use serde_json::{Value, json};

use super::people::people;
use crate::clock::stamp;
use crate::data::person::Person;

/// 2024-03-01, when the sample begins.
pub(super) const EPOCH_MS: i64 = 1_709_251_200_000;
/// `rec` and fourteen letters or digits.
const LONGEST_ID: usize = 17;
const HOUR_MS: i64 = 3_600_000;

/// So many hours after the sample's beginning.
pub(super) fn time(hours: i64) -> String {
    stamp(EPOCH_MS + hours * HOUR_MS)
}

/// So many days after the sample's beginning.
pub(super) fn day(days: i64) -> String {
    time(days * 24)[..10].to_owned()
}

pub(super) fn date_options() -> Value {
    json!({"dateFormat": {"name": "iso", "format": "YYYY-MM-DD"}})
}

pub(super) fn datetime_options(zone: &str) -> Value {
    json!({"timeZone": zone, "dateFormat": {"name": "european", "format": "D/M/YYYY"},
        "timeFormat": {"name": "24hour", "format": "HH:mm"}})
}

pub(super) fn person(number: usize) -> Value {
    people().get(number % 5).map(Person::cell).unwrap_or_default()
}

/// Picks by position, the same in every run.
pub(super) fn pick<'a>(of: &[&'a str], number: usize) -> &'a str {
    of[number % of.len()]
}

/// The id of a table's n-th record, the same in every run. It ends as Airtable's do, evenly among all letters and digits:
/// who reads a share of a table by the ends of its ids meets that share.
pub(super) fn record_id(begin: &str, n: usize) -> String {
    let mut random = fastrand::Rng::with_seed(n as u64);
    let end = (begin.len()..LONGEST_ID).map(|_| random.alphanumeric());
    begin.chars().chain(end).collect()
}

/// A record with what every record has.
pub(super) fn record(id: &str, created_hours: i64, fields: Value) -> Value {
    json!({"id": id, "createdTime": time(created_hours), "createdBy": created_hours % 4, "fields": fields})
}

//! Numbers, days and moments as text: the same in JSON lines and CSV.

use std::io::Write;

use chrono::NaiveDate;

use crate::time::{Micros, utc_micros};

/// Days from 0001-01-01, which chrono calls day 1, to 1970-01-01.
const EPOCH: i32 = 719_163;

/// The word for a double that JSON has no number for; those by which Airtable, Spark and Python know it.
pub(super) fn word(value: f64) -> Option<&'static str> {
    match value {
        value if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// A finite double, in the fewest digits that give the same double again.
pub(super) fn float(value: f64, out: &mut Vec<u8>) {
    // Cannot fail: memory takes everything.
    _ = serde_json::to_writer(out, &value);
}

/// `-12`.
pub(super) fn int(value: i64, out: &mut Vec<u8>) {
    _ = serde_json::to_writer(out, &value);
}

/// `2026-01-31`.
pub(super) fn date(days: i32, out: &mut Vec<u8>) {
    if let Some(date) = days.checked_add(EPOCH).and_then(NaiveDate::from_num_days_from_ce_opt) {
        _ = write!(out, "{date}");
    }
}

/// `2026-01-31T23:59:59Z`, with three or six more digits where there are some.
pub(super) fn moment(micros: Micros, out: &mut Vec<u8>) {
    out.extend_from_slice(utc_micros(micros).as_bytes());
}

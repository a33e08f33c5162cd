//! A record as formulas see it; whoever has records implements it.

use chrono::{DateTime, Utc};

use super::value::Value;

/// What a formula may ask of the record it is evaluated on.
pub trait Row {
    /// The cell of the field that the resolver given to [`Formula::compile`](super::Formula::compile) called `index`.
    ///
    /// As Airtable's formulas see cells: a single select or a collaborator is its name, a checkbox is 1 or blank, a date
    /// is a [`Value::Date`], linked records are an array of the texts of their primary fields (never their ids), a
    /// lookup is an array of the cells looked up, and an empty cell is blank.
    fn field(&self, index: usize) -> Value;
    /// The record's id, `rec...`.
    fn record_id(&self) -> &str;
    /// When the record was created.
    fn created_time(&self) -> DateTime<Utc>;
    /// When a user last changed one of `fields` (indexes as in [`Row::field`]); of all editable fields if it is empty.
    fn last_modified_time(&self, fields: &[usize]) -> Option<DateTime<Utc>>;
    /// The time that `NOW()` and `TODAY()` take as now.
    fn now(&self) -> DateTime<Utc>;
}

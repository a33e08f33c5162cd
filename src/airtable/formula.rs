//! Formulas that this crate writes: conditions on a record's own properties, and what joins them. Pure.
//!
//! Invariant: nothing that comes from outside ends the text that it stands in.

use crate::error::{Error, Result};

/// The formula that is true of the records with these ids.
pub(crate) fn ids_formula<'i>(ids: impl Iterator<Item = &'i str>) -> String {
    let is = |id: &str| format!("RECORD_ID()='{id}'");
    format!("OR({})", ids.map(is).collect::<Vec<_>>().join(","))
}

/// The formula that is true where both are.
pub(crate) fn both(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("AND({one},{other})")),
        (one, other) => one.or(other),
    }
}

/// Only letters and digits: such an id cannot end the text that it stands in.
pub(crate) fn check_record_id(id: &str) -> Result<()> {
    if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Error::Data(format!("{id:?} is no id of a record")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_asked_for_by_name() {
        assert_eq!(ids_formula(["recA", "recB"].into_iter()), "OR(RECORD_ID()='recA',RECORD_ID()='recB')");
        assert!(check_record_id("rec0123456789abcd").is_ok());
        for id in ["", "rec'", "rec\\", "réc", "rec)"] {
            assert!(check_record_id(id).is_err(), "{id}");
        }
    }
}

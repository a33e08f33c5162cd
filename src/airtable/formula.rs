//! Formulas that this crate writes: conditions on a record's own properties, and what joins them. Pure.
//!
//! Invariant: nothing that comes from outside ends the text that it stands in.

/// The formula that is true of the records with these ids, which were checked when they were read.
pub(crate) fn ids_formula<'i>(ids: impl Iterator<Item = &'i str>) -> String {
    let is = |id: &str| format!("RECORD_ID()='{id}'");
    format!("OR({})", ids.map(is).collect::<Vec<_>>().join(","))
}

/// The formula of those of some records that fulfil another; the one that there is where the other is not. `IF` gives what
/// the other one gives, so that whatever Airtable takes for true there, it takes for true here.
pub(crate) fn among(some: Option<String>, filter: Option<&str>) -> Option<String> {
    match (some, filter) {
        (Some(some), Some(filter)) => Some(format!("IF({some},({filter}))")),
        (some, filter) => some.or_else(|| filter.map(str::to_owned)),
    }
}

/// The formula that is true where both are.
pub(crate) fn both(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("AND({one},{other})")),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_asked_for_by_name() {
        assert_eq!(ids_formula(["recA", "recB"].into_iter()), "OR(RECORD_ID()='recA',RECORD_ID()='recB')");
    }
}

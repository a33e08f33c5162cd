//! Field ids -> what their cells are for. Airtable sends the cells of every record in the same order, but leaves out the
//! empty ones: the key that comes next is nearly always one of the few that came after this one before, and is only
//! compared with them.
//!
//! Invariant: guesses make it quick and decide nothing: a key that was not guessed is looked up.

use std::collections::HashMap;

use crate::json::Json;
use crate::scan::{Scan, Source};

/// What the cells of a field are for. Neither, where the field is in the pages only because something has to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) column: Option<usize>,
    /// A second column of the same cells, which a condition needs as another type.
    pub(super) other: Option<usize>,
    /// They are the times of the records' last edits.
    pub(super) tells_edits: bool,
}

/// So many empty cells in a row do not spoil the guess.
const GUESSES: usize = 4;

/// The fields whose cells are expected.
#[derive(Default)]
pub(super) struct FieldOrder {
    ids: Vec<String>,
    roles: Vec<Role>,
    places: HashMap<String, usize>,
    /// For each key the one that came after it; at last the first of a record.
    next: Vec<usize>,
    /// The key that was read last.
    last: usize,
}

impl FieldOrder {
    pub(super) fn new(scan: &Scan) -> Self {
        let mut order = Self::default();
        for (index, column) in scan.columns.iter().enumerate() {
            if let Source::Field(field) = &column.source {
                let role = order.role(&field.id);
                match role.column {
                    None => role.column = Some(index),
                    Some(_) => role.other = Some(index),
                }
            }
        }
        if order.ids.is_empty() {
            order.role(&scan.primary_field_id);
        }
        for column in &scan.columns {
            if let Source::ChangedAt { field_id: Some(id) } = &column.source {
                order.role(id).tells_edits = true;
            }
        }
        let count = order.ids.len();
        order.next = (1..count).chain([0, 0]).collect();
        order
    }

    fn role(&mut self, id: &str) -> &mut Role {
        let place = *self.places.entry(id.to_owned()).or_insert(self.ids.len());
        if place == self.ids.len() {
            self.ids.push(id.to_owned());
            self.roles.push(Role::default());
        }
        &mut self.roles[place]
    }

    /// The next key is the first of a record.
    pub(super) fn restart(&mut self) {
        self.last = self.ids.len();
    }

    /// Reads the next key, if it is one of those that were expected.
    #[inline]
    pub(super) fn guess(&mut self, json: &mut Json<'_>) -> Option<Role> {
        let mut guess = self.last;
        for _ in 0..GUESSES {
            guess = self.next[guess];
            if json.is_key(&self.ids[guess]) {
                self.last = guess;
                return Some(self.roles[guess]);
            }
        }
        None
    }

    /// What a key stands for that was not guessed, if it is of a field.
    pub(super) fn find(&mut self, key: &str) -> Option<Role> {
        let place = *self.places.get(key)?;
        self.next[self.last] = place;
        self.last = place;
        Some(self.roles[place])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::tests::scan;

    /// In the order of the columns.
    const IDS: [&str; 7] = ["fldName", "fldMargin", "fldDone", "fldTags", "fldWho", "fldDay", "fldNew"];

    fn read(order: &mut FieldOrder, id: &str) -> Option<Role> {
        let text = format!("\"{id}\":");
        let mut json = Json::new(&text);
        let role = order.guess(&mut json);
        assert!(role.is_none() || json.end().is_ok(), "what was guessed was read");
        role.or_else(|| order.find(id))
    }

    proptest! {
        #[test]
        fn keys_are_told_apart_whatever_came_before(records in prop::collection::vec(prop::collection::vec(0..8_usize, 0..12), 0..12)) {
            let mut order = FieldOrder::new(&scan(&[]));
            let first = scan(&[]).columns.iter().position(|column| matches!(column.source, Source::Field(_)));
            for record in records {
                order.restart();
                for index in record {
                    let expected = IDS.get(index).map(|_| Role { column: first.map(|first| first + index), ..Role::default() });
                    prop_assert_eq!(read(&mut order, IDS.get(index).unwrap_or(&"fldOther")), expected);
                }
            }
        }
    }

    #[test]
    fn keys_in_a_steady_order_are_guessed() {
        let mut order = FieldOrder::new(&scan(&[]));
        let mut guesses = |record: &[&str]| -> usize {
            order.restart();
            let mut guess = |id: &str| {
                let text = format!("\"{id}\":");
                let is_guessed = order.guess(&mut Json::new(&text)).is_some();
                if !is_guessed {
                    order.find(id).expect("a field of the scan");
                }
                is_guessed
            };
            record.iter().filter(|id| guess(id)).count()
        };
        let mut backwards = IDS;
        backwards.reverse();
        assert_eq!(guesses(&IDS), 7);
        assert!(guesses(&backwards) < 7, "another order than that of the columns");
        assert_eq!(guesses(&backwards), 7);
        assert_eq!(guesses(&[backwards[0], backwards[4], backwards[6]]), 3, "without the empty cells");
    }
}

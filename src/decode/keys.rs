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
pub(super) struct Purpose {
    pub(super) column: Option<usize>,
    /// They are the times of the records' last edits.
    pub(super) tells_edits: bool,
}

/// So many empty cells in a row do not spoil the guess.
const GUESSES: usize = 4;

/// The fields whose cells are expected.
#[derive(Default)]
pub(super) struct Keys {
    ids: Vec<String>,
    purposes: Vec<Purpose>,
    places: HashMap<String, usize>,
    /// For each key the one that came after it; at last the first of a record.
    next: Vec<usize>,
    /// The key that was read last.
    last: usize,
}

impl Keys {
    pub(super) fn new(scan: &Scan) -> Self {
        let mut keys = Self::default();
        for (index, column) in scan.columns.iter().enumerate() {
            if let Source::Field(field) = &column.source {
                keys.purpose(&field.id).column = Some(index);
            }
        }
        if keys.ids.is_empty() {
            keys.purpose(&scan.primary_field_id);
        }
        for column in &scan.columns {
            if let Source::ChangedAt { field_id: Some(id) } = &column.source {
                keys.purpose(id).tells_edits = true;
            }
        }
        let count = keys.ids.len();
        keys.next = (1..count).chain([0, 0]).collect();
        keys
    }

    fn purpose(&mut self, id: &str) -> &mut Purpose {
        let place = *self.places.entry(id.to_owned()).or_insert(self.ids.len());
        if place == self.ids.len() {
            self.ids.push(id.to_owned());
            self.purposes.push(Purpose::default());
        }
        &mut self.purposes[place]
    }

    /// The next key is the first of a record.
    pub(super) fn restart(&mut self) {
        self.last = self.ids.len();
    }

    /// Reads the next key, if it is one of those that were expected.
    #[inline]
    pub(super) fn guess(&mut self, json: &mut Json<'_>) -> Option<Purpose> {
        let mut guess = self.last;
        for _ in 0..GUESSES {
            guess = self.next[guess];
            if json.is_key(&self.ids[guess]) {
                self.last = guess;
                return Some(self.purposes[guess]);
            }
        }
        None
    }

    /// What a key stands for that was not guessed, if it is of a field.
    pub(super) fn find(&mut self, key: &str) -> Option<Purpose> {
        let place = *self.places.get(key)?;
        self.next[self.last] = place;
        self.last = place;
        Some(self.purposes[place])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::tests::scan;

    /// In the order of the columns.
    const IDS: [&str; 7] = ["fldName", "fldMargin", "fldDone", "fldTags", "fldWho", "fldDay", "fldNew"];

    fn read(keys: &mut Keys, id: &str) -> Option<Purpose> {
        let text = format!("\"{id}\":");
        let mut json = Json::new(&text);
        let purpose = keys.guess(&mut json);
        assert!(purpose.is_none() || json.end().is_ok(), "what was guessed was read");
        purpose.or_else(|| keys.find(id))
    }

    proptest! {
        #[test]
        fn keys_are_told_apart_whatever_came_before(records in prop::collection::vec(prop::collection::vec(0..8_usize, 0..12), 0..12)) {
            let mut keys = Keys::new(&scan(&[]));
            let first = scan(&[]).columns.iter().position(|column| matches!(column.source, Source::Field(_)));
            for record in records {
                keys.restart();
                for index in record {
                    let expected = IDS.get(index).map(|_| Purpose { column: first.map(|first| first + index), tells_edits: false });
                    prop_assert_eq!(read(&mut keys, IDS.get(index).unwrap_or(&"fldOther")), expected);
                }
            }
        }
    }

    #[test]
    fn keys_in_a_steady_order_are_guessed() {
        let mut keys = Keys::new(&scan(&[]));
        let mut guesses = |record: &[&str]| -> usize {
            keys.restart();
            let mut guess = |id: &str| {
                let text = format!("\"{id}\":");
                let is_guessed = keys.guess(&mut Json::new(&text)).is_some();
                if !is_guessed {
                    keys.find(id).expect("a field of the scan");
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

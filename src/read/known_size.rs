//! How many records a table had when this machine read it last: a file of the base, which holds the last few tables.
//!
//! Airtable does not tell a table's size, and to guess it takes pages that come again. What was read lately tells it at the
//! first page. It only decides by how many cursors a table is read, so that nothing is wrong where it is.

use std::path::PathBuf;

use crate::airtable::client::Client;
use crate::airtable::words;
use crate::fingerprint::fingerprint;
use crate::scan::Scan;

/// Tables that a file holds, each by two numbers.
const MOST: usize = 15;

/// Smaller tables are not worth a file.
const LEAST: u64 = 1_000;

/// Where the size of what a plan reads is noted.
#[derive(Debug)]
pub(super) struct KnownSize {
    path: PathBuf,
    key: u64,
}

impl KnownSize {
    /// That of the records of a plan that fulfil a formula.
    pub(super) fn of(client: &Client, scan: &Scan, formula: Option<&str>) -> Self {
        let key = fingerprint(&format!("{} {:?} {formula:?}", scan.table_id, scan.view_id));
        Self { path: client.shared_path(1, &scan.base_id, crate::airtable::lock_file::SIZES), key }
    }

    /// So many records, where that is known.
    pub(super) fn records(&self) -> Option<u64> {
        words::change(&self.path, |words| found(words, self.key)).ok()?
    }

    /// So many were read, which are all. A file that cannot be written tells nothing the next time.
    pub(super) fn note(&self, records: u64) {
        _ = words::change(&self.path, |words| {
            if records >= LEAST || found(words, self.key).is_some() {
                note(words, self.key, records);
            }
        });
    }
}

fn found(words: &[u64], key: u64) -> Option<u64> {
    words.chunks_exact(2).find(|pair| pair[0] == key).map(|pair| pair[1])
}

/// The last one stands first.
fn note(words: &mut Vec<u64>, key: u64, records: u64) {
    let others = words.chunks_exact(2).filter(|pair| pair[0] != key).take(MOST - 1).flatten().copied();
    *words = [key, records].into_iter().chain(others).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tables_are_known_and_none_twice() {
        let mut words = Vec::new();
        for (key, records) in [(1, 2_000), (2, 3_000), (1, 2_500)] {
            note(&mut words, key, records);
        }
        assert_eq!(words, [1, 2_500, 2, 3_000]);
        assert_eq!((found(&words, 2), found(&words, 3), found(&[7], 7)), (Some(3_000), None, None));
        (10..40).for_each(|key| note(&mut words, key, key));
        assert_eq!(words.len(), 2 * MOST);
        assert!(words.len() < words::MOST_WORDS);
        assert_eq!((found(&words, 39), found(&words, 25), found(&words, 24)), (Some(39), Some(25), None));
    }
}

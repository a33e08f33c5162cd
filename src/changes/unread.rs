//! Records that a feed has told of and that cannot be read yet: how long, and how often, they are asked for. Pure.
//!
//! Invariants: a record is asked for again after ten seconds at the earliest, and then each time after twice the time; it
//! is let go of an hour after the feed told of it, and not before it was asked for once more.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::changes::offset::Unread;
use crate::time::{Micros, Seconds};

/// How long a record that cannot be read is waited for.
pub(super) const PATIENCE_SECONDS: Seconds = 3_600;

/// An offset holds so many.
pub(super) const MOST_UNREAD: usize = 2_000;

/// How soon a record is asked for again.
const PAUSE_SECONDS: Seconds = 10;

/// When records were asked for, by this process: after a restart they are asked for at once.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<HashMap<String, Times>>);

#[derive(Debug, Clone, Copy)]
struct Times {
    first: Seconds,
    last: Seconds,
}

impl Asked {
    /// Those that are to be asked for now, and those that are to be later.
    pub(super) fn split(&self, awaited: Unread, now: Seconds) -> (Unread, Unread) {
        let asked = self.lock();
        awaited.into_iter().partition(|(id, _)| {
            asked.get(id).is_none_or(|times| now - times.last >= (times.last - times.first).max(PAUSE_SECONDS))
        })
    }

    /// Takes note that some were asked for, and which of them were read.
    pub(super) fn note(&self, ids: &[&String], readable: &[String], now: Seconds) {
        let mut asked = self.lock();
        for id in ids {
            asked.entry((*id).clone()).or_insert(Times { first: now, last: now }).last = now;
        }
        for id in readable {
            asked.remove(id);
        }
        // What was let go of is forgotten some time.
        asked.retain(|_, times| now - times.last <= 2 * PATIENCE_SECONDS);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Times>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those of the records that were asked for which are waited for: not read, and told of no earlier than at a time.
pub(super) fn still_unread(asked: Unread, readable: &[String], since: Micros) -> Unread {
    let readable: HashSet<&String> = readable.iter().collect();
    asked.into_iter().filter(|(id, at)| *at >= since && !readable.contains(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(ids: &[(&str, Micros)]) -> Unread {
        ids.iter().map(|(id, at)| ((*id).to_owned(), *at)).collect()
    }

    #[test]
    fn a_record_is_asked_for_less_and_less_often() {
        let (asked, id) = (Asked::default(), "recA".to_owned());
        let mut times = Vec::new();
        for now in 0..3_600 {
            if !asked.split(unread(&[("recA", 0)]), now).0.is_empty() {
                asked.note(&[&id], &[], now);
                times.push(now);
            }
        }
        assert_eq!(times, [0, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560]);
        asked.note(&[&id], std::slice::from_ref(&id), 3_600);
        assert_eq!(asked.split(unread(&[("recA", 0)]), 3_600).0.len(), 1, "read, and told of again");
    }

    #[test]
    fn what_was_read_or_is_too_old_is_not_waited_for() {
        let asked = unread(&[("recA", 5), ("recB", 10), ("recC", 10)]);
        assert_eq!(still_unread(asked, &["recC".to_owned()], 10), unread(&[("recB", 10)]));
    }
}

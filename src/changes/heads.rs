//! What the webhooks of a base were found to be, for all streams of the base: while the feed has not moved, one of them asks
//! and the others need not.
//!
//! A list is kept twice. Streams of one connector have it whole, in memory. All processes of the machine that have the
//! token know of each webhook how far it was, in a small file.
//!
//! Invariants: who is told that nothing has moved would have been told so by Airtable, had he asked when the list was asked
//! for. So it matters how old a list may be, and its time is that before the question. A webhook that fails says so in its
//! newest payload and tells nothing more, so a stream rests only on one whose newest payload somebody has read. What cannot
//! be read, is of another form, or comes from the future, is nothing that is known.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::airtable::client::Client;
use crate::airtable::lock_file::Held;
use crate::airtable::words::{self, MOST_WORDS, wall};
use crate::changes::offset::FeedPosition;
use crate::changes::webhook::Webhook;
use crate::fingerprint::fingerprint;
use crate::time::Seconds;

/// How long a process that is asking is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Microseconds of this machine's clock.
type Wall = u64;

/// The lists that one connector was told, by base.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists(Arc<Mutex<HashMap<String, List>>>);

/// The webhooks of a base as they were told.
#[derive(Debug, Clone)]
pub(super) struct List {
    /// When it was asked for, by this machine's clock.
    pub(super) asked: Wall,
    /// When it was told, by the service's.
    pub(super) told: Seconds,
    pub(super) webhooks: Vec<Webhook>,
}

/// What is known of a feed that was at some position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It has not moved, as somebody was told so long ago.
    Unmoved(Duration),
    /// It has.
    Moved,
    /// Nobody has asked since, or nobody has looked whether it works, or the webhook is to be read or is no longer there.
    Unsure,
}

/// The lists of one base.
#[derive(Debug)]
pub(super) struct Heads {
    base_id: String,
    path: PathBuf,
    lists: Lists,
}

impl Heads {
    /// Those that a client's token sees.
    pub(super) fn new(client: &Client, base_id: &str, lists: Lists) -> Self {
        Self { base_id: base_id.to_owned(), path: client.shared_path(1, base_id, "heads"), lists }
    }

    /// The last list of this connector, where it was asked for since a time.
    pub(super) fn list_since(&self, since: Wall) -> Option<List> {
        let now = wall();
        self.lists.lock().get(&self.base_id).filter(|list| is_between(list.asked, since, now)).cloned()
    }

    /// Takes note of a list.
    pub(super) fn note(&self, list: &List) {
        self.lists.lock().insert(self.base_id.clone(), list.clone());
        self.write(list);
    }

    /// Takes note that somebody has read a webhook, so that others need not.
    pub(super) fn note_read(&self, id: &str, now: Seconds) {
        let list = {
            let mut lists = self.lists.lock();
            let Some(list) = lists.get_mut(&self.base_id) else { return };
            let Some(webhook) = list.webhooks.iter_mut().find(|webhook| webhook.id == id && webhook.is_due(now)) else {
                return;
            };
            webhook.was_read(now);
            list.clone()
        };
        self.write(&list);
    }

    /// Tells all processes of the machine. Who is at a webhook that would expire for want of readers asks for himself.
    fn write(&self, list: &List) {
        let lasting = |webhook: &&Webhook| webhook.end(list.told).is_none() && !webhook.is_due(list.told);
        let heads: Vec<Head> = list.webhooks.iter().filter(lasting).map(Head::of).collect();
        // Whoever cannot read it asks.
        _ = words::change(&self.path, |words| note(words, list.asked, &heads, wall()));
    }

    /// Takes note that somebody has read everything before a position, and that the feed works.
    pub(super) fn note_works(&self, at: &FeedPosition) {
        _ = words::change(&self.path, |words| note_works(words, Head::at(at)));
    }

    /// What is known of a feed at a position, by a list that was asked for since a time.
    fn known(&self, at: &FeedPosition, since: Wall) -> Known {
        words::change(&self.path, |words| known(words, Head::at(at), since, wall())).unwrap_or(Known::Unsure)
    }

    /// How old the answer is by which a feed has not moved from a position, if it was asked for since a time. Else it is to
    /// be asked for: by one of all who would ask the same, while the others wait for the answer.
    pub(super) async fn rest(&self, client: &Client, at: &FeedPosition, since: Wall) -> Result<Duration, Option<Held>> {
        let (mut asking, mut known) = (None, self.known(at, since));
        if known == Known::Unsure {
            asking = self.alone(client).await;
            known = self.known(at, since);
        }
        match known {
            Known::Unmoved(age) => Ok(age),
            Known::Moved | Known::Unsure => Err(asking),
        }
    }

    /// Waits until nobody else asks, but not for long.
    async fn alone(&self, client: &Client) -> Option<Held> {
        client.alone_within(&self.base_id, "asking", PATIENCE).await
    }
}

impl Lists {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, List>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a webhook is, as the file has it: two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    /// The webhook's id.
    id: u64,
    next: u64,
}

impl Head {
    fn of(webhook: &Webhook) -> Self {
        Self { id: fingerprint(&webhook.id), next: webhook.cursor_for_next_payload }
    }

    fn at(position: &FeedPosition) -> Self {
        Self { id: fingerprint(&position.webhook_id), next: position.next }
    }

    /// The second number. Its lowest bit says that what came before works.
    fn written(self, works: bool) -> u64 {
        self.next << 1 | u64::from(works)
    }
}

/// Whether a moment is no earlier than another, and not yet to come.
fn is_between(moment: Wall, since: Wall, now: Wall) -> bool {
    since <= moment && moment <= now
}

/// The pairs of a file's numbers, after the time of its list.
fn pairs(words: &[u64]) -> impl Iterator<Item = (u64, u64)> {
    words.get(1..).unwrap_or_default().as_chunks::<2>().0.iter().map(|&[id, head]| (id, head))
}

/// Replaces an older list. What works still does where it has not moved.
fn note(words: &mut Vec<u64>, asked: Wall, heads: &[Head], now: Wall) {
    if words.first().is_some_and(|last| is_between(*last, asked.saturating_add(1), now)) {
        return;
    }
    let mut list = vec![asked];
    for head in heads.iter().take(MOST_WORDS / 2) {
        let still = pairs(words).any(|pair| pair == (head.id, head.written(true)));
        list.extend([head.id, head.written(still)]);
    }
    *words = list;
}

fn note_works(words: &mut [u64], at: Head) {
    let place = pairs(words).position(|pair| pair == (at.id, at.written(false)));
    if let Some(place) = place {
        words[2 + 2 * place] = at.written(true);
    }
}

fn known(words: &[u64], at: Head, since: Wall, now: Wall) -> Known {
    let Some(asked) = words.first().copied().filter(|asked| is_between(*asked, since, now)) else {
        return Known::Unsure;
    };
    let of_it: Vec<u64> = pairs(words).filter(|(id, _)| *id == at.id).map(|(_, head)| head).collect();
    match &of_it[..] {
        heads if heads.contains(&at.written(true)) => Known::Unmoved(Duration::from_micros(now - asked)),
        heads if heads.is_empty() || heads.contains(&at.written(false)) => Known::Unsure,
        _ => Known::Moved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Head = Head { id: 7, next: 12 };
    const B: Head = Head { id: 9, next: 1 };

    fn list(asked: Wall, heads: &[Head], working: &[Head]) -> Vec<u64> {
        let mut words = Vec::new();
        note(&mut words, asked, heads, asked);
        for head in working {
            note_works(&mut words, *head);
        }
        words
    }

    #[test]
    fn a_feed_rests_while_a_list_is_young_that_has_it_there_and_working() {
        let words = list(100, &[A, B], &[A]);
        let unmoved = |age| Known::Unmoved(Duration::from_micros(age));
        for (at, since, now, expected) in [
            (A, 100, 100, unmoved(0)),
            (A, 90, 130, unmoved(30)),
            (A, 101, 130, Known::Unsure),
            // The machine's clock was put back.
            (A, 30, 99, Known::Unsure),
            // Nobody has looked whether it works.
            (B, 90, 130, Known::Unsure),
            // A stream that is behind it, and one whose webhook was made anew.
            (Head { next: 11, ..A }, 90, 130, Known::Moved),
            (Head { next: 13, ..A }, 90, 130, Known::Moved),
            // One whose webhook is another, has ended, or is to be read.
            (Head { id: 8, ..A }, 90, 130, Known::Unsure),
        ] {
            assert_eq!(known(&words, at, since, now), expected, "{at:?} since {since} at {now}");
        }
        assert_eq!(known(&[], A, 0, 130), Known::Unsure, "a file that is new, or none of ours");
    }

    #[test]
    fn a_newer_list_replaces_an_older_one_and_keeps_what_is_known_to_work() {
        let mut words = list(100, &[A, B], &[A, B]);
        note(&mut words, 99, &[B], 130);
        assert_eq!(words, list(100, &[A, B], &[A, B]), "an answer that was overtaken");
        let moved = Head { next: 13, ..A };
        note(&mut words, 120, &[moved, B], 130);
        assert_eq!(words, list(120, &[moved, B], &[B]));
        // One that has ended is no longer there.
        note(&mut words, 121, &[moved], 130);
        assert_eq!(words, list(121, &[moved], &[]));
        // A clock that was put back does not leave the list for ever.
        note(&mut words, 50, &[A], 51);
        assert_eq!(words, list(50, &[A], &[]));
        note_works(&mut words, B);
        note_works(&mut words, moved);
        assert_eq!(words, list(50, &[A], &[]), "only where it is there");
    }

    #[test]
    fn a_list_fits_its_file() {
        let many: Vec<Head> = (0..40).map(|id| Head { id, next: id }).collect();
        let words = list(100, &many, &many);
        assert_eq!(words.len(), MOST_WORDS);
        assert_eq!(known(&words, many[3], 100, 100), Known::Unmoved(Duration::ZERO));
        assert_eq!(known(&words, many[30], 100, 100), Known::Unsure, "asked for by itself");
    }
}

//! What the requests of one asker cost. Many share a client; each may keep a [`Tally`] of its own.
//!
//! Invariant: numbers only grow, but for a request that is found not to have been sent after all. Any thread may look.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts of requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: AtomicU64,
    retries: AtomicU64,
    penalties: AtomicU64,
    bytes: AtomicU64,
    waits: Mutex<Waits>,
}

/// What a tally says at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Requests that were sent, each time that they were.
    pub(crate) requests: u64,
    /// Those of them that repeat one which failed.
    pub(crate) retries: u64,
    /// Answers of 429: one request too many.
    pub(crate) penalties: u64,
    /// Bytes of the answers that were taken, as they are without compression.
    pub(crate) bytes: u64,
    /// What requests waited for their turn within the budgets, all added up.
    pub(crate) waited: Duration,
}

#[derive(Debug, Default)]
struct Waits {
    over: Duration,
    /// When each of those began that are not over.
    underway: Vec<Instant>,
}

/// A request waits for its turn, until this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    tally: &'a Tally,
    since: Instant,
}

impl Tally {
    /// For requests that nobody counts.
    pub(crate) fn unread() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn counted(&self) -> Counted {
        let waits = self.waits();
        let underway: Duration = waits.underway.iter().map(Instant::elapsed).sum();
        Counted {
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            penalties: self.penalties.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            waited: waits.over + underway,
        }
    }

    /// A request is sent.
    pub(crate) fn sent(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A request that was to be sent was not: there was no connection.
    pub(super) fn not_sent(&self) {
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request will be sent once more.
    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// A request was one too many.
    pub(super) fn penalised(&self) {
        self.penalties.fetch_add(1, Ordering::Relaxed);
    }

    /// An answer was taken.
    pub(super) fn answered(&self, bytes: usize) {
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A request begins to wait for its turn.
    pub(super) fn waiting(&self) -> Waiting<'_> {
        let since = Instant::now();
        self.waits().underway.push(since);
        Waiting { tally: self, since }
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waits = self.tally.waits();
        if let Some(index) = waits.underway.iter().position(|since| *since == self.since) {
            waits.underway.swap_remove(index);
        }
        waits.over += self.since.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let tally = Tally::default();
        assert_eq!(tally.counted(), Counted::default());
        for _ in 0..3 {
            tally.sent();
        }
        tally.not_sent();
        tally.retried();
        tally.penalised();
        tally.answered(10);
        tally.answered(5);
        let counted = Counted { requests: 2, retries: 1, penalties: 1, bytes: 15, waited: Duration::ZERO };
        assert_eq!(tally.counted(), counted);
    }

    #[test]
    fn a_wait_counts_while_it_lasts_and_when_it_is_over_and_two_at_once_count_twice() {
        let tally = Tally::default();
        let before = Instant::now();
        let (first, second) = (tally.waiting(), tally.waiting());
        while before.elapsed() < Duration::from_millis(2) {
            std::thread::yield_now();
        }
        let underway = tally.counted().waited;
        assert!(underway > Duration::from_millis(3), "{underway:?}");
        drop(first);
        let one_over = tally.counted().waited;
        assert!(one_over >= underway, "{one_over:?}");
        drop(second);
        let over = tally.counted().waited;
        assert!(over >= one_over && over <= 2 * before.elapsed(), "{over:?}");
        assert_eq!(tally.counted().waited, over, "nothing waits any more");
    }
}

//! Budget -> delay. Pure: the clock is an argument.
//!
//! Requests are spaced evenly instead of in bursts: Airtable counts 5 in any second, and does not say whether the
//! second slides. One [`Slots`] stands for one base, however many tables, threads or processes read it; where it is
//! kept is [`crate::budget`]'s business.

use std::time::Duration;

/// Microseconds since the Unix epoch: a clock that several processes read alike.
pub(crate) type Micros = u64;

/// A penalty that ends later than this comes from a clock that was set back or a file that was written by something else.
/// It holds the longest one that [`crate::retry`] waits for, with its jitter.
const FURTHEST: Micros = 340_000_000;

/// Nor do more requests than this queue for one base.
const LONGEST_QUEUE: u32 = 64;

/// When the next request may be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Slots {
    /// The next slot that nobody has taken.
    next: Micros,
    /// The end of the penalty.
    blocked_until: Micros,
}

impl Slots {
    /// Takes the next slot for a request that wants to go at `now`; returns how long to wait for it.
    pub(crate) fn reserve(&mut self, now: Micros, interval: Duration) -> Duration {
        let furthest = now.saturating_add(FURTHEST).saturating_add(micros(interval.saturating_mul(LONGEST_QUEUE)));
        let next = if self.next > furthest { now } else { self.next };
        let slot = next.max(now + micros(self.blocked(now)));
        self.next = slot.saturating_add(micros(interval));
        Duration::from_micros(slot - now)
    }

    /// How long the base is left alone from `now` on.
    pub(crate) fn blocked(&self, now: Micros) -> Duration {
        let left = self.blocked_until.saturating_sub(now);
        Duration::from_micros(if left > FURTHEST { 0 } else { left })
    }

    /// Leaves the base alone until `until`.
    pub(crate) fn block(&mut self, until: Micros) {
        self.blocked_until = self.blocked_until.max(until);
    }

    pub(crate) fn to_bytes(self) -> [u8; SLOTS_BYTES] {
        let mut bytes = [0; SLOTS_BYTES];
        bytes[..8].copy_from_slice(&self.next.to_le_bytes());
        bytes[8..].copy_from_slice(&self.blocked_until.to_le_bytes());
        bytes
    }

    /// A file of another length is one that nobody has written yet.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        match (bytes.len(), number(0), number(8)) {
            (SLOTS_BYTES, Some(next), Some(blocked_until)) => Self { next, blocked_until },
            _ => Self::default(),
        }
    }
}

/// The length of what [`Slots::to_bytes`] gives.
pub(crate) const SLOTS_BYTES: usize = 16;

pub(crate) fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;

    #[test]
    fn slots_follow_each_other_and_idle_time_is_not_saved_up() {
        let interval = Duration::from_millis(200);
        let mut slots = Slots::default();
        let mut waits = |now| slots.reserve(now, interval).as_millis();
        assert_eq!(waits(100 * SECOND), 0);
        assert_eq!(waits(100 * SECOND), 200);
        assert_eq!(waits(100 * SECOND + 50_000), 350);
        assert_eq!(waits(110 * SECOND), 0);
        assert_eq!(waits(110 * SECOND), 200);
    }

    #[test]
    fn a_penalty_moves_everybody() {
        let interval = Duration::from_millis(200);
        let mut slots = Slots::default();
        assert_eq!(slots.reserve(99 * SECOND, interval), Duration::ZERO);
        slots.block(130 * SECOND);
        assert_eq!(slots.blocked(100 * SECOND), Duration::from_secs(30));
        assert_eq!(slots.reserve(100 * SECOND, interval), Duration::from_secs(30));
        assert_eq!(slots.reserve(100 * SECOND, interval), Duration::from_millis(30_200));
        slots.block(120 * SECOND);
        assert_eq!(slots.blocked(131 * SECOND), Duration::ZERO);
        assert_eq!(slots.reserve(131 * SECOND, interval), Duration::ZERO);
    }

    #[test]
    fn the_longest_penalty_and_the_slowest_pace_are_kept() {
        let mut slots = Slots::default();
        slots.block(430 * SECOND);
        assert_eq!(slots.reserve(100 * SECOND, Duration::ZERO), Duration::from_secs(330));
        let mut slots = Slots::default();
        let waits: Vec<u64> = (0..4).map(|_| slots.reserve(SECOND, Duration::from_secs(100)).as_secs()).collect();
        assert_eq!(waits, [0, 100, 200, 300]);
        assert_eq!((4..30).map(|_| slots.reserve(SECOND, Duration::from_secs(100)).as_secs()).last(), Some(2_900));
    }

    #[test]
    fn nonsense_from_outside_does_not_stop_a_read() {
        let mut slots = Slots::from_bytes(&[0xff; SLOTS_BYTES]);
        assert_eq!(slots.reserve(5 * SECOND, Duration::from_millis(200)), Duration::ZERO);
        assert_eq!(Slots::from_bytes(b"abc"), Slots::default());
        assert_eq!(Slots::from_bytes(&[1; 20]), Slots::default());
        let slots = Slots { next: 7, blocked_until: 9 };
        assert_eq!(Slots::from_bytes(&slots.to_bytes()), slots);
    }
}

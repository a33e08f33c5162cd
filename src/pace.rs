//! Budget -> delay. Pure: the clock is an argument.
//!
//! Requests are spaced evenly instead of in bursts: Airtable counts 5 in any second, and does not say whether the
//! second slides. One [`Slots`] stands for one base, however many tables, threads or processes read it; where it is
//! kept is [`crate::budget`]'s business.

use std::time::Duration;

/// Microseconds since the Unix epoch: a clock that several processes read alike.
pub(crate) type Micros = u64;

/// A reservation further ahead than this comes from a clock that was set back or a file that was written by something
/// else. It holds the longest penalty that [`crate::retry`] waits for, with its jitter.
const FURTHEST: Micros = 340_000_000;

/// When the next request may be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Slots {
    /// The next slot that nobody has taken.
    pub(crate) next: Micros,
}

impl Slots {
    /// Takes the next slot for a request that wants to go at `now`; returns how long to wait for it.
    pub(crate) fn reserve(&mut self, now: Micros, interval: Duration) -> Duration {
        let next = if self.next > now + FURTHEST { now } else { self.next };
        let slot = next.max(now);
        self.next = slot + micros(interval);
        Duration::from_micros(slot - now)
    }

    /// Leaves the base alone until `until`.
    pub(crate) fn block(&mut self, until: Micros) {
        self.next = self.next.max(until);
    }

    pub(crate) fn to_bytes(self) -> [u8; 8] {
        self.next.to_le_bytes()
    }

    /// A file of another length is one that nobody has written yet.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        bytes.try_into().map_or_else(|_| Self::default(), |bytes| Self { next: u64::from_le_bytes(bytes) })
    }
}

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
        let mut slots = Slots::default();
        slots.block(130 * SECOND);
        assert_eq!(slots.reserve(100 * SECOND, Duration::from_millis(200)), Duration::from_secs(30));
        assert_eq!(slots.reserve(100 * SECOND, Duration::from_millis(200)), Duration::from_millis(30_200));
        slots.block(120 * SECOND);
        assert_eq!(slots.reserve(131 * SECOND, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn the_longest_penalty_is_waited_for() {
        let mut slots = Slots::default();
        slots.block(430 * SECOND);
        assert_eq!(slots.reserve(100 * SECOND, Duration::ZERO), Duration::from_secs(330));
    }

    #[test]
    fn nonsense_from_outside_does_not_stop_a_read() {
        let mut slots = Slots::from_bytes(&u64::MAX.to_le_bytes());
        assert_eq!(slots.reserve(5 * SECOND, Duration::from_millis(200)), Duration::ZERO);
        assert_eq!(Slots::from_bytes(b"abc"), Slots::default());
        let slots = Slots { next: 7 };
        assert_eq!(Slots::from_bytes(&slots.to_bytes()), slots);
    }
}

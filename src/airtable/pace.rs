//! Budget -> delay. Pure: the clock is an argument.
//!
//! Requests are spaced evenly instead of in bursts, and in no [`Pace::window`] are more than [`PER_SECOND`] sent, however
//! late some of them were: Airtable counts 5 in any second, and does not say whether the second slides. One [`Slots`]
//! stands for one base, however many tables, threads or processes read it; where it is kept is [`crate::airtable::budget`]'s
//! business.

use std::time::Duration;

/// Microseconds since the Unix epoch: a clock that several processes read alike.
pub(crate) type Micros = u64;

/// A penalty that ends later than this comes from a clock that was set back or a file that was written by something else.
/// It holds the longest one that [`crate::airtable::retry`] waits for, with its jitter.
const FURTHEST: Micros = 340_000_000;

/// Nor do more requests than this queue for one base.
const LONGEST_QUEUE: u32 = 64;

/// What Airtable grants to a base in a second.
pub(crate) const PER_SECOND: usize = 5;

/// Who is refused although it kept to its budget shares the base with somebody it does not see. For as long as this it
/// goes at half its pace: two that go on as before would lock each other out again and again.
const EASE: Micros = 300_000_000;

/// Half of the half of the half is the slowest.
const MOST_EASED: u32 = 3;

/// How often requests may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// From one slot to the next.
    pub(crate) interval: Duration,
    /// In which no more than [`PER_SECOND`] requests are sent; none where the service is not held to be Airtable.
    pub(crate) window: Option<Duration>,
}

impl Pace {
    /// So many requests a second, evenly.
    pub(crate) fn even(per_second: f64) -> Self {
        Self { interval: Duration::from_secs_f64(1.0 / per_second), window: None }
    }

    /// The same for a base. What evenness leaves beyond a second is kept as a margin, because networks do not take equally
    /// long for each request; at 5 a second, which leaves nothing, a twentieth of the pace is given up for one.
    pub(crate) fn of_base(per_second: f64) -> Self {
        let even = Self::even(per_second);
        if per_second > 5.0 {
            return even;
        }
        let spread = even.interval.saturating_mul(5).saturating_sub(Duration::from_millis(10));
        Self { window: Some(spread.clamp(Duration::from_millis(1_050), Duration::from_millis(1_100))), ..even }
    }
}

/// When the next request may be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Slots {
    /// The next slot that nobody has taken.
    next: Micros,
    /// The end of the penalty.
    blocked_until: Micros,
    /// The end of the time after it in which the pace is eased, by one step and at last by none.
    eased_until: Micros,
    /// When the last requests were sent.
    sent: [Micros; PER_SECOND],
}

impl Slots {
    /// Takes the next slot for a request that wants to go at `now`; returns how long to wait for it. Zero where the
    /// request is to be sent at once; otherwise [`Slots::depart`] is to be asked when the wait is over.
    pub(crate) fn reserve(&mut self, now: Micros, pace: Pace) -> Duration {
        let longest_queue = micros(pace.interval.saturating_mul(LONGEST_QUEUE << MOST_EASED));
        let furthest = now.saturating_add(FURTHEST).saturating_add(longest_queue);
        let next = if self.next > furthest { now } else { self.next };
        let slot = next.max(now + micros(self.blocked(now)));
        self.next = slot.saturating_add(micros(pace.interval) << self.eased(slot));
        if slot > now { Duration::from_micros(slot - now) } else { self.depart(now, pace) }
    }

    /// Lets a request go whose slot has come, or tells how long it has to wait yet: a penalty may have been met meanwhile,
    /// and requests before it may have gone late.
    pub(crate) fn depart(&mut self, now: Micros, pace: Pace) -> Duration {
        if !self.blocked(now).is_zero() {
            return self.reserve(now, pace);
        }
        // Later than now: from before the clock was set back.
        self.sent.iter_mut().filter(|sent| **sent > now).for_each(|sent| *sent = 0);
        self.sent.sort_unstable();
        let open = self.sent[0].saturating_add(pace.window.map_or(0, micros));
        if open > now && self.sent[0] > 0 {
            return Duration::from_micros(open - now);
        }
        self.sent[0] = now;
        Duration::ZERO
    }

    /// How long the base is left alone from `now` on.
    fn blocked(&self, now: Micros) -> Duration {
        let left = self.blocked_until.saturating_sub(now);
        Duration::from_micros(if left > FURTHEST { 0 } else { left })
    }

    /// By how many halves the pace is eased.
    fn eased(&self, now: Micros) -> u32 {
        let steps = self.eased_until.saturating_sub(now).div_ceil(EASE);
        // What ends later is from a clock that was set back, or was not written by us.
        u32::try_from(steps).ok().filter(|steps| *steps <= MOST_EASED).unwrap_or(0)
    }

    /// Leaves the base alone until `until`. The first to be refused eases the pace; the others were on their way.
    pub(crate) fn block(&mut self, now: Micros, until: Micros) {
        if self.blocked(now).is_zero() {
            let steps = (self.eased(now) + 1).min(MOST_EASED);
            self.eased_until = until.saturating_add(EASE * Micros::from(steps));
        }
        self.blocked_until = self.blocked_until.max(until);
    }

    /// Takes in what is known from elsewhere of the same base.
    pub(crate) fn join(&mut self, other: &Self) {
        self.next = self.next.max(other.next);
        self.blocked_until = self.blocked_until.max(other.blocked_until);
        self.eased_until = self.eased_until.max(other.eased_until);
        // Requests that both know are counted once; no two go in the same microsecond.
        let mut sent: Vec<Micros> = self.sent.into_iter().filter(|sent| !other.sent.contains(sent)).collect();
        sent.extend(other.sent);
        sent.sort_unstable();
        self.sent.copy_from_slice(&sent[sent.len() - PER_SECOND..]);
    }

    pub(crate) fn to_bytes(self) -> [u8; SLOTS_BYTES] {
        let mut bytes = [0; SLOTS_BYTES];
        let numbers = [self.next, self.blocked_until, self.eased_until].into_iter().chain(self.sent);
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// A file of another length is one that nobody has written yet.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        if bytes.len() != SLOTS_BYTES {
            return Self::default();
        }
        let mut numbers = bytes.chunks_exact(8).map(|number| number.try_into().map_or(0, u64::from_le_bytes));
        let mut next = || numbers.next().unwrap_or_default();
        Self { next: next(), blocked_until: next(), eased_until: next(), sent: std::array::from_fn(|_| next()) }
    }
}

/// The length of what [`Slots::to_bytes`] gives.
pub(crate) const SLOTS_BYTES: usize = 8 * (3 + PER_SECOND);

pub(crate) fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;

    fn every(milliseconds: u64) -> Pace {
        Pace { interval: Duration::from_millis(milliseconds), window: None }
    }

    #[test]
    fn slots_follow_each_other_and_idle_time_is_not_saved_up() {
        let mut slots = Slots::default();
        let mut waits = |now| slots.reserve(now, every(200)).as_millis();
        assert_eq!(waits(100 * SECOND), 0);
        assert_eq!(waits(100 * SECOND), 200);
        assert_eq!(waits(100 * SECOND + 50_000), 350);
        assert_eq!(waits(110 * SECOND), 0);
        assert_eq!(waits(110 * SECOND), 200);
    }

    #[test]
    fn no_window_holds_six_requests_however_late_some_of_them_go() {
        for per_second in [4.5, 5.0, 3.0] {
            let pace = Pace::of_base(per_second);
            let window = micros(pace.window.expect("of a base"));
            assert!((SECOND + 50_000..=SECOND + 100_000).contains(&window), "{window}");
            let mut slots = Slots::default();
            let (mut now, mut sent) = (100 * SECOND, Vec::new());
            // Each request comes to its slot as late as the list says, in turn.
            for late in [0, 190_000, 0, 0, 0, 3_000, 400_000, 0, 0, 0, 0, 0, 0, 210_000, 0, 0].repeat(20) {
                let mut wait = slots.reserve(now, pace);
                let asked = now;
                let mut first = late;
                while !wait.is_zero() {
                    now = (asked.max(now)) + micros(wait) + std::mem::take(&mut first);
                    wait = slots.depart(now, pace);
                }
                sent.push(now);
            }
            for six in sent.windows(6) {
                assert!(six[5] - six[0] >= window, "{six:?}");
            }
            let took = sent.last().expect("many") - sent[0];
            assert!(took < 320 * SECOND, "{took}");
        }
    }

    #[test]
    fn several_that_wait_for_their_slots_go_one_by_one() {
        let pace = Pace::of_base(5.0);
        let mut slots = Slots::default();
        let waits: Vec<_> = (0..8).map(|_| micros(slots.reserve(100 * SECOND, pace))).collect();
        assert_eq!(waits, (0..8).map(|n| n * 200_000).collect::<Vec<_>>());
        // All wake late together: the first was sent at 100 s, four of them may go, the others wait.
        let woken = 101 * SECOND + 500_000;
        let late: Vec<_> = (0..7).map(|_| slots.depart(woken, pace).as_millis()).collect();
        assert_eq!(late, [0, 0, 0, 0, 0, 1_050, 1_050]);
        assert_eq!(slots.depart(woken + 1_050_000, pace), Duration::ZERO);
    }

    #[test]
    fn a_penalty_moves_everybody() {
        let mut slots = Slots::default();
        assert_eq!(slots.reserve(99 * SECOND, every(200)), Duration::ZERO);
        assert_eq!(slots.reserve(99 * SECOND, every(200)), Duration::from_millis(200));
        slots.block(100 * SECOND, 130 * SECOND);
        assert_eq!(slots.depart(100 * SECOND, every(200)), Duration::from_secs(30), "its slot had come");
        assert_eq!(slots.reserve(100 * SECOND, every(200)), Duration::from_millis(30_400), "half the pace");
        slots.block(101 * SECOND, 120 * SECOND);
        assert_eq!(slots.depart(130 * SECOND, every(200)), Duration::ZERO);
    }

    #[test]
    fn what_two_know_is_as_careful_as_either() {
        let one = Slots { next: 7, blocked_until: 9, eased_until: 1, sent: [0, 2, 3, 4, 6] };
        let mut both = Slots { next: 8, blocked_until: 2, eased_until: 5, sent: [1, 2, 5, 0, 4] };
        both.join(&one);
        assert_eq!(both, Slots { next: 8, blocked_until: 9, eased_until: 5, sent: [2, 3, 4, 5, 6] });
        both.join(&one);
        assert_eq!(both.sent, [2, 3, 4, 5, 6]);
    }

    #[test]
    fn whoever_is_refused_goes_slower_for_a_while() {
        let mut slots = Slots::default();
        let waits = |slots: &mut Slots, now: Micros| {
            slots.reserve(now, every(200));
            slots.reserve(now, every(200)).as_millis()
        };
        slots.block(100 * SECOND, 130 * SECOND);
        // Five that were on their way count once.
        for _ in 0..5 {
            slots.block(100 * SECOND, 130 * SECOND);
        }
        assert_eq!(waits(&mut slots, 131 * SECOND), 400);
        assert_eq!(waits(&mut slots, 429 * SECOND), 400);
        slots.block(429 * SECOND, 459 * SECOND);
        assert_eq!(waits(&mut slots, 460 * SECOND), 800);
        assert_eq!(waits(&mut slots, 760 * SECOND), 400);
        assert_eq!(waits(&mut slots, 1_060 * SECOND), 200);
        for n in 0..9 {
            slots.block((2_000 + 40 * n) * SECOND, (2_030 + 40 * n) * SECOND);
        }
        assert_eq!(waits(&mut slots, 2_400 * SECOND), 1_600);
    }

    #[test]
    fn the_longest_penalty_and_the_slowest_pace_are_kept() {
        let mut slots = Slots::default();
        slots.block(100 * SECOND, 430 * SECOND);
        assert_eq!(slots.reserve(100 * SECOND, every(0)), Duration::from_secs(330));
        let mut slots = Slots::default();
        let waits: Vec<u64> = (0..4).map(|_| slots.reserve(SECOND, every(100_000)).as_secs()).collect();
        assert_eq!(waits, [0, 100, 200, 300]);
        assert_eq!((4..30).map(|_| slots.reserve(SECOND, every(100_000)).as_secs()).last(), Some(2_900));
    }

    #[test]
    fn nonsense_from_outside_does_not_stop_a_read() {
        let mut slots = Slots::from_bytes(&[0xff; SLOTS_BYTES]);
        assert_eq!(slots.reserve(5 * SECOND, Pace::of_base(4.5)), Duration::ZERO);
        assert_eq!(slots.reserve(5 * SECOND, every(200)), Duration::from_micros(222_222), "of an eased pace nothing");
        assert_eq!(Slots::from_bytes(b"abc"), Slots::default());
        assert_eq!(Slots::from_bytes(&[1; 20]), Slots::default());
        let slots = Slots { next: 7, blocked_until: 9, eased_until: 11, sent: [1, 2, 3, 4, 5] };
        assert_eq!(Slots::from_bytes(&slots.to_bytes()), slots);
    }

    #[test]
    fn a_clock_set_back_does_not_stop_a_read() {
        let mut slots = Slots::default();
        for now in 0..9 {
            slots.reserve((5_000 + now) * SECOND, Pace::of_base(4.5));
        }
        assert_eq!(slots.reserve(100 * SECOND, Pace::of_base(4.5)), Duration::ZERO);
    }
}

//! Budget -> delay. Pure: the clock is an argument.
//!
//! Requests are spaced evenly instead of in bursts, and in no [`Pace::window`] are more than [`PER_SECOND`] sent, however
//! late some of them were: Airtable counts 5 in any second, and does not say whether the second slides. One [`Slots`]
//! stands for one base, however many tables, threads or processes read it; where it is kept is [`crate::airtable::budget`]'s
//! business.

use std::time::Duration;

pub(crate) use crate::airtable::share::Micros;
use crate::airtable::share::{SHARE_NUMBERS, Share};

/// A penalty that ends later than this comes from a clock that was set back or a file that was written by something else.
/// It holds the longest one that [`crate::airtable::retry`] waits for, with its jitter.
const FURTHEST: Micros = 340_000_000;

/// Nor do more requests than this queue for one base.
const LONGEST_QUEUE: u64 = 64;

/// What Airtable grants to a base in a second.
pub(crate) const PER_SECOND: usize = 5;

/// A request that is not answered after so long has arrived all the same, or its process is gone.
const LONGEST_WAY: Micros = 15_000_000;

/// Requests that are noted at once are told apart by less than this.
const SAME_MOMENT: Micros = 100;

/// Who has sent nothing for so long begins anew.
const BREAK: Micros = 5_000_000;

/// No clock shows this.
const YEAR_2200: Micros = 7_258_118_400_000_000;

/// So long is waited where nobody knows how long it takes.
const NAP: Duration = Duration::from_millis(25);

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

/// What a request is told that wants to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is sent now, and is noted under this time.
    Go(Micros),
    /// It asks again after so long.
    Wait(Duration, Why),
}

/// Why a request waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Others are before it.
    Queue,
    /// The base is left alone after too many requests.
    Penalty,
    /// The pace is lower, because others read the base as well.
    Eased,
}

/// When the next request may be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Slots {
    /// When somebody last asked.
    asked: Micros,
    /// The next slot that nobody has taken.
    next: Micros,
    /// The end of the penalty.
    blocked_until: Micros,
    /// Since when requests were sent without a long break.
    began: Micros,
    /// When the last requests were sent.
    sent: [Micros; PER_SECOND],
    /// Those that were sent, but may not have arrived yet: the first ones on new connections. 0 is none.
    underway: [Micros; PER_SECOND],
    /// What refusals have told of other machines.
    share: Share,
}

impl Slots {
    /// Takes the next slot for a request that wants to go at `now`. One that has to wait asks [`Slots::depart`] when its
    /// wait is over.
    pub(crate) fn reserve(&mut self, now: Micros, pace: Pace) -> Turn {
        let whole = micros(pace.interval);
        self.share.look(now, self.asked, whole);
        if self.asked == 0 || now.saturating_sub(self.asked) > BREAK {
            self.began = now;
        }
        self.tell_time(now);
        let interval = self.share.interval(whole);
        let longest_queue = interval.saturating_mul(LONGEST_QUEUE);
        let earliest = now + micros(self.blocked(now));
        // A slot that is further away was not taken by a queue.
        let next = if self.next > earliest.saturating_add(longest_queue) { now } else { self.next };
        let slot = self.share.align(next.max(earliest), whole);
        // A stream with a phase keeps it: the slot after this one is nearer than a whole interval where this one is late.
        let length = if self.share.is_eased() { interval - interval / 4 } else { interval };
        self.next = slot.saturating_add(length);
        if slot == now {
            return self.depart(now, pace);
        }
        let why = match self.share.is_eased() {
            _ if earliest > now => Why::Penalty,
            false => Why::Queue,
            true => Why::Eased,
        };
        Turn::Wait(Duration::from_micros(slot - now), why)
    }

    /// Lets a request go whose slot has come, or tells how long it has to wait yet: a penalty may have been met meanwhile,
    /// and requests before it may have gone late.
    pub(crate) fn depart(&mut self, now: Micros, pace: Pace) -> Turn {
        self.tell_time(now);
        if !self.blocked(now).is_zero() {
            return self.reserve(now, pace);
        }
        if let Some(window) = pace.window {
            let wait = self.until_fewer(now, micros(window));
            if !wait.is_zero() {
                return Turn::Wait(wait, Why::Queue);
            }
        }
        Turn::Go(self.note(now))
    }

    /// The same for a request that was let go before, but was not sent then.
    pub(crate) fn depart_again(&mut self, noted: Micros, now: Micros, pace: Pace) -> Turn {
        self.forget(noted, now);
        self.depart(now, pace)
    }

    /// A request that was let go was not sent.
    pub(crate) fn forget(&mut self, noted: Micros, now: Micros) {
        self.tell_time(now);
        self.sent.iter_mut().filter(|sent| **sent == noted).for_each(|sent| *sent = 0);
    }

    /// So many readers are known to share the base.
    pub(crate) fn expect(&mut self, readers: usize, now: Micros, pace: Pace) {
        self.tell_time(now);
        self.share.expect(readers, now, micros(pace.interval));
    }

    /// A request that was let go may take long to arrive: until [`Slots::arrived`] it may do so at any time.
    pub(crate) fn set_underway(&mut self, noted: Micros, now: Micros) {
        self.tell_time(now);
        self.underway.sort_unstable();
        self.underway[0] = noted;
    }

    /// A request has arrived, or never will.
    pub(crate) fn arrived(&mut self, noted: Micros, now: Micros) {
        self.tell_time(now);
        for underway in self.underway.iter_mut().filter(|underway| **underway == noted) {
            *underway = 0;
        }
        self.left(noted, now);
    }

    /// A request that was let go has left only now. Tells under which time it is noted.
    pub(crate) fn left(&mut self, noted: Micros, now: Micros) -> Micros {
        self.tell_time(now);
        self.sent.iter_mut().filter(|sent| **sent == noted).for_each(|sent| *sent = 0);
        self.note(now)
    }

    /// How long a request that came now would wait at least, for whatever reason. Who only looks asks for nothing: when
    /// somebody began to read stays as it is.
    pub(crate) fn outlook(&self, now: Micros) -> Duration {
        let mut looked_at = *self;
        looked_at.tell_time(now);
        looked_at.blocked(now).max(Duration::from_micros(looked_at.next.saturating_sub(now)))
    }

    /// Notes a request, under a time that no other one has.
    fn note(&mut self, now: Micros) -> Micros {
        let is_taken = |time| self.sent.contains(&time) || self.underway.contains(&time);
        let noted = (now..=now + SAME_MOMENT).find(|time| !is_taken(*time)).unwrap_or(now);
        self.sent.sort_unstable();
        self.sent[0] = noted;
        noted
    }

    /// How long until fewer than [`PER_SECOND`] requests may arrive within a window. Zero: another one may be sent.
    fn until_fewer(&mut self, now: Micros, window: Micros) -> Duration {
        let underway = self.underway.iter().filter(|noted| **noted > 0 && now.saturating_sub(**noted) < LONGEST_WAY);
        // Those underway count by themselves, and have their place among those sent as well.
        let underway: Vec<Micros> = underway.copied().collect();
        let mut recent: Vec<Micros> = self.sent.into_iter().filter(|sent| *sent > 0 && *sent + window > now).collect();
        recent.retain(|sent| !underway.contains(sent));
        recent.sort_unstable();
        match (recent.len() + underway.len()).checked_sub(PER_SECOND) {
            None => Duration::ZERO,
            Some(more) => recent.get(more).map_or(NAP, |sent| Duration::from_micros(sent + window - now)),
        }
    }

    /// Times are the wall clock's, which several processes read alike. Where it was set back, all times are set back with
    /// it: what lies ahead stays as far ahead.
    fn tell_time(&mut self, now: Micros) {
        let back = self.asked.saturating_sub(now);
        self.asked = now;
        self.share.set_back(back);
        let singles = [&mut self.next, &mut self.blocked_until, &mut self.began];
        for time in singles.into_iter().chain(&mut self.sent).chain(&mut self.underway) {
            *time = time.saturating_sub(back);
        }
        // What was sent later than now was not written by us; a microsecond or two tell requests of one moment apart.
        let ahead = now.saturating_add(SAME_MOMENT);
        self.sent.iter_mut().chain(&mut self.underway).filter(|sent| **sent > ahead).for_each(|sent| *sent = 0);
    }

    /// How long the base is left alone from `now` on.
    pub(crate) fn blocked(&self, now: Micros) -> Duration {
        let left = self.blocked_until.saturating_sub(now);
        Duration::from_micros(if left > FURTHEST { 0 } else { left })
    }

    /// Whether the pace is lower because of others.
    pub(crate) fn is_eased(&self) -> bool {
        self.share.is_eased()
    }

    /// Leaves the base alone until `until`. The first to be refused learns from it; the others were on their way.
    pub(crate) fn block(&mut self, now: Micros, until: Micros, pace: Pace) {
        self.tell_time(now);
        if self.blocked(now).is_zero() {
            let last = self.sent.iter().copied().max().unwrap_or_default();
            let own = self.sent.iter().filter(|sent| **sent > 0 && **sent + 1_000_000 > last).count();
            self.share.refuse(now, until, own, self.began, micros(pace.interval));
        }
        self.blocked_until = self.blocked_until.max(until);
    }

    /// Takes in what is known from elsewhere of the same base.
    pub(crate) fn join(&mut self, other: &Self) {
        self.asked = self.asked.max(other.asked);
        self.next = self.next.max(other.next);
        self.blocked_until = self.blocked_until.max(other.blocked_until);
        self.began = self.began.max(other.began);
        self.share = self.share.later(other.share);
        self.sent = latest(self.sent, other.sent);
        self.underway = latest(self.underway, other.underway);
    }

    pub(crate) fn to_bytes(self) -> [u8; SLOTS_BYTES] {
        let mut bytes = [0; SLOTS_BYTES];
        let singles = [self.asked, self.next, self.blocked_until, self.began];
        let numbers = singles.into_iter().chain(self.sent).chain(self.underway).chain(self.share.to_numbers());
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// A file of another length is one that nobody has written yet, and one from centuries ahead was not written by us.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        if bytes.len() != SLOTS_BYTES {
            return Self::default();
        }
        let mut numbers = bytes.chunks_exact(8).map(|number| number.try_into().map_or(0, u64::from_le_bytes));
        let mut next = || numbers.next().unwrap_or_default();
        let asked = next();
        let slots = Self {
            asked,
            next: next(),
            blocked_until: next(),
            began: next(),
            sent: std::array::from_fn(|_| next()),
            underway: std::array::from_fn(|_| next()),
            share: Share::from_numbers(std::array::from_fn(|_| next()), asked),
        };
        if slots.asked < YEAR_2200 { slots } else { Self::default() }
    }
}

/// The latest of both. Requests that both know are counted once; no two go in the same microsecond.
fn latest(one: [Micros; PER_SECOND], other: [Micros; PER_SECOND]) -> [Micros; PER_SECOND] {
    let mut all: Vec<Micros> = one.into_iter().filter(|sent| !other.contains(sent)).chain(other).collect();
    all.sort_unstable();
    std::array::from_fn(|n| all[all.len() - PER_SECOND + n])
}

/// The length of what [`Slots::to_bytes`] gives.
pub(crate) const SLOTS_BYTES: usize = 8 * (4 + 2 * PER_SECOND + SHARE_NUMBERS);

pub(crate) fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod machines;
#[cfg(test)]
mod tests;

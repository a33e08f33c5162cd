//! Who reads a base, and whose turn is when. Pure: the clock and the listings are arguments.
//!
//! Time is cut into slots, and each slot belongs to the reader whose number and the slot's give the highest mixture. So who
//! does not know yet of a reader that has gone leaves its slots empty, and who does not know yet of one that has come is
//! in its way in its slots only; a new reader waits until all others show that they know it. Separate from
//! [`crate::airtable::beat`], which is what readers tell each other.

use std::collections::BTreeMap;

use crate::airtable::beat::Beat;
use crate::airtable::share::{Micros, mixed};

const SECOND: Micros = 1_000_000;

/// Requests of one second that Airtable grants.
const PER_SECOND: u64 = 5;

/// Clocks are held to be at least so far apart, and networks to differ by so much from request to request.
const LEAST_APART: Micros = 100_000;
const JITTER: Micros = 60_000;

/// A refusal shows that networks or busy machines differ by more: slots grow so often at most.
const MOST_ROOM: u64 = 3;

/// Clocks further apart than this are of no use for slots.
const MOST_APART: Micros = SECOND;

/// Nor are those that look this old when they are seen to change: no store is so slow.
const OLDEST: Micros = 25 * SECOND;

/// A reader that has shown no new beat for so long is gone.
const GONE: Micros = 40 * SECOND;

/// A reader waits so long for others that are new as well, and so long for all others to know it.
const ALONE: Micros = 2 * SECOND;
const LONGEST_ENTRY: Micros = 12 * SECOND;

/// A listing that is older says nothing of who lives now.
const STALE: Micros = 20 * SECOND;

/// Of so many slots one is for those that have few requests, where there are such readers.
const GUESTS: u64 = 10;

/// A file that is this old was left by a reader that is gone. One that lives, by a clock so wrong, writes the next one soon.
const FORGOTTEN: Micros = 3_600 * SECOND;

/// A request that comes to its slot later than this takes another one.
const LATE: Micros = 30_000;

/// Slots that are looked at for one's own.
const FAR: u64 = 10_000;

/// How a reader stands with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Others do not know it yet.
    Entering,
    /// It has slots.
    Known,
    /// The place has told nothing for some time.
    Stale,
    /// Its clock and another one are so far apart.
    Apart(Micros),
}

/// What the others know of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    /// Not that it is there.
    Not,
    /// That it is there, with few requests.
    Quiet,
    /// That it has many.
    Busy,
}

#[derive(Debug, Clone, Copy)]
struct Other {
    beat: Beat,
    /// When it was seen to change, by the clock of this reader.
    seen: Micros,
}

/// What one reader knows of all.
#[derive(Debug, Clone)]
pub(crate) struct Roster {
    base: u64,
    me: u64,
    number: u64,
    /// From one request to the next, where it has the whole budget.
    interval: Micros,
    /// Whether the service counts as Airtable does.
    is_counted: bool,
    others: BTreeMap<u64, Other>,
    /// When all were listed last, and when this reader began to tell what it wants.
    listed: Micros,
    told: Micros,
    known: Known,
    wants: bool,
    /// How far clocks have been seen to be apart.
    apart: Micros,
    /// How often a refusal has made slots longer.
    room: u64,
    shut_until: Micros,
    /// The last slot that was taken.
    taken: u64,
}

impl Roster {
    /// A reader that begins at `now`.
    pub(crate) fn new(base: u64, me: u64, interval: Micros, now: Micros) -> Self {
        Self {
            base,
            me,
            number: 0,
            interval: interval.max(1),
            is_counted: interval >= SECOND / PER_SECOND,
            others: BTreeMap::new(),
            listed: now,
            told: now,
            known: Known::Not,
            wants: true,
            apart: 0,
            room: 0,
            shut_until: 0,
            taken: 0,
        }
    }

    /// What it tells the others now.
    pub(crate) fn beat(&mut self, now: Micros) -> Beat {
        self.number += 1;
        Beat {
            base: self.base,
            reader: self.me,
            number: self.number,
            at: now,
            slot: self.own_slot(),
            is_busy: self.wants,
            shut_until: if self.shut_until > now { self.shut_until } else { 0 },
            view: self.view(now),
        }
    }

    /// Whether it has requests to send. Who begins to have some is known as such only later.
    pub(crate) fn set_busy(&mut self, is_busy: bool, now: Micros) {
        if is_busy != self.wants {
            (self.wants, self.told, self.known) = (is_busy, now, self.known.min(Known::Quiet));
        }
    }

    /// A request of its own was refused at `now`, though it went in its slot: slots are too short. Several that were on
    /// their way show that once.
    pub(crate) fn refused(&mut self, now: Micros) {
        if self.known > Known::Not && now >= self.shut_until(now).max(self.shut_until) {
            self.room = (self.room + 1).min(MOST_ROOM);
        }
    }

    /// The base is left alone until then.
    pub(crate) fn shut(&mut self, until: Micros) {
        self.shut_until = self.shut_until.max(until);
    }

    /// What others told of that.
    pub(crate) fn shut_until(&self, now: Micros) -> Micros {
        let told = self.alive(now).map(|other| other.beat.shut_until).max().unwrap_or_default();
        if told.saturating_sub(now) > 340 * SECOND { 0 } else { told }
    }

    /// All that the place held at `now`. A listing may be late, and show a reader's last beat beside the one before.
    pub(crate) fn listed(&mut self, now: Micros, beats: &[Beat]) {
        if now.saturating_sub(self.listed) > GONE || now < self.listed {
            // The others have given it up meanwhile.
            (self.known, self.told) = (Known::Not, now);
        }
        self.listed = now;
        for beat in beats.iter().filter(|beat| beat.base == self.base && beat.reader != self.me) {
            match self.others.get(&beat.reader) {
                Some(other) if other.beat.number >= beat.number => {}
                Some(_) => {
                    self.apart = self.apart.max(beat.at.saturating_sub(now));
                    let old = now.saturating_sub(beat.at);
                    self.apart = if old > OLDEST { self.apart.max(old) } else { self.apart };
                    self.others.insert(beat.reader, Other { beat: *beat, seen: now });
                }
                None => {
                    // It may be left from a reader that is gone.
                    let is_old = now.abs_diff(beat.at) > GONE;
                    let seen = if is_old { now.saturating_sub(GONE + 1) } else { now };
                    self.others.insert(beat.reader, Other { beat: *beat, seen });
                }
            }
        }
        self.others.retain(|_, other| now.saturating_sub(other.seen) < 10 * GONE);
        self.enter(now);
    }

    /// The beats of the listing that are of no use to anybody: those of readers that are gone, and those with a later one.
    pub(crate) fn left_over(&self, now: Micros, beats: &[Beat]) -> Vec<Beat> {
        let is_gone = |beat: &Beat| {
            now.saturating_sub(beat.at) > FORGOTTEN
                || self.others.get(&beat.reader).is_some_and(|other| now.saturating_sub(other.seen) > 2 * GONE)
                || (now.saturating_sub(beat.at) > 2 * GONE && now.saturating_sub(self.told) > 2 * GONE)
                    && !self.is_alive(beat.reader, now)
        };
        beats.iter().filter(|beat| beat.base == self.base && beat.reader != self.me && is_gone(beat)).copied().collect()
    }

    /// How it stands.
    pub(crate) fn standing(&self, now: Micros) -> Standing {
        if now.saturating_sub(self.listed) > STALE {
            Standing::Stale
        } else if self.apart > MOST_APART {
            Standing::Apart(self.apart)
        } else if self.known > Known::Not {
            Standing::Known
        } else {
            Standing::Entering
        }
    }

    /// How many readers live.
    pub(crate) fn readers(&self, now: Micros) -> usize {
        self.alive(now).count() + 1
    }

    /// How long until the next slot of its own, which nobody else of this reader has taken. Zero: it is now.
    pub(crate) fn take(&mut self, now: Micros) -> Micros {
        let length = self.slot(now);
        let (readers, busy) = self.contest(now);
        let first = (now / length).max(self.taken + 1);
        let is_due = |slot: u64| slot * length + LATE.min(length / 2) >= now;
        let mine = (first..first + FAR).find(|slot| is_due(*slot) && owner(*slot, &readers, &busy) == Some(self.me));
        let slot = mine.unwrap_or(first + FAR);
        let wait = (slot * length).saturating_sub(now);
        if wait == 0 {
            self.taken = slot;
        }
        wait
    }

    /// Whether others know it by now.
    fn enter(&mut self, now: Micros) {
        let wish = if self.wants { Known::Busy } else { Known::Quiet };
        if self.known == wish {
            return;
        }
        let waited = now.saturating_sub(self.told);
        let view = self.view(now);
        let others = self.alive(now).count();
        let agreed = self.alive(now).all(|other| other.beat.view == view);
        let is_ready = if others == 0 { waited >= ALONE } else { agreed && waited >= ALONE };
        if is_ready || waited >= LONGEST_ENTRY || (self.known > Known::Not && !self.wants) {
            self.known = wish;
        }
    }

    fn alive(&self, now: Micros) -> impl Iterator<Item = &Other> {
        self.others.values().filter(move |other| now.saturating_sub(other.seen) <= GONE)
    }

    fn is_alive(&self, reader: u64, now: Micros) -> bool {
        self.others.get(&reader).is_some_and(|other| now.saturating_sub(other.seen) <= GONE)
    }

    /// Of all readers and their slots, one number.
    fn view(&self, now: Micros) -> u64 {
        let mut all: Vec<(u64, bool)> = self
            .alive(now)
            .map(|other| (other.beat.reader, other.beat.is_busy))
            .chain([(self.me, self.wants)])
            .collect();
        all.sort_unstable();
        all.iter().fold(self.slot(now), |sum, (reader, busy)| mixed(sum ^ reader.rotate_left(u32::from(*busy))))
    }

    /// The shortest slot that this reader holds to be safe: five slots are a second, and what clocks differ by.
    fn own_slot(&self) -> Micros {
        // In steps: each change of a slot's length moves them all.
        let apart = self.apart.clamp(LEAST_APART, MOST_APART).div_ceil(LEAST_APART) * LEAST_APART;
        let safe = if self.is_counted { (SECOND + apart + JITTER * (1 + self.room)).div_ceil(PER_SECOND) } else { 0 };
        self.interval.max(safe)
    }

    /// The length that suits all.
    fn slot(&self, now: Micros) -> Micros {
        self.alive(now).map(|other| other.beat.slot).chain([self.own_slot()]).max().unwrap_or(self.interval).max(1)
    }

    /// Those with few requests, and those with many.
    fn contest(&self, now: Micros) -> (Vec<u64>, Vec<u64>) {
        let all = self.alive(now).map(|other| (other.beat.reader, other.beat.is_busy));
        let (busy, guests): (Vec<_>, Vec<_>) =
            all.chain([(self.me, self.known == Known::Busy)]).partition(|(_, busy)| *busy);
        let numbers = |of: Vec<(u64, bool)>| of.into_iter().map(|(reader, _)| reader).collect();
        (numbers(guests), numbers(busy))
    }
}

fn owner(slot: u64, guests: &[u64], busy: &[u64]) -> Option<u64> {
    let is_guests = busy.is_empty() || (!guests.is_empty() && mixed(slot).is_multiple_of(GUESTS));
    let readers = if is_guests { guests } else { busy };
    readers.iter().copied().max_by_key(|reader| (mixed(mixed(slot) ^ reader), *reader))
}

#[cfg(test)]
mod tests;

//! Refusals -> a machine's share of a base's budget. Pure: the clock is an argument.
//!
//! Machines that read one base see each other only by refusals, which all of them meet at once. A share is a number of
//! requests in a window a little longer than the second that Airtable counts. Shares of five in sum are never refused,
//! whatever their phases are. Smaller shares than one keep their phase: what was let through once is let through again.
//!
//! Who is refused soon after a penalty takes a step down, and steps up again one by one until somebody is refused. Who
//! has just stepped up steps back then. All the others know that the base is full, and wait long before they try for more.
//! Separate from [`crate::airtable::pace`], which keeps requests apart within the machine.

/// Microseconds since the Unix epoch: a clock that several processes read alike.
pub(crate) type Micros = u64;

const SECOND: Micros = 1_000_000;

/// Where machines send k requests each within this time, and all k are five in sum, no second has more than five. It is
/// longer than a second by as much as requests differ in their time on the way.
const WINDOW: Micros = 1_100_000;

/// Of a service that grants more than Airtable, the window is so many halves of a request's interval.
const HALVES: u64 = 11;

/// From step to step, in sixths of the window: three requests in it, two, one, one in two, four, eight and sixteen. The
/// step before the first one is the whole budget.
const SIXTHS: [u64; 7] = [2, 3, 6, 12, 24, 48, 96];

/// Two streams of the whole budget have three requests each of the six that are one too many.
const OF_TWO: usize = 3;

/// Until then a machine knows nothing of the others.
const YOUNG: Micros = 3 * SECOND;

/// A refusal this soon after the last one shows that there are too many requests. Slow streams take longer to show what
/// they do.
const SOON: Micros = 8 * SECOND;

/// A step up that fails does so within this time, where a second shows all that a stream does. Slower streams take some
/// intervals.
const ON_TRIAL: Micros = 2_500_000;
const FAST: Micros = 800_000;

/// Refusals that come neither soon nor on trial, but at shorter distances than this: a share that has so many of them does
/// not fit.
const OFTEN: Micros = 120 * SECOND;
const MISSES: u64 = 3;

/// The window grows by so many tenths at most.
const MOST_ROOM: u64 = 3;

/// From a share that has lasted to the next step up, on average: at first, and at most. Each failure doubles it.
const FIRST_PAUSE: Micros = 900 * SECOND;
const LONGEST_PAUSE: Micros = 1_800 * SECOND;

/// A base that nobody reads for so long has other readers then.
const REMEMBERED: Micros = 1_800 * SECOND;

/// How many numbers a share is written as.
pub(crate) const SHARE_NUMBERS: usize = 10;

/// What one machine has learnt of a base's other readers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// On the ladder; 0 is the whole budget.
    step: u64,
    /// The time within an interval at which requests go.
    phase: Micros,
    /// Step and phase before the last step up.
    before: (u64, Micros),
    /// When that was; 0 when it has been decided on.
    tried: Micros,
    /// The end of the last penalty; 0 for none.
    refused: Micros,
    /// When the next step up is tried.
    next_try: Micros,
    /// The mean time until then.
    pause: Micros,
    /// Refusals one after the other, each not long after the one before.
    misses: u64,
    /// By how many tenths the window is longer, because requests arrive less evenly than was thought.
    room: u64,
}

impl Share {
    /// Whether it is less than the whole budget.
    pub(crate) fn is_eased(&self) -> bool {
        self.step > 0
    }

    /// From one request to the next, where it is `whole` for the whole budget.
    pub(crate) fn interval(&self, whole: Micros) -> Micros {
        interval(self.step, self.room, whole)
    }

    /// The first time from `at` on at which a request goes.
    pub(crate) fn align(&self, at: Micros, whole: Micros) -> Micros {
        let interval = self.interval(whole);
        if self.step == 0 || interval == 0 {
            return at;
        }
        at.saturating_add((self.phase % interval + interval - at % interval) % interval)
    }

    /// Somebody asks at `now`, and somebody did so last at `asked`: it may be time to try for more.
    pub(crate) fn look(&mut self, now: Micros, asked: Micros, whole: Micros) {
        if now.saturating_sub(asked.max(self.refused)) > REMEMBERED {
            *self = Self::default();
        }
        if self.step == 0 || now < self.next_try {
            return;
        }
        (self.before, self.tried) = ((self.step, self.phase), now);
        self.step -= 1;
        self.draw(now, whole);
        self.next_try = now.saturating_add(self.hope(now, whole));
    }

    /// A request was refused at `now`, and the penalty ends at `until`. `own` requests of the last second were this
    /// machine's, which has sent some since `began`.
    pub(crate) fn refuse(&mut self, now: Micros, until: Micros, own: usize, began: Micros, whole: Micros) {
        let is_first = self.refused == 0;
        let quiet = now.saturating_sub(self.refused.max(began));
        let is_soon = !is_first && quiet < SOON.max(4 * self.interval(whole));
        let is_young = now.saturating_sub(began) < YOUNG;
        let is_trial = self.is_on_trial(now, whole);
        self.misses = if is_soon || is_trial || quiet > OFTEN { 0 } else { self.misses + 1 };
        (self.refused, self.tried) = (until, 0);
        self.pause = self.pause.max(FIRST_PAUSE);
        self.next_try = until.saturating_add(self.pause_at(now));
        if is_trial {
            (self.step, self.phase) = self.before;
            self.pause = (2 * self.pause).min(LONGEST_PAUSE);
            self.next_try = until.saturating_add(self.pause_at(now));
        } else if self.step == 0 && (is_soon || is_young || own <= OF_TWO) {
            // In its first seconds a machine cannot know what the others do.
            self.step_to(if is_young || own < OF_TWO { 2 } else { 1 }, now, whole);
            self.next_try = until.saturating_add(self.hope(now, whole));
        } else if self.step > 0 && is_soon {
            self.step_to(self.step + 1, now, whole);
            self.next_try = until.saturating_add(self.hope(now, whole));
        } else if self.step > 0 && self.misses >= MISSES {
            self.misses = 0;
            self.make_room(now, whole);
        }
        // Else a machine that had the second to itself met a burst, or somebody has tried for more.
    }

    /// So many readers were seen, and can be seen no more.
    pub(crate) fn expect(&mut self, readers: usize, now: Micros, whole: Micros) {
        // In sixths of the window, as the ladder: each has its part of five requests.
        let part = 6 * readers as u64;
        let steps = SIXTHS.iter().take_while(|sixths| 5 * **sixths < part).count() + 1;
        let step = if readers < 2 { 0 } else { steps.min(SIXTHS.len()) as u64 };
        if step > self.step {
            self.step = step;
            self.pause = self.pause.max(FIRST_PAUSE);
            self.next_try = now.saturating_add(self.pause_at(now));
            self.draw(now, whole);
        }
    }

    /// Whether a refusal at `now` is the fault of the last step up.
    fn is_on_trial(&self, now: Micros, whole: Micros) -> bool {
        let interval = self.interval(whole);
        let trial = if interval > FAST { 8 * interval } else { ON_TRIAL };
        self.tried > 0 && now.saturating_sub(self.tried) < trial
    }

    fn step_to(&mut self, step: u64, now: Micros, whole: Micros) {
        self.step = step.min(SIXTHS.len() as u64);
        self.draw(now, whole);
    }

    /// Requests arrive less evenly than was thought, or others do not keep to their share.
    fn make_room(&mut self, now: Micros, whole: Micros) {
        if self.room < MOST_ROOM {
            self.room += 1;
        } else {
            self.step_to(self.step + 1, now, whole);
        }
    }

    /// How long until the next step up, where nothing is known to be in its way. A machine that has much leaves the others
    /// the first try.
    fn hope(&self, now: Micros, whole: Micros) -> Micros {
        let (least, spread) = match self.step {
            0 | 1 => (30 * SECOND, 20 * SECOND),
            2 => (10 * SECOND, 20 * SECOND),
            _ => {
                let least = (10 * SECOND).max(8 * self.interval(whole));
                (least, 3 * least)
            }
        };
        least + mixed(!now) % spread
    }

    /// Another phase. Machines that do so at once have clocks that differ by microseconds.
    fn draw(&mut self, now: Micros, whole: Micros) {
        self.phase = mixed(now).checked_rem(self.interval(whole)).unwrap_or_default();
    }

    /// From half of the pause to one and a half.
    fn pause_at(&self, now: Micros) -> Micros {
        self.pause / 2 + mixed(!now).checked_rem(self.pause).unwrap_or_default()
    }

    /// The clock was set back.
    pub(crate) fn set_back(&mut self, back: Micros) {
        for time in [&mut self.refused, &mut self.tried, &mut self.next_try] {
            *time = time.saturating_sub(back);
        }
    }

    /// What the machine knows, of what two of its processes know.
    pub(crate) fn later(self, other: Self) -> Self {
        if other.refused.max(other.tried) > self.refused.max(self.tried) { other } else { self }
    }

    pub(crate) fn to_numbers(self) -> [u64; SHARE_NUMBERS] {
        let Self { step, phase, before, tried, refused, next_try, pause, misses, room } = self;
        [step, phase, before.0, before.1, tried, refused, next_try, pause, misses, room]
    }

    /// What no machine can have learnt was written by something else.
    pub(crate) fn from_numbers(numbers: [u64; SHARE_NUMBERS], asked: Micros) -> Self {
        let [step, phase, old_step, old_phase, tried, refused, next_try, pause, misses, room] = numbers;
        let steps = SIXTHS.len() as u64;
        let furthest = asked.saturating_add(2 * LONGEST_PAUSE);
        if step > steps || old_step > steps || pause > LONGEST_PAUSE || next_try.max(refused).max(tried) > furthest {
            return Self::default();
        }
        let before = (old_step, old_phase);
        Self { step, phase, before, tried, refused, next_try, pause, misses, room: room.min(MOST_ROOM) }
    }
}

fn interval(step: u64, room: u64, whole: Micros) -> Micros {
    let Some(place) = usize::try_from(step).ok().and_then(|step| step.checked_sub(1)) else { return whole };
    let window = WINDOW.min(whole.saturating_mul(HALVES) / 2);
    (window * SIXTHS[place.min(SIXTHS.len() - 1)] * (10 + room) / 60).max(whole)
}

/// Numbers that lie close together become ones that do not.
pub(crate) fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests;

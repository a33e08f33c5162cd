//! Refusals -> a machine's share of a base's budget. Pure: the clock is an argument.
//!
//! Machines that read one base see each other only by refusals, which all of them meet at once. A stream of requests that
//! keeps its interval and its phase meets the others in the same way again and again: what was let through stays so. So a
//! share is an interval from one ladder that all machines have, and a phase. Who is refused soon after a change of either
//! draws another phase and takes a step down. Who is refused after a long quiet stays: somebody else has tried something.
//! Separate from [`crate::airtable::pace`], which keeps requests apart within the machine.

/// Microseconds since the Unix epoch: a clock that several processes read alike.
pub(crate) type Micros = u64;

const SECOND: Micros = 1_000_000;

/// From step to step, in units. All are multiples of few numbers, so that streams on different steps meet in cycles of
/// seconds. The first one is the whole budget.
const UNITS: [u64; 11] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48];

/// A unit is longer than the interval of the whole budget by so many hundredths: streams that do not know each other's
/// phases need room between them.
const ROOM: u64 = 111;

/// Two streams of the whole budget have three requests each of the six that are one too many.
const OF_TWO: usize = 3;

/// Until then a machine knows nothing of the others.
const YOUNG: Micros = 3 * SECOND;

/// A refusal this soon after the last one is the phases' fault, or there are too many requests. Slow streams take longer
/// to show what they do.
const SOON: Micros = 8 * SECOND;

/// A step up that fails does so within this time.
const ON_TRIAL: Micros = 30 * SECOND;

/// A share that is refused more often than this does not fit.
const OFTEN: Micros = 120 * SECOND;

/// From a first refusal to the first step up, and from there to the next one: somebody else may have been there once.
const FORGIVEN: Micros = 60 * SECOND;
const FORGIVEN_MORE: Micros = 15 * SECOND;

/// From a share that has lasted to the next step up, on average: at first, and at most. Each failure doubles it.
const FIRST_PAUSE: Micros = 600 * SECOND;
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
    /// Refusals that came too soon, one after the other.
    misses: u64,
    /// One refusal is all that was seen: it is soon forgiven.
    is_passing: bool,
}

impl Share {
    /// Whether it is less than the whole budget.
    pub(crate) fn is_eased(&self) -> bool {
        self.step > 0
    }

    /// From one request to the next, where it is `whole` for the whole budget.
    pub(crate) fn interval(&self, whole: Micros) -> Micros {
        interval(self.step, whole)
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
        self.next_try = now.saturating_add(if self.is_passing { FORGIVEN_MORE } else { self.pause_at(now) });
    }

    /// A request was refused at `now`, and the penalty ends at `until`. `own` requests of the last second were this
    /// machine's, which has sent some since `began`.
    pub(crate) fn refuse(&mut self, now: Micros, until: Micros, own: usize, began: Micros, whole: Micros) {
        let is_first = self.refused == 0;
        let quiet = now.saturating_sub(self.refused.max(began));
        let is_soon = !is_first && quiet < SOON.max(4 * self.interval(whole));
        self.refused = until;
        self.pause = self.pause.max(FIRST_PAUSE);
        self.next_try = until.saturating_add(self.pause_at(now));
        if self.tried > 0 && now.saturating_sub(self.tried) < ON_TRIAL {
            self.step_back(now, until);
        } else if self.step == 0 {
            // A machine that had the second to itself met a burst. In its first seconds it cannot know, and machines that
            // begin together are best on the same step.
            let is_young = now.saturating_sub(began) < YOUNG;
            if is_soon || is_young || own <= OF_TWO {
                self.guess(now, if is_young { OF_TWO } else { own }, whole);
                self.is_passing = is_first;
                self.next_try = if is_first { until.saturating_add(FORGIVEN) } else { self.next_try };
            }
        } else if is_soon {
            self.is_passing = false;
            self.step_down(now, whole);
        } else if quiet < OFTEN {
            self.misses += 1;
            match self.misses {
                0 | 1 => {}
                2 | 3 => self.draw(now, whole),
                _ => {
                    self.misses = 0;
                    self.step_down(now, whole);
                }
            }
        } else {
            self.misses = 0;
        }
        self.tried = 0;
    }

    /// So many readers were seen, and can be seen no more.
    pub(crate) fn expect(&mut self, readers: usize, now: Micros, whole: Micros) {
        let readers = readers as u64;
        let step = UNITS.iter().take_while(|units| **units < readers).count().min(UNITS.len() - 1) as u64;
        if step > self.step {
            self.step = step;
            self.pause = self.pause.max(FIRST_PAUSE);
            self.next_try = now.saturating_add(self.pause_at(now));
            self.draw(now, whole);
        }
    }

    /// What was tried is too much.
    fn step_back(&mut self, now: Micros, until: Micros) {
        (self.step, self.phase) = self.before;
        if !self.is_passing {
            self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        }
        (self.is_passing, self.misses) = (false, 0);
        self.next_try = until.saturating_add(self.pause_at(now));
    }

    /// One that shows little of itself is one of three, or of more: it will find out.
    fn guess(&mut self, now: Micros, own: usize, whole: Micros) {
        self.step = if own >= OF_TWO { 1 } else { 2 };
        self.draw(now, whole);
    }

    fn step_down(&mut self, now: Micros, whole: Micros) {
        self.step = (self.step + 1).min(UNITS.len() as u64 - 1);
        self.draw(now, whole);
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
        let Self { step, phase, before, tried, refused, next_try, pause, misses, is_passing } = self;
        [step, phase, before.0, before.1, tried, refused, next_try, pause, misses, u64::from(is_passing)]
    }

    /// What no machine can have learnt was written by something else.
    pub(crate) fn from_numbers(numbers: [u64; SHARE_NUMBERS], asked: Micros) -> Self {
        let [step, phase, old_step, old_phase, tried, refused, next_try, pause, misses, passing] = numbers;
        let steps = UNITS.len() as u64;
        let furthest = asked.saturating_add(2 * LONGEST_PAUSE);
        if step >= steps || old_step >= steps || pause > LONGEST_PAUSE || next_try.max(refused).max(tried) > furthest {
            return Self::default();
        }
        let before = (old_step, old_phase);
        Self { step, phase, before, tried, refused, next_try, pause, misses, is_passing: passing == 1 }
    }
}

fn interval(step: u64, whole: Micros) -> Micros {
    let units = usize::try_from(step).ok().and_then(|step| UNITS.get(step)).copied().unwrap_or(1);
    if step == 0 { whole } else { whole.saturating_mul(units * ROOM) / 100 }
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

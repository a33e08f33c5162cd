//! How many calls go to a base: of one client, and in a month of all programs of the machine.
//!
//! Airtable counts the calls of a workspace by the month, and refuses them beyond a plan's cap. What it has counted it does
//! not tell. So each process adds what it has sent to a small file of the base, at most once a second and at its end. That
//! is no more than a lower bound: other machines, other programs, and processes that were killed are not in it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Datelike};

use crate::airtable::words;
use crate::options::Plan;

/// How often the file is changed at most.
const EVERY: Duration = Duration::from_secs(1);

/// From this share of the cap on it is warned of, in percent.
const WARNED_PERCENT: u64 = 80;

/// The calls to one base.
#[derive(Debug)]
pub(crate) struct Calls {
    /// None for requests that belong to no base, which no cap counts.
    path: Option<PathBuf>,
    /// What messages call the base.
    base: String,
    plan: Option<Plan>,
    /// By this client. Less than nothing for a moment, while a request that was not sent is taken back.
    sent: AtomicI64,
    kept: Mutex<Kept>,
    process: u32,
}

#[derive(Debug, Default)]
struct Kept {
    /// Of those that were sent, how many the file has.
    noted: i64,
    at: Option<Instant>,
    /// What the file said last.
    this_month: Option<u64>,
}

/// What the file holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Month {
    /// `202601`, in UTC.
    number: u64,
    calls: u64,
    /// The cap that was warned of; 0 before.
    warned_of: u64,
}

impl Month {
    /// That of the time that it is now: another month has other calls.
    fn read(words: &[u64], now: u64) -> Self {
        match words {
            &[number, calls, warned_of] if number == now => Self { number, calls, warned_of },
            _ => Self { number: now, ..Self::default() },
        }
    }

    /// More calls. Tells whether they are so many of the cap that it is to be warned of, which it is once.
    fn add(&mut self, calls: i64, cap: Option<u64>) -> bool {
        self.calls = self.calls.saturating_add_signed(calls);
        let Some(cap) = cap.filter(|cap| self.warned_of != *cap) else { return false };
        let is_much = self.calls.saturating_mul(100) >= cap.saturating_mul(WARNED_PERCENT);
        if is_much {
            self.warned_of = cap;
        }
        is_much
    }

    fn words(self) -> Vec<u64> {
        vec![self.number, self.calls, self.warned_of]
    }
}

impl Calls {
    /// With the file that all programs of the machine add to, where there is one.
    pub(crate) fn new(path: Option<PathBuf>, base: String, plan: Option<Plan>) -> Self {
        let process = std::process::id();
        Self { path, base, plan, sent: AtomicI64::new(0), kept: Mutex::default(), process }
    }

    /// A call is sent, now: the file must not hold it up.
    pub(crate) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// A call is over: adds to the file, if it is time to.
    pub(crate) fn over(&self) {
        let is_due = self.kept().at.is_none_or(|at| at.elapsed() >= EVERY);
        if is_due {
            self.note();
        }
    }

    /// A call that was to be sent was not.
    pub(crate) fn not_sent(&self) {
        self.sent.fetch_sub(1, Ordering::Relaxed);
    }

    /// Those that this client has sent.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.sent.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// Those of this month, by all programs of the machine, as far as they are noted; none where that cannot be known.
    pub(crate) fn this_month(&self) -> Option<u64> {
        self.note();
        self.kept().this_month
    }

    /// Adds what is not noted yet to the file.
    fn note(&self) {
        // A child made by fork has its parent's numbers.
        let Some(path) = self.path.as_ref().filter(|_| self.process == std::process::id()) else { return };
        let (mut kept, cap) = (self.kept(), self.plan.and_then(Plan::calls_a_month));
        let sent = self.sent.load(Ordering::Relaxed);
        kept.at = Some(Instant::now());
        let noted = words::change(path, |words| {
            let mut month = Month::read(words, month_at(words::wall()));
            let is_much = month.add(sent - kept.noted, cap);
            *words = month.words();
            (month, is_much)
        });
        let Ok((month, is_much)) = noted else {
            kept.this_month = None;
            return;
        };
        (kept.noted, kept.this_month) = (sent, Some(month.calls));
        if let (Some(plan), Some(cap)) = (self.plan, cap.filter(|_| is_much)) {
            log::warn!("{}", warning(&self.base, month.calls, plan, cap));
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        if self.sent.load(Ordering::Relaxed) != self.kept().noted {
            self.note();
        }
    }
}

fn warning(base: &str, calls: u64, plan: Plan, cap: u64) -> String {
    format!(
        "airtable_plan is {}, which grants {cap} calls a month: this machine has sent about {calls} of them to {base}: beyond \
         the cap Airtable slows calls down, or refuses them, until the next month: run less often, or raise poll_seconds",
        plan.as_str()
    )
}

/// The month of a time in microseconds, in UTC.
fn month_at(wall: u64) -> u64 {
    let time = i64::try_from(wall).ok().and_then(DateTime::from_timestamp_micros).unwrap_or_default();
    u64::from(time.year().unsigned_abs()) * 100 + u64::from(time.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_utc() {
        for (seconds, month) in
            [(0, 197_001), (1_767_225_599, 202_512), (1_767_225_600, 202_601), (1_772_323_199, 202_602)]
        {
            assert_eq!(month_at(seconds * 1_000_000), month, "{seconds}");
        }
    }

    #[test]
    fn a_month_is_counted_by_itself_and_warned_of_once_for_each_cap() {
        let mut month = Month::read(&[202_601, 700, 0], 202_601);
        let said: Vec<bool> = [99, 1, 100, 500].map(|calls| month.add(calls, Some(1_000))).into();
        assert_eq!(said, [false, true, false, false]);
        assert_eq!(month, Month { number: 202_601, calls: 1_400, warned_of: 1_000 });
        assert!(!month.add(1, Some(100_000)) && !month.add(1, None));
        assert!(month.add(80_000, Some(100_000)), "another plan");
        assert_eq!(Month::read(&month.words(), 202_601), month);
        // The next month, a clock that was put back, and what is no month of ours.
        for (words, now) in
            [(month.words(), 202_602), (month.words(), 202_512), (vec![202_601, 5], 202_601), (vec![], 202_601)]
        {
            assert_eq!(Month::read(&words, now), Month { number: now, ..Month::default() }, "{words:?}");
        }
    }

    #[test]
    fn programs_of_the_machine_count_together() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one.calls");
        let of = |plan| Calls::new(Some(path.clone()), "base appA".into(), plan);
        let (one, other) = (of(None), of(Some(Plan::Free)));
        for calls in [&one, &other].into_iter().cycle().take(10) {
            calls.sent();
            calls.over();
        }
        one.not_sent();
        assert_eq!((one.count(), other.count()), (4, 5));
        drop(one);
        assert_eq!(other.this_month(), Some(9));
        assert_eq!(of(None).this_month(), Some(9), "kept for the next");
    }

    #[test]
    fn without_a_file_only_this_client_is_counted() {
        let nowhere = std::env::temp_dir().join("no such directory").join("one.calls");
        for path in [None, Some(nowhere)] {
            let calls = Calls::new(path, "requests without a base".into(), Some(Plan::Free));
            calls.sent();
            assert_eq!((calls.count(), calls.this_month()), (1, None));
        }
    }
}

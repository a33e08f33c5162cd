//! The limit per second and base, its penalty, and the monthly block.
//!
//! Pure: time is an argument, so the tests are tables.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::fault::Faults;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    PerSecond,
    PerMonth,
}

#[derive(Debug, Default)]
struct Window {
    requests: VecDeque<Instant>,
    refused_until: Option<Instant>,
}

/// Requests counted so far.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    windows: HashMap<String, Window>,
    calls: u64,
}

impl Limits {
    /// Counts a request to a base and says whether it is refused.
    pub(crate) fn admit(&mut self, base: &str, faults: &Faults, now: Instant) -> Option<Refusal> {
        if let Some(most) = faults.requests_per_second
            && !self.windows.entry(base.to_owned()).or_default().admit(most, faults, now)
        {
            return Some(Refusal::PerSecond);
        }
        let most = faults.monthly_calls?;
        self.calls += 1;
        (self.calls > most).then_some(Refusal::PerMonth)
    }
}

impl Window {
    fn admit(&mut self, most: u32, faults: &Faults, now: Instant) -> bool {
        let penalty = Duration::try_from_secs_f64(faults.penalty_seconds).unwrap_or_default();
        if self.refused_until.is_some_and(|until| now < until) {
            return false;
        }
        self.refused_until = None;
        while self.requests.front().is_some_and(|first| now.duration_since(*first) >= Duration::from_secs(1)) {
            self.requests.pop_front();
        }
        if self.requests.len() >= most as usize {
            self.refused_until = Some(now + penalty);
            return false;
        }
        self.requests.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_request_in_a_second_starts_the_penalty() {
        let faults = Faults { requests_per_second: Some(5), ..Faults::default() };
        let start = Instant::now();
        // Milliseconds since the start, and whether the request is let through.
        let table = [
            (0, true),
            (100, true),
            (200, true),
            (300, true),
            (400, true),
            (1001, true),
            (1050, false),
            (5000, false),
            (31_049, false),
            (31_051, true),
        ];
        let mut limits = Limits::default();
        for (ms, admitted) in table {
            let refusal = limits.admit("app1", &faults, start + Duration::from_millis(ms));
            assert_eq!(refusal.is_none(), admitted, "at {ms} ms");
        }
        assert_eq!(limits.admit("app2", &faults, start), None, "bases do not share the limit");
    }

    #[test]
    fn the_monthly_block_is_for_all_bases() {
        let faults = Faults { monthly_calls: Some(1), ..Faults::default() };
        let (mut limits, now) = (Limits::default(), Instant::now());
        assert_eq!(limits.admit("app1", &faults, now), None);
        assert_eq!(limits.admit("app1", &faults, now), Some(Refusal::PerMonth));
        assert_eq!(limits.admit("app2", &faults, now), Some(Refusal::PerMonth));
    }
}

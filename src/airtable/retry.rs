//! Failure -> delay. Pure: no clock, no socket, no random source, so that its tests are tables of exact numbers.
//!
//! Two invariants: the monthly cap is never retried, and a request that Airtable refuses for its content is not sent again:
//! only one whose refusal is not known to be Airtable's.

use std::time::Duration;

use crate::airtable::failure::{Failure, Reason};

/// When to try again, and when not to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Retry {
    /// How often one request is sent again. Default 8.
    pub(crate) max_retries: u32,
    /// Delay after the first failure of server or network; doubles with each. Default 0.5 s.
    pub(crate) first_delay: Duration,
    /// No such delay is longer. Default 60 s.
    pub(crate) longest_delay: Duration,
    /// How long a base stays shut after too many requests, where the answer does not say. Airtable's page on rate
    /// limits: 30 s.
    pub(crate) penalty: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_retries: 8,
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(60),
            penalty: Duration::from_secs(30),
        }
    }
}

/// An address that has never answered is more often wrong than busy: no minutes of waiting for it.
const MAX_RETRIES_UNREACHED: u32 = 3;

/// A refusal that has a meaning, whoever sent it, is doubted so often.
const MAX_RETRIES_UNSIGNED: u32 = 1;

/// A server that asks for more patience than this is not waited for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Whether the same request may well be answered a moment later: the server or something before it failed, or the request
/// did not arrive as it was sent. Not where a server says that it will never do this.
fn is_passing(status: u16) -> bool {
    match status {
        501 | 505 | 506 | 510 | 511 => false,
        408 | 421 | 425 | 500..=599 => true,
        _ => false,
    }
}

impl Retry {
    /// The delay before the request is sent again, or `None` to give up. `retries` counts those already made; `random`
    /// is from 0 to 1.
    pub(crate) fn delay(&self, failure: &Failure, retries: u32, random: f64) -> Option<Duration> {
        if retries >= self.most(failure) {
            return None;
        }
        let backoff = || {
            let doubled = self.first_delay.saturating_mul(1 << retries.min(20)).min(self.longest_delay);
            doubled.mul_f64(0.5 + random / 2.0)
        };
        match failure {
            _ if failure.is_rate_limit() => self.penalty_after(failure, random),
            Failure::Status { status, retry_after: Some(wait), .. } if is_passing(*status) => {
                (*wait <= LONGEST_RETRY_AFTER).then(|| (*wait).max(backoff()))
            }
            Failure::Status { reason: Reason::Unsigned, status, .. } if !is_passing(*status) => Some(backoff()),
            Failure::Status { status, reason, .. } => (is_passing(*status) || *reason == Reason::Lost).then(backoff),
            Failure::Connect { .. } | Failure::Broken { .. } | Failure::Timeout { .. } | Failure::NotJson { .. } => {
                Some(backoff())
            }
            Failure::TooLarge { .. } | Failure::NotRenewed { .. } => None,
        }
    }

    /// How often a request that fails so is sent again at most.
    pub(crate) fn most(&self, failure: &Failure) -> u32 {
        let most = match failure {
            _ if failure.is_rate_limit() => u32::MAX,
            Failure::Connect { reached_before: false, .. } => MAX_RETRIES_UNREACHED,
            Failure::Status { reason: Reason::Unsigned, status, .. } if !is_passing(*status) => MAX_RETRIES_UNSIGNED,
            _ => u32::MAX,
        };
        most.min(self.max_retries)
    }

    /// How long the base is shut: what the answer says, else the documented penalty; with up to a tenth of it (at
    /// least half a second) added, so that those who wait together do not return together.
    fn penalty_after(&self, failure: &Failure, random: f64) -> Option<Duration> {
        let said = match failure {
            Failure::Status { retry_after, .. } => *retry_after,
            _ => None,
        };
        let wait = said.unwrap_or(self.penalty);
        let spread = (wait / 10).max(Duration::from_millis(500));
        (wait <= LONGEST_RETRY_AFTER).then(|| wait + spread.mul_f64(random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, kind: &str, retry_after: Option<u64>) -> Failure {
        let retry_after = retry_after.map(Duration::from_secs);
        Failure::Status { status, kind: kind.into(), message: String::new(), retry_after, reason: Reason::Told }
    }

    fn delay_ms(failure: &Failure, retries: u32, random: f64) -> Option<u128> {
        Retry::default().delay(failure, retries, random).map(|d| d.as_millis())
    }

    #[test]
    fn what_a_log_line_promises_is_what_is_done() {
        let unsigned = Failure::Status {
            status: 401,
            kind: String::new(),
            message: String::new(),
            retry_after: None,
            reason: Reason::Unsigned,
        };
        let unreached = |reached_before| Failure::Connect { reached_before, proxy: None, cause: "refused".into() };
        for (failure, most) in [
            (unreached(false), 3),
            (unreached(true), 8),
            (unsigned, 1),
            (status(502, "", None), 8),
            (status(429, "RATE_LIMIT_REACHED", None), 8),
        ] {
            let retry = Retry::default();
            assert_eq!(retry.most(&failure), most, "{failure:?}");
            assert!(retry.delay(&failure, most - 1, 0.5).is_some(), "{failure:?}");
            assert_eq!(retry.delay(&failure, most, 0.5), None, "{failure:?}");
            assert_eq!(Retry { max_retries: 0, ..retry }.most(&failure), 0, "{failure:?}");
        }
    }

    #[test]
    fn delays() {
        let busy = "RATE_LIMIT_REACHED";
        let broken = Failure::Broken { cause: "eof".into() };
        let unreached = Failure::Connect { cause: "refused".into(), proxy: None, reached_before: false };
        let dropped = Failure::Connect { cause: "refused".into(), proxy: None, reached_before: true };
        for (failure, retries, random, expected) in [
            (status(429, busy, None), 0, 0.0, Some(30_000)),
            (status(429, busy, None), 7, 1.0, Some(33_000)),
            (status(429, busy, Some(2)), 0, 0.0, Some(2_000)),
            (status(429, busy, Some(2)), 0, 1.0, Some(2_500)),
            (status(429, busy, Some(301)), 0, 0.0, None),
            (status(429, "", None), 0, 0.0, Some(30_000)),
            (status(429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", None), 0, 0.0, None),
            (status(500, "", None), 0, 1.0, Some(500)),
            (status(502, "", None), 3, 0.0, Some(2_000)),
            (status(503, "RETRIABLE_ERROR", Some(7)), 0, 1.0, Some(7_000)),
            (status(503, "RETRIABLE_ERROR", Some(1)), 6, 1.0, Some(32_000)),
            (status(504, "", None), 7, 1.0, Some(60_000)),
            (status(504, "", None), 8, 1.0, None),
            (broken, 1, 1.0, Some(1_000)),
            (Failure::Timeout { limit: Duration::from_secs(60) }, 0, 0.0, Some(250)),
            (Failure::NotJson { start: "<".into() }, 0, 0.0, Some(250)),
            (unreached.clone(), 2, 1.0, Some(2_000)),
            (unreached, 3, 1.0, None),
            (dropped, 3, 1.0, Some(4_000)),
            (Failure::TooLarge { limit_bytes: 1 }, 0, 0.0, None),
            (status(301, "", None), 0, 0.0, None),
            (status(400, "", None), 0, 0.0, None),
            (status(401, "AUTHENTICATION_REQUIRED", None), 0, 0.0, None),
            (status(403, "INVALID_PERMISSIONS", None), 0, 0.0, None),
            (status(404, "NOT_FOUND", None), 0, 0.0, None),
            (status(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", None), 0, 0.0, None),
            (status(422, "INVALID_OFFSET_VALUE", None), 0, 0.0, None),
            (answer(422, "{\"error\":"), 0, 0.0, Some(250)),
            (answer(403, "{\"error\":"), 7, 1.0, Some(60_000)),
            (answer(422, "{\"error\":"), 8, 1.0, None),
            (answer(422, "null"), 0, 0.0, Some(250)),
            (answer(422, "\"x\""), 7, 1.0, Some(60_000)),
            (answer(400, "{}"), 8, 1.0, None),
            (answer(401, ""), 0, 1.0, Some(500)),
            (answer(403, "<html>"), 0, 1.0, Some(500)),
            (answer(404, "null"), 0, 1.0, Some(500)),
            (answer(401, ""), 1, 1.0, None),
            (answer(403, "<html>"), 1, 1.0, None),
            (answer(404, "null"), 1, 1.0, None),
            (answer(413, ""), 0, 1.0, None),
            (answer(302, ""), 0, 1.0, None),
            (answer(408, ""), 7, 1.0, Some(60_000)),
            (answer(429, ""), 7, 0.0, Some(30_000)),
        ] {
            assert_eq!(delay_ms(&failure, retries, random), expected, "{failure:?} after {retries}");
        }
    }

    fn answer(status: u16, body: &str) -> Failure {
        Failure::from_answer(status, body.as_bytes(), None)
    }

    #[test]
    fn statuses_that_pass_are_told_from_those_that_stay() {
        let never = [501, 505, 506, 510, 511];
        assert!((500..600).filter(|status| !never.contains(status)).all(is_passing));
        assert!([408, 421, 425].into_iter().all(is_passing) && !never.into_iter().any(is_passing));
        assert!(!(100..500).filter(|status| ![408, 421, 425].contains(status)).any(is_passing) && !is_passing(600));
        for code in [507, 508, 520, 522, 524, 530, 599] {
            assert_eq!(delay_ms(&status(code, "", None), 0, 1.0), Some(500), "{code}");
            assert_eq!(delay_ms(&status(code, "", Some(7)), 0, 1.0), Some(7_000), "{code}");
        }
    }

    #[test]
    fn no_retries_means_none() {
        let retry = Retry { max_retries: 0, ..Retry::default() };
        assert_eq!(retry.delay(&status(429, "RATE_LIMIT_REACHED", Some(1)), 0, 0.0), None);
    }
}

//! The service's clock, as its answers tell it. Machines' clocks run ahead and behind; the times of records are the
//! service's.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use chrono::DateTime;

use crate::time::Seconds;

/// The service's time, in whole seconds, as the last answer told it, and when that was.
#[derive(Debug, Default)]
pub(crate) struct ServiceClock(Mutex<Option<(Seconds, Instant)>>);

impl ServiceClock {
    /// Takes note of an answer's date.
    pub(super) fn take(&self, date: Option<&str>) {
        let time = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|time| time.timestamp());
        if let Some(time) = time {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((time, Instant::now()));
        }
    }

    /// The time now; none where no answer has told it.
    pub(super) fn now(&self) -> Option<Seconds> {
        let (time, at) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(time.saturating_add(Seconds::try_from(at.elapsed().as_secs()).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_date_that_can_be_read_counts() {
        let clock = ServiceClock::default();
        clock.take(None);
        clock.take(Some("tomorrow"));
        assert_eq!(clock.now(), None);
        clock.take(Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        let told = clock.now().expect("a time");
        assert!((784_111_777..784_111_800).contains(&told), "{told}");
        clock.take(Some("6 Nov"));
        assert!(clock.now() >= Some(told));
        clock.take(Some("Sun, 06 Nov 1994 08:40:00 GMT"));
        assert!(clock.now() < Some(told), "a clock that was put back");
    }
}

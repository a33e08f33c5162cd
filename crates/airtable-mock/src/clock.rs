//! The server's clock, and how it writes time.
//!
//! The clock is real time plus an offset that tests move: that is how a webhook expires in a test that
//! takes a millisecond, and how a client meets a server whose clock is wrong. Everything the server
//! stamps or compares uses it, except rate limits and iterator ages, which are about real waiting.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, Timelike, Utc};

/// Real time plus an offset in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_ms: AtomicI64,
}

impl Clock {
    pub(crate) fn now_ms(&self) -> i64 {
        real_ms() + self.offset_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn advance_ms(&self, by: i64) {
        self.offset_ms.fetch_add(by, Ordering::Relaxed);
    }

    /// Makes the clock show `ms` now; it runs on from there.
    pub(crate) fn set_ms(&self, ms: i64) {
        self.offset_ms.store(ms - real_ms(), Ordering::Relaxed);
    }
}

fn real_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A point in time from milliseconds since 1970; years that do not exist become 1970.
pub(crate) fn datetime(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

fn two(out: &mut Vec<u8>, number: u32) {
    out.push(b'0' + u8::try_from(number / 10 % 10).unwrap_or(0));
    out.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
}

/// Appends `2022-09-12`.
pub(crate) fn write_date(out: &mut Vec<u8>, ms: i64) {
    let day = datetime(ms);
    let year = u32::try_from(day.year()).unwrap_or(0);
    two(out, year / 100);
    two(out, year % 100);
    out.push(b'-');
    two(out, day.month());
    out.push(b'-');
    two(out, day.day());
}

/// Appends `2022-09-12T21:03:48.000Z`, the form of every date and time that Airtable sends.
/// Chrono's own formatter is too slow for a hundred of these per page.
pub(crate) fn write_stamp(out: &mut Vec<u8>, ms: i64) {
    let time = datetime(ms);
    write_date(out, ms);
    out.push(b'T');
    two(out, time.hour());
    out.push(b':');
    two(out, time.minute());
    out.push(b':');
    two(out, time.second());
    out.push(b'.');
    let milli = time.timestamp_subsec_millis();
    out.push(b'0' + u8::try_from(milli / 100 % 10).unwrap_or(0));
    two(out, milli % 100);
    out.push(b'Z');
}

/// The text of [`write_stamp`].
pub(crate) fn stamp(ms: i64) -> String {
    let mut out = Vec::with_capacity(24);
    write_stamp(&mut out, ms);
    String::from_utf8(out).unwrap_or_default()
}

/// Cuts a time to the whole second, as Airtable shows it.
pub(crate) fn whole_second(ms: i64) -> i64 {
    ms - ms.rem_euclid(1000)
}

/// The `Date` header.
pub(crate) fn http_date(ms: i64) -> String {
    datetime(ms).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads a date, or a date and time, of ISO 8601: with or without zone, seconds and fraction.
pub(crate) fn parse_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = chrono::NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), format) {
            return Some(time.and_utc().timestamp_millis());
        }
    }
    let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_have_milliseconds_and_a_z() {
        assert_eq!(stamp(1_663_016_628_000), "2022-09-12T21:03:48.000Z");
        assert_eq!(stamp(7), "1970-01-01T00:00:00.007Z");
        assert_eq!(http_date(1_663_016_628_000), "Mon, 12 Sep 2022 21:03:48 GMT");
    }

    #[test]
    fn dates_are_read_in_every_usual_form() {
        for text in
            ["2022-09-12T21:03:48.000Z", "2022-09-12T21:03:48", "2022-09-12T23:03:48+02:00", "2022-09-12 21:03:48"]
        {
            assert_eq!(parse_ms(text), Some(1_663_016_628_000), "{text}");
        }
        assert_eq!(parse_ms("2022-09-12"), Some(1_662_940_800_000));
        assert_eq!(parse_ms("soon"), None);
    }

    #[test]
    fn an_advanced_clock_runs_ahead() {
        let clock = Clock::default();
        let before = clock.now_ms();
        clock.advance_ms(86_400_000);
        assert!(clock.now_ms() >= before + 86_400_000);
        clock.set_ms(0);
        assert!(clock.now_ms() < 10_000);
    }
}

//! Date arithmetic: units, weeks, working days.
//!
//! All in UTC and pure. The rules are those of moment.js, with which Airtable computes.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Quarters,
    Years,
}

impl Unit {
    /// The unit of that name: singular, plural or abbreviated. Only `M` (months) and `m` (minutes) differ by case.
    pub(super) fn named(name: &str) -> Option<Unit> {
        if name == "M" {
            return Some(Unit::Months);
        }
        Some(match name.to_ascii_lowercase().as_str() {
            "ms" | "millisecond" | "milliseconds" => Unit::Milliseconds,
            "s" | "second" | "seconds" => Unit::Seconds,
            "m" | "minute" | "minutes" => Unit::Minutes,
            "h" | "hour" | "hours" => Unit::Hours,
            "d" | "day" | "days" => Unit::Days,
            "w" | "week" | "weeks" => Unit::Weeks,
            "month" | "months" => Unit::Months,
            "q" | "quarter" | "quarters" => Unit::Quarters,
            "y" | "year" | "years" => Unit::Years,
            _ => return None,
        })
    }

    /// Its length, or for units of uneven length the number of months.
    fn length(self) -> Length {
        match self {
            Unit::Milliseconds => Length::Milliseconds(1),
            Unit::Seconds => Length::Milliseconds(1_000),
            Unit::Minutes => Length::Milliseconds(60_000),
            Unit::Hours => Length::Milliseconds(3_600_000),
            Unit::Days => Length::Milliseconds(86_400_000),
            Unit::Weeks => Length::Milliseconds(7 * 86_400_000),
            Unit::Months => Length::Months(1),
            Unit::Quarters => Length::Months(3),
            Unit::Years => Length::Months(12),
        }
    }
}

enum Length {
    Milliseconds(i64),
    Months(i32),
}

/// `date` plus so many units. Days and longer are taken whole, rounded; a month's last day stays within the month.
pub(super) fn add(date: DateTime<Utc>, amount: f64, unit: Unit) -> Option<DateTime<Utc>> {
    if !amount.is_finite() {
        return None;
    }
    let amount = match unit {
        Unit::Milliseconds | Unit::Seconds | Unit::Minutes | Unit::Hours => amount,
        _ => amount.round(),
    };
    match unit.length() {
        Length::Milliseconds(length) => {
            date.checked_add_signed(TimeDelta::try_milliseconds((amount * length as f64) as i64)?)
        }
        Length::Months(length) => add_months(date, (amount as i32).checked_mul(length)?),
    }
}

fn add_months(date: DateTime<Utc>, months: i32) -> Option<DateTime<Utc>> {
    let size = Months::new(months.unsigned_abs());
    if months < 0 { date.checked_sub_months(size) } else { date.checked_add_months(size) }
}

/// How many whole units `later` is after `earlier`; negative if it is before.
pub(super) fn difference(later: DateTime<Utc>, earlier: DateTime<Utc>, unit: Unit) -> f64 {
    match unit.length() {
        Length::Milliseconds(length) => (later.signed_duration_since(earlier).num_milliseconds() / length) as f64,
        Length::Months(length) => (months_between(later, earlier) / f64::from(length)).trunc(),
    }
}

/// moment's count of months: whole ones from the date with the larger day of the month, then the part of the next.
fn months_between(later: DateTime<Utc>, earlier: DateTime<Utc>) -> f64 {
    if later.day() < earlier.day() {
        return -months_between(earlier, later);
    }
    let whole = (earlier.year() - later.year()) * 12 + earlier.month0() as i32 - later.month0() as i32;
    // Both dates lie in the years 1 to 9999, so a month more or less cannot leave chrono's range.
    let anchor = add_months(later, whole).unwrap_or(later);
    let rest = earlier.signed_duration_since(anchor);
    let step = if rest < TimeDelta::zero() { -1 } else { 1 };
    let next = add_months(later, whole + step).unwrap_or(later);
    let month = next.signed_duration_since(anchor).num_milliseconds().abs();
    let fraction = rest.num_milliseconds() as f64 / month.max(1) as f64;
    -(f64::from(whole) + fraction)
}

/// A number that is the same for all dates of one day, week (from Sunday), month and so on, and differs between them.
pub(super) fn period(date: DateTime<Utc>, unit: Unit) -> i64 {
    let milliseconds = date.timestamp_millis();
    match unit.length() {
        Length::Months(length) => i64::from((date.year() * 12 + date.month0() as i32).div_euclid(length)),
        // 1 January 1970 was a Thursday, the fifth day of its week.
        Length::Milliseconds(length) if unit == Unit::Weeks => (milliseconds + 4 * 86_400_000).div_euclid(length),
        Length::Milliseconds(length) => milliseconds.div_euclid(length),
    }
}

/// The year and number of a week that starts on `first`; the week with 1 January is number 1.
pub(super) fn week(date: NaiveDate, first: Weekday) -> (i32, u32) {
    let last_day = Days::new(u64::from(6 - date.weekday().days_since(first)));
    let end = date.checked_add_days(last_day).unwrap_or(date);
    (end.year(), end.ordinal0() / 7 + 1)
}

fn is_working(date: NaiveDate) -> bool {
    date.weekday().num_days_from_monday() < 5
}

/// The date so many working days (Monday to Friday, but not `holidays`) after `start`, or before it.
pub(super) fn workday(start: NaiveDate, days: i32, holidays: &[NaiveDate]) -> Option<NaiveDate> {
    let mut free: Vec<NaiveDate> = holidays.iter().copied().filter(|day| is_working(*day)).collect();
    free.sort_unstable();
    free.dedup();
    if days < 0 {
        free.reverse();
    }
    let (mut days, step) = (days, days.signum());
    let mut end = weekdays_after(start, days)?;
    for holiday in free {
        let passed = if step < 0 { (end..start).contains(&holiday) } else { start < holiday && holiday <= end };
        if passed {
            days = days.checked_add(step)?;
            end = weekdays_after(start, days)?;
        }
    }
    Some(end)
}

/// As [`workday`], without holidays and without counting day by day.
fn weekdays_after(start: NaiveDate, days: i32) -> Option<NaiveDate> {
    if days == 0 {
        return Some(start);
    }
    let weekday = i64::from(start.weekday().num_days_from_monday());
    // From a weekend, one counts from the Friday before, or backwards from the Monday after.
    let (base, weekday) = match (weekday < 5, days > 0) {
        (true, _) => (0, weekday),
        (false, true) => (4 - weekday, 4),
        (false, false) => (7 - weekday, 0),
    };
    let target = weekday + i64::from(days);
    let shift = base + target.div_euclid(5) * 7 + target.rem_euclid(5) - weekday;
    start.checked_add_signed(TimeDelta::try_days(shift)?)
}

/// The number of working days from `start` to `end`, both included; negative if `end` is first.
pub(super) fn workdays(start: NaiveDate, end: NaiveDate, holidays: &[NaiveDate]) -> i64 {
    if end < start {
        return -workdays(end, start, holidays);
    }
    let mut free: Vec<&NaiveDate> =
        holidays.iter().filter(|day| is_working(**day) && (start..=end).contains(day)).collect();
    free.sort_unstable();
    free.dedup();
    weekdays_until(end) - weekdays_until(start) + i64::from(is_working(start)) - free.len() as i64
}

/// The number of weekdays from the first Monday of the calendar to `date`, included.
fn weekdays_until(date: NaiveDate) -> i64 {
    // Day 1 of chrono's count, 1 January of year 1, was a Monday.
    let days = i64::from(date.num_days_from_ce());
    days.div_euclid(7) * 5 + days.rem_euclid(7).min(5)
}

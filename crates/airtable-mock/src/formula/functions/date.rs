//! Date functions.
//!
//! An argument that should be a date and is blank gives NaN where the function yields a number (observed for date
//! arithmetic) and an error where it yields anything else (unconfirmed); any other value that is no date is an error.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use crate::formula::calendar::{self, Unit};
use crate::formula::expression::{Expression, Setting, Values};
use crate::formula::function::{ANY, Body, Function};
use crate::formula::row::Row;
use crate::formula::value::Value;
use crate::formula::{moment, timestamp};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::values("CREATED_TIME", 0, 0, |_, row| Some(Value::Date(row.created_time()))),
    Function::new("LAST_MODIFIED_TIME", 0, ANY, Body::Fields(|fields, row| row.last_modified_time(fields))),
    Function::values("NOW", 0, 0, |_, row| Some(Value::Date(row.now()))),
    Function::values("TODAY", 0, 0, |_, row| Some(midnight(row.now().date_naive()))),
    Function::values("IS_AFTER", 2, 2, |values, _| Some(Value::truth(values[0].date()? > values[1].date()?))),
    Function::values("IS_BEFORE", 2, 2, |values, _| Some(Value::truth(values[0].date()? < values[1].date()?))),
    Function::values("IS_SAME", 2, 3, |values, _| {
        let unit = unit(values, Unit::Milliseconds);
        let periods = (calendar::period(values[0].date()?, unit), calendar::period(values[1].date()?, unit));
        Some(Value::truth(periods.0 == periods.1))
    }),
    Function::values("DATETIME_PARSE", 1, 3, parsed),
    Function::new("DATETIME_FORMAT", 1, 2, Body::Lazy(formatted)),
    Function::new("SET_TIMEZONE", 2, 2, Body::Setting(Setting::Zone)),
    Function::new("SET_LOCALE", 2, 2, Body::Setting(Setting::Locale)),
    Function::values("DATESTR", 1, 1, |values, _| shown(values[0].date()?, "YYYY-MM-DD")),
    Function::values("TIMESTR", 1, 1, |values, _| shown(values[0].date()?, "HH:mm:ss")),
    // An unknown unit is an error (unconfirmed): adding nothing, or milliseconds, would hide a typing error.
    Function::values("DATEADD", 3, 3, |values, _| {
        let unit = Unit::named(&values[2].text())?;
        calendar::add(values[0].date()?, values[1].number(), unit).map(Value::Date)
    }),
    Function::values("DATETIME_DIFF", 2, 3, |values, _| {
        let unit = unit(values, Unit::Seconds);
        of_two(values, |first, second| Some(calendar::difference(first, second, unit)))
    }),
    Function::values("YEAR", 1, 1, |values, _| of_one(values, |date| date.year().into())),
    Function::values("MONTH", 1, 1, |values, _| of_one(values, |date| date.month().into())),
    Function::values("DAY", 1, 1, |values, _| of_one(values, |date| date.day().into())),
    Function::values("HOUR", 1, 1, |values, _| of_one(values, |date| date.hour().into())),
    Function::values("MINUTE", 1, 1, |values, _| of_one(values, |date| date.minute().into())),
    Function::values("SECOND", 1, 1, |values, _| of_one(values, |date| date.second().into())),
    Function::values("WEEKDAY", 1, 2, |values, _| {
        let first = first_day(values);
        of_one(values, |date| date.weekday().days_since(first).into())
    }),
    Function::values("WEEKNUM", 1, 2, |values, _| {
        let first = first_day(values);
        of_one(values, |date| calendar::week(date.date_naive(), first).1.into())
    }),
    Function::values("WORKDAY", 2, 3, |values, _| {
        let days = values[1].number();
        // A hundred thousand years of working days; beyond it there are no dates anyway.
        if days.is_nan() || days.abs() > 26e6 {
            return None;
        }
        let start = values[0].date()?.date_naive();
        calendar::workday(start, days as i32, &holidays(values)?).map(midnight)
    }),
    Function::values("WORKDAY_DIFF", 2, 3, |values, _| {
        of_two(values, |first, second| {
            let (first, second) = (first.date_naive(), second.date_naive());
            Some(calendar::workdays(first, second, &holidays(values)?) as f64)
        })
    }),
    Function::values("FROMNOW", 1, 1, |values, row| distance(values, row)),
    Function::values("TONOW", 1, 1, |values, row| distance(values, row)),
];

fn midnight(date: NaiveDate) -> Value {
    Value::Date(date.and_time(NaiveTime::MIN).and_utc())
}

fn of_one(values: &Values<'_>, part: impl Fn(DateTime<Utc>) -> f64) -> Option<Value> {
    if values[0].is_empty() {
        return Some(Value::Number(f64::NAN));
    }
    Some(Value::Number(part(values[0].date()?)))
}

fn of_two(values: &Values<'_>, between: impl Fn(DateTime<Utc>, DateTime<Utc>) -> Option<f64>) -> Option<Value> {
    if values[0].is_empty() || values[1].is_empty() {
        return Some(Value::Number(f64::NAN));
    }
    between(values[0].date()?, values[1].date()?).map(Value::Number)
}

/// The unit that an optional third argument names; an unknown name means milliseconds, as Airtable documents for
/// `DATETIME_DIFF`.
fn unit(values: &Values<'_>, default: Unit) -> Unit {
    values.get(2).map_or(default, |name| Unit::named(&name.text()).unwrap_or(Unit::Milliseconds))
}

/// The day a week starts on: Sunday, unless the second argument says Monday.
fn first_day(values: &Values<'_>) -> Weekday {
    match values.get(1) {
        Some(day) if day.text().eq_ignore_ascii_case("monday") => Weekday::Mon,
        _ => Weekday::Sun,
    }
}

/// The optional third argument: a list of ISO dates separated by commas.
fn holidays(values: &Values<'_>) -> Option<Vec<NaiveDate>> {
    let Some(list) = values.get(2) else {
        return Some(Vec::new());
    };
    let text = list.text();
    text.split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| timestamp::parse_iso(text).map(|date| date.date_naive()))
        .collect()
}

/// `DATETIME_PARSE(text, format, locale)`; the locale is accepted, month names are English. A date stays as it is.
fn parsed(values: &Values<'_>, row: &dyn Row) -> Option<Value> {
    if let Value::Date(date) = values[0].as_ref() {
        return Some(Value::Date(*date));
    }
    let text = values[0].text();
    let date = match values.get(1) {
        Some(format) if !format.is_empty() => timestamp::parse(&text, &format.text(), row.now()),
        _ => timestamp::parse_any(&text, row.now()),
    };
    date.map(Value::Date)
}

fn shown(date: DateTime<Utc>, format: &str) -> Option<Value> {
    Value::bounded(moment::format(&date.with_timezone(&Tz::UTC), format))
}

/// `DATETIME_FORMAT(date, format)`; without a format, ISO 8601 to the second with an offset (unconfirmed).
fn formatted(arguments: &[Expression], row: &dyn Row) -> Option<Value> {
    let (date, zone) = zoned(&arguments[0], row)?;
    let format = match arguments.get(1) {
        Some(format) => match format.eval(row).as_ref() {
            Value::Error => return None,
            format => format.to_text(),
        },
        None => "YYYY-MM-DDTHH:mm:ssZ".to_owned(),
    };
    Value::bounded(moment::format(&date.with_timezone(&zone), &format))
}

/// A date and the zone to show it in. `SET_TIMEZONE` is seen only directly inside `DATETIME_FORMAT`, as Airtable
/// demands, or inside a `SET_LOCALE` there.
fn zoned(expression: &Expression, row: &dyn Row) -> Option<(DateTime<Utc>, Tz)> {
    let Expression::Setting(setting, arguments) = expression else {
        return Some((expression.eval(row).date()?, Tz::UTC));
    };
    let (date, zone) = zoned(&arguments[0], row)?;
    match (arguments[1].eval(row).as_ref(), setting) {
        (Value::Error, _) => None,
        (_, Setting::Locale) => Some((date, zone)),
        (name, Setting::Zone) => Some((date, named_zone(&name.text())?)),
    }
}

/// Airtable writes UTC in small letters, the zone database does not.
fn named_zone(name: &str) -> Option<Tz> {
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("gmt") {
        return Some(Tz::UTC);
    }
    name.parse().ok()
}

/// How far a date is from now, in words and without direction; the steps are moment's.
fn distance(values: &Values<'_>, row: &dyn Row) -> Option<Value> {
    let apart = values[0].date()?.signed_duration_since(row.now());
    let seconds = apart.num_milliseconds().abs() as f64 / 1000.0;
    let [minutes, hours, days] = [60.0, 3600.0, 86_400.0].map(|unit| (seconds / unit).round());
    // moment's average month and year: 400 years have 146,097 days.
    let months = (seconds / 86_400.0 * 4800.0 / 146_097.0).round();
    let years = (seconds / 86_400.0 * 400.0 / 146_097.0).round();
    let text = if seconds.round() < 45.0 {
        "a few seconds".to_owned()
    } else if minutes <= 1.0 {
        "a minute".to_owned()
    } else if minutes < 45.0 {
        format!("{minutes} minutes")
    } else if hours <= 1.0 {
        "an hour".to_owned()
    } else if hours < 22.0 {
        format!("{hours} hours")
    } else if days <= 1.0 {
        "a day".to_owned()
    } else if days < 26.0 {
        format!("{days} days")
    } else if months <= 1.0 {
        "a month".to_owned()
    } else if months < 11.0 {
        format!("{months} months")
    } else if years <= 1.0 {
        "a year".to_owned()
    } else {
        format!("{years} years")
    };
    Some(Value::Text(text))
}

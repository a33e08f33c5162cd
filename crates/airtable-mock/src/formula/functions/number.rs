//! Numeric functions.
//!
//! Those of one number read it as arithmetic does. Those over many look into arrays and skip what is no number.

use chrono::{DateTime, Utc};

use crate::formula::expression::Values;
use crate::formula::function::{ANY, Function};
use crate::formula::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::values("VALUE", 1, 1, |values, _| Some(Value::Number(digits(&values[0])))),
    Function::values("MOD", 2, 2, |values, _| Some(Value::Number(modulo(values[0].number(), values[1].number())))),
    Function::values("ABS", 1, 1, |values, _| Some(of(values, f64::abs))),
    Function::values("INT", 1, 1, |values, _| Some(of(values, f64::floor))),
    Function::values("EXP", 1, 1, |values, _| Some(of(values, f64::exp))),
    Function::values("SQRT", 1, 1, |values, _| Some(of(values, f64::sqrt))),
    Function::values("LOG", 1, 2, |values, _| {
        Some(Value::Number(match values.get(1) {
            None => values[0].number().log10(),
            Some(base) => values[0].number().ln() / base.number().ln(),
        }))
    }),
    Function::values("POWER", 2, 2, |values, _| Some(Value::Number(values[0].number().powf(values[1].number())))),
    Function::values("ROUND", 1, 2, |values, _| Some(rounded(values, half_up))),
    Function::values("ROUNDUP", 1, 2, |values, _| Some(rounded(values, away_from_zero))),
    Function::values("ROUNDDOWN", 1, 2, |values, _| Some(rounded(values, f64::trunc))),
    Function::values("CEILING", 1, 2, |values, _| Some(multiple(values, f64::ceil))),
    Function::values("FLOOR", 1, 2, |values, _| Some(multiple(values, f64::floor))),
    // The smallest even number not below the value, whereas ODD goes away from zero: so the reference says.
    Function::values("EVEN", 1, 1, |values, _| Some(of(values, |x| (x / 2.0).ceil() * 2.0))),
    Function::values("ODD", 1, 1, |values, _| Some(of(values, odd))),
    Function::values("MIN", 1, ANY, |values, _| Some(extreme(values, f64::min, Ord::min))),
    Function::values("MAX", 1, ANY, |values, _| Some(extreme(values, f64::max, Ord::max))),
    Function::values("SUM", 1, ANY, |values, _| Some(Value::Number(numbers(values)?.iter().sum()))),
    Function::values("AVERAGE", 1, ANY, |values, _| {
        let numbers = numbers(values)?;
        Some(Value::Number(numbers.iter().sum::<f64>() / numbers.len() as f64))
    }),
    Function::values("COUNT", 1, ANY, |values, _| Some(count(values, |value| matches!(value, Value::Number(_))))),
    Function::values("COUNTA", 1, ANY, |values, _| Some(count(values, |value| !value.is_empty()))),
    Function::values("COUNTALL", 1, ANY, |values, _| Some(count(values, |_| true))),
];

fn of(values: &Values<'_>, function: fn(f64) -> f64) -> Value {
    Value::Number(function(values[0].number()))
}

/// The number in a text, leaving out all that is not part of one: `"$1,200.50"` is 1200.5. A minus counts only at the
/// first digit, a point only once, and a percent sign not at all (unconfirmed). No digit at all is NaN.
fn digits(value: &Value) -> f64 {
    let Value::Text(text) = value else {
        return value.number();
    };
    let mut number = String::new();
    let mut previous = ' ';
    for c in text.chars() {
        if c.is_ascii_digit() || (c == '.' && !number.contains('.')) {
            if number.is_empty() && previous == '-' {
                number.push('-');
            }
            number.push(c);
        }
        previous = c;
    }
    number.parse().unwrap_or(f64::NAN)
}

/// The remainder, with the divisor's sign, as the reference says.
fn modulo(value: f64, divisor: f64) -> f64 {
    let remainder = value % divisor;
    if remainder != 0.0 && (remainder < 0.0) != (divisor < 0.0) { remainder + divisor } else { remainder }
}

/// `number` times ten to the power of `places`, in decimal: 1.005 becomes 100.5, where a multiplication gives less.
fn shifted(number: f64, places: i32) -> f64 {
    let text = format!("{number:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return number; // NaN or infinite
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}", exponent + places).parse().unwrap_or(f64::NAN)
}

fn rounded(values: &Values<'_>, round: fn(f64) -> f64) -> Value {
    let places = values.get(1).map_or(0.0, |places| places.number());
    let places = places.clamp(-308.0, 308.0) as i32;
    let number = round(shifted(values[0].number(), places));
    Value::Number(shifted(number, -places))
}

/// Ties go up, also below zero: -2.5 becomes -2.
fn half_up(number: f64) -> f64 {
    let below = number.floor();
    if number - below >= 0.5 { below + 1.0 } else { below }
}

fn away_from_zero(number: f64) -> f64 {
    number.abs().ceil().copysign(number)
}

fn multiple(values: &Values<'_>, round: fn(f64) -> f64) -> Value {
    let significance = values.get(1).map_or(1.0, |significance| significance.number());
    Value::Number(round(values[0].number() / significance) * significance)
}

fn odd(number: f64) -> f64 {
    let size = number.abs();
    (((size - 1.0) / 2.0).ceil().max(0.0) * 2.0 + 1.0).copysign(number)
}

/// Every value, those of arrays one by one. A blank argument is a value here, an empty array is none.
fn leaves<'a>(values: &'a Values<'_>) -> impl Iterator<Item = &'a Value> {
    values.iter().flat_map(|value| match value.as_ref() {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    })
}

/// The numbers among the values; nothing if an array holds an error.
fn numbers(values: &Values<'_>) -> Option<Vec<f64>> {
    let numbers = leaves(values).filter_map(|value| match value {
        Value::Number(number) => Some(Some(*number)),
        Value::Error => Some(None),
        _ => None,
    });
    numbers.collect()
}

fn count(values: &Values<'_>, counts: fn(&Value) -> bool) -> Value {
    Value::Number(leaves(values).filter(|value| counts(value)).count() as f64)
}

/// The extreme of the dates if there are no numbers, else of the numbers; 0 if there is neither (unconfirmed).
fn extreme(
    values: &Values<'_>,
    of_numbers: fn(f64, f64) -> f64,
    of_dates: fn(DateTime<Utc>, DateTime<Utc>) -> DateTime<Utc>,
) -> Value {
    let Some(numbers) = numbers(values) else {
        return Value::Error;
    };
    if numbers.iter().any(|number| number.is_nan()) {
        return Value::Number(f64::NAN);
    }
    if let Some(number) = numbers.into_iter().reduce(of_numbers) {
        return Value::Number(number);
    }
    let dates = leaves(values).filter_map(|value| match value {
        Value::Date(date) => Some(*date),
        _ => None,
    });
    dates.reduce(of_dates).map_or(Value::Number(0.0), Value::Date)
}

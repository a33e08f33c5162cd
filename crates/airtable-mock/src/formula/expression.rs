//! The tree a formula becomes, and its evaluation.
//!
//! An error in an operand or in an argument is the result of the whole operation; only the lazy functions of `logic`
//! decide themselves. Literals and record ids are borrowed, never copied: a filter of a hundred comparisons allocates
//! nothing for them.

use std::borrow::Cow;
use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use regex_lite::Regex;

use super::pattern::Pattern;
use super::row::Row;
use super::value::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
    Join,
    Plus,
    Minus,
    Times,
    Over,
}

impl Operator {
    /// How tightly it binds: more is tighter.
    pub(super) fn binding(self) -> u8 {
        match self {
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::AtMost
            | Operator::More
            | Operator::AtLeast => 0,
            Operator::Join => 1,
            Operator::Plus | Operator::Minus => 2,
            Operator::Times | Operator::Over => 3,
        }
    }
}

/// The evaluated arguments of a call; none is an error.
pub(super) type Values<'a> = [Cow<'a, Value>];
pub(super) type ValuesBody = fn(&Values<'_>, &dyn Row) -> Option<Value>;
/// Evaluates what it needs of its arguments, and decides about errors.
pub(super) type LazyBody = fn(&[Expression], &dyn Row) -> Option<Value>;
pub(super) type PatternBody = fn(&Regex, &Values<'_>) -> Option<Value>;
pub(super) type FieldsBody = fn(&[usize], &dyn Row) -> Option<DateTime<Utc>>;

/// What a date is wrapped in for `DATETIME_FORMAT` to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Zone,
    Locale,
}

#[derive(Debug, Clone)]
pub(super) enum Expression {
    Literal(Value),
    Field(usize),
    RecordId,
    Negative(Box<Expression>),
    /// Operators of one strength, applied from left to right.
    Chain(Box<Expression>, Vec<(Operator, Expression)>),
    Call(ValuesBody, Vec<Expression>),
    Lazy(LazyBody, Vec<Expression>),
    Match(PatternBody, Pattern, Vec<Expression>),
    Fields(FieldsBody, Vec<usize>),
    Setting(Setting, Vec<Expression>),
}

/// A value on its way into an operator. The record id is a text that no `Value` owns.
enum Operand<'a> {
    Text(&'a str),
    Value(Cow<'a, Value>),
}

impl Operand<'_> {
    fn as_text(&self) -> Option<&str> {
        match self {
            Operand::Text(text) => Some(text),
            Operand::Value(value) => match value.as_ref() {
                Value::Text(text) => Some(text),
                _ => None,
            },
        }
    }
}

impl<'a> Operand<'a> {
    fn into_value(self) -> Cow<'a, Value> {
        match self {
            Operand::Text(text) => Cow::Owned(Value::Text(text.to_owned())),
            Operand::Value(value) => value,
        }
    }
}

impl Expression {
    /// Whether it is a chain of operators as strong as `operator`, which then continues it.
    pub(super) fn extends(&self, operator: Operator) -> bool {
        matches!(self, Expression::Chain(_, rest) if rest[0].0.binding() == operator.binding())
    }

    /// `self operator right`.
    pub(super) fn chained(mut self, operator: Operator, right: Expression) -> Expression {
        let extends = self.extends(operator);
        match &mut self {
            Expression::Chain(_, rest) if extends => {
                rest.push((operator, right));
                self
            }
            _ => Expression::Chain(Box::new(self), vec![(operator, right)]),
        }
    }

    pub(super) fn eval<'a>(&'a self, row: &'a dyn Row) -> Cow<'a, Value> {
        Cow::Owned(match self {
            Expression::Literal(value) => return Cow::Borrowed(value),
            Expression::Field(index) => row.field(*index),
            Expression::RecordId => Value::Text(row.record_id().to_owned()),
            Expression::Negative(inner) => match inner.eval(row).as_ref() {
                Value::Error => Value::Error,
                value => Value::Number(-value.number()),
            },
            Expression::Chain(first, rest) => return chain(first, rest, row).into_value(),
            Expression::Call(body, arguments) => {
                let result = values(arguments, row).and_then(|values| body(&values, row));
                result.unwrap_or(Value::Error)
            }
            Expression::Lazy(body, arguments) => body(arguments, row).unwrap_or(Value::Error),
            Expression::Match(body, pattern, arguments) => {
                let result =
                    values(arguments, row).and_then(|values| body(pattern.regex(&values[1])?.as_ref(), &values));
                result.unwrap_or(Value::Error)
            }
            Expression::Fields(body, indexes) => body(indexes, row).map_or(Value::Blank, Value::Date),
            // Outside DATETIME_FORMAT a zone or locale has nothing to act on: a date is a point in time.
            Expression::Setting(_, arguments) => {
                let date = values(arguments, row).and_then(|values| values[0].date());
                date.map_or(Value::Error, Value::Date)
            }
        })
    }

    /// Whether it holds; nothing if it is an error.
    pub(super) fn holds(&self, row: &dyn Row) -> Option<bool> {
        match self.eval(row).as_ref() {
            Value::Error => None,
            value => Some(value.is_truthy()),
        }
    }

    fn operand<'a>(&'a self, row: &'a dyn Row) -> Operand<'a> {
        match self {
            Expression::RecordId => Operand::Text(row.record_id()),
            other => Operand::Value(other.eval(row)),
        }
    }
}

/// The values of `arguments`, or nothing if one is an error.
fn values<'a>(arguments: &'a [Expression], row: &'a dyn Row) -> Option<Vec<Cow<'a, Value>>> {
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let value = argument.eval(row);
        if *value == Value::Error {
            return None;
        }
        values.push(value);
    }
    Some(values)
}

fn chain<'a>(first: &'a Expression, rest: &'a [(Operator, Expression)], row: &'a dyn Row) -> Operand<'a> {
    let mut left = first.operand(row);
    for (operator, right) in rest {
        let right = right.operand(row);
        let value = apply(*operator, left, &right).unwrap_or(Value::Error);
        left = Operand::Value(Cow::Owned(value));
    }
    left
}

fn apply(operator: Operator, left: Operand<'_>, right: &Operand<'_>) -> Option<Value> {
    if is_error(&left) || is_error(right) {
        return None;
    }
    match operator {
        Operator::Equal => Some(Value::truth(equal(&left, right))),
        Operator::NotEqual => Some(Value::truth(!equal(&left, right))),
        Operator::Less => Some(ordered(&left, right, Ordering::is_lt)),
        Operator::AtMost => Some(ordered(&left, right, Ordering::is_le)),
        Operator::More => Some(ordered(&left, right, Ordering::is_gt)),
        Operator::AtLeast => Some(ordered(&left, right, Ordering::is_ge)),
        Operator::Join => join(left, right),
        Operator::Plus => Some(Value::Number(number(&left) + number(right))),
        Operator::Minus => Some(Value::Number(difference(&left, right))),
        Operator::Times => Some(Value::Number(number(&left) * number(right))),
        Operator::Over => Some(Value::Number(number(&left) / number(right))),
    }
}

fn is_error(operand: &Operand<'_>) -> bool {
    matches!(operand, Operand::Value(value) if **value == Value::Error)
}

/// The operand as a value, copied only if it is a record id.
fn value<'b>(operand: &'b Operand<'_>) -> Cow<'b, Value> {
    match operand {
        Operand::Text(text) => Cow::Owned(Value::Text((*text).to_owned())),
        Operand::Value(value) => Cow::Borrowed(value),
    }
}

fn equal(left: &Operand<'_>, right: &Operand<'_>) -> bool {
    match (left.as_text(), right.as_text()) {
        (Some(left), Some(right)) => left == right,
        _ => value(left).equals(&value(right)),
    }
}

fn ordered(left: &Operand<'_>, right: &Operand<'_>, wanted: fn(Ordering) -> bool) -> Value {
    Value::truth(value(left).order(&value(right)).is_some_and(wanted))
}

fn number(operand: &Operand<'_>) -> f64 {
    value(operand).number()
}

/// Two dates differ by seconds, the unit of durations (unconfirmed); a date less anything else is no number.
fn difference(left: &Operand<'_>, right: &Operand<'_>) -> f64 {
    match (value(left).as_ref(), value(right).as_ref()) {
        (Value::Date(left), Value::Date(right)) => {
            left.signed_duration_since(*right).num_milliseconds() as f64 / 1000.0
        }
        (left, right) => left.number() - right.number(),
    }
}

fn join(left: Operand<'_>, right: &Operand<'_>) -> Option<Value> {
    // What the chain has joined so far is owned, and grows in place.
    let mut text = match left.into_value() {
        Cow::Owned(Value::Text(text)) => text,
        other => other.to_text(),
    };
    match right.as_text() {
        Some(right) => text.push_str(right),
        None => text.push_str(&value(right).text()),
    }
    Value::bounded(text)
}

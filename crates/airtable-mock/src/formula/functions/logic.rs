//! Logical functions and those about the record itself.
//!
//! They alone see unevaluated arguments: `AND`, `OR`, `IF` and `SWITCH` stop as soon as the result is known, so an
//! error in a part that is not reached does no harm.

use crate::formula::expression::Expression;
use crate::formula::function::{ANY, Body, Function};
use crate::formula::row::Row;
use crate::formula::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("AND", 1, ANY, Body::Lazy(and)),
    Function::new("OR", 1, ANY, Body::Lazy(or)),
    Function::new("XOR", 1, ANY, Body::Lazy(xor)),
    Function::new("NOT", 1, 1, Body::Lazy(|arguments, row| Some(Value::truth(!arguments[0].holds(row)?)))),
    Function::new("IF", 2, 3, Body::Lazy(choose)),
    Function::new("SWITCH", 3, ANY, Body::Lazy(switch)),
    Function::new(
        "ISERROR",
        1,
        1,
        Body::Lazy(|arguments, row| Some(Value::truth(*arguments[0].eval(row) == Value::Error))),
    ),
    Function::values("ERROR", 0, 0, |_, _| None),
    Function::values("BLANK", 0, 0, |_, _| Some(Value::Blank)),
    Function::values("TRUE", 0, 0, |_, _| Some(Value::truth(true))),
    Function::values("FALSE", 0, 0, |_, _| Some(Value::truth(false))),
    Function::new("RECORD_ID", 0, 0, Body::RecordId),
];

fn and(arguments: &[Expression], row: &dyn Row) -> Option<Value> {
    for argument in arguments {
        if !argument.holds(row)? {
            return Some(Value::truth(false));
        }
    }
    Some(Value::truth(true))
}

fn or(arguments: &[Expression], row: &dyn Row) -> Option<Value> {
    for argument in arguments {
        if argument.holds(row)? {
            return Some(Value::truth(true));
        }
    }
    Some(Value::truth(false))
}

fn xor(arguments: &[Expression], row: &dyn Row) -> Option<Value> {
    let mut odd = false;
    for argument in arguments {
        odd ^= argument.holds(row)?;
    }
    Some(Value::truth(odd))
}

fn choose(arguments: &[Expression], row: &dyn Row) -> Option<Value> {
    let chosen = if arguments[0].holds(row)? { 1 } else { 2 };
    Some(match arguments.get(chosen) {
        Some(branch) => branch.eval(row).into_owned(),
        None => Value::Blank,
    })
}

/// `SWITCH(x, pattern, result, ..., default)`; without default, blank.
fn switch(arguments: &[Expression], row: &dyn Row) -> Option<Value> {
    let subject = arguments[0].eval(row);
    if *subject == Value::Error {
        return None;
    }
    let (pairs, default) = arguments[1..].as_chunks();
    for [pattern, result] in pairs {
        let pattern = pattern.eval(row);
        if *pattern == Value::Error {
            return None;
        }
        if subject.equals(&pattern) {
            return Some(result.eval(row).into_owned());
        }
    }
    Some(match default {
        [default] => default.eval(row).into_owned(),
        _ => Value::Blank,
    })
}

//! The table of functions.
//!
//! One line per function, in the file of its group; arities are checked when a formula is compiled, so a body may
//! index the arguments that its line promises. A body that yields `None` means `#ERROR!`.

use std::borrow::Cow;

use regex_lite::Regex;

use super::expression::{Expression, FieldsBody};
use super::{Row, Value, array, date, logic, number, pattern, text};

/// The evaluated arguments of a call; none is an error.
pub(super) type Values<'a> = [Cow<'a, Value>];
pub(super) type ValuesBody = fn(&Values<'_>, &dyn Row) -> Option<Value>;
/// Evaluates what it needs of its arguments, and decides about errors.
pub(super) type LazyBody = fn(&[Expression], &dyn Row) -> Option<Value>;
pub(super) type PatternBody = fn(&Regex, &Values<'_>) -> Option<Value>;

#[derive(Clone, Copy)]
pub(super) enum Body {
    Values(ValuesBody),
    Lazy(LazyBody),
    /// Its second argument is a regular expression, compiled with the formula if it is a literal.
    Pattern(PatternBody),
    /// Its arguments are fields themselves, not their values.
    Fields(FieldsBody),
    RecordId,
    /// A date and how `DATETIME_FORMAT` is to show it.
    Setting(Setting),
}

/// What a date is wrapped in for `DATETIME_FORMAT` to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Zone,
    Locale,
}

/// The largest number of arguments of a function that takes any number.
pub(super) const ANY: usize = usize::MAX;

pub(super) struct Function {
    pub(super) name: &'static str,
    fewest: usize,
    most: usize,
    pub(super) body: Body,
}

impl Function {
    pub(super) const fn new(name: &'static str, fewest: usize, most: usize, body: Body) -> Self {
        Function { name, fewest, most, body }
    }

    pub(super) const fn values(name: &'static str, fewest: usize, most: usize, body: ValuesBody) -> Self {
        Function::new(name, fewest, most, Body::Values(body))
    }

    pub(super) fn takes(&self, arguments: usize) -> bool {
        (self.fewest..=self.most).contains(&arguments)
    }
}

/// Every function there is.
pub(super) fn all() -> impl Iterator<Item = &'static Function> {
    let groups: [&'static [Function]; 6] =
        [logic::FUNCTIONS, text::FUNCTIONS, number::FUNCTIONS, date::FUNCTIONS, array::FUNCTIONS, pattern::FUNCTIONS];
    groups.into_iter().flatten()
}

/// The function of that name, in any case.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name.eq_ignore_ascii_case(name))
}

//! A function: its name, how many arguments it takes, and what it does with them.

use super::expression::{FieldsBody, LazyBody, PatternBody, Setting, ValuesBody};

/// The largest number of arguments of a function that takes any number.
pub(super) const ANY: usize = usize::MAX;

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

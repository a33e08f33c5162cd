//! Regular expressions.
//!
//! Airtable uses RE2; `regex-lite` has the same syntax but for Unicode classes (`\p{L}`), which it refuses, and `(?i)`,
//! which in it is about ASCII letters only. A pattern that does not compile makes the call an error, not the formula
//! invalid (unconfirmed). A literal pattern is compiled once, with the formula.

use std::borrow::Cow;

use regex_lite::Regex;

use super::value::Value;

/// The second argument of a call.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// Boxed because it is several times as large as any other part of an expression, and expressions recurse.
    Fixed(Box<Regex>),
    /// A literal that does not compile.
    Broken,
    /// Not a literal: compiled for each record.
    PerRow,
}

impl Pattern {
    pub(super) fn fixed(text: &str) -> Pattern {
        Regex::new(text).map_or(Pattern::Broken, |regex| Pattern::Fixed(Box::new(regex)))
    }

    /// The pattern for a record where the argument's value is `value`.
    pub(super) fn regex(&self, value: &Value) -> Option<Cow<'_, Regex>> {
        match self {
            Pattern::Fixed(regex) => Some(Cow::Borrowed(regex)),
            Pattern::Broken => None,
            Pattern::PerRow => Regex::new(&value.text()).ok().map(Cow::Owned),
        }
    }
}

//! Conditions in SQL: a text -> a typed [`Condition`] -> the formula that Airtable is asked with, and the rows that fulfil
//! it. Pure.
//!
//! Invariants: the rows are those that Spark's `where` keeps, in its ANSI mode and in a session of the time zone UTC: what
//! cannot be decided so is refused where it stands in the text; a formula lets too much through and never too little, so
//! that it only shortens reads; nothing nests deeper than [`DEEPEST`], whatever the text.
//!
//! The parser is one of our own. The language has one clause and no functions, and it is Spark's, whose literals
//! (suffixes, escapes, numbers that are decimals) and names a parser of SQL in general reads otherwise; one adds a megabyte
//! to the wheel besides.
//!
//! | file | is |
//! |---|---|
//! | `words` | the text's words, and where each of them stands |
//! | `parser` | words into a condition |
//! | `operands` | what is compared, and which comparisons there are |
//! | `literal` | numbers as SQL writes them |
//! | `moment` | days and moments |
//! | `like` | patterns |
//! | `formula` | the formula that is true wherever a condition is |
//! | `evaluate` | which rows of some columns fulfil it |
//! | `fault` | what is wrong with a text, and where |

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

mod evaluate;
mod fault;
mod formula;
mod like;
mod literal;
mod moment;
mod operands;
mod parser;
mod words;

pub(crate) use evaluate::fulfilled;
pub(crate) use formula::{Place, formula};
pub(crate) use parser::parse;

/// So many brackets may stand in one another. A condition that is made of it, as JSON in a plan, nests no deeper than a
/// reader of JSON goes.
const DEEPEST: usize = 25;

/// A column that a condition may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) name: String,
    /// What its values are, or why no condition can be about it.
    pub(crate) kind: Result<Kind, String>,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Double,
    Whole,
    Bool,
    Date,
    Timestamp,
    /// A struct or a list: it can only be asked whether it is there.
    Nested,
    /// A text that is made of another one after rows are chosen: as much can be asked of it.
    Made,
}

impl Kind {
    /// Spark's word for it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "STRING",
            Self::Double => "DOUBLE",
            Self::Whole => "BIGINT",
            Self::Bool => "BOOLEAN",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
            Self::Nested => "a struct or list",
            Self::Made => "a text that is made once rows are chosen",
        }
    }
}

/// What rows are to fulfil. Columns are told by their number in a list beside it.
///
/// There is no NOT: what it stands before is told the other way round, which three-valued logic allows. So what is NULL
/// never becomes true, and is as good as false.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    /// All of them.
    And(Vec<Condition>),
    /// One of them.
    Or(Vec<Condition>),
    /// Always the same; none is NULL.
    Constant(Option<bool>),
    /// A column of truths.
    Holds { column: usize, negated: bool },
    /// The column is NULL.
    Null { column: usize, negated: bool },
    /// A column beside a value.
    Compare { column: usize, is: Comparison, value: Value },
    /// A column beside another one.
    Columns { left: usize, is: Comparison, right: usize },
    /// The column has one of some values, among which NULL may be.
    In { column: usize, values: Vec<Value>, has_null: bool, negated: bool },
    /// The column's text has a pattern.
    Like { column: usize, pattern: String, negated: bool },
}

/// How two values are to be to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A value that a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Value {
    Text(String),
    /// As it is written, because JSON's numbers are not read back to the last digit.
    Number(String),
    Bool(bool),
    /// In days since 1970-01-01.
    Date(i32),
    /// In microseconds since 1970-01-01T00:00:00Z.
    Time(i64),
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }

    /// The one that holds of two values that are there, where this one does not.
    fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::More,
            Self::More => Self::AtMost,
            Self::AtLeast => Self::Less,
        }
    }

    /// The same with its sides exchanged.
    fn flipped(self) -> Self {
        match self {
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
            other => other,
        }
    }
}

impl Condition {
    /// What is true where this is false, and NULL where this is NULL.
    pub(super) fn negated(self) -> Self {
        let each = |all: Vec<Self>| all.into_iter().map(Self::negated).collect();
        match self {
            Self::And(all) => Self::Or(each(all)),
            Self::Or(all) => Self::And(each(all)),
            Self::Constant(truth) => Self::Constant(truth.map(|truth| !truth)),
            Self::Holds { column, negated } => Self::Holds { column, negated: !negated },
            Self::Null { column, negated } => Self::Null { column, negated: !negated },
            // The order of values is total, that of doubles in Spark too.
            Self::Compare { column, is, value } => Self::Compare { column, is: is.negated(), value },
            Self::Columns { left, is, right } => Self::Columns { left, is: is.negated(), right },
            Self::In { column, values, has_null, negated } => Self::In { column, values, has_null, negated: !negated },
            Self::Like { column, pattern, negated } => Self::Like { column, pattern, negated: !negated },
        }
    }

    /// The condition with its columns so many places further on in their list.
    pub(crate) fn moved(self, by: usize) -> Self {
        let each = |all: Vec<Self>| all.into_iter().map(|one| one.moved(by)).collect();
        match self {
            Self::And(all) => Self::And(each(all)),
            Self::Or(all) => Self::Or(each(all)),
            Self::Constant(truth) => Self::Constant(truth),
            Self::Holds { column, negated } => Self::Holds { column: column + by, negated },
            Self::Null { column, negated } => Self::Null { column: column + by, negated },
            Self::Compare { column, is, value } => Self::Compare { column: column + by, is, value },
            Self::Columns { left, is, right } => Self::Columns { left: left + by, is, right: right + by },
            Self::In { column, values, has_null, negated } => {
                Self::In { column: column + by, values, has_null, negated }
            }
            Self::Like { column, pattern, negated } => Self::Like { column: column + by, pattern, negated },
        }
    }

    /// Both of them, in one list where one is a list already.
    pub(crate) fn and(self, other: Self) -> Self {
        let mut all = match self {
            Self::And(all) => all,
            one => vec![one],
        };
        match other {
            Self::And(others) => all.extend(others),
            one => all.push(one),
        }
        Self::And(all)
    }

    /// One of them, in one list where one is a list already.
    fn or(self, other: Self) -> Self {
        let mut all = match self {
            Self::Or(all) => all,
            one => vec![one],
        };
        match other {
            Self::Or(others) => all.extend(others),
            one => all.push(one),
        }
        Self::Or(all)
    }
}

#[cfg(test)]
mod tests;

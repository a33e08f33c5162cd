//! What a condition compares: columns and literals, each with its place in the text. Every comparison is checked here, by
//! the types that both sides have.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::fault::Fault;
use super::like::Pattern;
use super::literal::Number;
use super::moment::{day, moment};
use super::{Comparison, Condition, Kind, Value};

/// Something that is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operand {
    pub(super) at: usize,
    pub(super) what: What,
}

/// A column or a literal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// With its number among the condition's columns.
    Column {
        index: usize,
        name: String,
        kind: Kind,
    },
    Null,
    Value(Value),
}

impl Operand {
    /// What it is, for messages.
    fn told(&self) -> String {
        match &self.what {
            What::Column { name, kind, .. } => format!("column {name:?} ({})", kind.as_str()),
            What::Null => "NULL".to_owned(),
            What::Value(value) => value.told().to_owned(),
        }
    }

    /// As a condition by itself.
    pub(super) fn alone(self) -> Result<Condition, Fault> {
        match self.what {
            What::Column { index, kind: Kind::Bool, .. } => Ok(Condition::Holds { column: index, negated: false }),
            What::Value(Value::Bool(truth)) => Ok(Condition::Constant(Some(truth))),
            What::Null => Ok(Condition::Constant(None)),
            _ => Err(Fault::new(self.at, format!("{} is no condition by itself: compare it", self.told()))),
        }
    }

    /// Whether it is NULL.
    pub(super) fn null(self) -> Condition {
        match self.what {
            What::Column { index, .. } => Condition::Null { column: index, negated: false },
            What::Null => Condition::Constant(Some(true)),
            What::Value(_) => Condition::Constant(Some(false)),
        }
    }

    /// Beside another one.
    pub(super) fn compared(self, is: Comparison, other: Self) -> Result<Condition, Fault> {
        self.is_comparable()?;
        other.is_comparable()?;
        match (&self.what, &other.what) {
            (What::Null, _) | (_, What::Null) => Ok(Condition::Constant(None)),
            (What::Column { index, kind, .. }, What::Value(value)) => {
                let value = value.clone().beside(*kind).map_err(|why| self.differs(&other, why))?;
                Ok(Condition::Compare { column: *index, is, value })
            }
            (What::Value(_), What::Column { .. }) => other.compared(is.flipped(), self),
            (What::Column { index: left, kind: one, .. }, What::Column { index: right, kind: two, .. }) => {
                if !one.is_comparable_with(*two) {
                    return Err(self.differs(&other, None));
                }
                Ok(Condition::Columns { left: *left, is, right: *right })
            }
            (What::Value(one), What::Value(two)) => {
                let order = one.order(two).ok_or_else(|| self.differs(&other, None))?;
                Ok(Condition::Constant(Some(is.holds(order))))
            }
        }
    }

    /// One of some others.
    pub(super) fn one_of(self, others: Vec<Self>) -> Result<Condition, Fault> {
        let What::Column { index, kind, .. } = self.what else {
            return Err(Fault::new(self.at, "IN stands after a column: name one"));
        };
        self.is_comparable()?;
        let (mut values, mut met, mut has_null) = (Vec::new(), HashSet::new(), false);
        let as_doubles = kind == Kind::Whole && others.iter().any(Self::is_double);
        for other in others {
            match &other.what {
                What::Null => has_null = true,
                What::Value(value) => {
                    let value = value.clone().beside(kind).map_err(|why| self.differs(&other, why))?;
                    let value = if as_doubles { value.into_double() } else { value };
                    // Each once, so that Airtable is asked for no more than there are.
                    if met.insert(value.clone()) {
                        values.push(value);
                    }
                }
                What::Column { .. } => {
                    return Err(Fault::new(other.at, "IN takes values: compare columns by = and OR"));
                }
            }
        }
        if values.is_empty() {
            return Ok(Condition::Constant(None));
        }
        Ok(Condition::In { column: index, values, has_null, negated: false })
    }

    /// One is enough, and Spark compares a BIGINT with a whole list as doubles.
    fn is_double(&self) -> bool {
        let What::Value(Value::Number(text)) = &self.what else { return false };
        matches!(Number::parse(text), Ok(Number::Double(_)))
    }

    /// Like a pattern.
    pub(super) fn like(self, pattern: &Self) -> Result<Condition, Fault> {
        self.is_comparable()?;
        let What::Column { index, kind: Kind::Text, .. } = self.what else {
            return Err(Fault::new(self.at, format!("LIKE stands after a column of STRING, not {}", self.told())));
        };
        match &pattern.what {
            What::Null => Ok(Condition::Constant(None)),
            What::Value(Value::Text(text)) => {
                Pattern::parse(text).map_err(|said| Fault::new(pattern.at, said))?;
                Ok(Condition::Like { column: index, pattern: text.clone(), negated: false })
            }
            _ => Err(Fault::new(pattern.at, "LIKE takes a pattern in single quotes, as in 'Lab %'")),
        }
    }

    fn is_comparable(&self) -> Result<(), Fault> {
        match &self.what {
            What::Column { kind: Kind::Nested, .. } => Err(Fault::new(
                self.at,
                format!(
                    "{} cannot be compared: IS NULL and IS NOT NULL can be asked, and with nested json it is a text",
                    self.told()
                ),
            )),
            What::Column { kind: Kind::Made, .. } => Err(Fault::new(
                self.at,
                format!(
                    "{} cannot be compared: IS NULL and IS NOT NULL can be asked, and with links=ids or attachments=urls \
                     it is a text as it comes; or choose rows after they are read",
                    self.told()
                ),
            )),
            _ => Ok(()),
        }
    }

    fn differs(&self, other: &Self, why: Option<String>) -> Fault {
        let why = why.unwrap_or_else(|| "their types differ".to_owned());
        // What is written is what can be corrected.
        let at = if matches!(other.what, What::Column { .. }) { self.at } else { other.at };
        Fault::new(at, format!("{} is not compared with {}: {why}", self.told(), other.told()))
    }
}

impl Kind {
    fn is_comparable_with(self, other: Self) -> bool {
        let is_number = |kind| matches!(kind, Self::Double | Self::Whole);
        let is_time = |kind| matches!(kind, Self::Date | Self::Timestamp);
        self == other || is_number(self) && is_number(other) || is_time(self) && is_time(other)
    }
}

impl Value {
    fn told(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Bool(_) => "a truth",
            Self::Date(_) => "a day",
            Self::Time(_) => "a moment",
        }
    }

    /// The value as a column of a kind is compared with it.
    ///
    /// # Errors
    /// Why it is not, where there is more to say than that types differ.
    fn beside(self, kind: Kind) -> Result<Self, Option<String>> {
        match (kind, self) {
            (Kind::Text, Self::Number(_)) => {
                Err(Some("Spark would take the texts for numbers: put the number into single quotes".to_owned()))
            }
            (Kind::Double | Kind::Whole, Self::Text(_)) => Err(Some("write the number without quotes".to_owned())),
            (Kind::Bool, Self::Text(_)) => Err(Some("write TRUE or FALSE, without quotes".to_owned())),
            (Kind::Whole, Self::Number(number)) => match Number::parse(&number).map_err(Some)?.refused_by_whole() {
                Some(why) => Err(Some(why)),
                None => Ok(Self::Number(number)),
            },
            (Kind::Date, Self::Text(text)) => day(&text).map(Self::Date).map_err(|why| Some(why.to_owned())),
            (Kind::Timestamp, Self::Text(text)) => moment(&text).map(Self::Time).map_err(|why| Some(why.to_owned())),
            (Kind::Timestamp, Self::Date(days)) => Ok(Self::Time(midnight(days))),
            (Kind::Text, value @ Self::Text(_))
            | (Kind::Double, value @ Self::Number(_))
            | (Kind::Bool, value @ Self::Bool(_))
            | (Kind::Date, value @ (Self::Date(_) | Self::Time(_)))
            | (Kind::Timestamp, value @ Self::Time(_)) => Ok(value),
            _ => Err(None),
        }
    }

    /// A number as the double that is nearest to it, written as one.
    fn into_double(self) -> Self {
        match self {
            Self::Number(text) => {
                Self::Number(Number::parse(&text).map_or(text, |number| format!("{:e}", number.double())))
            }
            other => other,
        }
    }

    /// How two literals stand to each other; none where their types differ.
    fn order(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => Number::parse(one).ok()?.order(Number::parse(other).ok()?),
            (Self::Date(_) | Self::Time(_), Self::Date(_) | Self::Time(_)) => self.micros()?.cmp(&other.micros()?),
            _ => return None,
        })
    }

    fn micros(&self) -> Option<i64> {
        match self {
            Self::Date(days) => Some(midnight(*days)),
            Self::Time(micros) => Some(*micros),
            _ => None,
        }
    }
}

/// A day as the moment at which it begins, in UTC.
pub(super) fn midnight(days: i32) -> i64 {
    i64::from(days) * 86_400_000_000
}

//! Which rows of some columns fulfil a condition, by arrow's kernels, and by comparisons of our own where Spark's differ:
//! doubles, and numbers of two types.

use std::collections::HashSet;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::{and_kleene, is_not_null, is_null, not, or_kleene};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;

use super::like::Pattern;
use super::literal::{Number, order_of_doubles};
use super::operands::midnight;
use super::{Comparison, Condition, Value};
use crate::error::{Error, Result};

/// Which rows fulfil a condition; NULL is as good as no. `columns` are the condition's, and have `rows` rows.
///
/// # Errors
/// [`Error::Data`] for columns of other types than those that the condition was made for.
pub(crate) fn fulfilled(condition: &Condition, columns: &[ArrayRef], rows: usize) -> Result<BooleanArray> {
    let of = Columns { columns, rows };
    of.evaluate(condition)
        .map_err(|error| Error::Data(format!("a condition that does not fit its columns: {error}").into()))
}

struct Columns<'c> {
    columns: &'c [ArrayRef],
    rows: usize,
}

/// What a column holds.
enum Cells<'c> {
    Text(&'c StringArray),
    Double(&'c Float64Array),
    Whole(&'c Int64Array),
    Bool(&'c BooleanArray),
    Date(&'c Date32Array),
    Time(&'c TimestampMicrosecondArray),
}

impl Columns<'_> {
    fn evaluate(&self, condition: &Condition) -> Result<BooleanArray, ArrowError> {
        match condition {
            Condition::And(all) => self.joined(all, true, and_kleene),
            Condition::Or(all) => self.joined(all, false, or_kleene),
            Condition::Constant(truth) => Ok(self.constant(*truth)),
            Condition::Holds { column, negated } => {
                let truths = self.array(*column)?.as_boolean_opt().ok_or_else(unfit)?;
                if *negated { not(truths) } else { Ok(truths.clone()) }
            }
            Condition::Null { column, negated: false } => is_null(self.array(*column)?),
            Condition::Null { column, negated: true } => is_not_null(self.array(*column)?),
            Condition::Compare { column, is, value } => compared(&self.cells(*column)?, *is, value),
            Condition::Columns { left, is, right } => both(&self.cells(*left)?, *is, &self.cells(*right)?),
            Condition::In { column, values, has_null, negated } => {
                let found = one_of(&self.cells(*column)?, values)?;
                // What is none of the values may still be the one that is not known.
                let told = |found: Option<bool>| match found {
                    Some(false) if *has_null => None,
                    found => found.map(|found| found != *negated),
                };
                Ok(found.iter().map(told).collect())
            }
            Condition::Like { column, pattern, negated } => {
                let pattern = Pattern::parse(pattern).map_err(|said| ArrowError::ComputeError(said.to_owned()))?;
                let texts = self.array(*column)?.as_string_opt::<i32>().ok_or_else(unfit)?;
                Ok(BooleanArray::from_unary(texts, |text| pattern.is_of(text) != *negated))
            }
        }
    }

    fn joined(
        &self,
        all: &[Condition],
        empty: bool,
        join: fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>,
    ) -> Result<BooleanArray, ArrowError> {
        let mut joined: Option<BooleanArray> = None;
        for one in all {
            let next = self.evaluate(one)?;
            joined = Some(match joined {
                Some(before) => join(&before, &next)?,
                None => next,
            });
        }
        Ok(joined.unwrap_or_else(|| self.constant(Some(empty))))
    }

    fn constant(&self, truth: Option<bool>) -> BooleanArray {
        std::iter::repeat_n(truth, self.rows).collect()
    }

    fn array(&self, column: usize) -> Result<&ArrayRef, ArrowError> {
        self.columns.get(column).ok_or_else(unfit)
    }

    fn cells(&self, column: usize) -> Result<Cells<'_>, ArrowError> {
        let array = self.array(column)?;
        Ok(match array.data_type() {
            DataType::Utf8 => Cells::Text(array.as_string()),
            DataType::Float64 => Cells::Double(array.as_primitive()),
            DataType::Int64 => Cells::Whole(array.as_primitive()),
            DataType::Boolean => Cells::Bool(array.as_boolean()),
            DataType::Date32 => Cells::Date(array.as_primitive()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Cells::Time(array.as_primitive()),
            _ => return Err(unfit()),
        })
    }
}

fn unfit() -> ArrowError {
    ArrowError::ComputeError("a column is of another type".to_owned())
}

fn compared(cells: &Cells<'_>, is: Comparison, value: &Value) -> Result<BooleanArray, ArrowError> {
    Ok(match (cells, value) {
        (Cells::Text(cells), Value::Text(value)) => {
            BooleanArray::from_unary(*cells, |cell: &str| is.holds(cell.cmp(value.as_str())))
        }
        (Cells::Double(cells), Value::Number(text)) => {
            let number = number(text)?.double();
            BooleanArray::from_unary(*cells, |cell| is.holds(order_of_doubles(cell, number)))
        }
        (Cells::Whole(cells), Value::Number(text)) => {
            let number = number(text)?;
            BooleanArray::from_unary(*cells, |cell| is.holds(number.order_of_whole(cell)))
        }
        (Cells::Bool(cells), Value::Bool(value)) => BooleanArray::from_unary(*cells, |cell| is.holds(cell.cmp(value))),
        (Cells::Date(cells), Value::Date(days)) => BooleanArray::from_unary(*cells, |cell| is.holds(cell.cmp(days))),
        (Cells::Date(cells), Value::Time(micros)) => {
            BooleanArray::from_unary(*cells, |cell| is.holds(midnight(cell).cmp(micros)))
        }
        (Cells::Time(cells), Value::Time(micros)) => {
            BooleanArray::from_unary(*cells, |cell| is.holds(cell.cmp(micros)))
        }
        _ => return Err(unfit()),
    })
}

fn both(left: &Cells<'_>, is: Comparison, right: &Cells<'_>) -> Result<BooleanArray, ArrowError> {
    let as_double = |whole| Number::Whole(whole).double();
    Ok(match (left, right) {
        (Cells::Text(left), Cells::Text(right)) => {
            BooleanArray::from_binary(*left, *right, |left: &str, right: &str| is.holds(left.cmp(right)))
        }
        (Cells::Bool(left), Cells::Bool(right)) => {
            BooleanArray::from_binary(*left, *right, |left: bool, right| is.holds(left.cmp(&right)))
        }
        (Cells::Whole(left), Cells::Whole(right)) => {
            BooleanArray::from_binary(*left, *right, |left: i64, right| is.holds(left.cmp(&right)))
        }
        (Cells::Double(left), Cells::Double(right)) => {
            BooleanArray::from_binary(*left, *right, |left, right| is.holds(order_of_doubles(left, right)))
        }
        (Cells::Double(left), Cells::Whole(right)) => {
            BooleanArray::from_binary(*left, *right, |left, right| is.holds(order_of_doubles(left, as_double(right))))
        }
        (Cells::Whole(left), Cells::Double(right)) => {
            BooleanArray::from_binary(*left, *right, |left, right| is.holds(order_of_doubles(as_double(left), right)))
        }
        (Cells::Date(left), Cells::Date(right)) => {
            BooleanArray::from_binary(*left, *right, |left: i32, right| is.holds(left.cmp(&right)))
        }
        (Cells::Time(left), Cells::Time(right)) => {
            BooleanArray::from_binary(*left, *right, |left: i64, right| is.holds(left.cmp(&right)))
        }
        (Cells::Date(left), Cells::Time(right)) => {
            BooleanArray::from_binary(*left, *right, |left, right| is.holds(midnight(left).cmp(&right)))
        }
        (Cells::Time(left), Cells::Date(right)) => {
            BooleanArray::from_binary(*left, *right, |left: i64, right| is.holds(left.cmp(&midnight(right))))
        }
        _ => return Err(unfit()),
    })
}

/// Whether cells are among some values. All are compared as one type, as Spark's IN does it: numbers among which there is
/// a double are doubles.
fn one_of(cells: &Cells<'_>, values: &[Value]) -> Result<BooleanArray, ArrowError> {
    if let Cells::Text(cells) = cells {
        let texts: HashSet<&str> = values
            .iter()
            .map(|value| if let Value::Text(text) = value { Ok(text.as_str()) } else { Err(unfit()) })
            .collect::<Result<_, _>>()?;
        return Ok(BooleanArray::from_unary(*cells, |cell| texts.contains(cell)));
    }
    if let Cells::Double(_) | Cells::Whole(_) = cells {
        let numbers = values
            .iter()
            .map(|value| if let Value::Number(text) = value { number(text) } else { Err(unfit()) })
            .collect::<Result<Vec<_>, _>>()?;
        let are_doubles = numbers.iter().any(|number| matches!(number, Number::Double(_)));
        let doubles: Vec<f64> = numbers.iter().map(|number| number.double()).collect();
        let is_double = |cell: f64| doubles.iter().any(|double| order_of_doubles(cell, *double).is_eq());
        return Ok(match cells {
            Cells::Double(cells) => BooleanArray::from_unary(*cells, is_double),
            Cells::Whole(cells) if are_doubles => {
                BooleanArray::from_unary(*cells, |cell| is_double(Number::Whole(cell).double()))
            }
            Cells::Whole(cells) => BooleanArray::from_unary(*cells, |cell| {
                numbers.iter().any(|number| number.order_of_whole(cell).is_eq())
            }),
            _ => return Err(unfit()),
        });
    }
    let mut found: Option<BooleanArray> = None;
    for value in values {
        let next = compared(cells, Comparison::Equal, value)?;
        found = Some(match found {
            Some(before) => or_kleene(&before, &next)?,
            None => next,
        });
    }
    found.ok_or_else(unfit)
}

fn number(text: &str) -> Result<Number, ArrowError> {
    Number::parse(text).map_err(ArrowError::ComputeError)
}

//! Airtable's formula language, as the mock needs it: for `filterByFormula` and for the cells of formula fields.
//!
//! A formula is compiled once, against the fields of one table, and then evaluated on each record. Compiling finds
//! everything that Airtable answers with a 422 (bad syntax, unknown fields, unknown functions, a wrong number of
//! arguments); evaluating never fails, it yields [`Value::Error`] where Airtable shows `#ERROR!`. Neither ever panics or
//! overflows the stack, whatever the text: it comes from the network.
//!
//! It is separate from the server because it knows nothing of tables or JSON: the server says which names are fields
//! and implements [`Row`] for its records.
//!
//! Facts are those of Airtable's formula field reference. Where Airtable documents nothing, the code follows what its
//! users report and a comment says "unconfirmed".
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "every number of a formula is a double, as in Airtable; `as` saturates and turns NaN into 0, which is meant"
)]

mod calendar;
mod expression;
mod function;
mod functions;
mod lexer;
mod moment;
mod parser;
mod pattern;
mod row;
#[cfg(test)]
mod tests;
mod timestamp;
mod value;

use expression::Expression;
pub use row::Row;
pub use value::Value;

/// A compiled formula.
#[derive(Debug, Clone)]
pub struct Formula {
    root: Expression,
    fields: Vec<usize>,
}

/// Why a formula does not compile. Displayed, it is the tail of the message of Airtable's 422 answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormulaError {
    /// It does not parse, nests too deeply, or gives a function a wrong number of arguments.
    #[error("Invalid formula. Please check your formula text.")]
    Syntax,
    /// It names fields that the table does not have; lower-cased, each once.
    #[error("Unknown field names: {}", .0.join(", "))]
    UnknownFields(Vec<String>),
    /// It calls functions that do not exist; lower-cased, each once.
    #[error("Unknown function names: {}", .0.join(", "))]
    UnknownFunctions(Vec<String>),
}

impl Formula {
    /// Compiles `text`. `resolve` turns a field's name or id, without braces and escapes, into the index that
    /// [`Row::field`] understands; whether names match in any case is for it to say.
    ///
    /// # Errors
    ///
    /// See [`FormulaError`]. A formula with several faults reports its syntax first, then unknown fields, then unknown
    /// functions (unconfirmed).
    pub fn compile(text: &str, resolve: &dyn Fn(&str) -> Option<usize>) -> Result<Formula, FormulaError> {
        let parsed = parser::parse(text, resolve).ok_or(FormulaError::Syntax)?;
        if !parsed.unknown_fields.is_empty() {
            return Err(FormulaError::UnknownFields(parsed.unknown_fields));
        }
        if !parsed.unknown_functions.is_empty() {
            return Err(FormulaError::UnknownFunctions(parsed.unknown_functions));
        }
        Ok(Formula { root: parsed.root, fields: parsed.fields })
    }

    /// The formula's value for one record.
    pub fn eval(&self, row: &dyn Row) -> Value {
        self.root.eval(row).into_owned()
    }

    /// The fields it refers to, each once, in the order of first use.
    pub fn fields(&self) -> &[usize] {
        &self.fields
    }
}

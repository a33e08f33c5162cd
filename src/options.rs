//! The one table of options, and what a set of them means. Spark options, Python keyword arguments and command-line flags
//! are all rows of [`OPTIONS`]; help texts and the README's table are made from it.
//!
//! Everything arrives as text and leaves as a typed value that was checked, so nothing after this module parses an option.
//!
//! | file | is |
//! |---|---|
//! | `table` | the table: names, defaults, scopes, variables of the environment |
//! | `typed` | what the rest of the crate is given |
//! | `given` | what users gave, as text |
//! | `values` | from one to the other, each checked, and what must or cannot be given together |

use crate::error::Result;

mod given;
mod table;
mod typed;
mod values;

use given::Given;
pub use table::{OPTIONS, OptionRow, Scope};
pub(crate) use typed::is_id;
pub use typed::{ColumnNames, Connection, IngestionType, Nested, ReadOptions, SchemaChange};

/// Options that were checked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where Airtable is.
    pub connection: Connection,
    /// What is read.
    pub read: ReadOptions,
}

impl Options {
    /// Checks a set of options. Keys are matched without regard to case; a later pair replaces an earlier one of the same
    /// name, and a name goes before its aliases; an empty value is none, but for `rescued_data_column`.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) for a missing token, a value that an option cannot have, and a key within
    /// two edits of a known name. Other unknown keys are let through with a log line: Spark and Unity Catalog add their
    /// own.
    pub fn parse<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        let mut given = Given::default();
        for (key, value) in pairs {
            given.take(key.as_ref(), value.into())?;
        }
        Ok(Self { connection: values::connection(&given)?, read: values::read(&given)? })
    }
}

#[cfg(test)]
mod tests;

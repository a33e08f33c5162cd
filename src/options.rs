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
//! | `address` | where the API is, in one spelling |
//! | `web_address` | addresses of Airtable's web pages in the place of ids |
//! | `unknown` | names that are no option, and what is meant by them |
//! | `values` | from one to the other, each checked |
//! | `together` | what must or cannot be given together |

use crate::error::Result;

mod address;
mod given;
mod table;
mod together;
mod typed;
mod unknown;
mod values;
mod web_address;

use given::Given;
pub use given::Others;
pub use table::{OPTIONS, OptionRow, Scope};
pub(crate) use typed::is_loopback;
pub use typed::{
    Attachments, ColumnNames, Connection, EVERY_BASE, FieldNames, IngestionType, Links, Nested, Plan, ReadOptions,
    Renewal, SchemaChange, TablePart,
};
pub use unknown::option_meant;
pub use web_address::{Place, place};

/// Options that were checked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where Airtable is.
    pub connection: Connection,
    /// What is read.
    pub read: ReadOptions,
}

impl Options {
    /// Checks a set of options. Keys are matched without regard to case; a later pair replaces an earlier one with the same
    /// key; an empty value is none, but for `rescued_data_column`, and for `where`, which is refused.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) for a missing token, a value that an option cannot have, an unknown key,
    /// with the nearest name, and two keys that are one option and have two values.
    pub fn parse<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        Self::parse_among(Others::Refused, pairs)
    }

    /// The same where Spark and Unity Catalog may have added keys of their own: unknown keys are let through with a log
    /// line, but for those within two edits of a known name, and for other sources' words for what is here. A connection of
    /// Unity Catalog may hold the token under several names: the option's own goes before its aliases.
    ///
    /// # Errors
    /// As [`Options::parse`].
    pub fn parse_among<K: AsRef<str>, V: Into<String>>(
        others: Others,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        Self::checked(Given::of(others, pairs)?)
    }

    /// The same for one call, whose own pairs take the place of the others, by whichever of an option's names.
    ///
    /// # Errors
    /// As [`Options::parse`].
    pub fn parse_call<K: AsRef<str>, V: Into<String>>(
        others: Others,
        pairs: impl IntoIterator<Item = (K, V)>,
        of_the_call: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        let given = Given::of(others, pairs)?;
        Self::checked(given.replaced_by(Given::of(others, of_the_call)?))
    }

    fn checked(mut given: Given) -> Result<Self> {
        web_address::resolve(&mut given)?;
        Ok(Self { connection: values::connection(&given)?, read: values::read(&given)? })
    }
}

#[cfg(test)]
mod tests;

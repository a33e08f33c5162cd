//! The one table of options, and what a set of them means. Spark options, Python keyword arguments and command-line flags
//! are all rows of [`OPTIONS`]; help texts and the README's table are made from it.
//!
//! Everything arrives as text and leaves as a typed value that was checked, so nothing after this file parses an option.

use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::token::Token;

mod given;
mod table;
mod values;

use given::Given;
pub use table::{OPTIONS, OptionRow, Scope};

/// How columns get their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnNames {
    /// `SKU Code (#)` is `sku_code_num`.
    Snake,
    /// The field's own name.
    Original,
    /// The field's id.
    Id,
}

/// How nested cells arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nested {
    /// As structs and lists.
    Struct,
    /// As the JSON text that Airtable sent.
    Json,
}

/// What a read of a table gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngestionType {
    /// The table as it is.
    Snapshot,
    /// What was created or changed.
    Cdc,
    /// The same, and what was deleted.
    CdcWithDeletes,
    /// What was created.
    Append,
}

impl IngestionType {
    /// The word that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Cdc => "cdc",
            Self::CdcWithDeletes => "cdc_with_deletes",
            Self::Append => "append",
        }
    }
}

/// Where Airtable is, and how it is talked to.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The secret.
    pub token: Token,
    /// Scheme, host and port, with any path before `/v0`; no trailing slash.
    pub base_url: Url,
    /// The base, where one is fixed.
    pub base_id: Option<String>,
    /// Budget of one base.
    pub requests_per_second: f64,
    /// How often one request is sent again.
    pub max_retries: u32,
    /// Time for one request and its answer.
    pub timeout: Duration,
}

impl Connection {
    /// The address is this machine: a mock, and plain http may be spoken.
    pub(crate) fn is_loopback(&self) -> bool {
        values::is_loopback(&self.base_url)
    }
}

/// What is read, and in which form.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Name or id of the table.
    pub table: Option<String>,
    /// Name or id of the base, where the connection fixes none.
    pub namespace: Option<String>,
    /// Name or id of a view.
    pub view: Option<String>,
    /// Names or ids of fields; all where not given.
    pub fields: Option<Vec<String>>,
    /// Airtable formula.
    pub filter_formula: Option<String>,
    /// Stop after this many.
    pub max_records: Option<u64>,
    /// How columns get their names.
    pub column_names: ColumnNames,
    /// How nested cells arrive.
    pub nested: Nested,
    /// Where misfits go; `None` turns it off.
    pub rescued_data_column: Option<String>,
    /// Stop at a misfit.
    pub fail_on_bad_value: bool,
    /// What a read of the table gives.
    pub ingestion_type: IngestionType,
    /// Bound of one streaming micro-batch.
    pub max_records_per_batch: Option<u64>,
    /// How far a `cdc` window re-reads.
    pub lookback: Duration,
    /// Change feed to use.
    pub webhook_id: Option<String>,
    /// A change feed that has lost changes is replaced by a new one and a full read.
    pub reread_when_lost: bool,
    /// Directory for what such a full read must know.
    pub state_location: Option<String>,
    /// Only the deletes, as the second flow of the framework's pipelines wants them.
    pub deletes_only: bool,
    /// Records in one request.
    pub page_size: u32,
}

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
    /// [`Error::Option`] for a missing token, a value that an option cannot have, and a key within two edits of a known
    /// name. Other unknown keys are let through with a log line: Spark and Unity Catalog add their own.
    pub fn parse<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        let mut given = Given::default();
        for (key, value) in pairs {
            given.take(key.as_ref(), value.into())?;
        }
        Ok(Self { connection: values::connection(&given)?, read: values::read(&given)? })
    }
}

/// Airtable documents three letters and fourteen more characters, but warns of other lengths.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() > 3 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests;

//! Airtable as an Arrow-native source for Apache Spark and Databricks Lakeflow.
//!
//! One direction: options -> [`Scan`] (the resolved plan) -> [`Batches`] (pages decoded into columns) -> `RecordBatch`. Each
//! noun is a value that can be printed and tested; nothing later calls anything earlier.
//!
//! | module | is |
//! |---|---|
//! | [`connector`] | the product in one page: the trait [`LakeflowConnect`] and [`AirtableConnector`] |
//! | [`options`], [`error`], [`token`] | what users give, what they are told, and what nobody is shown |
//! | `retry`, `pace`, `budget`, `client` | failure -> delay, budget -> delay, the budget's file, the socket |
//! | `shared_file` | by what the processes of a machine agree |
//! | `wire`, `json`, `names`, [`mod@column`], [`decode`] | what Airtable sends, and what becomes of it |
//! | [`extent`], [`scan`], `cursor`, [`reader`] | which records, the plan, where a read is, and the pages behind it |
//! | [`offset`], `drift`, `known`, `changes` | how far a stream is, what it must not miss, and the scans of what is new |
//! | `python` | the module `lakeflow_airtable._native` (feature `python`) |

pub mod column;
pub mod connector;
pub mod decode;
pub mod error;
pub mod extent;
pub mod offset;
pub mod options;
pub mod reader;
pub mod retry;
pub mod scan;
pub mod token;

mod budget;
mod changes;
mod client;
mod cursor;
mod drift;
mod json;
mod known;
mod names;
mod pace;
mod seen;
mod shared_file;
mod wire;

#[cfg(feature = "python")]
mod python;

pub use changes::Limit;
pub use connector::{AirtableConnector, LakeflowConnect, TableMetadata};
pub use error::{Error, Result};
pub use offset::Offset;
pub use options::Options;
pub use reader::Batches;
pub use scan::Scan;
pub use token::Token;
pub use wire::Base;

//! Airtable as an Arrow-native source for Apache Spark and Databricks Lakeflow.
//!
//! One direction: options -> [`Scan`] (the resolved plan) -> [`Batches`] (pages decoded into columns) -> `RecordBatch`. Each
//! noun is a value that can be printed and tested; nothing later calls anything earlier.
//!
//! ```
//! use lakeflow_airtable::{AirtableConnector, LakeflowConnect, Options};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A mock in Airtable's place. Without `base_url`, it is Airtable that is asked.
//! let mock = airtable_mock::Mock::start(airtable_mock::MockConfig::default())?;
//! let options = Options::parse([
//!     ("base_url", mock.url()),
//!     ("base_id", mock.base_id()),
//!     ("token", mock.token().to_owned()),
//!     ("tableName", "Vendors".to_owned()),
//!     ("fields", "Name".to_owned()),
//! ])?;
//! let connector = AirtableConnector::new(options.connection)?;
//! let scan = connector.plan(&options.read).await?;
//! assert_eq!(scan.schema().field(2).name(), "name");
//!
//! let mut rows = 0;
//! let mut batches = connector.read(scan);
//! while let Some(batch) = batches.next().await {
//!     rows += batch?.num_rows();
//! }
//! assert!(rows > 0);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/` has whole programs: a table into a Parquet file, the changes of a table, and a mock in a test.
//!
//! Modules from top to bottom: each uses those below it, and none of those above.
//!
//! | module | is |
//! |---|---|
//! | `python` | the module `lakeflow_airtable._native` (feature `python`); the only place with pyo3 |
//! | [`connector`] | the product in one page: the trait [`LakeflowConnect`] and [`AirtableConnector`] |
//! | [`changes`] | how far a stream is, and the scans of what is new |
//! | [`read`] | a scan's pages, by one cursor or several, as batches |
//! | `refine` | decoded rows into those that were planned |
//! | [`decode`] | a page's bytes into columns |
//! | [`scan`] | the plan: which table, which columns in which form, which records |
//! | `attachments` | the files of attachments: fetched and stored |
//! | `airtable` | Airtable's Web API: requests, their pace and budget, and what comes back |
//! | `files` | batches as JSON lines, CSV, Arrow and Parquet (feature `files`) |
//! | [`columns`] | the one type table, and the builders of columns |
//! | [`options`] | the one table of options, and what a set of them means |
//! | `condition` | conditions in SQL: what Airtable is asked, and which rows fulfil them |
//! | `json` | JSON read in place |
//! | [`time`], [`token`], `fingerprint`, `id`, [`error`] | moments, what nobody is shown, how processes know it, what names things, what users are told |

mod airtable;
mod attachments;
pub mod changes;
pub mod columns;
mod condition;
pub mod connector;
pub mod decode;
pub mod error;
#[cfg(feature = "files")]
pub mod files;
mod fingerprint;
mod id;
mod json;
pub mod options;
#[cfg(feature = "python")]
mod python;
pub mod read;
mod refine;
pub mod scan;
pub mod time;
pub mod token;

pub use arrow;

pub use airtable::budget::BudgetState;
pub use airtable::schema::{Account, Base};
pub use changes::{Latest, Offset, RunEnd, Stream};
pub use connector::{AirtableConnector, LakeflowConnect, TableMetadata};
pub use error::{Error, Result, Said};
pub use options::Options;
pub use read::Batches;
pub use scan::Scan;
pub use token::Token;

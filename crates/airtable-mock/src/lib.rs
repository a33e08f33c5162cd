//! A mock Airtable: a real HTTP server on loopback that behaves as Airtable's Web API does.
//!
//! It exists for three users: this project's own tests, the tests of people who use the connector, and
//! benchmarks. So it is faithful where clients can tell (error bodies, frozen listings, empty cells, stamps,
//! webhooks), fast enough not to be what a benchmark measures, and can be told to misbehave ([`Faults`]).
//!
//! ```
//! use airtable_mock::{Mock, MockConfig};
//! # fn main() -> std::io::Result<()> {
//! let mock = Mock::start(MockConfig::default())?;
//! assert!(mock.url().starts_with("http://127.0.0.1:"));
//! let schema = mock.schema(&mock.base_id()).expect("the sample base is there");
//! assert!(schema["tables"].as_array().is_some_and(|tables| tables.len() == 6));
//! # Ok(())
//! # }
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `server`, `wire`, `body`, `control` | HTTP: layers in order, broken connections, `/_mock/...` |
//! | `route`, `answer`, `query`, `error` | from a request to an endpoint, from an endpoint to its answer |
//! | `list`, `iterator`, `sort`, `page`, `text` | listing records |
//! | `write`, `input`, `change` | changing records |
//! | `store`, `base`, `table`, `field`, `view`, `record`, `cells` | the data |
//! | `plan`, `compute`, `value`, `formula` | computed fields |
//! | `meta`, `load`, `reference` | schema and its making |
//! | `handle`, `edit`, `config`, `state` | the running server as Rust sees it |
//! | `webhook`, `comment`, `token`, `limit`, `clock`, `log`, `fault` | what the names say |
//! | `sample`, `generate` | data |

mod answer;
mod base;
mod body;
mod cells;
mod change;
mod clock;
mod comment;
mod compute;
mod config;
mod control;
mod edit;
mod error;
mod fault;
mod field;
pub mod formula;
mod generate;
mod handle;
mod id;
mod input;
mod iterator;
mod limit;
mod list;
mod load;
mod log;
mod meta;
mod page;
mod plan;
mod query;
mod record;
mod reference;
mod route;
mod sample;
mod server;
mod sort;
mod state;
mod store;
mod table;
mod text;
mod token;
mod value;
mod view;
mod webhook;
mod wire;
mod write;

pub use config::{MockConfig, MockError};
pub use fault::{Action, Faults, MissingRecord, Rule};
pub use generate::{FieldSpec, Kinds};
pub use handle::Mock;
pub use log::LoggedRequest;
pub use token::Grant;

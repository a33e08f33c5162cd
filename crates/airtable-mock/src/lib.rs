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
//! | module | holds |
//! |---|---|
//! | `mock` | the running server as Rust sees it |
//! | `server` | HTTP: layers in order, limits, broken connections, `/_mock/...` |
//! | `api` | from a request to an endpoint, from an endpoint to its answer |
//! | `schema` | tables and fields: made from JSON, changed, removed |
//! | `change` | records: edits, both sides of links, what follows from them |
//! | `webhook` | what webhooks hear of a change |
//! | `compute` | computed fields |
//! | `data` | the data |
//! | `formula` | Airtable's formula language |
//! | `sample`, `generate` | the sample bases, and large tables |
//! | `fault`, `error`, `clock` | what the names say; they import nothing above them |

mod api;
mod change;
mod clock;
mod compute;
mod data;
mod error;
mod fault;
pub mod formula;
mod generate;
mod mock;
mod sample;
mod schema;
mod server;
mod webhook;

pub use api::token::Grant;
pub use fault::rule::{Action, Rule};
pub use fault::{Faults, MissingRecord};
pub use generate::{FieldSpec, Kinds};
pub use mock::Mock;
pub use mock::config::{MockConfig, MockError};
pub use server::log::LoggedRequest;

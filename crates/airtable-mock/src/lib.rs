#![doc = include_str!("../README.md")]

// From the bottom up: `tests/layers.rs` holds which may use which.
//
// | module | holds |
// |---|---|
// | `clock`, `error`, `fault` | what the names say; they import nothing above them |
// | `formula` | Airtable's formula language |
// | `data` | the data, plain |
// | `compute` | computed fields |
// | `webhook` | what webhooks hear of a change |
// | `change` | records: edits, both sides of links, what follows from them |
// | `schema` | tables and fields: made from JSON, changed, removed |
// | `sample`, `generate` | the sample bases, and large tables |
// | `api` | from a request to an endpoint, from an endpoint to its answer |
// | `server` | HTTP: layers in order, limits, broken connections, `/_mock/...` |
// | `mock` | the running server as Rust sees it |

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

pub use api::oauth::OAuthTokens;
pub use api::token::Grant;
pub use fault::rule::{Action, Rule};
pub use fault::{ChangeSource, Faults, MissingRecord, WebhookFailure};
pub use generate::{FieldSpec, Kinds};
pub use mock::Mock;
pub use mock::config::{MockConfig, MockError};
pub use server::log::LoggedRequest;

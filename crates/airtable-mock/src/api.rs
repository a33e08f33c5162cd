//! The API: from a request to its answer, without HTTP.
//!
//! | file | holds |
//! |---|---|
//! | `route`, `query` | which endpoint is asked, and what for |
//! | `answer` | from an endpoint to its answer: who may, under which lock, in which file the work is done |
//! | `airtable`, `token`, `oauth` | what answers depend on, who asks, and how OAuth's tokens are renewed |
//! | `account`, `list`, `write`, `comments`, `webhooks` | answers; those about the schema are in `schema` |
//! | `iterator`, `sort`, `page`, `text` | listings: in progress, in order, as JSON, as text |

pub(crate) mod account;
pub(crate) mod airtable;
pub(crate) mod answer;
pub(crate) mod comments;
pub(crate) mod iterator;
pub(crate) mod list;
pub(crate) mod oauth;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod route;
pub(crate) mod sort;
pub(crate) mod text;
pub(crate) mod token;
pub(crate) mod webhooks;
pub(crate) mod write;

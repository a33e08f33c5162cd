//! The API: from a request to its answer.

pub(crate) mod account;
pub(crate) mod airtable;
pub(crate) mod answer;
pub(crate) mod comments;
pub(crate) mod iterator;
pub(crate) mod list;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod route;
pub(crate) mod sort;
pub(crate) mod text;
pub(crate) mod token;
pub(crate) mod webhooks;
pub(crate) mod write;

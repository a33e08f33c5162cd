//! The data of a server: bases and what is in them.

pub(crate) mod base;
pub(crate) mod cells;
pub(crate) mod comment;
pub(crate) mod field;
pub(crate) mod id;
pub(crate) mod index;
pub(crate) mod link;
pub(crate) mod manners;
pub(crate) mod person;
pub(crate) mod plain;
pub(crate) mod record;
pub(crate) mod specification;
pub(crate) mod store;
pub(crate) mod table;
pub(crate) mod transaction;
pub(crate) mod view;
pub(crate) mod webhook;

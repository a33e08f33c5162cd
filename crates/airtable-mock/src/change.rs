//! Changing records: one transaction at a time, with both sides of links and all computed cells.
//!
//! A change is a few edits and then a commit, after which computed cells have followed and webhooks have heard.

pub(crate) mod commit;
pub(crate) mod edit;
pub(crate) mod follow;
pub(crate) mod input;
pub(crate) mod record;

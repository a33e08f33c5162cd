//! Changing records: one transaction at a time, with both sides of links and all computed cells.
//!
//! A change is a few edits and then a commit, after which computed cells have followed and webhooks have heard.
//!
//! | file | holds |
//! |---|---|
//! | `edit` | cells set, stamped, with the other side of links |
//! | `record` | records made and deleted |
//! | `follow` | computed cells brought up to date |
//! | `commit` | the end of a transaction |
//! | `input` | what a client writes, turned into a cell |

pub(crate) mod commit;
pub(crate) mod edit;
pub(crate) mod follow;
pub(crate) mod input;
pub(crate) mod record;

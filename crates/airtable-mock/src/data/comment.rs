//! A comment on a record.

use super::person::Person;

/// A comment.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: String,
    pub(crate) author: Person,
    pub(crate) text: String,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: Option<i64>,
    pub(crate) parent: Option<String>,
    /// Code points of an emoji, joined with `-`, and who reacted.
    pub(crate) reactions: Vec<(String, Person)>,
}

//! The columns of comments. Pure.

use crate::columns::{Object, Shape};
use crate::options::{Nested, ReadOptions};
use crate::scan::columns::{Column, Fact, Source};

/// Each is told under its name in Airtable's answers.
pub(super) fn columns(options: &ReadOptions) -> Vec<Column> {
    use Shape::{Json, Struct, Text, Timestamp};
    let author = if options.nested == Nested::Json { Json } else { Struct(Object::Collaborator) };
    let facts = [
        ("comment_id", "id", Text, "Airtable id of the comment"),
        ("parent_comment_id", "parentCommentId", Text, "of a reply: id of the comment that it answers"),
        ("author", "author", author, "who wrote it"),
        ("text", "text", Text, "what was written; a mention is the id of who is meant, as in @[usr...]"),
        ("created_time", "createdTime", Timestamp, "when it was written"),
        ("last_updated_time", "lastUpdatedTime", Timestamp, "when it was changed, where it was"),
        ("mentioned", "mentioned", Json, "JSON of who is mentioned, by id"),
        ("reactions", "reactions", Json, "JSON list of the reactions, each with its emoji and who reacted"),
    ];
    let column = |(name, told, shape, comment): (&str, &str, Shape, &str)| {
        let fact = Fact { name: told.to_owned(), shape, comment: comment.to_owned() };
        Column::new(name, name != "comment_id", Source::Fact(fact))
    };
    let id = Column::new("id", false, Source::RecordId);
    std::iter::once(id).chain(facts.map(column)).collect()
}

//! Comments on two of the packaging tasks: a thread with an answer, a mention and a reaction, and a lone one.

use super::parts::EPOCH_MS;
use crate::data::base::Base;
use crate::data::comment::Comment;

/// A minute.
const MINUTE_MS: i64 = 60_000;

/// Writes the comments: each by its task's place, author, text, and the comment that it answers.
pub(super) fn write(base: &mut Base) {
    let comments = [
        (2, 0, "Can the printer take this before Friday? @[usrMockPerson0002]", None),
        (2, 1, "Yes, from Thursday on.", Some(1)),
        (7, 2, "Measured twice: the cap is 2 mm too wide.", None),
    ];
    let Some(t) = base.table("Packaging Tasks") else { return };
    for (number, (place, author, text, parent)) in (1..).zip(comments) {
        let record = base[t].records.iter().nth(place).map(|record| record.id);
        let (Some(record), Some(author)) = (record, base.person(author).cloned()) else { continue };
        let reactions = parent.and_then(|_| base.person(0).cloned()).map(|who| ("1f44d".to_owned(), who));
        let comment = Comment {
            id: id(number),
            author,
            text: text.to_owned(),
            created_ms: EPOCH_MS + i64::from(number) * MINUTE_MS,
            updated_ms: (place == 7).then_some(EPOCH_MS + 10 * MINUTE_MS),
            parent: parent.map(id),
            reactions: reactions.into_iter().collect(),
        };
        base.comments.entry(record).or_default().push(comment);
    }
}

fn id(number: u8) -> String {
    format!("comMockComment{number:03}")
}

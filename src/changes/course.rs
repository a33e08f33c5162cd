//! Where a feed goes next, given how far its webhook is. Pure.
//!
//! Invariant: whatever the webhook says, the next position is never before the last.

use crate::changes::Limit;
use crate::changes::offset::{FeedPosition, Position};
use crate::changes::webhook::Webhook;
use crate::read::parts::Parts;
use crate::time::Seconds;

/// Where a feed goes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) position: FeedPosition,
    /// The webhook has more than that.
    pub(super) has_more: bool,
    /// Nothing is read, so the webhook may have to be kept alive by other means.
    pub(super) is_idle: bool,
    pub(super) cut: Cut,
}

/// What of the way to a position may be too much for one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cut {
    Nothing,
    /// The table's records beyond an id, or beyond some parts of its first load.
    Table {
        after: Option<String>,
        parts: Option<Parts>,
    },
    /// The payloads from a number on.
    Feed {
        first: u64,
        most: u64,
    },
}

/// Where a feed that is at `last` goes, given how far its webhook is now. A stream that has not begun knows no `last`, and
/// where Spark does not tell its start, `is_told` is false.
pub(super) fn next(
    last: Option<&FeedPosition>,
    is_told: bool,
    webhook: &Webhook,
    now: Seconds,
    limit: Limit<'_>,
) -> Next {
    let head = webhook.cursor_for_next_payload;
    let at =
        |next, at| FeedPosition { webhook_id: webhook.id.clone(), next, at, after: None, parts: None, unread: None };
    let reached =
        |position: FeedPosition| Next { has_more: position.next < head, position, is_idle: false, cut: Cut::Nothing };
    let target = match limit.target {
        Some(Position::Feed(target)) if target.webhook_id == webhook.id => Some(target),
        _ => None,
    };
    let Some(last) = last else {
        let cut = if is_told { Cut::Table { after: None, parts: None } } else { Cut::Nothing };
        return Next { is_idle: true, cut, ..reached(target.cloned().unwrap_or_else(|| at(head, now))) };
    };
    if (last.after.is_some() || last.parts.is_some()) && limit.max_records.is_some() {
        let cut = Cut::Table { after: last.after.clone(), parts: last.parts };
        return Next { cut, ..reached(FeedPosition { after: None, parts: None, ..last.clone() }) };
    }
    let now = now.max(last.at);
    if webhook.id != last.webhook_id {
        return reached(at(head, now));
    }
    let end = target.map_or(head, |target| target.next);
    if end <= last.next {
        let unread = match target.and_then(|target| target.unread.as_ref()) {
            // The run waits for no more than is waited for at its end.
            Some(unread) if end == last.next => last.unread.clone().map(|mut waiting| {
                waiting.retain(|id, _| unread.contains_key(id));
                waiting
            }),
            _ => last.unread.clone(),
        };
        return Next { is_idle: true, ..reached(FeedPosition { after: None, parts: None, unread, ..last.clone() }) };
    }
    // From the oldest payload on numbers are not known.
    let most = limit.max_records.filter(|_| last.next > 0);
    let cut = most.map_or(Cut::Nothing, |most| Cut::Feed { first: last.next, most });
    Next { cut, ..reached(target.cloned().unwrap_or_else(|| at(end, now))) }
}

#[cfg(test)]
mod tests;

//! Page after page of payloads -> what they say, or where a batch of them ends. Pure.
//!
//! A range of payloads is read only if every number of it is there. A transaction that begins in the range is read to its
//! end, wherever that is.

use std::time::Duration;

use crate::airtable::payload::{Payload, Payloads};
use crate::airtable::payload_page;
use crate::changes::payloads::Changed;
use crate::changes::reread::Lost;
use crate::scan::Scan;
use crate::time::Micros;

/// How often payloads that were announced, but are not given, are asked for again.
const PATIENCE: u32 = 5;

/// After how long they are.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask for the page that begins with this number.
    Ask(u64),
    /// Ask for it after a pause: it was announced, and is not there yet.
    AskLater(u64),
    /// Everything was told.
    Done,
}

/// A way through the payloads of one webhook.
#[derive(Debug)]
pub(super) struct PayloadCursor {
    pub(super) webhook_id: String,
    next: u64,
    /// The first number that is no longer in the range; none where the range ends with the last payload.
    end: Option<u64>,
    /// The first numbers of the range may have been let go.
    may_begin_later: bool,
    from_oldest: bool,
    /// The transaction of the payload that was read last.
    transaction: Option<u64>,
    empty_answers: u32,
    /// What was told so far: for each record the last.
    pub(super) changed: Changed,
}

impl PayloadCursor {
    /// From a number on.
    pub(super) fn new(plan: &Scan, webhook_id: &str, first: u64, end: Option<u64>) -> Self {
        Self {
            webhook_id: webhook_id.to_owned(),
            next: first,
            end,
            may_begin_later: false,
            from_oldest: false,
            transaction: None,
            empty_answers: 0,
            changed: Changed::new(plan),
        }
    }

    /// From the first payload that is still there.
    pub(super) fn from_oldest(plan: &Scan, webhook_id: &str, end: Option<u64>) -> Self {
        Self { may_begin_later: true, from_oldest: true, ..Self::new(plan, webhook_id, 1, end) }
    }

    /// What to do first.
    pub(super) fn start(&self) -> Step {
        if self.is_in_range(self.next) { Step::Ask(self.next) } else { Step::Done }
    }

    /// Takes in the page that was asked for; `fallback` is the time of payloads that tell none.
    ///
    /// # Errors
    /// [`Lost`] where payloads are missing or cannot be read, or the webhook says that it tells no more.
    pub(super) fn accept(&mut self, page: &Payloads, fallback: Micros) -> Result<Step, Lost> {
        let count = page.payloads.len() as u64;
        let first = page.cursor.checked_sub(count).filter(|first| self.may_begin_later || *first == self.next);
        let Some(first) = first else { return Err(missing(&self.webhook_id, self.next)) };
        for (payload, number) in page.payloads.iter().zip(first..) {
            let continues = self.transaction.is_some() && payload.base_transaction_number == self.transaction;
            if !self.is_in_range(number) && !continues {
                return Ok(Step::Done);
            }
            if let Some(code) = payload.failure() {
                return Err(Lost::Failed(format!("webhook {} failed: {code}", self.webhook_id)));
            }
            self.transaction = payload.base_transaction_number;
            if let Err(why) = self.changed.add(payload, fallback) {
                return Err(self.unreadable(number, why));
            }
        }
        if count == 0 {
            return self.nothing();
        }
        (self.next, self.may_begin_later) = (page.cursor, false);
        let goes_on = match self.end {
            None => page.might_have_more,
            Some(end) => self.next < end || page.might_have_more && self.transaction.is_some(),
        };
        Ok(if goes_on { Step::Ask(self.next) } else { Step::Done })
    }

    /// Nothing came. What was announced is waited for; whatever has no known end ends here.
    fn nothing(&mut self) -> Result<Step, Lost> {
        if self.end.is_none_or(|end| self.next >= end) || self.may_begin_later {
            return Ok(Step::Done);
        }
        if self.empty_answers == PATIENCE {
            return Err(missing(&self.webhook_id, self.next));
        }
        self.empty_answers += 1;
        Ok(Step::AskLater(self.next))
    }

    fn unreadable(&self, number: u64, why: &str) -> Lost {
        match unreadable(&self.webhook_id, number, why) {
            Lost::Gone(why) if self.from_oldest => Lost::Gone(format!(
                "{why}; whoever begins with the oldest payload meets it for seven days, unless webhook_id names another \
                 webhook"
            )),
            lost => lost,
        }
    }

    fn is_in_range(&self, number: u64) -> bool {
        self.end.is_none_or(|end| number < end)
    }
}

/// Where a batch of so many records ends: after whole transactions, and at least one.
#[derive(Debug)]
pub(super) struct BatchEnd {
    first: u64,
    number: u64,
    /// After the last whole transaction that fits.
    cut: u64,
    head: u64,
    most: usize,
    changed: Changed,
    last: Option<Payload>,
}

impl BatchEnd {
    /// Of the payloads from one number on and before another.
    pub(super) fn new(plan: &Scan, first: u64, head: u64, most: u64) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { first, number: first, cut: first, head, most, changed: Changed::new(plan), last: None }
    }

    /// The number from which the next page is to be asked for; none where all are known.
    pub(super) fn next(&self) -> Option<u64> {
        (self.number < self.head).then_some(self.number)
    }

    /// Takes in a page; gives the end of the batch as soon as it is known.
    pub(super) fn accept(&mut self, page: Payloads) -> Option<u64> {
        if page.payloads.is_empty() {
            return Some(self.end());
        }
        for payload in page.payloads {
            let continues = self.last.as_ref().is_some_and(|last| last.is_same_transaction(&payload));
            if !continues && self.last.is_some() {
                // The transaction before this one has ended.
                if self.is_overfull() {
                    return Some(self.cut);
                }
                self.cut = self.number;
                if self.changed.len() >= self.most {
                    return Some(self.cut);
                }
            }
            if self.number >= self.head {
                break;
            }
            // What cannot be read is lost, and so is read again: the range goes on to its end and fails there.
            if self.changed.add(&payload, 0).is_err() {
                return Some(self.head);
            }
            self.last = Some(payload);
            self.number += 1;
        }
        (self.number >= self.head).then(|| self.end())
    }

    /// The end, where no more payloads come.
    fn end(&self) -> u64 {
        if self.is_overfull() { self.cut } else { self.head }
    }

    /// The last transaction makes the batch too large, and is not its only one.
    fn is_overfull(&self) -> bool {
        self.changed.len() > self.most && self.cut > self.first
    }
}

/// The loss of a webhook's payloads from a number on.
pub(super) fn missing(webhook_id: &str, number: u64) -> Lost {
    Lost::Gone(payload_page::missing(webhook_id, number))
}

/// The loss of what one payload says.
pub(super) fn unreadable(webhook_id: &str, number: u64, why: &str) -> Lost {
    Lost::Gone(payload_page::unreadable(webhook_id, number, why))
}

#[cfg(test)]
mod tests;

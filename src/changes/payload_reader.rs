//! Payloads of a webhook, asked for page by page: what they say between two positions, and where a batch of them ends.
//!
//! Invariant: a range is what its two positions say, whenever it is read.

use std::sync::{Arc, Mutex, PoisonError};

use crate::airtable::client::Client;
use crate::airtable::payload::Payloads;
use crate::airtable::payload_page::PAGE;
use crate::changes::heads::Heads;
use crate::changes::listing::Listing;
use crate::changes::offset::{FeedPosition, Position};
use crate::changes::other_kind;
use crate::changes::payload_cursor::{BatchEnd, PAUSE, PayloadCursor, Step, unreadable};
use crate::changes::payloads::Changed;
use crate::changes::reread::Lost;
use crate::changes::webhooks::{LookedAt, Webhooks};
use crate::error::{Error, Result};
use crate::scan::Scan;
use crate::time::{Seconds, micros};

/// How far before a position records may have been created that nobody has looked for, and pages of payloads that are
/// read to find them.
const LOOK_BACK_SECONDS: Seconds = 600;
const MOST_PAGES: u64 = 4;

/// What was read last, for the question that follows: where a range ends is told of the same payloads as what is in it.
#[derive(Debug)]
pub(super) struct Told {
    plan: Scan,
    start: Position,
    webhook_id: String,
    next: u64,
    changed: Changed,
}

/// The payloads that a planned table's feed has.
pub(super) struct PayloadReader<'s> {
    pub(super) client: &'s Arc<Client>,
    pub(super) plan: &'s Scan,
    pub(super) listing: &'s Listing<'s>,
    pub(super) told: &'s Mutex<Option<Told>>,
    pub(super) looked_at: &'s LookedAt,
    pub(super) heads: &'s Heads,
}

impl PayloadReader<'_> {
    /// What was changed between two positions, with what was awaited at the first. From the beginning on, what is still
    /// known.
    pub(super) async fn changes(&self, start: &Position, end: &FeedPosition) -> Result<Result<Changed, Lost>> {
        if let Some(changed) = self.known(start, end) {
            return Ok(Ok(changed));
        }
        let changed = match start {
            Position::Start => {
                self.told(PayloadCursor::from_oldest(self.plan, &end.webhook_id, Some(end.next))).await?
            }
            Position::Feed(last) => self.since(last, end).await?,
            _ => return Err(other_kind()),
        };
        if let Ok(changed) = &changed {
            *self.lock() = Some(Told {
                plan: self.plan.clone(),
                start: start.clone(),
                webhook_id: end.webhook_id.clone(),
                next: end.next,
                changed: changed.clone(),
            });
        }
        Ok(changed)
    }

    /// Lets go of what was read last.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn known(&self, start: &Position, end: &FeedPosition) -> Option<Changed> {
        let told = self.lock();
        let is_same = |told: &&Told| {
            (&told.start, &told.webhook_id, told.next) == (start, &end.webhook_id, end.next) && told.plan == *self.plan
        };
        told.as_ref().filter(is_same).map(|told| told.changed.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn since(&self, last: &FeedPosition, end: &FeedPosition) -> Result<Result<Changed, Lost>> {
        let mut changed = match self.between(last, end).await? {
            Ok(changed) => changed,
            Err(loss) => return Ok(Err(loss)),
        };
        match &last.unread {
            Some(unread) => changed.also_awaited(unread),
            None if last.next > 1 => match self.told_before(last).await? {
                // They may have come before, with a time up to that of the position.
                Ok(earlier) => changed.also_created(earlier.no_earlier_than(micros(last.at))),
                Err(loss) => return Ok(Err(loss)),
            },
            None => {}
        }
        Ok(Ok(changed))
    }

    async fn between(&self, last: &FeedPosition, end: &FeedPosition) -> Result<Result<Changed, Lost>> {
        if last.webhook_id == end.webhook_id {
            let cursor = match last.next {
                0 => PayloadCursor::from_oldest(self.plan, &last.webhook_id, Some(end.next)),
                next => PayloadCursor::new(self.plan, &last.webhook_id, next, Some(end.next)),
            };
            return self.told(cursor).await;
        }
        // Another webhook goes on: what the last one has told since is read first, if it has told everything.
        match self.webhooks().loss(&last.webhook_id).await? {
            Some(loss) => Ok(Err(loss)),
            None => self.told(PayloadCursor::new(self.plan, &last.webhook_id, last.next.max(1), None)).await,
        }
    }

    /// What payloads told in the minutes before a position, as far as they are still there, up to some pages.
    ///
    /// # Errors
    /// [`Error::Data`] for one that cannot be read; what requests fail with.
    pub(super) async fn before(&self, position: &FeedPosition) -> Result<Changed> {
        self.told_before(position).await?.map_err(|loss| {
            let (Lost::Gone(why) | Lost::Failed(why)) = loss;
            Error::Data(format!(
                "table {:?}: {why}; a first read may miss what it created just before: start the stream again {} minutes \
                 after that change, or name another webhook by webhook_id",
                self.plan.table_name,
                LOOK_BACK_SECONDS / 60
            ).into())
        })
    }

    async fn told_before(&self, position: &FeedPosition) -> Result<Result<Changed, Lost>> {
        let since = micros(position.at - LOOK_BACK_SECONDS);
        let (mut next, mut pages) = (position.next, Vec::new());
        while next > 1 && (pages.len() as u64) < MOST_PAGES {
            let first = next.saturating_sub(PAGE).max(1);
            let Ok(page) = self.webhooks().page(&position.webhook_id, first, next - first).await? else { break };
            if page.payloads.is_empty() || page.cursor != next {
                break;
            }
            next = first;
            let is_early = page.payloads.first().is_some_and(|oldest| oldest.at().is_none_or(|at| at < since));
            pages.push(page);
            if is_early {
                break;
            }
        }
        let mut changed = Changed::new(self.plan);
        let payloads = pages.iter().rev().flat_map(Payloads::numbered);
        for (number, payload) in payloads.filter(|(_, payload)| payload.at().is_some_and(|at| at >= since)) {
            if let Err(why) = changed.add(payload, since) {
                return Ok(Err(unreadable(&position.webhook_id, number, why)));
            }
        }
        Ok(Ok(changed))
    }

    /// What payloads tell along a cursor's way.
    async fn told(&self, mut cursor: PayloadCursor) -> Result<Result<Changed, Lost>> {
        let mut step = cursor.start();
        loop {
            let number = match step {
                Step::Done => return Ok(Ok(cursor.changed)),
                Step::Ask(number) => number,
                Step::AskLater(number) => {
                    self.client.pause(PAUSE).await;
                    number
                }
            };
            let accepted = match self.webhooks().page(&cursor.webhook_id, number, PAGE).await? {
                Ok(page) => cursor.accept(&page, micros(self.listing.told_now()?)),
                Err(lost) => Err(lost),
            };
            match accepted {
                Ok(next) => step = next,
                Err(lost) => {
                    if matches!(lost, Lost::Failed(_)) {
                        self.looked_at.forget(&cursor.webhook_id);
                    }
                    return Ok(Err(lost));
                }
            }
        }
    }

    /// Where a batch of so many records ends, among the payloads from one number on and before another.
    pub(super) async fn end_of_batch(&self, first: u64, head: u64, most: u64, webhook_id: &str) -> Result<u64> {
        let mut batch = BatchEnd::new(self.plan, first.max(1), head, most);
        while let Some(number) = batch.next() {
            // A range that is lost is read again and fails there.
            let Ok(page) = self.webhooks().page(webhook_id, number, PAGE).await? else { return Ok(head) };
            if let Some(end) = batch.accept(page) {
                return Ok(end);
            }
        }
        Ok(head)
    }

    fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { client: self.client, plan: self.plan, looked_at: self.looked_at, heads: self.heads }
    }
}

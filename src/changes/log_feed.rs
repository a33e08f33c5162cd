//! The change feed of a log: where it goes, and what lies between two positions. Its webhook tells previous values.
//!
//! A log begins at its webhook's present cursor, and never changes to another webhook: two of them tell the same
//! transactions, so that what one has told would come again, or never.
//!
//! Invariants: ranges that follow one another hold every payload once; what the feed has lost is an error.

use std::sync::Arc;
use std::time::Duration;

use crate::airtable::cell_changes::CellChanges;
use crate::airtable::client::Client;
use crate::airtable::payload::Payload;
use crate::airtable::payload_page::PAGE;
use crate::changes::feed::Reached;
use crate::changes::heads::Heads;
use crate::changes::listing::Listing;
use crate::changes::offset::{FeedPosition, Position};
use crate::changes::reread::{Lost, lost_error};
use crate::changes::webhook::{Webhook, begun_by_another};
use crate::changes::webhooks::{Chosen, LookedAt, Webhooks};
use crate::changes::{Limit, other_kind};
use crate::error::{Error, Result};
use crate::options::ReadOptions;
use crate::read::LogBatchEnd;
use crate::scan::{PayloadRange, Scan, Selection};
use crate::time::Seconds;

/// The feed of one planned log.
pub(super) struct LogFeed<'s> {
    pub(super) client: &'s Arc<Client>,
    pub(super) plan: &'s Scan,
    pub(super) options: &'s ReadOptions,
    pub(super) listing: Listing<'s>,
    pub(super) looked_at: &'s LookedAt,
    pub(super) heads: &'s Heads,
}

impl LogFeed<'_> {
    /// Where the log goes from `start` on. One question: how far the webhook is. Where it has moved, one more: whether it
    /// says that it has failed; and the payloads, where a batch is bounded.
    ///
    /// # Errors
    /// [`Error::Data`] for what was lost; [`Error::NotFound`] where that is the table itself, whose webhook ends with it.
    pub(super) async fn latest(&self, start: Option<&Position>, limit: Limit<'_>) -> Result<Reached> {
        let last = match start {
            Some(Position::Feed(last)) => Some(last),
            _ => None,
        };
        match self.reached(last, limit).await {
            Err(error @ Error::Data(_)) => match self.listing.definition().await {
                Err(gone @ Error::NotFound(_)) => Err(gone),
                _ => Err(error),
            },
            told => told,
        }
    }

    async fn reached(&self, last: Option<&FeedPosition>, limit: Limit<'_>) -> Result<Reached> {
        let mut asking = None;
        if let Some((last, since)) = last.filter(|last| self.may_rest(last, limit)).zip(limit.since) {
            match self.heads.rest(self.client, last, since.moment()).await {
                Ok(age) => return Ok(reached(last.clone(), false, age)),
                Err(held) => asking = held,
            }
        }
        let Chosen { webhook, told } = self.webhooks().choose(self.options, last, limit.since).await?;
        let head = webhook.cursor_for_next_payload;
        let target = match limit.target {
            Some(Position::Feed(target)) if target.webhook_id == webhook.id => Some(target),
            _ => None,
        };
        let whole = target.map_or(head, |target| target.next);
        let unread = last.filter(|last| last.next < whole);
        if unread.is_none() {
            // Nothing is read, so the webhook may have to be kept alive by other means.
            self.webhooks().keep_alive(&webhook, told).await?;
        }
        if let Some(last) = last.filter(|last| last.next == head) {
            self.heads.note_works(last);
        }
        drop(asking);
        let Some(last) = unread else {
            let position = last.or(target).cloned();
            return Ok(reached(position.unwrap_or_else(|| at(&webhook, head, told)), false, Duration::ZERO));
        };
        let next = self.end(&webhook, last.next, whole, limit.max_records).await?;
        let position = target.filter(|target| target.next == next).cloned();
        let position = position.unwrap_or_else(|| at(&webhook, next, told.max(last.at)));
        Ok(reached(position, next < whole, Duration::ZERO))
    }

    /// The scan of what payloads tell between two positions.
    pub(super) async fn scan(&self, start: &Position, end: &FeedPosition) -> Result<Scan> {
        let first = match start {
            // There is no first batch.
            Position::Start => end.next,
            Position::Feed(last) if last.webhook_id == end.webhook_id => last.next,
            Position::Feed(last) => return Err(self.other_webhook(last, end).await?),
            _ => return Err(other_kind()),
        };
        let range = PayloadRange { webhook_id: end.webhook_id.clone(), first, end: end.next };
        Ok(Scan { selection: Selection::Payloads(range), ..self.plan.clone() })
    }

    /// Where the next range ends. A payload that says that the webhook has failed is its last and no change: what comes
    /// before it arrives.
    async fn end(&self, webhook: &Webhook, first: u64, whole: u64, most: Option<u64>) -> Result<u64> {
        let newest = self.webhooks().page::<CellChanges>(&webhook.id, whole - 1, 1).await?;
        let failure = newest.iter().flat_map(|page| &page.payloads).find_map(Payload::failure);
        let whole = match failure {
            None => whole,
            Some(code) if whole - 1 == first => {
                return Err(lost_error(self.plan, &format!("webhook {} failed: {code}", webhook.id)));
            }
            Some(_) => whole - 1,
        };
        let whole = self.end_of_table(webhook, first, whole).await?;
        match most {
            None => Ok(whole),
            Some(most) => self.end_of_batch(webhook, first, whole, most).await,
        }
    }

    /// Where the payloads end that tell of the table. A webhook of the whole base outlives the table, and tells of its removal
    /// as of any other change.
    async fn end_of_table(&self, webhook: &Webhook, first: u64, whole: u64) -> Result<u64> {
        if webhook.is_of_table() {
            return Ok(whole);
        }
        let Err(gone) = self.listing.definition().await else { return Ok(whole) };
        if !matches!(gone, Error::NotFound(_)) {
            return Err(gone);
        }
        let (mut next, mut last) = (first, None);
        while next < whole {
            // What is missing is said where the range is read.
            let Ok(page) = self.webhooks().page::<CellChanges>(&webhook.id, next, PAGE).await? else {
                return Ok(whole);
            };
            let tells = |payload: &Payload<CellChanges>| payload.change().map_or(true, |told| !told.records.is_empty());
            let told = page.numbered().filter(|(number, payload)| *number < whole && tells(payload));
            last = told.map(|(number, _)| number).last().or(last);
            if page.cursor <= next {
                return Ok(whole);
            }
            next = page.cursor;
        }
        last.map(|last| last + 1).ok_or(gone)
    }

    async fn end_of_batch(&self, webhook: &Webhook, first: u64, whole: u64, most: u64) -> Result<u64> {
        let mut batch = LogBatchEnd::new(self.plan, first, whole, most);
        loop {
            // What is missing is said where the range is read.
            let Ok(page) = self.webhooks().page(&webhook.id, batch.next(), PAGE).await? else { return Ok(whole) };
            if let Some(end) = batch.accept(&page) {
                return Ok(end);
            }
        }
    }

    /// Whether there is nothing to do at a position while the webhook stays there.
    fn may_rest(&self, last: &FeedPosition, limit: Limit<'_>) -> bool {
        limit.target.is_none() && self.options.webhook_id.as_ref().is_none_or(|id| *id == last.webhook_id)
    }

    /// The error for an end in the feed of another webhook than the start.
    async fn other_webhook(&self, last: &FeedPosition, end: &FeedPosition) -> Result<Error> {
        if let Some(Lost::Gone(why) | Lost::Failed(why)) = self.webhooks().loss(&last.webhook_id).await? {
            return Ok(lost_error(self.plan, &why));
        }
        Ok(begun_by_another(self.plan, &last.webhook_id, &end.webhook_id))
    }

    fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { client: self.client, plan: self.plan, looked_at: self.looked_at, heads: self.heads }
    }
}

fn at(webhook: &Webhook, next: u64, at: Seconds) -> FeedPosition {
    FeedPosition { webhook_id: webhook.id.clone(), next, at, after: None, parts: None, unread: None }
}

fn reached(position: FeedPosition, has_more: bool, age: Duration) -> Reached {
    Reached { position: Position::Feed(position), has_more, has_new_field: false, age }
}

//! The change feed: payloads of a webhook, polled. It tells deletes and changes of computed fields, which no window sees.
//!
//! A webhook is for ever dead once it has expired or what it watches is gone, and its payloads are kept for seven days. So
//! a range is read only if every number of it is there; where one is not, changes are lost, and nobody is told otherwise.
//!
//! [`next`] is pure and says where a stream goes; [`Feed`] asks what that takes.

use std::sync::Arc;
use std::time::Duration;

use crate::airtable::client::Client;
use crate::airtable::request::Request;
use crate::airtable::schema::{Field, Tables};
use crate::changes::definition::drift;
use crate::changes::listing::Listing;
use crate::changes::offset::{FeedPosition, Mode, Position};
use crate::changes::payload_cursor::{BatchEnd, PAGE, PAUSE, PayloadCursor, Step};
use crate::changes::payloads::Changed;
use crate::changes::reread::{self, Lost, feed_file};
use crate::changes::webhook::{LIFE_SECONDS, Webhook};
use crate::changes::webhooks::{Looks, Webhooks};
use crate::changes::windows::{last_of_batch, listed, part};
use crate::changes::{Limit, SETTLED_SECONDS, other_kind};
use crate::error::{Error, Result};
use crate::options::{ColumnNames, ReadOptions};
use crate::scan::{KnownIds, Scan, Selection, find_table};
use crate::time::{Micros, Seconds, micros, utc};

/// How long a service's clock that was put back is waited for.
const LONGEST_WAIT_FOR_A_STAMP: Duration = Duration::from_secs(600);

/// Where a feed goes next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Next {
    position: FeedPosition,
    /// The webhook has more than that.
    has_more: bool,
    /// Nothing is read, so the webhook may have to be kept alive by other means.
    is_idle: bool,
    cut: Cut,
}

/// What of the way to a position may be too much for one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cut {
    Nothing,
    /// The table's records beyond an id.
    Table {
        after: Option<String>,
    },
    /// The payloads from a number on.
    Feed {
        first: u64,
        most: u64,
    },
}

/// Where a feed that is at `last` goes, given how far its webhook is now. A stream that has not begun knows no `last`, and
/// where Spark does not tell its start, `is_told` is false.
fn next(last: Option<&FeedPosition>, is_told: bool, webhook: &Webhook, now: Seconds, limit: Limit<'_>) -> Next {
    let head = webhook.cursor_for_next_payload;
    let at = |next, at| FeedPosition { webhook_id: webhook.id.clone(), next, at, after: None };
    let reached =
        |position: FeedPosition| Next { has_more: position.next < head, position, is_idle: false, cut: Cut::Nothing };
    let target = match limit.target {
        Some(Position::Feed(target)) if target.webhook_id == webhook.id => Some(target),
        _ => None,
    };
    let Some(last) = last else {
        let cut = if is_told { Cut::Table { after: None } } else { Cut::Nothing };
        return Next { is_idle: true, cut, ..reached(target.cloned().unwrap_or_else(|| at(head, now))) };
    };
    if last.after.is_some() && limit.max_records.is_some() {
        let cut = Cut::Table { after: last.after.clone() };
        return Next { cut, ..reached(FeedPosition { after: None, ..last.clone() }) };
    }
    let now = now.max(last.at);
    if webhook.id != last.webhook_id {
        return reached(at(head, now));
    }
    let end = target.map_or(head, |target| target.next);
    if end <= last.next {
        return Next { is_idle: true, ..reached(FeedPosition { after: None, ..last.clone() }) };
    }
    let cut = limit.max_records.map_or(Cut::Nothing, |most| Cut::Feed { first: last.next, most });
    Next { cut, ..reached(target.cloned().unwrap_or_else(|| at(end, now))) }
}

/// The feed of one planned table.
pub(super) struct Feed<'s> {
    pub(super) client: &'s Arc<Client>,
    pub(super) plan: &'s Scan,
    pub(super) options: &'s ReadOptions,
    pub(super) listing: Listing<'s>,
    pub(super) looks: &'s Looks,
}

impl Feed<'_> {
    /// Where the feed goes from `start` on, and whether it has more. One question: how far the webhook is. One more where
    /// a batch must be cut, where a webhook that nothing happens to would expire, where none was looked at yet, and where
    /// there is none.
    pub(super) async fn latest(&self, start: Option<&Position>, limit: Limit<'_>) -> Result<(Position, bool)> {
        let last = match start {
            Some(Position::Feed(last)) => Some(last),
            _ => None,
        };
        let webhook = self.webhooks().choose(self.options, last).await?;
        // Making one may have taken a while.
        let now = self.listing.told_now()?;
        let mut next = next(last, start.is_some(), &webhook, now, limit);
        if next.is_idle {
            self.webhooks().keep_alive(&webhook, now).await?;
        }
        match &next.cut {
            Cut::Nothing => {}
            Cut::Table { after } => {
                let after = self.end_of_part(after.as_deref(), next.position.at, limit).await?;
                next.has_more |= after.is_some();
                next.position.after = after;
            }
            Cut::Feed { first, most } => {
                let whole = next.position.next;
                let end = self.end_of_batch(*first, whole, *most, &webhook.id).await?;
                if end != whole {
                    let at = now.max(last.map_or(now, |last| last.at));
                    next.position = FeedPosition { webhook_id: webhook.id, next: end, at, after: None };
                    next.has_more = true;
                }
            }
        }
        Ok((Position::Feed(next.position), next.has_more))
    }

    /// The scan of what payloads tell between two positions.
    pub(super) async fn scan(&self, start: &Position, end: &FeedPosition) -> Result<Scan> {
        let changed = match start {
            Position::Start if Mode::of(self.plan)? == Mode::Deletes => {
                // Another stream may have read the table long before: whatever is still known to have gone since is told.
                self.told(PayloadCursor::from_oldest(self.plan, &end.webhook_id, Some(end.next))).await?
            }
            Position::Start => return self.whole_table(end).await,
            Position::Feed(last) => self.between(last, end).await?,
            _ => return Err(other_kind()),
        };
        let mut changed = match changed {
            Ok(changed) => changed,
            Err(loss) => return self.lost(end, &loss).await,
        };
        if changed.definition {
            self.check_definition().await?;
        }
        if let Position::Feed(last) = start {
            if let Some(after) = &last.after {
                let upto = end.after.as_deref().filter(|_| last.next == end.next);
                changed.also(self.table_part(last.at, Some(after), upto).await?, micros(last.at));
            }
            if let Some(store) =
                reread::id_store(self.plan, self.options).filter(|_| changed.present().next().is_some())
            {
                store.write(&feed_file(&end.webhook_id, last.next, end.next), changed.present())?;
            }
        }
        let newest = changed.newest;
        let listed = changed.listed(self.plan);
        if let Some(newest) = newest.filter(|_| !listed.present.is_empty()) {
            self.settle(newest / 1_000_000 + 1).await;
        }
        Ok(self.scan_of(Selection::Listed(listed), micros(end.at), None))
    }

    /// What was changed between two positions.
    async fn between(&self, last: &FeedPosition, end: &FeedPosition) -> Result<Result<Changed, Lost>> {
        if last.webhook_id == end.webhook_id {
            return self.told(PayloadCursor::new(self.plan, &last.webhook_id, last.next, Some(end.next))).await;
        }
        // Another webhook goes on: what the last one has told since is read first, if it has told everything.
        match self.webhooks().loss(&last.webhook_id).await? {
            Some(loss) => Ok(Err(loss)),
            None => self.told(PayloadCursor::new(self.plan, &last.webhook_id, last.next, None)).await,
        }
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
                        self.looks.forget(&cursor.webhook_id);
                    }
                    return Ok(Err(lost));
                }
            }
        }
    }

    /// Where a batch of so many records ends, among the payloads from one number on and before another.
    async fn end_of_batch(&self, first: u64, head: u64, most: u64, webhook_id: &str) -> Result<u64> {
        let mut batch = BatchEnd::new(self.plan, first, head, most);
        while let Some(number) = batch.next() {
            // A range that is lost is read again and fails there.
            let Ok(page) = self.webhooks().page(webhook_id, number, PAGE).await? else { return Ok(head) };
            if let Some(end) = batch.accept(page) {
                return Ok(end);
            }
        }
        Ok(head)
    }

    /// Where the next part of a table's first read ends; none where it ends with the table.
    async fn end_of_part(&self, after: Option<&str>, at: Seconds, limit: Limit<'_>) -> Result<Option<String>> {
        // A read that must know all ids notes them in one go.
        let notes = reread::id_store(self.plan, self.options);
        let (Some(most), false, None) = (limit.max_records, self.plan.only_gone, notes) else { return Ok(None) };
        Ok(last_of_batch(&self.table_part(at, after, None).await?, most).cloned())
    }

    /// The table's ids as they were listed at a time, beyond one and up to another.
    async fn table_part(&self, at: Seconds, after: Option<&str>, upto: Option<&str>) -> Result<Vec<String>> {
        let ids = self.listing.ids_of(Scan { changed_at: micros(at), ..self.plan.clone() }).await?;
        Ok(part(&ids, after, upto).to_vec())
    }

    /// The first read, or a part of it. What the feed tells after its position is newer than what is read here, so the
    /// read waits until everything before it shows.
    async fn whole_table(&self, end: &FeedPosition) -> Result<Scan> {
        self.settle_before(end).await?;
        // A little early: whatever the feed tells of these records is later.
        let at = end.at - SETTLED_SECONDS;
        let Some(after) = &end.after else {
            let known_ids = reread::known_ids(self.plan, self.options, end, false);
            return Ok(self.scan_of(Selection::All, micros(at), known_ids));
        };
        let ids = self.table_part(end.at, None, Some(after)).await?;
        Ok(self.scan_of(listed(ids, at), micros(at), None))
    }

    /// A full read in which vanished records are told, or an error where that is not wanted or not possible.
    async fn lost(&self, end: &FeedPosition, loss: &Lost) -> Result<Scan> {
        reread::check(self.plan, self.options, end, loss)?;
        // Whatever became of the table meanwhile was not told either.
        self.check_definition().await?;
        self.settle_before(end).await?;
        let stamp = reread::stamp(end);
        self.outwait(stamp).await?;
        let (Lost::Gone(why) | Lost::Failed(why)) = loss;
        let said = format!("table {:?}: changes are lost: {why}: reading the whole table again", self.plan.table_name);
        log::warn!("{}", self.client.scrub(Error::Data(said)));
        let known_ids = reread::known_ids(self.plan, self.options, end, true);
        Ok(self.scan_of(Selection::All, micros(stamp), known_ids))
    }

    /// Waits until the second with which rows are stamped is over: whatever is changed after they were read is later then
    /// than they are, and replaces them.
    async fn outwait(&self, stamp: Seconds) -> Result<()> {
        self.client.wait_until(stamp + 1, LONGEST_WAIT_FOR_A_STAMP).await;
        let now = self.listing.told_now()?;
        if now > stamp {
            return Ok(());
        }
        Err(Error::Transport(format!(
            "table {:?}: the service's clock was put back: it tells {}, and this stream has come to {}: start the stream \
             again once that time is over",
            self.plan.table_name,
            utc(now),
            utc(stamp)
        )))
    }

    /// Stops before rows are written that the table no longer has.
    async fn check_definition(&self) -> Result<()> {
        let base_id = &self.plan.base_id;
        let tables = self.client.json::<Tables>(&Request::tables(base_id)).await?.tables;
        let table = find_table(&tables, &self.plan.table_id, base_id).map_err(|_| {
            Error::NotFound(format!(
                "table {:?} ({}) was removed from base {base_id}: stop its stream",
                self.plan.table_name, self.plan.table_id
            ))
        })?;
        table.check()?;
        let planned = self.plan.field_ids();
        let is_read = |field: &&Field| self.plan.has_all_fields || planned.contains(&field.id.as_str());
        for field in table.fields.iter().filter(is_read) {
            table.check_field(field, self.options.column_names != ColumnNames::Id)?;
        }
        let changes = drift(self.plan, table, self.options.nested);
        if changes.is_empty() {
            return Ok(());
        }
        Err(Error::Data(format!(
            "table {:?} is no longer as the stream was planned: {}: start the stream again, so that it is planned anew, \
             with a target that has its columns",
            self.plan.table_name,
            changes.join("; ")
        )))
    }

    /// Waits until everything before a position shows.
    async fn settle_before(&self, end: &FeedPosition) -> Result<()> {
        if !self.was_quiet_before(end).await? {
            self.settle(end.at).await;
        }
        Ok(())
    }

    /// Waits until what was changed at a time shows everywhere.
    async fn settle(&self, at: Seconds) {
        let most = Duration::from_secs(SETTLED_SECONDS.unsigned_abs() + 1);
        self.client.wait_until(at + SETTLED_SECONDS, most).await;
    }

    /// Whether the base had been left alone for some seconds when the feed was at a position. One request.
    async fn was_quiet_before(&self, end: &FeedPosition) -> Result<bool> {
        let settled = end.at - SETTLED_SECONDS;
        if end.next > 1 {
            let page = self.webhooks().page(&end.webhook_id, end.next - 1, 1).await?;
            // The last payload, unless it is so old that it was let go.
            let last =
                page.ok().filter(|page| page.cursor == end.next).and_then(|page| page.payloads.into_iter().next());
            return Ok(last.is_none_or(|last| last.at().is_some_and(|at| at / 1_000_000 < settled)));
        }
        let webhooks = self.webhooks().list().await?;
        let webhook = webhooks.iter().find(|webhook| webhook.id == end.webhook_id);
        let born = webhook.and_then(Webhook::expires).map(|expires| expires - LIFE_SECONDS);
        Ok(born.is_some_and(|born| born < settled))
    }

    fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { client: self.client, plan: self.plan, looks: self.looks }
    }

    fn scan_of(&self, selection: Selection, changed_at: Micros, known_ids: Option<KnownIds>) -> Scan {
        Scan { selection, changed_at, known_ids, ..self.plan.clone() }
    }
}

#[cfg(test)]
mod tests;

//! The change feed: payloads of a webhook, polled. Tells deletes and changes of computed fields, which no window sees.
//!
//! A webhook is for ever dead once it has expired or what it watches is gone, and its payloads are kept for seven days. So
//! a range is read only if every number of it is there; where one is not, changes are lost, and nobody is told otherwise.

use std::time::Duration;

use reqwest::Method;

use super::payload_cursor::{Changed, Payload, Payloads};
use super::{Changes, Limit, SETTLED_SECONDS};
use crate::airtable::failure::{Failure, Purpose};
use crate::airtable::request::Request;
use crate::changes::offset::{FeedPosition, Mode, Position};
use crate::error::Result;
use crate::scan::selection::Selection;
use crate::scan::{KnownIds, Scan};
use crate::time::{Micros, Seconds, micros};

/// Payloads of one answer. Airtable's page on webhooks.
const PAGE: u64 = 50;

/// How often payloads that were announced, but are not given, are asked for again, and after how long.
const PATIENCE: (u32, Duration) = (5, Duration::from_secs(1));

/// Why a range of the feed cannot be read.
pub(super) enum Lost {
    /// Payloads are missing, or the webhook is.
    Gone(String),
    /// The webhook says itself that it tells no more.
    Failed(String),
}

impl Changes<'_> {
    /// One question: how far the webhook is. One more where a batch must be cut, where a webhook that nothing happens to
    /// would expire, and where there is none yet.
    pub(super) async fn latest_payload(&self, start: Option<&Position>, limit: Limit<'_>) -> Result<Position> {
        let last = match start {
            Some(Position::Feed(last)) => Some(last),
            _ => None,
        };
        let webhooks = self.webhooks().await?;
        let now = self.told_now()?;
        let webhook = self.webhook(&webhooks, last, now).await?;
        // Making one may have taken a while.
        let now = self.told_now()?;
        let position =
            |next, at, after| Position::Feed(FeedPosition { webhook_id: webhook.id.clone(), next, at, after });
        let Some(last) = last else {
            self.keep_alive(&webhook, now).await?;
            let (at, next) = (now, webhook.cursor_for_next_payload);
            let limit = if start.is_some() { limit } else { Limit::default() };
            return Ok(position(next, at, self.cut_of_table(None, at, limit).await?));
        };
        if let Some(after) = &last.after
            && limit.max_records.is_some()
        {
            let after = self.cut_of_table(Some(after), last.at, limit).await?;
            return Ok(Position::Feed(FeedPosition { after, ..last.clone() }));
        }
        let at = now.max(last.at);
        if webhook.id != last.webhook_id {
            return Ok(position(webhook.cursor_for_next_payload, at, None));
        }
        let target = match limit.target.map(|offset| &offset.position) {
            Some(Position::Feed(target)) if target.webhook_id == webhook.id => Some(target),
            _ => None,
        };
        let head = target.map_or(webhook.cursor_for_next_payload, |target| target.next);
        if head <= last.next {
            self.keep_alive(&webhook, now).await?;
            return Ok(Position::Feed(FeedPosition { after: None, ..last.clone() }));
        }
        let next = match limit.max_records {
            Some(most) => self.cut_of_feed(last, head, most).await?,
            None => head,
        };
        match target.filter(|target| target.next == next) {
            Some(target) => Ok(Position::Feed(target.clone())),
            None => Ok(position(next, at, None)),
        }
    }

    /// The scan of what payloads tell between two positions.
    pub(super) async fn payloads(&self, start: &Position, end: &FeedPosition) -> Result<Scan> {
        let changed = match start {
            Position::Start if Mode::of(self.plan)? == Mode::Deletes => {
                // Another stream may have read the table long before: whatever is still known to have gone since is told.
                self.told(&end.webhook_id, 1, Some(end.next), true).await?
            }
            Position::Start => return self.whole_table(end).await,
            Position::Feed(last) => self.between(last, end).await?,
            _ => return Err(super::other_kind()),
        };
        let mut changed = match changed {
            Ok(changed) => changed,
            Err(loss) => return self.lost(start, end, &loss).await,
        };
        if changed.definition {
            self.check_definition().await?;
        }
        if let Position::Feed(last) = start
            && let Some(after) = &last.after
        {
            let upto = end.after.as_deref().filter(|_| last.next == end.next);
            changed.also(self.table_ids_between(last.at, Some(after), upto).await?, micros(last.at));
        }
        if let (Position::Feed(last), Some(files)) = (start, self.known_files())
            && changed.present().next().is_some()
        {
            files.write(&feed_file(&end.webhook_id, last.next, end.next), changed.present())?;
        }
        let newest = changed.newest;
        let mut listed = changed.listed();
        let may_leave = self.plan.view_id.is_some() || self.plan.filter_formula.is_some();
        if self.plan.only_gone {
            if !may_leave {
                listed.present.clear();
            }
            // Pipelines lead this stream and that of all changes into one target, which goes by time: the delete is to win
            // over the row that tells of the same end.
            for (_, at) in listed.present.iter_mut().chain(&mut listed.gone) {
                *at += 1;
            }
        }
        if let Some(newest) = newest.filter(|_| !listed.present.is_empty()) {
            self.settle(newest / 1_000_000 + 1).await;
        }
        Ok(self.of_feed(Selection::Listed(listed), micros(end.at), None))
    }

    async fn between(&self, last: &FeedPosition, end: &FeedPosition) -> Result<Result<Changed, Lost>> {
        if last.webhook_id == end.webhook_id {
            return self.told(&last.webhook_id, last.next, Some(end.next), false).await;
        }
        // Another webhook goes on: what the last one has told since is read first, if it has told everything.
        let webhooks = self.webhooks().await?;
        let now = self.told_now()?;
        match webhooks.iter().find(|webhook| webhook.id == last.webhook_id) {
            None => Ok(Err(Lost::Gone(format!("webhook {} was deleted", last.webhook_id)))),
            Some(webhook) => match webhook.end(now) {
                Some(end) => Ok(Err(Lost::Gone(format!("webhook {} {end}", webhook.id)))),
                None => self.told(&webhook.id, last.next, None, false).await,
            },
        }
    }

    /// Waits until what was changed at a time shows everywhere.
    pub(super) async fn settle(&self, at: Seconds) {
        let most = Duration::from_secs(SETTLED_SECONDS.unsigned_abs() + 1);
        self.client.wait_until(at + SETTLED_SECONDS, most).await;
    }

    /// What payloads tell from a number on, up to another or the last. A transaction that begins in the range is read to
    /// its end, wherever that is.
    async fn told(
        &self,
        webhook_id: &str,
        first: u64,
        end: Option<u64>,
        may_begin_later: bool,
    ) -> Result<Result<Changed, Lost>> {
        let mut changed = Changed::new(self.plan);
        let (mut next, mut transaction) = (first, None);
        let end = end.unwrap_or(u64::MAX);
        let (mut may_begin_later, mut may_continue, mut patience) = (may_begin_later, false, 0);
        while next < end || may_continue {
            let page = match self.page(webhook_id, next, PAGE).await? {
                Ok(page) => page,
                Err(lost) => return Ok(Err(lost)),
            };
            let count = page.payloads.len() as u64;
            let Some(mut number) = page.cursor.checked_sub(count).filter(|number| may_begin_later || *number == next)
            else {
                return Ok(Err(missing(webhook_id, next)));
            };
            let fallback = micros(self.told_now()?);
            for payload in &page.payloads {
                let continues = transaction.is_some() && payload.base_transaction_number == transaction;
                if number >= end && !continues {
                    return Ok(Ok(changed));
                }
                if let Some(code) = payload.failure() {
                    return Ok(Err(Lost::Failed(format!("webhook {webhook_id} failed: {code}"))));
                }
                transaction = payload.base_transaction_number;
                changed.add(payload, fallback);
                number += 1;
            }
            if count == 0 && next < end && end != u64::MAX && !may_begin_later {
                let (most, pause) = PATIENCE;
                if patience == most {
                    return Ok(Err(missing(webhook_id, next)));
                }
                patience += 1;
                self.client.pause(pause).await;
                continue;
            }
            (next, may_begin_later) = (page.cursor, false);
            may_continue = page.might_have_more && transaction.is_some();
            if count == 0 || !page.might_have_more && end == u64::MAX {
                break;
            }
        }
        Ok(Ok(changed))
    }

    /// Some payloads from a number on. Reading them keeps the webhook alive.
    pub(super) async fn page(&self, webhook_id: &str, cursor: u64, limit: u64) -> Result<Result<Payloads, Lost>> {
        let request = Request {
            query: vec![("cursor", cursor.to_string()), ("limit", limit.to_string())],
            ..self.webhook_request(Method::GET, &[webhook_id, "payloads"])
        };
        match self.client.try_json(&request).await? {
            Ok(page) => Ok(Ok(page)),
            // A cursor whose payloads are gone may be refused rather than answered.
            Err(Failure::Status { status: 400 | 410 | 422, .. }) => Ok(Err(missing(webhook_id, cursor))),
            // What is missing may be said to be forbidden.
            Err(failure @ Failure::Status { status: 403 | 404, .. }) => {
                if self.webhooks().await?.iter().any(|webhook| webhook.id == webhook_id) {
                    return Err(self.client.error(&request, &failure));
                }
                Ok(Err(Lost::Gone(format!("webhook {webhook_id} was deleted"))))
            }
            Err(failure) => Err(self.client.error(&request, &failure)),
        }
    }

    pub(super) fn webhook_request(&self, method: Method, path: &[&str]) -> Request {
        let base_id = &self.plan.base_id;
        let start = ["bases", base_id, "webhooks"].into_iter().chain(path.iter().copied());
        Request {
            purpose: Purpose::Webhooks,
            method,
            path: start.map(str::to_owned).collect(),
            query: Vec::new(),
            body: None,
            base_id: Some(base_id.clone()),
        }
    }

    /// Where a batch of so many records ends: after whole transactions, and at least one.
    async fn cut_of_feed(&self, last: &FeedPosition, head: u64, most: u64) -> Result<u64> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut changed = Changed::new(self.plan);
        // After the last whole transaction that fits.
        let mut cut = last.next;
        let mut before: Option<Payload> = None;
        let mut number = last.next;
        while number < head {
            let Ok(page) = self.page(&last.webhook_id, number, PAGE).await? else {
                // The range is read again and fails there.
                return Ok(head);
            };
            if page.payloads.is_empty() {
                break;
            }
            for payload in page.payloads {
                let continues = before.as_ref().is_some_and(|before| before.is_same_transaction(&payload));
                if !continues && before.is_some() {
                    // The transaction before this one has ended.
                    if changed.len() > most && cut > last.next {
                        return Ok(cut);
                    }
                    cut = number;
                    if changed.len() >= most {
                        return Ok(cut);
                    }
                }
                if number >= head {
                    break;
                }
                changed.add(&payload, 0);
                before = Some(payload);
                number += 1;
            }
        }
        Ok(if changed.len() > most && cut > last.next { cut } else { head })
    }

    /// Where the next part of a table's first read ends; none where it ends with the table.
    async fn cut_of_table(&self, after: Option<&str>, at: Seconds, limit: Limit<'_>) -> Result<Option<String>> {
        // A read that must know all ids notes them in one go.
        let (Some(most), false, None) = (limit.max_records, self.plan.only_gone, self.known_files()) else {
            return Ok(None);
        };
        let ids = self.table_ids_between(at, after, None).await?;
        let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
        Ok(if ids.len() > most { Some(ids[most - 1].clone()) } else { None })
    }

    /// The table's ids as they were listed at a time, beyond one and up to another.
    pub(super) async fn table_ids_between(
        &self,
        at: Seconds,
        after: Option<&str>,
        upto: Option<&str>,
    ) -> Result<Vec<String>> {
        let ids = self.listed_ids(Scan { changed_at: micros(at), ..self.plan.clone() }).await?;
        let first = after.map_or(0, |after| ids.partition_point(|id| id.as_str() <= after));
        let last = upto.map_or(ids.len(), |upto| ids.partition_point(|id| id.as_str() <= upto)).max(first);
        Ok(ids[first..last].to_vec())
    }

    pub(super) fn of_feed(&self, selection: Selection, changed_at: Micros, known_ids: Option<KnownIds>) -> Scan {
        Scan { selection, changed_at, known_ids, ..self.plan.clone() }
    }
}

fn missing(webhook_id: &str, number: u64) -> Lost {
    Lost::Gone(format!(
        "payloads of webhook {webhook_id} are missing from number {number} on, because Airtable keeps them for seven days"
    ))
}

/// What a range's records are noted as.
pub(super) fn feed_file(webhook_id: &str, first: u64, end: u64) -> String {
    format!("feed-{webhook_id}-{first}-{end}")
}

//! The change feed: payloads of a webhook, polled. Tells deletes and changes of computed fields, which no window sees.
//!
//! A webhook is for ever dead once it has expired or what it watches is gone, and its payloads are kept for seven days. So
//! a range is read only if every number of it is there; where one is not, changes are lost, and nobody is told otherwise.

use std::path::Path;

use reqwest::Method;

use super::payload::{Changed, Payload, Payloads};
use super::webhook::{MOST_WEBHOOKS, NewWebhook, Webhook, Webhooks, creation, named, suitable};
use super::{Changes, Limit, SETTLED_SECONDS};
use crate::client::Request;
use crate::drift::drift;
use crate::error::{Error, Purpose, Result};
use crate::extent::{Extent, Listed, Micros, Seconds};
use crate::known::KnownFiles;
use crate::offset::{FeedPosition, Mode, Offset, Position};
use crate::retry::Failure;
use crate::scan::{KnownIds, Scan, find_table};
use crate::wire::Tables;

/// Payloads of one answer. Airtable's page on webhooks.
const PAGE: u64 = 50;

/// A webhook lives so long after it was made, or last read.
const LIFE_SECONDS: Seconds = 7 * 86_400;

/// One that nothing happens to is read again so long after it was read.
const REFRESHED_AFTER_SECONDS: Seconds = 3_600;

/// Why a range of the feed cannot be read.
struct Lost(String);

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
        let position =
            |next, at, after| Position::Feed(FeedPosition { webhook_id: webhook.id.clone(), next, at, after });
        let Some(last) = last else {
            self.keep_alive(&webhook, now).await?;
            let (at, next) = (now, webhook.cursor_for_next_payload);
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
                self.range(&end.webhook_id, 1, Some(end.next), true).await?
            }
            Position::Start => return self.whole_table(end).await,
            Position::Feed(last) => self.between(last, end).await?,
            _ => return Err(super::other_kind()),
        };
        let mut changed = match changed {
            Ok(changed) => changed,
            Err(Lost(why)) => return self.lost(end, &why),
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
            && changed.created().next().is_some()
        {
            files.write(&format!("feed-{}-{}-{}", end.webhook_id, last.next, end.next), changed.created())?;
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
            self.client.wait_until(newest / 1_000_000 + 1 + SETTLED_SECONDS).await;
        }
        Ok(self.of_feed(Extent::Listed(listed), end.at, None))
    }

    /// Lets go of what is known of the time before a full read that has been written.
    pub(crate) fn forget_before(&self, end: &Offset) {
        let (Some(files), Position::Feed(end)) = (self.known_files(), &end.position) else { return };
        let own = |name: &str| {
            let mut parts = name.split('-').skip(1);
            let (webhook_id, first) = (parts.next(), parts.next().and_then(|number| number.parse::<u64>().ok()));
            webhook_id == Some(end.webhook_id.as_str()) && first.is_some_and(|first| first >= end.next)
        };
        files.keep_since(&full_file(end), own);
    }

    async fn between(&self, last: &FeedPosition, end: &FeedPosition) -> Result<Result<Changed, Lost>> {
        if last.webhook_id == end.webhook_id {
            return self.range(&last.webhook_id, last.next, Some(end.next), false).await;
        }
        // Another webhook goes on: what the last one has told since is read first, if it has told everything.
        let webhooks = self.webhooks().await?;
        let now = self.told_now()?;
        match webhooks.iter().find(|webhook| webhook.id == last.webhook_id) {
            None => Ok(Err(Lost(format!("webhook {} was deleted", last.webhook_id)))),
            Some(webhook) => match webhook.end(now) {
                Some(end) => Ok(Err(Lost(format!("webhook {} {end}", webhook.id)))),
                None => self.range(&webhook.id, last.next, None, false).await,
            },
        }
    }

    /// What payloads tell from a number on, up to another or the last. A transaction that begins in the range is read to
    /// its end, wherever that is.
    async fn range(
        &self,
        webhook_id: &str,
        first: u64,
        end: Option<u64>,
        may_begin_later: bool,
    ) -> Result<Result<Changed, Lost>> {
        let mut changed = Changed::new(self.plan);
        let (mut next, mut transaction) = (first, None);
        let end = end.unwrap_or(u64::MAX);
        let (mut may_begin_later, mut may_continue) = (may_begin_later, false);
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
                    return Ok(Err(Lost(format!("webhook {webhook_id} failed: {code}"))));
                }
                transaction = payload.base_transaction_number;
                changed.add(payload, fallback);
                number += 1;
            }
            if count == 0 && end != u64::MAX && !may_begin_later {
                return Ok(Err(missing(webhook_id, next)));
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
    async fn page(&self, webhook_id: &str, cursor: u64, limit: u64) -> Result<Result<Payloads, Lost>> {
        let request = Request {
            query: vec![("cursor", cursor.to_string()), ("limit", limit.to_string())],
            ..self.request(Method::GET, &[webhook_id, "payloads"])
        };
        match self.client.try_json(&request).await? {
            Ok(page) => Ok(Ok(page)),
            Err(Failure::Status { status: 404, .. }) => Ok(Err(Lost(format!("webhook {webhook_id} was deleted")))),
            Err(failure) => Err(self.client.error(&request, &failure)),
        }
    }

    /// The webhook to go on with.
    async fn webhook(&self, webhooks: &[Webhook], last: Option<&FeedPosition>, now: Seconds) -> Result<Webhook> {
        let table_id = &self.plan.table_id;
        if let Some(id) = &self.options.webhook_id {
            let webhook = named(webhooks, id, table_id)?;
            return match webhook.end(now) {
                None => Ok(webhook.clone()),
                Some(end) => Err(Error::Data(format!(
                    "option webhook_id is {id:?}: this webhook {end}: name another, or leave the option out and one is \
                     found or created"
                ))),
            };
        }
        if let Some(last) = last {
            let known = webhooks.iter().find(|webhook| webhook.id == last.webhook_id);
            match known.map(|webhook| (webhook, webhook.end(now))) {
                Some((webhook, None)) => return Ok(webhook.clone()),
                _ if self.options.reread_when_lost => {}
                Some((webhook, Some(end))) => return Err(self.lost_error(&format!("webhook {} {end}", webhook.id))),
                None => return Err(self.lost_error(&format!("webhook {} was deleted", last.webhook_id))),
            }
        }
        if let Some(webhook) = suitable(webhooks, table_id, now) {
            return Ok(webhook.clone());
        }
        self.new_webhook(now).await
    }

    /// Makes a webhook, unless another stream has made one meanwhile: all streams of a pipeline start at once, and a base
    /// has few places.
    async fn new_webhook(&self, now: Seconds) -> Result<Webhook> {
        let base_id = &self.plan.base_id;
        let _alone = self.client.alone(base_id, "webhook").await;
        let webhooks = self.webhooks().await?;
        if let Some(webhook) = suitable(&webhooks, &self.plan.table_id, now) {
            return Ok(webhook.clone());
        }
        if webhooks.len() >= MOST_WEBHOOKS {
            return Err(Error::Rejected(format!(
                "table {:?}: base {base_id} has {} webhooks, as many as a base holds, and none of them tells all changes of \
                 this table: delete one that nobody reads",
                self.plan.table_name,
                webhooks.len()
            )));
        }
        let creation =
            Request { purpose: Purpose::NewWebhook, body: Some(creation()), ..self.request(Method::POST, &[]) };
        let new: NewWebhook = match self.client.try_json(&creation).await? {
            Ok(new) => new,
            Err(failure) => {
                // The last place may have gone to a stream on another machine.
                let webhooks = self.webhooks().await?;
                let made = suitable(&webhooks, &self.plan.table_id, now).cloned();
                return made.ok_or_else(|| self.client.error(&creation, &failure));
            }
        };
        log::info!("base {base_id}: created webhook {}, to be polled: it notifies nobody", new.id);
        Ok(Webhook::new(new.id))
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>> {
        Ok(self.client.json::<Webhooks>(&self.request(Method::GET, &[])).await?.webhooks)
    }

    async fn keep_alive(&self, webhook: &Webhook, now: Seconds) -> Result<()> {
        if webhook.expires().is_some_and(|expires| expires - now < LIFE_SECONDS - REFRESHED_AFTER_SECONDS) {
            // Whatever it gives: asking is what counts.
            _ = self.page(&webhook.id, webhook.cursor_for_next_payload, 1).await?;
        }
        Ok(())
    }

    fn request(&self, method: Method, path: &[&str]) -> Request {
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
        let Ok(page) = self.page(&last.webhook_id, last.next, PAGE).await? else {
            // The range is read again and fails there.
            return Ok(head);
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut changed = Changed::new(self.plan);
        let (mut cut, mut number) = (None, last.next);
        for (index, payload) in page.payloads.iter().enumerate() {
            if number >= head {
                break;
            }
            changed.add(payload, 0);
            number += 1;
            let next: Option<&Payload> = page.payloads.get(index + 1);
            let ends = next.is_none_or(|next| {
                next.base_transaction_number.is_none()
                    || next.base_transaction_number != payload.base_transaction_number
            });
            // The last transaction of a full page may go on beyond it.
            let is_whole = ends && (next.is_some() || !page.might_have_more);
            if changed.len() > most && cut.is_some() {
                break;
            }
            if is_whole {
                cut = Some(number);
                if changed.len() >= most {
                    break;
                }
            }
        }
        Ok(cut.unwrap_or_else(|| number.max(last.next + 1)).min(head))
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
    async fn table_ids_between(&self, at: Seconds, after: Option<&str>, upto: Option<&str>) -> Result<Vec<String>> {
        let ids = self.listed_ids(Scan { changed_at: micros(at), ..self.plan.clone() }).await?;
        let first = after.map_or(0, |after| ids.partition_point(|id| id.as_str() <= after));
        let last = upto.map_or(ids.len(), |upto| ids.partition_point(|id| id.as_str() <= upto)).max(first);
        Ok(ids[first..last].to_vec())
    }

    /// The first read, or a part of it. What the feed tells after its position is newer than what is read here, so the
    /// read waits until everything before it shows.
    async fn whole_table(&self, end: &FeedPosition) -> Result<Scan> {
        if !self.was_quiet_before(end).await? {
            self.client.wait_until(end.at + SETTLED_SECONDS).await;
        }
        let Some(after) = &end.after else {
            return Ok(self.of_feed(Extent::All, end.at, self.known_ids(end, false)));
        };
        let ids = self.table_ids_between(end.at, None, Some(after)).await?;
        let present = ids.into_iter().map(|id| (id, micros(end.at))).collect();
        Ok(self.of_feed(Extent::Listed(Listed { present, ..Listed::default() }), end.at, None))
    }

    /// Whether the base had been left alone for some seconds when the feed was at a position. One request.
    async fn was_quiet_before(&self, end: &FeedPosition) -> Result<bool> {
        let settled = end.at - SETTLED_SECONDS;
        if end.next > 1 {
            let page = self.page(&end.webhook_id, end.next - 1, 1).await?;
            // The last payload, unless it is so old that it was let go.
            let last =
                page.ok().filter(|page| page.cursor == end.next).and_then(|page| page.payloads.into_iter().next());
            return Ok(last.is_none_or(|last| last.at().is_some_and(|at| at / 1_000_000 < settled)));
        }
        let webhooks = self.webhooks().await?;
        let webhook = webhooks.iter().find(|webhook| webhook.id == end.webhook_id);
        let born = webhook.and_then(Webhook::expires).map(|expires| expires - LIFE_SECONDS);
        Ok(born.is_some_and(|born| born < settled))
    }

    /// A full read in which vanished records are told, or an error where that is not wanted or not possible.
    fn lost(&self, end: &FeedPosition, why: &str) -> Result<Scan> {
        let Some(files) = self.known_files().filter(|_| self.options.reread_when_lost) else {
            return Err(self.lost_error(why));
        };
        if !files.has_others(&full_file(end)) {
            return Err(Error::Data(format!(
                "table {:?}: changes are lost: {why}; and option state_location holds no ids of earlier reads, so that \
                 vanished records cannot be told: empty the target, and start with a new checkpoint",
                self.plan.table_name
            )));
        }
        log::warn!("table {:?}: changes are lost: {why}: reading the whole table again", self.plan.table_name);
        Ok(self.of_feed(Extent::All, end.at, self.known_ids(end, true)))
    }

    fn lost_error(&self, why: &str) -> Error {
        Error::Data(format!(
            "table {:?}: changes are lost: {why}: start with a new checkpoint and an empty target; or set on_lost_feed to \
             reread from the first run on, which reads the table again and tells which records have vanished",
            self.plan.table_name
        ))
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

    fn of_feed(&self, extent: Extent, at: Seconds, known_ids: Option<KnownIds>) -> Scan {
        Scan { extent, changed_at: micros(at), known_ids, ..self.plan.clone() }
    }

    fn known_directory(&self) -> Option<String> {
        let location = self.options.state_location.as_ref().filter(|_| self.options.reread_when_lost)?;
        let directory = Path::new(location).join(format!("{}-{}", self.plan.base_id, self.plan.table_id));
        Some(directory.to_string_lossy().into_owned())
    }

    fn known_files(&self) -> Option<KnownFiles> {
        self.known_directory().map(KnownFiles::new)
    }

    fn known_ids(&self, end: &FeedPosition, tell_vanished: bool) -> Option<KnownIds> {
        let directory = self.known_directory()?;
        Some(KnownIds { directory, file: full_file(end), tell_vanished })
    }
}

fn full_file(end: &FeedPosition) -> String {
    format!("full-{}-{}", end.webhook_id, end.next)
}

fn missing(webhook_id: &str, number: u64) -> Lost {
    Lost(format!(
        "payloads of webhook {webhook_id} are missing from number {number} on, because Airtable keeps them for seven days"
    ))
}

fn micros(seconds: Seconds) -> Micros {
    seconds.saturating_mul(1_000_000)
}

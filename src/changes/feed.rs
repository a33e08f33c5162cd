//! The change feed: payloads of a webhook, polled. It tells deletes and changes of computed fields, which no window sees.
//!
//! A webhook is for ever dead once it has expired or what it watches is gone, and its payloads are kept for seven days. So
//! a range is read only if every number of it is there; where one is not, changes are lost, and nobody is told otherwise.
//!
//! [`next`] says where a stream goes; [`Feed`] asks what that takes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::airtable::client::Client;
use crate::airtable::payload::RecordChanges;
use crate::airtable::schema::Field;
use crate::changes::course::{Cut, Next, next};
use crate::changes::definition::{added, drift};
use crate::changes::heads::Heads;
use crate::changes::listing::Listing;
use crate::changes::offset::{FeedPosition, Mode, Position, Unread};
use crate::changes::payload_reader::{PayloadReader, Told};
use crate::changes::payloads::{Changed, may_leave};
use crate::changes::reread::{self, Lost, feed_file};
use crate::changes::unread::{Asked, MOST_UNREAD, PATIENCE_SECONDS, still_unread};
use crate::changes::webhook::{LIFE_SECONDS, Webhook};
use crate::changes::webhooks::{Chosen, LookedAt, Webhooks};
use crate::changes::windows::{last_of_batch, listed, part};
use crate::changes::{BEHIND, Limit, SETTLED_SECONDS};
use crate::error::{Error, Result};
use crate::options::{ColumnNames, ReadOptions, SchemaChange};
use crate::read::parts::Parts;
use crate::scan::{KnownIds, Scan, Selection};
use crate::time::{Micros, Seconds, micros, utc};

/// How long a service's clock that was put back is waited for.
const LONGEST_WAIT_FOR_A_STAMP: Duration = Duration::from_secs(600);

/// The feed of one planned table.
pub(super) struct Feed<'s> {
    pub(super) client: &'s Arc<Client>,
    pub(super) plan: &'s Scan,
    pub(super) options: &'s ReadOptions,
    pub(super) listing: Listing<'s>,
    pub(super) told: &'s Mutex<Option<Told>>,
    pub(super) asked: &'s Asked,
    pub(super) looked_at: &'s LookedAt,
    pub(super) heads: &'s Heads,
}

/// Where a feed goes, and what it has been told on the way.
pub(super) struct Reached {
    pub(super) position: Position,
    pub(super) has_more: bool,
    /// The table has got a field that the plan does not have.
    pub(super) has_new_field: bool,
    /// How old the answer is that says so; nothing where Airtable was asked now.
    pub(super) age: Duration,
}

impl Feed<'_> {
    /// Where the feed goes from `start` on. One question: how far the webhook is. Where something is new, what it tells is
    /// read, and which of these records can be read already; one more where a webhook that nothing happens to would
    /// expire, where none was looked at yet, and where there is none. No question where somebody else has asked since a
    /// time that will do, and nothing is new.
    pub(super) async fn latest(&self, start: Option<&Position>, limit: Limit<'_>) -> Result<Reached> {
        let last = match start {
            Some(Position::Feed(last)) => Some(last),
            _ => None,
        };
        let mut asking = None;
        if let Some((rests, since)) = last.filter(|last| self.may_rest(last, limit)).zip(limit.since) {
            match self.heads.rest(self.client, rests, since.moment()).await {
                Ok(age) => {
                    let position = Position::Feed(rests.clone());
                    return Ok(Reached { position, has_more: false, has_new_field: false, age });
                }
                Err(held) => asking = held,
            }
        }
        let Chosen { webhook, told: now } = self.webhooks().choose(self.options, last, limit.since).await?;
        let mut next = next(last, start.is_some(), &webhook, now, limit);
        if next.is_idle {
            self.webhooks().keep_alive(&webhook, now).await?;
        }
        if let Some(last) =
            last.filter(|last| last.webhook_id == webhook.id && webhook.cursor_for_next_payload == last.next)
        {
            self.heads.note_works(last);
        }
        drop(asking);
        match &next.cut {
            Cut::Nothing => {}
            // It is loaded in parts, from the first one on.
            Cut::Table { after: None, parts } => {
                let parts = match parts {
                    Some(parts) => parts.next(),
                    None => self.parts(limit).await?,
                };
                next.has_more |= parts.is_some();
                next.position.parts = parts;
            }
            Cut::Table { after, .. } => {
                let after = self.end_of_part(after.as_deref(), next.position.at, limit).await?;
                next.has_more |= after.is_some();
                next.position.after = after;
            }
            Cut::Feed { first, most } => {
                let whole = next.position.next;
                let end = self.payloads().end_of_batch(*first, whole, *most, &webhook.id).await?;
                if end != whole {
                    let at = now.max(last.map_or(now, |last| last.at));
                    next.position =
                        FeedPosition { webhook_id: webhook.id, next: end, at, after: None, parts: None, unread: None };
                    next.has_more = true;
                }
            }
        }
        let has_new_field = match start {
            Some(start) => self.look(start, &mut next, limit).await?,
            // Nobody knows from where on.
            None => false,
        };
        let (position, has_more) = (Position::Feed(next.position), next.has_more);
        Ok(Reached { position, has_more, has_new_field, age: Duration::ZERO })
    }

    /// Whether a stream has nothing to do at a position while its webhook stays there.
    fn may_rest(&self, last: &FeedPosition, limit: Limit<'_>) -> bool {
        let is_read = last.after.is_none() && last.parts.is_none() && last.unread.as_ref().is_none_or(Unread::is_empty);
        let is_its_own = self.options.webhook_id.as_ref().is_none_or(|id| *id == last.webhook_id);
        is_read && is_its_own && limit.target.is_none()
    }

    /// Notes which records a batch cannot read yet. Tells whether the table has got a field.
    async fn look(&self, start: &Position, next: &mut Next, limit: Limit<'_>) -> Result<bool> {
        if limit.of_run && !next.is_idle {
            return Ok(false);
        }
        let last = match start {
            Position::Feed(last) => Some(last),
            _ => None,
        };
        if let Some(last) = last.filter(|last| last.parts.is_some() && last.next == next.position.next) {
            // Nothing but the table is read here: what is awaited stays so.
            next.position.unread.clone_from(&last.unread);
            return Ok(false);
        }
        let Some(changed) = self.changed(start, next, limit).await? else {
            if next.position.unread.is_none() {
                next.position.unread = last.and_then(|last| last.unread.clone());
            }
            return Ok(false);
        };
        let unread = self.unread(&changed).await?;
        if let Some(last) = last.filter(|_| unread.len() > MOST_UNREAD) {
            let (table, count) = (&self.plan.table_name, unread.len());
            log::warn!(
                "table {table:?}: {count} records that the change feed told of cannot be read yet: waiting for them"
            );
            (next.position, next.has_more) = (last.clone(), false);
            return Ok(false);
        }
        next.position.unread = Some(unread);
        Ok(changed.new_field)
    }

    /// What is to be looked for; none where nothing is.
    async fn changed(&self, start: &Position, next: &Next, limit: Limit<'_>) -> Result<Option<Changed>> {
        let mut changed = Changed::new(self.plan);
        match start {
            // The table is read as it is: what was created just before may be missing.
            Position::Start if Mode::of(self.plan)? == Mode::CdcWithDeletes => {
                changed.also_created(self.payloads().before(&next.position).await?);
                Ok(Some(changed))
            }
            Position::Feed(last) if next.is_idle || matches!(next.cut, Cut::Table { .. }) => {
                // A run that has reached its end does not wait.
                let awaited = last.unread.as_ref().filter(|unread| !unread.is_empty() && limit.target.is_none());
                Ok(awaited.map(|unread| {
                    changed.also_awaited(unread);
                    changed
                }))
            }
            // What is lost is said where the range is read.
            _ => Ok(self.payloads().changes(start, &next.position).await?.ok()),
        }
    }

    /// The records that cannot be read yet, of those that were told of. They are asked for by their ids, and again from
    /// time to time.
    async fn unread(&self, changed: &Changed) -> Result<Unread> {
        let since = micros(self.listing.told_now()? - PATIENCE_SECONDS);
        let (fresh, awaited) = (changed.unsure(self.plan, since), changed.awaited());
        if let Some(newest) = changed.newest.filter(|_| !fresh.is_empty()) {
            self.settle(newest / 1_000_000 + 1).await;
        }
        let now = self.listing.told_now()?;
        let (due, later) = self.asked.split(awaited, now);
        // What may have left is read once more, and is gone if it is not there.
        let due = if may_leave(self.plan) { Unread::new() } else { due };
        let asked: Vec<&String> = fresh.keys().chain(due.keys()).collect();
        if asked.is_empty() {
            return Ok(later);
        }
        let readable = self.listing.readable(asked.iter().copied()).await?;
        self.asked.note(&asked, &readable, now);
        let mut unread = still_unread(fresh, &readable, since);
        if may_leave(self.plan) {
            // More than an offset is to hold are taken for gone at once.
            unread = unread.into_iter().take(MOST_UNREAD.saturating_sub(later.len())).collect();
        }
        unread.extend(later);
        unread.extend(still_unread(due, &readable, since));
        Ok(unread)
    }

    /// The scan of what payloads tell between two positions.
    pub(super) async fn scan(&self, start: &Position, end: &FeedPosition) -> Result<Scan> {
        // Another stream of deletes may have read the table long before: whatever is still known to have gone since is told.
        if *start == Position::Start && Mode::of(self.plan)? != Mode::Deletes {
            return self.whole_table(end).await;
        }
        if let Position::Feed(last) = start
            && last.parts.is_some()
            && (&last.webhook_id, last.next) == (&end.webhook_id, end.next)
        {
            return Ok(self.parts_between(last.at, last.parts, end.parts));
        }
        let mut changed = match self.payloads().changes(start, end).await? {
            Ok(changed) => changed,
            Err(loss) => return self.lost(end, &loss).await,
        };
        self.payloads().forget();
        if changed.definition {
            self.check_definition().await?;
        }
        if let Position::Feed(last) = start
            && let Some(after) = &last.after
        {
            let upto = end.after.as_deref().filter(|_| last.next == end.next);
            changed.also(self.table_part(last.at, Some(after), upto).await?, micros(last.at));
        }
        if let Position::Feed(last) = start
            && last.parts.is_some()
        {
            // Who set the end did not know of the parts.
            let rest = self.listing.ids_of(self.parts_between(last.at, last.parts, None)).await?;
            changed.also(rest.to_vec(), micros(last.at));
        }
        if let Some(unread) = &end.unread {
            changed.leave_out(unread);
        }
        if let Position::Feed(last) = start {
            self.note_known(&changed, last, end)?;
        }
        let newest = changed.newest;
        let listed = changed.listed(self.plan);
        if let Some(newest) = newest.filter(|_| !listed.present.is_empty()) {
            self.settle(newest / 1_000_000 + 1).await;
        }
        Ok(self.scan_of(Selection::Listed(listed), micros(end.at), None))
    }

    /// Notes the ids of a range's records where a stream must know them.
    fn note_known(&self, changed: &Changed, last: &FeedPosition, end: &FeedPosition) -> Result<()> {
        let store = reread::id_store(self.plan, self.options).filter(|_| changed.present().next().is_some());
        store.map_or(Ok(()), |store| store.write(&feed_file(last, end), changed.present()))
    }

    /// The first part of a table's first load; none where it is loaded in one.
    async fn parts(&self, limit: Limit<'_>) -> Result<Option<Parts>> {
        // A read that must know all ids notes them in one go.
        let notes = reread::id_store(self.plan, self.options);
        let (Some(most), false, None) = (limit.max_records, self.plan.only_gone, notes) else { return Ok(None) };
        Ok(Parts::first(self.listing.size().await?, most))
    }

    /// The records of some parts of a load that began at a time.
    fn parts_between(&self, at: Seconds, after: Option<Parts>, upto: Option<Parts>) -> Scan {
        let filter_formula = Parts::formula(after, upto, self.plan.filter_formula.as_deref());
        Scan { filter_formula, ..self.scan_of(Selection::All, micros(at - SETTLED_SECONDS), None) }
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
        if end.parts.is_some() {
            return Ok(self.parts_between(end.at, None, end.parts));
        }
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
        log::warn!("{}", self.client.scrub(Error::Data(said.into())));
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
        ).into()))
    }

    /// Stops before rows are written that the table no longer has, and, unless the stream is to go on, where it has more.
    async fn check_definition(&self) -> Result<()> {
        let table = self.listing.definition().await?;
        table.check()?;
        let planned = self.plan.field_ids();
        let is_read = |field: &&Field| self.plan.has_all_fields || planned.contains(&field.id.as_str());
        for field in table.fields.iter().filter(is_read) {
            table.check_field(field, self.options.column_names != ColumnNames::Id)?;
        }
        let mut changes = drift(self.plan, &table, self.options.nested);
        let added = added(self.plan, &table);
        if self.options.schema_change == SchemaChange::Continue {
            if !added.is_empty() {
                log::warn!("table {:?}: {}: {BEHIND}", self.plan.table_name, added.join("; "));
            }
        } else {
            changes.extend(added);
        }
        if changes.is_empty() {
            return Ok(());
        }
        Err(Error::Data(format!(
            "table {:?} is no longer as the stream was planned: {}: start the stream again, so that it is planned anew, \
             with a target that has its columns",
            self.plan.table_name,
            changes.join("; ")
        ).into()))
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
            let page = self.webhooks().page::<RecordChanges>(&end.webhook_id, end.next - 1, 1).await?;
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
        Webhooks { client: self.client, plan: self.plan, looked_at: self.looked_at, heads: self.heads }
    }

    fn payloads(&self) -> PayloadReader<'_> {
        PayloadReader {
            client: self.client,
            plan: self.plan,
            listing: &self.listing,
            told: self.told,
            looked_at: self.looked_at,
            heads: self.heads,
        }
    }

    fn scan_of(&self, selection: Selection, changed_at: Micros, known_ids: Option<KnownIds>) -> Scan {
        Scan { selection, changed_at, known_ids, ..self.plan.clone() }
    }
}

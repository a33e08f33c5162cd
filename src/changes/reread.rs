//! What happens when the feed cannot say what changed: the table is read as a whole, at the beginning of a stream and,
//! where that is wanted, after a loss; then the records that have vanished since are told from what is known of before.

use std::path::Path;

use super::payloads::{Lost, feed_file};
use super::webhook::{LIFE_SECONDS, Webhook};
use super::{Changes, SETTLED_SECONDS};
use crate::airtable::request::Request;
use crate::airtable::schema::Tables;
use crate::changes::definition::drift;
use crate::changes::offset::{FeedPosition, Offset, Position};
use crate::error::{Error, Result};
use crate::read::id_store::IdStore;
use crate::scan::selection::{Listed, Selection};
use crate::scan::{KnownIds, Scan, find_table};
use crate::time::micros;

/// Files of ranges beside each other before they are made one.
const MOST_FILES: usize = 50;

impl Changes<'_> {
    /// The first read, or a part of it. What the feed tells after its position is newer than what is read here, so the
    /// read waits until everything before it shows.
    pub(super) async fn whole_table(&self, end: &FeedPosition) -> Result<Scan> {
        self.settle_before(end).await?;
        // A little early: whatever the feed tells of these records is later.
        let at = end.at - SETTLED_SECONDS;
        let Some(after) = &end.after else {
            return Ok(self.of_feed(Selection::All, micros(at), self.known_ids(end, false)));
        };
        let ids = self.table_ids_between(end.at, None, Some(after)).await?;
        let present = ids.into_iter().map(|id| (id, micros(at))).collect();
        Ok(self.of_feed(Selection::Listed(Listed { present, ..Listed::default() }), micros(at), None))
    }

    /// Waits until everything before a position shows.
    async fn settle_before(&self, end: &FeedPosition) -> Result<()> {
        if !self.was_quiet_before(end).await? {
            self.settle(end.at).await;
        }
        Ok(())
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
    pub(super) async fn lost(&self, start: &Position, end: &FeedPosition, loss: &Lost) -> Result<Scan> {
        let (Lost::Gone(why) | Lost::Failed(why)) = loss;
        let Some(files) = self.known_files().filter(|_| self.options.reread_when_lost) else {
            return Err(self.lost_error(why));
        };
        if !files.has_other_full(&full_file(end)) {
            return Err(Error::Data(format!(
                "table {:?}: changes are lost: {why}; and option state_location holds no full read from before, so that \
                 vanished records cannot be told: empty the target, and start with a new checkpoint",
                self.plan.table_name
            )));
        }
        if matches!(loss, Lost::Failed(_)) && matches!(start, Position::Feed(last) if last.webhook_id == end.webhook_id)
        {
            return Err(Error::Data(format!(
                "table {:?}: changes are lost: {why}, but Airtable lists it as working: delete this webhook, and start the \
                 stream again: it makes another and reads the table anew",
                self.plan.table_name
            )));
        }
        // Whatever became of the table meanwhile was not told either.
        self.check_definition().await?;
        self.settle_before(end).await?;
        let said = format!("table {:?}: changes are lost: {why}: reading the whole table again", self.plan.table_name);
        log::warn!("{}", self.client.scrub(Error::Data(said)));
        // Later than anything that was told before, whose times are finer.
        Ok(self.of_feed(Selection::All, micros(end.at + 1), self.known_ids(end, true)))
    }

    pub(super) fn lost_error(&self, why: &str) -> Error {
        Error::Data(format!(
            "table {:?}: changes are lost: {why}: start with a new checkpoint and an empty target; or set on_lost_feed to \
             reread from the first run on, which reads the table again and tells which records have vanished",
            self.plan.table_name
        ))
    }

    /// Stops before rows are written that the table no longer has.
    pub(super) async fn check_definition(&self) -> Result<()> {
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

    /// Lets go of what is known of the time before a full read that has arrived, and makes one file of many.
    pub(crate) fn forget_before(&self, end: &Offset) -> Result<()> {
        let (Some(files), Position::Feed(end)) = (self.known_files(), &end.position) else { return Ok(()) };
        files.keep_since(&full_file(end), |name| {
            range_of(name, end).is_some_and(|(first, _)| first >= end.next) || is_later_full(name, end)
        });
        let arrived = |name: &str| range_of(name, end).is_some_and(|(_, last)| last <= end.next);
        files.fold(&feed_file(&end.webhook_id, 0, end.next), arrived, MOST_FILES)
    }

    fn known_directory(&self) -> Option<String> {
        let location = self.options.state_location.as_ref().filter(|_| self.options.reread_when_lost)?;
        // Streams of different parts of a table know different records.
        let part = format!("{:?} {:?}", self.plan.view_id, self.plan.filter_formula);
        let name = format!("{}-{}-{:016x}", self.plan.base_id, self.plan.table_id, fingerprint(&part));
        let directory = Path::new(location).join(name);
        Some(directory.to_string_lossy().into_owned())
    }

    pub(super) fn known_files(&self) -> Option<IdStore> {
        self.known_directory().map(IdStore::new)
    }

    fn known_ids(&self, end: &FeedPosition, tell_vanished: bool) -> Option<KnownIds> {
        let directory = self.known_directory()?;
        Some(KnownIds { directory, file: full_file(end), tell_vanished })
    }
}

fn full_file(end: &FeedPosition) -> String {
    format!("full-{}-{}", end.webhook_id, end.next)
}

/// Whether a file is that of a full read further on in the same feed.
fn is_later_full(name: &str, end: &FeedPosition) -> bool {
    let number = name.strip_prefix(&format!("full-{}-", end.webhook_id)).and_then(|number| number.parse::<u64>().ok());
    number.is_some_and(|number| number > end.next)
}

/// The numbers in the name of a range's file.
fn range_of(name: &str, end: &FeedPosition) -> Option<(u64, u64)> {
    let mut numbers = name.strip_prefix(&format!("feed-{}-", end.webhook_id))?.split('-').map(str::parse::<u64>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The same for the same text in every version of this package (FNV-1a).
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

//! [`Stream`]: the changes of one planned table, for whoever keeps its offset.
//!
//! Invariant: an offset that was given is never before the start that it was asked for.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::airtable::client::Client;
use crate::airtable::words::wall;
use crate::changes::definition::added;
use crate::changes::feed::{Feed, Reached};
use crate::changes::fields::{Back, Looks, back};
use crate::changes::heads::{Heads, Lists};
use crate::changes::listing::{ListedIds, Listing};
use crate::changes::log_feed::LogFeed;
use crate::changes::offset::{Cut, Known, Load, Mode, Offset, Position};
use crate::changes::payload_reader::Told;
use crate::changes::run_end::{Began, RunEnd, Stop};
use crate::changes::unread::Asked;
use crate::changes::webhooks::LookedAt;
use crate::changes::windows::{Answers, Bounds, Range, Step, Windows, listed, part};
use crate::changes::{BEHIND, Limit, Since, reread};
use crate::error::{Error, Result};
use crate::options::{ReadOptions, SchemaChange};
use crate::read::parts::Parts;
use crate::scan::{Listed, Scan, Selection};
use crate::time::{Seconds, micros};

/// The changes of one planned table.
///
/// Whoever reads them keeps an [`Offset`]. [`Stream::latest`] says where the next range from there ends, [`Stream::scan`]
/// gives the plan that reads the range, and [`Stream::commit`] takes note that it has arrived. Only the offset needs to be
/// kept over a crash.
#[derive(Debug)]
pub struct Stream {
    client: Arc<Client>,
    plan: Scan,
    options: ReadOptions,
    mode: Mode,
    listed: ListedIds,
    told: Arc<Mutex<Option<Told>>>,
    asked: Arc<Asked>,
    looked_at: LookedAt,
    heads: Heads,
    looks: Looks,
    run_end: Arc<RunEnd>,
}

/// Where a stream goes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    /// The end of the next range; the start itself where nothing is new.
    pub offset: Offset,
    /// There is more than that already: the next question need not wait.
    pub has_more: bool,
    /// How old the answer is by which that is known: nothing where Airtable was asked for it.
    pub age: Duration,
}

impl Stream {
    /// The stream of a plan, with the options that it was planned with.
    ///
    /// # Errors
    /// [`Error::Option`] for plans of snapshots, and for those that stop after a number of records.
    pub(crate) fn new(client: Arc<Client>, lists: Lists, plan: Scan, options: ReadOptions) -> Result<Self> {
        let mode = Mode::of(&plan)?;
        let (listed, told, asked, run_end) = (ListedIds::default(), Arc::default(), Arc::default(), Arc::default());
        let (looks, looked_at) = (Looks::new(&plan), LookedAt::default());
        let heads = Heads::new(&client, &plan.base_id, lists);
        Ok(Self { client, plan, options, mode, listed, told, asked, looked_at, heads, looks, run_end })
    }

    /// The same stream with the cache of another: what that one has listed or been told is not asked for again. Streams of
    /// other tables and plans have nothing to share, and do no harm.
    #[must_use]
    pub fn sharing(self, other: &Self) -> Self {
        Self { listed: other.listed.clone(), told: other.told.clone(), asked: other.asked.clone(), ..self }
    }

    /// The same stream, whose run ends where that of others with the same end does.
    #[must_use]
    pub fn ending_with(self, run_end: Arc<RunEnd>) -> Self {
        Self { run_end, ..self }
    }

    /// What every range is read as.
    pub fn plan(&self) -> &Scan {
        &self.plan
    }

    /// The offset at which the stream begins: nothing was given yet.
    pub fn initial(&self) -> Offset {
        self.offset(Position::Start)
    }

    /// Reads an offset of this stream; `{}` is the initial one.
    ///
    /// # Errors
    /// [`Error::Option`] for an offset of another stream or a newer version, or what is no offset at all.
    pub fn parse(&self, offset: &str) -> Result<Offset> {
        Offset::parse(offset, &self.plan)
    }

    /// From now on the stream goes no further than the source does when it is asked next. Said again, the first time
    /// counts.
    pub fn stop_at_latest(&self) {
        self.run_end.stop_at_latest();
    }

    /// The same for one of several streams of a run, as [`RunEnd::stop_at_latest_of`].
    pub fn stop_at_latest_of(&self, began: SystemTime) {
        self.run_end.stop_at_latest_of(began);
    }

    /// From now on the stream goes no further than `end`, which a stream of the same table and mode gave.
    pub fn stop_at(&self, end: Offset) {
        self.run_end.set(end, None);
    }

    /// Where the changes go to now from `start` on. `None` as the start is for who does not know it, as with a Spark that
    /// does not tell: such a range is not bounded. At most `max_records` records lie between the two where that is given;
    /// a range of a change feed goes on to the end of its last transaction.
    ///
    /// # Errors
    /// [`Error::Data`] for a change feed that has lost changes; what requests fail with.
    pub async fn latest(&self, start: Option<&Offset>, max_records: Option<u64>) -> Result<Latest> {
        self.goes_on(start, max_records, None).await
    }

    /// The same for a stream that asks again and again: what some stream of the base on this machine was told in the last
    /// `poll_seconds` will do. A run that ends somewhere is not concerned.
    ///
    /// # Errors
    /// As [`Stream::latest`].
    pub async fn poll(&self, start: Option<&Offset>, max_records: Option<u64>) -> Result<Latest> {
        let poll = u64::try_from(self.options.poll.as_micros()).unwrap_or(u64::MAX);
        self.goes_on(start, max_records, Some(Since::Poll(wall().saturating_sub(poll)))).await
    }

    /// How long nobody need ask again after [`Stream::poll`] has given this.
    pub fn rest_after(&self, latest: &Latest) -> Duration {
        if latest.has_more { Duration::ZERO } else { self.options.poll.saturating_sub(latest.age) }
    }

    async fn goes_on(&self, start: Option<&Offset>, max_records: Option<u64>, since: Option<Since>) -> Result<Latest> {
        let (target, since) = match self.run_end.get() {
            Stop::Never => return self.next(start, Limit { max_records, since, ..Limit::default() }).await,
            Stop::At(target, began) => (*target, began.map(Began::since)),
            Stop::AtLatest(began) => {
                let (of_run, since) = (max_records.is_some() && start.is_some(), Some(began.since()));
                let target = self.next(start, Limit { of_run, since, ..Limit::default() }).await?.offset;
                self.run_end.set(target.clone(), Some(began));
                (target, since)
            }
        };
        let reached = |offset, has_more| Ok(Latest { offset, has_more, age: Duration::ZERO });
        if let Some(start) = start.filter(|start| target.is_before(start)) {
            return reached(start.clone(), false);
        }
        // What can be read at the end of a run is found out by its last batch. A log reads nothing but payloads.
        let is_known = self.plan.is_log() || !matches!(&target.position, Position::Feed(end) if end.unread.is_none());
        let is_batch = max_records.is_none() && is_known;
        if is_batch || start.is_none_or(|start| *start == target) {
            return reached(target, false);
        }
        let limit = Limit { max_records, target: Some(&target.position), of_run: false, since };
        let Latest { offset, .. } = self.next(start, limit).await?;
        // Where nothing moves, nothing more comes, whatever the target was.
        let has_more = offset != target && start != Some(&offset);
        reached(offset, has_more)
    }

    /// How far the source is known to go, where an offset that [`Stream::latest`] gave is not all: to the end of the run, or
    /// of the window of which it is a part. No request.
    pub fn known_end(&self, latest: &Offset) -> Option<Offset> {
        if let Stop::At(end, _) = self.run_end.get() {
            return Some(*end).filter(|end| !end.is_before(latest));
        }
        match &latest.position {
            Position::Cut(cut) => Some(Offset { position: Position::Until(cut.until), ..latest.clone() }),
            Position::Load(load) => Some(Offset { position: Position::Until(load.until), ..latest.clone() }),
            Position::Start | Position::Until(_) | Position::Feed(_) => None,
        }
    }

    /// The plan that reads what changed from `start`, which was given already, to `end`. The first range of a stream, from
    /// `None` or the initial offset on, is the whole table.
    ///
    /// # Errors
    /// As [`Stream::latest`]; [`Error::Data`] also where the table is no longer as it was planned; [`Error::Option`] for
    /// offsets that do not belong together.
    pub async fn scan(&self, start: Option<&Offset>, end: &Offset) -> Result<Scan> {
        let scan = async {
            if start == Some(end) {
                let selection = Selection::Listed(Listed::default());
                return Ok(Scan { selection, known_ids: None, ..self.plan.clone() });
            }
            let back = start.and_then(|start| self.back(start));
            if let Some(back) = &back {
                log::warn!("table {:?}: its fields are others than before: {back}", self.plan.table_name);
            }
            let again = start.and_then(|start| start.known.as_ref()).and_then(|known| known.changed_from);
            let changed_from = back.as_ref().map(|back| back.changed_from).or(again).unwrap_or_default();
            let before = start.map_or(&Position::Start, |offset| &offset.position);
            let position = back.as_ref().map_or(before, |back| &back.position);
            let scan = match &end.position {
                Position::Start => {
                    Err(Error::Option("the range ends where the stream begins: exchange its offsets".into()))
                }
                Position::Until(_) | Position::Cut(_) | Position::Load(_) => self.window(position, &end.position).await,
                Position::Feed(end) if self.mode == Mode::ChangeLog => self.log_feed().scan(position, end).await,
                Position::Feed(end) => self.feed().scan(position, end).await,
            }?;
            Ok(Scan { changed_from, ..scan })
        };
        scan.await.map_err(|error| self.client.scrub(error))
    }

    /// Says that everything before `end` has arrived: what was kept to tell of it is let go.
    ///
    /// # Errors
    /// [`Error::Option`] for a place of the state that cannot be read or written.
    pub fn commit(&self, end: &Offset) -> Result<()> {
        reread::forget_before(&self.plan, &self.options, end)
    }

    async fn next(&self, start: Option<&Offset>, limit: Limit<'_>) -> Result<Latest> {
        let next = async {
            let back = start.and_then(|start| self.back(start));
            let position = back.as_ref().map(|back| &back.position).or(start.map(|start| &start.position));
            let Reached { position: end, has_more, has_new_field, age } = match self.mode {
                Mode::Cdc | Mode::Append => self.next_window(position, limit).await?,
                Mode::CdcWithDeletes | Mode::Deletes => self.feed().latest(position, limit).await?,
                Mode::ChangeLog => self.log_feed().latest(position, limit).await?,
            };
            self.look(start).await?;
            let is_back = back.is_some()
                && matches!((start.map(|start| &start.position), &end),
                (Some(Position::Until(last)), Position::Until(until)) if until < last);
            if let Some(start) = start.filter(|_| position == Some(&end) || is_back) {
                return Ok(Latest { offset: start.clone(), has_more, age });
            }
            let known = self.known(start, back.as_ref(), &end, has_more, has_new_field);
            Ok(Latest { offset: Offset { known, ..self.offset(end) }, has_more, age })
        };
        next.await.map_err(|error| self.client.scrub(error))
    }

    /// How far the stream goes back from an offset, where it was made without some of the plan's fields.
    fn back(&self, offset: &Offset) -> Option<Back> {
        back(offset, &self.plan, self.options.schema_change)
    }

    /// Looks at the table's definition, if it is time to: whether it has fields that the stream lacks. A feed tells so
    /// itself, once it has begun.
    async fn look(&self, start: Option<&Offset>) -> Result<()> {
        let begins = start.is_none_or(|start| start.position == Position::Start);
        let is_feed = self.mode.is_feed();
        // Where nothing was asked, nothing is new either.
        let Ok(now) = self.listing().told_now() else { return Ok(()) };
        if !self.plan.has_all_fields
            || self.plan.only_gone
            || self.plan.is_log()
            || is_feed && !begins
            || !self.looks.is_due(now)
        {
            return Ok(());
        }
        let added = added(&self.plan, &self.listing().definition().await?);
        if added.is_empty() {
            self.looks.complete(now);
            return Ok(());
        }
        let (table, added) = (&self.plan.table_name, added.join("; "));
        // A feed that has read nothing yet starts again at no cost.
        if is_feed || self.options.schema_change == SchemaChange::Fail {
            let or = if is_feed { "" } else { "; or set schema_change to continue, and it goes on without" };
            return Err(Error::Data(format!(
                "table {table:?} is no longer as the stream was planned: {added}: start the stream again, so that it is \
                 planned anew, with a target that has its columns{or}"
            ).into()));
        }
        self.looks.fell_behind();
        log::warn!("table {table:?}: {added}: {BEHIND}");
        Ok(())
    }

    /// What an offset says of the table's fields.
    fn known(
        &self,
        start: Option<&Offset>,
        back: Option<&Back>,
        end: &Position,
        has_more: bool,
        has_new_field: bool,
    ) -> Option<Known> {
        let mut known = self.looks.known(&self.plan, start, self.windows().settled())?;
        let before = start.and_then(|start| start.known.as_ref());
        let same = before.filter(|before| before.fields == known.fields);
        // A selection is never behind: it lacks fields that it is not to have.
        let is_behind = has_new_field && known.fields.are_all;
        known.sure = match end {
            Position::Start => return None,
            Position::Until(until) | Position::Cut(Cut { until, .. }) | Position::Load(Load { until, .. }) => {
                known.sure.filter(|sure| sure < until)
            }
            Position::Feed(_) => same.and_then(|known| known.sure).or(match start.map(|start| &start.position) {
                Some(Position::Feed(last)) if is_behind && self.options.schema_change == SchemaChange::Continue => {
                    i64::try_from(last.next).ok()
                }
                _ => None,
            }),
        };
        let goes_on =
            matches!(end, Position::Cut(_) | Position::Load(_)) || matches!(end, Position::Feed(_)) && has_more;
        let again = back.map(|back| back.changed_from).or(before.and_then(|known| known.changed_from));
        known.changed_from = again.filter(|_| goes_on);
        Some(known)
    }

    async fn next_window(&self, start: Option<&Position>, limit: Limit<'_>) -> Result<Reached> {
        let (windows, listing) = (self.windows(), self.listing());
        if matches!(start, Some(Position::Until(_))) {
            listing.forget();
        }
        let (mut now, mut is_quiet, mut ids, mut size) = (None, None, None, None);
        loop {
            let ids_known = ids.as_ref().map(|ids: &Arc<Vec<String>>| ids.as_slice());
            let known = Answers { now, is_quiet, ids: ids_known, size };
            match windows.next(start, limit, known) {
                Step::AskTime => now = Some(listing.now().await?),
                Step::AskQuiet(window) => {
                    is_quiet = Some(listing.is_empty(Selection::Window(window)).await?);
                    // The answer has told the time.
                    now = listing.told_now().ok();
                }
                Step::List(window) => {
                    ids = Some(listing.ids_of(self.scan_of(windows.selection(window), window.until)).await?);
                }
                Step::AskSize => {
                    size = Some(listing.size().await?);
                    now = listing.told_now().ok();
                }
                Step::Done(position) => {
                    let has_more = matches!(position, Position::Cut(_) | Position::Load(_));
                    return Ok(Reached { position, has_more, has_new_field: false, age: Duration::ZERO });
                }
            }
        }
    }

    /// The scan of the windows between two positions.
    async fn window(&self, start: &Position, end: &Position) -> Result<Scan> {
        let (windows, listing) = (self.windows(), self.listing());
        let (range, until) = windows.between(start, end)?;
        let load = |until, after, upto| {
            let window = Bounds { since: None, until };
            let filter_formula = Parts::formula(after, upto, self.plan.filter_formula.as_deref());
            Scan { filter_formula, ..self.scan_of(windows.selection(window), until) }
        };
        let selection = match range {
            Range::Parts { until, after, upto } => return Ok(load(until, after, upto)),
            Range::PartsAnd { rest, next } => {
                let mut all = listing.ids_of(load(rest.until, Some(rest.parts), None)).await?.to_vec();
                let ids = listing.ids_of(self.scan_of(windows.selection(next), next.until)).await?;
                all.extend(ids.iter().cloned());
                listed(all, until)
            }
            Range::Selected(selection) => selection,
            Range::Part { window, after, upto } => {
                let ids = listing.ids_of(self.scan_of(windows.selection(window), window.until)).await?;
                listed(part(&ids, after, upto).iter().cloned(), until)
            }
            Range::RestAnd { rest, next } => {
                let window = rest.into();
                let ids = listing.ids_of(self.scan_of(windows.selection(window), window.until)).await?;
                let mut all = part(&ids, Some(&rest.after), None).to_vec();
                let ids = listing.ids_of(self.scan_of(windows.selection(next), next.until)).await?;
                all.extend(ids.iter().cloned());
                listed(all, until)
            }
        };
        Ok(self.scan_of(selection, until))
    }

    fn scan_of(&self, selection: Selection, until: Seconds) -> Scan {
        // The moment tells windows apart that have the same selection.
        Scan { selection, changed_at: micros(until), ..self.plan.clone() }
    }

    fn offset(&self, position: Position) -> Offset {
        let (base_id, table_id) = (self.plan.base_id.clone(), self.plan.table_id.clone());
        Offset { base_id, table_id, mode: self.mode, position, known: None }
    }

    fn windows(&self) -> Windows {
        Windows::new(self.plan.ingestion_type, self.options.lookback)
    }

    fn listing(&self) -> Listing<'_> {
        Listing { client: &self.client, plan: &self.plan, listed: &self.listed }
    }

    fn log_feed(&self) -> LogFeed<'_> {
        let (listing, looked_at, heads) = (self.listing(), &self.looked_at, &self.heads);
        LogFeed { client: &self.client, plan: &self.plan, options: &self.options, listing, looked_at, heads }
    }

    fn feed(&self) -> Feed<'_> {
        let (listing, told, asked) = (self.listing(), &*self.told, &*self.asked);
        let (looked_at, heads) = (&self.looked_at, &self.heads);
        Feed { client: &self.client, plan: &self.plan, options: &self.options, listing, told, asked, looked_at, heads }
    }
}

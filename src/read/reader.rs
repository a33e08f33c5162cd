//! The task behind a read: asks for the pages that the plan and [`Walks`] want, decodes them, and hands batches on.
//!
//! Invariants: every record is given exactly once, however often the cursor expires; a cursor that leads nowhere ends in
//! an error, not in a loop; the next page is on its way while one is decoded.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cursor::offset_at_end;
use super::formula;
use super::id_store::IdStore;
use super::known_size::KnownSize;
use super::names::{LinkNames, NamesOfRead};
use super::request;
use super::split::Split;
use super::stats::Progress;
use super::walks::{Arrival, Ask, Next, Recovery, Walks};
use crate::airtable::client::{Answer, Client};
use crate::airtable::failure::Failure;
use crate::airtable::formula::{among, both, ids_formula};
use crate::airtable::request::Request;
use crate::decode::Decoder;
use crate::error::{Error, Result};
use crate::refine::Refine;
use crate::scan::selection::{Listed, MOST_LOOKED_FOR, Selection};
use crate::scan::{KnownIds, Scan};

/// Rows of one batch. From some 500 on Spark's rate no longer grows with them, and what is read ahead of a consumer that
/// stops is lost budget: ten pages are two seconds of it.
pub(super) const ROWS: usize = 1_000;

/// JSON bytes of one batch, for tables of long texts.
pub(super) const BYTES: usize = 16 << 20;

/// A consumer that waits is given what there is, but not more often than this: small batches cost Spark a fifth to a half
/// of its rate, and matter only where pages come quickly.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// How long records that a feed told of are given each time before they are asked for once more. Few are.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// Records asked for by name in one request: what one page holds, and what a formula of documented length can name.
const IDS: usize = 100;

/// The task behind [`Batches`](super::Batches).
pub(super) struct Reader {
    client: Arc<Client>,
    names: Arc<LinkNames>,
    scan: Scan,
    decoder: Decoder,
    flushed: Instant,
    progress: Arc<Progress>,
}

/// The walks through some records, and the pages of theirs that are on their way.
struct Pages {
    walks: Walks,
    fetches: JoinSet<Fetched>,
    began: Instant,
    /// The formula, but for that of the plan's condition.
    formula: Option<String>,
    /// That is a part of what is sent.
    asks_condition: bool,
}

/// A page that was asked for.
struct Fetched {
    walk: usize,
    request: Request,
    answer: Result<Answer, Failure>,
}

impl Reader {
    pub(super) fn new(client: Arc<Client>, names: Arc<LinkNames>, scan: Scan, progress: Arc<Progress>) -> Self {
        let decoder = Decoder::new(&scan.decoded());
        // The first page is handed on at once. (A machine that has just started knows no earlier time.)
        let flushed = Instant::now().checked_sub(PAUSE).unwrap_or_else(Instant::now);
        Self { client, names, scan, decoder, flushed, progress }
    }

    pub(super) async fn run(self, batches: mpsc::Sender<Result<RecordBatch>>) {
        if self.scan.is_plain() {
            return Box::pin(self.read(batches)).await;
        }
        let (client, progress, table) = (self.client.clone(), self.progress.clone(), self.scan.table_name.clone());
        let names = NamesOfRead::new(self.names.clone(), client.clone(), self.scan.clone(), progress.clone());
        let refine = match Refine::new(&client, &self.scan, Box::new(names), progress.tally(), progress.files()) {
            Ok(refine) => refine,
            Err(error) => {
                _ = batches.send(Err(error)).await;
                return;
            }
        };
        // The next pages are read while what has been decoded becomes what was planned.
        let (sender, decoded) = mpsc::channel(1);
        let rescued = |refine: &Refine| progress.refined(refine.rescued());
        // On the heap: the futures of both are large, and whoever runs several readers holds all of them.
        let refining = Box::pin(refine.run(decoded, &client, &batches, rescued));
        tokio::join!(Box::pin(self.read(sender)), refining);
        if refine.dropped() > 0 {
            log::warn!(
                "table {table:?}: {} files of attachments cannot be had, and no column tells why: read records with a \
                 rescued data column to keep the reasons",
                refine.dropped()
            );
        }
    }

    async fn read(mut self, batches: mpsc::Sender<Result<RecordBatch>>) {
        match self.select(&batches).await {
            Ok(()) if self.decoder.dropped() > 0 => log::warn!(
                "table {:?}: {} values did not fit their columns and are NULL, or have U+FFFD for half a character: read with a \
                 rescued data column to keep them",
                self.scan.table_name,
                self.decoder.dropped()
            ),
            Ok(()) => {}
            // Where nobody listens any more nobody misses it.
            Err(error) => _ = batches.send(Err(self.client.scrub(error))).await,
        }
    }

    async fn select(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        match self.scan.selection.clone() {
            Selection::All => self.pages(None, true, batches).await?,
            Selection::Window(window) => self.pages(window.formula(), true, batches).await?,
            Selection::Listed(listed) => self.listed(&listed, batches).await?,
            Selection::Payloads(_) => {
                return Err(Error::Data(
                    "a plan of payloads that is none of a log of changes: plan the read anew".into(),
                ));
            }
        }
        if let Some(known) = self.scan.known_ids.clone() {
            self.known(known, batches).await?;
        }
        self.flush(batches).await
    }

    /// Reads records by name, and tells of those that are gone. What a feed told of and that is neither there nor gone is
    /// asked for once more, or a few times, and then left out, with a warning.
    async fn listed(&mut self, listed: &Listed, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        for some in listed.present.chunks(IDS) {
            if batches.is_closed() {
                return Ok(());
            }
            self.named(some, batches).await?;
            for (id, at) in some.iter().filter(|_| listed.absent_are_gone) {
                if !self.decoder.rows.has_met(id) {
                    self.gone(id, *at, batches).await?;
                }
            }
        }
        for (id, at) in &listed.gone {
            self.gone(id, *at, batches).await?;
        }
        if !self.scan.is_told_by_feed() {
            return Ok(());
        }
        // Answers come from several machines, not all of which need know a record yet. One more look suffices where the
        // records were found before the range was planned.
        let looks = if listed.present.len() > MOST_LOOKED_FOR { PAUSES.len() } else { 1 };
        for pause in PAUSES.into_iter().take(looks) {
            let missing: Vec<_> = self.missing(listed).cloned().collect();
            if missing.is_empty() || batches.is_closed() {
                return Ok(());
            }
            self.client.pause(pause).await;
            for some in missing.chunks(IDS) {
                self.named(some, batches).await?;
            }
        }
        if let Some((id, _)) = self.missing(listed).next() {
            log::warn!(
                "table {:?}: {} records that the change feed told of cannot be read, {id} for one: what was deleted \
                 meanwhile comes as deleted in a later batch; if the record is there, edit it, and it comes again",
                self.scan.table_name,
                self.missing(listed).count()
            );
        }
        Ok(())
    }

    /// Reads as many records as one request can name.
    async fn named(&mut self, some: &[(String, i64)], batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        self.decoder.rows.expect(some);
        self.pages(Some(ids_formula(some.iter().map(|(id, _)| id.as_str()))), false, batches).await
    }

    /// Those that were to be read and were not.
    fn missing<'l>(&self, listed: &'l Listed) -> impl Iterator<Item = &'l (String, i64)> + use<'l, '_> {
        listed.present.iter().filter(|(id, _)| !self.decoder.rows.has_seen(id))
    }

    /// Notes the records of this read, and tells which of earlier ones have vanished, if that is wanted.
    async fn known(&mut self, known: KnownIds, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        if batches.is_closed() || self.decoder.is_satisfied() {
            // Not all records were met.
            return Ok(());
        }
        let files = IdStore::new(&known.directory);
        files.write(&known.file, self.decoder.rows.ids())?;
        if known.tell_vanished {
            for id in files.all_but(&known.file)? {
                self.gone(&id, self.scan.changed_at, batches).await?;
            }
        }
        Ok(())
    }

    async fn gone(&mut self, id: &str, at: i64, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        self.decoder.rows.gone(id, at);
        if self.decoder.rows() >= ROWS { self.flush(batches).await } else { Ok(()) }
    }

    /// Reads the pages of all records that fulfil a formula; by several cursors where that is quicker and allowed.
    async fn pages(
        &mut self,
        formula: Option<String>,
        may_divide: bool,
        batches: &mpsc::Sender<Result<RecordBatch>>,
    ) -> Result<()> {
        let filter = self.scan.filter_formula.as_ref().map(|formula| format!("({formula})"));
        let formula = if formula.is_some() { both(filter, formula) } else { self.scan.filter_formula.clone() };
        // Of records that are asked for by name as many come anyhow, in as many pages.
        let asked = formula::of_condition(&self.scan).filter(|_| may_divide);
        let asks_condition = asked.is_some();
        let sent = among(asked, formula.as_deref());
        // Of windows the next one tells nothing.
        let is_table = matches!(self.scan.selection, Selection::All) && self.scan.max_records.is_none();
        let known = is_table.then(|| KnownSize::of(&self.client, &self.scan, sent.as_deref()));
        let expected = known.as_ref().and_then(KnownSize::records);
        let walks = self.walks(sent, may_divide, expected);
        let mut pages = Pages { walks, fetches: JoinSet::new(), began: Instant::now(), formula, asks_condition };
        let first = pages.walks.start();
        self.ask(&mut pages, &first);
        self.follow_all(&mut pages, batches).await?;
        let is_whole = !self.decoder.is_satisfied() && !batches.is_closed();
        if pages.asks_condition
            && is_whole
            && let Some(why) = formula::doubt(&self.client, &self.scan, &self.progress).await
        {
            self.begin_without_condition(&mut pages, &why);
            self.follow_all(&mut pages, batches).await?;
        }
        if let Some(known) = known.filter(|_| pages.asks_condition == asks_condition && !batches.is_closed()) {
            known.note(self.decoder.records() as u64);
        }
        Ok(())
    }

    /// Takes in the pages that were asked for, and those that they lead to.
    async fn follow_all(&mut self, pages: &mut Pages, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        while let Some(fetched) = self.next_page(&mut pages.fetches, batches).await? {
            self.take(pages, fetched).await?;
            if pages.walks.is_read() || self.decoder.is_satisfied() || batches.is_closed() {
                break;
            }
            if self.decoder.rows() + self.scan.page_size as usize > ROWS || self.decoder.bytes() >= BYTES {
                self.flush(batches).await?;
            }
        }
        Ok(())
    }

    fn walks(&self, formula: Option<String>, may_divide: bool, expected: Option<u64>) -> Walks {
        let (pace, page_size) = (self.client.requests_per_second(), self.scan.page_size);
        let split = may_divide.then(|| Split::new(pace, page_size).expecting(expected));
        Walks::new(formula, self.scan.max_records.is_some(), split)
    }

    /// The next page that comes; hands on what there is if that is wanted meanwhile. None when none was asked for.
    async fn next_page(
        &mut self,
        fetches: &mut JoinSet<Fetched>,
        batches: &mpsc::Sender<Result<RecordBatch>>,
    ) -> Result<Option<Fetched>> {
        loop {
            let has_rows = self.decoder.rows() > 0;
            let due = self.flushed + PAUSE;
            let permit = async {
                tokio::time::sleep_until(due).await;
                batches.reserve().await
            };
            tokio::select! {
                biased;
                page = fetches.join_next() => return page.transpose().map_err(died),
                permit = permit, if has_rows => match permit {
                    Ok(permit) => {
                        permit.send(Ok(self.decoder.finish()?));
                        self.flushed = Instant::now();
                    }
                    Err(_) => return Err(Error::Transport("the read was given up".into())),
                },
            }
        }
    }

    /// Takes in a page, and asks for what is wanted next.
    async fn take(&mut self, pages: &mut Pages, fetched: Fetched) -> Result<()> {
        let Fetched { walk, request, answer } = fetched;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) if pages.asks_condition && failure.is_refused_formula() && pages.walks.is_whole(walk) => {
                // Not by the error's text, which says how to correct a formula of the user's.
                let (asked, told) = (self.client.name(&request), failure.in_short());
                let why = format!(
                    "it was refused: {asked}: {told}: a field may have another name since the read was planned"
                );
                self.begin_without_condition(pages, &why);
                return Ok(());
            }
            Err(failure) => return self.recover(pages, walk, &request, &failure),
        };
        let arrival = Arrival {
            walk,
            at: pages.began.elapsed(),
            took: answer.took,
            bytes: answer.body.len(),
            records: self.decoder.records(),
        };
        let (arrived, next) = pages.walks.arrive(arrival, offset_at_end(&answer.body));
        if self.follow(pages, &next) {
            // Requests are on their way once their tasks have run.
            tokio::task::yield_now().await;
        }
        let page = self.decoder.page(&answer.body).map_err(|error| self.about(&request, error))?;
        drop(answer);
        let next = pages.walks.advance(&arrived, page).map_err(|error| self.about(&request, error))?;
        self.progress.rescued(self.decoder.rescued());
        // How many of them fulfil a condition nobody knows.
        let is_known = self.scan.restriction.is_none() && self.scan.choice.is_none();
        self.progress.expect(pages.walks.expected_records().filter(|_| is_known));
        self.follow(pages, &next);
        Ok(())
    }

    /// Begins again without asking Airtable for what fulfils the condition: a field may have another name by now. What has
    /// come is not given again.
    fn begin_without_condition(&self, pages: &mut Pages, why: &str) {
        log::warn!(
            "table {:?}: read without a formula for the option where, whose rows are chosen here, because {why}",
            self.scan.table_name
        );
        pages.fetches = JoinSet::new();
        pages.walks = self.walks(pages.formula.clone(), true, None).after(&pages.walks);
        pages.asks_condition = false;
        let first = pages.walks.start();
        self.ask(pages, &first);
    }

    /// Goes on after a failure, if there is a way.
    fn recover(&self, pages: &mut Pages, walk: usize, request: &Request, failure: &Failure) -> Result<()> {
        let records = self.decoder.records();
        let recovery = pages.walks.fail(walk, failure, records).map_err(|error| self.about(request, error))?;
        let table = &self.scan.table_name;
        let error = self.client.error(request, failure);
        match recovery {
            Recovery::Restart(ask) => {
                log::info!(
                    "table {table:?}: the page cursor expired after {records} records: reading again from the first page"
                );
                self.ask(pages, &ask);
            }
            Recovery::Cut(ask) => {
                log::info!(
                    "table {table:?}: the page cursor expired after {records} records, and reading again leads no further: \
                     reading the rest in smaller shares"
                );
                self.ask(pages, &ask);
            }
            Recovery::Whole(ask) => {
                log::warn!("table {table:?}: reading it whole again, as its shares are refused: {error}");
                self.ask(pages, &ask);
            }
            Recovery::NoSample => log::info!("table {table:?}: read by one cursor: no sample of it: {error}"),
            Recovery::Again(ask) => {
                log::warn!("table {table:?}: asking once more, by one cursor: {error}");
                self.ask(pages, &ask);
            }
            Recovery::Later => log::warn!("table {table:?}: asking again when the other cursors are done: {error}"),
            Recovery::Join(ask) => {
                log::warn!("table {table:?}: read by one cursor from here on: {error}");
                pages.fetches = JoinSet::new();
                self.ask(pages, &ask);
            }
            Recovery::None => return Err(error),
        }
        Ok(())
    }

    /// Asks for the pages that are wanted next; false where there are none.
    fn follow(&self, pages: &mut Pages, next: &Next) -> bool {
        if let Some(cursors) = next.divided {
            log::info!("table {:?}: read by {cursors} cursors at once", self.scan.table_name);
        }
        for ask in &next.asks {
            self.ask(pages, ask);
        }
        !next.asks.is_empty()
    }

    fn ask(&self, pages: &mut Pages, ask: &Ask) {
        let formula = pages.walks.formula(ask.walk);
        let request = request::page(&self.client, &self.scan, formula, ask.offset.as_deref());
        let (client, tally, walk) = (self.client.clone(), self.progress.tally().clone(), ask.walk);
        pages.fetches.spawn(async move {
            let answer = client.answer(&request, &tally).await;
            Fetched { walk, request, answer }
        });
    }

    async fn flush(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        if self.decoder.rows() > 0 {
            let batch = self.decoder.finish()?;
            // A closed channel ends the loop that called.
            _ = batches.send(Ok(batch)).await;
            self.flushed = Instant::now();
        }
        Ok(())
    }

    /// Adds the request to an error of a layer that does not know it.
    fn about(&self, request: &Request, error: Error) -> Error {
        let is_about_data = matches!(&error, Error::Data(text) if !text.starts_with("table "));
        if !is_about_data {
            return error;
        }
        let name = self.client.name(request);
        error.map_text(|text| format!("{name}: {text}")).of_request(name)
    }
}

/// A reader that stops without saying so must not look like the end of the table.
pub(crate) fn died(error: tokio::task::JoinError) -> Error {
    let why = match error.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
        }
        Err(error) => error.to_string(),
    };
    Error::Data(
        format!("the read ended before the table did, by a fault of this package: {why}: please report it").into(),
    )
}

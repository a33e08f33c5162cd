//! Pages of the records that fulfil a formula, by one cursor or by several at once, into the decoder.
//!
//! Invariants: what one cursor would have read is read, however many there are; a cursor that expires begins its own share
//! again; the next page is on its way while one is decoded; no more pages are held than there are cursors.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use arrow::array::RecordBatch;

use crate::airtable::client::Answer;
use crate::airtable::failure::Failure;
use crate::airtable::formula::both;
use crate::airtable::request::Request;
use crate::decode::Page;
use crate::error::{Error, Result};
use crate::read::cursor::{Cursor, offset_at_end};

use super::reader::{BYTES, PAUSE, ROWS, Reader};
use super::split::{Advice, Split};
use super::{request, shares};

/// The way of one cursor.
struct Walk {
    formula: Option<String>,
    cursor: Cursor,
    part: Part,
}

/// What a walk reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// A small share, by which the table's size is guessed.
    Sample,
    Share,
}

/// A page that was asked for.
struct Fetched {
    walk: usize,
    request: Request,
    answer: Result<Answer, Failure>,
}

/// All walks through the same records. The first reads all of them, until it is left for several that divide them.
struct Walks {
    formula: Option<String>,
    each: Vec<Walk>,
    fetches: JoinSet<Fetched>,
    /// None where the records are not to be divided.
    split: Option<Split>,
    is_divided: bool,
    began: Instant,
    /// Pages that brought new records.
    fruitful_pages: usize,
}

impl Walks {
    /// The first cursor ends where the others begin; the sample's waits until it is known that there are others.
    fn goes_on(&self, part: Part) -> bool {
        if self.is_divided { part != Part::All } else { part != Part::Sample }
    }

    /// The records are divided, or were.
    fn has_shares(&self) -> bool {
        self.each.iter().any(|walk| walk.part == Part::Share)
    }
}

impl Reader {
    /// Reads the pages of all records that fulfil a formula; by several cursors where that is quicker and allowed.
    pub(super) async fn pages(
        &mut self,
        formula: Option<String>,
        may_divide: bool,
        batches: &mpsc::Sender<Result<RecordBatch>>,
    ) -> Result<()> {
        let filter = self.scan.filter_formula.as_ref().map(|formula| format!("({formula})"));
        let formula = if formula.is_some() { both(filter, formula) } else { self.scan.filter_formula.clone() };
        // How many records are wanted in all, only one cursor can tell the service.
        let may_divide = may_divide && self.scan.max_records.is_none();
        let split = may_divide.then(|| Split::new(self.client.requests_per_second(), self.scan.page_size));
        let mut walks = Walks {
            formula: formula.clone(),
            each: Vec::new(),
            fetches: JoinSet::new(),
            split,
            is_divided: false,
            began: Instant::now(),
            fruitful_pages: 0,
        };
        self.begin(&mut walks, Part::All, formula);
        while let Some(fetched) = self.next_page(&mut walks.fetches, batches).await? {
            if !self.take(&mut walks, fetched).await? || self.decoder.is_satisfied() || batches.is_closed() {
                break;
            }
            if self.decoder.rows() + self.scan.page_size as usize > ROWS || self.decoder.bytes() >= BYTES {
                self.flush(batches).await?;
            }
        }
        Ok(())
    }

    /// Takes in a page, and asks for what is wanted next. False when all has been read.
    async fn take(&mut self, walks: &mut Walks, fetched: Fetched) -> Result<bool> {
        let Fetched { walk: index, request, answer } = fetched;
        let part = walks.each[index].part;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return self.failed(walks, index, &request, &failure).map(|()| true),
        };
        let (took, bytes) = (answer.took, answer.body.len());
        let next = offset_at_end(&answer.body);
        // After the last page there is nothing to divide.
        if next.is_some() {
            self.advised(walks, part, took, bytes);
        }
        let mut is_asked = false;
        if let Some(offset) = next.filter(|_| walks.goes_on(part) && self.scan.max_records.is_none()) {
            is_asked = self.ask_ahead(walks, index, offset).await;
        }
        let is_told = next.is_some();
        let page = self.decoder.page(&answer.body).map_err(|error| self.about(&request, error))?;
        drop(answer);
        if !is_told && page.offset.is_some() {
            self.advised(walks, part, took, bytes);
        }
        walks.fruitful_pages += usize::from(page.new_records > 0);
        if part == Part::Sample && !walks.is_divided {
            let is_all = page.offset.is_none();
            walks.split.as_mut().into_iter().for_each(|split| split.sampled(page.records, is_all));
        }
        let ask = walks.goes_on(part) && !is_asked;
        self.advance(walks, index, page, ask).map_err(|error| self.about(&request, error))?;
        // What the first cursor has read to its end is all there is.
        let is_read = part == Part::All && !walks.is_divided && !walks.each[index].cursor.has_more;
        Ok(!is_read)
    }

    /// Goes on after a failure, if there is a way.
    fn failed(&self, walks: &mut Walks, index: usize, request: &Request, failure: &Failure) -> Result<()> {
        let Walk { part, cursor, .. } = &walks.each[index];
        if failure.is_expired_cursor() && cursor.offset.is_some() {
            return self.begin_again(walks, index).map_err(|error| self.about(request, error));
        }
        let error = self.client.error(request, failure);
        match part {
            // Nothing is lost without it, and what is not its formula's fault, the first cursor meets as well.
            Part::Sample if !walks.is_divided => {
                log::info!("table {:?}: read by one cursor: no sample of it: {error}", self.scan.table_name);
                walks.split.as_mut().into_iter().for_each(Split::refused);
            }
            Part::Sample | Part::Share if is_of_request(failure) => self.join(walks, &error),
            _ => return Err(error),
        }
        Ok(())
    }

    /// Asks for the page after one that has not been read yet. It is on its way when this returns.
    async fn ask_ahead(&self, walks: &mut Walks, index: usize, offset: &str) -> bool {
        let cursor = &mut walks.each[index].cursor;
        if cursor.has_met(offset) {
            return false;
        }
        cursor.offset = Some(offset.to_owned());
        self.ask(walks, index);
        tokio::task::yield_now().await;
        true
    }

    fn advance(&self, walks: &mut Walks, index: usize, page: Page, ask: bool) -> Result<()> {
        let explained = if walks.has_shares() { walks.fruitful_pages } else { 0 };
        let cursor = &mut walks.each[index].cursor;
        cursor.advance(page, explained)?;
        if ask && cursor.has_more {
            self.ask(walks, index);
        }
        Ok(())
    }

    fn begin_again(&self, walks: &mut Walks, index: usize) -> Result<()> {
        let records = self.decoder.records();
        walks.each[index].cursor.restart(records)?;
        log::info!(
            "table {:?}: the page cursor expired after {records} records: reading again from the first page",
            self.scan.table_name,
        );
        self.ask(walks, index);
        Ok(())
    }

    /// Goes on with the first cursor from where it was left: it asks for nothing that the service could find too much.
    fn join(&self, walks: &mut Walks, error: &Error) {
        log::warn!("table {:?}: read by one cursor from here on: {error}", self.scan.table_name);
        walks.fetches = JoinSet::new();
        walks.is_divided = false;
        walks.split = None;
        self.ask(walks, 0);
    }

    /// Asks for the sample, or divides the records, if it is time.
    fn advised(&self, walks: &mut Walks, part: Part, took: Duration, bytes: usize) {
        let Some(split) = walks.split.as_mut().filter(|_| part == Part::All && !walks.is_divided) else { return };
        split.page(walks.began.elapsed(), took, bytes, self.decoder.records());
        match split.advice() {
            Advice::Stay => {}
            Advice::Sample => {
                let formula = shares::of(&shares::sample(), walks.formula.as_deref());
                self.begin(walks, Part::Sample, Some(formula));
            }
            Advice::Divide(cursors) => {
                log::info!("table {:?}: read by {cursors} cursors at once", self.scan.table_name);
                walks.is_divided = true;
                let sample = walks.each.iter().position(|walk| walk.part == Part::Sample);
                if let Some(sample) = sample.filter(|sample| walks.each[*sample].cursor.has_more) {
                    self.ask(walks, sample);
                }
                for share in shares::shares(cursors) {
                    let formula = shares::of(&share, walks.formula.as_deref());
                    self.begin(walks, Part::Share, Some(formula));
                }
            }
        }
    }

    fn begin(&self, walks: &mut Walks, part: Part, formula: Option<String>) {
        walks.each.push(Walk { formula, cursor: Cursor::default(), part });
        self.ask(walks, walks.each.len() - 1);
    }

    fn ask(&self, walks: &mut Walks, index: usize) {
        let walk = &walks.each[index];
        let request = request::page(&self.client, &self.scan, walk.formula.as_deref(), walk.cursor.offset.as_deref());
        let client = self.client.clone();
        walks.fetches.spawn(async move {
            let answer = client.answer(&request).await;
            Fetched { walk: index, request, answer }
        });
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
                page = fetches.join_next() => return page.transpose().map_err(super::batches::died),
                permit = permit, if has_rows => match permit {
                    Ok(permit) => {
                        permit.send(Ok(self.decoder.finish()?));
                        self.flushed = tokio::time::Instant::now();
                    }
                    Err(_) => return Err(Error::Transport("the read was given up".into())),
                },
            }
        }
    }
}

/// The service answered, and another request may fare better. A call over the budget, of a second or a month, is not made
/// again in another form.
fn is_of_request(failure: &Failure) -> bool {
    matches!(failure, Failure::Status { status, .. } if *status != 429) || matches!(failure, Failure::Timeout { .. })
}

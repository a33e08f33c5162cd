//! Where one cursor, or several at once, are in the same records, and which pages are to be asked for next. Pure: what came
//! and when are arguments, and nothing here waits.
//!
//! Invariants: what one cursor would have read is read, however many there are; a cursor that expires begins its own share
//! again, and where that leads nowhere, reads it in smaller ones, one after the other; no walk has more than one page on
//! its way, so that no more pages are held than there are cursors.

use std::collections::VecDeque;
use std::time::Duration;

use super::cursor::Cursor;
use super::life::Life;
use super::shares::{self, Share};
use super::split::{Advice, Split};
use crate::airtable::failure::Failure;
use crate::decode::Page;
use crate::error::Result;

/// All walks through the same records. The first reads all of them, until it is left for several that divide them.
#[derive(Debug)]
pub(super) struct Walks {
    formula: Option<String>,
    each: Vec<Walk>,
    /// None where the records are not to be divided.
    split: Option<Split>,
    is_divided: bool,
    /// Walks whose last page did not come, and is asked for again when the others are done.
    waiting: VecDeque<usize>,
    /// A page is asked for before the one ahead of it has been decoded: always, unless the number of records is limited.
    asks_ahead: bool,
    /// Pages that brought new records.
    fruitful_pages: usize,
    /// Those of walks before these, through some of the same records.
    earlier_pages: usize,
    /// A share may be read in smaller ones.
    may_cut: bool,
    life: Life,
    /// Records of the sample so far, and whether that is all of it.
    sampled: (usize, bool),
}

/// The way of one cursor.
#[derive(Debug)]
struct Walk {
    share: Share,
    /// What it reads after its share, where that was cut.
    rest: Option<Share>,
    /// Its share was cut.
    is_cut: bool,
    formula: Option<String>,
    cursor: Cursor,
    /// Those of its share's pages since the last start.
    records: usize,
    part: Part,
    /// Its last page did not come at first.
    has_waited: bool,
}

/// What a walk reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// A small share, by which the table's size is guessed.
    Sample,
    Share,
}

/// What is to be done next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Next {
    /// The pages to ask for, in this order.
    pub(super) asks: Vec<Ask>,
    /// So many cursors read the rest, from here on.
    pub(super) divided: Option<usize>,
}

/// A page to ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) walk: usize,
    /// None for the first page.
    pub(super) offset: Option<String>,
}

/// What is to be done after a request that failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// The cursor expired: ask for its first page again.
    Restart(Ask),
    /// The cursor expired where it did before: ask for the first page of a smaller share.
    Cut(Ask),
    /// The service knows no shares: ask for the first page of all again.
    Whole(Ask),
    /// Go on without a sample: by one cursor, then.
    NoSample,
    /// Ask for the same page again, by this cursor alone.
    Again(Ask),
    /// Go on with the others; the page is asked for when they are done.
    Later,
    /// Forget what is on its way, and go on by the first cursor alone.
    Join(Ask),
    /// There is none.
    None,
}

/// A page that came, and is not decoded yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) walk: usize,
    /// Since the start of the read.
    pub(super) at: Duration,
    /// The response time.
    pub(super) took: Duration,
    pub(super) bytes: usize,
    /// Records that came before it, on all walks.
    pub(super) records: usize,
}

/// What was done about a page when it came, to be completed once it is decoded.
#[derive(Debug)]
pub(super) struct Arrived {
    arrival: Arrival,
    /// The page was known not to be the last.
    is_weighed: bool,
    /// The page after it is on its way.
    is_ahead: bool,
}

impl Walks {
    /// One cursor, and what tells whether it is to be left for several. Where the number of records is limited, it never
    /// is, and is asked for no page more than necessary: only one cursor can tell the service how many are wanted in all.
    pub(super) fn new(formula: Option<String>, is_limited: bool, split: Option<Split>) -> Self {
        Self {
            formula,
            each: Vec::new(),
            split: split.filter(|_| !is_limited),
            is_divided: false,
            waiting: VecDeque::new(),
            asks_ahead: !is_limited,
            fruitful_pages: 0,
            earlier_pages: 0,
            may_cut: !is_limited,
            life: Life::default(),
            sampled: (0, false),
        }
    }

    /// The same after other walks, whose records come again and are not new.
    pub(super) fn after(self, earlier: &Self) -> Self {
        Self { earlier_pages: earlier.earlier_pages + earlier.fruitful_pages, ..self }
    }

    /// The first page of all.
    pub(super) fn start(&mut self) -> Ask {
        self.begin(Part::All, Share::ALL)
    }

    /// The formula of the records that a walk reads.
    pub(super) fn formula(&self, walk: usize) -> Option<&str> {
        self.each[walk].formula.as_deref()
    }

    /// Whether a walk reads all records, so that what its formula lacks is no share's fault.
    pub(super) fn is_whole(&self, walk: usize) -> bool {
        self.each[walk].part == Part::All && self.each[walk].share == Share::ALL
    }

    /// What the first cursor has read to its end is all there is. Where the others read the rest, all is read when none of
    /// them asks for more.
    pub(super) fn is_read(&self) -> bool {
        !self.is_divided && self.each.first().is_some_and(|walk| !walk.cursor.has_more)
    }

    /// How many records there are in all, as the sample tells once all of it was read.
    pub(super) fn expected_records(&self) -> Option<usize> {
        let (records, is_all) = self.sampled;
        is_all.then(|| shares::told_by_sample(records))
    }

    /// A page came. Where the end of its bytes tells the offset of the next one, that is asked for before this is decoded.
    pub(super) fn arrive(&mut self, arrival: Arrival, offset_at_end: Option<&str>) -> (Arrived, Next) {
        let mut arrived = Arrived { arrival, is_weighed: offset_at_end.is_some(), is_ahead: false };
        let Some(offset) = offset_at_end else { return (arrived, Next::default()) };
        let mut next = self.weigh(arrival);
        let walk = arrival.walk;
        // An offset that comes again is an error, and is told once the page is decoded.
        if self.asks_ahead && self.goes_on(walk) && !self.each[walk].cursor.has_met(offset) {
            arrived.is_ahead = true;
            self.each[walk].cursor.offset = Some(offset.to_owned());
            next.asks.push(self.ask(walk));
        }
        (arrived, next)
    }

    /// The page is decoded.
    ///
    /// # Errors
    /// [`Error::Data`](crate::error::Error::Data) for a cursor that gets nowhere.
    pub(super) fn advance(&mut self, arrived: &Arrived, page: Page) -> Result<Next> {
        let Arrived { arrival, is_weighed, is_ahead } = *arrived;
        let walk = arrival.walk;
        let mut next = Next::default();
        // After the last page there is nothing to divide.
        if !is_weighed && page.offset.is_some() {
            next = self.weigh(Arrival { records: arrival.records + page.new_records, ..arrival });
        }
        self.fruitful_pages += usize::from(page.new_records > 0);
        if self.each[walk].part == Part::Sample {
            self.sampled = (self.sampled.0 + page.records, page.offset.is_none() && self.each[walk].rest.is_none());
        }
        if self.each[walk].part == Part::Sample && !self.is_divided {
            let is_all = page.offset.is_none();
            self.split.as_mut().into_iter().for_each(|split| split.sampled(page.records, is_all));
        }
        let has_shares = self.each.iter().any(|walk| walk.part == Part::Share || walk.is_cut);
        let explained = self.earlier_pages + if has_shares { self.fruitful_pages } else { 0 };
        self.life.page(page.records);
        self.each[walk].records += page.records;
        self.each[walk].cursor.advance(page, explained)?;
        self.each[walk].has_waited = false;
        if !self.each[walk].cursor.has_more {
            let ask = self.next_share(walk).or_else(|| self.next_waiting());
            next.asks.extend(ask);
        } else if self.goes_on(walk) && !is_ahead {
            next.asks.push(self.ask(walk));
        }
        Ok(next)
    }

    /// A page did not come, after so many records on all walks.
    ///
    /// # Errors
    /// [`Error::Data`](crate::error::Error::Data) for a cursor that expires again and again.
    pub(super) fn fail(&mut self, walk: usize, failure: &Failure, records: usize) -> Result<Recovery> {
        let Walk { part, cursor, has_waited, is_cut, .. } = &mut self.each[walk];
        if failure.is_expired_cursor() && cursor.offset.is_some() {
            if *part == Part::Sample {
                // Whatever is read of it is read again.
                self.sampled = (0, false);
            }
            return self.expired(walk, records);
        }
        match part {
            // The walk goes on as if nothing had been cut: what is wrong with all records is met again.
            Part::All if *is_cut && is_of_request(failure) && !may_pass(failure) => {
                self.may_cut = false;
                (self.each[walk].is_cut, self.each[walk].rest) = (false, None);
                self.read_share(walk, Share::ALL);
                Ok(Recovery::Whole(self.ask(walk)))
            }
            // Nothing is lost without it, and what is not its formula's fault, the first cursor meets as well.
            Part::Sample if !self.is_divided => {
                self.split.as_mut().into_iter().for_each(Split::refused);
                Ok(Recovery::NoSample)
            }
            // By itself it may be answered, and goes on from where it is: nothing is read twice.
            Part::Sample | Part::Share if may_pass(failure) && !*has_waited => {
                *has_waited = true;
                self.waiting.push_back(walk);
                Ok(self.next_waiting().map_or(Recovery::Later, Recovery::Again))
            }
            // The first cursor goes on from where it was left: it asks for nothing that the service could find too much.
            Part::Sample | Part::Share if is_of_request(failure) => {
                self.is_divided = false;
                self.split = None;
                self.waiting.clear();
                Ok(Recovery::Join(self.ask(0)))
            }
            _ => Ok(Recovery::None),
        }
    }

    /// Begins again, or reads a smaller share: a cursor that expires after some pages, whatever it reads, never gets further.
    fn expired(&mut self, walk: usize, records: usize) -> Result<Recovery> {
        let Walk { share, rest, is_cut, cursor, .. } = &mut self.each[walk];
        let expires_by_pages = self.life.ended_after(cursor.pages());
        self.life.expired(cursor.pages(), share.endings());
        let leads_on = !*is_cut && !expires_by_pages && cursor.is_worth_a_restart();
        if self.may_cut && !leads_on && share.endings() > 1 {
            let all = rest.map_or(*share, |rest| share.with(rest));
            let (first, others) = all.cut(self.life.endings(share.endings()));
            (*is_cut, *rest) = (true, others);
            self.read_share(walk, first);
            if self.each[walk].part == Part::All {
                self.split = None;
            }
            return Ok(Recovery::Cut(self.ask(walk)));
        }
        let what_to_do = match (self.asks_ahead, self.may_cut) {
            (false, _) => {
                "read without max_records, with which a table is read by one cursor from its first record on, or by less"
            }
            (true, true) => {
                "the smallest share that can be asked for has more pages than a cursor lives: raise page_size, read the table \
                 in parts, by filter_formula or view, or take batches more quickly"
            }
            (true, false) => "read the table in parts, by filter_formula or view, or take batches more quickly",
        };
        cursor.restart(records, what_to_do)?;
        self.each[walk].records = 0;
        Ok(Recovery::Restart(self.ask(walk)))
    }

    /// A walk has read its share to the end: it goes on with what was cut off.
    fn next_share(&mut self, walk: usize) -> Option<Ask> {
        let Walk { share, rest, part, records, is_cut, cursor, .. } = &mut self.each[walk];
        if *part == Part::Share || *is_cut {
            self.life.read(share.endings(), *records, cursor.pages());
        }
        let left = rest.take()?;
        let (first, others) = left.cut(self.life.endings(left.endings()));
        *rest = others;
        self.read_share(walk, first);
        Some(self.ask(walk))
    }

    /// Begins to read a share in the place of another.
    fn read_share(&mut self, walk: usize, share: Share) {
        let walk = &mut self.each[walk];
        walk.formula = share.formula(self.formula.as_deref());
        (walk.share, walk.cursor, walk.records) = (share, Cursor::default(), 0);
    }

    /// The first cursor ends where the others begin; the sample's waits until it is known that there are others.
    fn goes_on(&self, walk: usize) -> bool {
        let part = self.each[walk].part;
        if self.is_divided { part != Part::All } else { part != Part::Sample }
    }

    /// The page of a walk that waits, once all others are at their end or wait too.
    fn next_waiting(&mut self) -> Option<Ask> {
        let goes_on =
            |(walk, one): (usize, &Walk)| one.part != Part::All && one.cursor.has_more && !self.waiting.contains(&walk);
        if self.each.iter().enumerate().any(goes_on) {
            return None;
        }
        self.waiting.pop_front().map(|walk| self.ask(walk))
    }

    /// Asks for the sample, or divides the records, if a page that is not the last tells that it is time.
    fn weigh(&mut self, arrival: Arrival) -> Next {
        let Arrival { walk, at, took, bytes, records } = arrival;
        let is_of_first = self.each[walk].part == Part::All && !self.is_divided;
        let Some(split) = self.split.as_mut().filter(|_| is_of_first) else { return Next::default() };
        split.page(at, took, bytes, records);
        match split.advice() {
            Advice::Stay => Next::default(),
            Advice::Sample => Next { asks: vec![self.begin(Part::Sample, Share::SAMPLE)], divided: None },
            Advice::Divide(cursors) => self.divide(cursors),
        }
    }

    /// Leaves the first cursor for so many shares, and goes on with the sample, which is a share too.
    fn divide(&mut self, cursors: usize) -> Next {
        self.is_divided = true;
        let sample = self.each.iter().position(|walk| walk.part == Part::Sample && walk.cursor.has_more);
        let mut asks: Vec<Ask> = sample.into_iter().map(|walk| self.ask(walk)).collect();
        // Where an earlier read has told the size.
        if self.each.iter().all(|walk| walk.part != Part::Sample) {
            asks.push(self.begin(Part::Sample, Share::SAMPLE));
        }
        asks.extend(shares::shares(cursors).into_iter().map(|share| self.begin(Part::Share, share)));
        Next { asks, divided: Some(cursors) }
    }

    fn begin(&mut self, part: Part, share: Share) -> Ask {
        let formula = share.formula(self.formula.as_deref());
        self.each.push(Walk {
            share,
            rest: None,
            is_cut: false,
            formula,
            cursor: Cursor::default(),
            records: 0,
            part,
            has_waited: false,
        });
        self.ask(self.each.len() - 1)
    }

    fn ask(&self, walk: usize) -> Ask {
        Ask { walk, offset: self.each[walk].cursor.offset.clone() }
    }
}

/// The service answered, and another request may fare better. A call over the budget, of a second or a month, is not made
/// again in another form.
fn is_of_request(failure: &Failure) -> bool {
    matches!(failure, Failure::Status { status, .. } if *status != 429) || matches!(failure, Failure::Timeout { .. })
}

/// The service had enough to do, or the way was too long.
fn may_pass(failure: &Failure) -> bool {
    matches!(failure, Failure::Status { status: 500.., .. } | Failure::Timeout { .. })
}

#[cfg(test)]
mod tests;

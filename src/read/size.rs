//! How many records a plan reads, told by a few pages: Airtable does not say it.
//!
//! The first page tells a small table's records exactly. Of a larger one a share of the records is read, chosen by how
//! their ids end, which is at random. One that does not fit into a page is followed by a smaller one, so that 384,000
//! records are reached; one with few records is followed by a larger one, so that chance has less to say.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::formula;
use super::request;
use super::shares::{ENDINGS, Share};
use crate::airtable::client::Client;
use crate::airtable::formula::among;
use crate::airtable::request::Request;
use crate::airtable::schema::Tables;
use crate::error::{Error, Result};
use crate::scan::{Column, Part, Scan, Source, dictionary};

/// Endings of ids in the shares that are read one after the other: a page holds all of the first one's records up to
/// some 6,200 in the table, of the second one's up to 48,000, and of the last one's up to 384,000.
const SHARES: [usize; 3] = [62, 8, 1];

/// With so many records counted a guess is mostly within a seventh.
const ENOUGH: u64 = 50;

/// So many records are wanted of a second share: most likely they fit into one page.
const WANTED: usize = 80;

/// A table of little more than a page has no more than a page in so many endings.
const MOST_ENDINGS: usize = 1_500;

/// How many records a plan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The number, or the guess.
    pub records: u64,
    /// What the number is worth.
    pub certainty: Certainty,
    /// Requests that were sent for it.
    pub requests: u32,
}

impl Size {
    /// That of both together.
    fn with(self, other: Self) -> Self {
        Self {
            records: self.records.saturating_add(other.records),
            certainty: self.certainty.max(other.certainty),
            requests: self.requests + other.requests,
        }
    }
}

/// What a number of records is worth, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// All were counted.
    Exact,
    /// Guessed from a share of the records.
    About,
    /// Even the smallest share has more records than one page.
    AtLeast,
}

impl Certainty {
    /// The word by which Python knows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::About => "about",
            Self::AtLeast => "at_least",
        }
    }
}

/// A page of which nothing but the number of its records matters.
#[derive(Debug, Deserialize)]
struct Counted {
    records: Vec<IgnoredAny>,
    offset: Option<IgnoredAny>,
}

/// Asks for the size: one request for a table of one page, and at most five; for each base of the plan.
pub(crate) async fn ask(client: &Arc<Client>, scan: &Scan) -> Result<Size> {
    let none = Size { records: 0, certainty: Certainty::Exact, requests: 0 };
    Ok(ask_each(client, scan).await?.into_iter().fold(none, Size::with))
}

/// The same of each base that is read, in their order: none of those that come after as many records as are wanted.
pub(crate) async fn ask_each(client: &Arc<Client>, scan: &Scan) -> Result<Vec<Size>> {
    // Which of the records fulfil a condition is found out by reading them.
    let mut left = scan.max_records.filter(|_| scan.restriction.is_none() && scan.choice.is_none());
    let mut sizes = Vec::new();
    for base in scan.bases() {
        let size = limited(ask_one(client, &base).await?, left);
        left = left.map(|left| left.saturating_sub(size.records));
        sizes.push(size);
        if left == Some(0) {
            break;
        }
    }
    Ok(sizes)
}

async fn ask_one(client: &Arc<Client>, scan: &Scan) -> Result<Size> {
    if scan.part.is_definitions() {
        let tables = client.json::<Tables>(&Request::tables(&scan.base_id)).await?.tables;
        let rows = dictionary::rows(scan.part, &tables, &scan.naming).len();
        let records = u64::try_from(rows).unwrap_or(u64::MAX);
        return Ok(Size { records, certainty: Certainty::Exact, requests: 1 });
    }
    // Of rows that are no records those of the records that are named are read.
    let before = scan.choice.as_ref().map(|choice| scan.before_choice(choice));
    let scan = before.as_ref().unwrap_or(scan);
    let id = Column::new("id", false, Source::RecordId);
    // As few bytes as there can be: Airtable gives all fields where none is named, and this names the primary one.
    let plain =
        Scan { part: Part::Records, columns: vec![id], max_records: None, page_size: 100, ..scan.unrestricted() };
    let condition = formula::of_condition(scan);
    let filter = among(condition.clone(), plain.filter_formula.as_deref());
    let size = match count(client, &plain, filter.as_deref()).await {
        Err(Error::Rejected(_)) if condition.is_some() => count(client, &plain, plain.filter_formula.as_deref()).await,
        told => told,
    }?;
    // Links and files stand in the records. Comments are asked for besides, and records do not tell how often.
    let certainty = if scan.part == Part::Comments { Certainty::AtLeast } else { size.certainty };
    Ok(Size { certainty, ..size })
}

/// Counts what fulfils a formula.
async fn count(client: &Arc<Client>, plain: &Scan, filter: Option<&str>) -> Result<Size> {
    let mut guess = Guess::default();
    let mut next = Some(Share::ALL);
    while let Some(share) = next {
        let formula = share.formula(filter);
        let page: Counted = client.json(&request::page(client, plain, formula.as_deref(), None)).await?;
        let records = u64::try_from(page.records.len()).unwrap_or(u64::MAX);
        next = guess.take(share, records, page.offset.is_none());
    }
    Ok(guess.size())
}

/// What the pages so far have told.
#[derive(Debug, Default)]
pub(super) struct Guess {
    requests: u32,
    /// There are at least so many.
    least: u64,
    /// All records with so many endings were counted: so many.
    counted: Option<(usize, u64)>,
}

impl Guess {
    /// The first page of a share has come with so many records, all of them or not. Gives the share that is wanted next.
    pub(super) fn take(&mut self, share: Share, records: u64, is_all: bool) -> Option<Share> {
        self.requests += 1;
        let endings = share.endings();
        match (self.counted, is_all) {
            (Some((before, counted)), true) => {
                self.counted = Some((before + endings, counted + records));
                None
            }
            // A second share that is larger than was to be expected: there are as many as that tells at least.
            (Some(_), false) => {
                self.least = self.least.max(scaled(records + 1, endings));
                None
            }
            (None, true) => {
                self.counted = Some((endings, records));
                if endings == ENDINGS || records >= ENOUGH { None } else { larger(endings, records) }
            }
            (None, false) => {
                // A page that is not the last is followed by one more record at least.
                self.least = self.least.max(scaled(records, endings)).max(records + 1);
                let smaller = SHARES.into_iter().find(|smaller| *smaller < endings)?;
                Some(Share::ALL.cut(smaller).0)
            }
        }
    }

    pub(super) fn size(&self) -> Size {
        let (records, certainty) = match self.counted {
            Some((ENDINGS, records)) => (records, Certainty::Exact),
            Some((endings, records)) => (scaled(records, endings).max(self.least), Certainty::About),
            None => (self.least, Certainty::AtLeast),
        };
        Size { records, certainty, requests: self.requests }
    }
}

/// The share beside the first one that has as many records as are wanted, where the first one tells that rightly.
fn larger(endings: usize, records: u64) -> Option<Share> {
    let records = usize::try_from(records.max(1)).ok()?;
    let (_, rest) = Share::ALL.cut(endings);
    Some(rest?.cut((endings * WANTED / records).min(MOST_ENDINGS)).0)
}

/// How many records there are, where there are so many with so many endings.
fn scaled(records: u64, endings: usize) -> u64 {
    let of = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    records.saturating_mul(of(ENDINGS)) / of(endings.max(1))
}

/// A read that ends after so many records reads no more, and that is exact where there are surely as many.
fn limited(size: Size, max_records: Option<u64>) -> Size {
    match max_records {
        Some(most) if size.records >= most => {
            // A guess of three times as many is surely no smaller.
            let is_sure = size.certainty != Certainty::About || size.records / 3 >= most;
            let certainty = if is_sure { Certainty::Exact } else { Certainty::About };
            Size { records: most, certainty, ..size }
        }
        _ => size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Certainty::{About, AtLeast, Exact};

    const fn size(records: u64, certainty: Certainty, requests: u32) -> Size {
        Size { records, certainty, requests }
    }

    /// What is told of a table, page by page: how many records each has, and whether these are all of its share. With
    /// the endings of the shares that were asked for.
    fn guessed(pages: &[(u64, bool)]) -> (Vec<usize>, Size) {
        let mut guess = Guess::default();
        let mut next = Some(Share::ALL);
        let mut asked = Vec::new();
        for (records, is_all) in pages {
            let share = next.expect("wanted");
            asked.push(share.endings());
            next = guess.take(share, *records, *is_all);
        }
        assert_eq!(next, None, "{pages:?}");
        (asked, guess.size())
    }

    #[test]
    fn pages_tell_how_many_records_there_are() {
        type Case<'c> = (&'c [(u64, bool)], &'c [usize], Size);
        let cases: &[Case<'_>] = &[
            (&[(0, true)], &[ENDINGS], size(0, Exact, 1)),
            (&[(100, true)], &[ENDINGS], size(100, Exact, 1)),
            // Enough in the first share.
            (&[(100, false), (60, true)], &[ENDINGS, 62], size(3_720, About, 2)),
            // Too few: a second share beside it.
            (&[(100, false), (20, true), (80, true)], &[ENDINGS, 62, 248], size(1_240, About, 3)),
            (&[(100, false), (0, true), (60, true)], &[ENDINGS, 62, 1_500], size(147, About, 3)),
            (&[(100, false), (0, true), (0, true)], &[ENDINGS, 62, 1_500], size(101, About, 3)),
            // A second share that does not fit says how many there are at least.
            (&[(100, false), (10, true), (100, false)], &[ENDINGS, 62, 496], size(782, About, 3)),
            (&[(100, false), (2, true), (100, false)], &[ENDINGS, 62, 1_500], size(258, About, 3)),
            (&[(100, false), (100, false), (50, true)], &[ENDINGS, 62, 8], size(24_025, About, 3)),
            (&[(100, false), (100, false), (12, true), (78, true)], &[ENDINGS, 62, 8, 53], size(6_200, About, 4)),
            (
                &[(100, false), (100, false), (100, false), (40, true), (70, true)],
                &[ENDINGS, 62, 8, 1, 2],
                size(140_946, About, 5),
            ),
            (
                &[(100, false), (100, false), (100, false), (100, false)],
                &[ENDINGS, 62, 8, 1],
                size(384_400, AtLeast, 4),
            ),
            // Pages may be smaller than was asked for.
            (&[(0, false), (0, true), (1, true)], &[ENDINGS, 62, 1_500], size(2, About, 3)),
        ];
        for (pages, asked, expected) in cases {
            assert_eq!(guessed(pages), (asked.to_vec(), *expected), "{pages:?}");
        }
    }

    #[test]
    fn a_second_share_is_beside_the_first_one() {
        let (first, rest) = Share::ALL.cut(62);
        let second = larger(62, 20).expect("a share");
        assert_eq!((first.endings(), second.endings()), (62, 248));
        assert_eq!(rest.map(|rest| rest.cut(248).0), Some(second));
    }

    #[test]
    fn a_limit_is_what_is_read_at_most() {
        for (told, most, expected) in [
            (size(30, Exact, 1), None, size(30, Exact, 1)),
            (size(30, Exact, 1), Some(10), size(10, Exact, 1)),
            (size(30, Exact, 1), Some(40), size(30, Exact, 1)),
            (size(2_000, About, 2), Some(1_000), size(1_000, About, 2)),
            (size(2_000, About, 2), Some(600), size(600, Exact, 2)),
            (size(2_000, About, 2), Some(9_000), size(2_000, About, 2)),
            (size(384_400, AtLeast, 4), Some(1_000), size(1_000, Exact, 4)),
        ] {
            assert_eq!(limited(told, most), expected, "{told:?} {most:?}");
        }
    }
}

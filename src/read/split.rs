//! Whether one cursor suffices, or how many are wanted, told by the pages that have come. Pure: times are arguments.
//!
//! Airtable gives a page's successor only with the page, so one cursor gets a page per response time, and where that is
//! longer than the budget's interval, slots go unused. Several cursors use them, but the pages that the one cursor has read
//! come again by the others. So a small table is never asked for more than its pages; of a larger one a small share is
//! read first, to guess its size; and it is divided only where that saves time and costs few requests.

use std::collections::VecDeque;
use std::time::Duration;

use super::shares::ONE_IN;

/// A table of no more records costs no request more than its pages: all that a base of the free plan holds.
const SMALL: usize = 1_000;

/// Pages that tell the pace, and the least that it is worth while to guess the others by.
const LEAST_PAGES: usize = 10;

/// How many of the last pages tell the pace.
const RECENT: usize = 5;

/// Where the table's size is known beforehand, one answer that takes so long suffices to divide. A first answer may have
/// waited for something else, too.
const SLOW: Duration = Duration::from_millis(350);

/// Answers that come more quickly are not worth dividing for: no budget of Airtable's is left unused by them.
const QUICK: Duration = Duration::from_millis(100);

/// More cursors would not fit into the budget unless answers took two seconds.
const MOST_CURSORS: usize = 10;

/// Each cursor has a page on its way or waiting, and all of them together are to weigh no more than a large page may.
const MOST_BYTES: usize = 64 << 20;

/// What is known of a table and of the service's pace.
#[derive(Debug)]
pub(super) struct Split {
    per_second: f64,
    page_size: f64,
    pages: usize,
    /// At least so many have come.
    records: usize,
    largest_page_bytes: usize,
    /// When the last pages came, and how long each of them took to come.
    recent: VecDeque<(Duration, Duration)>,
    sample: Sample,
    /// The pages that an earlier read had.
    known: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sample {
    Wanted,
    Asked,
    Refused,
    /// The pages that the table has, according to it; at least so many where it was not all.
    Told(f64),
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// Go on with the one cursor.
    Stay,
    /// Read the sample's first page beside it.
    Sample,
    /// Read the rest with so many cursors instead of it.
    Divide(usize),
}

impl Split {
    /// For a budget of so many requests a second, and pages of at most so many records.
    pub(super) fn new(per_second: f64, page_size: u32) -> Self {
        let recent = VecDeque::with_capacity(RECENT + 2);
        Self {
            per_second,
            page_size: f64::from(page_size),
            pages: 0,
            records: 0,
            largest_page_bytes: 0,
            recent,
            sample: Sample::Wanted,
            known: None,
        }
    }

    /// The same where an earlier read had so many records.
    pub(super) fn expecting(self, records: Option<u64>) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "millions of records")]
        let known = records.map(|records| records as f64 / self.page_size);
        Self { known, ..self }
    }

    /// A page of the one cursor came that is not the last: when, since the start of the read; after which response time;
    /// how large; and after how many records at least.
    pub(super) fn page(&mut self, at: Duration, took: Duration, bytes: usize, records: usize) {
        self.pages += 1;
        self.records = records;
        self.largest_page_bytes = self.largest_page_bytes.max(bytes);
        self.recent.push_back((at, took));
        if self.recent.len() > RECENT + 1 {
            self.recent.pop_front();
        }
    }

    /// The first page of the sample had so many records, and was all of it or not.
    pub(super) fn sampled(&mut self, records: usize, is_all: bool) {
        let records = u32::try_from(records).map_or(f64::MAX, f64::from);
        let told = if is_all { records } else { records.max(self.page_size) };
        self.sample = Sample::Told(told * ONE_IN / self.page_size);
    }

    /// The sample cannot be had.
    pub(super) fn refused(&mut self) {
        self.sample = Sample::Refused;
    }

    /// What to do after the last page. That the sample is wanted is said once.
    pub(super) fn advice(&mut self) -> Advice {
        if let Some(advice) = self.early() {
            return advice;
        }
        let is_small = self.pages < LEAST_PAGES || self.records < SMALL;
        let Some(response) = self.response().filter(|_| !is_small) else { return Advice::Stay };
        // So many requests would have to be on their way at any time.
        let wanted = self.per_second * response;
        if wanted < 1.06 || response < QUICK.as_secs_f64() {
            return Advice::Stay;
        }
        match self.sample {
            Sample::Wanted => {
                self.sample = Sample::Asked;
                Advice::Sample
            }
            Sample::Told(pages) => self.divide(pages, response, wanted),
            Sample::Asked | Sample::Refused => Advice::Stay,
        }
    }

    /// What the first page and an earlier read tell.
    fn early(&self) -> Option<Advice> {
        let (pages, (_, took)) = (self.known?, self.recent.front()?);
        if self.pages != 1 || *took < SLOW {
            return None;
        }
        let response = took.as_secs_f64();
        Some(self.divide(pages, response, self.per_second * response)).filter(|advice| *advice != Advice::Stay)
    }

    /// How many cursors, where that saves time and costs no more than a fifth of the requests.
    fn divide(&self, pages: f64, response: f64, wanted: f64) -> Advice {
        // One more than would do if all answers took equally long, and one more for when the first of them is done.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
        let cursors = (wanted.floor() as usize + 2).min(MOST_CURSORS);
        let cursors = cursors.min(MOST_BYTES / self.largest_page_bytes.max(1));
        if cursors < 2 {
            return Advice::Stay;
        }
        let count = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
        let again = count(self.pages + cursors);
        let alone_seconds = (pages - count(self.pages)) * response;
        let divided_seconds = (pages + count(cursors)) / self.per_second.min(count(cursors) / response);
        if divided_seconds < 0.98 * alone_seconds && again < 0.2 * pages {
            Advice::Divide(cursors)
        } else {
            Advice::Stay
        }
    }

    /// The seconds that a page takes, where that is what the cursor waits for: not where others use the budget, nor where
    /// the consumer is slower.
    fn response(&self) -> Option<f64> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        if self.recent.len() <= RECENT {
            return None;
        }
        let took: Duration = self.recent.iter().skip(1).map(|(_, took)| took).sum();
        let between = last.0.saturating_sub(first.0);
        let pages = u32::try_from(self.recent.len() - 1).ok()?;
        (took.as_secs_f64() >= 0.9 * between.as_secs_f64()).then(|| took.as_secs_f64() / f64::from(pages))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is advised, page by page, for a table of a size, with a response time and something else in milliseconds that
    /// each page waits for.
    fn advised(records: usize, response: u64, other: u64) -> Vec<Advice> {
        let mut split = Split::new(4.5, 100);
        let mut advised = Vec::new();
        // Nothing is advised after the last page.
        for page in 1..records.div_ceil(100) {
            let at = Duration::from_millis((response + other) * page as u64);
            split.page(at, Duration::from_millis(response), 50_000, 100 * (page - 1));
            advised.push(split.advice());
            match advised.last() {
                Some(Advice::Sample) => split.sampled((records / 480).min(100), records < 48_000),
                Some(Advice::Divide(_)) => break,
                _ => {}
            }
        }
        advised
    }

    fn last(records: usize, response: u64, other: u64) -> Option<Advice> {
        advised(records, response, other).pop()
    }

    #[test]
    fn a_small_table_costs_its_pages_and_nothing_else() {
        for response in [50, 200, 400, 800, 5_000] {
            assert!(advised(1_100, response, 0).iter().all(|advice| *advice == Advice::Stay), "{response}");
        }
        // Of many small pages.
        let mut split = Split::new(4.5, 10);
        for page in 0..100_u64 {
            let at = Duration::from_millis(400 * page);
            split.page(at, Duration::from_millis(400), 5_000, 10 * usize::try_from(page).expect("small"));
            assert_eq!(split.advice(), Advice::Stay);
        }
    }

    #[test]
    fn no_more_large_pages_are_held_than_there_is_memory_for() {
        for (megabytes, advice) in [(1, Advice::Divide(10)), (20, Advice::Divide(3)), (40, Advice::Stay)] {
            let mut split = Split::new(4.5, 100);
            split.sampled(100, false);
            for page in 0..12_u64 {
                let bytes = if page == 3 { megabytes << 20 } else { 50_000 };
                let at = Duration::from_millis(2_000 * page);
                split.page(at, Duration::from_secs(2), bytes, 1_000);
            }
            assert_eq!(split.advice(), advice, "{megabytes}");
        }
    }

    #[test]
    fn cursors_fill_the_budget_whatever_the_response_time() {
        for (response, cursors) in [(240, 3), (300, 3), (400, 3), (600, 4), (800, 5), (2_000, 10), (9_000, 10)] {
            assert_eq!(last(100_000, response, 0), Some(Advice::Divide(cursors)), "{response}");
        }
        // One cursor uses it.
        for response in [1, 90, 200, 222] {
            assert!(!advised(100_000, response, 0).contains(&Advice::Sample), "{response}");
        }
    }

    #[test]
    fn the_sample_is_asked_for_once_and_a_table_of_middling_size_is_not_divided() {
        let advised = advised(4_000, 400, 0);
        assert_eq!(advised[10], Advice::Sample, "the first 1,000 records are known then");
        assert_eq!(advised.iter().filter(|advice| **advice != Advice::Stay).count(), 1);
        assert_eq!(last(8_000, 400, 0), Some(Advice::Divide(3)));
    }

    #[test]
    fn where_others_use_the_budget_or_the_consumer_is_slow_one_cursor_suffices() {
        assert!(!advised(100_000, 400, 200).contains(&Advice::Sample));
        assert!(!advised(100_000, 400, 60).contains(&Advice::Sample));
    }

    #[test]
    fn a_size_that_is_known_divides_at_the_first_page_where_answers_are_slow() {
        for (known, response, advice) in [
            (Some(20_000), 800, Advice::Divide(5)),
            (Some(20_000), 400, Advice::Divide(3)),
            (Some(20_000), 300, Advice::Stay),
            (Some(2_000), 800, Advice::Stay),
            (None, 800, Advice::Stay),
        ] {
            let mut split = Split::new(4.5, 100).expecting(known);
            split.page(Duration::from_millis(response), Duration::from_millis(response), 50_000, 0);
            assert_eq!(split.advice(), advice, "{known:?} {response}");
        }
    }

    #[test]
    fn without_a_sample_there_is_one_cursor() {
        let mut split = Split::new(4.5, 100);
        for page in 0..500 {
            split.page(Duration::from_millis(400 * page), Duration::from_millis(400), 50_000, 100_000);
            if split.advice() == Advice::Sample {
                split.refused();
            }
        }
        assert_eq!(split.advice(), Advice::Stay);
    }
}

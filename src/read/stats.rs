//! How far a read is: [`Progress`], which the reader's task feeds and any thread may look at, and [`Stats`], what it says
//! at one moment.
//!
//! Invariants: the counts are of one read, whoever shares its client; rows are those that the consumer was given; a read
//! that began ends with one line, and tells no more often than every half minute in between, and only what is new.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::airtable::calls::Calls;
use crate::airtable::tally::Tally;
use crate::attachments::FileCount;

/// How often a long read tells how far it is.
const EVERY: Duration = Duration::from_secs(30);

/// What a read has given so far, and what that has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    /// Rows that the consumer was given.
    pub rows: u64,
    /// Requests that were sent, repeated ones too. Those by which the read was planned are not its own.
    pub requests: u64,
    /// Requests that repeat one which failed.
    pub retries: u64,
    /// Answers of 429: somebody asked too much of the base, or of the token.
    pub penalties: u64,
    /// What requests waited for their turn within the budgets. Those that wait at the same time count each.
    pub waited: Duration,
    /// Values that do not fit their columns and are in the rescued data column, in pages that were decoded so far.
    pub rescued_values: u64,
    /// Bytes of the answers, without compression.
    pub bytes: u64,
    /// Files of attachments that were fetched.
    pub files_fetched: u64,
    /// Bytes of these files.
    pub file_bytes: u64,
    /// Files of attachments that were there already.
    pub files_there: u64,
    /// Files of attachments that cannot be had.
    pub files_missed: u64,
    /// Since the first batch was asked for, up to the end of the read.
    pub elapsed: Duration,
    /// The rows that there will be, where that is known: guessed by a sample of a large table that is read by several
    /// cursors, and counted when everything is read.
    pub expected_rows: Option<u64>,
    /// Calls to the base in this month of UTC, by all programs of this machine that use this crate, at the end of the read
    /// or now; none before the read begins, and where that cannot be known. Airtable may count more.
    pub calls_this_month: Option<u64>,
    /// The read is over: at its end, by an error, or because it was closed.
    pub is_done: bool,
}

/// Why a read is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Everything was given.
    Complete,
    Failed,
    /// The consumer wanted no more.
    Closed,
}

/// The counts of a read that is going on.
#[derive(Debug)]
pub(crate) struct Progress {
    table_name: String,
    /// Nothing is logged: it is a question of our own.
    is_quiet: bool,
    tally: Arc<Tally>,
    /// Those to the base; none in tests.
    calls: Option<Arc<Calls>>,
    rows: AtomicU64,
    rescued_values: AtomicU64,
    /// Those of them that were found after decoding.
    refined_values: AtomicU64,
    files: Arc<FileCount>,
    expected_rows: AtomicU64,
    began: OnceLock<Instant>,
    took: OnceLock<(Duration, Option<u64>)>,
    /// Those of the bases, where several are read as one. Their requests are counted here.
    parts: Mutex<Vec<Arc<Progress>>>,
}

/// In place of a number of rows: it is not known.
const UNKNOWN: u64 = u64::MAX;

impl Progress {
    /// Of a read that has not begun.
    pub(super) fn new(table_name: &str, is_quiet: bool, calls: Option<Arc<Calls>>) -> Self {
        Self {
            table_name: table_name.to_owned(),
            is_quiet,
            tally: Arc::default(),
            calls,
            rows: AtomicU64::new(0),
            rescued_values: AtomicU64::new(0),
            refined_values: AtomicU64::new(0),
            files: Arc::default(),
            expected_rows: AtomicU64::new(UNKNOWN),
            began: OnceLock::new(),
            took: OnceLock::new(),
            parts: Mutex::default(),
        }
    }

    /// That of one of the bases that are read as one.
    pub(super) fn part(&self) -> Arc<Self> {
        let part = Arc::new(Self {
            tally: self.tally.clone(),
            files: self.files.clone(),
            ..Self::new(&self.table_name, true, None)
        });
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(part.clone());
        part
    }

    /// That of what is read beside the table for its own rows: its requests are counted here, and nothing else of it.
    pub(super) fn beside(&self) -> Self {
        Self { tally: self.tally.clone(), ..Self::new(&self.table_name, true, None) }
    }

    /// Values that were rescued, and the rows that there will be, where that is known of every base.
    fn rescued_and_expected(&self) -> (u64, Option<u64>) {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = self.expected_rows.load(Ordering::Relaxed);
        let rescued = self.rescued_values.load(Ordering::Relaxed) + self.refined_values.load(Ordering::Relaxed);
        let own = (rescued, Some(expected).filter(|rows| *rows != UNKNOWN));
        if parts.is_empty() {
            return own;
        }
        let parts = parts.iter().map(|part| part.rescued_and_expected());
        let (rescued, expected): (Vec<u64>, Vec<Option<u64>>) = parts.unzip();
        (rescued.iter().sum(), own.1.or_else(|| expected.into_iter().sum()))
    }

    /// What counts the requests of the read.
    pub(super) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// What counts the files of the read.
    pub(super) fn files(&self) -> &Arc<FileCount> {
        &self.files
    }

    /// The first batch is asked for.
    pub(super) fn begin(&self) {
        self.began.get_or_init(Instant::now);
    }

    /// The consumer is given rows.
    pub(super) fn give(&self, rows: usize) {
        self.rows.fetch_add(count(rows), Ordering::Relaxed);
    }

    /// So many values were rescued, in all.
    pub(super) fn rescued(&self, values: u64) {
        self.rescued_values.store(values, Ordering::Relaxed);
    }

    /// So many values were rescued after decoding, in all.
    pub(super) fn refined(&self, values: u64) {
        self.refined_values.store(values, Ordering::Relaxed);
    }

    /// So many rows there will be, as far as that can be told.
    pub(super) fn expect(&self, rows: Option<usize>) {
        self.expected_rows.store(rows.map_or(UNKNOWN, count), Ordering::Relaxed);
    }

    /// The read is over, and says so.
    pub(super) fn end(&self, end: End) {
        let Some(began) = self.began.get() else { return };
        if end == End::Complete {
            self.expected_rows.store(self.rows.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        if self.took.get().is_none()
            && self.took.set((began.elapsed(), self.calls_this_month())).is_ok()
            && !self.is_quiet
        {
            log::info!("table {:?}: {}", self.table_name, Line(&self.stats(), Some(end)));
        }
    }

    fn calls_this_month(&self) -> Option<u64> {
        self.calls.as_ref().filter(|_| self.began.get().is_some()).and_then(|calls| calls.this_month())
    }

    /// What is known now.
    pub(crate) fn stats(&self) -> Stats {
        let counted = self.tally.counted();
        let files = self.files.counted();
        let over = self.took.get().copied();
        let now = || (self.began.get().map(Instant::elapsed).unwrap_or_default(), self.calls_this_month());
        let (elapsed, calls_this_month) = over.unwrap_or_else(now);
        let rows = self.rows.load(Ordering::Relaxed);
        let (rescued_values, expected) = self.rescued_and_expected();
        Stats {
            rows,
            requests: counted.requests,
            retries: counted.retries,
            penalties: counted.penalties,
            waited: counted.waited,
            rescued_values,
            bytes: counted.bytes,
            files_fetched: files.fetched,
            file_bytes: files.bytes,
            files_there: files.there,
            files_missed: files.missed,
            elapsed,
            expected_rows: expected.map(|expected| expected.max(rows)),
            calls_this_month,
            is_done: over.is_some(),
        }
    }

    /// Reads, and tells now and then how far it is.
    pub(super) async fn told<T>(self: Arc<Self>, reading: impl Future<Output = T>) -> T {
        self.tell(reading, EVERY, |line| log::info!("{line}")).await
    }

    async fn tell<T>(&self, reading: impl Future<Output = T>, every: Duration, mut say: impl FnMut(String)) -> T {
        let mut reading = pin!(reading);
        let mut said = (0, 0);
        loop {
            if let Ok(read) = tokio::time::timeout(every, reading.as_mut()).await {
                return read;
            }
            let stats = self.stats();
            // A consumer may take the next batch tomorrow, or never.
            let news = (stats.rows, stats.requests + stats.files_fetched + stats.files_there);
            if news != said && !self.is_quiet {
                said = news;
                say(format!("table {:?}: {}", self.table_name, Line(&stats, None)));
            }
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What is said of a read that is over, or, without an end, is going on.
struct Line<'a>(&'a Stats, Option<End>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(stats, end) = self;
        let seconds = stats.elapsed.as_secs_f64();
        match end {
            Some(End::Failed) => write!(formatter, "ended by an error after ")?,
            Some(End::Closed) => write!(formatter, "closed after ")?,
            Some(End::Complete) | None => {}
        }
        let so_far = if end.is_none() { " so far" } else { "" };
        write!(formatter, "{}{so_far} in {seconds:.1} s", Counted(stats.rows, "row"))?;
        let mut details = Vec::new();
        if stats.rows > 0 && seconds > 0.0 {
            details.push(format!("{} a second", Thousands(rate(stats.rows, seconds))));
        }
        if let (None, Some(percent)) = (end, percent(stats)) {
            details.push(format!("about {percent} % of the table"));
        }
        if !details.is_empty() {
            write!(formatter, " ({})", details.join(", "))?;
        }
        write!(formatter, ", {}", Counted(stats.requests, "request"))?;
        if stats.retries == 1 {
            write!(formatter, ", 1 retry")?;
        } else if stats.retries > 1 {
            write!(formatter, ", {} retries", Thousands(stats.retries))?;
        }
        if stats.penalties > 0 {
            write!(formatter, ", {} of 429", Counted(stats.penalties, "answer"))?;
        }
        write!(formatter, ", {:.1} s waited for the budget", stats.waited.as_secs_f64())?;
        if stats.rescued_values > 0 {
            write!(formatter, ", {}", Counted(stats.rescued_values, "rescued value"))?;
        }
        self.files(formatter)?;
        if let Some(calls) = stats.calls_this_month.filter(|_| end.is_some()) {
            write!(formatter, ", {} to the base this month", Counted(calls, "call"))?;
        }
        Ok(())
    }
}

impl Line<'_> {
    /// What is said of files, where there are any.
    fn files(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats { files_fetched, file_bytes, files_there, files_missed, .. } = *self.0;
        if files_fetched + files_there + files_missed == 0 {
            return Ok(());
        }
        write!(formatter, ", {} fetched ({})", Counted(files_fetched, "file"), Counted(file_bytes, "byte"))?;
        for (files, what) in [(files_there, "there already"), (files_missed, "that cannot be had")] {
            if files > 0 {
                write!(formatter, ", {} {what}", Thousands(files))?;
            }
        }
        Ok(())
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate that people read"
)]
fn rate(rows: u64, seconds: f64) -> u64 {
    (rows as f64 / seconds).round() as u64
}

/// The share that was given, where it can be told. What is not over is never said to be all.
fn percent(stats: &Stats) -> Option<u64> {
    let expected = u128::from(stats.expected_rows?).max(1);
    let percent = u128::from(stats.rows) * 100 / expected;
    Some(u64::try_from(percent.min(99)).unwrap_or(99))
}

/// A number of things.
struct Counted(u64, &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(formatter, "{} {}{plural}", Thousands(self.0), self.1)
    }
}

/// A number as people read it: `1,234,567`.
struct Thousands(u64);

impl fmt::Display for Thousands {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                write!(formatter, ",")?;
            }
            write!(formatter, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

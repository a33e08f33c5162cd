//! The task behind a read of comments: lists the records with the numbers of their comments, and asks for the comments of
//! those that have some.
//!
//! Invariants: every comment is given exactly once, however often cursors expire; memory holds the ids of a few pages of
//! records, and a page of comments for each request that is on its way; a record that has gone since it was listed has no
//! comments, and is no error; the comments of one that is there come, or the read ends.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cursor::Cursor;
use super::names::LinkNames;
use super::reader::{BYTES, PAUSE, ROWS, Reader, died};
use super::request;
use super::stats::Progress;
use crate::airtable::client::{Answer, Client};
use crate::airtable::failure::Failure;
use crate::airtable::formula::ids_formula;
use crate::airtable::request::Request;
use crate::decode::{Facts, comments_page};
use crate::error::{Error, Result};
use crate::scan::{Column, Part, Scan, Source};

/// A record may be listed for a while after it was deleted: not every machine of Airtable's need know of it yet. So often
/// its comments are asked for again.
const MOST_REFUSED: u32 = 3;

/// Requests for comments that may be on their way at once: at 4.5 a second as many as an answer may take two seconds.
const AT_ONCE: usize = 10;

/// Reads to the end, or to an error, which is sent as well.
pub(super) async fn run(
    client: Arc<Client>,
    scan: Scan,
    progress: Arc<Progress>,
    batches: mpsc::Sender<Result<RecordBatch>>,
) {
    let mut comments = Comments::new(client, scan, progress);
    match comments.read(&batches).await {
        Ok(()) if comments.facts.dropped() > 0 => log::warn!(
            "table {:?}: {} values of comments are not of the documented kind and are NULL, or have U+FFFD for half a \
             character",
            comments.scan.table_name,
            comments.facts.dropped()
        ),
        Ok(()) => {}
        // Where nobody listens any more nobody misses it.
        Err(error) => _ = batches.send(Err(comments.client.scrub(error))).await,
    }
}

struct Comments {
    client: Arc<Client>,
    scan: Scan,
    facts: Facts,
    progress: Arc<Progress>,
    /// Records whose next page is to be asked for.
    waiting: VecDeque<Thread>,
    fetches: JoinSet<Fetched>,
    /// Bytes of answers since the last batch.
    bytes: usize,
    flushed: Instant,
    /// Comments were read, so that the token may read them.
    is_allowed: bool,
    /// As many comments as the records so far are said to have.
    expected: usize,
}

/// The comments of one record: where their pages are, and which have come.
struct Thread {
    record_id: String,
    cursor: Cursor,
    met: HashSet<String>,
    /// How often they were refused while the record was there.
    refused: u32,
}

/// A page that was asked for.
struct Fetched {
    thread: Thread,
    request: Request,
    answer: Result<Answer, Failure>,
}

/// The records of a page, whatever is in them.
#[derive(Deserialize)]
struct Found {
    records: Vec<IgnoredAny>,
}

impl Thread {
    fn new(record_id: &str) -> Self {
        Self { record_id: record_id.to_owned(), cursor: Cursor::of("comment"), met: HashSet::new(), refused: 0 }
    }
}

/// The plan of the records, with nothing of them but their ids and the numbers of their comments.
fn listing(scan: &Scan) -> Scan {
    let id = Column::new("id", false, Source::RecordId);
    let count = Column::new("comment_count", true, Source::CommentCount);
    // A number that cannot be read is no reason to leave comments out.
    Scan { part: Part::Records, columns: vec![id, count], fail_on_bad_value: true, max_records: None, ..scan.clone() }
}

/// The records of a batch that have comments, and how many. Airtable may leave the number out where there are none.
fn with_comments(batch: &RecordBatch) -> Vec<(&str, usize)> {
    let (ids, counts) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
    let rows = (0..batch.num_rows()).filter(|row| counts.is_valid(*row));
    let counted = rows.map(|row| (ids.value(row), usize::try_from(counts.value(row)).unwrap_or_default()));
    counted.filter(|(_, count)| *count > 0).collect()
}

impl Comments {
    fn new(client: Arc<Client>, scan: Scan, progress: Arc<Progress>) -> Self {
        Self {
            facts: Facts::new(&scan),
            client,
            scan,
            progress,
            waiting: VecDeque::new(),
            fetches: JoinSet::new(),
            bytes: 0,
            // The first comments are handed on at once. (A machine that has just started knows no earlier time.)
            flushed: Instant::now().checked_sub(PAUSE).unwrap_or_else(Instant::now),
            is_allowed: false,
            expected: 0,
        }
    }

    async fn read(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        let (sender, mut listed) = mpsc::channel(1);
        // In a set of one, which ends it when this read ends.
        let mut listings = JoinSet::new();
        let (client, progress) = (self.client.clone(), Arc::new(self.progress.beside()));
        listings.spawn(Reader::new(client, LinkNames::none(), listing(&self.scan), progress).run(sender));
        let mut is_listed = false;
        loop {
            self.ask();
            let is_read = is_listed && self.fetches.is_empty();
            if is_read || self.facts.left() == 0 || batches.is_closed() {
                break;
            }
            let has_rows = self.facts.count() > 0;
            let (is_asking, wants_more) = (!self.fetches.is_empty(), !is_listed && self.waiting.is_empty());
            let due = self.flushed + PAUSE;
            let permit = async {
                tokio::time::sleep_until(due).await;
                batches.reserve().await
            };
            tokio::select! {
                biased;
                Some(fetched) = self.fetches.join_next(), if is_asking => self.take(fetched.map_err(died)?).await?,
                records = listed.recv(), if wants_more => if let Some(records) = records {
                    self.wait_for(&records?);
                } else {
                    // Without a word: at the end of the table, or because the reader died.
                    listings.join_next().await.transpose().map_err(died)?;
                    is_listed = true;
                    self.progress.expect(Some(self.expected).filter(|_| self.scan.choice.is_none()));
                },
                permit = permit, if has_rows => match permit {
                    Ok(permit) => {
                        let batch = self.finish()?;
                        if batch.num_rows() > 0 {
                            permit.send(Ok(batch));
                        }
                    }
                    Err(_) => break,
                },
            }
            if self.facts.count() >= ROWS || self.bytes >= BYTES {
                self.flush(batches).await?;
            }
        }
        self.flush(batches).await
    }

    fn wait_for(&mut self, records: &RecordBatch) {
        for (record_id, count) in with_comments(records) {
            self.expected += count;
            self.waiting.push_back(Thread::new(record_id));
        }
    }

    /// Asks for as many pages as may be on their way. Each has a comment at least, so that no more are asked for than
    /// comments are wanted.
    fn ask(&mut self) {
        let most = usize::try_from(self.facts.left()).unwrap_or(usize::MAX).min(AT_ONCE);
        while self.fetches.len() < most {
            let Some(thread) = self.waiting.pop_front() else { break };
            let request = request::comments(&self.scan, &thread.record_id, thread.cursor.offset.as_deref());
            let (client, tally) = (self.client.clone(), self.progress.tally().clone());
            self.fetches.spawn(async move {
                let answer = client.answer(&request, &tally).await;
                Fetched { thread, request, answer }
            });
        }
    }

    /// Takes in a page; what comes after it waits for its turn, before records that were not begun.
    async fn take(&mut self, fetched: Fetched) -> Result<()> {
        let Fetched { mut thread, request, answer } = fetched;
        let name = self.client.name(&request);
        let about = |error: Error| match &error {
            Error::Data(text) if !text.starts_with("table ") => {
                error.map_text(|text| format!("{name}: {text}")).of_request(name.clone())
            }
            _ => error,
        };
        match answer {
            Ok(answer) => {
                self.is_allowed = true;
                self.bytes += answer.body.len();
                let page = comments_page(&answer.body, &thread.record_id, &mut thread.met, &mut self.facts);
                thread.cursor.advance(page.map_err(about)?, 0).map_err(about)?;
            }
            Err(failure) if failure.is_expired_cursor() && thread.cursor.offset.is_some() => {
                log::info!("{name}: the page cursor expired: reading the record's comments again");
                thread.cursor.restart(thread.met.len(), "try again later").map_err(about)?;
            }
            Err(failure) => {
                if self.is_gone(&thread.record_id, &failure).await? {
                    log::info!("{name}: {}: the record is gone, and its comments are left out", failure.in_short());
                    return Ok(());
                }
                thread.refused += 1;
                // Who may read others' may read these.
                let may_pass = self.is_allowed && matches!(failure, Failure::Status { status: 403, .. });
                if !may_pass || thread.refused > MOST_REFUSED {
                    return Err(self.client.error(&request, &failure));
                }
                log::info!("{name}: {}, and the record is there: asking again", failure.in_short());
                self.waiting.push_back(thread);
                return Ok(());
            }
        }
        if thread.cursor.has_more {
            self.waiting.push_front(thread);
        }
        Ok(())
    }

    /// Whether a record has gone since it was listed. Airtable answers for it as for a token that may not read comments, or
    /// as for a table that is not there, so that the table is asked again.
    async fn is_gone(&self, record_id: &str, failure: &Failure) -> Result<bool> {
        let Failure::Status { status: status @ (403 | 404), .. } = failure else { return Ok(false) };
        let plain = Scan { view_id: None, ..listing(&self.scan) };
        let formula = ids_formula(std::iter::once(record_id));
        let request = request::page(&self.client, &plain, Some(&formula), None);
        let found: Found = self.client.counted_json(&request, self.progress.tally()).await?;
        Ok(*status == 404 || found.records.is_empty())
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        (self.bytes, self.flushed) = (0, Instant::now());
        self.facts.finish()
    }

    async fn flush(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        if self.facts.count() > 0 {
            let batch = self.finish()?;
            if batch.num_rows() > 0 {
                // A closed channel ends the loop that called.
                _ = batches.send(Ok(batch)).await;
            }
        }
        Ok(())
    }
}

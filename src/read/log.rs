//! The task behind a read of a log of changes: asks for the payloads of a range, and hands their rows on as batches.
//!
//! A log cannot be read from records, which tell what is there and not what was. So nothing stands in for what a feed has
//! lost.
//!
//! Invariants: of a range every payload is read once, in the order of their numbers; one that is missing, says that the
//! webhook has failed, or cannot be read ends in an error.
//!
//! | file | is |
//! |---|---|
//! | `range` | pure: which payloads come next |
//! | `rows` | pure: what payloads come to |
//! | `values` | pure: cells in the form of records |

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;

use super::stats::Progress;
use crate::airtable::cell_changes::CellChanges;
use crate::airtable::client::Client;
use crate::airtable::payload::Payloads;
use crate::airtable::payload_page::{self, FeedOf, NoPage, PAGE, missing, unreadable};
use crate::airtable::request::Request;
use crate::error::{Error, Result};
use crate::scan::{PayloadRange, Scan, Selection};

mod range;
mod rows;
mod values;

use range::{Missing, Step, Way};
use rows::{LogRows, Logged};

/// Rows of one batch, as reads of records have them.
const ROWS: usize = 1_000;

/// Bytes of values of one batch.
const BYTES: usize = 16 << 20;

/// After how long payloads that were announced are asked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// `GET /v0/bases/{baseId}/webhooks`, of which the ids matter here.
#[derive(Deserialize)]
struct Webhooks {
    webhooks: Vec<Value>,
}

/// The task behind [`Batches`](super::Batches) of a log.
pub(super) struct LogReader {
    client: Arc<Client>,
    scan: Scan,
    progress: Arc<Progress>,
    rows: LogRows,
}

impl LogReader {
    pub(super) fn new(client: Arc<Client>, scan: Scan, progress: Arc<Progress>) -> Self {
        Self { rows: LogRows::new(&scan), client, scan, progress }
    }

    pub(super) async fn run(mut self, batches: mpsc::Sender<Result<RecordBatch>>) {
        if let Err(error) = self.select(&batches).await {
            // Where nobody listens any more nobody misses it.
            _ = batches.send(Err(self.client.scrub(error))).await;
        }
    }

    async fn select(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        self.scan.check_batch()?;
        // Between equal offsets there is nothing.
        let Selection::Payloads(range) = self.scan.selection.clone() else { return Ok(()) };
        self.payloads(&range, batches).await?;
        self.flush(batches).await
    }

    async fn payloads(&mut self, range: &PayloadRange, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        let mut way = Way::new(range.first, range.end);
        loop {
            let number = match way.step() {
                Step::Done => return Ok(()),
                _ if batches.is_closed() => return Ok(()),
                Step::Ask(number) => number,
                Step::AskLater(number) => {
                    self.client.pause(PAUSE).await;
                    number
                }
            };
            let page = self.page(&range.webhook_id, number).await?;
            let taken = way
                .accept(page.payloads.len(), page.cursor)
                .map_err(|Missing(number)| self.lost(&missing(&range.webhook_id, number)))?;
            for (number, payload) in page.numbered().take(taken) {
                if let Some(code) = payload.failure() {
                    return Err(self.lost(&format!("webhook {} failed: {code}", range.webhook_id)));
                }
                self.rows.add(payload).map_err(|why| self.lost(&unreadable(&range.webhook_id, number, &why)))?;
                if self.rows.count() >= ROWS || self.rows.bytes() >= BYTES {
                    self.flush(batches).await?;
                }
            }
        }
    }

    async fn page(&self, webhook_id: &str, number: u64) -> Result<Payloads<CellChanges>> {
        let base_id = &self.scan.base_id;
        let of = FeedOf { base: base_id, table: &self.scan.table_id, webhook: webhook_id };
        match payload_page::page(&self.client, of, number, PAGE, self.progress.tally()).await? {
            Ok(page) => Ok(page),
            Err(NoPage::Gone) => Err(self.lost(&missing(webhook_id, number))),
            Err(NoPage::Absent(error)) => {
                let listed: Webhooks = self.client.json(&Request::webhooks(base_id)).await?;
                let is_there = listed.webhooks.iter().any(|webhook| webhook["id"] == webhook_id);
                Err(if is_there { error } else { self.lost(&format!("webhook {webhook_id} was deleted")) })
            }
        }
    }

    async fn flush(&mut self, batches: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        if self.rows.count() > 0 {
            // A closed channel ends the loop that called.
            _ = batches.send(Ok(self.rows.finish()?)).await;
        }
        Ok(())
    }

    fn lost(&self, why: &str) -> Error {
        lost(&self.scan, why)
    }
}

/// The error for a log that has a gap.
pub(crate) fn lost(plan: &Scan, why: &str) -> Error {
    Error::Data(format!(
        "table {:?}: changes are lost: {why}: nothing else tells what they were: start with a new checkpoint, and the log \
         goes on from then",
        plan.table_name
    ).into())
}

/// Where a batch of so many rows ends: after a whole payload, and at least one. Pure.
#[derive(Debug)]
pub(crate) struct LogBatchEnd {
    fields: Logged,
    first: u64,
    end: u64,
    most: u64,
    rows: u64,
    /// After the last payload that fits.
    number: u64,
}

impl LogBatchEnd {
    /// Of the payloads from one number on and before another.
    pub(crate) fn new(plan: &Scan, first: u64, end: u64, most: u64) -> Self {
        Self { fields: Logged::new(plan), first, end, most, rows: 0, number: first }
    }

    /// The number from which the next page is to be asked for.
    pub(crate) fn next(&self) -> u64 {
        self.number
    }

    /// Takes in that page; gives the end of the batch as soon as it is known. What is missing or cannot be read is left to
    /// a batch of its own, which fails; what comes before it arrives.
    pub(crate) fn accept(&mut self, page: &Payloads<CellChanges>) -> Option<u64> {
        let first = page.cursor.checked_sub(page.payloads.len() as u64);
        if first != Some(self.number) || page.payloads.is_empty() {
            return Some(self.before_a_gap());
        }
        for payload in &page.payloads {
            let Ok(change) = payload.change() else { return Some(self.before_a_gap()) };
            let rows = self.fields.count(change);
            if self.number > self.first && self.rows + rows > self.most {
                return Some(self.number);
            }
            (self.rows, self.number) = (self.rows + rows, self.number + 1);
            if self.number >= self.end || self.rows >= self.most {
                return Some(self.number.min(self.end));
            }
        }
        None
    }

    fn before_a_gap(&self) -> u64 {
        if self.number > self.first { self.number } else { self.end }
    }
}

#[cfg(test)]
mod tests;

//! The task behind a read of one base, by what the rows of the plan are.

use std::sync::Arc;

use arrow::array::RecordBatch;
use tokio::sync::mpsc;

use super::log::LogReader;
use super::names::LinkNames;
use super::reader::Reader;
use super::stats::Progress;
use super::{comments, definitions};
use crate::airtable::client::Client;
use crate::error::Result;
use crate::scan::{Part, Scan};

/// Reads to the end, or to an error, which is sent as well.
pub(super) async fn run(
    client: Arc<Client>,
    names: Arc<LinkNames>,
    scan: Scan,
    progress: Arc<Progress>,
    batches: mpsc::Sender<Result<RecordBatch>>,
) {
    if scan.part.is_definitions() {
        definitions::run(client, scan, progress, batches).await;
    } else if scan.is_log() {
        Box::pin(LogReader::new(client, scan, progress).run(batches)).await;
    } else if scan.part == Part::Comments {
        comments::run(client, scan, progress, batches).await;
    } else {
        Box::pin(Reader::new(client, names, scan, progress).run(batches)).await;
    }
}

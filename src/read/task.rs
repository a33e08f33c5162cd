//! The task behind a read of one base, by what the rows of the plan are.

use std::sync::Arc;

use arrow::array::RecordBatch;
use tokio::sync::mpsc;

use super::choose::Choose;
use super::log::LogReader;
use super::names::LinkNames;
use super::reader::Reader;
use super::stats::Progress;
use super::{comments, definitions};
use crate::airtable::client::Client;
use crate::error::Result;
use crate::scan::{Part, Scan};

/// Reads to the end, or to an error, which is sent as well: the rows that the plan chooses, where it chooses.
pub(super) async fn run(
    client: Arc<Client>,
    names: Arc<LinkNames>,
    scan: Scan,
    progress: Arc<Progress>,
    batches: mpsc::Sender<Result<RecordBatch>>,
) {
    let Some(choice) = &scan.choice else { return every_row(client, names, scan, progress, batches).await };
    let (sender, read) = mpsc::channel(1);
    let before = scan.before_choice(choice);
    let choose = Choose::new(&scan, choice, &before);
    tokio::join!(every_row(client, names, before, progress, sender), choose.run(read, batches));
}

async fn every_row(
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
        // A read is one allocation, whoever waits for it.
        Box::pin(Reader::new(client, names, scan, progress).run(batches)).await;
    }
}

//! The reads of several bases as one: side by side, each at its base's own budget, in one stream of batches.
//!
//! Invariants: every base is read to its end, or the read ends by an error that names it; memory holds a few batches of
//! each base that is being read; a read of a number of records goes from base to base, and asks for no more of them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::names::LinkNames;
use super::reader::died;
use super::stats::{End, Progress};
use super::task;
use crate::airtable::client::Client;
use crate::error::{Error, Result};
use crate::scan::Scan;

/// As many bases as one token may ask at 5 requests a second each.
const AT_ONCE: usize = 10;

/// What the reads of all bases have in common.
type Shared = (Arc<Client>, Arc<LinkNames>);

/// Reads the bases of a plan.
pub(super) async fn run(
    client: Arc<Client>,
    names: Arc<LinkNames>,
    scan: Scan,
    progress: Arc<Progress>,
    batches: mpsc::Sender<Result<RecordBatch>>,
) {
    let read = match scan.max_records {
        Some(most) => in_turn(&(client, names), &scan, most, &progress, &batches).await,
        None => side_by_side(&(client, names), &scan, &progress, &batches).await,
    };
    if let Err(error) = read {
        // Where nobody listens any more nobody misses it.
        _ = batches.send(Err(error)).await;
    }
}

/// What is still wanted is known only when a base has been read.
async fn in_turn(
    shared: &Shared,
    scan: &Scan,
    most: u64,
    progress: &Arc<Progress>,
    batches: &mpsc::Sender<Result<RecordBatch>>,
) -> Result<()> {
    let mut left = most;
    for base in scan.bases() {
        if left == 0 || batches.is_closed() {
            break;
        }
        left = left.saturating_sub(read(shared.clone(), base.head(left), progress.part(), batches.clone()).await?);
    }
    Ok(())
}

async fn side_by_side(
    shared: &Shared,
    scan: &Scan,
    progress: &Arc<Progress>,
    batches: &mpsc::Sender<Result<RecordBatch>>,
) -> Result<()> {
    let mut waiting = scan.bases().into_iter().map(|base| (base, progress.part())).collect::<Vec<_>>().into_iter();
    let mut reads = JoinSet::new();
    for (base, part) in waiting.by_ref().take(AT_ONCE) {
        reads.spawn(read(shared.clone(), base, part, batches.clone()));
    }
    while let Some(rows) = reads.join_next().await {
        rows.map_err(died)??;
        if let Some((base, part)) = waiting.next() {
            reads.spawn(read(shared.clone(), base, part, batches.clone()));
        }
    }
    Ok(())
}

/// Reads one base; gives the number of its rows.
async fn read(
    (client, names): Shared,
    base: Scan,
    part: Arc<Progress>,
    batches: mpsc::Sender<Result<RecordBatch>>,
) -> Result<u64> {
    let base_id = base.base_id.clone();
    let (sender, mut received) = mpsc::channel(1);
    part.begin();
    let reading = task::run(client, names, base, part.clone(), sender);
    let passing = async {
        let mut rows = 0;
        while let Some(batch) = received.recv().await {
            let batch = batch.map_err(|error| named(error, &base_id))?;
            rows += batch.num_rows();
            part.give(batch.num_rows());
            if batches.send(Ok(batch)).await.is_err() {
                part.end(End::Closed);
                break;
            }
        }
        // The reader sees that nobody takes its batches.
        drop(received);
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    };
    let ((), rows) = tokio::join!(reading, passing);
    part.end(if rows.is_ok() { End::Complete } else { End::Failed });
    rows
}

/// The error with its base, which a request's address tells already.
fn named(error: Error, base_id: &str) -> Error {
    error.map_text(|text| if text.contains(base_id) { text } else { format!("base {base_id}: {text}") })
}

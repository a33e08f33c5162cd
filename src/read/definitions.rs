//! The task behind a read of a base's definitions: one request, and one batch.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use tokio::sync::mpsc;

use super::stats::Progress;
use crate::airtable::client::Client;
use crate::airtable::request::Request;
use crate::airtable::schema::{Table, Tables};
use crate::decode::Facts;
use crate::error::Result;
use crate::scan::{Scan, dictionary};

/// Reads to the end, or to an error, which is sent as well.
pub(super) async fn run(
    client: Arc<Client>,
    scan: Scan,
    progress: Arc<Progress>,
    batches: mpsc::Sender<Result<RecordBatch>>,
) {
    let batch = match ask(&client, &scan, &progress).await {
        Ok(tables) => batch(&scan, &tables),
        Err(error) => Err(error),
    };
    if batch.as_ref().is_ok_and(|batch| batch.num_rows() == 0) {
        return;
    }
    // Where nobody listens any more nobody misses it.
    _ = batches.send(batch.map_err(|error| client.scrub(error))).await;
}

/// What the base says of its tables.
async fn ask(client: &Client, scan: &Scan, progress: &Progress) -> Result<Vec<Table>> {
    let request = Request::tables(&scan.base_id);
    let told: Result<Tables> = client.counted_json(&request, progress.tally()).await;
    Ok(told?.tables)
}

fn batch(scan: &Scan, tables: &[Table]) -> Result<RecordBatch> {
    let mut facts = Facts::new(scan);
    for row in dictionary::rows(scan.part, tables, &scan.naming) {
        let value = |name: &str| row.iter().find(|(told, _)| *told == name).map(|(_, value)| value);
        facts.row("", |name| value(name).map(|value| Cow::Owned(value.to_string())))?;
    }
    if facts.dropped() > 0 {
        log::warn!(
            "table {:?}: {} values of the definitions are not of the documented kind and are NULL",
            scan.table_name,
            facts.dropped()
        );
    }
    facts.finish()
}

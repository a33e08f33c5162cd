//! Tells what has changed in a table since the last run. The offset is kept in a file, as a checkpoint would.
//!
//! `AIRTABLE_TOKEN=pat... AIRTABLE_BASE_ID=app... cargo run --example follow_changes -- Vendors offset.json`

use std::env;
use std::error::Error;
use std::fs;

use lakeflow_airtable::arrow::array::AsArray;
use lakeflow_airtable::{AirtableConnector, LakeflowConnect, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(table), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("usage: follow_changes TABLE OFFSET_FILE".into());
    };
    let options = Options::parse([
        ("token", env::var("AIRTABLE_TOKEN")?),
        ("base_id", env::var("AIRTABLE_BASE_ID")?),
        // An empty option is none: Airtable itself is asked.
        ("base_url", env::var("AIRTABLE_BASE_URL").unwrap_or_default()),
        ("tableName", table),
        // Needs the scope webhook:manage. `cdc` does without it, and tells no deletes.
        ("ingestion_type", "cdc_with_deletes".to_owned()),
    ])?;
    let connector = AirtableConnector::new(options.connection)?;
    let plan = connector.plan(&options.read).await?;
    let stream = connector.stream(plan, &options.read)?;
    // This run ends where the table is now, however long it goes on changing.
    stream.stop_at_latest();

    let mut start = match fs::read_to_string(&path) {
        Ok(offset) => stream.parse(&offset)?,
        Err(_) => stream.initial(),
    };
    let (mut changed, mut deleted) = (0, 0);
    loop {
        let latest = stream.latest(Some(&start), Some(1_000)).await?;
        let mut batches = connector.read(stream.scan(Some(&start), &latest.offset).await?);
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let gone = batch.column_by_name("_deleted").map_or(0, |column| column.as_boolean().true_count());
            deleted += gone;
            changed += batch.num_rows() - gone;
        }
        // Only now: after a crash, the range is read again.
        fs::write(&path, latest.offset.to_json())?;
        stream.commit(&latest.offset)?;
        start = latest.offset;
        if !latest.has_more {
            break;
        }
    }
    println!("{changed} rows new or changed, {deleted} deleted");
    Ok(())
}

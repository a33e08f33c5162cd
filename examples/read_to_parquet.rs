//! Lists the tables of a base, and writes one of them to a Parquet file.
//!
//! `AIRTABLE_TOKEN=pat... AIRTABLE_BASE_ID=app... cargo run --example read_to_parquet -- Vendors vendors.parquet`

use std::env;
use std::error::Error;
use std::fs::File;

use lakeflow_airtable::{AirtableConnector, LakeflowConnect, Options};
use parquet::arrow::ArrowWriter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(table), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("usage: read_to_parquet TABLE FILE".into());
    };
    let options = Options::parse([
        ("token", env::var("AIRTABLE_TOKEN")?),
        ("base_id", env::var("AIRTABLE_BASE_ID")?),
        // An empty option is none: Airtable itself is asked.
        ("base_url", env::var("AIRTABLE_BASE_URL").unwrap_or_default()),
        ("tableName", table),
    ])?;
    let connector = AirtableConnector::new(options.connection)?;
    println!("tables: {}", connector.list_tables(None).await?.join(", "));

    let scan = connector.plan(&options.read).await?;
    let mut batches = connector.read(scan);
    let mut writer = ArrowWriter::try_new(File::create(&path)?, batches.schema(), None)?;
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        rows += batch.num_rows();
        writer.write(&batch)?;
    }
    writer.close()?;
    println!("{path}: {rows} rows");
    Ok(())
}

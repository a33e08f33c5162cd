//! What a read says of itself: its own counts, beside those of others by the same client, and what the mock saw.

use lakeflow_airtable::read::Stats;
use lakeflow_airtable::{AirtableConnector, Batches, Error, LakeflowConnect};
use serde_json::json;

use crate::source::Source;

/// A read that is not begun.
async fn batches(source: &Source, connector: &AirtableConnector, more: &[(&str, &str)]) -> Batches {
    let scan = connector.plan(&source.options(more).read).await.expect("a plan");
    connector.read(scan)
}

/// Reads to the end, or to an error.
async fn drain(batches: &mut Batches) -> Result<u64, Error> {
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        rows += batch?.num_rows() as u64;
        assert_eq!(batches.stats().rows, rows, "what was given so far");
    }
    Ok(rows)
}

#[tokio::test]
async fn a_read_counts_what_it_gave_and_what_that_cost() {
    let source = Source::with_items(250);
    let connector = source.connector(&[]);
    let mut batches = batches(&source, &connector, &[]).await;
    assert_eq!(batches.stats(), Stats::default(), "nothing is asked for yet");
    assert_eq!(drain(&mut batches).await.expect("a read"), 250);
    let stats = batches.stats();
    assert_eq!((stats.rows, usize::try_from(stats.requests).expect("small")), (250, source.pages()));
    assert_eq!((stats.retries, stats.penalties, stats.rescued_values), (0, 0, 0));
    assert_eq!(stats.expected_rows, Some(250));
    assert!(stats.is_done && stats.bytes > 250 * 30 && stats.elapsed > std::time::Duration::ZERO, "{stats:?}");
    assert_eq!(batches.stats(), stats, "it is over");
}

#[tokio::test]
async fn reads_by_one_client_count_each_for_itself() {
    let source = Source::with_items(250);
    let connector = source.connector(&[]);
    let (mut whole, mut part) =
        (batches(&source, &connector, &[]).await, batches(&source, &connector, &[("max_records", "20")]).await);
    let (all, some) = tokio::join!(drain(&mut whole), drain(&mut part));
    assert_eq!((all.expect("a read"), some.expect("a read")), (250, 20));
    assert_eq!((whole.stats().requests, part.stats().requests), (3, 1));
    assert!(whole.stats().bytes > part.stats().bytes);
}

#[tokio::test]
async fn what_is_asked_again_is_told() {
    let source = Source::with_items(250);
    source.faults(json!({"rules": [
        {"path": "/tbl", "times": 2, "after": 1, "action": "bad_gateway"},
    ]}));
    let connector = source.connector(&[]);
    let mut batches = batches(&source, &connector, &[]).await;
    assert_eq!(drain(&mut batches).await.expect("a read"), 250);
    let stats = batches.stats();
    assert_eq!((stats.requests, stats.retries, stats.penalties), (5, 2, 0), "{stats:?}");
    assert_eq!(source.pages(), 5, "the mock saw as many");
}

#[tokio::test]
async fn a_read_that_was_refused_is_over_and_has_its_counts() {
    let source = Source::with_items(250);
    let refusal = json!({"respond": {"status": 429, "body": {"error": {"type": "RATE_LIMIT_REACHED"}}}});
    source.faults(json!({"rules": [{"path": "/tbl", "after": 1, "action": refusal}]}));
    let more = [("max_retries", "0")];
    let connector = source.connector(&more);
    let mut batches = batches(&source, &connector, &more).await;
    assert!(matches!(drain(&mut batches).await, Err(Error::RateLimit(_))));
    let stats = batches.stats();
    assert_eq!((stats.requests, stats.retries, stats.penalties), (2, 0, 1), "{stats:?}");
    assert!(stats.is_done && stats.expected_rows.is_none(), "{stats:?}");
}

#[tokio::test]
async fn requests_that_reach_nobody_are_not_sent() {
    let source = Source::with_items(10);
    let connector = source.connector(&[]);
    let more = [("max_retries", "0"), ("base_url", "http://127.0.0.1:9")];
    let scan = connector.plan(&source.options(&[]).read).await.expect("a plan");
    let mut batches = source.connector(&more).read(scan);
    assert!(matches!(drain(&mut batches).await, Err(Error::Transport(_))));
    assert_eq!((batches.stats().requests, batches.stats().is_done), (0, true));
}

#[tokio::test]
async fn a_wait_for_the_budget_is_told() {
    let source = Source::with_items(450);
    let more = [("requests_per_second", "20")];
    let connector = source.connector(&more);
    let mut batches = batches(&source, &connector, &more).await;
    drain(&mut batches).await.expect("a read");
    let stats = batches.stats();
    // Five pages, 50 ms apart, but for what the answers themselves took.
    assert!(!stats.waited.is_zero() && stats.waited <= stats.elapsed, "{stats:?}");
}

#[tokio::test]
async fn a_large_table_that_several_cursors_read_has_a_size_before_its_end() {
    let source = Source::with_items(14_000);
    source.faults(json!({"delay_ms": 200}));
    let more = [("page_size", "50"), ("requests_per_second", "100")];
    let connector = source.connector(&more);
    let mut batches = batches(&source, &connector, &more).await;
    let mut expected = Vec::new();
    while let Some(batch) = batches.next().await {
        batch.expect("a batch");
        let stats = batches.stats();
        expected.extend(stats.expected_rows.filter(|_| !stats.is_done));
    }
    assert!(expected.iter().any(|rows| (4_000..40_000).contains(rows)), "{expected:?}");
    assert_eq!(batches.stats().expected_rows, Some(14_000));
}

#[tokio::test]
async fn rescued_values_are_counted() {
    let source = Source::with_items(120);
    let base = source.mock.base_id();
    for record in source.mock.records(&base, "Items").expect("records").iter().take(3) {
        let id = record["id"].as_str().expect("an id");
        source.mock.set_raw_cell(&base, "Items", id, "N", &json!("many")).expect("a cell");
    }
    let connector = source.connector(&[]);
    for (column, rescued) in [("_rescued_data", 3), ("", 0)] {
        let mut batches = batches(&source, &connector, &[("rescued_data_column", column)]).await;
        drain(&mut batches).await.expect("a read");
        assert_eq!(batches.stats().rescued_values, rescued, "{column:?}");
    }
}

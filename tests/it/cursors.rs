//! Large tables read by several cursors at once. The service answers slowly here, as Airtable does, or one would do.

use std::collections::HashSet;

use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect};
use serde_json::json;

use crate::source::{Source, strings};

/// Many pages of few records: what counts is the pages.
const RECORDS: usize = 14_000;
const PAGES: usize = 280;
const OPTIONS: [(&str, &str); 2] = [("page_size", "50"), ("requests_per_second", "100")];

/// The first cursor's pages, which come again, one for the sample, and one that is not full for each share.
const MOST_REQUESTS: usize = PAGES + 23 + 1 + 10;

fn slow(rules: &serde_json::Value) -> Source {
    let source = Source::with_items(RECORDS);
    source.faults(json!({"delay_ms": 200, "rules": rules}));
    source
}

fn with<'o>(more: &[(&'o str, &'o str)]) -> Vec<(&'o str, &'o str)> {
    [&OPTIONS, more].concat()
}

/// The ids that a read gave, each once.
fn unique(ids: &[String]) -> HashSet<&String> {
    let unique: HashSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "a record came twice");
    unique
}

/// How many listings the service has begun.
fn listings(source: &Source) -> usize {
    let requests = source.mock.requests();
    requests.iter().filter(|request| request.endpoint == "list_records" && !request.query.contains("offset=")).count()
}

#[tokio::test]
async fn a_large_table_is_read_by_several_cursors_and_whole() {
    let source = slow(&json!([]));
    let ids = source.ids(&OPTIONS).await;
    assert_eq!(unique(&ids), source.all_ids().iter().collect());
    assert_eq!(listings(&source), 1 + 1 + 10, "all, the sample, and the shares");
    let pages = source.pages();
    assert!((PAGES..=MOST_REQUESTS).contains(&pages), "{pages}");
}

#[tokio::test]
async fn a_table_that_was_read_before_is_divided_at_its_first_page() {
    let source = Source::with_items(6_000);
    source.faults(json!({"delay_ms": 400}));
    let options = [("requests_per_second", "20")];
    let once = source.ids(&options).await;
    assert_eq!(listings(&source), 1 + 1, "the table is too small for the pages that would come again");
    assert_eq!(source.pages(), 60 + 1);
    let again = source.ids(&options).await;
    assert_eq!(unique(&again), unique(&once));
    assert_eq!(listings(&source), 1 + 1 + 10, "all, a share that is the sample, and the others");
    let pages = source.pages();
    assert!((61..=60 + 1 + 1 + 10).contains(&pages), "the first page comes again: {pages}");
    // Another filter is another table.
    source.ids(&[("requests_per_second", "20"), ("filter_formula", "{N}<2000")]).await;
    assert_eq!(listings(&source), 1 + 1);
}

#[tokio::test]
async fn a_filter_holds_for_every_cursor() {
    let source = slow(&json!([]));
    let ids = source.ids(&with(&[("filter_formula", "OR(MOD({N},4),{N}=0)"), ("page_size", "30")])).await;
    let base = source.mock.base_id();
    let records = source.mock.records(&base, "Items").expect("the table");
    let wanted = records.iter().filter(|record| {
        let n = record["fields"]["N"].as_i64().expect("a number");
        n % 4 != 0 || n == 0
    });
    let wanted: Vec<String> = wanted.map(|record| record["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(unique(&ids), wanted.iter().collect());
    assert!(listings(&source) > 2);
}

#[tokio::test]
async fn each_cursor_that_expires_begins_again() {
    let gone = |after: u64| json!({"after": after, "times": 3, "path": "offset=", "action": "iterator_gone"});
    let once = json!({"after": 5, "times": 1, "path": "offset=", "action": "iterator_gone"});
    let source = slow(&json!([once, gone(40), gone(90), gone(150)]));
    let ids = source.ids(&OPTIONS).await;
    assert_eq!(unique(&ids), source.all_ids().iter().collect());
    assert!(listings(&source) >= 12 + 1 + 9);
}

/// With several threads, a request that is made and taken back at once may have gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_small_table_costs_its_pages() {
    let source = Source::with_items(1_000);
    source.faults(json!({"delay_ms": 120}));
    for (page_size, pages) in [("100", 10), ("50", 20)] {
        let options = [("requests_per_second", "100"), ("page_size", page_size)];
        assert!(source.ids(&options).await == source.all_ids(), "in order");
        assert_eq!(source.pages(), pages);
    }
}

#[tokio::test]
async fn a_sample_that_is_not_answered_ends_no_read() {
    let source = Source::with_items(1_600);
    let broken = json!({"path": "RECORD_ID", "action": {"respond": {"status": 503}}});
    source.faults(json!({"delay_ms": 300, "rules": [broken]}));
    let options = [("requests_per_second", "100"), ("max_retries", "1")];
    assert!(source.ids(&options).await == source.all_ids(), "in order");
    let pages = source.pages();
    assert!((17..=18).contains(&pages), "the sample, and once more if there is time: {pages}");
}

#[tokio::test]
async fn a_share_that_is_not_answered_goes_on_from_its_last_place() {
    // Twelve pages of this share were read; its cursors expire soon, as all do.
    let busy = json!({"after": 12, "times": 1, "path": "NOT%28OR%28", "action": {"respond": {"status": 503}}});
    let source = slow(&json!([busy]));
    let ids = source.ids(&with(&[("max_retries", "0")])).await;
    assert_eq!(unique(&ids), source.all_ids().iter().collect());
    assert_eq!(listings(&source), 1 + 1 + 10, "none begins again");
    let pages = source.pages();
    assert!(pages <= MOST_REQUESTS + 1, "{pages}: one page came again");
}

#[tokio::test]
async fn a_share_that_expired_while_it_waited_begins_again_and_no_other_does() {
    let busy = json!({"after": 12, "times": 1, "path": "NOT%28OR%28", "action": {"respond": {"status": 503}}});
    let source = slow(&json!([busy]));
    source.faults(json!({"delay_ms": 200, "iterator_seconds": 1, "rules": [busy]}));
    let ids = source.ids(&with(&[("max_retries", "0")])).await;
    assert_eq!(unique(&ids), source.all_ids().iter().collect());
    assert!(listings(&source) <= 1 + 1 + 10 + 1, "that share alone");
    let pages = source.pages();
    assert!(pages <= MOST_REQUESTS + 1 + 30, "{pages}: those of that share came again");
}

#[tokio::test]
async fn a_share_that_is_not_answered_is_read_by_the_first_cursor() {
    let busy = json!({"after": 3, "path": "NOT%28OR%28", "action": {"respond": {"status": 503}}});
    let source = slow(&json!([busy]));
    let ids = source.ids(&with(&[("max_retries", "0")])).await;
    assert_eq!(unique(&ids), source.all_ids().iter().collect());
    assert_eq!(listings(&source), 1 + 1 + 10, "the first listing goes on");
}

#[tokio::test]
async fn the_months_calls_are_asked_for_once() {
    let cap =
        json!({"error": {"status": 429, "kind": "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "message": "no more calls"}});
    let source = slow(&json!([{"after": 3, "path": "NOT%28OR%28", "action": cap}]));
    let error = source.error(&OPTIONS).await;
    assert!(matches!(&error, Error::RateLimit(text) if text.contains("month")), "{error}");
    let refused = source.mock.requests().iter().filter(|request| request.status == 429).count();
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn a_table_of_middling_size_costs_one_request_more() {
    let source = Source::with_items(1_600);
    source.faults(json!({"delay_ms": 200}));
    assert_eq!(unique(&source.ids(&[("requests_per_second", "100")]).await).len(), 1_600);
    assert_eq!(source.pages(), 17);
}

#[tokio::test]
async fn quick_answers_are_one_cursors_work() {
    let source = Source::with_items(RECORDS);
    assert_eq!(source.ids(&OPTIONS[..1]).await, source.all_ids());
    assert_eq!(source.pages(), PAGES);
}

#[tokio::test]
async fn a_service_that_does_not_know_the_formula_is_read_by_one_cursor() {
    let source = Source::with_items(1_600);
    let error = json!({"error": {"status": 422, "kind": "INVALID_FILTER_BY_FORMULA", "message": "unknown"}});
    source.faults(json!({"delay_ms": 200, "rules": [{"path": "RECORD_ID", "action": error}]}));
    assert_eq!(source.ids(&OPTIONS[1..]).await, source.all_ids());
    assert_eq!(source.pages(), 17);
}

#[tokio::test]
async fn records_that_are_made_and_deleted_meanwhile_disturb_nobody() {
    let source = slow(&json!([]));
    let base = source.mock.base_id();
    let options = source.options(&OPTIONS);
    let connector = AirtableConnector::new(options.connection.clone()).expect("a connector");
    let mut batches = connector.read(connector.plan(&options.read).await.expect("a plan"));
    let before = source.all_ids();
    let (doomed, kept) = before.split_at(50);
    let mut ids = Vec::new();
    let mut is_changed = false;
    while let Some(batch) = batches.next().await {
        ids.extend(strings(&[batch.expect("a batch")], "id").into_iter().flatten());
        if !is_changed && ids.len() > 2_000 {
            is_changed = true;
            let doomed: Vec<&str> = doomed.iter().map(String::as_str).collect();
            for some in doomed.chunks(10) {
                source.mock.delete_records(&base, "Items", some).expect("deleted");
            }
            source.mock.create_records(&base, "Items", &[json!({"Name": "late"})]).expect("created");
        }
    }
    assert!(is_changed);
    let ids = unique(&ids);
    assert!(kept.iter().all(|id| ids.contains(id)));
}

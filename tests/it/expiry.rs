//! Cursors that the service forgets after some pages: reads get through, and cost little more than their pages.

use std::collections::HashSet;

use lakeflow_airtable::Error;
use serde_json::json;

use crate::source::Source;

/// Reads all of it, each record once; gives the number of requests, the refused ones among them.
async fn requests(source: &Source, options: &[(&str, &str)]) -> usize {
    let ids = source.ids(options).await;
    let unique: HashSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "a record came twice");
    assert_eq!(unique, source.all_ids().iter().collect(), "every record came");
    source.pages()
}

#[tokio::test]
async fn a_table_is_read_whatever_number_of_pages_a_cursor_lives() {
    let source = Source::with_items(10_000);
    for (pages, most) in [(1, 205), (2, 170), (4, 150), (8, 140), (20, 165), (60, 260), (100, 100)] {
        source.faults(json!({"iterator_pages": pages}));
        let requests = requests(&source, &[]).await;
        assert!((100..=most).contains(&requests), "{pages}: {requests}");
    }
}

#[tokio::test]
async fn what_it_costs_grows_with_the_records() {
    for records in [1_500, 3_000, 6_000] {
        let source = Source::with_items(records);
        source.faults(json!({"iterator_pages": 4}));
        let requests = requests(&source, &[]).await;
        assert!(requests < records / 100 * 14 / 10 + 15, "{records}: {requests}");
    }
}

#[tokio::test]
async fn cursors_that_expire_nine_times_running_are_got_over() {
    let source = Source::with_items(4_000);
    for action in ["iterator_gone", "bad_offset"] {
        for after in [0, 3, 30] {
            source.faults(json!({"rules": [{"path": "offset=", "after": after, "times": 9, "action": action}]}));
            let requests = requests(&source, &[]).await;
            assert!(requests < 110, "{action} after {after}: {requests}");
        }
    }
}

#[tokio::test]
async fn a_filter_holds_for_every_share_and_so_does_the_page_size() {
    let source = Source::with_items(4_000);
    source.faults(json!({"iterator_pages": 5}));
    let options = [("filter_formula", "OR(MOD({N},4),{N}=0)"), ("page_size", "30")];
    let ids = source.ids(&options).await;
    let unique: HashSet<&String> = ids.iter().collect();
    assert_eq!((ids.len(), unique.len()), (3_001, 3_001));
    assert!(source.pages() < 150);
}

#[tokio::test]
async fn a_view_holds_for_every_share() {
    let source = Source::sample();
    let options = [("tableName", "SKU Candidates"), ("view", "Approved, by forecast"), ("page_size", "2")];
    let in_order = source.ids(&options).await;
    let whole = source.pages();
    source.faults(json!({"iterator_pages": 3}));
    let mut ids = source.ids(&options).await;
    assert!(in_order.len() > 20 && ids != in_order);
    assert_eq!(ids[..6], in_order[..6], "what comes before the first cursor expires");
    ids.sort_unstable();
    let mut expected = in_order;
    expected.sort_unstable();
    assert_eq!(ids, expected);
    let pages = source.pages();
    // The sample's ids are not random, and its pages are small.
    assert!(pages < 6 * whole, "{pages} for {whole}");
}

#[tokio::test]
async fn several_cursors_that_expire_are_got_over_too() {
    let source = Source::with_items(14_000);
    source.faults(json!({"iterator_pages": 25, "delay_ms": 200}));
    let requests = requests(&source, &[("page_size", "50"), ("requests_per_second", "100")]).await;
    // Of 280 pages: what was read before it was known how long a cursor lives comes again.
    assert!(requests < 700, "{requests}");
}

#[tokio::test]
async fn an_order_that_was_asked_for_is_kept_as_long_as_one_cursor_suffices() {
    let source = Source::with_items(1_000);
    source.faults(json!({"rules": [{"path": "offset=", "after": 6, "times": 1, "action": "iterator_gone"}]}));
    assert_eq!(source.ids(&[]).await, source.all_ids());
    assert_eq!(source.pages(), 7 + 1 + 10);
}

#[tokio::test]
async fn the_first_records_are_told_by_one_cursor_alone() {
    let source = Source::with_items(1_000);
    source.faults(json!({"iterator_pages": 4}));
    assert_eq!(source.ids(&[("max_records", "400")]).await, source.all_ids()[..400]);
    let error = source.error(&[("max_records", "900")]).await;
    assert!(matches!(&error, Error::Data(text) if text.contains("read without max_records")), "{error}");
}

#[tokio::test]
async fn where_the_smallest_share_is_too_large_the_error_says_what_to_do() {
    let source = Source::with_items(8_000);
    source.faults(json!({"iterator_pages": 1}));
    let error = source.error(&[("page_size", "1")]).await;
    assert!(matches!(&error, Error::Data(text) if text.contains("raise page_size")), "{error}");
    let pages = source.pages();
    assert!(pages < 30, "{pages}");
    source.faults(json!({"iterator_pages": 2}));
    let error = source.error(&[("page_size", "1")]).await;
    assert!(matches!(&error, Error::Data(text) if text.contains("page cursor expired 3 times")), "{error}");
}

#[tokio::test]
async fn a_service_that_does_not_know_the_formula_is_read_whole_or_not_at_all() {
    let unknown = json!({"error": {"status": 422, "kind": "INVALID_FILTER_BY_FORMULA", "message": "unknown"}});
    let source = Source::with_items(1_000);
    source.faults(json!({"iterator_pages": 4, "rules": [{"path": "RECORD_ID", "action": unknown}]}));
    let error = source.error(&[]).await;
    assert!(matches!(&error, Error::Data(text) if text.contains("page cursor expired 3 times")), "{error}");
    let gone = json!({"path": "offset=", "after": 3, "times": 4, "action": "iterator_gone"});
    source.faults(json!({"rules": [gone, {"path": "RECORD_ID", "action": unknown}]}));
    assert_eq!(source.ids(&[]).await, source.all_ids(), "in order");
}

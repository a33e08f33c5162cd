//! Streams by a change feed over real sockets: what each range gives, what it costs, and what ends one.

use lakeflow_airtable::Error;
use serde_json::{Value, json};

use crate::changes::{CDC, FEED, Reader, Row, add, cost, edit, ids, remove};
use crate::source::Source;

#[tokio::test]
async fn a_feed_gives_changes_and_deletes_and_reads_no_more_than_they_are() {
    let source = Source::with_items(250);
    let all = source.all_ids();
    let mut stream = Reader::new(&source, &[FEED]).await;
    assert_eq!(stream.settled().await.len(), 250);
    assert!(stream.settled().await.is_empty());
    edit(&source, &all[1], "edited");
    edit(&source, &all[1], "edited again");
    edit(&source, &all[2], "edited, then gone");
    remove(&source, &all[2]);
    let brief = add(&source, "brief");
    remove(&source, &brief);
    let new = add(&source, "new");
    remove(&source, &all[3]);
    cost(&source);
    let rows = stream.settled().await;
    let row = |id: &str| rows.iter().find(|row| row.id == id).expect("the row");
    assert_eq!(rows.len(), 5, "one row for each record: {rows:?}");
    assert_eq!(row(&all[1]).name.as_deref(), Some("edited again"));
    assert_eq!(row(&new).name.as_deref(), Some("new"));
    for id in [&all[2], &all[3], &brief] {
        assert!(row(id).is_deleted && row(id).name.is_none(), "{:?}", row(id));
    }
    assert!(row(&all[1]).changed_at <= row(&all[3]).changed_at);
    // Which can be read, and what they are.
    let expected = [("list_payloads", 1), ("list_records", 2), ("list_webhooks", 1)];
    assert_eq!(cost(&source), expected.map(|(name, count)| (name.to_owned(), count)).into());
    assert!(stream.settled().await.is_empty());
}

#[tokio::test]
async fn a_range_that_is_read_again_converges() {
    for mode in [CDC, FEED] {
        let source = Source::with_items(20);
        let all = source.all_ids();
        let mut stream = Reader::new(&source, &[mode]).await;
        stream.settled().await;
        edit(&source, &all[0], "first");
        source.mock.advance_clock(120.0);
        let (start, end) = (stream.start.clone(), stream.latest().await.expect("an offset"));
        let once = stream.between(start.as_ref(), &end).await.expect("a range");
        assert_eq!(once, stream.between(start.as_ref(), &end).await.expect("the same range"));
        edit(&source, &all[0], "second");
        source.mock.advance_clock(120.0);
        stream.start = Some(end);
        let next = stream.next().await.expect("a range");
        assert!(next.iter().any(|row| row.id == all[0] && row.name.as_deref() == Some("second")), "{mode:?} {next:?}");
    }
}

#[tokio::test]
async fn split_payloads_stay_together_however_small_the_batch() {
    let source = Source::with_items(40);
    let all = source.all_ids();
    let mut stream = Reader::new(&source, &[FEED, ("max_records_per_batch", "7")]).await;
    while !stream.settled().await.is_empty() {}
    source.faults(json!({"records_per_payload": 3}));
    let base = source.mock.base_id();
    for chunk in all.chunks(10) {
        let changes: Vec<Value> = chunk.iter().map(|id| json!({"id": id, "fields": {"Name": "bulk"}})).collect();
        source.mock.update_records(&base, "Items", &changes).expect("edits");
    }
    source.mock.advance_clock(120.0);
    for _ in 0..4 {
        let rows = stream.next().await.expect("a range");
        assert_eq!(rows.len(), 10, "a transaction of ten records, although seven are the bound");
    }
    assert!(stream.settled().await.is_empty());
}

#[tokio::test]
async fn a_long_feed_is_read_page_by_page() {
    let source = Source::with_items(130);
    let all = source.all_ids();
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    for id in &all {
        edit(&source, id, "edited");
    }
    cost(&source);
    assert_eq!(stream.settled().await.len(), 130);
    let expected = [("list_payloads", 3), ("list_records", 4), ("list_webhooks", 1)];
    assert_eq!(cost(&source), expected.map(|(name, count)| (name.to_owned(), count)).into());
}

#[tokio::test]
async fn changes_of_computed_fields_are_in_the_feed_and_not_in_windows() {
    for (mode, expected) in [(FEED, true), (CDC, false)] {
        let source = Source::sample();
        let base = source.mock.base_id();
        let options = [mode, ("tableName", "SKU Candidates")];
        let mut stream = Reader::new(&source, &options).await;
        stream.settled().await;
        let skus = source.mock.records(&base, "SKU Candidates").expect("products");
        let vendor = skus.iter().find_map(|sku| sku["fields"]["Vendors"].get(0)).expect("a vendor of a product");
        source
            .mock
            .update_records(&base, "Vendors", &[json!({"id": vendor, "fields": {"Score": 1.5}})])
            .expect("edited");
        let rows = stream.settled().await;
        assert_eq!(!rows.is_empty(), expected, "{mode:?}: {}", rows.len());
    }
}

#[tokio::test]
async fn deletes_alone_are_a_stream_that_begins_with_what_is_still_known() {
    let source = Source::with_items(20);
    let all = source.all_ids();
    let mut first = Reader::new(&source, &[FEED]).await;
    first.settled().await;
    remove(&source, &all[0]);
    let mut deletes = Reader::new(&source, &[FEED, ("isDeleteFlow", "true")]).await;
    assert_eq!(ids(&deletes.settled().await), [all[0].as_str()], "gone before this stream began");
    edit(&source, &all[1], "edited");
    remove(&source, &all[2]);
    cost(&source);
    let rows = deletes.settled().await;
    assert_eq!(ids(&rows), [all[2].as_str()]);
    assert!(rows[0].is_deleted);
    assert_eq!(cost(&source).get("list_records"), None, "deletes need no records");
    let both = first.settled().await;
    let same = both.iter().find(|row| row.id == all[2]).expect("in the other stream too");
    assert_eq!(rows[0].changed_at, same.changed_at + 1, "where both feed one target, the delete comes last");
}

#[tokio::test]
async fn a_record_that_leaves_the_filter_leaves_the_target() {
    for only in ["false", "true"] {
        let source = Source::with_items(5);
        let all = source.all_ids();
        let filter = ("filter_formula", "LEFT({Name}, 4) = 'item'");
        let mut stream = Reader::new(&source, &[FEED, filter, ("isDeleteFlow", only), ("fields", "N")]).await;
        stream.settled().await;
        edit(&source, &all[0], "other");
        edit(&source, &all[1], "item again");
        let rows = stream.settled().await;
        let gone: Vec<&Row> = rows.iter().filter(|row| row.is_deleted).collect();
        assert_eq!(gone.iter().map(|row| &row.id).collect::<Vec<_>>(), [&all[0]], "{only}");
        assert_eq!(rows.len(), if only == "true" { 1 } else { 2 });
    }
}

#[tokio::test]
async fn a_bounded_batch_of_the_feed_fills_up_over_pages_and_cuts_no_transaction() {
    let source = Source::with_items(200);
    let all = source.all_ids();
    let mut stream = Reader::new(&source, &[FEED, ("max_records_per_batch", "120")]).await;
    while !stream.settled().await.is_empty() {}
    for id in &all {
        edit(&source, id, "one by one");
    }
    assert_eq!(stream.settled().await.len(), 120, "three pages of payloads");
    assert_eq!(stream.settled().await.len(), 80);
    // One transaction that fills more than a page.
    source.faults(json!({"records_per_payload": 2}));
    let changes: Vec<Value> = all.iter().map(|id| json!({"id": id, "fields": {"Name": "together"}})).collect();
    source.mock.update_records(&source.mock.base_id(), "Items", &changes).expect("edits");
    let mut sizes = Vec::new();
    loop {
        let rows = stream.settled().await;
        if rows.is_empty() {
            break;
        }
        sizes.push(rows.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 200, "{sizes:?}");
}

#[tokio::test]
async fn a_changed_definition_ends_the_stream_until_it_is_planned_anew() {
    type Change = fn(&Source);
    let changes: [(&str, Change); 4] = [
        ("was renamed to \"Title\"", |s| {
            s.mock.rename_field(&s.mock.base_id(), "Items", "Name", "Title").expect("renamed");
        }),
        ("was removed", |s| s.mock.remove_field(&s.mock.base_id(), "Items", "N").expect("removed")),
        ("was added", |s| {
            let field = json!({"name": "More", "type": "singleLineText"});
            s.mock.create_field(&s.mock.base_id(), "Items", &field).expect("added");
        }),
        ("is now of type", |s| {
            let change = json!({"type": "singleLineText"});
            s.mock.update_field(&s.mock.base_id(), "Items", "N", &change).expect("retyped");
        }),
    ];
    for (expected, change) in changes {
        let source = Source::with_items(3);
        let mut stream = Reader::new(&source, &[FEED]).await;
        stream.settled().await;
        change(&source);
        edit_n(&source);
        source.mock.advance_clock(120.0);
        let error = stream.next().await.expect_err(expected);
        assert!(matches!(&error, Error::Data(text) if text.contains(expected) && text.contains("fld")), "{error}");
        // Planned anew, it goes on where it was.
        let start = stream.start.clone();
        let mut stream = stream.restarted().await;
        stream.start = start;
        assert!(!stream.next().await.expect("a range").is_empty(), "{expected}");
    }
}

/// An edit that works whatever became of the field `Name`.
fn edit_n(source: &Source) {
    let base = source.mock.base_id();
    let table = source.mock.schema(&base).expect("a schema")["tables"][0].clone();
    let field = table["fields"][0]["id"].as_str().expect("a field").to_owned();
    let change = json!({"id": source.all_ids()[0], "fields": {field: "edited"}});
    source.mock.update_records(&base, "Items", &[change]).expect("an edit");
}

#[tokio::test]
async fn definitions_that_no_column_depends_on_do_not_end_a_stream() {
    let source = Source::with_items(3);
    let base = source.mock.base_id();
    let mut stream = Reader::new(&source, &[FEED, ("column_names", "id")]).await;
    stream.settled().await;
    source.mock.rename_field(&base, "Items", "Name", "Title").expect("renamed");
    source.mock.update_table(&base, "Items", &json!({"name": "Things"})).expect("renamed");
    assert!(stream.settled().await.is_empty());
    let mut stream = Reader::new(&source, &[FEED, ("tableName", "Things"), ("fields", "Title")]).await;
    stream.settled().await;
    source.mock.create_field(&base, "Things", &json!({"name": "More", "type": "singleLineText"})).expect("added");
    source.mock.remove_field(&base, "Things", "N").expect("removed");
    assert!(stream.settled().await.is_empty());
}

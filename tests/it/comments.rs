//! Comments on records: which come, what they cost, and what becomes of a read when Airtable does not play along.

use std::collections::BTreeSet;

use airtable_mock::{Grant, Mock, MockConfig};
use arrow::array::{AsArray as _, RecordBatch};
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect};
use serde_json::{Value, json};

use crate::source::{Source, rows, strings};

const PART: (&str, &str) = ("part", "comments");

/// So many items; the `n`th has `comments(n)` comments, whose texts say which.
fn source(items: usize, comments: impl Fn(usize) -> usize) -> Source {
    let source = Source::with_items(items);
    let base = source.mock.base_id();
    for (n, id) in source.all_ids().iter().enumerate() {
        for number in 0..comments(n) {
            let comment = json!({"text": format!("{n}.{number}")});
            source.mock.add_comment(&base, "Items", id, &comment).expect("a comment");
        }
    }
    source.mock.clear_requests();
    source
}

fn sorted(batches: &[RecordBatch]) -> Vec<String> {
    let mut texts: Vec<String> = strings(batches, "text").into_iter().flatten().collect();
    texts.sort();
    texts
}

fn expected(items: usize, comments: impl Fn(usize) -> usize) -> Vec<String> {
    let texts =
        (0..items).flat_map(|n| (0..comments(n)).map(move |number| format!("{n}.{number}")).collect::<Vec<_>>());
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

/// Requests for pages of records, and for pages of comments.
fn asked(source: &Source) -> (usize, usize) {
    let requests = source.mock.requests();
    let count = |endpoint: &str| requests.iter().filter(|request| request.endpoint == endpoint).count();
    let counts = (count("list_records"), count("list_comments"));
    source.mock.clear_requests();
    counts
}

#[tokio::test]
async fn each_comment_is_a_row_and_records_without_cost_nothing() {
    let comments = |n: usize| if n.is_multiple_of(10) { 1 + n % 3 } else { 0 };
    let source = source(250, comments);
    let batches = source.read(&[PART]).await.expect("comments");
    assert_eq!(sorted(&batches), expected(250, comments));
    let ids: BTreeSet<_> = strings(&batches, "comment_id").into_iter().collect();
    assert_eq!(ids.len(), rows(&batches));
    // Each stands by its record.
    let all = source.all_ids();
    for (id, text) in strings(&batches, "id").into_iter().zip(strings(&batches, "text")) {
        let number = text.and_then(|text| text.split('.').next()?.parse::<usize>().ok()).expect("a number");
        assert_eq!(id.as_ref(), Some(&all[number]));
    }
    assert_eq!(asked(&source), (3, 25));
    let none = Source::with_items(120);
    assert_eq!(none.read(&[PART]).await.expect("no comments").len(), 0);
    assert_eq!(asked(&none), (2, 0));
}

#[tokio::test]
async fn what_a_comment_tells_is_in_its_columns() {
    let source = Source::sample();
    let base = source.mock.base_id();
    let vendors = source.mock.records(&base, "Vendors").expect("vendors");
    let id = vendors[2]["id"].as_str().expect("an id");
    let first = json!({"text": "ask @[usrMockPerson0003] and @[ugpMockGroup00005]", "author": 1});
    let first = source.mock.add_comment(&base, "Vendors", id, &first).expect("a comment");
    let reply = json!({"text": "done", "author": 2, "parentCommentId": first, "reactions": [
        {"emoji": "1f44d", "person": 0}, {"emoji": "2764-fe0f", "person": 1},
    ]});
    source.mock.add_comment(&base, "Vendors", id, &reply).expect("a reply");
    let batches = source.read(&[PART, ("tableName", "Vendors")]).await.expect("comments");
    let batch = &batches[0];
    // Newest first.
    assert_eq!(strings(&batches, "text")[0].as_deref(), Some("done"));
    assert_eq!(strings(&batches, "parent_comment_id"), [Some(first), None]);
    assert_eq!(strings(&batches, "id"), [Some(id.to_owned()), Some(id.to_owned())]);
    let author = batch.column_by_name("author").expect("author").as_struct();
    let emails = author.column_by_name("email").expect("email").as_string::<i32>().clone();
    assert_eq!((emails.value(0), emails.value(1)), ("chiyo.placeholder@example.com", "bruno.sample@example.com"));
    let mentioned: Value = strings(&batches, "mentioned")[1].as_deref().expect("mentions").parse().expect("JSON");
    assert_eq!(mentioned["ugpMockGroup00005"]["type"], "userGroup");
    assert_eq!(mentioned["usrMockPerson0003"]["email"], "chiyo.placeholder@example.com");
    let reactions: Value = strings(&batches, "reactions")[0].as_deref().expect("reactions").parse().expect("JSON");
    assert_eq!(reactions[1]["emoji"]["unicodeCharacter"], "2764-fe0f");
    assert_eq!(strings(&batches, "mentioned")[0], None);
    assert_eq!(batch.column_by_name("created_time").expect("the time").null_count(), 0);
    assert_eq!(batch.column_by_name("last_updated_time").expect("the time").null_count(), 2);
}

#[tokio::test]
async fn view_formula_and_number_hold() {
    let comments = |n: usize| n % 4;
    let source = source(40, comments);
    let batches = source.read(&[PART, ("filter_formula", "{N}<10")]).await.expect("comments");
    assert_eq!(sorted(&batches), expected(10, comments));
    assert_eq!(asked(&source), (1, 7));
    let some = source.read(&[PART, ("max_records", "7")]).await.expect("some comments");
    assert_eq!(rows(&some), 7);
    let (_, pages) = asked(&source);
    assert!((3..=7).contains(&pages), "{pages}");
    let one = source.read(&[PART, ("max_records", "1")]).await.expect("one comment");
    assert_eq!((rows(&one), asked(&source).1), (1, 1));
    let sample = Source::sample();
    let base = sample.mock.base_id();
    for record in sample.mock.records(&base, "SKU Candidates").expect("records") {
        sample
            .mock
            .add_comment(&base, "SKU Candidates", record["id"].as_str().expect("an id"), &json!({"text": "t"}))
            .expect("a comment");
    }
    let table = ("tableName", "SKU Candidates");
    let in_view = sample.ids(&[table, ("view", "Approved, by forecast")]).await;
    let mut commented = sample.ids(&[PART, table, ("view", "Approved, by forecast")]).await;
    let mut of_view = in_view;
    commented.sort();
    of_view.sort();
    assert_eq!(commented, of_view);
}

#[tokio::test]
async fn long_threads_come_page_by_page_and_once_although_cursors_expire() {
    let comments = |n: usize| [250, 3, 0, 101][n % 4];
    let source = source(8, comments);
    let whole = source.read(&[PART]).await.expect("comments");
    assert_eq!(sorted(&whole), expected(8, comments));
    assert_eq!(asked(&source), (1, 2 * (3 + 1 + 2)));
    for action in ["iterator_gone", "bad_offset"] {
        source.faults(json!({"rules": [{"path": "offset=com", "after": 1, "times": 2, "action": action}]}));
        let batches = source.read(&[PART, ("page_size", "40")]).await.expect("comments");
        assert_eq!(sorted(&batches), expected(8, comments), "{action}");
    }
    source.faults(json!({"rules": [{"path": "offset=com", "action": "bad_offset"}]}));
    let error = source.error(&[PART]).await;
    assert!(
        matches!(error, Error::Data(_)) && error.to_string().contains("/comments: the page cursor expired 3 times"),
        "{error}"
    );
}

#[tokio::test]
async fn a_listing_that_expires_gives_no_comment_twice() {
    let comments = |n: usize| usize::from(n.is_multiple_of(50));
    let source = source(2_000, comments);
    source.faults(json!({"iterator_pages": 4}));
    let batches = source.read(&[PART]).await.expect("comments");
    assert_eq!(sorted(&batches), expected(2_000, comments));
    let (pages, of_comments) = asked(&source);
    assert!(pages < 60 && of_comments == 40, "{pages} {of_comments}");
}

#[tokio::test]
async fn a_record_that_goes_meanwhile_is_left_out() {
    let refused = json!({"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "message": "m"}});
    for (status, error) in [(404, json!({"error": "NOT_FOUND"})), (403, refused)] {
        let source = source(30, |_| 1);
        let gone = "recGoneSinceListed";
        let listed = source.all_ids().into_iter().chain([gone[..17].to_owned()]);
        let record =
            |id: String| json!({"id": id, "createdTime": "2024-01-01T00:00:00.000Z", "fields": {}, "commentCount": 1});
        let listed = json!({"records": listed.map(record).collect::<Vec<_>>()});
        let respond = |status: u16, body: &Value| json!({"respond": {"status": status, "body": body}});
        source.faults(json!({"rules": [
            {"path": format!("{}/comments", &gone[..17]), "action": respond(status, &error)},
            {"times": 1, "path": "/v0/", "after": 1, "action": respond(200, &listed)},
        ]}));
        let batches = source.read(&[PART]).await.expect("the others");
        assert_eq!(sorted(&batches), expected(30, |_| 1), "{status}");
        // One more page, by which it is known that the table is there, and the record is not.
        assert_eq!(asked(&source), (2, 31));
    }
}

#[tokio::test]
async fn a_refusal_is_no_sign_that_a_record_has_gone() {
    let error = json!({"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "message": "m"}});
    let refusing = |times: Option<u32>| {
        let source = source(30, |_| 1);
        let refused = source.all_ids()[25].clone();
        let respond = json!({"respond": {"status": 403, "body": error}});
        source.faults(json!({"rules": [{"times": times, "path": format!("{refused}/comments"), "action": respond}]}));
        source
    };
    let source = refusing(Some(3));
    assert_eq!(sorted(&source.read(&[PART]).await.expect("comments")), expected(30, |_| 1));
    assert_eq!(asked(&source), (4, 33));
    let error = refusing(None).error(&[PART]).await;
    assert!(matches!(error, Error::Auth(_)) && error.to_string().contains("/comments: 403"), "{error}");
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which() {
    let source = source(30, |_| 1);
    let scopes = ["data.records:read", "schema.bases:read"].map(str::to_owned);
    let grant = Grant { scopes: Some(scopes.into_iter().collect()), ..Grant::default() };
    source.mock.add_token("patLimited", grant);
    let error = source.error(&[PART, ("token", "patLimited")]).await;
    assert!(matches!(error, Error::Auth(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains("/comments: 403") && text.contains("data.recordComments:read"), "{text}");
    // Records can be read.
    assert_eq!(source.ids(&[("token", "patLimited")]).await.len(), 30);
}

#[tokio::test]
async fn failures_that_pass_are_got_over_and_others_end_the_read() {
    let comments = |_| 1;
    let source = source(60, comments);
    source.faults(json!({"rules": [{"path": "/comments", "after": 3, "times": 3, "action": "bad_gateway"}]}));
    let batches = source.read(&[PART]).await.expect("comments");
    assert_eq!(sorted(&batches), expected(60, comments));
    source.faults(json!({"rules": [{"path": "/comments", "after": 9, "action": {"respond": {"status": 200, "body": {"comments": 7}}}}]}));
    let error = source.error(&[PART]).await.to_string();
    assert!(error.contains("/comments: a page of comments of an undocumented form"), "{error}");
    source.faults(json!({"rules": [{"path": "commentCount", "action": {"respond": {"status": 422, "body": {"error": {"type": "X", "message": "m"}}}}}]}));
    let error = source.error(&[PART]).await;
    assert!(matches!(error, Error::Rejected(_)), "{error}");
}

#[tokio::test]
async fn plans_numbers_and_refusals() {
    let source = source(5, |n| n);
    let options = source.options(&[PART]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let metadata = connector.table_metadata(&options.read).await.expect("metadata");
    assert_eq!((metadata.primary_keys, metadata.cursor_field), (vec!["comment_id".to_owned()], None));
    let scan = connector.plan(&options.read).await.expect("a plan");
    let same = lakeflow_airtable::Scan::from_json(&scan.to_json()).expect("the same");
    assert_eq!(same, scan);
    let error = connector.stream(scan.clone(), &options.read).expect_err("no changes").to_string();
    assert!(error.contains("comments of table \"Items\" cannot be streamed"), "{error}");
    let mut batches = connector.read(scan);
    while let Some(batch) = batches.next().await {
        batch.expect("no error");
    }
    let stats = batches.stats();
    assert_eq!((stats.rows, stats.requests, stats.expected_rows), (10, 5, Some(10)));
    for (more, option) in [(("ingestion_type", "cdc"), "part"), (("fields", "Name"), "fields")] {
        let given = [("token", "patX"), PART, more];
        let error = lakeflow_airtable::Options::parse(given).expect_err("refused");
        assert_eq!(error.option().as_deref(), Some(option), "{error}");
    }
    let error = source.error(&[PART, ("tableName", "_airtable_fields")]).await;
    assert_eq!(error.option().as_deref(), Some("part"), "{error}");
}

#[tokio::test]
async fn several_bases_are_read_as_one() {
    let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("the mock starts");
    let mut bases = Vec::new();
    for name in ["One", "Two"] {
        let tables = json!([{"name": "Items", "fields": [{"name": "Name", "type": "singleLineText"}]}]);
        let base = mock.create_base(&json!({"name": name, "tables": tables})).expect("a base");
        let ids = mock.create_records(&base, "Items", &[json!({"Name": "a"}), json!({"Name": "b"})]).expect("records");
        mock.add_comment(&base, "Items", &ids[1], &json!({"text": name})).expect("a comment");
        bases.push(base);
    }
    let source = Source { mock };
    let namespace = json!(bases).to_string();
    let given = [("base_id", ""), ("namespace", namespace.as_str()), PART];
    let batches = source.read(&given).await.expect("comments");
    assert_eq!(sorted(&batches), ["One", "Two"]);
    let found: BTreeSet<_> = strings(&batches, "_base_id").into_iter().flatten().collect();
    assert_eq!(found, bases.into_iter().collect());
    let error = source.read(&[given[0], given[1], PART, ("max_records", "1")]).await.expect("one");
    assert_eq!(rows(&error), 1);
}

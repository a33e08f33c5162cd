//! Records that a feed tells of before they can be read, over real sockets: none is given as deleted, and none is lost.

use lakeflow_airtable::Offset;
use serde_json::{Value, json};

use crate::changes::{FEED, Reader, Row, add, cost, edit, ids, remove};
use crate::source::Source;

/// What a reader has given of one record, range after range.
fn of<'r>(rows: &'r [Row], id: &str) -> Vec<&'r Row> {
    rows.iter().filter(|row| row.id == id).collect()
}

fn names(rows: &[Row]) -> Vec<Option<&str>> {
    rows.iter().map(|row| row.name.as_deref()).collect()
}

impl Reader<'_> {
    /// As after a restart, at the offset that a checkpoint holds.
    async fn reopened(self) -> Self {
        let text = self.start.as_ref().map(Offset::to_json);
        let mut reader = self.restarted().await;
        reader.start = text.map(|text| reader.stream.parse(&text).expect("an offset"));
        reader
    }
}

/// The payload of this number says this of the table, and nothing else.
fn tell(source: &Source, number: u64, change: &Value) {
    let table = source.mock.schema(&source.mock.base_id()).expect("a schema")["tables"][0]["id"].clone();
    let payload = json!({"timestamp": source.mock.now(), "baseTransactionNumber": 900_000,
        "changedTablesById": {table.as_str().expect("an id"): change}});
    let body = json!({"payloads": [payload], "cursor": number + 1, "mightHaveMore": false});
    source.faults(json!({"rules": [{"path": "/payloads", "action": {"respond": {"status": 200, "body": body}}}]}));
}

#[tokio::test]
async fn a_created_record_that_cannot_be_read_yet_comes_when_it_can() {
    for age in [15.0, 40.0, 120.0] {
        let source = Source::with_items(3);
        let mut stream = Reader::new(&source, &[FEED]).await;
        stream.settled().await;
        source.faults(json!({"visibility_delay_ms": 600_000}));
        let id = add(&source, "late");
        source.mock.advance_clock(age);
        assert!(stream.next().await.expect("a range").is_empty(), "{age}: neither there nor gone");
        source.mock.advance_clock(20.0);
        assert!(stream.next().await.expect("a range").is_empty(), "{age}");
        source.mock.advance_clock(700.0);
        let rows = stream.next().await.expect("a range");
        assert_eq!((ids(&rows), names(&rows)), (vec![id.as_str()], vec![Some("late")]), "{age}");
        assert!(!rows[0].is_deleted);
        assert!(stream.settled().await.is_empty(), "{age}: once");
    }
}

#[tokio::test]
async fn what_is_awaited_is_awaited_after_a_restart_and_in_a_range_that_is_read_again() {
    let source = Source::with_items(3);
    let all = source.all_ids();
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    source.faults(json!({"visibility_delay_ms": 600_000}));
    let late = add(&source, "late");
    edit(&source, &all[0], "edited");
    source.mock.advance_clock(120.0);
    let (start, end) = (stream.start.clone(), stream.latest().await.expect("an offset"));
    assert!(end.to_json().contains(&late), "{}", end.to_json());
    let once = stream.between(start.as_ref(), &end).await.expect("a range");
    assert_eq!(ids(&once), [all[0].as_str()]);
    source.mock.advance_clock(700.0);
    let again = stream.between(start.as_ref(), &end).await.expect("the same range");
    assert_eq!(ids(&again), ids(&once), "although the record can be read by now");
    stream.start = Some(end);
    let mut stream = stream.reopened().await;
    edit(&source, &all[1], "edited later");
    let mut expected = [late.as_str(), all[1].as_str()];
    expected.sort_unstable();
    assert_eq!(ids(&stream.settled().await), expected);
}

#[tokio::test]
async fn a_run_that_ends_leaves_what_is_awaited_to_the_next() {
    for most in [None, Some(2)] {
        let source = Source::with_items(6);
        let mut stream = Reader::new(&source, &[FEED]).await;
        stream.settled().await;
        for id in source.all_ids().iter().take(5) {
            edit(&source, id, "edited");
        }
        source.faults(json!({"visibility_delay_ms": 600_000}));
        let late = add(&source, "late");
        source.mock.advance_clock(60.0);
        let mut given = Vec::new();
        for run in 0..3 {
            stream = stream.reopened().await;
            stream.stream.stop_at_latest();
            for range in 0.. {
                let latest = stream.stream.latest(stream.start.as_ref(), most).await.expect("an offset");
                if Some(&latest.offset) == stream.start.as_ref() {
                    break;
                }
                let rows = stream.between(stream.start.as_ref(), &latest.offset).await.expect("a range");
                given.extend(rows.into_iter().map(|row| (run, row)));
                stream.start = Some(latest.offset);
                source.mock.advance_clock(30.0);
                assert!(range < 6, "{most:?}: the run does not end");
            }
            source.mock.advance_clock(280.0);
        }
        let late: Vec<_> = given.iter().filter(|(_, row)| row.id == late).collect();
        assert_eq!(late.len(), 1, "{most:?}: {given:?}");
        assert!(late[0].0 > 0 && !late[0].1.is_deleted, "{most:?}: {late:?}");
        assert_eq!(given.len(), 6, "{most:?}: {given:?}");
    }
}

#[tokio::test]
async fn an_awaited_record_that_is_destroyed_is_gone_and_one_that_never_shows_is_let_go_of() {
    let source = Source::with_items(3);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    source.faults(json!({"visibility_delay_ms": 86_400_000}));
    let (brief, never) = (add(&source, "brief"), add(&source, "never"));
    assert!(stream.settled().await.is_empty());
    remove(&source, &brief);
    let rows = stream.settled().await;
    assert_eq!(ids(&rows), [brief.as_str()]);
    assert!(rows[0].is_deleted);
    let offset = |stream: &Reader| stream.start.as_ref().expect("an offset").to_json();
    assert!(offset(&stream).contains(&never));
    source.mock.advance_clock(4_000.0);
    cost(&source);
    assert!(stream.next().await.expect("a range").is_empty(), "not told as a delete");
    assert!(!offset(&stream).contains(&never), "{}", offset(&stream));
    // Once for the end of the range, and twice in it.
    assert_eq!(cost(&source).get("list_records"), Some(&3));
    assert!(stream.settled().await.is_empty());
    assert_eq!(cost(&source).get("list_records"), None);
}

#[tokio::test]
async fn asking_for_what_cannot_be_read_grows_rare() {
    let source = Source::with_items(3);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    source.faults(json!({"visibility_delay_ms": 86_400_000}));
    add(&source, "never");
    source.mock.advance_clock(20.0);
    stream.next().await.expect("a range");
    cost(&source);
    for _ in 0..120 {
        source.mock.advance_clock(10.0);
        assert!(stream.next().await.expect("a range").is_empty());
    }
    let asked = cost(&source)["list_records"];
    assert!((5..=9).contains(&asked), "{asked} times in twenty minutes");
}

#[tokio::test]
async fn an_edited_record_that_a_listing_lacks_is_not_gone_either() {
    let source = Source::with_items(3);
    let id = source.all_ids().remove(0);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    edit(&source, &id, "edited");
    let empty = json!({"respond": {"status": 200, "body": {"records": []}}});
    source.faults(json!({"rules": [{"path": "/tbl", "times": 2, "action": empty}]}));
    assert!(stream.settled().await.is_empty());
    assert!(stream.settled().await.is_empty(), "asked for again, and not there");
    source.mock.advance_clock(600.0);
    let rows = stream.next().await.expect("a range");
    assert_eq!((ids(&rows), rows[0].is_deleted), (vec![id.as_str()], false));
}

#[tokio::test]
async fn with_a_filter_a_created_record_is_asked_for_once_more_before_it_is_gone() {
    for only in ["false", "true"] {
        let source = Source::with_items(3);
        let filter = ("filter_formula", "LEFT({Name}, 4) = 'item'");
        let mut stream = Reader::new(&source, &[FEED, filter, ("isDeleteFlow", only)]).await;
        stream.settled().await;
        source.faults(json!({"visibility_delay_ms": 200_000}));
        let late = add(&source, "item that is late");
        let other = add(&source, "other");
        assert!(stream.settled().await.is_empty(), "{only}: after two minutes nobody knows");
        let rows = stream.settled().await;
        assert_eq!(
            of(&rows, &other).iter().map(|row| row.is_deleted).collect::<Vec<_>>(),
            [true],
            "{only}: it never was in"
        );
        let late = of(&rows, &late);
        assert_eq!(late.len(), usize::from(only == "false"), "{only}: {rows:?}");
        assert!(late.iter().all(|row| !row.is_deleted));
        assert!(stream.settled().await.is_empty(), "{only}");
    }
}

#[tokio::test]
async fn a_first_read_misses_no_record_that_was_created_just_before() {
    let source = Source::with_items(3);
    Reader::new(&source, &[FEED]).await;
    source.faults(json!({"visibility_delay_ms": 200_000}));
    let late = add(&source, "late");
    source.mock.advance_clock(30.0);
    let mut stream = Reader::new(&source, &[FEED]).await;
    assert_eq!(stream.next().await.expect("the table").len(), 3);
    source.mock.advance_clock(200.0);
    assert_eq!(ids(&stream.next().await.expect("a range")), [late]);
}

#[tokio::test]
async fn a_reader_that_does_not_tell_its_start_loses_none_either() {
    let source = Source::with_items(3);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    source.faults(json!({"visibility_delay_ms": 200_000}));
    let late = add(&source, "late");
    source.mock.advance_clock(60.0);
    let start = stream.start.take();
    let end = stream.latest().await.expect("an offset");
    let rows = stream.between(start.as_ref(), &end).await.expect("a range");
    assert!(rows.is_empty(), "{rows:?}");
    stream.start = Some(end);
    source.mock.advance_clock(200.0);
    edit(&source, &source.all_ids()[0], "edited");
    let rows = stream.settled().await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(of(&rows, &late).len(), 1, "{rows:?}");
}

#[tokio::test]
async fn an_offset_of_before_is_read_and_goes_on() {
    let source = Source::with_items(3);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    let mut old: Value = serde_json::from_str(&stream.start.as_ref().expect("an offset").to_json()).expect("JSON");
    assert_eq!(old["version"], 2);
    let offset = old.as_object_mut().expect("an object");
    for name in ["unread", "fields"] {
        assert!(offset.remove(name).is_some(), "{name}");
    }
    offset.insert("version".into(), json!(1));
    stream.start = Some(stream.stream.parse(&old.to_string()).expect("an offset"));
    // It does not say which fields it knew.
    assert_eq!(stream.settled().await.len(), 3);
    let id = add(&source, "new");
    assert_eq!(ids(&stream.settled().await), [id]);
}

#[tokio::test]
async fn a_record_that_is_created_and_destroyed_in_one_payload_is_read() {
    let source = Source::with_items(3);
    let id = source.all_ids().remove(0);
    for is_there in [true, false] {
        for only in ["false", "true"] {
            let mut stream = Reader::new(&source, &[FEED, ("isDeleteFlow", only)]).await;
            stream.settled().await;
            let number = stream.start.as_ref().expect("an offset").to_json();
            let number: Value = serde_json::from_str(&number).expect("JSON");
            edit(&source, &id, &format!("back {is_there} {only}"));
            let id = if is_there { id.as_str() } else { "recNowhere0000000" };
            let both = json!({"createdRecordsById": {id: {}}, "destroyedRecordIds": [id]});
            tell(&source, number["next"].as_u64().expect("a number"), &both);
            let rows = stream.settled().await;
            let given: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.is_deleted)).collect();
            let expected = if is_there && only == "true" { vec![] } else { vec![(id, !is_there)] };
            assert_eq!(given, expected, "{is_there} {only}");
            source.faults(json!({}));
        }
    }
}

#[tokio::test]
async fn a_record_that_only_some_answers_have_is_asked_for_once_more() {
    let source = Source::with_items(3);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    let id = add(&source, "new");
    source.mock.advance_clock(120.0);
    // It can be read when the range is planned, and then not, and then again.
    let empty = json!({"respond": {"status": 200, "body": {"records": []}}});
    source.faults(json!({"rules": [{"path": "/tbl", "after": 1, "times": 1, "action": empty}]}));
    let rows = stream.next().await.expect("a range");
    assert_eq!((ids(&rows), rows[0].is_deleted), (vec![id.as_str()], false));
}

/// What a range gives that tells of so many records, none of which but one is there, and that one not at first.
async fn bulk(count: usize, hidden: usize) -> (Vec<Row>, u64) {
    let source = Source::with_items(1);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    let number = serde_json::from_str::<Value>(&stream.start.as_ref().expect("an offset").to_json()).expect("JSON");
    let number = number["next"].as_u64().expect("a number");
    edit(&source, &source.all_ids()[0], "edited");
    let mut told: serde_json::Map<String, Value> =
        (1..count).map(|number| (format!("rec{number:014}"), json!({}))).collect();
    told.insert(source.all_ids().remove(0), json!({}));
    tell(&source, number, &json!({ "changedRecordsById": told }));
    source.mock.advance_clock(20.0);
    let end = stream.latest().await.expect("an offset");
    cost(&source);
    let pages = count.div_ceil(100);
    let empty = json!({"status": 200, "body": {"records": []}});
    source.faults(json!({"rules": [{"path": "/tbl", "times": pages + hidden, "action": {"respond": empty}}]}));
    let rows = stream.between(stream.start.as_ref(), &end).await.expect("a range");
    let asked = cost(&source).get("list_records").copied().unwrap_or_default();
    (rows, asked - pages as u64)
}

#[tokio::test]
async fn of_a_great_many_edits_the_read_itself_looks_again() {
    // Six pages, once more, and once more.
    let (rows, asked) = bulk(501, 6).await;
    assert_eq!(names(&rows), [Some("edited")], "in the third look");
    assert!(asked > 2 * 6, "{asked}");
}

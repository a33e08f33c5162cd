//! Webhooks and payloads that are not as Airtable documents them: they stop the streams that they are about, and no others.

use lakeflow_airtable::Error;
use serde_json::{Value, json};

use crate::changes::{FEED, Reader, cost, edit, ids, remove};
use crate::source::Source;

/// What the mock answers under the base's webhooks.
async fn answer(source: &Source, path: &str) -> Value {
    let address = format!("{}/v0/bases/{}/webhooks{path}", source.mock.url(), source.mock.base_id());
    let request = reqwest::Client::new().get(address).bearer_auth(source.mock.token());
    let text = request.send().await.expect("answered").text().await.expect("text");
    serde_json::from_str(&text).expect("JSON")
}

/// From now on this is the list of webhooks. Payloads are answered as ever.
fn list_webhooks(source: &Source, webhooks: &[Value]) {
    let payloads = json!({"path": "/payloads", "action": {"delay": {"ms": 0}}});
    let listed = json!({"respond": {"status": 200, "body": {"webhooks": webhooks}}});
    source.faults(json!({"rules": [payloads, {"path": "/webhooks", "action": listed}]}));
}

#[tokio::test]
async fn webhooks_that_cannot_be_read_stop_no_stream_that_has_another() {
    let source = Source::with_items(3);
    let all = source.all_ids();
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    let odd = [
        json!(null),
        json!("achOdd"),
        json!({"id": null, "cursorForNextPayload": 1}),
        json!({"id": "ach/../odd", "cursorForNextPayload": 1}),
        json!({"id": "achNoCursor", "cursorForNextPayload": null, "isHookEnabled": null, "specification": null}),
        json!({"id": "achNoNumber", "cursorForNextPayload": "one"}),
    ];
    // One without a usable id, and the one that the stream goes on with, among others.
    for (name, odd) in ["one", "two", "three", "four", "five", "six"].into_iter().zip(odd) {
        edit(&source, &all[0], name);
        let mut own = answer(&source, "").await["webhooks"][0].clone();
        own["isHookEnabled"] = Value::Null;
        list_webhooks(&source, &[odd.clone(), own]);
        assert_eq!(ids(&stream.settled().await), [all[0].as_str()], "{odd}");
        // Another stream finds the same one.
        assert_eq!(Reader::new(&source, &[FEED]).await.settled().await.len(), 3, "{odd}");
        source.faults(json!({}));
    }
    assert_eq!(cost(&source).get("create_webhook"), Some(&1), "and made none");
}

#[tokio::test]
async fn a_webhook_that_cannot_be_read_is_an_error_for_its_own_stream() {
    let source = Source::with_items(3);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    let own = answer(&source, "").await["webhooks"][0].clone();
    let id = own["id"].as_str().expect("an id").to_owned();
    for cursor in [Value::Null, json!("2"), json!(-2)] {
        let mut odd = own.clone();
        odd["cursorForNextPayload"] = cursor.clone();
        list_webhooks(&source, &[odd]);
        let said = format!("cannot be read: its cursorForNextPayload is {cursor}");
        let error = stream.settled_error().await;
        let is_told = |text: &str| text.contains(&said) && text.contains(&id) && text.contains("on_lost_feed");
        assert!(matches!(&error, Error::Data(text) if is_told(text)), "{error}");
        let named = Reader::new(&source, &[FEED, ("webhook_id", &id)]).await;
        let error = named.latest().await.expect_err("it is named");
        let is_told = |text: &str| text.contains(&said) && text.contains(&id) && text.contains("name another");
        assert!(matches!(&error, Error::Data(text) if is_told(text)), "{error}");
        source.faults(json!({}));
    }
    edit(&source, &source.all_ids()[1], "told");
    assert_eq!(ids(&stream.settled().await), [source.all_ids()[1].as_str()], "as soon as it can be read again");
}

#[tokio::test]
async fn webhooks_that_cannot_be_read_take_places() {
    let source = Source::with_items(1);
    let odd = |number: usize| json!({"id": format!("achOdd{number}"), "cursorForNextPayload": null});
    for (count, has_place) in [(10, false), (9, true)] {
        let mut listed: Vec<Value> = (0..count - 1).map(odd).collect();
        listed.push(Value::Null);
        list_webhooks(&source, &listed);
        let stream = Reader::new(&source, &[FEED]).await;
        let error = stream.latest().await.expect_err("the mock answers with a list where one is to be made");
        let is_told = |text: &str| text.contains("10 webhooks, as many as a base holds");
        assert_eq!(matches!(&error, Error::Rejected(text) if is_told(text)), !has_place, "{error}");
    }
}

/// From now on the newest payload, which the stream has not read, is told as `change` makes it of it and the table's id.
async fn spoil(source: &Source, stream: &Reader<'_>, change: impl Fn(&mut Value, &str)) {
    let start = place(stream);
    let webhook = start["webhook"].as_str().expect("an id");
    let table = &stream.stream.plan().table_id;
    let mut rules = Vec::new();
    for first in [1, start["next"].as_u64().expect("a number")] {
        let mut page = answer(source, &format!("/{webhook}/payloads?cursor={first}")).await;
        change(page["payloads"].as_array_mut().and_then(|payloads| payloads.last_mut()).expect("a payload"), table);
        let told = json!({"respond": {"status": 200, "body": page}});
        rules.push(json!({"path": format!("/payloads?cursor={first}&"), "action": told}));
    }
    source.faults(json!({"rules": rules}));
}

/// Where a stream is.
fn place(stream: &Reader) -> Value {
    serde_json::from_str(&stream.start.as_ref().expect("an offset").to_json()).expect("JSON")
}

#[tokio::test]
async fn what_payloads_say_of_other_tables_stops_no_stream() {
    let source = Source::with_items(3);
    let all = source.all_ids();
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    for (number, other) in [
        json!(null),
        json!("odd"),
        json!([]),
        json!({"createdRecordsById": null, "destroyedRecordIds": null}),
        json!({"createdRecordsById": {"../rec": {}}, "changedRecordsById": {"rec": null}}),
        json!({"destroyedRecordIds": ["rec/1", 5]}),
    ]
    .into_iter()
    .enumerate()
    {
        edit(&source, &all[0], &format!("edit {number}"));
        spoil(&source, &stream, |payload, table| {
            payload["changedTablesById"]["tblOther"] = other.clone();
            payload["destroyedTableIds"] = Value::Null;
            payload["error"] = Value::Null;
            for key in ["createdRecordsById", "destroyedRecordIds", "createdFieldsById", "destroyedFieldIds"] {
                payload["changedTablesById"][table][key] = Value::Null;
            }
        })
        .await;
        let rows = stream.settled().await;
        assert_eq!(ids(&rows), [all[0].as_str()], "{other}");
        assert_eq!(rows[0].name, Some(format!("edit {number}")), "{other}");
        source.faults(json!({}));
    }
}

#[tokio::test]
async fn what_cannot_be_read_of_a_streams_own_table_is_lost() {
    for odd in [json!({"rec/1": {}}), json!(["rec1"]), json!("rec1")] {
        let source = Source::with_items(3);
        let mut stream = Reader::new(&source, &[FEED]).await;
        stream.settled().await;
        edit(&source, &source.all_ids()[0], "unread");
        let start = place(&stream);
        spoil(&source, &stream, |payload, table| {
            payload["changedTablesById"][table]["changedRecordsById"] = odd.clone();
        })
        .await;
        let (number, webhook) = (&start["next"], start["webhook"].as_str().expect("an id"));
        let said = format!("payload {number} of webhook {webhook} cannot be read: its changedRecordsById: ");
        let error = stream.settled_error().await;
        let is_told = |text: &str| text.contains("table \"Items\": changes are lost") && text.contains(&said);
        assert!(
            matches!(&error, Error::Data(text) if is_told(text) && text.contains("start with a new checkpoint")),
            "{error}"
        );
        // A new one may miss what was created just before it.
        let anew = Reader::new(&source, &[FEED]).await;
        let error = anew.latest().await.expect_err("a minute after");
        let is_told = |text: &str| text.contains(&said) && text.contains("start the stream again 10 minutes after");
        assert!(matches!(&error, Error::Data(text) if is_told(text)), "{error}");
        source.mock.advance_clock(600.0);
        assert_eq!(Reader::new(&source, &[FEED]).await.settled().await.len(), 3, "and does not after ten minutes");
    }
}

#[tokio::test]
async fn a_table_is_read_again_where_its_part_of_a_payload_cannot_be_read() {
    let source = Source::with_items(4);
    let all = source.all_ids();
    let directory = tempfile::tempdir().expect("a directory");
    let location = directory.path().to_str().expect("a path").to_owned();
    let options = [FEED, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
    let mut stream = Reader::new(&source, &options).await;
    stream.settled().await;
    remove(&source, &all[1]);
    spoil(&source, &stream, |payload, table| {
        payload["changedTablesById"][table]["destroyedRecordIds"] = json!([17]);
    })
    .await;
    let rows = stream.settled().await;
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.iter().any(|row| row.id == all[1] && row.is_deleted), "{rows:?}");
    edit(&source, &all[2], "told");
    assert_eq!(ids(&stream.settled().await), [all[2].as_str()], "and it goes on after it");
}

#[tokio::test]
async fn a_failure_counts_in_whichever_form_it_is_told() {
    for error in [json!("INVALID_HOOK"), json!({"type": "INVALID_HOOK"}), json!({"code": "INVALID_HOOK"})] {
        let source = Source::with_items(3);
        let mut stream = Reader::new(&source, &[FEED]).await;
        stream.settled().await;
        edit(&source, &source.all_ids()[0], "untold");
        spoil(&source, &stream, |payload, _| *payload = json!({"error": error})).await;
        let said = stream.settled_error().await;
        let is_told = |text: &str| text.contains("failed: INVALID_HOOK") && text.contains("on_lost_feed");
        assert!(matches!(&said, Error::Data(text) if is_told(text)), "{said}");
    }
}

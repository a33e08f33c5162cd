//! Webhooks and payloads that are not as Airtable documents them: they stop the streams that they are about, and no others.

use lakeflow_airtable::Error;
use serde_json::{Value, json};

use crate::changes::{FEED, Reader, cost, edit, ids};
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

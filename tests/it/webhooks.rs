//! Streams of a change feed and the webhooks behind them: which one is polled, what becomes of one that fails or goes, and
//! of a stream whose feed has lost changes.

use std::collections::BTreeSet;

use airtable_mock::Grant;
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect};
use serde_json::{Value, json};

use crate::changes::{FEED, Reader, add, cost, edit, ids, micros, remove};
use crate::source::Source;

#[tokio::test]
async fn webhooks_are_shared_and_kept_alive() {
    let source = Source::with_items(3);
    let id = source.all_ids().remove(0);
    let mut one = Reader::new(&source, &[FEED]).await;
    one.settled().await;
    let mut other = Reader::new(&source, &[FEED]).await;
    other.settled().await;
    assert_eq!(cost(&source).get("create_webhook"), Some(&1), "one serves both");
    // Three weeks in which nothing happens but that somebody asks.
    for _ in 0..21 {
        source.mock.advance_clock(86_400.0);
        assert!(one.next().await.expect("a range").is_empty());
    }
    edit(&source, &id, "late");
    assert_eq!(one.settled().await.len(), 1);
    assert_eq!(other.settled().await.len(), 1, "whoever kept it alive");
}

#[tokio::test]
async fn streams_that_start_together_share_one_webhook() {
    let source = Source::with_items(2);
    let starts = (0..14).map(|_| async {
        let options = source.options(&[FEED]);
        let connector = AirtableConnector::new(options.connection.clone()).expect("a connector");
        let plan = connector.plan(&options.read).await.expect("a plan");
        let stream = connector.stream(plan, &options.read).expect("a stream");
        stream.latest(None, None).await.expect("an offset").offset.to_json()
    });
    let offsets: BTreeSet<String> = futures(starts).await.into_iter().collect();
    assert_eq!(cost(&source).get("create_webhook"), Some(&1), "{offsets:?}");
}

/// All at once.
pub(crate) async fn futures<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in waiting.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_webhook_that_is_polled_now_and_then_does_not_expire() {
    let source = Source::with_items(2);
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.next().await.expect("a range");
    for days in [0.9, 6.9, 0.01, 6.9] {
        source.mock.advance_clock(days * 86_400.0);
        assert!(stream.next().await.expect("alive").is_empty());
    }
}

#[tokio::test]
async fn a_lost_feed_is_noticed_at_once() {
    for (loss, word) in [("expired", "expired at"), ("deleted", "was deleted"), ("gap", "are missing from number")] {
        let source = Source::with_items(3);
        let mut stream = Reader::new(&source, &[FEED]).await;
        stream.settled().await;
        edit(&source, &source.all_ids()[0], "unseen");
        lose(&source, loss).await;
        edit(&source, &source.all_ids()[0], "unseen too");
        source.mock.advance_clock(60.0);
        let error = stream.next().await.expect_err(loss);
        assert!(matches!(&error, Error::Data(text) if text.contains(word) && text.contains("on_lost_feed")), "{error}");
    }
}

/// All webhooks of the base fail with this code, although they are listed as working.
fn fail(source: &Source, code: &str) {
    source.faults(json!({"fail_webhooks": code}));
    edit(source, &source.all_ids()[0], &format!("untold at {}", source.mock.now()));
    source.faults(json!({}));
}

const FAILURES: [&str; 3] = ["INVALID_HOOK", "INVALID_FILTERS", "INTERNAL_ERROR"];

#[tokio::test]
async fn a_webhook_that_fails_ends_its_stream_which_says_so() {
    for code in FAILURES {
        let source = Source::with_items(3);
        let mut stream = Reader::new(&source, &[FEED]).await;
        stream.settled().await;
        fail(&source, code);
        let error = stream.settled_error().await;
        let is_told = |text: &str| text.contains(code) && text.contains("on_lost_feed");
        assert!(matches!(&error, Error::Data(text) if is_told(text)), "{error}");
        // A checkpoint that is beyond the failure is not told that nothing is new.
        let start = stream.start.clone().expect("an offset").to_json();
        let mut start: Value = serde_json::from_str(&start).expect("JSON");
        start["next"] = json!(2);
        stream.start = Some(stream.stream.parse(&start.to_string()).expect("an offset"));
        let error = stream.settled_error().await;
        assert!(matches!(&error, Error::Data(text) if is_told(text)), "{error}");
    }
}

#[tokio::test]
async fn a_webhook_that_fails_is_replaced_and_nothing_is_missing() {
    let directory = tempfile::tempdir().expect("a directory");
    let location = directory.path().to_str().expect("a path").to_owned();
    for (code, restarts) in FAILURES.into_iter().zip([false, true, false]) {
        let source = Source::with_items(5);
        let all = source.all_ids();
        let options = [FEED, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
        let mut stream = Reader::new(&source, &options).await;
        stream.settled().await;
        fail(&source, code);
        remove(&source, &all[1]);
        let rows = stream.settled().await;
        assert_eq!(rows.len(), 5, "{code}: the whole table, and what is gone: {rows:?}");
        assert!(rows.iter().any(|row| row.id == all[1] && row.is_deleted), "{code}: {rows:?}");
        // What nobody told of before there is another webhook.
        edit(&source, &all[2], "untold, too");
        remove(&source, &all[3]);
        if restarts {
            let start = stream.start.clone();
            stream = stream.restarted().await;
            stream.start = start;
        }
        let rows = stream.settled().await;
        assert!(rows.iter().any(|row| row.id == all[3] && row.is_deleted), "{code}: {rows:?}");
        assert!(rows.iter().any(|row| row.name.as_deref() == Some("untold, too")), "{code}: {rows:?}");
        edit(&source, &all[4], "told");
        assert_eq!(ids(&stream.settled().await), [all[4].as_str()], "{code}: a webhook that works");
        assert_eq!(cost(&source).get("create_webhook"), Some(&2), "{code}");
    }
}

#[tokio::test]
async fn a_webhook_that_has_failed_before_is_neither_adopted_nor_gone_on_with() {
    let directory = tempfile::tempdir().expect("a directory");
    let location = directory.path().to_str().expect("a path").to_owned();
    for code in FAILURES {
        let source = Source::with_items(3);
        let all = source.all_ids();
        let mut before = Reader::new(&source, &[FEED]).await;
        before.settled().await;
        edit(&source, &all[1], "told");
        fail(&source, code);
        source.mock.advance_clock(120.0);
        let end = before.latest().await.expect("not read yet").to_json();
        let end: Value = serde_json::from_str(&end).expect("JSON");
        let failed = end["webhook"].as_str().expect("an id").to_owned();
        assert_eq!(end["next"], 3, "the newest payload is the failure");

        // One that is found: another is made in its place.
        let mut stream = Reader::new(&source, &[FEED]).await;
        stream.settled().await;
        edit(&source, &all[2], "told");
        assert_eq!(ids(&stream.settled().await), [all[2].as_str()], "{code}");
        // One that is named: an error that says what to do.
        let named = Reader::started(&source, &[FEED, ("webhook_id", &failed)]).await.expect("a plan");
        let error = named.latest().await.expect_err("it has failed");
        let said = format!("this webhook failed: {code}: name another, or leave the option out");
        assert!(matches!(&error, Error::Data(text) if text.contains(&said)), "{error}");
        // A checkpoint on it: changes are lost.
        let mut stream = Reader::new(&source, &[FEED]).await;
        stream.start = Some(stream.stream.parse(&end.to_string()).expect("an offset"));
        let error = stream.latest().await.expect_err("it has failed");
        let is_told = |text: &str| text.contains("changes are lost") && text.contains(code);
        assert!(matches!(&error, Error::Data(text) if is_told(text)), "{error}");
        // Where it may, it reads again.
        let options = [FEED, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
        let mut stream = Reader::new(&source, &options).await;
        stream.settled().await;
        edit(&source, &all[1], "told by the other");
        stream.start = Some(stream.stream.parse(&end.to_string()).expect("an offset"));
        assert_eq!(stream.settled().await.len(), 3, "{code}");
        edit(&source, &all[0], "told");
        assert_eq!(ids(&stream.settled().await), [all[0].as_str()], "{code}");
    }
}

#[tokio::test]
async fn a_base_full_of_webhooks_that_have_failed_says_which_to_delete() {
    let source = Source::with_items(1);
    for _ in 0..10 {
        // Each has failed before the next is made.
        Reader::new(&source, &[FEED]).await;
        fail(&source, "INVALID_HOOK");
    }
    let error = Reader::new(&source, &[FEED]).await.latest().await.expect_err("no place");
    let text = error.to_string();
    assert!(text.contains("delete those that have failed: ach") && text.matches("ach").count() >= 10, "{text}");
}

#[tokio::test]
async fn a_webhook_whose_newest_payload_was_let_go_is_as_good_as_any() {
    let source = Source::with_items(2);
    let all = source.all_ids();
    let mut one = Reader::new(&source, &[FEED]).await;
    one.settled().await;
    edit(&source, &all[0], "told");
    one.settled().await;
    for _ in 0..4 {
        source.mock.advance_clock(2.0 * 86_400.0);
        assert!(one.next().await.expect("a range").is_empty());
    }
    let mut other = Reader::new(&source, &[FEED]).await;
    assert_eq!(other.settled().await.len(), 2);
    assert_eq!(cost(&source).get("create_webhook"), Some(&1), "no second one");
    edit(&source, &all[1], "told");
    assert_eq!(ids(&other.settled().await), [all[1].as_str()]);
}

#[tokio::test]
async fn a_webhook_with_a_filter_of_next_year_is_not_taken_for_one_that_tells_all() {
    let source = Source::with_items(2);
    let filters = json!({"dataTypes": ["tableData", "tableFields", "tableMetadata"]});
    let mut narrowed = filters.clone();
    narrowed["ofNextYear"] = json!(["usr00000000000001"]);
    for specification in [
        json!({"options": {"filters": narrowed}}),
        json!({"options": {"filters": filters, "ofNextYear": true}}),
        json!({"options": {"filters": filters}, "ofNextYear": true}),
    ] {
        let listed = json!({"webhooks": [{"id": "achFiltered000001", "isHookEnabled": true, "cursorForNextPayload": 1,
            "notificationUrl": null, "specification": specification}]});
        let list = json!({"path": "/webhooks", "action": {"respond": {"status": 200, "body": listed}}});
        source.faults(json!({"rules": [list]}));
        let options = source.options(&[FEED, ("webhook_id", "achFiltered000001")]);
        let connector = AirtableConnector::new(options.connection.clone()).expect("a connector");
        let plan = connector.plan(&options.read).await.expect("a plan");
        let stream = connector.stream(plan, &options.read).expect("a stream");
        let error = stream.latest(None, None).await.expect_err("it may miss changes");
        assert!(matches!(&error, Error::Option(text) if text.contains("ofNextYear may leave changes out")), "{error}");
        // None is named: the list, once more before one is made, and then one is made.
        let twice = json!({"path": "/webhooks", "times": 2, "action": {"respond": {"status": 200, "body": listed}}});
        source.faults(json!({"rules": [twice]}));
        let offset = Reader::started(&source, &[FEED]).await.expect("a stream").latest().await.expect("an offset");
        assert!(!offset.to_json().contains("achFiltered000001"), "{}", offset.to_json());
        lose(&source, "deleted").await;
    }
}

#[tokio::test]
async fn a_re_read_after_a_loss_waits_until_its_stamp_is_over() {
    for edited in [false, true] {
        let source = Source::with_items(3);
        let all = source.all_ids();
        let directory = tempfile::tempdir().expect("a directory");
        let location = directory.path().to_str().expect("a path").to_owned();
        let options = [FEED, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
        let mut stream = Reader::new(&source, &options).await;
        stream.settled().await;
        // Another webhook is there when this one goes.
        let used = stream.start.clone().expect("an offset").to_json();
        let used: Value = serde_json::from_str(&used).expect("JSON");
        let hooks = format!("{}/v0/bases/{}/webhooks", source.mock.url(), source.mock.base_id());
        let filters = json!({"dataTypes": ["tableData", "tableFields", "tableMetadata"]});
        let body = json!({"specification": {"options": {"filters": filters}}}).to_string();
        let http = reqwest::Client::new();
        let made = http.post(&hooks).header("content-type", "application/json").body(body);
        assert!(made.bearer_auth(source.mock.token()).send().await.expect("answered").status().is_success());
        if edited {
            edit(&source, &all[0], "before");
        }
        let gone = http.delete(format!("{hooks}/{}", used["webhook"].as_str().expect("an id")));
        assert!(gone.bearer_auth(source.mock.token()).send().await.expect("answered").status().is_success());
        source.mock.clear_requests();
        // For a minute nothing has happened, so that nothing else has to be waited for.
        let rows = stream.settled().await;
        assert_eq!(rows.len(), 3);
        let requests = source.mock.requests();
        let read = requests.iter().find(|request| request.endpoint == "list_records").expect("a read");
        let stamp = rows.iter().map(|row| row.changed_at).max().expect("rows");
        assert!(micros(&read.time) >= stamp + 1_000_000, "read at {}, stamped {stamp}", read.time);
        // Whatever is changed after it is later.
        remove(&source, &all[1]);
        let rows = stream.settled().await;
        assert_eq!(ids(&rows), [all[1].as_str()]);
        assert!(rows[0].is_deleted && rows[0].changed_at > stamp, "{rows:?} {stamp}");
    }
}

pub(crate) async fn lose(source: &Source, loss: &str) {
    let http = reqwest::Client::new();
    let hooks = format!("{}/v0/bases/{}/webhooks", source.mock.url(), source.mock.base_id());
    let send = |request: reqwest::RequestBuilder| request.bearer_auth(source.mock.token()).send();
    match loss {
        "expired" => source.mock.advance_clock(8.0 * 86_400.0),
        "gap" => {
            source.faults(json!({"lose_payloads": true}));
            edit(source, &source.all_ids()[1], "lost");
            source.faults(json!({}));
        }
        _ => {
            let listed = send(http.get(&hooks)).await.expect("answered").text().await.expect("text");
            let listed: Value = serde_json::from_str(&listed).expect("JSON");
            for hook in listed["webhooks"].as_array().expect("a list") {
                let id = hook["id"].as_str().expect("an id");
                send(http.delete(format!("{hooks}/{id}"))).await.expect("deleted");
            }
        }
    }
}

#[tokio::test]
async fn a_lost_feed_can_be_replaced_and_vanished_records_are_told() {
    for loss in ["expired", "deleted", "gap"] {
        let source = Source::with_items(130);
        let all = source.all_ids();
        let directory = tempfile::tempdir().expect("a directory");
        let location = directory.path().to_str().expect("a path").to_owned();
        let options = [FEED, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
        let mut stream = Reader::new(&source, &options).await;
        stream.settled().await;
        let since = add(&source, "since");
        stream.settled().await;
        lose(&source, loss).await;
        remove(&source, &all[5]);
        remove(&source, &since);
        let new = add(&source, "new");
        source.mock.advance_clock(120.0);
        let (start, end) = (stream.start.clone(), stream.latest().await.expect(loss));
        let rows = stream.between(start.as_ref(), &end).await.expect(loss);
        let mut gone: Vec<&str> = rows.iter().filter(|row| row.is_deleted).map(|row| row.id.as_str()).collect();
        gone.sort_unstable();
        let mut expected = [all[5].as_str(), since.as_str()];
        expected.sort_unstable();
        assert_eq!(gone, expected, "{loss}");
        assert_eq!(rows.len(), 130 + 2, "{loss}: 129 old ones, a new one, two gone");
        assert!(rows.iter().any(|row| row.id == new && !row.is_deleted));
        let again = stream.between(start.as_ref(), &end).await.expect("the same range, as after a crash");
        assert_eq!(ids(&rows), ids(&again), "{loss}");
        stream.start = Some(end);
        remove(&source, &all[6]);
        assert_eq!(ids(&stream.settled().await), [all[6].as_str()], "{loss}: it goes on");
    }
}

#[tokio::test]
async fn a_record_that_came_into_the_filter_is_known_after_a_loss() {
    let source = Source::with_items(5);
    let all = source.all_ids();
    let directory = tempfile::tempdir().expect("a directory");
    let location = directory.path().to_str().expect("a path").to_owned();
    let filter = ("filter_formula", "LEFT({Name}, 4) = 'mine'");
    let options = [FEED, filter, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
    let mut stream = Reader::new(&source, &options).await;
    assert!(stream.settled().await.is_empty());
    edit(&source, &all[0], "mine now");
    assert_eq!(ids(&stream.settled().await), [all[0].as_str()]);
    lose(&source, "deleted").await;
    remove(&source, &all[0]);
    let rows = stream.settled().await;
    assert_eq!(ids(&rows), [all[0].as_str()]);
    assert!(rows[0].is_deleted);
}

#[tokio::test]
async fn a_re_read_after_a_loss_sees_what_shows_late_and_what_the_table_has_become() {
    let source = Source::with_items(3);
    let id = source.all_ids().remove(0);
    let directory = tempfile::tempdir().expect("a directory");
    let location = directory.path().to_str().expect("a path").to_owned();
    let options = [FEED, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
    let mut stream = Reader::new(&source, &options).await;
    stream.settled().await;
    lose(&source, "deleted").await;
    source.faults(json!({"visibility_delay_ms": 2_000}));
    edit(&source, &id, "late");
    let rows = stream.next().await.expect("read again");
    assert!(rows.iter().any(|row| row.id == id && row.name.as_deref() == Some("late")), "{rows:?}");
    source.faults(json!({}));
    lose(&source, "deleted").await;
    source.mock.rename_field(&source.mock.base_id(), "Items", "Name", "Title").expect("renamed");
    source.mock.advance_clock(120.0);
    let error = stream.next().await.expect_err("another table than was planned");
    assert!(matches!(&error, Error::Data(text) if text.contains("was renamed")), "{error}");
}

#[tokio::test]
async fn a_full_read_is_only_known_of_where_one_was_noted() {
    let source = Source::with_items(3);
    let directory = tempfile::tempdir().expect("a directory");
    let location = directory.path().to_str().expect("a path").to_owned();
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    // Switched on for a stream that has begun: what was there before is not known.
    let options = [FEED, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
    let mut later = Reader::new(&source, &options).await;
    later.start = stream.start;
    add(&source, "new");
    later.settled().await;
    lose(&source, "deleted").await;
    source.mock.advance_clock(120.0);
    let error = later.next().await.expect_err("the first read is not known");
    assert!(matches!(&error, Error::Data(text) if text.contains("no full read")), "{error}");
}

#[tokio::test]
async fn a_full_read_that_could_tell_nothing_of_vanished_records_is_refused() {
    let source = Source::with_items(3);
    let directory = tempfile::tempdir().expect("a directory");
    let location = directory.path().to_str().expect("a path").to_owned();
    let mut stream = Reader::new(&source, &[FEED]).await;
    stream.settled().await;
    lose(&source, "deleted").await;
    let options = [FEED, ("on_lost_feed", "reread"), ("state_location", location.as_str())];
    let mut later = Reader::new(&source, &options).await;
    later.start = stream.start;
    let error = later.next().await.expect_err("no ids are known");
    assert!(matches!(&error, Error::Data(text) if text.contains("state_location")), "{error}");
}

#[tokio::test]
async fn who_may_not_have_a_webhook_is_told_what_is_missing() {
    let source = Source::with_items(3);
    let scopes = ["data.records:read", "schema.bases:read"].map(str::to_owned);
    source.mock.add_token("patReader.1", Grant { scopes: Some(scopes.into()), ..Grant::default() });
    let stream = Reader::new(&source, &[FEED, ("token", "patReader.1")]).await;
    let error = stream.latest().await.expect_err("no scope");
    assert!(matches!(&error, Error::Auth(text) if text.contains("webhook:manage")), "{error}");

    let base = source.mock.base_id();
    source.mock.set_permission(&base, "edit").expect("a role");
    let stream = Reader::new(&source, &[FEED]).await;
    let error = stream.latest().await.expect_err("no role");
    assert!(matches!(&error, Error::Auth(text) if text.contains("creator") && text.contains("webhook_id")), "{error}");
    // A webhook of somebody else's serves a reader.
    source.mock.set_permission(&base, "create").expect("a role");
    Reader::new(&source, &[FEED]).await.settled().await;
    source.mock.set_permission(&base, "read").expect("a role");
    assert_eq!(Reader::new(&source, &[FEED]).await.settled().await.len(), 3);
}

#[tokio::test]
async fn ten_webhooks_of_others_leave_no_place() {
    let source = Source::with_items(3);
    let http = reqwest::Client::new();
    let hooks = format!("{}/v0/bases/{}/webhooks", source.mock.url(), source.mock.base_id());
    for _ in 0..10 {
        let body = json!({"specification": {"options": {"filters": {"dataTypes": ["tableFields"]}}}}).to_string();
        let request = http.post(&hooks).bearer_auth(source.mock.token()).header("content-type", "application/json");
        assert!(request.body(body).send().await.expect("answered").status().is_success());
    }
    let stream = Reader::new(&source, &[FEED]).await;
    let error = stream.latest().await.expect_err("no place");
    assert!(
        matches!(&error, Error::Rejected(text) if text.contains("10 webhooks") && text.contains("delete one")),
        "{error}"
    );
    let listed = http.get(&hooks).bearer_auth(source.mock.token()).send().await.expect("answered");
    let listed: Value = serde_json::from_str(&listed.text().await.expect("text")).expect("JSON");
    let id = listed["webhooks"][0]["id"].as_str().expect("an id");
    let stream = Reader::new(&source, &[FEED, ("webhook_id", id)]).await;
    let error = stream.latest().await.expect_err("it misses changes");
    assert!(matches!(&error, Error::Option(text) if text.contains("dataTypes")), "{error}");
    let stream = Reader::new(&source, &[FEED, ("webhook_id", "achNone")]).await;
    let error = stream.latest().await.expect_err("none such");
    assert!(matches!(&error, Error::NotFound(text) if text.contains(id)), "{error}");
}

//! What goes wrong between here and Airtable, over real sockets: how often it is tried, and what is said.

use std::time::{Duration, Instant};

use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect};
use serde_json::{Value, json};

use crate::source::{Source, rows};

/// A rule for record pages only.
fn rule(action: &Value, times: u64) -> Value {
    json!({"rules": [{"path": "/tbl", "times": times, "action": action}]})
}

#[tokio::test]
async fn passing_faults_are_got_over() {
    for action in [
        json!({"retriable": {}}),
        json!({"retriable": {"retry_after": 1}}),
        json!("bad_gateway"),
        json!({"respond": {"status": 500}}),
        json!({"respond": {"status": 504, "body": "<html></html>"}}),
        json!({"respond": {"status": 408}}),
        json!({"respond": {"status": 425}}),
        json!({"respond": {"status": 507, "body": {"error": "INSUFFICIENT_STORAGE"}}}),
        json!({"respond": {"status": 522, "body": "<html></html>"}}),
        json!({"respond": {"status": 530}}),
        // Refusals that do not say what they refuse: one that is no whole JSON, one that ends before its length, and none.
        json!({"respond": {"status": 422, "body": "{\"error\":{\"type\":\"LIST_REC"}}),
        json!({"respond": {"status": 403, "body": "{\"error\":{\"type\":", "headers": [["content-length", "90"]]}}),
        json!({"respond": {"status": 404, "body": "<html>", "headers": [["content-length", "90"]]}}),
        json!({"respond": {"status": 422}}),
        // Refusals that are not known to be Airtable's.
        json!({"respond": {"status": 422, "body": null}}),
        json!({"respond": {"status": 422, "body": "null"}}),
        json!({"respond": {"status": 422, "body": "\"x\""}}),
        json!({"respond": {"status": 400, "body": {"detail": "blocked"}}}),
        json!({"respond": {"status": 401}}),
        json!({"respond": {"status": 403}}),
        json!({"respond": {"status": 404}}),
        json!({"respond": {"status": 403, "body": "<html>blocked</html>"}}),
        json!({"truncate": {"bytes": 50}}),
        json!("close"),
        json!("not_json"),
        json!({"rate_limited": {"retry_after": 1}}),
        json!({"rate_limited": {"retry_after": 1, "singular": true}}),
    ] {
        let source = Source::with_items(150);
        source.faults(rule(&action, 1));
        assert_eq!(rows(&source.read(&[]).await.expect("a read")), 150, "{action}");
        assert_eq!(source.pages(), 3, "{action}");
    }
}

#[tokio::test]
async fn a_cursor_that_the_service_does_not_know_begins_again() {
    for action in ["iterator_gone", "bad_offset"] {
        let source = Source::with_items(450);
        let gone = json!({"path": "offset=", "after": 2, "times": 1, "action": action});
        source.faults(json!({"rules": [gone]}));
        assert_eq!(source.ids(&[]).await, source.all_ids(), "{action}");
        assert_eq!(source.pages(), 4 + 5, "{action}");
        source.faults(json!({"rules": [{"path": "offset=", "action": action}]}));
        let error = source.error(&[("max_records", "400")]).await;
        assert!(matches!(&error, Error::Data(text) if text.contains("page cursor expired")), "{action}: {error}");
    }
}

#[tokio::test]
async fn a_refusal_that_never_says_why_is_told_by_its_status() {
    for (status, variant, hint) in [
        (422, "Transport", "without an error of Airtable's"),
        (403, "Auth", "data.records:read"),
        (404, "NotFound", "404"),
    ] {
        let source = Source::with_items(1);
        for body in ["{\"error\":", "null", ""] {
            source.faults(rule(&json!({"respond": {"status": status, "body": body}}), 100));
            let error = source.error(&[("max_retries", "1")]).await;
            assert!(format!("{error:?}").starts_with(variant) && error.to_string().contains(hint), "{error:?}");
            assert_eq!(source.pages(), 2, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_refusal_with_a_meaning_that_nobody_signed_is_asked_for_once_more() {
    let source = Source::with_items(1);
    for (status, body, variant, hint) in [
        (401, "", "Auth", "the token was not accepted"),
        (403, "<html>blocked</html>", "Auth", "data.records:read"),
        (404, "null", "NotFound", "check base_url"),
    ] {
        source.faults(rule(&json!({"respond": {"status": status, "body": body}}), 100));
        let error = source.error(&[]).await;
        assert!(format!("{error:?}").starts_with(variant) && error.to_string().contains(hint), "{error:?}");
        assert_eq!(source.pages(), 2, "{status}");
    }
}

#[tokio::test]
async fn refusals_are_not_tried_again() {
    for (action, variant, hint) in [
        // The plan was made with the token.
        (json!("unauthorized"), "Auth", "this token was accepted until now"),
        (json!("forbidden"), "Auth", "data.records:read"),
        (json!({"not_found": {"bare": true}}), "NotFound", "404 NOT_FOUND"),
        (json!({"not_found": {"bare": false}}), "NotFound", "404 NOT_FOUND"),
        (json!("monthly_block"), "RateLimit", "API calls of this month"),
        (json!({"respond": {"status": 413, "body": "<html>too large</html>"}}), "Rejected", "too large"),
        (json!({"respond": {"status": 501}}), "Transport", "501"),
        (json!({"respond": {"status": 505}}), "Transport", "505"),
        (json!({"respond": {"status": 511, "body": "<html>sign in</html>"}}), "Transport", "511"),
        (json!("bad_offset"), "Rejected", "INVALID_OFFSET_VALUE"),
        (
            json!({"error": {"status": 422, "kind": "INVALID_FILTER_BY_FORMULA", "message": "bad"}}),
            "Rejected",
            "filter_formula",
        ),
        (json!({"redirect": {"location": "http://127.0.0.2:9/stolen"}}), "Rejected", "redirect to 127.0.0.2"),
        (json!("invalid_utf8"), "Data", "not UTF-8"),
        (json!({"respond": {"status": 200, "body": {"records": 7}}}), "Data", "undocumented form"),
        (json!({"respond": {"status": 200, "body": "{\"records\": [{]}"}}), "Data", "undocumented form"),
        (json!({"deep": {"depth": 100_000}}), "Data", ""),
        (json!({"gigantic": {"bytes": 150_000_000}}), "Data", "larger than 128 MiB"),
    ] {
        let source = Source::with_items(10);
        source.faults(rule(&action, 1));
        let error = source.error(&[]).await;
        let text = error.to_string();
        assert!(format!("{error:?}").starts_with(variant) && text.contains(hint), "{action}: {error:?}");
        assert!(!text.contains('\n') && !text.contains('?') && !text.contains(source.mock.token()), "{text}");
        assert!(text.contains("/v0/app"), "{text}");
        assert_eq!(source.pages(), 1, "{action}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_so_the_token_goes_nowhere_else() {
    let (source, elsewhere) = (Source::with_items(1), Source::with_items(1));
    for status in [301, 302, 307, 308] {
        let location = format!("{}/v0/meta/whoami", elsewhere.mock.url());
        source.faults(rule(&json!({"redirect": {"location": location, "status": status}}), 1));
        let error = source.error(&[]).await;
        assert!(matches!(&error, Error::Rejected(text) if text.contains("redirects are not followed")), "{error}");
    }
    assert!(elsewhere.mock.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_says_the_token_back_does_not_get_it_into_a_message() {
    let source = Source::with_items(1);
    let body = json!({"error": {"type": "ODD", "message": format!("no Bearer {}", source.mock.token())}});
    source.faults(rule(&json!({"respond": {"status": 400, "body": body}}), 1));
    let text = source.error(&[]).await.to_string();
    assert!(text.contains("no Bearer [token]") && !text.contains(source.mock.token()), "{text}");
}

#[tokio::test]
async fn a_lasting_fault_is_given_up_after_the_retries() {
    let source = Source::with_items(1);
    source.faults(rule(&json!("bad_gateway"), 100));
    let error = source.error(&[("max_retries", "1")]).await;
    assert!(matches!(&error, Error::Transport(text) if text.contains("502")), "{error}");
    assert_eq!(source.pages(), 2);
    source.faults(rule(&json!({"rate_limited": {"retry_after": 1}}), 100));
    let error = source.error(&[("max_retries", "1")]).await;
    assert!(matches!(&error, Error::RateLimit(text) if text.contains("lower requests_per_second")), "{error}");
    assert_eq!(source.pages(), 2);
}

#[tokio::test]
async fn silence_ends_in_time() {
    let source = Source::with_items(1);
    source.faults(rule(&json!("stall"), 100));
    let error = source.error(&[("max_retries", "0"), ("timeout_seconds", "0.5")]).await;
    assert!(matches!(&error, Error::Transport(text) if text.contains("raise timeout_seconds")), "{error}");
    source.faults(rule(&json!({"slow": {"chunk": 1, "ms": 100}}), 100));
    let error = source.error(&[("max_retries", "0"), ("timeout_seconds", "0.5")]).await;
    assert!(matches!(&error, Error::Transport(text) if text.contains("no complete answer")), "{error}");
}

#[tokio::test]
async fn an_address_where_nobody_is_is_said_soon() {
    let source = Source::with_items(1);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let options = source.options(&[("base_url", &url), ("max_retries", "1")]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let error = connector.list_tables(None).await.expect_err("nobody");
    let text = error.to_string();
    assert!(matches!(&error, Error::Transport(text) if text.contains("cannot connect")), "{text}");
    assert!(text.contains("check base_url") && text.to_lowercase().contains("refused"), "{text}");
}

#[tokio::test]
async fn the_budget_is_kept_by_all_readers_of_a_base_together() {
    let source = Source::with_items(500);
    source.faults(json!({"requests_per_second": 5}));
    let begun = Instant::now();
    let slow = [("requests_per_second", "4")];
    let (one, two) = tokio::join!(source.read(&slow), source.read(&slow));
    assert_eq!(rows(&one.expect("a read")) + rows(&two.expect("a read")), 1_000);
    let requests = source.mock.requests();
    assert!(requests.iter().all(|request| request.status == 200), "no 429 among {} requests", requests.len());
    // Twelve requests, eleven intervals: sooner would be more than the budget.
    assert!(begun.elapsed() > Duration::from_millis(11 * 250 - 50), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_penalty_that_one_reader_meets_holds_for_the_others() {
    let source = Source::with_items(1);
    source.faults(rule(&json!({"rate_limited": {"retry_after": 2}}), 1));
    let begun = Instant::now();
    let (one, two) = tokio::join!(source.read(&[]), async {
        // Into the middle of the penalty.
        tokio::time::sleep(Duration::from_millis(500)).await;
        source.read(&[]).await.map(|batches| (rows(&batches), begun.elapsed()))
    });
    assert_eq!(rows(&one.expect("a read")), 1);
    let (count, after) = two.expect("a read");
    assert_eq!(count, 1);
    assert!(after > Duration::from_secs(2), "{after:?}");
    let requests = source.mock.requests();
    assert_eq!(requests.iter().filter(|request| request.status == 429).count(), 1);
}

#[tokio::test]
async fn whoever_waits_for_a_slot_meanwhile_is_not_sent_into_a_penalty() {
    let source = Source::with_items(1);
    source.faults(json!({"rules": [{"times": 1, "action": {"rate_limited": {"retry_after": 2}}}]}));
    let connector = source.connector(&[("requests_per_second", "8")]);
    let list = || connector.list_tables(None);
    let (a, b, c, d) = tokio::join!(list(), list(), list(), list());
    assert!([a, b, c, d].iter().all(Result::is_ok));
    let at = |time: &str| chrono::DateTime::parse_from_rfc3339(time).expect("a time").timestamp_millis();
    let requests = source.mock.requests();
    let refused = requests.iter().find(|request| request.status == 429).expect("the first");
    assert_eq!(requests.len(), 5);
    for request in requests.iter().filter(|request| request.status == 200) {
        let after = at(&request.time) - at(&refused.time);
        assert!(after > 1_900, "sent {after} ms after the penalty began");
    }
}

#[tokio::test]
async fn gzip_is_spoken() {
    let source = Source::with_items(300);
    for gzip in [true, false] {
        source.faults(json!({"gzip": gzip}));
        assert_eq!(rows(&source.read(&[]).await.expect("a read")), 300);
    }
}

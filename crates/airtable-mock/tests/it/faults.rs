//! Faults of single answers, and how they are set.

use std::time::{Duration, Instant};

use airtable_mock::{Action, Faults, Rule};
use serde_json::json;

use super::client::{Bench, names};

#[test]
fn rules_replace_answers() {
    let bench = Bench::with_items(1);
    let cases = [
        (Action::Unauthorized, 401, "AUTHENTICATION_REQUIRED"),
        (Action::Forbidden, 403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"),
        (Action::NotFound { bare: true }, 404, "{\"error\":\"NOT_FOUND\"}"),
        (Action::NotFound { bare: false }, 404, "{\"error\":{\"type\":\"NOT_FOUND\"}}"),
        (Action::RateLimited { retry_after: None, singular: true }, 429, "{\"error\":{\"message\""),
        (Action::MonthlyBlock, 429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED"),
        (Action::Retriable { retry_after: Some(2) }, 503, "RETRIABLE_ERROR"),
        (Action::BadGateway, 502, "<html>"),
        (Action::IteratorGone, 422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"),
        (
            Action::Error { status: 422, kind: "ODD".into(), message: String::new() },
            422,
            "{\"error\":{\"type\":\"ODD\"}}",
        ),
        (Action::NotJson, 200, "<!doctype html>"),
        (Action::Deep { depth: 1000 }, 200, "[[[[[["),
        (Action::Redirect { location: "http://localhost:1/".into(), status: 307 }, 307, ""),
        (
            Action::Respond { status: 418, headers: vec![("x-odd".into(), "yes".into())], body: json!({"a": 1}) },
            418,
            "{\"a\":1}",
        ),
    ];
    for (action, status, text) in cases {
        bench.mock.set_faults(Faults { rules: vec![Rule::always(action.clone()).times(1)], ..Faults::default() });
        let answer = bench.items("");
        let body = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(answer.status == status && body.contains(text), "{action:?}: {} {body}", answer.status);
        assert_eq!(bench.items("").status, 200, "{action:?} is used up");
    }
    bench.mock.set_faults(Faults { rules: vec![Rule::always(Action::InvalidUtf8)], ..Faults::default() });
    assert!(String::from_utf8(bench.items("").bytes).is_err());
    bench
        .mock
        .set_faults(Faults { rules: vec![Rule::always(Action::Gigantic { bytes: 3_000_000 })], ..Faults::default() });
    assert!(bench.items("").bytes.len() > 2_900_000);
}

#[test]
fn connections_break() {
    let bench = Bench::with_items(50);
    for action in [Action::Truncate { bytes: 100 }, Action::Truncate { bytes: 0 }, Action::Close] {
        bench.mock.set_faults(Faults { rules: vec![Rule::always(action.clone()).times(1)], ..Faults::default() });
        let path = format!("/v0/{}/Items", bench.mock.base_id());
        assert!(bench.request("GET", &path, Some(bench.mock.token()), None).is_err(), "{action:?}");
        assert_eq!(bench.items("").status, 200);
    }
}

#[test]
fn answers_stall_and_trickle() {
    let bench = Bench::with_items(1);
    let path = format!("{}/v0/{}/Items", bench.mock.url(), bench.mock.base_id());
    bench.mock.set_faults(Faults { rules: vec![Rule::always(Action::Stall)], ..Faults::default() });
    let request = bench.client.get(&path).bearer_auth(bench.mock.token()).timeout(Duration::from_millis(150));
    assert!(bench.runtime.block_on(async { request.send().await }).expect_err("no answer").is_timeout());
    bench
        .mock
        .set_faults(Faults { rules: vec![Rule::always(Action::Slow { chunk: 20, ms: 20 })], ..Faults::default() });
    let started = Instant::now();
    let answer = bench.items("");
    assert_eq!(names(&answer.json()), ["item 0"]);
    assert!(started.elapsed() >= Duration::from_millis(60));
    bench.mock.set_faults(Faults { delay_ms: 80, ..Faults::default() });
    let started = Instant::now();
    bench.items("");
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[test]
fn faults_can_be_set_by_http() {
    let bench = Bench::with_items(1);
    let faults = json!({"rules": [{"action": "bad_gateway", "path": "/Items", "after": 1}]});
    assert_eq!(bench.request("PUT", "/_mock/faults", None, Some(&faults)).expect("an answer").status, 200);
    assert_eq!([bench.items("").status, bench.items("").status], [200, 502]);
    assert_eq!(bench.request("PUT", "/_mock/faults", None, Some(&json!({"typo": 1}))).expect("an answer").status, 422);
    bench.request("DELETE", "/_mock/faults", None, None).expect("an answer");
    assert_eq!(bench.items("").status, 200);
    let log = bench.request("GET", "/_mock/requests", None, None).expect("an answer").json();
    assert_eq!(log["counts"]["list_records"], 3);
    assert_eq!(log["requests"][1]["status"], 502);
}

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

/// The status of an answer to a request as a socket sends it, and its `Date`.
fn raw(bench: &Bench, request: &str) -> (u16, String) {
    use std::io::{Read, Write};

    let address = bench.mock.url().replace("http://", "");
    let mut socket = std::net::TcpStream::connect(&address).expect("a connection");
    socket.write_all(request.replace("ADDRESS", &address).as_bytes()).expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let date = answer.lines().find_map(|line| line.strip_prefix("date: ")).unwrap_or_default();
    (status, date.to_owned())
}

#[test]
fn a_web_page_is_not_answered() {
    let bench = Bench::with_items(1);
    let token = format!("Authorization: Bearer {}\r\n", bench.mock.token());
    let items = format!("/v0/{}/Items", bench.mock.base_id());
    for (target, headers, status) in [
        ("/_mock/requests", "Host: ADDRESS\r\n", 200),
        ("/_mock/requests", "Host: localhost:80\r\n", 200),
        ("/_mock/requests", "Host: ADDRESS\r\nOrigin: http://ADDRESS\r\n", 200),
        ("/_mock/requests", "Host: evil.example\r\n", 403),
        ("/_mock/requests", "Host: ADDRESS\r\nOrigin: http://evil.example\r\n", 403),
        ("/_mock/requests", "Host: ADDRESS\r\nOrigin: null\r\n", 403),
        ("/_mock/faults", "Host: evil.example\r\nOrigin: http://evil.example\r\n", 403),
        // The usual token is known to everybody.
        ("/_mock/faults", &format!("Host: evil.example\r\n{token}"), 403),
        ("http://evil.example/_mock/faults", "Host: ADDRESS\r\n", 403),
        ("/_mock/attachments/1/2/3/4", "Host: evil.example\r\n", 403),
        (&items, &format!("Host: ADDRESS\r\n{token}"), 200),
        (&items, &format!("Host: api.airtable.com\r\n{token}"), 200),
        (&items, &format!("Host: evil.example\r\n{token}"), 403),
        (&items, &format!("Host: airtable.com.evil.example\r\n{token}"), 403),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        assert_eq!(raw(&bench, &request).0, status, "{request}");
    }
    for method in ["PUT", "DELETE"] {
        let request = format!(
            "{method} /_mock/faults HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        assert_eq!(raw(&bench, &request).0, 403, "{method}");
    }
}

#[test]
fn every_answer_has_the_time_of_the_servers_clock() {
    let bench = Bench::with_items(1);
    bench.mock.set_clock("2001-02-03T04:05:06Z").expect("a time");
    for target in ["/v0/meta/bases", "/v0/nowhere", "/_mock/faults", "/_mock/nowhere", "/_mock/attachments/1/2/3/4"] {
        for host in ["ADDRESS", "evil.example"] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let date = raw(&bench, &request).1;
            assert!(date.starts_with("Sat, 03 Feb 2001 04:05:"), "{target} {host}: {date}");
        }
    }
}

#[test]
fn ids_of_fields_are_refused_in_formulas_unless_they_are_asked_for() {
    let bench = Bench::with_items(3);
    let schema = bench.mock.schema(&bench.mock.base_id()).expect("a base");
    let id = schema["tables"][0]["fields"][1]["id"].as_str().expect("an id").to_owned();
    let asked = |name: &str| bench.items(&format!("filterByFormula=%7B{name}%7D%3D1"));
    assert_eq!((asked("N").status, asked("n").status), (200, 200));
    let refused = asked(&id);
    assert_eq!((refused.status, refused.json()["error"]["type"].as_str()), (422, Some("INVALID_FILTER_BY_FORMULA")));
    assert!(refused.json()["error"]["message"].as_str().is_some_and(|text| text.contains("Unknown field names: fld")));
    bench.mock.set_faults(Faults { field_ids_in_formulas: true, ..Faults::default() });
    assert_eq!(asked(&id).json()["records"].as_array().map(Vec::len), Some(1));
}

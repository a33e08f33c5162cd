//! Tokens: scopes, bases, and where they must not be seen.

use airtable_mock::Grant;
use serde_json::json;

use super::client::Bench;

#[test]
fn tokens_have_scopes_and_bases() {
    let bench = Bench::sample();
    let grant: Grant = serde_json::from_value(json!({"scopes": ["data.records:read"], "bases": ["appMockArchive002"]}))
        .expect("a grant");
    bench.mock.add_token("patMockReader.1", grant);
    let cases = [
        (None, "/v0/appMockLaunch0001/Vendors", 401, "AUTHENTICATION_REQUIRED"),
        (Some("patWrong"), "/v0/appMockLaunch0001/Vendors", 401, "AUTHENTICATION_REQUIRED"),
        (Some("patMockReader.1"), "/v0/appMockLaunch0001/Vendors", 403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"),
        (Some("patMockReader.1"), "/v0/meta/bases", 403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"),
        (Some("patMockReader.1"), "/v0/appMockArchive002/Nope", 403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"),
    ];
    for (token, path, status, kind) in cases {
        let answer = bench.request("GET", path, token, None).expect("an answer");
        assert_eq!((answer.status, answer.json()["error"]["type"].as_str()), (status, Some(kind)), "{token:?} {path}");
    }
    let allowed =
        bench.request("GET", "/v0/appMockArchive002/Vendors", Some("patMockReader.1"), None).expect("an answer");
    assert_eq!((allowed.status, allowed.json()["records"].as_array().map(Vec::len)), (200, Some(12)));
    let write =
        bench.request("POST", "/v0/appMockArchive002/Vendors", Some(bench.mock.token()), Some(&json!({"fields": {}})));
    let write = write.expect("an answer");
    assert_eq!(
        (write.status, write.json()["error"]["type"].as_str()),
        (403, Some("INVALID_PERMISSIONS")),
        "the user may only read"
    );
}

#[test]
fn the_token_is_nowhere_in_the_log() {
    let bench = Bench::sample();
    bench.get("/v0/meta/whoami");
    let log = serde_json::to_string(&bench.mock.requests()).expect("plain data");
    assert!(!log.contains(bench.mock.token()));
    assert!(log.contains("\"authorized\":true") && log.contains("\"endpoint\":\"whoami\""));
}

#[test]
fn a_token_is_somebodys() {
    let bench = Bench::sample();
    let grant = Grant { person: 1, ..Grant::default() };
    bench.mock.add_token("patMockBruno.1", grant);
    let whoami = bench.request("GET", "/v0/meta/whoami", Some("patMockBruno.1"), None).expect("an answer").json();
    assert_eq!(whoami, json!({"id": "usrMockPerson0002", "email": "bruno.sample@example.com"}));
    let base = bench.mock.base_id();
    let record = bench.mock.records(&base, "Vendors").expect("the table")[0]["id"].as_str().expect("an id").to_owned();
    let comments = format!("/v0/{base}/Vendors/{record}/comments");
    let text = json!({"text": "mine"});
    let comment = bench.request("POST", &comments, Some(bench.mock.token()), Some(&text)).expect("an answer").json();
    let comment = format!("{comments}/{}", comment["id"].as_str().expect("an id"));
    let change = bench.request("PATCH", &comment, Some("patMockBruno.1"), Some(&text)).expect("an answer");
    assert_eq!((change.status, change.json()["error"]["type"].as_str()), (403, Some("INVALID_PERMISSIONS")));
}

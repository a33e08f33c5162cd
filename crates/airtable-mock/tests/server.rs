//! The mock Airtable over real sockets: what a client can tell, and what tests can make it do.

use std::time::{Duration, Instant};

use airtable_mock::{Action, Faults, FieldSpec, Grant, Kinds, MissingRecord, Mock, MockConfig, Rule};
use serde_json::{Value, json};

/// A mock with a blocking client.
struct Bench {
    mock: Mock,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

/// An answer.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("the answer is JSON")
    }
}

impl Bench {
    fn new(config: MockConfig) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { mock: Mock::start(config).expect("the mock starts"), runtime, client }
    }

    fn sample() -> Self {
        Self::new(MockConfig::default())
    }

    /// One table `Items` with records numbered from 0.
    fn with_items(count: usize) -> Self {
        let bench = Self::new(MockConfig { sample: false, ..MockConfig::default() });
        let records: Vec<Value> =
            (0..count).map(|n| json!({"fields": {"Name": format!("item {n}"), "N": n}})).collect();
        let table = json!({"name": "Items", "records": records,
            "fields": [{"name": "Name"}, {"name": "N", "type": "number", "options": {"precision": 0}}]});
        bench.mock.create_base(&json!({"name": "B", "tables": [table]})).expect("a valid base");
        bench
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.request(method.parse().expect("a method"), format!("{}{path}", self.mock.url()));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.runtime.block_on(async {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok(Answer { status, headers, bytes: response.bytes().await?.to_vec() })
        })
    }

    fn get(&self, path: &str) -> Answer {
        self.request("GET", path, Some(self.mock.token()), None).expect("an answer")
    }

    fn items(&self, query: &str) -> Answer {
        self.get(&format!("/v0/{}/Items?{query}", self.mock.base_id()))
    }

    fn error_of(&self, path: &str) -> (u16, Value) {
        let answer = self.get(path);
        (answer.status, answer.json())
    }
}

fn names(page: &Value) -> Vec<String> {
    let records = page["records"].as_array().expect("a page has records");
    records.iter().map(|record| record["fields"]["Name"].as_str().unwrap_or_default().to_owned()).collect()
}

fn offset(page: &Value) -> String {
    page["offset"].as_str().expect("there is another page").replace('/', "%2F")
}

// Tokens

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

// Listings

#[test]
fn order_is_frozen_and_values_are_live() {
    let bench = Bench::with_items(10);
    let base = bench.mock.base_id();
    let first = bench.items("pageSize=4&sort%5B0%5D%5Bfield%5D=N&filterByFormula=%7BN%7D%3C9").json();
    assert_eq!(names(&first), ["item 0", "item 1", "item 2", "item 3"]);
    let records = bench.mock.records(&base, "Items").expect("the table");
    let id = |n: usize| records[n]["id"].as_str().expect("an id");
    bench
        .mock
        .update_records(&base, "Items", &[json!({"id": id(5), "fields": {"Name": "moved", "N": 100}})])
        .expect("an update");
    bench.mock.delete_records(&base, "Items", &[id(4), id(6)]).expect("deleted");
    bench.mock.create_records(&base, "Items", &[json!({"Name": "late", "N": 1})]).expect("created");
    let second = bench.items(&format!("pageSize=4&offset={}", offset(&first))).json();
    assert_eq!(names(&second), ["moved", "item 7"], "deleted records leave gaps, edited ones keep their place");
    let third = bench.items(&format!("pageSize=4&offset={}", offset(&second))).json();
    assert_eq!((names(&third), third.get("offset")), (vec!["item 8".to_owned()], None));
    let again = bench.items(&format!("pageSize=4&offset={}", offset(&first))).json();
    assert_eq!(names(&again), names(&second), "a page can be asked for again");
}

#[test]
fn records_that_stop_matching_can_be_dropped() {
    let bench = Bench::with_items(6);
    bench.mock.set_faults(Faults { drop_unmatched: true, ..Faults::default() });
    let first = bench.items("pageSize=3&filterByFormula=%7BN%7D%3C5").json();
    let base = bench.mock.base_id();
    let id = bench.mock.records(&base, "Items").expect("the table")[3]["id"].clone();
    bench.mock.update_records(&base, "Items", &[json!({"id": id, "fields": {"N": 50}})]).expect("an update");
    let second = bench.items(&format!("pageSize=3&offset={}", offset(&first))).json();
    assert_eq!(names(&second), ["item 4"]);
}

#[test]
fn iterators_expire_by_pages_and_by_time() {
    let bench = Bench::with_items(10);
    let gone = json!({"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}});
    bench.mock.set_faults(Faults { iterator_pages: Some(2), ..Faults::default() });
    let first = bench.items("pageSize=2").json();
    let second = bench.items(&format!("pageSize=2&offset={}", offset(&first))).json();
    let third = bench.items(&format!("pageSize=2&offset={}", offset(&second)));
    assert_eq!((third.status, third.json()), (422, gone.clone()));
    bench.mock.set_faults(Faults { iterator_seconds: Some(0.05), ..Faults::default() });
    let first = bench.items("pageSize=2").json();
    std::thread::sleep(Duration::from_millis(120));
    let second = bench.items(&format!("pageSize=2&offset={}", offset(&first)));
    assert_eq!((second.status, second.json()), (422, gone));
}

#[test]
fn wrong_parameters_have_their_errors() {
    let bench = Bench::with_items(3);
    let base = bench.mock.base_id();
    let cases = [
        ("offset=nonsense", "INVALID_OFFSET_VALUE"),
        ("offset=itr00000000000000", "INVALID_OFFSET_VALUE"),
        ("offset=itr00000000000000%2Frec00000000000000", "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"),
        ("pageSize=101", "INVALID_REQUEST_UNKNOWN"),
        ("fields[]=Nope", "UNKNOWN_FIELD_NAME"),
        ("sort[0][field]=Nope", "UNKNOWN_FIELD_NAME"),
        ("view=Nope", "VIEW_NAME_NOT_FOUND"),
        ("view=viw00000000000000", "VIEW_ID_NOT_FOUND"),
        ("filterByFormula=%7BNope%7D", "INVALID_FILTER_BY_FORMULA"),
        ("cellFormat=string", "INVALID_REQUEST_UNKNOWN"),
    ];
    for (query, kind) in cases {
        let (status, body) = bench.error_of(&format!("/v0/{base}/Items?{query}"));
        assert_eq!((status, body["error"]["type"].as_str()), (422, Some(kind)), "{query}");
    }
    assert_eq!(bench.error_of("/v0/nowhere").1, json!({"error": "NOT_FOUND"}));
    let long = format!("/v0/{base}/Items?view={}", "x".repeat(16_000));
    assert_eq!(bench.get(&long).status, 414);
    let broken =
        bench.client.post(format!("{}/v0/{base}/Items", bench.mock.url())).bearer_auth(bench.mock.token()).body("{");
    let status = bench.runtime.block_on(broken.send()).expect("an answer").status();
    assert_eq!(status, 400);
}

#[test]
fn odd_pages() {
    let bench = Bench::with_items(5);
    let base = bench.mock.base_id();
    let pages = |faults: Faults, most: usize| {
        bench.mock.set_faults(faults);
        let mut pages: Vec<Value> = vec![bench.items("pageSize=2").json()];
        while pages.len() < most && pages[pages.len() - 1].get("offset").is_some() {
            let next = offset(&pages[pages.len() - 1]);
            pages.push(bench.get(&format!("/v0/{base}/Items?pageSize=2&offset={next}")).json());
        }
        pages
    };
    let lengths = |pages: &[Value]| pages.iter().map(|page| names(page).len()).collect::<Vec<_>>();
    assert_eq!(lengths(&pages(Faults::default(), 9)), [2, 2, 1]);
    assert_eq!(lengths(&pages(Faults { page_size: Some(1), ..Faults::default() }, 9)), [1, 1, 1, 1, 1]);
    assert_eq!(lengths(&pages(Faults { empty_last_page: true, ..Faults::default() }, 9)), [2, 2, 1, 0]);
    assert_eq!(lengths(&pages(Faults { endless_empty_pages: true, ..Faults::default() }, 7)), [2, 2, 1, 0, 0, 0, 0]);
    let doubled = pages(Faults { duplicates_per_page: 1, ..Faults::default() }, 9);
    assert_eq!(
        doubled.iter().flat_map(names).collect::<Vec<_>>(),
        ["item 0", "item 1", "item 1", "item 2", "item 3", "item 3", "item 4"]
    );
    let repeated = pages(Faults { repeat_offset: true, ..Faults::default() }, 6);
    assert_eq!(repeated.len(), 6);
    assert!(repeated.iter().all(|page| page["offset"] == repeated[0]["offset"]));
}

#[test]
fn changes_can_be_slow_to_show() {
    let bench = Bench::with_items(2);
    let base = bench.mock.base_id();
    bench.mock.set_faults(Faults { visibility_delay_ms: 60_000, ..Faults::default() });
    let id = bench.mock.records(&base, "Items").expect("the table")[0]["id"].clone();
    bench.mock.update_records(&base, "Items", &[json!({"id": id, "fields": {"Name": "new"}})]).expect("an update");
    bench.mock.create_records(&base, "Items", &[json!({"Name": "third"})]).expect("created");
    assert_eq!(names(&bench.items("").json()), ["item 0", "item 1"]);
    bench.mock.advance_clock(61.0);
    assert_eq!(names(&bench.items("").json()), ["new", "item 1", "third"]);
}

// Limits

#[test]
fn the_rate_limit_has_a_penalty() {
    let bench = Bench::with_items(1);
    bench.mock.set_faults(Faults {
        requests_per_second: Some(5),
        penalty_seconds: 0.3,
        rate_limit_retry_after: Some(1),
        ..Faults::default()
    });
    let statuses: Vec<u16> = (0..7).map(|_| bench.items("").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
    let refused = bench.items("");
    assert_eq!(
        refused.json(),
        json!({"errors": [{"error": "RATE_LIMIT_REACHED", "message": "Rate limit exceeded. Please try again later"}]})
    );
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(bench.get("/v0/meta/whoami").status, 200, "the limit is per base");
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(bench.items("").status, 200);
}

#[test]
fn the_monthly_block_stays() {
    let bench = Bench::with_items(1);
    bench.mock.set_faults(Faults { monthly_calls: Some(1), ..Faults::default() });
    assert_eq!(bench.items("").status, 200);
    for _ in 0..2 {
        let blocked = bench.items("");
        assert_eq!(
            (blocked.status, blocked.json()["errors"][0]["error"].as_str()),
            (429, Some("PUBLIC_API_BILLING_LIMIT_EXCEEDED"))
        );
    }
}

// Faults of single answers

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

// Data

#[test]
fn missing_records_are_reported_three_ways() {
    let bench = Bench::with_items(1);
    let path = format!("/v0/{}/Items/recDoesNotExist00", bench.mock.base_id());
    let cases = [
        (MissingRecord::Model, 404, json!({"error": {"type": "MODEL_ID_NOT_FOUND", "message": "Record not found"}})),
        (MissingRecord::Object, 404, json!({"error": {"type": "NOT_FOUND"}})),
        (MissingRecord::Bare, 404, json!({"error": "NOT_FOUND"})),
    ];
    for (missing_record, status, body) in cases {
        bench.mock.set_faults(Faults { missing_record, ..Faults::default() });
        assert_eq!(bench.error_of(&path), (status, body));
    }
}

#[test]
fn raw_cells_and_fields_can_be_anything() {
    let bench = Bench::with_items(1);
    let base = bench.mock.base_id();
    let id = bench.mock.records(&base, "Items").expect("the table")[0]["id"].as_str().expect("an id").to_owned();
    let odd = json!({"specialValue": "NaN", "deep": [[1, null]]});
    bench.mock.set_raw_cell(&base, "Items", &id, "N", &odd).expect("a raw cell");
    assert_eq!(bench.items("").json()["records"][0]["fields"]["N"], odd);
    bench.mock.update_records(&base, "Items", &[json!({"id": id, "fields": {"N": 4}})]).expect("an update");
    assert_eq!(bench.items("").json()["records"][0]["fields"]["N"], 4);
    bench.mock.set_raw_field(&base, "Items", "N", &json!({"type": "hologram", "options": null})).expect("a raw field");
    let field = &bench.get(&format!("/v0/meta/bases/{base}/tables")).json()["tables"][0]["fields"][1];
    assert_eq!((&field["type"], field.get("options")), (&json!("hologram"), Some(&Value::Null)));
    bench.mock.set_raw_field(&base, "Items", "N", &Value::Null).expect("taken back");
    assert_eq!(bench.mock.schema(&base).expect("the schema")["tables"][0]["fields"][1]["type"], "number");
}

#[test]
fn a_removed_field_invalidates_what_was_computed_from_it() {
    let bench = Bench::sample();
    let base = bench.mock.base_id();
    bench.mock.remove_field(&base, "SKU Candidates", "Unit Cost").expect("removed");
    let schema = bench.mock.schema(&base).expect("the schema");
    let margin = schema["tables"][0]["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .find(|field| field["name"] == "Margin")
        .expect("Margin");
    assert_eq!((&margin["options"]["isValid"], &margin["options"]["result"]), (&json!(false), &Value::Null));
    let vendors = bench.mock.records(&base, "Vendors").expect("the table");
    assert!(vendors.iter().all(|record| { record["fields"].get("Average unit cost").is_none_or(Value::is_object) }));
    assert_eq!(bench.get(&format!("/v0/{base}/SKU%20Candidates?fields[]=Unit+Cost")).status, 422);
}

#[test]
fn attachment_urls_work_change_and_expire() {
    let bench = Bench::sample();
    bench.mock.set_faults(Faults { attachment_urls_change: true, attachment_url_seconds: 100, ..Faults::default() });
    let url = || {
        let path = format!("/v0/{}/Marketing%20Assets?maxRecords=1&fields[]=Files", bench.mock.base_id());
        let page = bench.get(&path).json();
        page["records"][0]["fields"]["Files"][0]["thumbnails"]["small"]["url"].as_str().expect("a thumbnail").to_owned()
    };
    let (first, second) = (url(), url());
    assert_ne!(first, second);
    let fetch = |url: &str| bench.runtime.block_on(bench.client.get(url).send()).expect("an answer").status().as_u16();
    assert_eq!(fetch(&first), 200);
    bench.mock.advance_clock(101.0);
    assert_eq!(fetch(&first), 410);
    let fetched = bench.mock.requests().into_iter().filter(|request| request.endpoint == "attachment");
    assert_eq!(fetched.map(|request| request.authorized).collect::<Vec<_>>(), [false, false]);
}

#[test]
fn the_clock_is_the_servers() {
    let bench = Bench::with_items(0);
    bench.mock.set_clock("2031-05-06T07:08:09Z").expect("a time");
    let answer = bench.items("");
    assert!(answer.headers["date"].to_str().expect("text").starts_with("Tue, 06 May 2031 07:08:"));
    let created = bench.mock.create_records(&bench.mock.base_id(), "Items", &[json!({})]).expect("created");
    let record = bench.get(&format!("/v0/{}/Items/{}", bench.mock.base_id(), created[0])).json();
    let stamp = record["createdTime"].as_str().expect("a stamp");
    assert!(stamp.starts_with("2031-05-06T07:08:") && stamp.contains(".000Z"), "{stamp}");
    assert_eq!(record["fields"], json!({}));
}

#[test]
fn gzip_is_used_if_accepted_and_switched_on() {
    let bench = Bench::with_items(100);
    let encoding = || {
        let url = format!("{}/v0/{}/Items", bench.mock.url(), bench.mock.base_id());
        let client = reqwest::Client::builder().no_proxy().no_gzip().build().expect("a client");
        let request = client.get(url).bearer_auth(bench.mock.token()).header("accept-encoding", "gzip");
        let response = bench.runtime.block_on(request.send()).expect("an answer");
        response.headers().get("content-encoding").map(|value| value.to_str().expect("text").to_owned())
    };
    assert_eq!(encoding().as_deref(), Some("gzip"));
    assert_eq!(names(&bench.items("").json()).len(), 100, "and is undone by clients");
    bench.mock.set_faults(Faults { gzip: false, ..Faults::default() });
    assert_eq!(encoding(), None);
}

#[test]
fn generated_tables_are_the_same_each_time() {
    let bench = Bench::with_items(0);
    let base = bench.mock.base_id();
    for (name, kinds) in [("Mixed", Kinds::Mixed), ("Mixed again", Kinds::Mixed), ("Scalars", Kinds::Scalars)] {
        bench.mock.generate_table(&base, name, 500, &FieldSpec::mixture(kinds, 20), 7).expect("a table");
    }
    let fields = |name: &str| -> Vec<Value> {
        let records = bench.mock.records(&base, name).expect("the table");
        records.into_iter().map(|mut record| record["fields"].take()).collect()
    };
    let mixed = fields("Mixed");
    assert_eq!(mixed, fields("Mixed again"));
    let values = || mixed.iter().flat_map(|fields| fields.as_object().expect("fields").values());
    assert!(
        values().any(|value| value.get("error").is_some()) && values().any(|value| value.get("specialValue").is_some())
    );
    let scalars = fields("Scalars");
    assert!(
        scalars
            .iter()
            .flat_map(|fields| fields.as_object().expect("fields").values())
            .all(|value| !value.is_array() && !value.is_object())
    );
}

#[test]
fn payloads_split_get_lost_and_name_what_is_gone() {
    let bench = Bench::with_items(0);
    let base = bench.mock.base_id();
    let path = format!("/v0/bases/{base}/webhooks");
    let table = bench.mock.schema(&base).expect("the schema")["tables"][0]["id"].clone();
    let watch =
        json!({"specification": {"options": {"filters": {"dataTypes": ["tableData"], "recordChangeScope": table}}}});
    let hook = bench.request("POST", &path, Some(bench.mock.token()), Some(&watch)).expect("an answer").json();
    let payloads = |cursor: u64| {
        bench.get(&format!("{path}/{}/payloads?cursor={cursor}", hook["id"].as_str().expect("an id"))).json()
    };
    bench.mock.set_faults(Faults { records_per_payload: Some(3), ..Faults::default() });
    let rows: Vec<Value> = (0..8).map(|n| json!({"N": n})).collect();
    bench.mock.create_records(&base, "Items", &rows).expect("created");
    let split = payloads(1);
    let parts = split["payloads"].as_array().expect("payloads");
    assert_eq!((parts.len(), split["cursor"].as_u64()), (3, Some(4)));
    assert!(parts.iter().all(|part| part["baseTransactionNumber"] == parts[0]["baseTransactionNumber"]));
    bench.mock.set_faults(Faults { lose_payloads: true, ..Faults::default() });
    bench.mock.create_records(&base, "Items", &[json!({})]).expect("created");
    bench.mock.reset_faults();
    bench.mock.create_records(&base, "Items", &[json!({})]).expect("created");
    let gap = payloads(4);
    assert_eq!(
        (gap["payloads"].as_array().map(Vec::len), gap["cursor"].as_u64()),
        (Some(1), Some(6)),
        "4 is lost, 5 is there"
    );
    bench.mock.remove_table(&base, "Items").expect("removed");
    let broken = payloads(6);
    assert_eq!(broken["payloads"][0]["code"], "INVALID_FILTERS");
    assert_eq!(bench.get(&path).json()["webhooks"][0]["isHookEnabled"], false);
}

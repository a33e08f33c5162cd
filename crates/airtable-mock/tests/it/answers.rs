//! What answers carry besides their records: the clock's date, compression, attachments.

use airtable_mock::{Action, Faults, Rule};
use serde_json::json;

use super::client::{Bench, names};

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
fn files_have_their_size_and_may_be_given() {
    let bench = Bench::sample();
    let base = bench.mock.base_id();
    let files = || {
        let page = bench.get(&format!("/v0/{base}/Marketing%20Assets?maxRecords=1&fields[]=Files")).json();
        let record = page["records"][0]["id"].as_str().expect("an id").to_owned();
        (record, page["records"][0]["fields"]["Files"].as_array().expect("a cell").clone())
    };
    let fetch = |file: &serde_json::Value| {
        let answer = bench.client.get(file["url"].as_str().expect("an address")).send();
        let answer = bench.runtime.block_on(answer).expect("an answer");
        bench.runtime.block_on(answer.bytes()).expect("a body").to_vec()
    };
    let (record, before) = files();
    assert_eq!(fetch(&before[0]).len(), 90_000);
    let cell = (&base[..], "Marketing Assets", &record[..], "Files");
    let id = bench.mock.add_attachment(cell, "a/b.csv", b"one,two\n", None).expect("added");
    bench.mock.advance_clock(60.0);
    let (_, after) = files();
    assert_eq!((after.len(), &after[1]["id"]), (before.len() + 1, &json!(id)));
    assert_eq!(after[1]["size"], 8);
    assert_eq!((&after[1]["filename"], &after[1]["type"]), (&json!("a/b.csv"), &json!("text/csv")));
    assert_eq!(fetch(&after[1]), b"one,two\n");
    bench.mock.set_faults(Faults { attachment_bytes_off: -3, ..Faults::default() });
    assert_eq!(fetch(&after[1]), b"one,t");
    let slow = Rule::always(Action::Truncate { bytes: 2 }).path("/_mock/attachments/").times(1);
    bench.mock.set_faults(Faults { rules: vec![slow], ..Faults::default() });
    let answer = bench.client.get(after[1]["url"].as_str().expect("an address")).send();
    let answer = bench.runtime.block_on(answer).expect("an answer");
    assert!(bench.runtime.block_on(answer.bytes()).is_err(), "cut off");
    let refused = bench.mock.add_attachment((&base, "Marketing Assets", &record, "Asset"), "x", b"", None);
    assert!(refused.is_err());
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

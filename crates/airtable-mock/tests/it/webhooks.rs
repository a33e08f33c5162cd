//! Payloads of webhooks, whole, split and lost.

use airtable_mock::{ChangeSource, Faults, WebhookFailure};
use serde_json::{Value, json};

use super::client::Bench;

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

#[test]
fn a_webhook_that_fails_says_so_once_and_is_listed_as_enabled() {
    let bench = Bench::with_items(0);
    let base = bench.mock.base_id();
    let path = format!("/v0/bases/{base}/webhooks");
    let watch = json!({"specification": {"options": {"filters": {"dataTypes": ["tableData"]}}}});
    let hook = bench.request("POST", &path, Some(bench.mock.token()), Some(&watch)).expect("an answer").json();
    bench.mock.create_records(&base, "Items", &[json!({})]).expect("created");
    bench.mock.set_faults(Faults { fail_webhooks: Some(WebhookFailure::InternalError), ..Faults::default() });
    bench.mock.create_records(&base, "Items", &[json!({})]).expect("created");
    bench.mock.reset_faults();
    bench.mock.create_records(&base, "Items", &[json!({})]).expect("created");
    let told = bench.get(&format!("{path}/{}/payloads?cursor=1", hook["id"].as_str().expect("an id"))).json();
    assert_eq!(told["payloads"].as_array().map(Vec::len), Some(2));
    assert_eq!((&told["payloads"][1]["error"], &told["payloads"][1]["code"]), (&json!(true), &json!("INTERNAL_ERROR")));
    let listed = &bench.get(&path).json()["webhooks"][0];
    assert_eq!((&listed["isHookEnabled"], &listed["cursorForNextPayload"]), (&json!(true), &json!(3)));
}

#[test]
fn payloads_tell_by_which_way_a_change_came_and_what_cells_held() {
    let bench = Bench::with_items(1);
    let base = bench.mock.base_id();
    let path = format!("/v0/bases/{base}/webhooks");
    let watch = json!({"specification": {"options": {"filters": {"dataTypes": ["tableData"]},
        "includes": {"includePreviousCellValues": true}}}});
    let hook = bench.request("POST", &path, Some(bench.mock.token()), Some(&watch)).expect("an answer").json();
    let schema = bench.mock.schema(&base).expect("the schema");
    let (table, field) = (schema["tables"][0]["id"].clone(), schema["tables"][0]["fields"][0]["id"].clone());
    let id = bench.mock.records(&base, "Items").expect("records")[0]["id"].clone();
    let name = schema["tables"][0]["fields"][0]["name"].as_str().expect("a name").to_owned();
    let sources = [
        (None, "client", Some("user")),
        (Some(ChangeSource::FormSubmission), "formSubmission", Some("viewId")),
        (Some(ChangeSource::FormPageSubmission), "formPageSubmission", Some("pageId")),
        (Some(ChangeSource::Automation), "automation", Some("automationId")),
        (Some(ChangeSource::Sync), "sync", None),
        (Some(ChangeSource::System), "system", None),
        (Some(ChangeSource::AnonymousUser), "anonymousUser", None),
        (Some(ChangeSource::PublicApi), "publicApi", Some("user")),
    ];
    for (number, (change_source, _, _)) in sources.into_iter().enumerate() {
        bench.mock.set_faults(Faults { change_source, ..Faults::default() });
        let change = json!({"id": id, "fields": {name.as_str(): number + 100}});
        bench.mock.update_records(&base, "Items", &[change]).expect("edited");
    }
    let told = bench.get(&format!("{path}/{}/payloads", hook["id"].as_str().expect("an id"))).json();
    let mut before = Value::Null;
    for (payload, (_, source, metadata)) in told["payloads"].as_array().expect("payloads").iter().zip(sources) {
        let action = &payload["actionMetadata"];
        assert_eq!(action["source"], source);
        let keys = action["sourceMetadata"].as_object().map(|keys| keys.keys().cloned().collect::<Vec<_>>());
        assert_eq!(keys, metadata.map(|key| vec![key.to_owned()]), "{source}");
        let table = &payload["changedTablesById"][table.as_str().expect("an id")];
        let change = &table["changedRecordsById"][id.as_str().expect("an id")];
        let cell = |when: &str| change[when]["cellValuesByFieldId"][field.as_str().expect("an id")].clone();
        if !before.is_null() {
            assert_eq!(cell("previous"), before, "{source}");
        }
        before = cell("current");
    }
    assert_eq!(told["cursor"], 9);
}

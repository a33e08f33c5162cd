//! Plans and offsets as 0.1.0 wrote them: what is in a checkpoint once stays readable, to the letter.

use lakeflow_airtable::{AirtableConnector, LakeflowConnect, Options, Scan};
use serde_json::Value;

const STORED: &str = include_str!("stored/0.1.0.json");

#[test]
fn stored_plans_are_read_and_written_as_they_were() {
    let stored: Value = serde_json::from_str(STORED).expect("JSON");
    for (mode, texts) in stored.as_object().expect("an object") {
        for plan in texts["plans"].as_array().expect("a list") {
            let scan = Scan::from_json(&plan.to_string()).unwrap_or_else(|error| panic!("{mode}: {error}"));
            let written: Value = serde_json::from_str(&scan.to_json()).expect("JSON");
            assert_eq!(written, *plan, "{mode}");
        }
    }
}

#[test]
fn stored_offsets_are_read_and_written_as_they_were() {
    let stored: Value = serde_json::from_str(STORED).expect("JSON");
    for (mode, texts) in stored.as_object().expect("an object").iter().filter(|(mode, _)| *mode != "snapshot") {
        let kind = if mode == "deletes" { "cdc_with_deletes" } else { mode };
        let given = [("token", "patStored"), ("ingestion_type", kind), ("base_url", "http://127.0.0.1:9")];
        let options = Options::parse(given).expect("options");
        let connector = AirtableConnector::new(options.connection).expect("a connector");
        let plan = Scan::from_json(&texts["plans"][0].to_string()).expect("a plan");
        let stream = connector.stream(plan, &options.read).expect("a stream");
        let offsets = texts["offsets"].as_array().expect("a list");
        assert!(offsets.len() > 2, "{mode}");
        for text in offsets.iter().filter_map(Value::as_str) {
            let offset = stream.parse(text).unwrap_or_else(|error| panic!("{mode}: {error}"));
            assert_eq!(offset.to_json(), text, "{mode}");
        }
    }
}

//! A connector against a mock of its own, as the tests of this binary use it.

use airtable_mock::{Faults, Mock, MockConfig};
use arrow::array::{AsArray, RecordBatch};
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect, Options, Result};
use serde_json::{Value, json};

/// A mock, and options that lead to it.
pub(crate) struct Source {
    pub(crate) mock: Mock,
}

impl Source {
    /// With the sample bases.
    pub(crate) fn sample() -> Self {
        Self { mock: Mock::start(MockConfig::default()).expect("the mock starts") }
    }

    /// With one base that has one table `Items` of so many records.
    pub(crate) fn with_items(count: usize) -> Self {
        let config = MockConfig { sample: false, ..MockConfig::default() };
        let mock = Mock::start(config).expect("the mock starts");
        let base = json!({"name": "Stock", "tables": [{"name": "Items", "fields": [
            {"name": "Name", "type": "singleLineText"}, {"name": "N", "type": "number", "options": {"precision": 0}},
        ]}]});
        let base = mock.create_base(&base).expect("a base");
        let records: Vec<Value> = (0..count).map(|n| json!({"Name": format!("item {n}"), "N": n})).collect();
        mock.create_records(&base, "Items", &records).expect("records");
        mock.clear_requests();
        Self { mock }
    }

    pub(crate) fn faults(&self, faults: Value) -> &Self {
        let faults: Faults = serde_json::from_value(faults).expect("faults");
        self.mock.set_faults(faults);
        self
    }

    /// Options for the mock, with others over them.
    pub(crate) fn options(&self, more: &[(&str, &str)]) -> Options {
        let given = [
            ("token", self.mock.token().to_owned()),
            ("base_url", self.mock.url()),
            ("base_id", self.mock.base_id()),
            ("requests_per_second", "100000".to_owned()),
            ("tableName", "Items".to_owned()),
        ];
        let more = more.iter().map(|(key, value)| (*key, (*value).to_owned()));
        Options::parse(given.into_iter().chain(more)).expect("valid options")
    }

    pub(crate) fn connector(&self, more: &[(&str, &str)]) -> AirtableConnector {
        AirtableConnector::new(self.options(more).connection).expect("a connector")
    }

    /// Plans and reads a whole table.
    pub(crate) async fn read(&self, more: &[(&str, &str)]) -> Result<Vec<RecordBatch>> {
        let options = self.options(more);
        let connector = AirtableConnector::new(options.connection)?;
        let scan = connector.plan(&options.read).await?;
        let mut batches = connector.read(scan);
        let mut all = Vec::new();
        while let Some(batch) = batches.next().await {
            all.push(batch?);
        }
        Ok(all)
    }

    /// The ids that a read gives, in order.
    pub(crate) async fn ids(&self, more: &[(&str, &str)]) -> Vec<String> {
        strings(&self.read(more).await.expect("a whole read"), "id").into_iter().flatten().collect()
    }

    /// What a read fails with.
    pub(crate) async fn error(&self, more: &[(&str, &str)]) -> Error {
        self.read(more).await.expect_err("the read fails")
    }

    /// The ids that the mock holds.
    pub(crate) fn all_ids(&self) -> Vec<String> {
        let records = self.mock.records(&self.mock.base_id(), "Items").expect("the table");
        records.iter().map(|record| record["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// Requests for records since the last look.
    pub(crate) fn pages(&self) -> usize {
        let pages = self.mock.requests().iter().filter(|request| request.endpoint == "list_records").count();
        self.mock.clear_requests();
        pages
    }
}

/// A text column over all batches.
pub(crate) fn strings(batches: &[RecordBatch], column: &str) -> Vec<Option<String>> {
    let texts =
        batches.iter().flat_map(|batch| batch.column_by_name(column).expect("the column").as_string::<i32>().iter());
    texts.map(|text| text.map(str::to_owned)).collect()
}

/// How many rows there are.
pub(crate) fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

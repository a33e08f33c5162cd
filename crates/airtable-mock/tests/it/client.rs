//! A client of a mock of its own, as the tests of this binary use it.

use airtable_mock::{Mock, MockConfig};
use serde_json::{Value, json};

/// A mock with a blocking client.
pub(crate) struct Bench {
    pub(crate) mock: Mock,
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) client: reqwest::Client,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("the answer is JSON")
    }
}

impl Bench {
    pub(crate) fn new(config: MockConfig) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { mock: Mock::start(config).expect("the mock starts"), runtime, client }
    }

    pub(crate) fn sample() -> Self {
        Self::new(MockConfig::default())
    }

    /// One table `Items` with records numbered from 0.
    pub(crate) fn with_items(count: usize) -> Self {
        let bench = Self::new(MockConfig { sample: false, ..MockConfig::default() });
        let records: Vec<Value> =
            (0..count).map(|n| json!({"fields": {"Name": format!("item {n}"), "N": n}})).collect();
        let table = json!({"name": "Items", "records": records,
            "fields": [{"name": "Name"}, {"name": "N", "type": "number", "options": {"precision": 0}}]});
        bench.mock.create_base(&json!({"name": "B", "tables": [table]})).expect("a valid base");
        bench
    }

    pub(crate) fn request(
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

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, Some(self.mock.token()), None).expect("an answer")
    }

    pub(crate) fn items(&self, query: &str) -> Answer {
        self.get(&format!("/v0/{}/Items?{query}", self.mock.base_id()))
    }

    pub(crate) fn error_of(&self, path: &str) -> (u16, Value) {
        let answer = self.get(path);
        (answer.status, answer.json())
    }
}

pub(crate) fn names(page: &Value) -> Vec<String> {
    let records = page["records"].as_array().expect("a page has records");
    records.iter().map(|record| record["fields"]["Name"].as_str().unwrap_or_default().to_owned()).collect()
}

pub(crate) fn offset(page: &Value) -> String {
    page["offset"].as_str().expect("there is another page").replace('/', "%2F")
}

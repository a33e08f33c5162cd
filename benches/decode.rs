//! The decoder alone: bytes of ten pages of 100 records -> one record batch, without a socket.
//!
//! Beside it, over the same bytes, the floor (`serde_json` reading past everything) and what a tree of values costs before
//! any column is made of it. Throughput is shown in bytes and in records. The pages are what the mock sends for generated
//! tables: 20 fields of scalar types, and 25 of mixed ones with lists, objects, attachments and error cells.

use std::hint::black_box;

use airtable_mock::{FieldSpec, Kinds, Mock, MockConfig};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use lakeflow_airtable::decode::Decoder;
use lakeflow_airtable::{AirtableConnector, LakeflowConnect, Options, Scan};
use serde::de::IgnoredAny;
use serde_json::Value;

const PAGES: usize = 10;
const RECORDS: usize = 100 * PAGES;

/// A planned read and the bodies of its pages.
struct Table {
    scan: Scan,
    pages: Vec<Vec<u8>>,
}

impl Table {
    fn fetch(kinds: Kinds, fields: usize) -> Self {
        let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("a free port");
        let base = mock.create_base(&serde_json::json!({"name": "Bench", "tables": []})).expect("a new base");
        mock.generate_table(&base, "Bench", RECORDS, &FieldSpec::mixture(kinds, fields), 1).expect("a new table");
        let given = [("token", mock.token()), ("base_id", &base), ("base_url", &mock.url()), ("tableName", "Bench")];
        let options = Options::parse(given).expect("options of a loopback server");
        let connector = AirtableConnector::new(options.connection).expect("no certificates are needed");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let scan = runtime.block_on(connector.plan(&options.read)).expect("a plan");
        let pages = runtime.block_on(pages(&mock, &scan));
        Self { scan, pages }
    }

    fn bytes(&self) -> usize {
        self.pages.iter().map(Vec::len).sum()
    }

    /// As a reader does it. A decoder knows which records it has seen, so each run needs a new one.
    fn decode(&self, mut decoder: Decoder) -> usize {
        for page in &self.pages {
            decoder.page(page).expect("a page of the mock");
        }
        decoder.finish().expect("a batch").num_rows()
    }
}

/// The bodies as a reader's requests get them: fields by id, every page from the offset of the one before.
async fn pages(mock: &Mock, scan: &Scan) -> Vec<Vec<u8>> {
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client without TLS");
    let url = format!("{}/v0/{}/{}?returnFieldsByFieldId=true", mock.url(), scan.base_id, scan.table_id);
    let mut pages: Vec<Vec<u8>> = Vec::new();
    let mut offset = String::new();
    while pages.len() < PAGES {
        let answer = http.get(format!("{url}{offset}")).bearer_auth(mock.token()).send().await.expect("an answer");
        let body = answer.error_for_status().expect("a page").bytes().await.expect("a whole page").to_vec();
        let page: Value = serde_json::from_slice(&body).expect("JSON");
        offset = page["offset"].as_str().map(|offset| format!("&offset={offset}")).unwrap_or_default();
        pages.push(body);
    }
    pages
}

fn decode(criterion: &mut Criterion) {
    for (name, kinds, fields) in [("20 scalar fields", Kinds::Scalars, 20), ("25 mixed fields", Kinds::Mixed, 25)] {
        let table = Table::fetch(kinds, fields);
        assert_eq!(table.decode(Decoder::new(&table.scan)), RECORDS, "every record is a row");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::ElementsAndBytes { elements: RECORDS as u64, bytes: table.bytes() as u64 });
        group.bench_function("Decoder", |bencher| {
            bencher.iter_batched(|| Decoder::new(&table.scan), |decoder| table.decode(decoder), BatchSize::SmallInput);
        });
        group.bench_function("IgnoredAny", |bencher| {
            bencher.iter(|| {
                for page in &table.pages {
                    black_box(serde_json::from_slice::<IgnoredAny>(page).expect("JSON"));
                }
            });
        });
        group.bench_function("Value", |bencher| {
            bencher.iter(|| {
                for page in &table.pages {
                    black_box(serde_json::from_slice::<Value>(page).expect("JSON"));
                }
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).configure_from_args();
    targets = decode
}
criterion_main!(benches);

use std::pin::Pin;

use serde_json::json;

use super::*;
use crate::decode::Decoder;
use crate::decode::tests::scan;
use crate::options::Options;
use crate::scan::LinkedTable;

fn refine(scan: &Scan) -> Refine {
    let connection = Options::parse([("token", "patX"), ("base_url", "http://127.0.0.1:9")]).expect("valid").connection;
    let client = Arc::new(Client::new(connection).expect("a client"));
    Refine::new(&client, scan, Box::new(NoNames), &Tally::unread(), &Arc::default()).expect("plain http")
}

struct NoNames;

impl NameSource for NoNames {
    fn names<'s>(&'s self, _: &'s LinkedTable) -> Pin<Box<dyn Future<Output = Result<Arc<Names>>> + Send + 's>> {
        unreachable!("the plan has no links")
    }
}

#[tokio::test]
async fn hidden_columns_are_read_and_not_given() {
    let mut scan = scan(&[]);
    let plain = scan.schema();
    let place = scan.columns.iter().position(|column| matches!(column.source, Source::Field(_)));
    let hidden = scan.columns.remove(place.expect("a field"));
    scan.hidden.push(hidden.clone());
    let field_id = hidden.field_id().expect("a field");
    assert!(scan.field_ids().contains(&field_id));
    let mut decoder = Decoder::new(&scan.decoded());
    let record = json!({"id": "rec00000000000001", "createdTime": "2024-05-01T12:00:00.000Z", "fields": {}});
    decoder.page(json!({"records": [record]}).to_string().as_bytes()).expect("a page");
    let batch = decoder.finish().expect("a batch");
    assert_eq!(batch.num_columns(), plain.fields().len());
    let given = refine(&scan).batch(batch).await.expect("a batch");
    assert_eq!(given.schema(), scan.schema());
    assert_eq!((given.num_rows(), given.num_columns()), (1, plain.fields().len() - 1));
}

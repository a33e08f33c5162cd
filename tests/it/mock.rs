//! The mock Airtable over real sockets.
use lakeflow_airtable::mock::{Mock, MockConfig};
#[test]
fn start_time() {
    for _ in 0..3 {
    let t = std::time::Instant::now();
    let m = Mock::start(MockConfig::default()).unwrap();
    println!("start {:?} {}", t.elapsed(), m.url());
    for table in ["Vendors", "SKU Candidates"] { println!("{}", serde_json::to_string_pretty(&m.records(&m.base_id(), table).unwrap()[3]).unwrap()); }
    let t = std::time::Instant::now();
    drop(m);
    println!("stop {:?}", t.elapsed());
    }
}

//! How fast the mock serves: it must not be what the other benchmarks measure.
//!
//! `cargo bench -p airtable-mock --bench serving`, with `MOCK_RECORDS` for another size than 100,000.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use airtable_mock::{Faults, FieldSpec, Kinds, Mock, MockConfig};

/// A client that costs next to nothing: one connection, the same page over and over.
fn pages(address: &str, request: &str, until: Instant) -> (u64, u64) {
    let mut stream = TcpStream::connect(address).expect("the mock listens");
    stream.set_nodelay(true).expect("a socket option");
    let mut buffer = vec![0; 1 << 20];
    let (mut pages, mut bytes) = (0, 0);
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).expect("sent");
        let mut have = stream.read(&mut buffer).expect("an answer");
        let head = loop {
            if let Some(end) = buffer[..have].windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            have += stream.read(&mut buffer[have..]).expect("the rest of the head");
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
        let total = head + length.expect("a length");
        while have < total {
            have += stream.read(&mut buffer[have..]).expect("the rest of the body");
        }
        assert!(text.starts_with("http/1.1 200"), "{text}");
        (pages, bytes) = (pages + 1, bytes + total as u64);
    }
    (pages, bytes)
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn main() {
    // `cargo test --all-targets` builds and starts benchmarks too, without this flag.
    if std::env::args().any(|argument| argument == "--bench") {
        pages_per_second();
    }
}

fn pages_per_second() {
    let records = std::env::var("MOCK_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let config =
        MockConfig { sample: false, faults: Faults { gzip: false, ..Faults::default() }, ..MockConfig::default() };
    let mock = Mock::start(config).expect("the mock starts");
    mock.create_base(&serde_json::json!({"name": "B", "tables": []})).expect("a base");
    for kinds in [Kinds::Scalars, Kinds::Mixed] {
        let (started, before) = (Instant::now(), resident_mb());
        let name = format!("{kinds:?}");
        mock.generate_table(&mock.base_id(), &name, records, &FieldSpec::mixture(kinds, 20), 1).expect("a table");
        println!("{name}: {records} records in {:?}, {} MB", started.elapsed(), resident_mb().saturating_sub(before));
        let address = mock.url().trim_start_matches("http://").to_owned();
        let head = format!(
            "GET /v0/{}/{name} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n",
            mock.base_id(),
            mock.token()
        );
        for clients in [1, 2, 4] {
            let until = Instant::now() + Duration::from_secs(3);
            let totals = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..clients).map(|_| scope.spawn(|| pages(&address, &head, until))).collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("a client"))
                    .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
            });
            println!(
                "{name}, {clients} clients: {} pages/s, {} KB a page",
                totals.0 / 3,
                totals.1 / totals.0.max(1) / 1024
            );
        }
    }
}

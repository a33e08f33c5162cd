//! When requests arrive at the service: never six in a second, whatever is between it and the reader.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

#[allow(dead_code, reason = "other tests use the rest")]
mod source;

use source::Source;

/// Takes connections at once, and has one to the service some time later: what opening one over a long way costs.
async fn slow_to_open(service: String, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let mut service = TcpStream::connect(service).await.expect("the mock");
                // Either end may close first.
                _ = copy_bidirectional(&mut client, &mut service).await;
            });
        }
    });
    url
}

/// A table under Airtable's limit, behind what is slow to open, or not.
struct Limited {
    source: Source,
    options: Vec<(&'static str, String)>,
    told: String,
}

impl Limited {
    async fn new(records: usize, delay_ms: u64, per_second: &str, opening_ms: u64) -> Self {
        let source = Source::with_items(records);
        source.faults(json!({"delay_ms": delay_ms, "requests_per_second": 5, "penalty_seconds": 30}));
        let mut options = vec![("requests_per_second", per_second.to_owned()), ("page_size", "100".to_owned())];
        if opening_ms > 0 {
            let address = source.mock.url().replace("http://", "");
            let url = slow_to_open(address, Duration::from_millis(opening_ms)).await;
            options.push(("base_url", url));
        }
        let told = format!("answers of {delay_ms} ms, {per_second} a second, {opening_ms} ms to open");
        Self { source, options, told }
    }

    async fn read(&self) -> usize {
        let options: Vec<(&str, &str)> = self.options.iter().map(|(key, value)| (*key, value.as_str())).collect();
        self.source.ids(&options).await.len()
    }

    /// What was refused, if anything was.
    fn refused(&self, since: Instant, doing: &str) -> Option<String> {
        let requests = self.source.mock.requests();
        let refused = requests.iter().filter(|request| request.status == 429).count();
        let seconds = since.elapsed().as_secs_f64();
        println!("{doing}, {}: {refused} refused, {} in {seconds:.1} s", self.told, requests.len());
        (refused > 0).then(|| format!("{doing}, {}: {refused}", self.told))
    }
}

/// Latencies of a service, budgets, and times to open a connection.
fn cases() -> impl Iterator<Item = (u64, &'static str, u64)> {
    let each = |delay_ms| ["4.5", "5"].into_iter().flat_map(move |rate| [(delay_ms, rate, 0), (delay_ms, rate, 250)]);
    [200, 400, 800].into_iter().flat_map(each)
}

async fn none_refused(reads: tokio::task::JoinSet<Option<String>>) {
    let refused: Vec<String> = reads.join_all().await.into_iter().flatten().collect();
    assert_eq!(refused, Vec::<String>::new());
}

/// Each read begins with a connection of its own; of the pages after the first ones, some wait for a connection and some
/// do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_short_reads_side_by_side_no_six_requests_arrive_within_a_second() {
    let mut reads = tokio::task::JoinSet::new();
    for (n, (delay_ms, per_second, opening_ms)) in cases().enumerate() {
        let side_by_side = n % 6 + 1;
        reads.spawn(async move {
            let limited = Arc::new(Limited::new(400, delay_ms, per_second, opening_ms).await);
            let (began, mut all) = (Instant::now(), tokio::task::JoinSet::new());
            for _ in 0..side_by_side {
                let limited = limited.clone();
                all.spawn(async move {
                    while began.elapsed() < Duration::from_secs(10) {
                        assert_eq!(limited.read().await, 400);
                    }
                });
            }
            all.join_all().await;
            limited.refused(began, &format!("{side_by_side} side by side"))
        });
    }
    none_refused(reads).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_cursors_no_six_requests_arrive_within_a_second() {
    let records = std::env::var("ARRIVALS_RECORDS").map_or(9_000, |number| number.parse().expect("a number"));
    let mut reads = tokio::task::JoinSet::new();
    for (delay_ms, per_second, opening_ms) in cases() {
        reads.spawn(async move {
            let limited = Limited::new(records, delay_ms, per_second, opening_ms).await;
            let began = Instant::now();
            assert_eq!(limited.read().await, records);
            limited.refused(began, "several cursors")
        });
    }
    none_refused(reads).await;
}

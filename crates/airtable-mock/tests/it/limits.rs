//! The limit per second, and the monthly block.

use std::time::Duration;

use airtable_mock::Faults;
use serde_json::json;

use super::client::Bench;

#[test]
fn the_rate_limit_has_a_penalty() {
    let bench = Bench::with_items(1);
    bench.mock.set_faults(Faults {
        requests_per_second: Some(5),
        penalty_seconds: 0.3,
        rate_limit_retry_after: Some(1),
        ..Faults::default()
    });
    let statuses: Vec<u16> = (0..7).map(|_| bench.items("").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
    let refused = bench.items("");
    assert_eq!(
        refused.json(),
        json!({"errors": [{"error": "RATE_LIMIT_REACHED", "message": "Rate limit exceeded. Please try again later"}]})
    );
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(bench.get("/v0/meta/whoami").status, 200, "the limit is per base");
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(bench.items("").status, 200);
}

#[test]
fn the_monthly_block_stays() {
    let bench = Bench::with_items(1);
    bench.mock.set_faults(Faults { monthly_calls: Some(1), ..Faults::default() });
    assert_eq!(bench.items("").status, 200);
    for _ in 0..2 {
        let blocked = bench.items("");
        assert_eq!(
            (blocked.status, blocked.json()["errors"][0]["error"].as_str()),
            (429, Some("PUBLIC_API_BILLING_LIMIT_EXCEEDED"))
        );
    }
}

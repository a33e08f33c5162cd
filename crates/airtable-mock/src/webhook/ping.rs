//! Notifications: the signed request that says "there is something to read".
//!
//! They go to loopback addresses only; a mock that calls strangers' servers would be a hazard. As Airtable,
//! it tries again thirteen times, ten seconds later at first and then twice as long each time.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::clock::stamp;
use crate::data::base::Base;
use crate::data::webhook::{Ping, PingResult};

const MOST_RETRIES: u32 = 13;
const FIRST_WAIT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(25);

/// A notification, signed with the webhook's secret.
pub(super) fn ping(base: &str, webhook: &str, url: &str, secret: &[u8], now_ms: i64) -> Ping {
    let body = json!({"base": {"id": base}, "webhook": {"id": webhook}, "timestamp": stamp(now_ms)}).to_string();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    let tag = ring::hmac::sign(&key, body.as_bytes());
    let hex = hex(tag.as_ref());
    Ping { base: base.into(), webhook: webhook.into(), url: url.into(), body, mac: format!("hmac-sha256={hex}") }
}

/// Sends the notification until it is received or given up, telling of each attempt.
pub(crate) async fn send(ping: Ping, now_ms: impl Fn() -> i64, tell: impl Fn(PingResult)) {
    let mut wait = FIRST_WAIT;
    for retry in 0..=MOST_RETRIES {
        let started = Instant::now();
        let (outcome, hopeless) = if is_loopback(&ping.url) {
            (attempt(&ping).await, false)
        } else {
            (Err("the mock notifies loopback addresses only".to_owned()), true)
        };
        let will_be_retried = outcome.is_err() && !hopeless && retry < MOST_RETRIES;
        tell(PingResult {
            success: outcome.is_ok(),
            completed_ms: now_ms(),
            duration_ms: started.elapsed().as_secs_f64() * 1000.0,
            retry,
            message: outcome.err(),
            will_be_retried,
        });
        if !will_be_retried {
            return;
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
}

async fn attempt(ping: &Ping) -> Result<(), String> {
    // Building any client needs a TLS provider, though loopback needs no TLS. If one is installed
    // already, that one stays.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
    let request = client
        .post(&ping.url)
        .header("Content-Type", "application/json")
        .header("X-Airtable-Content-MAC", &ping.mac)
        .body(ping.body.clone());
    let status = request.send().await.map_err(|error| error.to_string())?.status().as_u16();
    if matches!(status, 200 | 204) { Ok(()) } else { Err(format!("notification endpoint answered {status}")) }
}

/// Takes note of how a notification went.
pub(crate) fn note(base: &mut Base, webhook: &str, result: PingResult) {
    let Some(webhook) = base.webhooks.iter_mut().find(|other| other.id == webhook) else {
        return;
    };
    if result.success {
        webhook.last_success_ms = Some(result.completed_ms);
    }
    webhook.notifying &= result.success || result.will_be_retried;
    webhook.last_result = Some(result);
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| {
        let address = host.trim_matches(['[', ']']);
        host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mac_is_of_the_body_by_the_secret() {
        let made = ping("app1", "ach1", "http://127.0.0.1:1/", b"secret", 0);
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
        let expected = ring::hmac::sign(&key, made.body.as_bytes());
        let hex = hex(expected.as_ref());
        assert_eq!(made.mac, format!("hmac-sha256={hex}"));
    }

    #[test]
    fn only_loopback_is_called() {
        for (url, ok) in [
            ("http://127.0.0.1:9/x", true),
            ("http://[::1]/", true),
            ("http://localhost:1", true),
            ("http://localhost.example.com", false),
            ("http://192.0.2.1/", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_loopback(url), ok, "{url}");
        }
    }
}

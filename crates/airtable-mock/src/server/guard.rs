//! Who is let in besides the token. Pure.
//!
//! A web page that a browser has open can point a name of its own at 127.0.0.1, and then ask this server as if it were
//! the page's own. It cannot choose what the browser says of it: the `Host` that it asked for, and the `Origin` that it
//! comes from.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};

/// What a request to the server's own endpoints is refused for. `is_known` is true of one with a valid token.
pub(super) fn control_refusal(
    uri: &Uri,
    headers: &HeaderMap,
    listening: IpAddr,
    is_known: bool,
) -> Option<&'static str> {
    // On a network the server may have any name; a token shows that its user sent the request.
    let may_be_named = is_known && !listening.is_loopback();
    if !may_be_named && !hosts(uri, headers).all(|host| is_local(host, listening)) {
        return Some("these endpoints are asked by the address that the mock shows, or from a network with its token");
    }
    let host = hosts(uri, headers).next().unwrap_or_default();
    let is_own = |origin: &str| {
        let origin_host = origin.strip_prefix("http://").unwrap_or_default();
        !host.is_empty() && origin_host.eq_ignore_ascii_case(host)
    };
    let mut origins = headers.get_all(ORIGIN).iter().map(|origin| origin.to_str().unwrap_or_default());
    (!origins.all(is_own)).then_some("these endpoints are not for web pages of another origin")
}

/// What a request to Airtable's endpoints is refused for. A token is no proof of anything here: the usual one is known.
pub(super) fn refusal(uri: &Uri, headers: &HeaderMap, listening: IpAddr) -> Option<&'static str> {
    // A client may take this server for Airtable itself, or call it by a name of its network's. No page can have such.
    let is_no_pages = |name: &str| name.ends_with(".airtable.com") || !(name.is_empty() || name.contains(['.', ':']));
    let is_fine = |host: &str| is_local(host, listening) || name_of(host).is_some_and(|name| is_no_pages(&name));
    let is_refused = listening.is_loopback() && !hosts(uri, headers).all(is_fine);
    is_refused.then_some("the mock listens on loopback: ask it by the address that it shows")
}

/// Every host that a request names. One of HTTP/1.0 may name none; no browser sends such.
fn hosts<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> impl Iterator<Item = &'r str> {
    let named = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or("?"));
    uri.authority().map(axum::http::uri::Authority::as_str).into_iter().chain(named)
}

/// An address that the server listens on, or a name that stands for this machine everywhere.
fn is_local(host: &str, listening: IpAddr) -> bool {
    let Some(name) = name_of(host) else { return false };
    match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        // A page can give an address no other meaning.
        Ok(address) => address.is_loopback() || address == listening || listening.is_unspecified(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

/// The host without its port and the dot at its end, in lower case.
fn name_of(host: &str) -> Option<String> {
    let (name, port) = match host.rsplit_once(':') {
        // Inside brackets there are colons, too.
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let is_plain = port.bytes().all(|b| b.is_ascii_digit()) && !name.contains(['@', '/', '\\', ' ', ',']);
    is_plain.then(|| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const ANY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        given.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    fn is_refused(given: &[(&'static str, &str)], listening: IpAddr, is_known: bool) -> (bool, bool) {
        let (uri, headers) = (Uri::from_static("/_mock/faults"), headers(given));
        (control_refusal(&uri, &headers, listening, is_known).is_some(), refusal(&uri, &headers, listening).is_some())
    }

    #[test]
    fn the_machine_itself_is_let_in() {
        for host in [
            "127.0.0.1:8080",
            "127.0.0.1",
            "localhost:8080",
            "LOCALHOST.",
            "a.localhost:1",
            "[::1]:8080",
            "127.9.9.9:1",
        ] {
            assert_eq!(is_refused(&[("host", host)], LOOPBACK, false), (false, false), "{host}");
        }
        assert_eq!(is_refused(&[], LOOPBACK, false), (false, false), "HTTP/1.0");
        assert_eq!(is_refused(&[("host", "192.168.0.9:80")], ANY, false), (false, false));
    }

    #[test]
    fn foreign_hosts_are_not() {
        for host in [
            "evil.example:8080",
            "evil.example",
            "127.0.0.1.evil.example:8080",
            "localhost.evil.example",
            "evil.localhost.example",
            "127.0.0.1@evil.example",
            "192.168.0.9:8080",
            "0.0.0.0:8080",
            "127.0.0.1:80:80",
            "",
            ":8080",
        ] {
            assert_eq!(is_refused(&[("host", host)], LOOPBACK, true), (true, true), "{host}");
        }
        assert_eq!(is_refused(&[("host", "127.0.0.1"), ("host", "evil.example")], LOOPBACK, true), (true, true));
        let absolute = "http://evil.example/_mock/faults".parse().expect("an address");
        assert!(control_refusal(&absolute, &headers(&[("host", "127.0.0.1")]), LOOPBACK, true).is_some());
    }

    #[test]
    fn on_a_network_a_name_needs_the_token() {
        assert_eq!(is_refused(&[("host", "mock:8080")], ANY, false), (true, false));
        assert_eq!(is_refused(&[("host", "mock:8080")], ANY, true), (false, false));
        for host in ["api.airtable.com", "mock:8080", "mock"] {
            assert_eq!(is_refused(&[("host", host)], LOOPBACK, true), (true, false), "{host}");
        }
    }

    #[test]
    fn pages_of_another_origin_are_not_let_in() {
        for (origin, expected) in [
            ("http://127.0.0.1:8080", false),
            ("http://127.0.0.1:3000", true),
            ("http://evil.example", true),
            ("https://127.0.0.1:8080", true),
            ("null", true),
            ("", true),
        ] {
            let given = [("host", "127.0.0.1:8080"), ("origin", origin)];
            assert_eq!(is_refused(&given, LOOPBACK, true), (expected, false), "{origin}");
        }
    }
}

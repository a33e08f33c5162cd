//! The address of the API, in one spelling whatever was written. Pure.
//!
//! Invariants: what a URL parser would guess at is refused, because the token goes to what it guesses; equal addresses are
//! equal texts, because processes share a budget by them; no message repeats what may be a secret. What no API answers at
//! is refused here, and not by the first request.

use reqwest::Url;

use crate::error::{Error, Result};
use crate::options::given::bad;
use crate::options::typed::is_loopback;
use crate::token::Token;

const EXPECTED: &str = "an address such as https://api.airtable.com";

/// Where people look at their bases. No API answers there.
const WEB_SITES: [&str; 2] = ["airtable.com", "www.airtable.com"];

/// Reads `base_url`: with or without scheme, trailing slashes or `/v0`.
pub(super) fn base_url(text: &str, token: &Token) -> Result<Url> {
    // Not quoted: what stands after such a mark may be a secret.
    if text.contains('@') {
        return refused("holds a user, query or fragment: it takes scheme, host and path only");
    }
    if is_page(text) {
        return refused(
            "is the address of Airtable's web site: it takes the API's address, https://api.airtable.com; the app... in a \
             page's address is option base_id",
        );
    }
    if text.contains(['?', '#']) {
        return refused("holds a user, query or fragment: it takes scheme, host and path only");
    }
    if token.is_in(text) || Token::is_likely_in(text) {
        return refused("holds what looks like a token: give that as option token, and leave base_url out");
    }
    if text.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
        return refused("holds a backslash or a space: write it with slashes, such as https://api.airtable.com");
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("https", text),
    };
    let is_half_a_scheme = ["http:", "https:"].iter().any(|half| starts_with(rest, half));
    if rest.starts_with('/') || is_half_a_scheme {
        return Err(bad("base_url", text, "two slashes after the scheme, such as https://api.airtable.com"));
    }
    let rest = rest.trim_end_matches('/');
    if let Some(expected) = misread(rest) {
        return Err(bad("base_url", text, expected));
    }
    let rest = without_version(rest).unwrap_or(rest);
    let none = || bad("base_url", text, EXPECTED);
    let mut url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| none())?;
    if let Some(host) = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned) {
        // The dot that ends a full name: the same host, but another text, and no certificate names it.
        url.set_host(Some(&host)).map_err(|_| none())?;
    }
    match url.scheme() {
        "https" if is_airtable(&url) && url.path() != "/" => {
            Err(bad("base_url", text, "no path but /v0 on Airtable's own host: https://api.airtable.com"))
        }
        "https" if url.host_str().is_some_and(is_name) => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(bad(
            "base_url",
            text,
            "https: plain http would show the token to the network, and is for loopback only",
        )),
        _ => Err(none()),
    }
}

/// The service itself, which grants 5 requests a second to a base.
pub(super) fn is_airtable(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host == "airtable.com" || host.ends_with(".airtable.com"))
}

/// A page of the web site, whatever follows.
fn is_page(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    WEB_SITES.iter().any(|site| host.trim_end_matches('.').eq_ignore_ascii_case(site))
}

/// What should stand there instead of host and path that are surely something else.
fn misread(rest: &str) -> Option<&'static str> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if rest.contains(['{', '}', '$', '<', '>']) {
        return Some("an address such as https://api.airtable.com, with every placeholder filled in");
    }
    if host.contains('%') {
        return Some("a host without percent-encoding, such as https://api.airtable.com");
    }
    let segments: Vec<&str> = path.split('/').collect();
    let is_version = |segment: &str| segment.eq_ignore_ascii_case("v0");
    let follows = |segment: &str| segment.eq_ignore_ascii_case("meta") || is_version(segment) || is_id(segment);
    if segments.windows(2).any(|two| is_version(two[0]) && follows(two[1])) {
        return Some("an address with one /v0, and nothing after it, such as https://api.airtable.com");
    }
    let is_base = host.starts_with("app") && is_word(host) && host.contains(|c: char| c.is_ascii_uppercase());
    (is_base || segments.iter().any(|segment| is_id(segment)))
        .then_some("the API's address, such as https://api.airtable.com: a base's id, app..., is option base_id")
}

/// The same without `/v0` at its end.
fn without_version(rest: &str) -> Option<&str> {
    let (rest, last) = rest.rsplit_once('/')?;
    last.eq_ignore_ascii_case("v0").then(|| rest.trim_end_matches('/'))
}

/// An id of Airtable's, as no part of another path is: three letters and fourteen more, of which some are capitals.
fn is_id(segment: &str) -> bool {
    let is_prefixed = ["app", "tbl", "viw", "rec"].iter().any(|prefix| segment.starts_with(prefix));
    is_prefixed && segment.len() == 17 && is_word(segment) && segment.contains(|c: char| c.is_ascii_uppercase())
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Not the empty name, and none with an empty part.
fn is_name(host: &str) -> bool {
    host.split('.').all(|part| !part.is_empty())
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn refused(why: &str) -> Result<Url> {
    Err(Error::Option(format!("option base_url {why}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Url> {
        base_url(text, &Token::new("patOfThisTest.0123").expect("a token"))
    }

    #[test]
    fn airtable_has_one_spelling() {
        for text in [
            "https://api.airtable.com",
            "https://api.airtable.com/",
            "https://api.airtable.com/v0",
            "https://api.airtable.com/v0/",
            "https://api.airtable.com//",
            "api.airtable.com",
            "api.airtable.com:443",
            "https://api.airtable.com:443/v0",
            "https://api.airtable.com.",
            "https://api.airtable.com.:443/",
            "api.airtable.com./v0",
            "HTTPS://API.Airtable.COM",
            "https://api.airtable.com/V0",
            "https://api\u{3002}airtable\u{3002}com",
            "https://\u{ff41}pi.airtable.com",
        ] {
            let url = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(url.as_str(), "https://api.airtable.com/", "{text}");
            assert!(is_airtable(&url), "{text}");
        }
        for (text, expected) in [
            ("https://api.airtable.com.", true),
            ("https://content.airtable.com:8443", true),
            ("https://notairtable.com", false),
            ("https://api.airtable.com.example.org", false),
            ("http://127.0.0.1:80", false),
        ] {
            assert_eq!(is_airtable(&read(text).expect("an address")), expected, "{text}");
        }
    }

    #[test]
    fn other_addresses_are_taken_as_written() {
        for (text, expected) in [
            ("localhost:8080", "https://localhost:8080/"),
            ("http://localhost.:8080", "http://localhost:8080/"),
            ("http://127.1/", "http://127.0.0.1/"),
            ("http://[::1]:9/v0", "http://[::1]:9/"),
            ("https://proxy.example.org/airtable/v0/", "https://proxy.example.org/airtable"),
            ("https://proxy.example.org/airtable/V0", "https://proxy.example.org/airtable"),
            ("https://proxy.example.org/v0/airtable", "https://proxy.example.org/v0/airtable"),
            ("https://appserverinternal/appProxy/v0", "https://appserverinternal/appProxy"),
            ("https://proxy.example.org/a%20b", "https://proxy.example.org/a%20b"),
            ("https://patagonia.example.org", "https://patagonia.example.org/"),
            ("https://keycloak-proxy:8443", "https://keycloak-proxy:8443/"),
            ("https.example.org", "https://https.example.org/"),
        ] {
            assert_eq!(read(text).unwrap_or_else(|error| panic!("{text}: {error}")).as_str(), expected, "{text}");
        }
    }

    #[test]
    fn what_would_have_to_be_guessed_is_refused() {
        for (text, hint) in [
            ("https:/api.airtable.com", "two slashes"),
            ("https:api.airtable.com", "two slashes"),
            ("HTTPS:/api.airtable.com", "two slashes"),
            ("http:/127.0.0.1:8080", "two slashes"),
            ("https:///api.airtable.com", "two slashes"),
            ("//api.airtable.com", "two slashes"),
            ("https://https://api.airtable.com", "two slashes"),
            ("https:\\\\api.airtable.com", "a backslash"),
            ("https://\\api.airtable.com", "a backslash"),
            ("https://api.air\ttable.com", "a space"),
            ("https://api.airtable.com..", "an address such as"),
            ("https://.", "an address such as"),
            ("https://", "an address such as"),
            ("https://api..airtable.com", "an address such as"),
            ("ftp://api.airtable.com", "an address such as"),
            ("https://api.airtable.com:99999", "an address such as"),
            ("http://api.airtable.com", "plain http"),
            ("http://localhost.example.org", "plain http"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.starts_with("option base_url ") && error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn what_no_api_answers_at_is_refused() {
        let (placeholder, encoded) = ("every placeholder filled in", "a host without percent-encoding");
        let (version, base) = ("one /v0, and nothing after it", "is option base_id");
        let (page, path) = ("is the address of Airtable's web site", "no path but /v0");
        for (text, hint) in [
            ("appXXXXXXXXXXXXXX", base),
            ("https://appMock1", base),
            ("https://proxy.example.org/appXXXXXXXXXXXXXX", base),
            ("https://{host}", placeholder),
            ("$AIRTABLE_URL", placeholder),
            ("https://${HOST}/v0", placeholder),
            ("https://<your-host>/v0", placeholder),
            ("https://%7Bhost%7D", encoded),
            ("%AIRTABLE_URL%", encoded),
            ("https://api.airtable.com%2eevil.com", encoded),
            ("https://api%2Eairtable%2Ecom", encoded),
            ("https://api.airtable.com/v0/v0", version),
            ("https://proxy.example.org/V0/v0/", version),
            ("https://api.airtable.com/v0/meta", version),
            ("https://proxy.example.org/x/V0/Meta/bases", version),
            ("https://api.airtable.com/v0/appXXXXXXXXXXXXXX/Vendors", version),
            ("https://api.airtable.com/meta", path),
            ("https://api.airtable.com/v1", path),
            ("https://airtable.com/appXXXXXXXXXXXXXX/tblXXXXXXXXXXXXXX", page),
            ("https://www.airtable.com/appXXXXXXXXXXXXXX?blocks=hide", page),
            ("Airtable.com", page),
            ("http://airtable.com./", page),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.starts_with("option base_url ") && error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        for text in [
            "patOfThisTest.0123",
            "https://patOfThisTest.0123",
            "https://api.airtable.com/patOfThisTest.0123/",
            "patABCDEFGHIJKLMN.0123456789abcdef",
            "https://patABCDEFGHIJKLMN.0123456789abcdef:99999/v0",
            "https:/patABCDEFGHIJKLMN.0123456789abcdef",
            "keyABCDEFGHIJKLMN",
            "patABCDEFGHIJKLMN.abcdefabcdef",
            "oaaABCDEFGHIJKLMN.v1.eyJ1c2VySWQiOiJ1.0123",
            "https://user:secretword@api.airtable.com",
            "https:\\\\user:secretword@api.airtable.com",
            "Bearer patABCDEFGHIJKLMN.0123456789abcdef",
            "https://api.airtable.com/?token=secretword",
            "https://api.airtable.com/patOfThis%54est%2E0123",
            "https://patABCDEFGHIJKLMN%2E0123456789abcdef",
            "eyJABCDEFhbGciOiJIUzI1.eyJzdWIiOiIxABCDEF.ABCDEFdXJl",
            "https://eyJABCDEFhbGciOiJIUzI1%2EeyJzdWIiOiIxABCDEF%2EABCDEFdXJl/v0",
            "https://oaaABCDEFGHIJKLMN.v1.abcdefgh/ijkl+mnop0123",
        ] {
            let error = read(text).expect_err(text).to_string();
            for part in ["OfThis", "ABCDEF", "secretword", "0123"] {
                assert!(!error.contains(part), "{text}: {error}");
            }
        }
    }
}

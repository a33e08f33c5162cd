//! Which proxy stands between here and an address, for messages: the variable that names it, its host and its port.
//!
//! Invariant: name and password of a proxy's user are not in it. reqwest asks the same matcher, so both agree on `NO_PROXY`
//! and on what a variable's value means. Pure but for the variables, which are an argument.

use std::fmt;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The proxy of one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    host: String,
    port: u16,
    /// None where the system's settings name it.
    variable: Option<&'static str>,
}

impl Proxy {
    /// The one that requests to an address go by, as this process's environment and the system's settings have it.
    pub(crate) fn of(address: &str) -> Option<Self> {
        Self::chosen(&Matcher::from_system(), address, |name| std::env::var(name).ok())
    }

    #[cfg(test)]
    pub(crate) fn named(host: &str, port: u16, variable: Option<&'static str>) -> Self {
        Self { host: host.to_owned(), port, variable }
    }

    fn chosen(matcher: &Matcher, address: &str, value_of: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let proxy = matcher.intercept(&address.parse().ok()?)?;
        let uri = proxy.uri();
        let port = uri.port_u16().unwrap_or(match uri.scheme_str() {
            Some("https") => 443,
            Some("http") => 80,
            _ => 1080,
        });
        // The variables of the address's own scheme go before those of all. Of two spellings the first that is set counts.
        let own =
            if address.starts_with("https:") { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
        let variable = [own, ["ALL_PROXY", "all_proxy"]].into_iter().find_map(|spellings| {
            let (name, value) = spellings.into_iter().find_map(|name| Some((name, value_of(name)?)))?;
            let named = Matcher::builder().all(value).build();
            let is_it = |named: Intercept| named.uri() == uri;
            named.intercept(&address.parse().ok()?).is_some_and(is_it).then_some(name)
        });
        Some(Self { host: uri.host()?.to_owned(), port, variable })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}, the proxy of {}", self.host, self.port, self.variable.unwrap_or("the system's settings"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy that these variables name, as hyper-util reads them.
    fn proxy(address: &str, variables: &[(&str, &str)]) -> Option<String> {
        let value_of = |name: &str| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
        let first = |names: [&str; 2]| names.into_iter().find_map(value_of).unwrap_or_default();
        let matcher = Matcher::builder()
            .https(first(["HTTPS_PROXY", "https_proxy"]))
            .http(first(["HTTP_PROXY", "http_proxy"]))
            .all(first(["ALL_PROXY", "all_proxy"]))
            .no(first(["NO_PROXY", "no_proxy"]))
            .build();
        Proxy::chosen(&matcher, address, value_of).map(|proxy| proxy.to_string())
    }

    #[test]
    fn a_proxy_is_named_by_its_variable_without_its_user() {
        const AIRTABLE: &str = "https://api.airtable.com/v0";
        for (variables, named) in [
            (&[("HTTPS_PROXY", "http://proxy.corp:3128")][..], Some("proxy.corp:3128, the proxy of HTTPS_PROXY")),
            (&[("https_proxy", "proxy.corp:3128")], Some("proxy.corp:3128, the proxy of https_proxy")),
            (&[("HTTPS_PROXY", "http://ann:s3cret@proxy.corp")], Some("proxy.corp:80, the proxy of HTTPS_PROXY")),
            (&[("ALL_PROXY", "socks5://proxy.corp")], Some("proxy.corp:1080, the proxy of ALL_PROXY")),
            (&[("all_proxy", "https://proxy.corp")], Some("proxy.corp:443, the proxy of all_proxy")),
            (
                &[("HTTPS_PROXY", "http://one:1"), ("https_proxy", "http://two:2"), ("ALL_PROXY", "http://all:3")],
                Some("one:1, the proxy of HTTPS_PROXY"),
            ),
            // One that is set and empty hides the other spelling.
            (
                &[("HTTPS_PROXY", ""), ("https_proxy", "http://two:2"), ("all_proxy", "http://all:3")],
                Some("all:3, the proxy of all_proxy"),
            ),
            (&[("HTTP_PROXY", "http://proxy.corp:3128")], None),
            (&[("HTTPS_PROXY", "http://proxy.corp:3128"), ("NO_PROXY", ".airtable.com")], None),
            (&[("HTTPS_PROXY", "http://proxy.corp:3128"), ("no_proxy", "*")], None),
            (&[], None),
        ] {
            assert_eq!(proxy(AIRTABLE, variables).as_deref(), named, "{variables:?}");
        }
        assert_eq!(
            proxy("http://gateway.example/airtable", &[("HTTP_PROXY", "http://proxy.corp:3128")]).as_deref(),
            Some("proxy.corp:3128, the proxy of HTTP_PROXY")
        );
    }

    #[test]
    fn what_no_variable_names_is_of_the_system() {
        let matcher = Matcher::builder().https("http://proxy.corp:3128").build();
        let named = Proxy::chosen(&matcher, "https://api.airtable.com", |_| None).map(|proxy| proxy.to_string());
        assert_eq!(named.as_deref(), Some("proxy.corp:3128, the proxy of the system's settings"));
    }
}

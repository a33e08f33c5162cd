//! The host of attachments' files, which is not the API: it knows no token, and asks for none.
//!
//! Invariants: no token, cookie or referer is sent; a redirect is followed within https only, or on this machine where the
//! API is on it, and never to the API; so many files come at once, and no more; a file's address, which opens it to whoever
//! has it, is in no message.

use std::fmt;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Response, Url};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::airtable::body::{innermost, text_of};
use crate::options::{Connection, is_loopback};

/// Files that come at once. Where answers take 0.1 s, 2,000 files took 57 s, 31 s, 16 s and 11 s with 4, 8, 16 and 32: from
/// here on twice as many no longer halve the time, and a host may count them.
pub(crate) const AT_ONCE: usize = 16;

/// Failing to connect is noticed long before a slow answer is given up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Redirects of one file.
const MOST_REDIRECTS: usize = 5;

/// A file that comes more slowly than this is given up. A modem is quicker.
const SLOWEST_BYTES_PER_SECOND: u64 = 4_096;

/// How often a file is asked for again that may come the next time.
const MOST_RETRIES: u32 = 3;

/// The wait before the first of these. It doubles with each.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// A host that asks for more patience than this is not waited for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Talks to the host.
#[derive(Debug)]
pub(crate) struct FileHost {
    http: reqwest::Client,
    at_once: Semaphore,
    rules: Rules,
    timeout: Duration,
    max_retries: u32,
}

/// A file that is coming.
#[derive(Debug)]
pub(crate) struct Incoming {
    response: Response,
    until: Instant,
}

/// Why a file does not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileFailure {
    /// What is answered when an address is too old, among other reasons.
    Status(u16),
    /// It would be the same the next time.
    Final(String),
    /// It may come the next time.
    Passing {
        /// What happened.
        what: String,
        /// How long the host wants to be left alone.
        retry_after: Option<Duration>,
    },
}

impl fmt::Display for FileFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the file host answers {status}"),
            Self::Final(what) | Self::Passing { what, .. } => f.write_str(what),
        }
    }
}

impl FileFailure {
    pub(crate) fn passing(what: impl Into<String>) -> Self {
        Self::Passing { what: what.into(), retry_after: None }
    }

    /// What an answer's status means that brings no file.
    fn of_status(status: u16, retry_after: Option<&str>) -> Self {
        let what = format!("the file host answers {status}");
        match status {
            401 | 403 | 404 | 410 => Self::Status(status),
            408 | 425 | 429 | 500 | 502..=504 | 507..=599 => {
                let seconds = retry_after.and_then(|text| text.trim().parse().ok());
                Self::Passing { what, retry_after: seconds.map(Duration::from_secs) }
            }
            _ => Self::Final(what),
        }
    }

    /// The wait before the file is asked for again, or none to give up. `random` is from 0 to 1.
    fn delay(&self, retries: u32, most: u32, random: f64) -> Option<Duration> {
        let Self::Passing { retry_after, .. } = self else { return None };
        let doubled = FIRST_DELAY.saturating_mul(1 << retries.min(16)).mul_f64(0.5 + random / 2.0);
        let wait = retry_after.unwrap_or_default();
        (retries < most && wait <= LONGEST_RETRY_AFTER).then(|| wait.max(doubled))
    }
}

/// Where files may be fetched.
#[derive(Debug, Clone)]
struct Rules {
    api: Url,
}

impl Rules {
    /// Why an address is not asked; none where it is.
    fn refusal(&self, url: &Url) -> Option<String> {
        let host = url.host_str().unwrap_or_default();
        let is_api = url.origin() == self.api.origin() && {
            let versioned = format!("{}/v0/", self.api.path().trim_end_matches('/'));
            url.path().starts_with(&versioned)
        };
        match url.scheme() {
            _ if is_api => Some("the address is one of the API, which holds no files".to_owned()),
            "https" => None,
            "http" if is_loopback(url) && is_loopback(&self.api) => None,
            "http" => Some(format!("the address is of plain http, at {host}: files are fetched by https only")),
            scheme => Some(format!("the address is of {scheme}: files are fetched by https only")),
        }
    }

    fn follow(&self, attempt: Attempt<'_>) -> reqwest::redirect::Action {
        if attempt.previous().len() > MOST_REDIRECTS {
            return attempt.error("it redirects without end");
        }
        match self.refusal(attempt.url()) {
            Some(why) => attempt.error(format!("it redirects: {why}")),
            None => attempt.follow(),
        }
    }
}

impl FileHost {
    /// Opens no connection.
    ///
    /// # Errors
    /// Where the machine has no certificates to check servers by.
    pub(crate) fn new(connection: &Connection) -> reqwest::Result<Self> {
        let rules = Rules { api: connection.base_url.clone() };
        let client = |has_certificates: bool| {
            let policy = rules.clone();
            let mut builder = reqwest::Client::builder()
                .user_agent(concat!("lakeflow-airtable/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::custom(move |attempt| policy.follow(attempt)))
                .referer(false)
                .no_gzip()
                .connect_timeout(CONNECT_TIMEOUT.min(connection.timeout))
                .read_timeout(connection.timeout)
                .pool_max_idle_per_host(AT_ONCE)
                .tcp_nodelay(true);
            if connection.is_loopback() {
                builder = builder.no_proxy();
            }
            if !has_certificates {
                builder = builder.tls_certs_only([]);
            }
            builder.build()
        };
        // Behind a gateway on this machine the files are Airtable's own. Beside a mock they need no certificates.
        let is_plain = connection.base_url.scheme() == "http";
        let http = client(true).or_else(|error| if is_plain { client(false) } else { Err(error) })?;
        Ok(Self {
            http,
            at_once: Semaphore::new(AT_ONCE),
            rules,
            timeout: connection.timeout,
            max_retries: MOST_RETRIES.min(connection.max_retries),
        })
    }

    /// Waits until one file more may come; it may until this is dropped.
    pub(crate) async fn turn(&self) -> SemaphorePermit<'_> {
        self.at_once.acquire().await.expect("nobody closes it")
    }

    /// Asks for a file of a size, as far as that is known. What it brings is still to be looked at.
    pub(crate) async fn open(&self, address: &str, size: Option<u64>) -> Result<Incoming, FileFailure> {
        let url = Url::parse(address).map_err(|_| FileFailure::Final("it has no address".to_owned()))?;
        if let Some(why) = self.rules.refusal(&url) {
            return Err(FileFailure::Final(why));
        }
        let until = Instant::now() + self.timeout + Duration::from_secs(size.unwrap_or(0) / SLOWEST_BYTES_PER_SECOND);
        let request = self.http.get(url).header(ACCEPT_ENCODING, "identity");
        let sent = tokio::time::timeout_at(until.min(Instant::now() + self.timeout), request.send()).await;
        let response = sent.map_err(|_| self.too_slow())?.map_err(|error| self.failure(&error))?;
        let status = response.status();
        if !status.is_success() {
            let retry_after = text_of(response.headers(), RETRY_AFTER);
            return Err(FileFailure::of_status(status.as_u16(), retry_after));
        }
        Ok(Incoming { response, until })
    }

    /// The next bytes of a file; none at its end.
    pub(crate) async fn chunk(&self, incoming: &mut Incoming) -> Result<Option<impl AsRef<[u8]> + use<>>, FileFailure> {
        let chunk = tokio::time::timeout_at(incoming.until, incoming.response.chunk()).await;
        chunk.map_err(|_| self.too_slow())?.map_err(|error| self.failure(&error))
    }

    /// Waits before a file is asked for again; false where it is given up.
    pub(crate) async fn wait_after(&self, failure: &FileFailure, retries: u32) -> bool {
        let Some(delay) = failure.delay(retries, self.max_retries, fastrand::f64()) else { return false };
        log::info!(
            "a file of an attachment: {failure}: retry {} of {} in {:.1} s",
            retries + 1,
            self.max_retries,
            delay.as_secs_f64()
        );
        tokio::time::sleep(delay).await;
        true
    }

    fn too_slow(&self) -> FileFailure {
        FileFailure::passing(format!("the file host did not send it within {:?}", self.timeout))
    }

    fn failure(&self, error: &reqwest::Error) -> FileFailure {
        let cause = innermost(error);
        if error.is_redirect() {
            return FileFailure::Final(cause);
        }
        if error.is_timeout() && !error.is_connect() {
            return self.too_slow();
        }
        let what = if error.is_connect() { "no connection to the file host" } else { "the connection broke" };
        FileFailure::passing(format!("{what}: {cause}"))
    }
}

impl Incoming {
    /// The bytes that are announced.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// A page for people, as proxies and signed-out sessions give it.
    pub(crate) fn is_html(&self) -> bool {
        text_of(self.response.headers(), CONTENT_TYPE).is_some_and(is_html)
    }
}

/// Types of media have no case.
fn is_html(kind: &str) -> bool {
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_html_are_known_by_their_type() {
        for (kind, expected) in [
            ("text/html", true),
            (" Text/HTML; charset=utf-8", true),
            ("text/html;charset=utf-8", true),
            ("text/htmlx", false),
            ("application/pdf", false),
            ("", false),
        ] {
            assert_eq!(is_html(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn files_are_fetched_by_https_or_on_this_machine() {
        let airtable = "https://api.airtable.com";
        let mock = "http://127.0.0.1:8000/mock";
        for (api, address, expected) in [
            (airtable, "https://v5.airtableusercontent.com/v3/u/1", None),
            (airtable, "https://api.airtable.com/v0/appX/tblY", Some("one of the API")),
            (airtable, "https://api.airtable.com:443/v0/appX", Some("one of the API")),
            (airtable, "http://v5.airtableusercontent.com/x", Some("plain http, at v5.airtableusercontent.com")),
            (airtable, "http://127.0.0.1/x", Some("plain http")),
            (airtable, "file:///etc/passwd", Some("the address is of file")),
            (airtable, "ftp://files.example.com/x", Some("the address is of ftp")),
            (mock, "http://127.0.0.1:8000/files/1", None),
            (mock, "http://localhost:9/x", None),
            (mock, "http://127.0.0.1:8000/mock/v0/appX", Some("one of the API")),
            (mock, "http://files.example.com/x", Some("plain http")),
            (mock, "https://files.example.com/x", None),
        ] {
            let rules = Rules { api: Url::parse(api).expect("an address") };
            let refusal = rules.refusal(&Url::parse(address).expect("an address"));
            match (&refusal, expected) {
                (None, None) => {}
                (Some(why), Some(expected)) => assert!(why.contains(expected), "{address}: {why}"),
                _ => panic!("{address}: {refusal:?}"),
            }
        }
    }

    #[test]
    fn what_may_pass_is_waited_for_and_a_dead_address_is_not() {
        let delay = |status, retry_after, retries| {
            FileFailure::of_status(status, retry_after).delay(retries, 3, 1.0).map(|delay| delay.as_millis())
        };
        for (status, retry_after, retries, expected) in [
            (429, None, 0, Some(500)),
            (429, Some("2"), 0, Some(2_000)),
            (429, Some("61"), 0, None),
            (503, None, 2, Some(2_000)),
            (503, None, 3, None),
            (500, Some("soon"), 1, Some(1_000)),
            (403, None, 0, None),
            (404, None, 0, None),
            (410, None, 0, None),
            (400, None, 0, None),
            (304, None, 0, None),
            (501, None, 0, None),
        ] {
            assert_eq!(delay(status, retry_after, retries), expected, "{status} {retry_after:?} after {retries}");
        }
        assert!(matches!(FileFailure::of_status(410, None), FileFailure::Status(410)));
        assert!(matches!(FileFailure::of_status(416, None), FileFailure::Final(_)));
    }
}

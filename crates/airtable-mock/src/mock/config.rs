//! How a mock is started, and why it refuses a call.

use std::fmt;
use std::net::SocketAddr;

use crate::error::ApiError;
use crate::fault::Faults;

/// How to start a [`Mock`](crate::Mock).
#[derive(Debug, Clone)]
pub struct MockConfig {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// A token that may do everything.
    pub token: String,
    /// Whether the two sample bases are there.
    pub sample: bool,
    /// The faults that [`Mock::reset_faults`](crate::Mock::reset_faults) goes back to.
    pub faults: Faults,
    /// The seed of all ids; the same seed gives the same ids.
    pub seed: u64,
}

impl Default for MockConfig {
    /// A free port of 127.0.0.1, the sample bases, no faults.
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: "patMockToken.0000".into(),
            sample: true,
            faults: Faults::default(),
            seed: 1,
        }
    }
}

/// Why the mock refused a call: what Airtable would have answered, or what there is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockError(String);

impl MockError {
    pub(crate) fn from_text(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for MockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MockError {}

impl From<ApiError> for MockError {
    fn from(error: ApiError) -> Self {
        Self(format!("{} {}", error.status, error.body()))
    }
}

/// The refusal of a name that nothing has.
pub(crate) fn missing(what: &str, name: &str) -> MockError {
    MockError(format!("the mock has no {what} \"{name}\""))
}

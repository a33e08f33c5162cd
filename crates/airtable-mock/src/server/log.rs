//! What was asked: a bounded list of requests, and counters per endpoint.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// One request as the server saw it.
#[derive(Debug, Clone, Serialize)]
pub struct LoggedRequest {
    /// For example `GET`.
    pub method: String,
    /// Percent-encoded, as it was sent, without the query.
    pub path: String,
    /// Percent-encoded, without `?`.
    pub query: String,
    /// The body; what is not UTF-8 in it is replaced.
    pub body: String,
    /// Server time of arrival, ISO 8601.
    pub time: String,
    /// Milliseconds of real time from arrival to answer.
    pub duration_ms: f64,
    /// The status of the answer; 0 if there was none.
    pub status: u16,
    /// Whether an `Authorization` header was sent. Its value is not kept.
    pub authorized: bool,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// For example `list_records`.
    pub endpoint: String,
}

/// How many requests are remembered; all are counted.
const MOST_KEPT: usize = 10_000;

/// The last requests, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    kept: VecDeque<LoggedRequest>,
    counts: BTreeMap<String, u64>,
}

impl RequestLog {
    pub(crate) fn push(&mut self, request: LoggedRequest) {
        match self.counts.get_mut(&request.endpoint) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(request.endpoint.clone(), 1);
            }
        }
        if self.kept.len() >= MOST_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(request);
    }

    pub(crate) fn requests(&self) -> Vec<LoggedRequest> {
        self.kept.iter().cloned().collect()
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.counts.clear();
    }
}

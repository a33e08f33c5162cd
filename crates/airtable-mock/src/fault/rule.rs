//! Rules: which answers are spoiled, and how.
//!
//! Rules are tried in order; the first that matches and has uses left is applied.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ApiError, Shape};

/// Which requests to spoil, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Leaves the first so many matching requests alone.
    #[serde(default)]
    pub after: u64,
    /// Spoils so many and no more; none spoils all.
    #[serde(default)]
    pub times: Option<u64>,
    /// Only requests whose path and query contain this text.
    #[serde(default)]
    pub path: Option<String>,
    /// What happens instead of, or to, the answer.
    pub action: Action,
}

impl Rule {
    /// A rule that applies an action to every request.
    pub fn always(action: Action) -> Self {
        Self { after: 0, times: None, path: None, action }
    }

    /// Limits the rule to the next `times` matching requests.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets the first `after` matching requests through.
    #[must_use]
    pub fn after(mut self, after: u64) -> Self {
        self.after = after;
        self
    }

    /// Limits the rule to requests whose path and query contain this text.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    pub(crate) fn matches(&self, target: &str) -> bool {
        self.path.as_ref().is_none_or(|wanted| target.contains(wanted))
    }
}

/// What goes wrong with one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// This answer and no other.
    Respond {
        /// The HTTP status.
        status: u16,
        /// Headers, over the usual ones.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// The body: a string is sent as it is, other JSON as JSON.
        #[serde(default)]
        body: Value,
    },
    /// An Airtable error of this status, type and message.
    Error {
        /// The HTTP status.
        status: u16,
        /// For example `INVALID_FILTER_BY_FORMULA`.
        kind: String,
        /// Left out of the body if empty.
        #[serde(default)]
        message: String,
    },
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404 as `{"error":"NOT_FOUND"}`, or as `{"error":{"type":"NOT_FOUND"}}`.
    NotFound {
        /// The bare string.
        #[serde(default)]
        bare: bool,
    },
    /// 429 with the rate limit's body.
    RateLimited {
        /// `Retry-After` seconds.
        #[serde(default)]
        retry_after: Option<u32>,
        /// The documented singular body.
        #[serde(default)]
        singular: bool,
    },
    /// 429 with the monthly block's body.
    MonthlyBlock,
    /// 503 `RETRIABLE_ERROR`.
    Retriable {
        /// `Retry-After` seconds.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// 502 with an HTML page.
    BadGateway,
    /// 422 `LIST_RECORDS_ITERATOR_NOT_AVAILABLE`.
    IteratorGone,
    /// 422 `INVALID_OFFSET_VALUE`.
    BadOffset,
    /// The right answer, cut off after so many bytes of the body.
    Truncate {
        /// Bytes that arrive.
        bytes: usize,
    },
    /// The connection is closed without an answer.
    Close,
    /// No answer ever.
    Stall,
    /// The right answer after a wait.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The right answer, a few bytes at a time.
    Slow {
        /// Bytes at a time.
        chunk: usize,
        /// Milliseconds between them.
        ms: u64,
    },
    /// 200 with a body that is no JSON.
    NotJson,
    /// 200 with JSON that is not UTF-8.
    InvalidUtf8,
    /// 200 with a JSON body of about this size.
    Gigantic {
        /// Size of the body.
        bytes: u64,
    },
    /// 200 with arrays nested so deep.
    Deep {
        /// Levels.
        depth: usize,
    },
    /// A redirect.
    Redirect {
        /// Where to, for example another host or port.
        location: String,
        /// The HTTP status, 302 by default.
        #[serde(default = "found")]
        status: u16,
    },
}

fn found() -> u16 {
    302
}

impl Action {
    /// The refusal that this action stands for, with its `Retry-After`.
    pub(crate) fn error(&self) -> Option<(ApiError, Option<u32>)> {
        let shape = |error: ApiError, singular: bool| {
            if singular { error.with_shape(Shape::Object) } else { error }
        };
        Some(match self {
            Self::Error { status, kind, message } => (ApiError::new(*status, kind, message), None),
            Self::Unauthorized => (ApiError::unauthenticated(), None),
            Self::Forbidden => (ApiError::forbidden(), None),
            Self::NotFound { bare: true } => (ApiError::no_route(), None),
            Self::NotFound { bare: false } => (ApiError::not_found(), None),
            Self::RateLimited { retry_after, singular } => (shape(ApiError::rate_limited(), *singular), *retry_after),
            Self::MonthlyBlock => (ApiError::monthly_block(), None),
            Self::Retriable { retry_after } => (ApiError::retriable(), *retry_after),
            Self::IteratorGone => (ApiError::iterator_gone(), None),
            Self::BadOffset => (ApiError::bad_offset("itrXXXXXXXXXXXXXX"), None),
            _ => return None,
        })
    }

    /// How long to wait before the right answer is given.
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self {
            Self::Delay { ms } => Some(Duration::from_millis(*ms)),
            _ => None,
        }
    }
}

/// A rule with its count of matching requests.
#[derive(Debug)]
struct Counted {
    rule: Rule,
    seen: u64,
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Counted>);

impl Rules {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        Self(rules.iter().map(|rule| Counted { rule: rule.clone(), seen: 0 }).collect())
    }

    /// The action for a request. Every matching rule counts it, the first due one acts.
    pub(crate) fn action(&mut self, target: &str) -> Option<Action> {
        let mut action = None;
        for counted in self.0.iter_mut().filter(|counted| counted.rule.matches(target)) {
            counted.seen += 1;
            let Rule { after, times, .. } = counted.rule;
            let due = counted.seen > after && times.is_none_or(|times| counted.seen <= after.saturating_add(times));
            if due && action.is_none() {
                action = Some(counted.rule.action.clone());
            }
        }
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_wait_act_and_stop() {
        let rule = Rule::always(Action::Stall).after(2).times(1).path("/Vendors");
        let mut rules = Rules::new(&[rule]);
        let acts: Vec<bool> = ["/Vendors", "/Other", "/Vendors", "/Vendors", "/Vendors"]
            .iter()
            .map(|path| rules.action(path).is_some())
            .collect();
        assert_eq!(acts, [false, false, false, true, false]);
    }
}

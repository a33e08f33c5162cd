//! What the mock does wrong, or differently, on purpose.
//!
//! [`Faults`] is plain data: serialisable, settable at run time from Rust, Python and by
//! `PUT /_mock/faults`. Its switches change how the server behaves as a whole; its [`Rule`]s replace or
//! spoil single answers. Rules are tried in order; the first that matches and has uses left is applied.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::base::Manners;
use crate::error::{ApiError, Shape};

/// How a missing record is reported; Airtable is seen to do all three.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingRecord {
    /// 404 `MODEL_ID_NOT_FOUND`.
    #[default]
    Model,
    /// 404 `{"error":{"type":"NOT_FOUND"}}`.
    Object,
    /// 404 `{"error":"NOT_FOUND"}`.
    Bare,
}

impl MissingRecord {
    pub(crate) fn error(self) -> ApiError {
        match self {
            Self::Model => ApiError::model_not_found("Record"),
            Self::Object => ApiError::not_found(),
            Self::Bare => ApiError::no_route(),
        }
    }
}

/// Switches and rules; [`Faults::default`] is a well-behaved server without rate limit.
///
/// ```
/// use airtable_mock::Faults;
/// let faults: Faults = serde_json::from_str(
///     r#"{"requests_per_second": 5, "rules": [{"times": 2, "action": {"retriable": {"retry_after": 1}}}]}"#,
/// )?;
/// assert_eq!(faults.penalty_seconds, 30.0);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
// Independent switches are what this is for.
#[allow(clippy::struct_excessive_bools)]
pub struct Faults {
    /// Requests per second and base before 429; none is no limit. Airtable's limit is 5.
    pub requests_per_second: Option<u32>,
    /// How long every request to the base is refused after exceeding the limit. Airtable's is 30.
    pub penalty_seconds: f64,
    /// The documented singular body of a 429 instead of the plural one seen on the wire.
    pub rate_limit_singular: bool,
    /// `Retry-After` seconds on a 429.
    pub rate_limit_retry_after: Option<u32>,
    /// API calls until the monthly block, which never ends.
    pub monthly_calls: Option<u64>,
    /// Waits before each answer.
    pub delay_ms: u64,
    /// Compresses answers if the client accepts gzip. On by default.
    pub gzip: bool,
    /// A listing is forgotten after this long without a request for its next page.
    pub iterator_seconds: Option<f64>,
    /// A listing is forgotten after this many pages.
    pub iterator_pages: Option<u32>,
    /// Records per page at most, whatever the client asks.
    pub page_size: Option<usize>,
    /// A listing ends with an empty page.
    pub empty_last_page: bool,
    /// After the last record come empty pages, each with an offset, for ever.
    pub endless_empty_pages: bool,
    /// Every page of a listing has the offset of the first.
    pub repeat_offset: bool,
    /// Each page begins with this many records of the page before.
    pub duplicates_per_page: usize,
    /// Records that no longer match the formula are left out of later pages.
    pub drop_unmatched: bool,
    /// How a missing record is reported.
    pub missing_record: MissingRecord,
    /// How long readers do not see a change.
    pub visibility_delay_ms: u64,
    /// Attachment URLs are different in every answer.
    pub attachment_urls_change: bool,
    /// How long attachment URLs work. Airtable's is two hours.
    pub attachment_url_seconds: u64,
    /// Stamps keep their milliseconds inside formulas, though they are shown without.
    pub hidden_milliseconds: bool,
    /// `lastModifiedTime` is empty until a record's first edit.
    pub blank_modified_until_edited: bool,
    /// Records in one webhook payload at most; larger transactions are split.
    pub records_per_payload: Option<usize>,
    /// New webhook payloads are lost, though their numbers are used up.
    pub lose_payloads: bool,
    /// Faults of single answers.
    pub rules: Vec<Rule>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            requests_per_second: None,
            penalty_seconds: 30.0,
            rate_limit_singular: false,
            rate_limit_retry_after: None,
            monthly_calls: None,
            delay_ms: 0,
            gzip: true,
            iterator_seconds: None,
            iterator_pages: None,
            page_size: None,
            empty_last_page: false,
            endless_empty_pages: false,
            repeat_offset: false,
            duplicates_per_page: 0,
            drop_unmatched: false,
            missing_record: MissingRecord::default(),
            visibility_delay_ms: 0,
            attachment_urls_change: false,
            attachment_url_seconds: 7200,
            hidden_milliseconds: false,
            blank_modified_until_edited: false,
            records_per_payload: None,
            lose_payloads: false,
            rules: Vec::new(),
        }
    }
}

impl Faults {
    pub(crate) fn manners(&self) -> Manners {
        Manners {
            whole_seconds: !self.hidden_milliseconds,
            blank_until_edited: self.blank_modified_until_edited,
            visibility_delay_ms: i64::try_from(self.visibility_delay_ms).unwrap_or(i64::MAX / 2),
            records_per_payload: self.records_per_payload.unwrap_or(usize::MAX).max(1),
            lose_payloads: self.lose_payloads,
        }
    }
}

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

    #[test]
    fn faults_survive_json() {
        let faults = Faults { rules: vec![Rule::always(Action::Truncate { bytes: 7 }).times(3)], ..Faults::default() };
        let json = serde_json::to_string(&faults).expect("faults are plain data");
        assert_eq!(serde_json::from_str::<Faults>(&json).expect("what was written is readable"), faults);
        assert!(serde_json::from_str::<Faults>(r#"{"gzipp": true}"#).is_err());
    }
}

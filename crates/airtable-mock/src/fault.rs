//! What the mock does wrong, or differently, on purpose.
//!
//! [`Faults`] is plain data: serialisable, settable at run time from Rust, Python and by
//! `PUT /_mock/faults`. Its switches change how the server behaves as a whole; its [`Rule`]s replace or
//! spoil single answers.

pub(crate) mod rule;

use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use rule::Rule;

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

/// What a webhook tells that has failed; the codes of Airtable's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookFailure {
    /// What it watches is gone.
    InvalidFilters,
    /// It cannot tell anything.
    InvalidHook,
    /// The service failed.
    InternalError,
}

impl WebhookFailure {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::InvalidFilters => "INVALID_FILTERS",
            Self::InvalidHook => "INVALID_HOOK",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }
}

/// The way by which a change comes in, as webhooks call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChangeSource {
    /// A person at the screen.
    Client,
    /// The Web API.
    PublicApi,
    /// Somebody who fills in a form of a view.
    FormSubmission,
    /// Somebody who fills in a form of an interface's page.
    FormPageSubmission,
    /// An automation.
    Automation,
    /// Airtable itself.
    System,
    /// A table that is synced from elsewhere.
    Sync,
    /// Somebody who is not signed in.
    AnonymousUser,
}

impl ChangeSource {
    /// As payloads call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::PublicApi => "publicApi",
            Self::FormSubmission => "formSubmission",
            Self::FormPageSubmission => "formPageSubmission",
            Self::Automation => "automation",
            Self::System => "system",
            Self::Sync => "sync",
            Self::AnonymousUser => "anonymousUser",
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
    /// Seconds for which every request to the base is refused after exceeding the limit. Airtable's are 30.
    pub penalty_seconds: f64,
    /// The documented singular body of a 429 instead of the plural one seen on the wire.
    pub rate_limit_singular: bool,
    /// `Retry-After` seconds on a 429.
    pub rate_limit_retry_after: Option<u32>,
    /// API calls until the monthly block, which never ends.
    pub monthly_calls: Option<u64>,
    /// Milliseconds to wait before each answer.
    pub delay_ms: u64,
    /// Compresses answers if the client accepts gzip. On by default.
    pub gzip: bool,
    /// Seconds without a request for its next page after which a listing is forgotten; none is never.
    pub iterator_seconds: Option<f64>,
    /// Pages after which a listing is forgotten; none is never.
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
    /// Milliseconds of the server's clock for which readers do not see a change.
    pub visibility_delay_ms: u64,
    /// Attachment URLs are different in every answer.
    pub attachment_urls_change: bool,
    /// Seconds of the server's clock for which attachment URLs work. Airtable's are 7,200, two hours.
    pub attachment_url_seconds: u64,
    /// Bytes that files of attachments have more than their cells tell; negative are fewer.
    pub attachment_bytes_off: i64,
    /// Stamps keep their milliseconds inside formulas, though they are shown without.
    pub hidden_milliseconds: bool,
    /// `lastModifiedTime` is empty until a record's first edit.
    pub blank_modified_until_edited: bool,
    /// `filterByFormula` takes ids of fields. One page of Airtable's documentation allows them, but users are refused.
    pub field_ids_in_formulas: bool,
    /// Records in one webhook payload at most; larger transactions are split.
    pub records_per_payload: Option<usize>,
    /// New webhook payloads are lost, though their numbers are used up.
    pub lose_payloads: bool,
    /// Webhooks fail at the next transaction that they hear of: they tell this, and nothing more for ever, though they are
    /// listed as enabled.
    pub fail_webhooks: Option<WebhookFailure>,
    /// The way by which all changes come in, whoever makes them; none is the real one.
    pub change_source: Option<ChangeSource>,
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
            attachment_bytes_off: 0,
            hidden_milliseconds: false,
            blank_modified_until_edited: false,
            field_ids_in_formulas: false,
            records_per_payload: None,
            lose_payloads: false,
            fail_webhooks: None,
            change_source: None,
            rules: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rule::Action;

    #[test]
    fn faults_survive_json() {
        let faults = Faults { rules: vec![Rule::always(Action::Truncate { bytes: 7 }).times(3)], ..Faults::default() };
        let json = serde_json::to_string(&faults).expect("faults are plain data");
        assert_eq!(serde_json::from_str::<Faults>(&json).expect("what was written is readable"), faults);
        assert!(serde_json::from_str::<Faults>(r#"{"gzipp": true}"#).is_err());
    }
}

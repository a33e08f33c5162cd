//! What tests may change about how a base behaves.

use crate::fault::{ChangeSource, Faults, WebhookFailure};

/// What tests may change about how a base behaves; copied from the faults whenever these are set.
#[derive(Debug, Clone, Copy, PartialEq)]
// Independent switches are what this is for.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Manners {
    /// Stamps are whole seconds throughout, not only where they are shown.
    pub(crate) whole_seconds: bool,
    /// `lastModifiedTime` is empty until the first edit.
    pub(crate) blank_until_edited: bool,
    /// How long readers do not see a change.
    pub(crate) visibility_delay_ms: i64,
    /// The most records in one webhook payload.
    pub(crate) records_per_payload: usize,
    /// Payloads are numbered but not kept.
    pub(crate) lose_payloads: bool,
    /// The code of webhooks that fail at their next transaction.
    pub(crate) fail_webhooks: Option<&'static str>,
    /// The way by which changes come in, in place of the real one.
    pub(crate) change_source: Option<ChangeSource>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            whole_seconds: true,
            blank_until_edited: false,
            visibility_delay_ms: 0,
            records_per_payload: usize::MAX,
            lose_payloads: false,
            fail_webhooks: None,
            change_source: None,
        }
    }
}

impl From<&Faults> for Manners {
    fn from(faults: &Faults) -> Self {
        Self {
            whole_seconds: !faults.hidden_milliseconds,
            blank_until_edited: faults.blank_modified_until_edited,
            visibility_delay_ms: i64::try_from(faults.visibility_delay_ms).unwrap_or(i64::MAX / 2),
            records_per_payload: faults.records_per_payload.unwrap_or(usize::MAX).max(1),
            lose_payloads: faults.lose_payloads,
            fail_webhooks: faults.fail_webhooks.map(WebhookFailure::code),
            change_source: faults.change_source,
        }
    }
}

//! A webhook, its payloads, and the notifications of it.

use std::collections::{HashSet, VecDeque};

use serde_json::{Value, json};

use super::id::RecordId;
use super::specification::Specification;
use crate::clock::stamp;

/// How long a webhook lives without being read or refreshed, and how long its payloads are kept.
pub(crate) const SEVEN_DAYS_MS: i64 = 7 * 24 * 3600 * 1000;

/// A webhook.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) secret: Vec<u8>,
    pub(crate) url: Option<String>,
    pub(crate) specification: Specification,
    /// The client's own words, for listings.
    pub(crate) given: Value,
    pub(crate) notifying: bool,
    /// In a permanent error state: what it watches is gone.
    pub(crate) broken: bool,
    /// It has failed: it is listed as enabled, and tells nothing more.
    pub(crate) failed: bool,
    pub(crate) expires_ms: i64,
    pub(crate) payloads: VecDeque<Payload>,
    pub(crate) next_number: u64,
    pub(crate) last_success_ms: Option<i64>,
    pub(crate) last_result: Option<PingResult>,
    /// The records last seen in the view that it watches.
    pub(crate) in_view: HashSet<RecordId>,
}

/// What a webhook tells of a transaction, or of a part of one.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) number: u64,
    pub(crate) ms: i64,
    pub(crate) json: Value,
}

impl Webhook {
    pub(crate) fn is_active(&self, now_ms: i64) -> bool {
        now_ms < self.expires_ms && !self.broken
    }

    /// Keeps a payload under the next number; a lost one uses its number up.
    pub(crate) fn keep(&mut self, ms: i64, json: Value, lost: bool) {
        self.payloads.retain(|payload| payload.ms + SEVEN_DAYS_MS > ms);
        if !lost {
            self.payloads.push_back(Payload { number: self.next_number, ms, json });
        }
        self.next_number += 1;
    }

    /// The entry of a listing.
    pub(crate) fn shown(&self, now_ms: i64) -> Value {
        json!({
            "id": self.id,
            "isHookEnabled": self.is_active(now_ms),
            "areNotificationsEnabled": self.notifying,
            "cursorForNextPayload": self.next_number,
            "notificationUrl": self.url,
            "expirationTime": stamp(self.expires_ms),
            "lastSuccessfulNotificationTime": self.last_success_ms.map(stamp),
            "lastNotificationResult": self.last_result.as_ref().map(PingResult::json),
            "specification": self.given,
        })
    }
}

/// A notification to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Ping {
    pub(crate) base: String,
    pub(crate) webhook: String,
    pub(crate) url: String,
    pub(crate) body: String,
    pub(crate) mac: String,
}

/// How one attempt went.
#[derive(Debug, Clone)]
pub(crate) struct PingResult {
    pub(crate) success: bool,
    pub(crate) completed_ms: i64,
    pub(crate) duration_ms: f64,
    pub(crate) retry: u32,
    pub(crate) message: Option<String>,
    pub(crate) will_be_retried: bool,
}

impl PingResult {
    pub(crate) fn json(&self) -> Value {
        let mut shown = json!({"success": self.success, "completionTimestamp": stamp(self.completed_ms),
            "durationMs": self.duration_ms, "retryNumber": self.retry});
        if let Some(message) = &self.message {
            shown["error"] = json!({"message": message});
            shown["willBeRetried"] = json!(self.will_be_retried);
        }
        shown
    }
}

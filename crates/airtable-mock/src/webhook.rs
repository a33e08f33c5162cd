//! Webhooks: change feeds of a base, with or without notifications.
//!
//! A webhook keeps payloads, numbered from 1 without a gap of its own making; clients read them by cursor.
//! It lives seven days from its creation, its last refresh or its last read, and its payloads seven days
//! from the change they tell of. All times are the server's clock.

mod cell;
mod payload;
mod ping;
mod specification;

use std::collections::{HashSet, VecDeque};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::change::{Transaction, source_metadata};
use crate::clock::stamp;
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::error::ApiError;
use payload::events;
pub(crate) use ping::{Ping, PingResult};
pub(crate) use specification::Specification;

const SEVEN_DAYS_MS: i64 = 7 * 24 * 3600 * 1000;
const MOST_WEBHOOKS: usize = 10;
const MOST_PAYLOADS: usize = 50;

#[derive(Debug, Clone)]
struct Payload {
    number: u64,
    ms: i64,
    json: Value,
}

/// A webhook.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    secret: Vec<u8>,
    url: Option<String>,
    specification: Specification,
    /// The client's own words, for listings.
    given: Value,
    notifying: bool,
    /// In a permanent error state: what it watches is gone.
    broken: bool,
    expires_ms: i64,
    payloads: VecDeque<Payload>,
    next_number: u64,
    last_success_ms: Option<i64>,
    last_result: Option<PingResult>,
    /// The records last seen in the view that it watches.
    in_view: HashSet<RecordId>,
}

impl Webhook {
    fn is_active(&self, now_ms: i64) -> bool {
        now_ms < self.expires_ms && !self.broken
    }

    fn keep(&mut self, ms: i64, json: Value, lost: bool) {
        self.payloads.retain(|payload| payload.ms + SEVEN_DAYS_MS > ms);
        if !lost {
            self.payloads.push_back(Payload { number: self.next_number, ms, json });
        }
        self.next_number += 1;
    }

    fn shown(&self, now_ms: i64) -> Value {
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

impl Base {
    /// Writes the payloads of a transaction, and rings where that is wanted.
    pub(crate) fn tell_webhooks(&mut self, tx: &Transaction) {
        let mut webhooks = std::mem::take(&mut self.webhooks);
        for webhook in webhooks.iter_mut().filter(|webhook| webhook.is_active(tx.now_ms)) {
            self.tell(webhook, tx);
        }
        self.webhooks = webhooks;
    }

    fn tell(&mut self, webhook: &mut Webhook, tx: &Transaction) {
        let envelope = |more: Value| {
            let mut metadata = json!({"source": tx.actor.source});
            if let Some(source) = source_metadata(self, &tx.actor) {
                metadata["sourceMetadata"] = source;
            }
            let mut payload = json!({"timestamp": stamp(tx.now_ms), "baseTransactionNumber": self.transaction,
                "payloadFormat": "v0", "actionMetadata": metadata});
            if let (Some(payload), Value::Object(more)) = (payload.as_object_mut(), more) {
                payload.extend(more);
            }
            payload
        };
        let mut parts = Vec::new();
        if webhook.specification.names_missing(self) {
            webhook.broken = true;
            parts.push(envelope(json!({"error": true, "code": "INVALID_FILTERS"})));
        } else {
            let events = events(self, &webhook.specification, &mut webhook.in_view, tx);
            parts.extend(events.chunks(self.manners.records_per_payload).map(|part| envelope(payload::assemble(part))));
        }
        if parts.is_empty() {
            return;
        }
        for part in parts {
            webhook.keep(tx.now_ms, part, self.manners.lose_payloads);
        }
        if let (Some(url), true) = (&webhook.url, webhook.notifying) {
            self.pings.push(Ping::new(&self.id, &webhook.id, url, &webhook.secret, tx.now_ms));
        }
    }

    /// # Errors
    /// 422 for a wrong specification or one webhook too many.
    pub(crate) fn create_webhook(&mut self, body: &Value, now_ms: i64) -> Result<Value, ApiError> {
        if self.webhooks.len() >= MOST_WEBHOOKS {
            return Err(ApiError::invalid("TOO_MANY_WEBHOOKS_IN_BASE", "A base can have 10 webhooks at most"));
        }
        let given = body.get("specification").ok_or_else(|| ApiError::missing_key("specification"))?;
        let specification = Specification::read(given)?;
        if specification.names_missing(self) {
            return Err(ApiError::invalid(
                "INVALID_FILTERS",
                "The specification names something that is not in the base",
            ));
        }
        let in_view = specification.records_in_view(self, now_ms).unwrap_or_default();
        let secret = self.ids.secret().to_vec();
        let encoded = base64::engine::general_purpose::STANDARD.encode(&secret);
        let webhook = Webhook {
            id: self.ids.fresh("ach"),
            secret,
            url: body.get("notificationUrl").and_then(Value::as_str).map(str::to_owned),
            specification,
            given: given.clone(),
            notifying: true,
            broken: false,
            expires_ms: now_ms + SEVEN_DAYS_MS,
            payloads: VecDeque::new(),
            next_number: 1,
            last_success_ms: None,
            last_result: None,
            in_view,
        };
        let shown = json!({"id": webhook.id, "macSecretBase64": encoded, "expirationTime": stamp(webhook.expires_ms)});
        self.webhooks.push(webhook);
        Ok(shown)
    }

    /// Webhooks that can still be read: expired ones stay for another seven days.
    pub(crate) fn list_webhooks(&mut self, now_ms: i64) -> Value {
        self.webhooks.retain(|webhook| now_ms < webhook.expires_ms + SEVEN_DAYS_MS);
        json!({"webhooks": self.webhooks.iter().map(|webhook| webhook.shown(now_ms)).collect::<Vec<_>>()})
    }

    fn webhook(&mut self, id: &str, now_ms: i64) -> Result<&mut Webhook, ApiError> {
        let readable = |webhook: &&mut Webhook| webhook.id == id && now_ms < webhook.expires_ms + SEVEN_DAYS_MS;
        self.webhooks.iter_mut().find(readable).ok_or_else(ApiError::not_found)
    }

    /// The client's own specification; null for an unknown webhook.
    pub(crate) fn webhook_specification(&self, id: &str) -> &Value {
        self.webhooks.iter().find(|webhook| webhook.id == id).map_or(&Value::Null, |webhook| &webhook.given)
    }

    /// # Errors
    /// 404 for an unknown webhook.
    pub(crate) fn delete_webhook(&mut self, id: &str, now_ms: i64) -> Result<(), ApiError> {
        self.webhook(id, now_ms)?;
        self.webhooks.retain(|webhook| webhook.id != id);
        Ok(())
    }

    /// # Errors
    /// 404 for an unknown webhook, 422 for one that is no longer active.
    pub(crate) fn refresh_webhook(&mut self, id: &str, now_ms: i64) -> Result<Value, ApiError> {
        let webhook = self.webhook(id, now_ms)?;
        if !webhook.is_active(now_ms) {
            return Err(ApiError::invalid(
                "INVALID_REQUEST_UNKNOWN",
                "The webhook is disabled or expired and cannot be refreshed",
            ));
        }
        webhook.expires_ms = now_ms + SEVEN_DAYS_MS;
        Ok(json!({"expirationTime": stamp(webhook.expires_ms)}))
    }

    /// Payloads from a cursor on; reading keeps an active webhook alive.
    ///
    /// # Errors
    /// 404 for an unknown webhook, 422 for a wrong cursor or limit.
    pub(crate) fn list_payloads(
        &mut self,
        id: &str,
        pairs: &[(String, String)],
        now_ms: i64,
    ) -> Result<Value, ApiError> {
        let number = |name: &str| -> Result<Option<u64>, ApiError> {
            let given = pairs.iter().find(|(key, value)| key == name && !value.is_empty());
            given.map(|(_, value)| value.parse().map_err(|_| ApiError::invalid_request())).transpose()
        };
        let cursor = number("cursor")?.unwrap_or(1);
        let limit = number("limit")?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MOST_PAYLOADS);
        if cursor < 1 || limit < 1 {
            return Err(ApiError::invalid_request());
        }
        let webhook = self.webhook(id, now_ms)?;
        webhook.payloads.retain(|payload| payload.ms + SEVEN_DAYS_MS > now_ms);
        let mut rest = webhook.payloads.iter().filter(|payload| payload.number >= cursor);
        let page: Vec<&Payload> = rest.by_ref().take(limit.min(MOST_PAYLOADS)).collect();
        let more = rest.next().is_some();
        let next = page.last().map_or(cursor, |payload| payload.number + 1);
        let payloads: Vec<Value> = page.into_iter().map(|payload| payload.json.clone()).collect();
        if webhook.is_active(now_ms) {
            webhook.expires_ms = now_ms + SEVEN_DAYS_MS;
        }
        Ok(json!({"payloads": payloads, "cursor": next, "mightHaveMore": more}))
    }

    /// Takes note of how a notification went.
    pub(crate) fn note_ping(&mut self, webhook: &str, result: PingResult) {
        let Some(webhook) = self.webhooks.iter_mut().find(|other| other.id == webhook) else {
            return;
        };
        if result.success {
            webhook.last_success_ms = Some(result.completed_ms);
        }
        webhook.notifying &= result.success || result.will_be_retried;
        webhook.last_result = Some(result);
    }
}

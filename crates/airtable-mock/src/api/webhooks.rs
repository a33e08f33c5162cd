//! Webhooks of a base: made, listed, refreshed, deleted, and their payloads read.

use std::collections::VecDeque;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::clock::stamp;
use crate::data::base::Base;
use crate::data::specification::Specification;
use crate::data::webhook::{Payload, SEVEN_DAYS_MS, Webhook};
use crate::error::ApiError;
use crate::webhook::scope::{names_missing, records_in_view};

const MOST_WEBHOOKS: usize = 10;
const MOST_PAYLOADS: usize = 50;

/// Makes a webhook.
///
/// # Errors
/// 422 for a wrong specification or one webhook too many.
pub(crate) fn create(base: &mut Base, body: &Value, now_ms: i64) -> Result<Value, ApiError> {
    if base.webhooks.len() >= MOST_WEBHOOKS {
        return Err(ApiError::invalid("TOO_MANY_WEBHOOKS_IN_BASE", "A base can have 10 webhooks at most"));
    }
    let given = body.get("specification").ok_or_else(|| ApiError::missing_key("specification"))?;
    let specification = Specification::read(given)?;
    if names_missing(base, &specification) {
        return Err(ApiError::invalid("INVALID_FILTERS", "The specification names something that is not in the base"));
    }
    let in_view = records_in_view(base, &specification, now_ms).unwrap_or_default();
    let secret = base.ids.secret().to_vec();
    let encoded = base64::engine::general_purpose::STANDARD.encode(&secret);
    let webhook = Webhook {
        id: base.ids.fresh("ach"),
        secret,
        url: body.get("notificationUrl").and_then(Value::as_str).map(str::to_owned),
        specification,
        given: given.clone(),
        notifying: true,
        broken: false,
        failed: false,
        expires_ms: now_ms + SEVEN_DAYS_MS,
        payloads: VecDeque::new(),
        next_number: 1,
        last_success_ms: None,
        last_result: None,
        in_view,
    };
    let shown = json!({"id": webhook.id, "macSecretBase64": encoded, "expirationTime": stamp(webhook.expires_ms)});
    base.webhooks.push(webhook);
    Ok(shown)
}

/// Webhooks that can still be read: expired ones stay for another seven days.
pub(crate) fn list(base: &mut Base, now_ms: i64) -> Value {
    base.webhooks.retain(|webhook| now_ms < webhook.expires_ms + SEVEN_DAYS_MS);
    json!({"webhooks": base.webhooks.iter().map(|webhook| webhook.shown(now_ms)).collect::<Vec<_>>()})
}

/// Deletes a webhook.
///
/// # Errors
/// 404 for an unknown webhook.
pub(crate) fn delete(base: &mut Base, id: &str, now_ms: i64) -> Result<(), ApiError> {
    webhook(base, id, now_ms)?;
    base.webhooks.retain(|webhook| webhook.id != id);
    Ok(())
}

/// Gives a webhook another seven days.
///
/// # Errors
/// 404 for an unknown webhook, 422 for one that is no longer active.
pub(crate) fn refresh(base: &mut Base, id: &str, now_ms: i64) -> Result<Value, ApiError> {
    let webhook = webhook(base, id, now_ms)?;
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
    base: &mut Base,
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
    let webhook = webhook(base, id, now_ms)?;
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

/// The client's own specification; null for an unknown webhook.
pub(crate) fn specification<'a>(base: &'a Base, id: &str) -> &'a Value {
    base.webhooks.iter().find(|webhook| webhook.id == id).map_or(&Value::Null, |webhook| &webhook.given)
}

fn webhook<'a>(base: &'a mut Base, id: &str, now_ms: i64) -> Result<&'a mut Webhook, ApiError> {
    let readable = |webhook: &&mut Webhook| webhook.id == id && now_ms < webhook.expires_ms + SEVEN_DAYS_MS;
    base.webhooks.iter_mut().find(readable).ok_or_else(ApiError::not_found)
}

//! A transaction told to the webhooks that want to hear of it.

use serde_json::{Value, json};

use super::payload::{assemble, events};
use super::ping::ping;
use super::scope::names_missing;
use crate::clock::stamp;
use crate::data::base::Base;
use crate::data::transaction::{Actor, Transaction};
use crate::data::webhook::Webhook;
use crate::fault::ChangeSource;

/// Writes the payloads of a transaction, and rings where that is wanted.
pub(crate) fn tell_webhooks(base: &mut Base, tx: &Transaction) {
    let mut webhooks = std::mem::take(&mut base.webhooks);
    for webhook in webhooks.iter_mut().filter(|webhook| webhook.is_active(tx.now_ms) && !webhook.failed) {
        tell(base, webhook, tx);
    }
    base.webhooks = webhooks;
}

fn tell(base: &mut Base, webhook: &mut Webhook, tx: &Transaction) {
    let envelope = |more: Value| {
        let source = tx.actor.source(&base.manners);
        let mut metadata = json!({"source": source.name()});
        if let Some(source) = source_metadata(base, source, &tx.actor) {
            metadata["sourceMetadata"] = source;
        }
        let mut payload = json!({"timestamp": stamp(tx.now_ms), "baseTransactionNumber": base.transaction,
            "payloadFormat": "v0", "actionMetadata": metadata});
        if let (Some(payload), Value::Object(more)) = (payload.as_object_mut(), more) {
            payload.extend(more);
        }
        payload
    };
    let mut parts = Vec::new();
    if names_missing(base, &webhook.specification) {
        webhook.broken = true;
        parts.push(envelope(json!({"error": true, "code": "INVALID_FILTERS"})));
    } else if let Some(code) = base.manners.fail_webhooks {
        webhook.failed = true;
        parts.push(envelope(json!({"error": true, "code": code})));
    } else {
        let events = events(base, &webhook.specification, &mut webhook.in_view, tx);
        parts.extend(events.chunks(base.manners.records_per_payload).map(|part| envelope(assemble(part))));
    }
    if parts.is_empty() {
        return;
    }
    for part in parts {
        webhook.keep(tx.now_ms, part, base.manners.lose_payloads);
    }
    if let (Some(url), true) = (&webhook.url, webhook.notifying) {
        base.pings.push(ping(&base.id, &webhook.id, url, &webhook.secret, tx.now_ms));
    }
}

/// `sourceMetadata` of a change: the user, the form or the automation; some ways have none.
fn source_metadata(base: &Base, source: ChangeSource, actor: &Actor) -> Option<Value> {
    match source {
        ChangeSource::Client | ChangeSource::PublicApi => {
            let mut user = base.person(actor.person)?.cell();
            user["permissionLevel"] = json!("create");
            Some(json!({"user": user}))
        }
        ChangeSource::FormSubmission => Some(json!({"viewId": "viwFormOfTheMock1"})),
        ChangeSource::FormPageSubmission => Some(json!({"pageId": "pbdPageOfTheMock1"})),
        ChangeSource::Automation => Some(json!({"automationId": "wflRunOfTheMock01"})),
        ChangeSource::System | ChangeSource::Sync | ChangeSource::AnonymousUser => None,
    }
}

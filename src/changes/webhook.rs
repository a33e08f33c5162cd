//! Which of a base's webhooks a stream polls: the one it is told, else one that tells enough, else a new one. Pure.
//!
//! Invariants: what is not known of a webhook's specification is taken to leave changes out. A webhook that cannot be read is
//! one that has ended: it takes a place of the base, and matters only to the stream that goes on with it.

use serde_json::Value;

use crate::changes::offset::FeedPosition;
use crate::changes::reread::lost_error;
use crate::error::{Error, Result, line};
use crate::id::is_id;
use crate::options::ReadOptions;
use crate::scan::Scan;
use crate::time::{Seconds, seconds, utc};

/// A webhook lives so long after it was made, or last read.
pub(super) const LIFE_SECONDS: Seconds = 7 * 86_400;

/// One that nothing happens to is read again so long after it was read.
const REFRESHED_AFTER_SECONDS: Seconds = 3_600;

/// What a change feed must tell of: cells, and the definitions behind them.
pub(super) const DATA_TYPES: [&str; 3] = ["tableData", "tableFields", "tableMetadata"];

const CHANGE_TYPES: [&str; 3] = ["add", "remove", "update"];

/// What a change feed is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Which records changed: one for all tables of a base serves all streams.
    Records,
    /// What became of each cell: one of the table's own, which tells what cells held before.
    Log,
}

impl Purpose {
    /// That of a plan's stream.
    pub(super) fn of(plan: &Scan) -> Self {
        if plan.is_log() { Self::Log } else { Self::Records }
    }
}

/// What of `includes` is known to add to payloads, and to leave nothing out.
const INCLUDES: [&str; 3] =
    ["includeCellValuesInFieldIds", "includePreviousCellValues", "includePreviousFieldDefinitions"];

/// A webhook, as far as it matters here.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    /// Empty where it has none that can be read: then nobody can mean it.
    pub(super) id: String,
    is_hook_enabled: bool,
    pub(super) cursor_for_next_payload: u64,
    notifies: bool,
    expiration_time: Option<String>,
    specification: Value,
    /// Why nothing else is known of it, where that is so.
    unreadable: Option<String>,
    /// What its newest payload says of a failure; none before somebody has looked.
    pub(super) failure: Option<String>,
}

impl Webhook {
    /// One that was created a moment ago.
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            is_hook_enabled: true,
            cursor_for_next_payload: 1,
            notifies: false,
            expiration_time: None,
            specification: Value::Null,
            unreadable: None,
            failure: None,
        }
    }

    /// One of a base's list. A null is a key that is left out.
    pub(super) fn read(listed: &Value) -> Self {
        let id = listed["id"].as_str().filter(|id| is_id(id));
        let (cursor, enabled) = (&listed["cursorForNextPayload"], &listed["isHookEnabled"]);
        let fault = |key: &str, value: &Value, wanted: &str| line(&format!("its {key} is {value}, and not {wanted}"));
        let unreadable = match (id, cursor.as_u64(), enabled) {
            (None, ..) => Some(fault("id", &listed["id"], "a text of letters and digits")),
            (_, None, _) => Some(fault("cursorForNextPayload", cursor, "the number of a payload")),
            (.., Value::Null | Value::Bool(_)) => None,
            _ => Some(fault("isHookEnabled", enabled, "true or false")),
        };
        Self {
            id: id.unwrap_or_default().to_owned(),
            is_hook_enabled: enabled.as_bool().unwrap_or(true),
            cursor_for_next_payload: cursor.as_u64().unwrap_or_default(),
            notifies: !listed["notificationUrl"].is_null(),
            expiration_time: listed["expirationTime"].as_str().map(str::to_owned),
            specification: listed["specification"].clone(),
            unreadable,
            failure: None,
        }
    }

    /// Why it cannot be read; none where it can.
    pub(super) fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// Why the webhook tells nothing more; none where it does.
    pub(super) fn end(&self, now: Seconds) -> Option<String> {
        if let Some(why) = &self.unreadable {
            return Some(format!("cannot be read: {why}"));
        }
        if self.expires().is_some_and(|expires| expires <= now) {
            return Some(format!("expired at {}", self.expiration_time.as_deref().unwrap_or_default()));
        }
        if let Some(code) = &self.failure {
            return Some(format!("failed: {code}"));
        }
        (!self.is_hook_enabled).then(|| "is disabled, because something that it watched was removed".to_owned())
    }

    /// Whether it has told something since a position of its own.
    pub(super) fn is_beyond(&self, last: &FeedPosition) -> bool {
        last.webhook_id == self.id && last.next < self.cursor_for_next_payload
    }

    /// When it expires, unless somebody reads it before.
    pub(super) fn expires(&self) -> Option<Seconds> {
        self.expiration_time.as_deref().and_then(seconds)
    }

    /// Whether somebody should read it, so that it does not expire.
    pub(super) fn is_due(&self, now: Seconds) -> bool {
        self.expires().is_some_and(|expires| expires - now < LIFE_SECONDS - REFRESHED_AFTER_SECONDS)
    }

    /// Takes note that somebody has read it, by which it lives on, unless it has ended.
    pub(super) fn was_read(&mut self, now: Seconds) {
        if self.end(now).is_none() && self.expiration_time.is_some() {
            self.expiration_time = Some(utc(now + LIFE_SECONDS));
        }
    }

    /// What it does not tell of a table; none where it tells everything.
    fn lack(&self, table_id: &str, purpose: Purpose) -> Option<String> {
        let filters = &self.specification["options"]["filters"];
        let holds = |list: &Value, wanted: &[&str]| wanted.iter().all(|word| has(list, word));
        if !holds(&filters["dataTypes"], &DATA_TYPES) {
            return Some(format!(
                "its dataTypes are {}, but {} are needed",
                filters["dataTypes"],
                DATA_TYPES.join(", ")
            ));
        }
        let scope = &filters["recordChangeScope"];
        if !scope.is_null() && scope != table_id {
            return Some(format!("its recordChangeScope is {scope}, but {table_id}, or none, is needed"));
        }
        if !filters["changeTypes"].is_null() && !holds(&filters["changeTypes"], &CHANGE_TYPES) {
            return Some(format!("its changeTypes are {}, but all are needed", filters["changeTypes"]));
        }
        if purpose == Purpose::Log && !self.tells_previous() {
            let told = &self.specification["options"]["includes"]["includePreviousCellValues"];
            return Some(format!("its includePreviousCellValues is {told}, but true is needed"));
        }
        self.narrowing().map(|key| format!("its {key} may leave changes out"))
    }

    fn tells_previous(&self) -> bool {
        self.specification["options"]["includes"]["includePreviousCellValues"] == true
    }

    /// Whether it is for a purpose as far as nobody names it. That of a log is left to logs, which it tells more than others
    /// need.
    fn is_for(&self, purpose: Purpose) -> bool {
        (purpose == Purpose::Log) == (self.is_of_table() && self.tells_previous())
    }

    /// What else there is in its specification that may leave changes out. Most of it has names that are not known here:
    /// Airtable adds some without notice.
    fn narrowing(&self) -> Option<String> {
        let options = &self.specification["options"];
        let known: [(&str, &Value, &[&str]); 4] = [
            ("", &self.specification, &["options"]),
            ("options.", options, &["filters", "includes"]),
            ("filter ", &options["filters"], &["dataTypes", "recordChangeScope", "changeTypes"]),
            ("includes.", &options["includes"], &INCLUDES),
        ];
        known.into_iter().find_map(|(of, value, known)| match value {
            Value::Null => None,
            Value::Object(keys) => {
                let unknown = |(key, value): &(&String, &Value)| !value.is_null() && !known.contains(&key.as_str());
                keys.iter().find(unknown).map(|(key, _)| format!("{of}{key}"))
            }
            _ => Some(of.trim_end_matches(['.', ' ']).to_owned()),
        })
    }

    /// Whether it tells of one table only.
    pub(super) fn is_of_table(&self) -> bool {
        !self.specification["options"]["filters"]["recordChangeScope"].is_null()
    }
}

fn has(list: &Value, word: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|item| item == word))
}

/// What is said of a webhook that the list does not have. One of those without an id may be it.
pub(super) fn absent(webhooks: &[Webhook], id: &str) -> String {
    match webhooks.iter().filter(|webhook| webhook.id.is_empty()).find_map(Webhook::unreadable) {
        None => format!("webhook {id} was deleted"),
        Some(why) => format!("webhook {id} is not in the list of webhooks, one of which cannot be read: {why}"),
    }
}

/// The webhook that the user names.
///
/// # Errors
/// [`Error::NotFound`] for none such; [`Error::Option`] for one that does not tell everything.
fn named<'w>(webhooks: &'w [Webhook], id: &str, table_id: &str, purpose: Purpose) -> Result<&'w Webhook> {
    let Some(found) = webhooks.iter().find(|webhook| webhook.id == id) else {
        let ids: Vec<&str> = webhooks.iter().map(|webhook| webhook.id.as_str()).filter(|id| !id.is_empty()).collect();
        let ids = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        return Err(Error::NotFound(format!(
            "option webhook_id is {id:?}: the base has no such webhook; it has {ids}: name one of them, or leave the option \
             out and one is found or created"
        ).into()));
    };
    // Of one that cannot be read it is not known.
    match found.lack(table_id, purpose).filter(|_| found.unreadable.is_none()) {
        Some(lack) => Err(Error::Option(format!(
            "option webhook_id is {id:?}: this webhook would miss changes: {lack}: name another, or leave the option out"
        ).into())),
        None => Ok(found),
    }
}

/// A webhook that serves: nobody is notified by it, and it tells everything. One for this table goes before one for all,
/// and an older one (by id) before others, so that every stream of a table finds the same.
pub(super) fn suitable<'w>(
    webhooks: &'w [Webhook],
    table_id: &str,
    purpose: Purpose,
    now: Seconds,
) -> Option<&'w Webhook> {
    let tells_all = |webhook: &Webhook| webhook.lack(table_id, purpose).is_none() && webhook.is_for(purpose);
    let serves = |webhook: &&Webhook| !webhook.notifies && webhook.end(now).is_none() && tells_all(webhook);
    webhooks.iter().filter(serves).min_by_key(|webhook| (!webhook.is_of_table(), webhook.id.clone()))
}

/// The webhook that the stream is told to use, or went on with last, or finds; none where one is to be made.
///
/// # Errors
/// [`Error::NotFound`] and [`Error::Option`] for a webhook that was named and does not serve; [`Error::Data`] for one
/// that has ended, unless a log has not read all that it told, or cannot be read.
pub(super) fn chosen<'w>(
    webhooks: &'w [Webhook],
    plan: &Scan,
    options: &ReadOptions,
    last: Option<&FeedPosition>,
    now: Seconds,
) -> Result<Option<&'w Webhook>> {
    let purpose = Purpose::of(plan);
    // What it told before its end is still there, and nothing else tells it: the end is found at the next question.
    let tells_log_more = |webhook: &Webhook| {
        purpose == Purpose::Log && webhook.unreadable.is_none() && last.is_some_and(|last| webhook.is_beyond(last))
    };
    if let Some(id) = &options.webhook_id {
        if let Some(last) = last.filter(|last| purpose == Purpose::Log && last.webhook_id != *id) {
            return Err(begun_by_another(plan, &last.webhook_id, id));
        }
        // What a log that goes on has missed is lost, whichever webhook is named next.
        let goes_on = purpose == Purpose::Log && last.is_some();
        if goes_on && !webhooks.iter().any(|webhook| webhook.id == *id) {
            return Err(lost_error(plan, &absent(webhooks, id)));
        }
        let webhook = named(webhooks, id, &plan.table_id, purpose)?;
        return match webhook.end(now).filter(|_| !tells_log_more(webhook)) {
            None => Ok(Some(webhook)),
            Some(end) if goes_on => {
                Err(lost_error(plan, &format!("webhook {id}, which option webhook_id names, {end}")))
            }
            Some(end) => Err(Error::Data(format!(
                "option webhook_id is {id:?}: this webhook {end}: name another, or leave the option out and one is found or \
                 created"
            ).into())),
        };
    }
    if let Some(last) = last {
        let known = webhooks.iter().find(|webhook| webhook.id == last.webhook_id);
        match known.map(|webhook| (webhook, webhook.end(now).filter(|_| !tells_log_more(webhook)))) {
            Some((webhook, None)) => return Ok(Some(webhook)),
            _ if options.reread_when_lost => {}
            Some((webhook, Some(end))) => return Err(lost_error(plan, &format!("webhook {} {end}", webhook.id))),
            None => return Err(lost_error(plan, &absent(webhooks, &last.webhook_id))),
        }
    }
    Ok(suitable(webhooks, &plan.table_id, purpose, now))
}

/// The error for a log that would go on by another webhook.
pub(super) fn begun_by_another(plan: &Scan, begun: &str, other: &str) -> Error {
    Error::Option(
        format!(
            "table {:?}: the log was begun by webhook {begun}, and would go on by webhook {other}, which tells the same \
             transactions under other numbers: set webhook_id to {begun}, or start with a new checkpoint",
            plan.table_name
        )
        .into(),
    )
    .of_option("webhook_id")
}

#[cfg(test)]
mod tests;

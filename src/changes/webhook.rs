//! Which of a base's webhooks a stream polls: the one it is told, else one that tells enough, else a new one.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::airtable::client::Client;
use crate::airtable::failure::{Failure, Purpose};
use crate::airtable::request::Request;
use crate::changes::offset::FeedPosition;
use crate::changes::payload_cursor::missing;
use crate::changes::payloads::Payloads;
use crate::changes::reread::{Lost, lost_error};
use crate::error::{Error, Result};
use crate::options::ReadOptions;
use crate::scan::Scan;
use crate::time::{Seconds, seconds};

/// A base holds so many webhooks. Airtable's page on webhooks.
const MOST_WEBHOOKS: usize = 10;

/// A webhook lives so long after it was made, or last read.
pub(super) const LIFE_SECONDS: Seconds = 7 * 86_400;

/// One that nothing happens to is read again so long after it was read.
const REFRESHED_AFTER_SECONDS: Seconds = 3_600;

/// How often a webhook is tried to be made.
const ATTEMPTS: u32 = 3;

/// What a change feed must tell of: cells, and the definitions behind them.
const DATA_TYPES: [&str; 3] = ["tableData", "tableFields", "tableMetadata"];

const CHANGE_TYPES: [&str; 3] = ["add", "remove", "update"];

/// `GET /v0/bases/{baseId}/webhooks`.
#[derive(Debug, Deserialize)]
struct List {
    webhooks: Vec<Webhook>,
}

/// A webhook, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Webhook {
    pub(super) id: String,
    #[serde(default = "yes")]
    is_hook_enabled: bool,
    pub(super) cursor_for_next_payload: u64,
    notification_url: Option<String>,
    expiration_time: Option<String>,
    #[serde(default)]
    specification: Value,
}

fn yes() -> bool {
    true
}

/// What a new webhook answers with. Its secret is for notifications, which are not wanted.
#[derive(Debug, Deserialize)]
struct NewWebhook {
    id: String,
}

/// The body that creates a webhook for all tables of a base: there are few places for webhooks, so one serves all streams.
fn creation() -> String {
    json!({"specification": {"options": {"filters": {"dataTypes": DATA_TYPES}}}}).to_string()
}

impl Webhook {
    /// One that was created a moment ago.
    fn new(id: String) -> Self {
        Self {
            id,
            is_hook_enabled: true,
            cursor_for_next_payload: 1,
            notification_url: None,
            expiration_time: None,
            specification: Value::Null,
        }
    }

    /// Why the webhook tells nothing more; none where it does.
    pub(super) fn end(&self, now: Seconds) -> Option<String> {
        if self.expires().is_some_and(|expires| expires <= now) {
            return Some(format!("expired at {}", self.expiration_time.as_deref().unwrap_or_default()));
        }
        (!self.is_hook_enabled).then(|| "is disabled, because something that it watched was removed".to_owned())
    }

    /// When it expires, unless somebody reads it before.
    pub(super) fn expires(&self) -> Option<Seconds> {
        self.expiration_time.as_deref().and_then(seconds)
    }

    /// What it does not tell of a table; none where it tells everything.
    fn lack(&self, table_id: &str) -> Option<String> {
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
        let narrowing = ["fromSources", "watchDataInFieldIds", "watchSchemasOfFieldIds", "sourceOptions"];
        let narrowing = narrowing.into_iter().find(|name| !filters[*name].is_null())?;
        Some(format!("its filter {narrowing} leaves changes out"))
    }

    fn is_of_table(&self) -> bool {
        !self.specification["options"]["filters"]["recordChangeScope"].is_null()
    }
}

fn has(list: &Value, word: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|item| item == word))
}

/// The webhook that the user names.
///
/// # Errors
/// [`Error::NotFound`] for none such; [`Error::Option`] for one that does not tell everything.
fn named<'w>(webhooks: &'w [Webhook], id: &str, table_id: &str) -> Result<&'w Webhook> {
    let Some(found) = webhooks.iter().find(|webhook| webhook.id == id) else {
        let ids: Vec<&str> = webhooks.iter().map(|webhook| webhook.id.as_str()).collect();
        let ids = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        return Err(Error::NotFound(format!(
            "option webhook_id is {id:?}: the base has no such webhook; it has {ids}: name one of them, or leave the option \
             out and one is found or created"
        )));
    };
    match found.lack(table_id) {
        Some(lack) => Err(Error::Option(format!(
            "option webhook_id is {id:?}: this webhook would miss changes: {lack}: name another, or leave the option out"
        ))),
        None => Ok(found),
    }
}

/// A webhook that serves: nobody is notified by it, and it tells everything. One for this table goes before one for all,
/// and an older one (by id) before others, so that every stream of a table finds the same.
fn suitable<'w>(webhooks: &'w [Webhook], table_id: &str, now: Seconds) -> Option<&'w Webhook> {
    let serves = |webhook: &&Webhook| {
        webhook.notification_url.is_none() && webhook.end(now).is_none() && webhook.lack(table_id).is_none()
    };
    webhooks.iter().filter(serves).min_by_key(|webhook| (!webhook.is_of_table(), webhook.id.clone()))
}

/// The webhook that the stream is told to use, or went on with last, or finds; none where one is to be made.
///
/// # Errors
/// [`Error::NotFound`] and [`Error::Option`] for a webhook that was named and does not serve; [`Error::Data`] for one
/// that has ended.
pub(super) fn chosen<'w>(
    webhooks: &'w [Webhook],
    plan: &Scan,
    options: &ReadOptions,
    last: Option<&FeedPosition>,
    now: Seconds,
) -> Result<Option<&'w Webhook>> {
    if let Some(id) = &options.webhook_id {
        let webhook = named(webhooks, id, &plan.table_id)?;
        return match webhook.end(now) {
            None => Ok(Some(webhook)),
            Some(end) => Err(Error::Data(format!(
                "option webhook_id is {id:?}: this webhook {end}: name another, or leave the option out and one is found or \
                 created"
            ))),
        };
    }
    if let Some(last) = last {
        let known = webhooks.iter().find(|webhook| webhook.id == last.webhook_id);
        match known.map(|webhook| (webhook, webhook.end(now))) {
            Some((webhook, None)) => return Ok(Some(webhook)),
            _ if options.reread_when_lost => {}
            Some((webhook, Some(end))) => return Err(lost_error(plan, &format!("webhook {} {end}", webhook.id))),
            None => return Err(lost_error(plan, &format!("webhook {} was deleted", last.webhook_id))),
        }
    }
    Ok(suitable(webhooks, &plan.table_id, now))
}

/// The webhooks of a base, as they are asked for, read and made.
pub(super) struct Webhooks<'s> {
    pub(super) client: &'s Client,
    pub(super) plan: &'s Scan,
}

impl Webhooks<'_> {
    pub(super) async fn list(&self) -> Result<Vec<Webhook>> {
        Ok(self.client.json::<List>(&self.request(Method::GET, &[])).await?.webhooks)
    }

    /// Some payloads from a number on. Reading them keeps the webhook alive.
    pub(super) async fn page(&self, webhook_id: &str, cursor: u64, limit: u64) -> Result<Result<Payloads, Lost>> {
        let request = Request {
            query: vec![("cursor", cursor.to_string()), ("limit", limit.to_string())],
            ..self.request(Method::GET, &[webhook_id, "payloads"])
        };
        match self.client.try_json(&request).await? {
            Ok(page) => Ok(Ok(page)),
            // A cursor whose payloads are gone may be refused rather than answered.
            Err(Failure::Status { status: 400 | 410 | 422, .. }) => Ok(Err(missing(webhook_id, cursor))),
            // What is missing may be said to be forbidden.
            Err(failure @ Failure::Status { status: 403 | 404, .. }) => {
                if self.list().await?.iter().any(|webhook| webhook.id == webhook_id) {
                    return Err(self.client.error(&request, &failure));
                }
                Ok(Err(Lost::Gone(format!("webhook {webhook_id} was deleted"))))
            }
            Err(failure) => Err(self.client.error(&request, &failure)),
        }
    }

    /// Reads a webhook that would expire for want of readers.
    pub(super) async fn keep_alive(&self, webhook: &Webhook, now: Seconds) -> Result<()> {
        if webhook.expires().is_some_and(|expires| expires - now < LIFE_SECONDS - REFRESHED_AFTER_SECONDS) {
            // Whatever it gives: asking is what counts.
            _ = self.page(&webhook.id, webhook.cursor_for_next_payload, 1).await?;
        }
        Ok(())
    }

    /// Makes a webhook, unless another stream has made one meanwhile: all streams of a pipeline start at once, and a base
    /// has few places.
    pub(super) async fn create(&self, now: Seconds) -> Result<Webhook> {
        let (base_id, table_id) = (&self.plan.base_id, &self.plan.table_id);
        let _alone = self.client.alone(base_id, "webhook").await;
        let webhooks = self.list().await?;
        if let Some(webhook) = suitable(&webhooks, table_id, now) {
            return Ok(webhook.clone());
        }
        if webhooks.len() >= MOST_WEBHOOKS {
            return Err(Error::Rejected(format!(
                "table {:?}: base {base_id} has {} webhooks, as many as a base holds, and none of them tells all changes of \
                 this table: delete one that nobody reads",
                self.plan.table_name,
                webhooks.len()
            )));
        }
        let creation =
            Request { purpose: Purpose::NewWebhook, body: Some(creation()), ..self.request(Method::POST, &[]) };
        let mut attempts = 0;
        let new: NewWebhook = loop {
            attempts += 1;
            let failure = match self.client.try_json(&creation).await? {
                Ok(new) => break new,
                Err(failure) => failure,
            };
            // It may have been made although the answer did not come; and the last place may have gone to a stream on
            // another machine.
            if let Some(made) = suitable(&self.list().await?, table_id, now) {
                return Ok(made.clone());
            }
            if attempts == ATTEMPTS || matches!(failure, Failure::Status { status: 400..=499, .. }) {
                return Err(self.client.error(&creation, &failure));
            }
        };
        log::info!("base {base_id}: created webhook {}, to be polled: it notifies nobody", new.id);
        Ok(Webhook::new(new.id))
    }

    fn request(&self, method: Method, path: &[&str]) -> Request {
        let base_id = &self.plan.base_id;
        let start = ["bases", base_id, "webhooks"].into_iter().chain(path.iter().copied());
        Request {
            purpose: Purpose::Webhooks,
            method,
            path: start.map(str::to_owned).collect(),
            query: Vec::new(),
            body: None,
            base_id: Some(base_id.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(id: &str, more: &Value) -> Webhook {
        let mut all = json!({"id": id, "isHookEnabled": true, "cursorForNextPayload": 5, "notificationUrl": null,
            "expirationTime": "1970-01-08T00:00:00.000Z",
            "specification": {"options": {"filters": {"dataTypes": DATA_TYPES}}}});
        for (key, value) in more.as_object().expect("an object") {
            match all["specification"]["options"]["filters"].as_object_mut() {
                Some(filters) if key.ends_with("Scope") || key.ends_with('s') => {
                    _ = filters.insert(key.clone(), value.clone());
                }
                _ => all[key] = value.clone(),
            }
        }
        serde_json::from_value(all).expect("a webhook")
    }

    #[test]
    fn webhooks_that_leave_changes_out_are_not_taken() {
        for (more, lacks) in [
            (json!({}), None),
            (json!({"recordChangeScope": "tblA"}), None),
            (json!({"changeTypes": ["update", "add", "remove"]}), None),
            (json!({"dataTypes": ["tableData"]}), Some("dataTypes")),
            (json!({"recordChangeScope": "tblB"}), Some("recordChangeScope")),
            (json!({"recordChangeScope": "viwA"}), Some("recordChangeScope")),
            (json!({"changeTypes": ["add", "update"]}), Some("changeTypes")),
            (json!({"fromSources": ["client"]}), Some("fromSources")),
            (json!({"watchDataInFieldIds": ["fldA"]}), Some("watchDataInFieldIds")),
        ] {
            let lack = webhook("achA", &more).lack("tblA");
            match lacks {
                None => assert_eq!(lack, None, "{more}"),
                Some(word) => assert!(lack.as_ref().is_some_and(|lack| lack.contains(word)), "{more}: {lack:?}"),
            }
        }
    }

    #[test]
    fn the_choice_is_the_same_for_all() {
        let all = [
            webhook("ach1", &json!({"notificationUrl": "https://example.com"})),
            webhook("ach2", &json!({"isHookEnabled": false})),
            webhook("ach4", &json!({})),
            webhook("ach3", &json!({})),
        ];
        assert_eq!(suitable(&all, "tblA", 0).map(|webhook| webhook.id.as_str()), Some("ach3"));
        assert!(suitable(&all, "tblA", 7 * 86_400).is_none(), "all have expired");
        let of_table = [all[3].clone(), webhook("ach9", &json!({"recordChangeScope": "tblA"}))];
        assert_eq!(suitable(&of_table, "tblA", 0).map(|webhook| webhook.id.as_str()), Some("ach9"));
        assert_eq!(named(&all, "ach1", "tblA").map(|webhook| webhook.id.as_str()), Ok("ach1"));
        let error = named(&all, "ach7", "tblA").expect_err("none such");
        assert!(error.to_string().contains("ach1, ach2, ach4, ach3"), "{error}");
    }

    #[test]
    fn the_webhook_is_that_of_the_option_or_of_the_last_offset_or_one_that_serves() {
        let all = [
            webhook("ach1", &json!({})),
            webhook("ach2", &json!({"isHookEnabled": false})),
            webhook("ach3", &json!({})),
        ];
        let last = |id: &str| FeedPosition { webhook_id: id.into(), next: 1, at: 0, after: None, unread: None };
        let reread = [("on_lost_feed", "reread"), ("state_location", "/state")];
        let choose = |options: &[(&str, &str)], last: Option<&FeedPosition>, webhooks: &[Webhook]| {
            let (plan, options) = planned(options);
            let chosen = chosen(webhooks, &plan, &options, last, 0);
            chosen.map(|webhook| webhook.map(|webhook| webhook.id.clone())).map_err(|error| error.to_string())
        };
        let named = |id| [("webhook_id", id)];
        assert_eq!(choose(&[], None, &all), Ok(Some("ach1".into())));
        assert_eq!(choose(&[], None, &all[1..2]), Ok(None));
        assert_eq!(choose(&[], Some(&last("ach3")), &all), Ok(Some("ach3".into())));
        assert_eq!(choose(&named("ach3"), Some(&last("ach1")), &all), Ok(Some("ach3".into())));
        assert_eq!(choose(&reread, Some(&last("ach2")), &all), Ok(Some("ach1".into())));
        assert_eq!(choose(&reread, Some(&last("ach9")), &all), Ok(Some("ach1".into())));
        for (options, last, expected) in [
            (&named("ach2")[..], None, "is disabled"),
            (&named("ach9"), None, "no such webhook"),
            (&[], Some(last("ach2")), "webhook ach2 is disabled"),
            (&[], Some(last("ach9")), "webhook ach9 was deleted"),
        ] {
            let error = choose(options, last.as_ref(), &all).expect_err("none");
            assert!(error.contains(expected), "{options:?}: {error}");
        }
    }

    fn planned(options: &[(&str, &str)]) -> (Scan, ReadOptions) {
        let table = json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA",
            "fields": [{"id": "fldA", "name": "A", "type": "number"}]});
        let all = [("token", "patA"), ("ingestion_type", "cdc_with_deletes")].iter().chain(options).copied();
        let read = crate::options::Options::parse(all).expect("options").read;
        (Scan::new("appA", &serde_json::from_value(table).expect("a table"), &read).expect("a plan"), read)
    }
}

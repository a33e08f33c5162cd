//! Which of a base's webhooks a stream polls: the one it is told, else one that tells enough, else a new one. Pure.
//!
//! Invariant: what is not known of a webhook's specification is taken to leave changes out.

use serde::Deserialize;
use serde_json::Value;

use crate::changes::offset::FeedPosition;
use crate::changes::reread::lost_error;
use crate::error::{Error, Result};
use crate::id;
use crate::options::ReadOptions;
use crate::scan::Scan;
use crate::time::{Seconds, seconds};

/// A webhook lives so long after it was made, or last read.
pub(super) const LIFE_SECONDS: Seconds = 7 * 86_400;

/// What a change feed must tell of: cells, and the definitions behind them.
pub(super) const DATA_TYPES: [&str; 3] = ["tableData", "tableFields", "tableMetadata"];

const CHANGE_TYPES: [&str; 3] = ["add", "remove", "update"];

/// What of `includes` is known to add to payloads, and to leave nothing out.
const INCLUDES: [&str; 3] =
    ["includeCellValuesInFieldIds", "includePreviousCellValues", "includePreviousFieldDefinitions"];

/// A webhook, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Webhook {
    #[serde(deserialize_with = "id::one")]
    pub(super) id: String,
    #[serde(default = "yes")]
    is_hook_enabled: bool,
    pub(super) cursor_for_next_payload: u64,
    notification_url: Option<String>,
    expiration_time: Option<String>,
    #[serde(default)]
    specification: Value,
    /// What its newest payload says of a failure; none before somebody has looked.
    #[serde(skip)]
    pub(super) failure: Option<String>,
}

fn yes() -> bool {
    true
}

impl Webhook {
    /// One that was created a moment ago.
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            is_hook_enabled: true,
            cursor_for_next_payload: 1,
            notification_url: None,
            expiration_time: None,
            specification: Value::Null,
            failure: None,
        }
    }

    /// Why the webhook tells nothing more; none where it does.
    pub(super) fn end(&self, now: Seconds) -> Option<String> {
        if self.expires().is_some_and(|expires| expires <= now) {
            return Some(format!("expired at {}", self.expiration_time.as_deref().unwrap_or_default()));
        }
        if let Some(code) = &self.failure {
            return Some(format!("failed: {code}"));
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
        self.narrowing().map(|key| format!("its {key} may leave changes out"))
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
pub(super) fn suitable<'w>(webhooks: &'w [Webhook], table_id: &str, now: Seconds) -> Option<&'w Webhook> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn webhook(id: &str, more: &Value) -> Webhook {
        let mut all = json!({"id": id, "isHookEnabled": true, "cursorForNextPayload": 5, "notificationUrl": null,
            "expirationTime": "1970-01-08T00:00:00.000Z",
            "specification": {"options": {"filters": {"dataTypes": DATA_TYPES}}}});
        for (key, value) in more.as_object().expect("an object") {
            match all["specification"]["options"]["filters"].as_object_mut() {
                Some(filters) if !["isHookEnabled", "notificationUrl", "expirationTime"].contains(&key.as_str()) => {
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
            (json!({"watchDataInFieldIds": null, "ofNextYear": null}), None),
            (json!({"ofNextYear": ["usrA"]}), Some("filter ofNextYear may leave changes out")),
            (json!({"ofNextYear": false}), Some("ofNextYear")),
        ] {
            let lack = webhook("achA", &more).lack("tblA");
            match lacks {
                None => assert_eq!(lack, None, "{more}"),
                Some(word) => assert!(lack.as_ref().is_some_and(|lack| lack.contains(word)), "{more}: {lack:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_known_of_a_specification_may_leave_changes_out() {
        let filters = json!({"dataTypes": DATA_TYPES});
        for (specification, lacks) in [
            (json!({"options": {"filters": filters}}), None),
            (json!({"options": {"filters": filters, "includes": null}, "ofNextYear": null}), None),
            (json!({"options": {"filters": filters, "includes": {"includePreviousCellValues": true}}}), None),
            (json!({"options": {"filters": filters, "includes": {"includeCellValuesInFieldIds": "all"}}}), None),
            (json!({"options": {"filters": filters, "includes": {"onlyViews": true}}}), Some("its includes.onlyViews")),
            (json!({"options": {"filters": filters, "includes": ["onlyViews"]}}), Some("its includes")),
            (json!({"options": {"filters": filters, "sampling": 0.5}}), Some("its options.sampling")),
            (json!({"options": {"filters": filters}, "limits": {}}), Some("its limits")),
            (json!({"options": {}}), Some("dataTypes")),
            (json!("all"), Some("dataTypes")),
            (Value::Null, Some("dataTypes")),
        ] {
            let webhook = Webhook { specification: specification.clone(), ..webhook("achA", &json!({})) };
            let lack = webhook.lack("tblA");
            match lacks {
                None => assert_eq!(lack, None, "{specification}"),
                Some(start) => {
                    assert!(lack.as_ref().is_some_and(|lack| lack.contains(start)), "{specification}: {lack:?}");
                }
            }
            assert_eq!(suitable(&[webhook], "tblA", 0).is_some(), lacks.is_none(), "{specification}");
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
            Webhook { failure: Some("INVALID_HOOK".into()), ..webhook("ach0", &json!({})) },
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
        assert_eq!(choose(&reread, Some(&last("ach0")), &all), Ok(Some("ach1".into())));
        assert_eq!(choose(&[], None, &all[3..]), Ok(None));
        for (options, last, expected) in [
            (&named("ach2")[..], None, "is disabled"),
            (&named("ach9"), None, "no such webhook"),
            (&named("ach0"), None, "this webhook failed: INVALID_HOOK: name another"),
            (&[], Some(last("ach0")), "webhook ach0 failed: INVALID_HOOK"),
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

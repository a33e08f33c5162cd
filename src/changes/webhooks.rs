//! The webhooks of a base: asked for, looked at, read and made. Which of them a stream polls is decided in `webhook`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::airtable::client::Client;
use crate::airtable::failure::{Failure, Purpose, Reason};
use crate::airtable::payload::{OfTable, Payload, Payloads, RecordChanges};
use crate::airtable::payload_page::{self, FeedOf, NoPage};
use crate::airtable::request::Request;
use crate::airtable::tally::Tally;
use crate::airtable::words::wall;
use crate::changes::heads::{Heads, List};
use crate::changes::offset::FeedPosition;
use crate::changes::payload_cursor::missing;
use crate::changes::reread::Lost;
use crate::changes::webhook::{self, DATA_TYPES, Webhook, absent, chosen, suitable};
use crate::changes::{Since, no_date};
use crate::error::{Error, Result};
use crate::id;
use crate::options::ReadOptions;
use crate::scan::Scan;
use crate::time::Seconds;

/// A base holds so many webhooks. Airtable's page on webhooks.
const MOST_WEBHOOKS: usize = 10;

/// How often a webhook is tried to be made.
const ATTEMPTS: u32 = 3;

/// `GET /v0/bases/{baseId}/webhooks`.
#[derive(Debug, Deserialize)]
struct Listed {
    webhooks: Vec<Value>,
}

/// What a new webhook answers with. Its secret is for notifications, which are not wanted.
#[derive(Debug, Deserialize)]
struct NewWebhook {
    #[serde(deserialize_with = "id::one")]
    id: String,
}

/// The body that creates a webhook. One for all tables of a base serves all streams of records, because there are few places
/// for webhooks. A log has one of its table, because what cells held before makes payloads large.
fn creation(plan: &Scan) -> String {
    let options = match webhook::Purpose::of(plan) {
        webhook::Purpose::Records => json!({"filters": {"dataTypes": DATA_TYPES}}),
        webhook::Purpose::Log => json!({
            "filters": {"dataTypes": DATA_TYPES, "recordChangeScope": plan.table_id},
            "includes": {"includePreviousCellValues": true},
        }),
    };
    json!({"specification": {"options": options}}).to_string()
}

/// What the newest payload of a webhook says.
#[derive(Debug, Clone)]
enum Look {
    Works,
    /// With the code of the failure.
    Failed(String),
}

/// The webhooks that a stream has looked at.
///
/// Airtable lists a webhook that has failed as a working one, and lets it tell nothing for ever. What is told after the
/// look is read anyhow, so that one look at each is enough.
#[derive(Debug, Clone, Default)]
pub(super) struct LookedAt {
    looks: Arc<Mutex<BTreeMap<String, Look>>>,
    /// Those that cannot be read and were told of.
    unreadable: Arc<Mutex<BTreeSet<String>>>,
}

impl LookedAt {
    fn get(&self, id: &str) -> Option<Look> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn note(&self, id: &str, look: Look) {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), look);
    }

    /// The webhook is to be looked at again, because it has told of a failure.
    pub(super) fn forget(&self, id: &str) {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Whether nobody was told of this one yet.
    fn is_news(&self, unreadable: &str) -> bool {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).insert(unreadable.to_owned())
    }
}

/// The webhooks of a base, as they are asked for, read and made.
pub(super) struct Webhooks<'s> {
    pub(super) client: &'s Client,
    pub(super) plan: &'s Scan,
    pub(super) looked_at: &'s LookedAt,
    pub(super) heads: &'s Heads,
}

/// The webhook to poll.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) webhook: Webhook,
    /// How far it is was told then, by the service's clock.
    pub(super) told: Seconds,
}

impl Webhooks<'_> {
    /// All of the base, those that cannot be read too: they take places.
    pub(super) async fn list(&self) -> Result<Vec<Webhook>> {
        Ok(self.ask().await?.webhooks)
    }

    async fn ask(&self) -> Result<List> {
        let asked = wall();
        let listed = self.client.json::<Listed>(&self.request(Method::GET, &[])).await?.webhooks;
        let webhooks: Vec<Webhook> = listed.iter().map(Webhook::read).collect();
        for webhook in &webhooks {
            let Some(why) = webhook.unreadable() else { continue };
            let (name, known_as) = match webhook.id.as_str() {
                "" => ("one".to_owned(), why),
                id => (format!("webhook {id}"), id),
            };
            if self.looked_at.is_news(known_as) {
                let base_id = &self.plan.base_id;
                let said = format!("base {base_id}: of its webhooks {name} cannot be read: {why}: it is passed over");
                log::warn!("{}", self.client.scrub(Error::Data(said.into())));
            }
        }
        let list = List { asked, told: self.now()?, webhooks };
        self.heads.note(&list);
        Ok(list)
    }

    /// The webhook to poll: as [`chosen`], but none whose newest payload says that it has failed; a new one where none is
    /// left. A stream that goes on takes a list that this connector was told since its run began.
    ///
    /// # Errors
    /// As [`chosen`]; what requests fail with.
    pub(super) async fn choose(
        &self,
        options: &ReadOptions,
        last: Option<&FeedPosition>,
        since: Option<Since>,
    ) -> Result<Chosen> {
        let known = match since {
            Some(Since::Run(began)) if last.is_some() => self.heads.list_since(began),
            _ => None,
        };
        let List { told, mut webhooks, .. } = match known {
            Some(known) => known,
            None => self.ask().await?,
        };
        loop {
            let Some(webhook) = chosen(&webhooks, self.plan, options, last, self.now()?)?.cloned() else {
                let webhook = self.create().await?;
                return Ok(Chosen { webhook, told: self.now()? });
            };
            // What is new is read next, and tells a failure by itself.
            let is_read_next = last.is_some_and(|last| webhook.is_beyond(last));
            if is_read_next || !self.has_failed(&webhook, &mut webhooks).await? {
                return Ok(Chosen { webhook, told });
            }
        }
    }

    /// Why a webhook tells nothing more; none where it does.
    pub(super) async fn loss(&self, id: &str) -> Result<Option<Lost>> {
        let webhooks = self.list().await?;
        let Some(webhook) = webhooks.iter().find(|webhook| webhook.id == id) else {
            return Ok(Some(Lost::Gone(absent(&webhooks, id))));
        };
        if let Some(end) = webhook.end(self.now()?) {
            return Ok(Some(Lost::Gone(format!("webhook {id} {end}"))));
        }
        Ok(match self.look(webhook).await? {
            Look::Works => None,
            Look::Failed(code) => Some(Lost::Failed(format!("webhook {id} failed: {code}"))),
        })
    }

    /// One that serves and has not failed; none where one is to be made.
    async fn serving(&self, webhooks: &mut [Webhook]) -> Result<Option<Webhook>> {
        loop {
            let Some(webhook) =
                suitable(webhooks, &self.plan.table_id, webhook::Purpose::of(self.plan), self.now()?).cloned()
            else {
                return Ok(None);
            };
            if !self.has_failed(&webhook, webhooks).await? {
                return Ok(Some(webhook));
            }
        }
    }

    /// Whether a webhook has failed, which is noted in the list.
    async fn has_failed(&self, webhook: &Webhook, list: &mut [Webhook]) -> Result<bool> {
        let Look::Failed(code) = self.look(webhook).await? else { return Ok(false) };
        for listed in list.iter_mut().filter(|listed| listed.id == webhook.id) {
            listed.failure = Some(code.clone());
        }
        Ok(true)
    }

    /// What the newest payload of a webhook says. One request, for the first look.
    async fn look(&self, webhook: &Webhook) -> Result<Look> {
        let id = &webhook.id;
        if let Some(known) = self.looked_at.get(id) {
            return Ok(known);
        }
        let newest = webhook.cursor_for_next_payload.saturating_sub(1);
        let page = if newest == 0 { None } else { self.page::<RecordChanges>(id, newest, 1).await?.ok() };
        // A payload that is older than Airtable keeps them says nothing.
        let code = page.as_ref().and_then(|page| page.payloads.iter().find_map(Payload::failure));
        let look = code.map_or(Look::Works, |code| Look::Failed(code.to_owned()));
        if let Look::Failed(code) = &look {
            log::warn!("base {}: webhook {id} has failed: {code}: delete it if nobody reads it", self.plan.base_id);
        }
        self.looked_at.note(id, look.clone());
        Ok(look)
    }

    fn now(&self) -> Result<Seconds> {
        self.client.now().ok_or_else(no_date)
    }

    /// Some payloads from a number on. Reading them keeps the webhook alive.
    pub(super) async fn page<T: OfTable>(
        &self,
        webhook_id: &str,
        cursor: u64,
        limit: u64,
    ) -> Result<Result<Payloads<T>, Lost>> {
        let of = FeedOf { base: &self.plan.base_id, table: &self.plan.table_id, webhook: webhook_id };
        match payload_page::page(self.client, of, cursor, limit, &Tally::unread()).await? {
            Ok(page) => {
                self.heads.note_read(webhook_id, self.now()?);
                Ok(Ok(page))
            }
            Err(NoPage::Gone) => Ok(Err(missing(webhook_id, cursor))),
            Err(NoPage::Absent(error)) => {
                let webhooks = self.list().await?;
                if webhooks.iter().any(|webhook| webhook.id == webhook_id) {
                    return Err(error);
                }
                Ok(Err(Lost::Gone(absent(&webhooks, webhook_id))))
            }
        }
    }

    /// Reads a webhook that would expire for want of readers.
    pub(super) async fn keep_alive(&self, webhook: &Webhook, now: Seconds) -> Result<()> {
        if webhook.is_due(now) {
            // Whatever it gives: asking is what counts.
            _ = self.page::<RecordChanges>(&webhook.id, webhook.cursor_for_next_payload, 1).await?;
        }
        Ok(())
    }

    /// Makes a webhook, unless another stream has made one meanwhile: all streams of a pipeline start at once, and a base
    /// has few places.
    async fn create(&self) -> Result<Webhook> {
        let base_id = &self.plan.base_id;
        let _alone = self.client.alone(base_id, "webhook").await;
        let mut webhooks = self.list().await?;
        if let Some(webhook) = self.serving(&mut webhooks).await? {
            return Ok(webhook);
        }
        if webhooks.len() >= MOST_WEBHOOKS {
            return Err(self.no_place(&webhooks));
        }
        let creation = Request {
            purpose: Purpose::NewWebhook,
            body: Some(creation(self.plan)),
            ..self.request(Method::POST, &[])
        };
        let mut attempts = 0;
        let new: NewWebhook = loop {
            attempts += 1;
            let failure = match self.client.try_json(&creation).await? {
                Ok(new) => break new,
                Err(failure) => failure,
            };
            // It may have been made although the answer did not come; and the last place may have gone to a stream on
            // another machine.
            if let Some(made) = self.serving(&mut self.list().await?).await? {
                return Ok(made);
            }
            let is_refused =
                matches!(failure, Failure::Status { status: 400..=499, reason, .. } if reason != Reason::Lost);
            if attempts == ATTEMPTS || is_refused {
                return Err(self.client.error(&creation, &failure));
            }
        };
        log::info!("base {base_id}: created webhook {}, to be polled: it notifies nobody", new.id);
        Ok(Webhook::new(new.id))
    }

    fn no_place(&self, webhooks: &[Webhook]) -> Error {
        let failed: Vec<&str> =
            webhooks.iter().filter(|webhook| webhook.failure.is_some()).map(|webhook| &webhook.id[..]).collect();
        let which = if failed.is_empty() {
            "delete one that nobody reads".to_owned()
        } else {
            format!("delete those that have failed: {}", failed.join(", "))
        };
        let with = match webhook::Purpose::of(self.plan) {
            webhook::Purpose::Records => "",
            webhook::Purpose::Log => " with previous values, for a log",
        };
        Error::Rejected(format!(
            "table {:?}: base {} has {} webhooks, as many as a base holds, and none of them tells all changes of this \
             table{with}: {which}",
            self.plan.table_name,
            self.plan.base_id,
            webhooks.len()
        ).into())
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

    #[test]
    fn a_webhook_that_cannot_be_read_is_told_once() {
        let looked_at = LookedAt::default();
        // A stream's next question has a copy.
        let told = ["achA", "achB", "achA", "achB"].map(|id| looked_at.clone().is_news(id));
        assert_eq!(told, [true, true, false, false]);
    }
}

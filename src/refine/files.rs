//! The files of a batch's attachments: fetched, asked for anew where their addresses have died, and told of where they
//! cannot be had.
//!
//! Invariant: every attachment of a batch has a path, or a reason why it has none.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::airtable::client::Client;
use crate::airtable::failure::Purpose;
use crate::airtable::formula::ids_formula;
use crate::airtable::request::Request;
use crate::airtable::tally::Tally;
use crate::attachments::{Files, Outcome, Wanted};
use crate::error::{Error, Result};
use crate::json;
use crate::scan::Scan;

/// Records that one request can name, and one page holds.
const IDS: usize = 100;

/// An attachment of a batch.
pub(super) struct Item<'b> {
    /// The row of its record in the batch.
    pub(super) row: usize,
    pub(super) record_id: &'b str,
    pub(super) field_id: &'b str,
    pub(super) field: &'b str,
    pub(super) wanted: Wanted,
}

/// One whose address brings this status.
type Dead<'i, 'b> = (&'i Item<'b>, u16);

/// What became of a batch's files, by the ids and names of their attachments.
#[derive(Debug, Default)]
pub(super) struct Stored(HashMap<(String, String), std::result::Result<String, String>>);

impl Stored {
    /// The path of an attachment's file, where it has one.
    pub(super) fn path_of(&self, id: &str, filename: &str) -> Option<&str> {
        self.0.get(&key(id, filename)).and_then(|outcome| outcome.as_deref().ok())
    }

    /// Why an attachment's file cannot be had, where it cannot.
    fn reason_of(&self, wanted: &Wanted) -> Option<&str> {
        self.0.get(&key(&wanted.id, &wanted.filename)).and_then(|outcome| outcome.as_ref().err()).map(String::as_str)
    }
}

fn key(id: &str, filename: &str) -> (String, String) {
    (id.to_owned(), filename.to_owned())
}

/// Fetches the files of one read.
pub(super) struct Fetcher {
    client: Arc<Client>,
    tally: Arc<Tally>,
    files: Files,
    base_id: String,
    table_id: String,
    table_name: String,
    field_ids: Vec<String>,
    fail_on_bad_value: bool,
    is_checked: AtomicBool,
}

impl Fetcher {
    /// Fetches nothing yet.
    pub(super) fn new(client: Arc<Client>, tally: Arc<Tally>, files: Files, scan: &Scan) -> Self {
        let stored = scan.columns.iter().chain(&scan.hidden).filter(|column| column.attachments().is_some());
        Self {
            client,
            tally,
            files,
            base_id: scan.base_id.clone(),
            table_id: scan.table_id.clone(),
            table_name: scan.table_name.clone(),
            field_ids: stored.filter_map(|column| column.field_id().map(str::to_owned)).collect(),
            fail_on_bad_value: scan.fail_on_bad_value,
            is_checked: AtomicBool::new(false),
        }
    }

    /// Fetches the files of a batch.
    ///
    /// # Errors
    /// [`Error::Option`] for a directory in which nothing can be stored; in a strict read, [`Error::Data`] for the first
    /// file that cannot be had; what asking for new addresses fails with.
    pub(super) async fn fetch(&self, items: &[Item<'_>]) -> Result<Stored> {
        if !self.is_checked.load(Ordering::Relaxed) {
            self.files.check().await?;
            self.is_checked.store(true, Ordering::Relaxed);
        }
        let mut stored = Stored::default();
        let mut firsts: Vec<&Item<'_>> = Vec::new();
        for item in items {
            let missing = Err("it was not fetched".to_owned());
            if stored.0.insert(key(&item.wanted.id, &item.wanted.filename), missing).is_none() {
                firsts.push(item);
            }
        }
        let outcomes = self.files.fetch(firsts.iter().map(|item| item.wanted.clone()).collect()).await?;
        let mut dead = Vec::new();
        for (item, outcome) in firsts.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Dead(status) => dead.push((item, status)),
                outcome => self.keep(&mut stored, item, settled(outcome)),
            }
        }
        if !dead.is_empty() {
            self.fetch_anew(&mut stored, &dead).await?;
        }
        self.check_all(items, &stored)?;
        Ok(stored)
    }

    /// Asks for the records whose addresses have died, and once more for their files: those of some records before others
    /// are asked for, so that new addresses do not get old while they wait.
    async fn fetch_anew(&self, stored: &mut Stored, dead: &[Dead<'_, '_>]) -> Result<()> {
        log::info!(
            "table {:?}: {} addresses of files are refused, with status {} for one: asking for new ones",
            self.table_name,
            dead.len(),
            dead[0].1
        );
        for (record_ids, mut dead) in by_records(dead) {
            // What takes hours lets new addresses die as well: as long as they bring files, there is more to be had.
            while !dead.is_empty() {
                dead = self.fetch_once_more(stored, &record_ids, dead).await?;
            }
        }
        Ok(())
    }

    /// Fetches files by new addresses. Gives those that died meanwhile, unless none of the others brought its file.
    async fn fetch_once_more<'i, 'b>(
        &self,
        stored: &mut Stored,
        record_ids: &[&str],
        dead: Vec<Dead<'i, 'b>>,
    ) -> Result<Vec<Dead<'i, 'b>>> {
        let addresses = self.addresses(record_ids).await?;
        let (mut again, mut wanted) = (Vec::new(), Vec::new());
        for (item, status) in dead {
            if let Some(url) = addresses.get(&item.wanted.id) {
                again.push(item);
                wanted.push(Wanted { url: url.clone(), ..item.wanted.clone() });
            } else {
                let why = format!("the file host answers {status}, and the attachment is no longer in its cell");
                self.keep(stored, item, Err(why));
            }
        }
        let outcomes = self.files.fetch(wanted).await?;
        let is_worth_more = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Stored(_)));
        let mut left = Vec::new();
        for (item, outcome) in again.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Dead(status) if is_worth_more => left.push((item, status)),
                outcome => self.keep(stored, item, settled(outcome)),
            }
        }
        Ok(left)
    }

    fn keep(&self, stored: &mut Stored, item: &Item<'_>, outcome: std::result::Result<String, String>) {
        if outcome.is_err() {
            self.files.missed();
        }
        stored.0.insert(key(&item.wanted.id, &item.wanted.filename), outcome);
    }

    /// The addresses of the attachments in some records, by the attachments' ids. A page may hold fewer records than it can.
    async fn addresses(&self, record_ids: &[&str]) -> Result<HashMap<String, String>> {
        let (mut found, mut offset) = (HashMap::new(), None);
        // Each page has one of the records at least.
        for _ in 0..=record_ids.len() {
            let request = self.request(record_ids, offset.as_deref());
            let answer = self.client.answer(&request, &self.tally).await;
            let answer = answer.map_err(|failure| self.client.error(&request, &failure))?;
            let page: Value = json::from_body(&answer.body).map_err(|error| {
                let name = self.client.name(&request);
                Error::Data(format!("{name}: a page of records of an undocumented form: {error}").into())
                    .of_request(name)
            })?;
            found.extend(addresses(&page["records"]));
            offset = page["offset"].as_str().map(str::to_owned);
            if offset.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn request(&self, record_ids: &[&str], offset: Option<&str>) -> Request {
        let fields = self.field_ids.iter().map(|id| ("fields[]", id.clone()));
        let formula = ids_formula(record_ids.iter().copied());
        let query = [("returnFieldsByFieldId", "true".to_owned()), ("filterByFormula", formula)];
        let offset = offset.map(|offset| ("offset", offset.to_owned()));
        Request {
            purpose: Purpose::Records,
            method: Method::GET,
            path: vec![self.base_id.clone(), self.table_id.clone()],
            query: query.into_iter().chain(fields).chain(offset).collect(),
            body: None,
            base_id: Some(self.base_id.clone()),
        }
    }

    /// Tells of the files that cannot be had.
    fn check_all(&self, items: &[Item<'_>], stored: &Stored) -> Result<()> {
        let mut missed = items.iter().filter_map(|item| Some((item, stored.reason_of(&item.wanted)?)));
        let Some((item, reason)) = missed.next() else { return Ok(()) };
        let Item { record_id, field, wanted, .. } = item;
        let (table, id, filename) = (&self.table_name, &wanted.id, &wanted.filename);
        if self.fail_on_bad_value {
            return Err(Error::Data(
                format!(
                    "table {table:?}, record {record_id}, field {field:?}: the file {filename:?} of attachment {id} cannot be \
                     had: {reason}: correct it, or read with on_bad_value rescue"
                )
                .into(),
            ));
        }
        log::warn!(
            "table {table:?}: {} files of attachments cannot be had, {filename:?} ({id}) of record {record_id} for one: \
             {reason}",
            missed.count() + 1
        );
        Ok(())
    }
}

/// The addresses of attachments, by their ids, wherever they stand in some JSON.
fn addresses(json: &Value) -> HashMap<String, String> {
    let (mut found, mut left) = (HashMap::new(), vec![json]);
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(object) => match (value["id"].as_str(), value["url"].as_str()) {
                (Some(id), Some(url)) => _ = found.insert(id.to_owned(), url.to_owned()),
                _ => left.extend(object.values()),
            },
            _ => {}
        }
    }
    found
}

/// The records that one request can name, each once, with what is to be asked for of them; as often as it takes.
fn by_records<'i, 'b>(dead: &[Dead<'i, 'b>]) -> Vec<(Vec<&'b str>, Vec<Dead<'i, 'b>>)> {
    let mut dead = dead.to_vec();
    dead.sort_by_key(|(item, _)| item.row);
    let mut requests: Vec<(Vec<&str>, Vec<Dead<'_, '_>>)> = Vec::new();
    for of_record in dead.chunk_by(|(one, _), (other, _)| one.record_id == other.record_id) {
        if requests.last().is_none_or(|(record_ids, _)| record_ids.len() == IDS) {
            requests.push((Vec::new(), Vec::new()));
        }
        if let Some((record_ids, items)) = requests.last_mut() {
            record_ids.push(of_record[0].0.record_id);
            items.extend(of_record);
        }
    }
    requests
}

fn settled(outcome: Outcome) -> std::result::Result<String, String> {
    match outcome {
        Outcome::Stored(path) => Ok(path),
        Outcome::Dead(status) => Err(format!("the file host answers {status}, at a new address, too")),
        Outcome::Missed(why) => Err(why),
    }
}

/// The rescued data of the rows, with what is to be told of their files; and how many of these cannot be had, also where no
/// rows are given.
pub(super) fn rescued(
    texts: impl Iterator<Item = Option<String>>,
    items: &[Item<'_>],
    stored: &Stored,
) -> (Vec<Option<String>>, u64) {
    let mut texts: Vec<Option<String>> = texts.collect();
    let mut count = 0;
    for item in items {
        let Some(reason) = stored.reason_of(&item.wanted) else { continue };
        count += 1;
        let Some(text) = texts.get_mut(item.row) else { continue };
        let Wanted { id, filename, size, kind, .. } = &item.wanted;
        let raw = |value: Value| value.to_string();
        // In the order of all rescued data, without the address, which is another at every read.
        let told = format!(
            "{{\"field\":{},\"field_id\":{},\"value\":{{\"id\":{},\"filename\":{},\"size\":{},\"type\":{}}},\"reason\":{}}}",
            raw(json!(item.field)),
            raw(json!(item.field_id)),
            raw(json!(id)),
            raw(json!(filename)),
            raw(json!(size)),
            raw(json!(kind)),
            raw(json!(format!("the file cannot be had: {reason}")))
        );
        *text = Some(match text.as_deref().and_then(|text| text.strip_suffix(']')) {
            Some(list) => format!("{list},{told}]"),
            None => format!("[{told}]"),
        });
    }
    (texts, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_is_asked_for_once_however_many_of_its_fields_have_files() {
        let ids: Vec<String> = (0..250).map(|row| format!("rec{row:014}")).collect();
        let item =
            |field_id, row: usize| Item { row, record_id: &ids[row], field_id, field: "F", wanted: Wanted::default() };
        // As they come: one column after the other.
        let rows = ["fldOne", "fldTwo"].into_iter().flat_map(|field_id| (0..250).map(move |row| (field_id, row)));
        let items: Vec<Item<'_>> = rows.map(|(field_id, row)| item(field_id, row)).collect();
        let dead: Vec<Dead<'_, '_>> = items.iter().map(|item| (item, 410)).collect();
        let requests = by_records(&dead);
        let sizes: Vec<_> = requests.iter().map(|(record_ids, items)| (record_ids.len(), items.len())).collect();
        assert_eq!(sizes, [(100, 200), (100, 200), (50, 100)]);
        for (record_ids, items) in requests {
            assert!(items.iter().all(|(item, _)| record_ids.contains(&item.record_id)));
        }
        assert!(by_records(&[]).is_empty());
    }
}

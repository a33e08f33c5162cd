//! The ids of some of a table's records, and the service's time: what a range must know before it is a scan.
//!
//! The last list is kept, because a window that is cut into many batches is listed once: Airtable can neither count
//! records nor sort them by what it does not show.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray};

use crate::airtable::client::Client;
use crate::airtable::request::Request;
use crate::airtable::schema::{Table, Tables};
use crate::changes::no_date;
use crate::error::{Error, Result};
use crate::options::IngestionType;
use crate::read::{Batches, Certainty, Size, ask_size};
use crate::scan::{Column, Listed, Scan, Selection, Source};
use crate::time::Seconds;

/// The last list of ids, and the scan whose records they are.
pub(super) type ListedIds = Arc<Mutex<Option<(Scan, Arc<Vec<String>>)>>>;

/// Asks for ids of one planned table, and for its definition.
pub(super) struct Listing<'s> {
    pub(super) client: &'s Arc<Client>,
    pub(super) plan: &'s Scan,
    pub(super) listed: &'s ListedIds,
}

impl Listing<'_> {
    /// The ids of the records that a scan reads, in order.
    pub(super) async fn ids_of(&self, of: Scan) -> Result<Arc<Vec<String>>> {
        if let Some((known, ids)) = &*self.listed.lock().unwrap_or_else(PoisonError::into_inner)
            && *known == of
        {
            return Ok(ids.clone());
        }
        let ids = Arc::new(self.ids(of.clone(), None).await?);
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some((of, ids.clone()));
        Ok(ids)
    }

    /// Lets go of the list, of which the last batch was made.
    pub(super) fn forget(&self) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Those of some ids whose records can be read now.
    pub(super) async fn readable(&self, ids: impl IntoIterator<Item = &String>) -> Result<Vec<String>> {
        let present = ids.into_iter().map(|id| (id.clone(), 0)).collect();
        // Whether they fulfil a condition is decided where they are read.
        self.ids(self.selecting(Selection::Listed(Listed { present, ..Listed::default() })), None).await
    }

    /// The table as it is defined now. One request.
    pub(super) async fn definition(&self) -> Result<Table> {
        let (base_id, table_id) = (&self.plan.base_id, &self.plan.table_id);
        let tables = self.client.json::<Tables>(&Request::tables(base_id)).await?.tables;
        tables.into_iter().find(|table| table.id == *table_id).ok_or_else(|| {
            Error::NotFound(
                format!(
                    "table {:?} ({table_id}) was removed from base {base_id}: stop its stream",
                    self.plan.table_name
                )
                .into(),
            )
        })
    }

    /// Whether no record is selected. One request.
    pub(super) async fn is_empty(&self, selection: Selection) -> Result<bool> {
        Ok(self.ids(self.selecting(selection), Some(1)).await?.is_empty())
    }

    /// The service's time, asked for by reading one record.
    pub(super) async fn now(&self) -> Result<Seconds> {
        self.ids(self.selecting(Selection::All), Some(1)).await?;
        self.told_now()
    }

    /// How many records the table has, for a first load in parts. Of a service that refuses formulas of shares nothing is
    /// known but that the table is to be loaded in one.
    pub(super) async fn size(&self) -> Result<Size> {
        match ask_size(self.client, self.plan).await {
            Err(Error::Rejected(why)) => {
                let table = &self.plan.table_name;
                log::warn!("table {table:?}: its first load comes as one batch, as shares of it are refused: {why}");
                Ok(Size { records: 0, certainty: Certainty::Exact, requests: 0 })
            }
            told => told,
        }
    }

    /// The service's time, as the last answer told it.
    pub(super) fn told_now(&self) -> Result<Seconds> {
        self.client.now().ok_or_else(no_date)
    }

    /// Some of the table's records, whether or not they fulfil a condition.
    fn selecting(&self, selection: Selection) -> Scan {
        Scan { selection, ..self.plan.unrestricted() }
    }

    async fn ids(&self, of: Scan, max_records: Option<u64>) -> Result<Vec<String>> {
        let id = Column::new("id", false, Source::RecordId);
        let scan = Scan {
            columns: vec![id],
            max_records,
            // What is not there is found out here, and said by those who asked.
            ingestion_type: IngestionType::Snapshot,
            known_ids: None,
            only_gone: false,
            page_size: max_records.and_then(|most| u32::try_from(most).ok()).unwrap_or(100).min(100),
            ..of
        };
        let mut ids = Vec::new();
        let mut batches = Batches::quiet(self.client.clone(), scan);
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let column = batch.column(0).as_string::<i32>();
            ids.extend((0..column.len()).map(|row| column.value(row).to_owned()));
        }
        ids.sort_unstable();
        Ok(ids)
    }
}

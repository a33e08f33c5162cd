//! Decoded batches -> planned batches: what becomes of the rows between the pages they were read from and whoever asked
//! for them.
//!
//! Invariant: every batch that leaves has exactly the planned schema.
//!
//! | file | is |
//! |---|---|
//! | `explode` | one row for each item of a record's lists |
//! | `cells` | cells with attachments: which files they name, and what they become |
//! | `files` | the files of a batch's attachments |
//! | `linked`, `names` | ids of linked records into their names, and where these are kept |

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use tokio::sync::mpsc;

use crate::airtable::client::Client;
use crate::airtable::tally::Tally;
use crate::attachments::{FileCount, Files};
use crate::error::{Error, Result};
use crate::scan::{AttachmentForm, Column, Part, Restriction, Scan, Source};

mod cells;
mod explode;
mod files;
mod linked;
mod names;

use cells::PathOf;
use explode::{Exploded, Lists};
use files::{Fetcher, Item, Stored, rescued};
pub(crate) use linked::NameSource;
pub(crate) use names::{Gathering, Names, Room, not_kept};

/// What becomes of the batches of one read.
pub(crate) struct Refine {
    schema: SchemaRef,
    /// What is given, and what is read.
    scan: Scan,
    decoded: Scan,
    /// Where files are stored.
    fetcher: Option<Fetcher>,
    /// Where the names of linked records come from.
    names: Box<dyn NameSource>,
    rescued_values: AtomicU64,
    dropped: AtomicU64,
}

impl Refine {
    /// What a plan wants to become of its rows. The counts are those of the read.
    ///
    /// # Errors
    /// [`Error::Transport`] where the machine has no certificates to check servers by.
    pub(crate) fn new(
        client: &Arc<Client>,
        scan: &Scan,
        names: Box<dyn NameSource>,
        tally: &Arc<Tally>,
        count: &Arc<FileCount>,
    ) -> Result<Self> {
        let fetcher = match &scan.attachment_location {
            Some(location) => {
                let files = Files::new(client.file_host()?, location, count.clone());
                Some(Fetcher::new(client.clone(), tally.clone(), files, scan))
            }
            None => None,
        };
        let (schema, decoded) = (scan.schema(), scan.decoded().into_owned());
        let (rescued_values, dropped) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { schema, scan: scan.clone(), decoded, fetcher, names, rescued_values, dropped })
    }

    /// Values that are in the rescued data column for what became of them here.
    pub(crate) fn rescued(&self) -> u64 {
        self.rescued_values.load(Ordering::Relaxed)
    }

    /// Values that became NULL here without being kept, because there is no rescued data column.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Takes decoded batches until there are no more, and hands on the planned ones that have rows.
    pub(crate) async fn run(
        &self,
        mut decoded: mpsc::Receiver<Result<RecordBatch>>,
        client: &Client,
        batches: &mpsc::Sender<Result<RecordBatch>>,
        mut after_each: impl FnMut(&Self),
    ) {
        loop {
            let batch = tokio::select! {
                biased;
                () = batches.closed() => return,
                batch = decoded.recv() => batch,
            };
            let Some(batch) = batch else { return };
            let refined = match batch {
                Ok(batch) => tokio::select! {
                    biased;
                    () = batches.closed() => return,
                    refined = self.batch(batch) => refined.map_err(|error| client.scrub(error)),
                },
                Err(error) => Err(error),
            };
            after_each(self);
            let is_over = refined.is_err();
            if refined.as_ref().is_ok_and(|batch| batch.num_rows() == 0) {
                continue;
            }
            // Where nobody listens any more nobody misses it.
            if batches.send(refined).await.is_err() || is_over {
                return;
            }
        }
    }

    /// The planned batch of a decoded one; it may have no rows.
    ///
    /// # Errors
    /// [`Error::Data`] for columns that do not make a batch of the planned schema; what the files of attachments fail with.
    pub(crate) async fn batch(&self, decoded: RecordBatch) -> Result<RecordBatch> {
        let columns = match self.scan.part {
            Part::Records => self.records(&decoded).await?,
            Part::Links => self.links(&decoded)?,
            Part::Attachments => self.attachments(&decoded).await?,
            // They are made as they are planned.
            Part::Comments | Part::Fields | Part::Choices | Part::Views => decoded.columns().to_vec(),
        };
        RecordBatch::try_new(self.schema.clone(), columns).map_err(|error| no_batch(&error))
    }

    async fn records(&self, decoded: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let given = self.schema.fields().len();
        let mut columns: Vec<ArrayRef> = decoded.columns().iter().take(given).cloned().collect();
        self.name(&mut columns).await?;
        let form = |column: &Column| column.attachments();
        let forms: Vec<_> = self.scan.columns.iter().map(form).collect();
        if forms.iter().all(Option::is_none) {
            return Ok(columns);
        }
        let items = self.items(decoded, |column| column.attachments() == Some(AttachmentForm::Stored));
        let stored = self.fetched(&items).await?;
        let path_of = |id: &str, filename: &str| stored.path_of(id, filename);
        for (index, form) in forms.into_iter().enumerate() {
            let Some(form) = form else { continue };
            let wanted = self.schema.field(index).data_type();
            let path_of: Option<&PathOf<'_>> = (form == AttachmentForm::Stored).then_some(&path_of);
            let is_as_decoded = form == AttachmentForm::Stable && columns[index].as_list_opt::<i32>().is_some();
            if !is_as_decoded {
                columns[index] = cells::given(&columns[index], wanted, path_of).ok_or_else(no_attachments)?;
            }
        }
        self.rescue(&mut columns, &items, &stored);
        Ok(columns)
    }

    /// Gives linked records their names. A table is asked for these only where there is a link to it.
    async fn name(&self, columns: &mut [ArrayRef]) -> Result<()> {
        for (column, cells) in self.scan.columns.iter().zip(columns) {
            let (Some(links), Some(lists)) = (column.links(), cells.as_list_opt::<i32>()) else { continue };
            let table = self.scan.linked.iter().find(|table| table.id == links.table_id);
            let names = match table.filter(|_| linked::has_links(lists)) {
                Some(table) => Some(self.names.names(table).await?),
                None => None,
            };
            let given = linked::named(lists, names.as_deref(), links.form, &column.data_type());
            *cells = given.map_err(|error| not_kept(&error))?;
        }
        Ok(())
    }

    /// Keeps the reasons why files cannot be had, where there is a column for it, and no addresses.
    fn rescue(&self, columns: &mut [ArrayRef], items: &[Item<'_>], stored: &Stored) {
        let place = self.scan.columns.iter().position(|column| column.source == Source::Rescued);
        let texts = place.and_then(|place| Some((place, columns[place].as_string_opt::<i32>()?.clone())));
        if let Some((place, texts)) = texts {
            let attachments = self.scan.columns.iter().filter(|column| column.attachments().is_some());
            let field_ids: Vec<&str> = attachments.filter_map(Column::field_id).collect();
            let texts = texts.iter().map(|text| text.map(|text| cells::rescued(text, |id| field_ids.contains(&id))));
            let (texts, count) = rescued(texts, items, stored);
            columns[place] = Arc::new(StringArray::from(texts));
            self.rescued_values.fetch_add(count, Ordering::Relaxed);
        } else {
            self.drop_those_of(items, stored);
        }
    }

    fn drop_those_of(&self, items: &[Item<'_>], stored: &Stored) {
        self.dropped.fetch_add(rescued(std::iter::empty(), items, stored).1, Ordering::Relaxed);
    }

    async fn fetched(&self, items: &[Item<'_>]) -> Result<Stored> {
        match &self.fetcher {
            Some(fetcher) => fetcher.fetch(items).await,
            None => Ok(Stored::default()),
        }
    }

    /// The attachments of some of the decoded columns.
    fn items<'b>(&'b self, decoded: &'b RecordBatch, is_wanted: impl Fn(&Column) -> bool) -> Vec<Item<'b>> {
        let ids = self.record_ids(decoded).and_then(|ids| ids.as_string_opt::<i32>());
        let planned: Vec<&Column> = self.scan.columns.iter().chain(&self.scan.hidden).collect();
        let mut items = Vec::new();
        for (column, array) in self.decoded.columns.iter().zip(decoded.columns()) {
            let Source::Field(field) = &column.source else { continue };
            let is_planned = |planned: &&&Column| planned.field_id() == Some(&field.id) && planned.name == column.name;
            if !planned.iter().find(is_planned).is_some_and(|column| is_wanted(column)) {
                continue;
            }
            for (row, wanted) in cells::attachments(array) {
                let record_id = ids.map_or("", |ids| ids.value(row));
                items.push(Item { row, record_id, field_id: &field.id, field: &field.name, wanted });
            }
        }
        items
    }

    fn record_ids<'b>(&self, decoded: &'b RecordBatch) -> Option<&'b ArrayRef> {
        let place = self.decoded.columns.iter().position(|column| column.source == Source::RecordId);
        place.and_then(|place| decoded.columns().get(place))
    }

    /// One row for each item of the decoded lists; none where there are no lists.
    fn exploded(&self, decoded: &RecordBatch) -> Result<Option<Exploded>> {
        let columns = self.decoded.columns.iter().zip(decoded.columns());
        let lists = columns.filter_map(|(column, array)| match &column.source {
            Source::Field(field) => {
                Some(Lists { field_id: &field.id, field: &field.name, cells: array.as_list_opt::<i32>()? })
            }
            _ => None,
        });
        Exploded::of(&lists.collect::<Vec<_>>()).map_err(|error| no_batch(&error))
    }

    fn none(&self) -> Vec<ArrayRef> {
        self.schema.fields().iter().map(|field| new_null_array(field.data_type(), 0)).collect()
    }

    /// One row for each linked record.
    fn links(&self, decoded: &RecordBatch) -> Result<Vec<ArrayRef>> {
        match self.exploded(decoded)? {
            Some(rows) => self.rows(&rows, decoded, &Stored::default()),
            None => Ok(self.none()),
        }
    }

    /// One row for each attachment.
    async fn attachments(&self, decoded: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let Some(rows) = self.exploded(decoded)? else { return Ok(self.none()) };
        let stored = if self.fetcher.is_some() {
            let mut items = self.items(decoded, |_| true);
            if let Some(choice) = self.scan.choice.as_ref().filter(|choice| !choice.is_about("path")) {
                let chosen = self.chosen_files(&rows, decoded, choice)?;
                items.retain(|item| chosen.contains(&(item.wanted.id.as_str(), item.wanted.filename.as_str())));
            }
            let stored = self.fetched(&items).await?;
            self.drop_those_of(&items, &stored);
            stored
        } else {
            Stored::default()
        };
        self.rows(&rows, decoded, &stored)
    }

    /// Ids and names of the attachments whose rows the plan chooses, before they have paths: no other files are fetched.
    fn chosen_files<'r>(
        &self,
        rows: &'r Exploded,
        decoded: &RecordBatch,
        choice: &Restriction,
    ) -> Result<HashSet<(&'r str, &'r str)>> {
        let cells = self.rows(rows, decoded, &Stored::default())?;
        let truths = choice.fulfilled(&self.scan.columns, &cells, rows.positions.len())?;
        let texts = |name: &str| rows.items.as_struct_opt()?.column_by_name(name)?.as_string_opt::<i32>();
        let (Some(ids), Some(names)) = (texts("id"), texts("filename")) else { return Err(no_attachments()) };
        let rows = truths.iter().zip(ids.iter().zip(names));
        Ok(rows
            .filter(|(truth, _)| *truth == Some(true))
            .filter_map(|(_, (id, name))| Some((id?, name.unwrap_or_default())))
            .collect())
    }

    fn rows(&self, rows: &Exploded, decoded: &RecordBatch, stored: &Stored) -> Result<Vec<ArrayRef>> {
        let path_of = |id: &str, filename: &str| stored.path_of(id, filename);
        let column = |column: &Column| match &column.source {
            Source::RecordId => rows.repeated(self.record_ids(decoded)?).ok(),
            Source::BaseId => {
                let base_ids = std::iter::repeat_n(Some(&self.scan.base_id), rows.positions.len());
                Some(Arc::new(base_ids.collect::<StringArray>()) as ArrayRef)
            }
            Source::Fact(fact) => match fact.name.as_str() {
                "field_id" => Some(rows.field_ids.clone()),
                "field" => Some(rows.fields.clone()),
                "position" => Some(rows.positions.clone()),
                "linked_id" => Some(rows.items.clone()),
                "linked_table_id" => Some(linked::table_ids(&rows.field_ids, &self.scan.hidden)),
                "attachment_id" => rows.property("id"),
                "path" => Some(cells::paths(rows.items.as_struct_opt()?, &path_of)),
                name => rows.property(name),
            },
            _ => None,
        };
        self.scan.columns.iter().map(column).collect::<Option<Vec<_>>>().ok_or_else(no_attachments)
    }
}

fn no_batch(error: &ArrowError) -> Error {
    Error::Data(format!("columns that do not make a batch: {error}").into())
}

fn no_attachments() -> Error {
    Error::Data("columns of attachments that are none: install the same wheel on the driver and on every worker".into())
}

#[cfg(test)]
mod tests;

//! The names of linked records, read once for all reads of a connector that need them at about the same time.
//!
//! A linked table is read whole, with its primary field alone: a request for each 100 of its records. Nothing is asked for
//! before a batch has a link to it. Who needs names that another read is just asking for waits for these.
//!
//! Invariant: names are not older than a minute when a read begins to need them, or, where a connector serves one run
//! alone, than that run.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use futures_core::Stream;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::stats::Progress;
use crate::airtable::client::Client;
use crate::error::{Error, Result};
use crate::refine::{Gathering, NameSource, Names, Room, not_kept};
use crate::scan::{LinkedTable, PrimaryField, Scan};

/// How long names are of use to reads that begin to need them.
const YOUNG: Duration = Duration::from_secs(60);

/// What the names of all tables together may take of memory, and those of one of them.
const MEMORY: usize = 64 << 20;
const MEMORY_OF_ONE: usize = MEMORY / 4;

/// The batches of a read.
pub(super) type Rows = Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>;

/// What begins a read, whose requests the progress counts.
pub(super) type Begin = fn(Arc<Client>, Scan, Progress) -> Rows;

struct NoRows;

impl Stream for NoRows {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}

/// A base's id and a table's.
type Place = (String, String);

/// The names that a connector's reads share.
#[derive(Debug)]
pub(crate) struct LinkNames {
    tables: Mutex<HashMap<Place, Arc<Asked>>>,
    /// Names stay as they are as long as the connector lives.
    are_of_one_run: bool,
    begin: Begin,
    room: Arc<Room>,
}

/// A table that was asked for its names.
#[derive(Debug, Default)]
struct Asked {
    names: OnceCell<Told>,
    told_at: OnceLock<Instant>,
}

/// What it said; the error where its names may not be read.
#[derive(Debug, Clone)]
struct Told(Arc<Names>, Option<Error>);

impl LinkNames {
    /// None are known. Those of one run are read once, however long it lasts.
    pub(super) fn new(are_of_one_run: bool, begin: Begin) -> Arc<Self> {
        Arc::new(Self { tables: Mutex::default(), are_of_one_run, begin, room: Room::of(MEMORY) })
    }

    /// For a read that gives no links.
    pub(super) fn none() -> Arc<Self> {
        Self::new(true, |_, _, _| Box::pin(NoRows))
    }

    async fn of(self: &Arc<Self>, read: &NamesOfRead, table: &LinkedTable) -> Result<Told> {
        let place = (read.scan.base_id.clone(), table.id.clone());
        let asked = self.asked(&place);
        let told = asked.names.get_or_try_init(|| self.ask(read, table)).await?.clone();
        if asked.told_at.set(Instant::now()).is_ok() && !self.are_of_one_run {
            forget_later(Arc::downgrade(self), place, Arc::downgrade(&asked));
        }
        Ok(told)
    }

    /// What was asked for before and is young, or under way; else a new question.
    fn asked(&self, place: &Place) -> Arc<Asked> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.are_of_one_run {
            tables.retain(|_, asked| asked.is_young());
        }
        tables.entry(place.clone()).or_default().clone()
    }

    async fn ask(&self, read: &NamesOfRead, table: &LinkedTable) -> Result<Told> {
        let NamesOfRead { client, scan, progress, .. } = read;
        let mut names = Gathering::within(MEMORY_OF_ONE);
        let refusal = match (plan(table, scan), &table.primary_field) {
            (Some(read), Some(primary)) => {
                let rows = (self.begin)(client.clone(), read, progress.beside());
                match gather(rows, primary, &mut names).await {
                    Err(error) if is_refusal(&error) => {
                        // Some of them would look like all.
                        names = Gathering::within(MEMORY_OF_ONE);
                        Some(error)
                    }
                    read => {
                        read?;
                        None
                    }
                }
            }
            _ => Some(Error::NotFound("the base tells of no such table, or of no primary field of it".into())),
        };
        if let Some(error) = refusal.as_ref().filter(|_| !scan.fail_on_bad_value) {
            log::warn!("{}", client.scrub(unreadable(scan, table, error.clone(), ", and are NULL")));
        }
        Ok(Told(Arc::new(names.end(&self.room).map_err(|error| not_kept(&error))?), refusal))
    }

    fn forget(&self, place: &Place, asked: &Arc<Asked>) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.get(place).is_some_and(|there| Arc::ptr_eq(there, asked)) {
            tables.remove(place);
        }
    }
}

/// The names that one read is given.
pub(super) struct NamesOfRead {
    shared: Arc<LinkNames>,
    client: Arc<Client>,
    scan: Scan,
    progress: Arc<Progress>,
    /// By the ids of tables.
    known: Mutex<HashMap<String, Arc<Names>>>,
}

impl NamesOfRead {
    pub(super) fn new(shared: Arc<LinkNames>, client: Arc<Client>, scan: Scan, progress: Arc<Progress>) -> Self {
        Self { shared, client, scan, progress, known: Mutex::default() }
    }

    /// None of them where the table may not be read: a warning has said so, unless the scan is strict.
    async fn of(&self, table: &LinkedTable) -> Result<Arc<Names>> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = known().get(&table.id) {
            return Ok(names.clone());
        }
        let Told(names, refusal) = self.shared.of(self, table).await?;
        if let Some(error) = refusal.filter(|_| self.scan.fail_on_bad_value) {
            return Err(unreadable(&self.scan, table, error, ""));
        }
        known().insert(table.id.clone(), names.clone());
        Ok(names)
    }
}

impl NameSource for NamesOfRead {
    fn names<'s>(&'s self, table: &'s LinkedTable) -> Pin<Box<dyn Future<Output = Result<Arc<Names>>> + Send + 's>> {
        Box::pin(self.of(table))
    }
}

impl Asked {
    fn is_young(&self) -> bool {
        self.told_at.get().is_none_or(|told_at| told_at.elapsed() < YOUNG)
    }
}

/// Frees the memory of names that nobody will be given any more.
fn forget_later(all: Weak<LinkNames>, place: Place, asked: Weak<Asked>) {
    tokio::spawn(async move {
        tokio::time::sleep(YOUNG).await;
        if let (Some(all), Some(asked)) = (all.upgrade(), asked.upgrade()) {
            all.forget(&place, &asked);
        }
    });
}

/// The read of the names of a table that a scan has links to. What narrows the records of the one table does not narrow
/// those of the other.
fn plan(table: &LinkedTable, scan: &Scan) -> Option<Scan> {
    let primary = table.primary_field.as_ref()?;
    Some(Scan {
        version: scan.version,
        page_size: scan.page_size,
        primary_field_id: primary.id.clone(),
        ..Scan::whole(&scan.base_id, &table.id, &table.name, table.columns()?)
    })
}

async fn gather(mut rows: Rows, primary: &PrimaryField, names: &mut Gathering) -> Result<()> {
    while let Some(batch) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
        let batch = batch?;
        let Some(texts) = texts(&batch, primary) else { continue };
        let ids = batch.column(0).as_string::<i32>();
        for (id, name) in ids.iter().zip(texts).filter_map(|(id, name)| Some((id?, name?))) {
            names.put(id, name).map_err(|error| not_kept(&error))?;
        }
    }
    Ok(())
}

/// The names in a batch, which are the cells themselves or a property of them.
fn texts<'b>(batch: &'b RecordBatch, primary: &PrimaryField) -> Option<&'b StringArray> {
    let cells = batch.column(1);
    match primary.property() {
        Some(property) => cells.as_struct_opt()?.column_by_name(property)?.as_string_opt(),
        None => cells.as_any().downcast_ref(),
    }
}

/// The token may not read the table, or there is none: others can be read all the same.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::NotFound(_)) || error.status() == Some(403)
}

fn unreadable(scan: &Scan, table: &LinkedTable, error: Error, so: &str) -> Error {
    error.map_text(|text| {
        format!(
            "table {:?}: the names of records in linked table {:?} cannot be read{so}: {text}; let the token read that \
             table, or leave option links out",
            scan.table_name, table.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tests::scan;

    #[test]
    fn names_that_are_old_are_asked_for_again_but_within_one_run() {
        let place = ("appX".to_owned(), "tblX".to_owned());
        for (are_of_one_run, age, is_shared) in [
            (false, Duration::ZERO, true),
            (false, Duration::from_secs(50), true),
            (false, YOUNG, false),
            (true, YOUNG * 100, true),
        ] {
            // A machine that has just started knows no earlier time.
            let Some(told_at) = Instant::now().checked_sub(age) else { continue };
            let names = LinkNames::new(are_of_one_run, |_, _, _| Box::pin(NoRows));
            let first = names.asked(&place);
            assert!(Arc::ptr_eq(&first, &names.asked(&place)), "it is under way");
            first.told_at.set(told_at).expect("not told");
            assert_eq!(Arc::ptr_eq(&first, &names.asked(&place)), is_shared, "{are_of_one_run} {age:?}");
        }
    }

    #[test]
    fn what_nobody_will_be_given_is_forgotten() {
        let place = ("appX".to_owned(), "tblX".to_owned());
        let names = LinkNames::new(false, |_, _, _| Box::pin(NoRows));
        let first = names.asked(&place);
        names.forget(&place, &Arc::default());
        assert!(Arc::ptr_eq(&first, &names.asked(&place)), "another question");
        names.forget(&place, &first);
        assert!(!Arc::ptr_eq(&first, &names.asked(&place)));
    }

    #[test]
    fn what_narrows_a_table_does_not_narrow_the_names_of_what_it_links() {
        let primary_field = Some(PrimaryField { id: "fldCode".into(), kind: "singleLineText".into() });
        let table = LinkedTable { id: "tblParts".into(), name: "Parts".into(), primary_field };
        let all = scan(&[]);
        let (view_id, filter_formula) = (Some("viwX".to_owned()), Some("{Name}".to_owned()));
        let narrow = Scan {
            view_id,
            filter_formula,
            max_records: Some(5),
            fail_on_bad_value: true,
            selection: crate::scan::Selection::Listed(crate::scan::Listed::default()),
            linked: vec![table.clone()],
            others: vec![all.clone()],
            ..all.clone()
        };
        let names = plan(&table, &narrow).expect("known");
        assert_eq!(plan(&table, &all).as_ref(), Some(&names));
        assert_eq!((names.table_id.as_str(), names.field_ids()), ("tblParts", vec!["fldCode"]));
        assert!(names.is_plain() && !names.fail_on_bad_value);
        assert_eq!(plan(&LinkedTable { primary_field: None, ..table }, &all), None);
    }
}

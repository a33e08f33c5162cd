//! The product in one page: [`LakeflowConnect`], what a source offers, and [`AirtableConnector`], which offers it.
//!
//! One direction: options -> [`Scan`] -> [`Batches`] -> `RecordBatch`. A scan is planned once, on the driver; whoever holds
//! one and the connection's options, on whatever machine, reads the same columns.
//!
//! | file | is |
//! |---|---|
//! | `namespaces` | which bases a read names, and what several of them say of their tables |

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use reqwest::Method;

use crate::airtable::budget::BudgetState;
use crate::airtable::client::Client;
use crate::airtable::failure::Purpose;
use crate::airtable::request::Request;
use crate::airtable::schema::{Account, Base, Bases, Table, Tables, Webhooks};
use crate::changes::{Lists, SETTLED_SECONDS, Stream, no_date};
use crate::error::{Error, Result};
use crate::options::{Connection, IngestionType, ReadOptions, TablePart};
use crate::read::cursor::Cursor;
use crate::read::{Batches, LinkNames, Size, ask_sizes};
use crate::scan::{Naming, Part, Scan, TableDefinition, dictionary, find_table, union};
use crate::time::{Seconds, micros};

mod namespaces;

use namespaces::{Named, find_base, is_base_id};

/// A source of tables for Spark and Lakeflow.
///
/// Futures do nothing before they are awaited, in a tokio runtime, and stop what they do when dropped.
///
/// Whatever is read, now or change by change, is read through a [`Scan`]: a [`Stream`] plans a range of changes (a start
/// offset and an end offset) into a scan as well, so that [`LakeflowConnect::read`] serves batch, stream and library alike.
pub trait LakeflowConnect: Send + Sync {
    /// The namespaces, where the connection does not fix one: for Airtable, the bases that the token sees.
    ///
    /// # Errors
    /// [`Error::Auth`], [`Error::RateLimit`], [`Error::Transport`], [`Error::Data`], here and in every method that sends
    /// requests.
    fn list_namespaces(&self) -> impl Future<Output = Result<Vec<Base>>> + Send;

    /// The names of the tables in a namespace; `None` is the one that the connection fixes.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown namespace; [`Error::Option`] where none is given, or two are.
    fn list_tables(&self, namespace: Option<&str>) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// Plans a read: one request, for the table's definition.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown namespace, table, view or field, with the nearest names; [`Error::Option`] for
    /// what cannot be read so.
    fn plan(&self, read: &ReadOptions) -> impl Future<Output = Result<Scan>> + Send;

    /// The Arrow schema of a read's batches: that of its plan.
    ///
    /// # Errors
    /// As [`LakeflowConnect::plan`].
    fn table_schema(&self, read: &ReadOptions) -> impl Future<Output = Result<SchemaRef>> + Send {
        let plan = self.plan(read);
        async move { Ok(plan.await?.schema()) }
    }

    /// What a pipeline needs to know to keep a copy of a table.
    ///
    /// # Errors
    /// As [`LakeflowConnect::plan`], but for views and fields, which are not looked at.
    fn table_metadata(&self, read: &ReadOptions) -> impl Future<Output = Result<TableMetadata>> + Send;

    /// The changes of a planned table: how far they go, and the plans that read them range by range. Nothing is asked for
    /// before one of its methods is called.
    ///
    /// # Errors
    /// [`Error::Option`] for a plan of snapshots, or of a number of records.
    fn stream(&self, plan: Scan, read: &ReadOptions) -> Result<Stream>;

    /// The record batches of a plan, page by page. Nothing is asked for before the first batch is.
    fn read(&self, scan: Scan) -> Batches;
}

/// What a pipeline needs to know to keep a copy of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableMetadata {
    /// The columns that identify a row.
    pub primary_keys: Vec<String>,
    /// The column that orders versions of a row, where there are versions.
    pub cursor_field: Option<String>,
    /// What a read of the table gives; of a log of changes, which is appended to, [`IngestionType::Append`].
    pub ingestion_type: IngestionType,
}

/// Airtable as a source.
#[derive(Debug)]
pub struct AirtableConnector {
    client: Arc<Client>,
    connection: Connection,
    /// Definitions by base, for questions that their age does not matter to, and for plans that are made together.
    known_tables: Mutex<HashMap<String, Told>>,
    /// Ids of bases by the names under which they were asked for.
    known_bases: Mutex<HashMap<String, String>>,
    /// All of them, where they were listed for a read of several.
    listed_bases: Mutex<Option<Arc<Vec<Base>>>>,
    /// Webhooks by base, for streams that are asked together.
    known_webhooks: Lists,
    /// Names of linked records, for reads at about the same time.
    names: Arc<LinkNames>,
}

/// The tables of a base, and the service's time when they were told; none where that is not known.
#[derive(Debug, Clone)]
struct Told(Arc<Vec<Table>>, Option<Seconds>);

impl AirtableConnector {
    /// Makes the connection pool; no request.
    ///
    /// # Errors
    /// [`Error::Transport`] where the machine has no certificates to check servers by.
    pub fn new(connection: Connection) -> Result<Self> {
        let client = Arc::new(Client::new(connection.clone())?);
        let (known_tables, known_bases, known_webhooks) = (Mutex::default(), Mutex::default(), Lists::default());
        let (listed_bases, names) = (Mutex::default(), Batches::names(false));
        Ok(Self { client, connection, known_tables, known_bases, listed_bases, known_webhooks, names })
    }

    /// The same for reads that belong together, such as those of one run over many tables: the names of a linked table's
    /// records are read once for all of them, however long the run lasts. Without it reads share names that are a minute
    /// old at most.
    #[must_use]
    pub fn of_one_run(self) -> Self {
        Self { names: Batches::names(true), ..self }
    }

    /// As [`LakeflowConnect::plan`], but from what was told last, where that has the table: for reads that are planned
    /// together, which then cost one request for each base.
    ///
    /// # Errors
    /// As [`LakeflowConnect::plan`].
    pub async fn plan_cached(&self, read: &ReadOptions) -> Result<Scan> {
        if let Some(scan) = self.planned_definitions(read, true).await? {
            return Ok(scan);
        }
        if !read.bases.is_empty() {
            return self.plan_several(read, true).await;
        }
        let (base_id, tables) = self.known(read).await?;
        Self::planned(&base_id, &tables, read)
    }

    /// The tables of every base that the token sees, where the connection fixes none: by name, and by id where several
    /// have the name.
    ///
    /// # Errors
    /// As [`LakeflowConnect::list_tables`].
    pub async fn list_tables_of_all(&self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for base in self.list_namespaces().await? {
            all.extend(self.tables(&base.id).await?.0.iter().map(|table| (table.id.clone(), table.name.clone())));
        }
        let mut count: HashMap<String, u32> = HashMap::new();
        for (_, name) in &all {
            *count.entry(name.clone()).or_default() += 1;
        }
        Ok(all.into_iter().map(|(id, name)| if count[&name] > 1 { id } else { name }).collect())
    }

    /// How many records a plan reads of each base: counted where they are few, and guessed from a share of them otherwise.
    /// One request for a table of one page, at most five for any.
    ///
    /// # Errors
    /// As [`LakeflowConnect::list_namespaces`].
    pub async fn estimate_records(&self, scan: &Scan) -> Result<Vec<Size>> {
        ask_sizes(&self.client, scan).await
    }

    /// The bases that the token sees and of which something can be read, also where the connection fixes one: one request
    /// for each 1,000 of them.
    ///
    /// # Errors
    /// As [`LakeflowConnect::list_namespaces`].
    pub async fn list_bases(&self) -> Result<Vec<Base>> {
        self.bases().await
    }

    /// The definitions of a base's tables, with columns named as a read with these options names them: one request. The
    /// base is that of the connection, or the namespace of the options.
    ///
    /// # Errors
    /// As [`LakeflowConnect::list_tables`].
    pub async fn definitions(&self, read: &ReadOptions) -> Result<Vec<TableDefinition>> {
        check_one(read)?;
        let base_id = self.base_id(read.namespace.as_deref()).await?;
        let Told(tables, _) = self.tables(&base_id).await?;
        let naming = Naming::of(read);
        Ok(tables.iter().map(|table| TableDefinition::new(table, &naming)).collect())
    }

    /// The names of the tables of the bases that a read names: each once, in the order of the bases.
    ///
    /// # Errors
    /// As [`LakeflowConnect::list_tables`].
    pub async fn list_tables_of(&self, read: &ReadOptions) -> Result<Vec<String>> {
        if read.bases.is_empty() {
            return self.list_tables(read.namespace.as_deref()).await;
        }
        let (mut names, mut met) = (Vec::new(), HashSet::new());
        for base in self.told(read, false).await? {
            let new = base
                .tables?
                .iter()
                .map(|table| table.name.clone())
                .filter(|name| met.insert(name.clone()))
                .collect::<Vec<_>>();
            names.extend(new);
        }
        Ok(names)
    }

    /// Whose token it is: one request, for which a token needs no scope.
    ///
    /// # Errors
    /// As [`LakeflowConnect::list_namespaces`].
    pub async fn account(&self) -> Result<Account> {
        self.client.json(&Request::account()).await
    }

    /// How many webhooks a base has: one request, which shows whether the token may manage them.
    ///
    /// # Errors
    /// As [`LakeflowConnect::list_tables`].
    pub async fn webhook_count(&self, base_id: &str) -> Result<usize> {
        Ok(self.client.json::<Webhooks>(&Request::webhooks(base_id)).await?.webhooks.len())
    }

    /// The budget of a base, which all processes of the machine share, as it is now.
    pub fn budget(&self, base_id: &str) -> BudgetState {
        self.client.budget_state(base_id)
    }

    /// How many requests this connector has sent, to all bases.
    pub fn requests(&self) -> u64 {
        self.client.requests()
    }

    /// The calls to a base in this month of UTC by all programs of this machine that use this crate, as far as they are
    /// known; none where the directory for temporary files holds no file of them. Airtable counts more: what other machines
    /// and programs send.
    pub fn calls_this_month(&self, base_id: &str) -> Option<u64> {
        self.client.calls(base_id).this_month()
    }

    /// Those of which something can be read.
    async fn bases(&self) -> Result<Vec<Base>> {
        let (mut bases, mut ids, mut cursor) = (Vec::new(), HashSet::new(), Cursor::of("base"));
        while cursor.has_more {
            let request = Request {
                purpose: Purpose::Bases,
                method: Method::GET,
                path: vec!["meta".into(), "bases".into()],
                query: cursor.offset.iter().map(|offset| ("offset", offset.clone())).collect(),
                body: None,
                base_id: None,
            };
            let name = self.client.name(&request);
            let about = |error: Error| error.map_text(|text| format!("{name}: {text}")).of_request(name.clone());
            match self.client.try_json::<Bases>(&request).await? {
                Ok(page) => {
                    let known = ids.len();
                    let new = page.bases.into_iter().filter(|base| ids.insert(base.id.clone()));
                    bases.extend(new.filter(Base::is_open));
                    cursor.pass(page.offset, ids.len() - known, 0).map_err(about)?;
                }
                Err(failure) if failure.is_expired_cursor() && cursor.offset.is_some() => {
                    cursor.restart(ids.len(), "try again later").map_err(about)?;
                }
                Err(failure) => return Err(self.client.error(&request, &failure)),
            }
        }
        Ok(bases)
    }

    async fn tables(&self, base_id: &str) -> Result<Told> {
        let tables = Arc::new(self.client.json::<Tables>(&Request::tables(base_id)).await?.tables);
        let told = Told(tables, self.client.now());
        let mut known = self.known_tables.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(base_id.to_owned(), told.clone());
        Ok(told)
    }

    /// The base that a namespace, or the connection, names.
    async fn base_id(&self, namespace: Option<&str>) -> Result<String> {
        match (&self.connection.base_id, namespace) {
            (Some(id), None) => Ok(id.clone()),
            (Some(id), Some(namespace)) if namespace.trim() == id => Ok(id.clone()),
            (Some(id), Some(name)) if !is_base_id(name.trim()) && self.is_named(id, name).await? => Ok(id.clone()),
            (Some(id), Some(namespace)) => Err(Error::Option(format!(
                "option namespace is {namespace:?}, but option base_id fixes the base {id}: give one of them only"
            ).into())),
            (None, Some(name)) if is_base_id(name.trim()) => Ok(name.trim().to_owned()),
            (None, Some(name)) => self.base_named(name).await,
            (None, None) => Err(Error::Option(
                "neither option base_id nor option namespace is given: name the base to read, as option base_id app... or \
                 as option namespace [\"app...\"]"
                    .into(),
            )
            .of_option("base_id")),
        }
    }

    /// Whether the base has this name, which others may have too.
    async fn is_named(&self, id: &str, name: &str) -> Result<bool> {
        Ok(self.bases().await?.iter().any(|base| base.id == id && base.name == name))
    }

    async fn base_named(&self, name: &str) -> Result<String> {
        let bases = self.bases().await?;
        let id = find_base(&bases, name)?.id.clone();
        let mut known = self.known_bases.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), id.clone());
        Ok(id)
    }

    /// The base of a read, as its name was told last.
    async fn known_base_id(&self, read: &ReadOptions) -> Result<String> {
        let known = |name: &str| self.known_bases.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        match read.namespace.as_deref().filter(|_| self.connection.base_id.is_none()).and_then(known) {
            Some(base_id) => Ok(base_id),
            None => self.base_id(read.namespace.as_deref()).await,
        }
    }

    /// The base of a read and its tables as they were told last; asked for where the read's table is not among them.
    async fn known(&self, read: &ReadOptions) -> Result<(String, Told)> {
        let wanted = table_option(read)?;
        let base_id = self.known_base_id(read).await?;
        let known = self.known_tables.lock().unwrap_or_else(PoisonError::into_inner).get(&base_id).cloned();
        let tables = match known.filter(|tables| find_table(&tables.0, wanted, &base_id).is_ok()) {
            Some(tables) => tables,
            None => self.tables(&base_id).await?,
        };
        Ok((base_id, tables))
    }

    /// The ids of the bases of a read of several: one request for the list of bases where names, or all of them, are to be
    /// known.
    async fn base_ids(&self, read: &ReadOptions, is_cached: bool) -> Result<Vec<String>> {
        let named = Named::of(&read.bases);
        let known = self.listed_bases.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let listed = match known.filter(|_| is_cached) {
            _ if !named.needs_list() => Arc::default(),
            Some(known) => known,
            None => Arc::new(self.bases().await?),
        };
        if named.needs_list() {
            *self.listed_bases.lock().unwrap_or_else(PoisonError::into_inner) = Some(listed.clone());
        }
        named.ids(&listed)
    }

    /// What each base of a read of several says of its tables: one request for a base, side by side, besides those for their
    /// ids.
    async fn told(&self, read: &ReadOptions, is_cached: bool) -> Result<Vec<union::Told>> {
        let named = Named::of(&read.bases);
        let ids = self.base_ids(read, is_cached).await?;
        let mut known = HashMap::new();
        if is_cached {
            let tables = self.known_tables.lock().unwrap_or_else(PoisonError::into_inner);
            known.extend(tables.iter().map(|(id, Told(tables, _))| (id.clone(), tables.clone())));
            drop(tables);
            let has = |id: &str, tables: &[Table]| {
                read.table.as_deref().is_none_or(|wanted| find_table(tables, wanted, id).is_ok())
            };
            known.retain(|id, tables| named.are_all() || has(id, tables));
        }
        let before: HashSet<String> = known.keys().cloned().collect();
        let told = namespaces::ask(&self.client, ids, known).await?;
        let now = self.client.now();
        let new = told.iter().filter(|base| !before.contains(&base.base_id));
        let new = new.filter_map(|base| Some((base.base_id.clone(), Told(base.tables.as_ref().ok()?.clone(), now))));
        self.known_tables.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
        Ok(told)
    }

    async fn plan_several(&self, read: &ReadOptions, is_cached: bool) -> Result<Scan> {
        let wanted = table_option(read)?;
        union::plan(&self.told(read, is_cached).await?, wanted, read)
    }

    /// The plan of a table that is none of Airtable's, where the options name one. The columns are the same in every base, so
    /// that no definition is asked for.
    async fn planned_definitions(&self, read: &ReadOptions, is_cached: bool) -> Result<Option<Scan>> {
        let Some(part) = Part::of_table(table_option(read)?) else { return Ok(None) };
        if !read.bases.is_empty() {
            return union::plan_definitions(&self.base_ids(read, is_cached).await?, part, read).map(Some);
        }
        let base_id =
            if is_cached { self.known_base_id(read).await? } else { self.base_id(read.namespace.as_deref()).await? };
        dictionary::plan(&base_id, part, read).map(Some)
    }

    fn planned(base_id: &str, Told(tables, told): &Told, read: &ReadOptions) -> Result<Scan> {
        let table = find_table(tables, table_option(read)?, base_id)?;
        let scan = Scan::new(base_id, table, read)?.with_linked(tables);
        if read.ingestion_type == IngestionType::Snapshot {
            return Ok(scan);
        }
        // Of what is read as a batch no more is known than that it was so before now. The table had no other fields when it
        // was told, and may have some by now.
        Ok(Scan { changed_at: micros(told.ok_or_else(no_date)? - SETTLED_SECONDS), ..scan })
    }
}

fn check_one(read: &ReadOptions) -> Result<()> {
    if read.bases.is_empty() {
        return Ok(());
    }
    Err(Error::Option(
        "option namespace names several bases, and definitions are those of one: name one of them".into(),
    ))
}

/// The columns that name a row of a table's part, or of the same table of several bases.
pub fn primary_keys(table: &str, part: TablePart, is_of_several: bool) -> Vec<String> {
    let keys = Part::of_table(table).unwrap_or_else(|| Part::of_option(part)).keys().iter().copied();
    keys.chain(is_of_several.then_some("_base_id")).map(str::to_owned).collect()
}

fn table_option(read: &ReadOptions) -> Result<&str> {
    read.table
        .as_deref()
        .ok_or_else(|| Error::Option("option tableName is missing: give a table's name or its tbl... id".into()))
}

impl LakeflowConnect for AirtableConnector {
    async fn list_namespaces(&self) -> Result<Vec<Base>> {
        if self.connection.base_id.is_some() {
            return Ok(Vec::new());
        }
        self.bases().await
    }

    async fn list_tables(&self, namespace: Option<&str>) -> Result<Vec<String>> {
        let base_id = self.base_id(namespace).await?;
        let Told(tables, _) = self.tables(&base_id).await?;
        Ok(tables.iter().map(|table| table.name.clone()).collect())
    }

    async fn plan(&self, read: &ReadOptions) -> Result<Scan> {
        if let Some(scan) = self.planned_definitions(read, false).await? {
            return Ok(scan);
        }
        if !read.bases.is_empty() {
            return self.plan_several(read, false).await;
        }
        let base_id = self.base_id(read.namespace.as_deref()).await?;
        Self::planned(&base_id, &self.tables(&base_id).await?, read)
    }

    async fn table_metadata(&self, read: &ReadOptions) -> Result<TableMetadata> {
        let table = table_option(read)?;
        let primary_keys = primary_keys(table, read.part, !read.bases.is_empty());
        if Part::of_table(table).is_some() {
            self.planned_definitions(read, true).await?;
        } else if read.bases.is_empty() {
            let (base_id, tables) = self.known(read).await?;
            find_table(&tables.0, table, &base_id)?;
        } else {
            self.plan_several(read, true).await?;
        }
        let cursor_field = match read.ingestion_type {
            IngestionType::Snapshot => None,
            IngestionType::Cdc | IngestionType::CdcWithDeletes | IngestionType::ChangeLog => {
                Some("_changed_at".to_owned())
            }
            IngestionType::Append => Some("createdTime".to_owned()),
        };
        // For whoever keeps it, a log is a table to which rows are appended.
        let (primary_keys, ingestion_type) = match read.ingestion_type {
            IngestionType::ChangeLog => {
                (["transaction", "id", "change", "field_id"].map(str::to_owned).to_vec(), IngestionType::Append)
            }
            ingestion_type => (primary_keys, ingestion_type),
        };
        Ok(TableMetadata { primary_keys, cursor_field, ingestion_type })
    }

    fn stream(&self, plan: Scan, read: &ReadOptions) -> Result<Stream> {
        if !plan.part.is_records() {
            let (what, why) = plan.part.has_no_changes();
            let table = &plan.table_name;
            return Err(Error::Option(
                format!("{what} of table {table:?} cannot be streamed: {why}: read them as a batch").into(),
            ));
        }
        if !plan.others.is_empty() {
            return Err(Error::Option(
                "option namespace names several bases, whose changes go their own ways: read them as a batch, or stream \
                 each by itself"
                    .into(),
            ));
        }
        Stream::new(self.client.clone(), self.known_webhooks.clone(), plan, read.clone())
    }

    fn read(&self, scan: Scan) -> Batches {
        Batches::new(self.client.clone(), self.names.clone(), scan)
    }
}

//! The resolved plan of a read: which table of which base, which columns in which form. Made once, on the driver.
//!
//! A [`Scan`] holds no token and opens nothing; it is printed, compared, stored and sent to workers as JSON. Because the
//! schema is in it, a worker cannot see another schema than the one that was planned with.
//!
//! | file | is |
//! |---|---|
//! | `columns` | the columns of a read, and where their values come from |
//! | `attachment_form`, `attachments` | the forms in which attachments are given, and the part of a table that they are |
//! | `chosen` | which table, view and fields a read is of, and which fields a condition may name |
//! | `comments` | the columns of comments |
//! | `part` | what the rows are of |
//! | `links`, `linked` | links as fields have them, and the tables that they lead to |
//! | `names` | what the columns are called |
//! | `definitions` | what users are told of a base's tables |
//! | `dictionary` | the virtual tables whose rows are these definitions |
//! | `log` | what the columns of a log of changes are, and the fields that it names |
//! | `lookup` | what users name, and what has that name |
//! | `projection` | which columns a user's schema wants, and as what |
//! | `selection` | which records are read |
//! | `restriction`, `conditions` | what the rows fulfil, and plans of which it is asked |
//! | `union` | several bases' plans as one |
//! | `version` | the forms that plans have |

use std::borrow::Cow;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::airtable::schema::Table;
use crate::error::{Error, Result};
use crate::id::{is_id, no_id};
use crate::options::{IngestionType, ReadOptions, TablePart};
use crate::scan::chosen::{find_view, nameable, selected};
use crate::scan::names::{LONGEST, OWN};
use crate::scan::version::{VERSION, VERSION_OF_LOG, VERSION_OF_REFINED};
use crate::time::Micros;

mod attachment_form;
mod attachments;
mod chosen;
mod columns;
mod comments;
mod conditions;
mod definitions;
pub(crate) mod dictionary;
mod linked;
mod links;
mod log;
mod lookup;
mod names;
mod part;
mod projection;
mod restriction;
pub(crate) mod selection;
pub(crate) mod union;
mod version;

pub use attachment_form::AttachmentForm;
pub(crate) use chosen::find_table;
pub(crate) use columns::shape_of;
pub use columns::{Column, Fact, FieldSource, Source};
pub use definitions::{FieldDefinition, TableDefinition, ViewDefinition};
pub use linked::{LinkedTable, PrimaryField};
pub use links::NamedLinks;
pub use log::{LogColumn, LoggedField};
pub use names::Naming;
#[cfg(feature = "python")]
pub(crate) use names::snake;
pub use part::Part;
pub use restriction::Restriction;
pub use selection::{Listed, Moment, PayloadRange, Selection, Window};

/// Records in one request, at most.
const MOST_RECORDS: u32 = 100;

/// A resolved plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
// Plain facts, each by its name in the plan's JSON.
#[allow(clippy::struct_excessive_bools)]
pub struct Scan {
    pub(crate) version: u32,
    /// `app...`.
    pub base_id: String,
    /// `tbl...`.
    pub table_id: String,
    /// For messages.
    pub table_name: String,
    /// What the base's makers wrote about the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `viw...`.
    pub view_id: Option<String>,
    /// Airtable formula.
    pub filter_formula: Option<String>,
    /// What the rows fulfil, which is decided once they are decoded.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub restriction: Option<Restriction>,
    /// What the rows fulfil where they are no records, which is decided once they are complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Restriction>,
    /// Stop after this many records, or rows where there is a choice, of those that fulfil the condition.
    pub max_records: Option<u64>,
    /// Records in one request.
    pub page_size: u32,
    /// Stop at a value that does not fit.
    pub fail_on_bad_value: bool,
    /// The table's primary field: asked for where no column needs a field, because asking for none asks for all.
    pub primary_field_id: String,
    /// What the rows are of.
    #[serde(default, skip_serializing_if = "Part::is_default")]
    pub part: Part,
    /// How reads call the columns that the rows tell of.
    #[serde(default, skip_serializing_if = "Naming::is_default")]
    pub naming: Naming,
    /// In the order of the schema.
    pub columns: Vec<Column>,
    /// Read besides, for what becomes of the rows before they are given, and given to nobody. No field is in both lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Column>,
    /// The tables that hold the names of linked records, where these are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<LinkedTable>,
    /// Directory for the files of attachments that columns give as stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment_location: Option<String>,
    /// Every field of the table has its column, so that a new field would need one too.
    pub has_all_fields: bool,
    /// What reads of the table give.
    pub ingestion_type: IngestionType,
    /// Which records.
    #[serde(rename = "extent")]
    pub selection: Selection,
    /// When the records changed, as far as neither they nor the selection tell.
    pub changed_at: Micros,
    /// No row is older than this, whatever a field tells: what comes again because of new fields is to replace what came
    /// before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub changed_from: Micros,
    /// Only records that are gone are rows; the others are read to know that they are not.
    pub only_gone: bool,
    /// Records that are gone are no rows: another stream tells of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaves_out_gone: bool,
    /// Where the ids of all records are noted, for change reads that need them.
    pub known_ids: Option<KnownIds>,
    /// The fields that a log of changes names; empty for every other read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logged: Vec<LoggedField>,
    /// The same read of the same table in other bases, with the same columns. Their rows come among those of this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Scan>,
}

/// Files with ids of records, one directory for each stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownIds {
    /// The directory, which driver and workers share.
    pub directory: String,
    /// The file for the ids of this read.
    pub file: String,
    /// Records in other files of the directory that this read does not give have vanished, and are given as such.
    pub tell_vanished: bool,
}

impl Scan {
    /// Plans a read of a table.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a view or field that the table does not have; [`Error::Option`] for a name of the rescued
    /// data column that another column has; [`Error::Data`] for a definition that lacks what the read needs.
    pub(crate) fn new(base_id: &str, table: &Table, options: &ReadOptions) -> Result<Self> {
        let rescued = options.rescued_data_column.as_deref().unwrap_or_default();
        if OWN.iter().any(|own| *own != "_rescued_data" && own.eq_ignore_ascii_case(rescued)) {
            return Err(Error::Option(
                format!("option rescued_data_column is {rescued:?}: another column has this name").into(),
            ));
        }
        if rescued.chars().nth(LONGEST).is_some() {
            return Err(Error::Option(
                format!(
                    "option rescued_data_column has {} characters: give a name of at most {LONGEST}",
                    rescued.chars().count()
                )
                .into(),
            ));
        }
        table.check()?;
        let view = options.view.as_deref().map(|wanted| find_view(table, wanted)).transpose()?;
        let fields = selected(table, options)?;
        let is_log = options.ingestion_type == IngestionType::ChangeLog;
        let is_of_records = options.part == TablePart::Records && !is_log;
        let (condition, choice) = match options.condition.as_deref() {
            condition if is_of_records => (condition, None),
            condition => (None, condition),
        };
        let restriction = match condition {
            Some(text) => restriction::of_bases(text, &[nameable(table, options)])?.pop(),
            None => None,
        };
        let columns =
            if is_log { columns::log_columns(options.nested) } else { columns::columns(table, &fields, options) };
        let version = if restriction.is_some() { VERSION_OF_REFINED } else { VERSION };
        let scan = Self {
            version: if is_log { VERSION_OF_LOG } else { version },
            description: table.description.clone().filter(|text| !text.is_empty()),
            view_id: view.map(|view| view.id.clone()),
            filter_formula: options.filter_formula.clone(),
            restriction,
            max_records: options.max_records,
            page_size: options.page_size,
            fail_on_bad_value: options.fail_on_bad_value,
            primary_field_id: table.primary_field_id.clone(),
            has_all_fields: options.fields.is_none(),
            ingestion_type: options.ingestion_type,
            only_gone: options.deletes_only,
            logged: if is_log { fields.into_iter().map(LoggedField::from).collect() } else { Vec::new() },
            ..Self::whole(base_id, &table.id, &table.name, columns)
        };
        scan.with_part(table, options)?.choosing(choice)
    }

    /// The plan of a snapshot of all rows of a table, which nothing narrows: what other plans begin with.
    pub(crate) fn whole(base_id: &str, table_id: &str, table_name: &str, columns: Vec<Column>) -> Self {
        Self {
            version: VERSION,
            base_id: base_id.to_owned(),
            table_id: table_id.to_owned(),
            table_name: table_name.to_owned(),
            description: None,
            view_id: None,
            filter_formula: None,
            restriction: None,
            choice: None,
            max_records: None,
            page_size: MOST_RECORDS,
            fail_on_bad_value: false,
            primary_field_id: String::new(),
            part: Part::Records,
            naming: Naming::default(),
            columns,
            hidden: Vec::new(),
            linked: Vec::new(),
            attachment_location: None,
            has_all_fields: false,
            ingestion_type: IngestionType::Snapshot,
            selection: Selection::All,
            changed_at: 0,
            changed_from: 0,
            only_gone: false,
            leaves_out_gone: false,
            known_ids: None,
            logged: Vec::new(),
            others: Vec::new(),
        }
    }

    /// The plan with what options say of its rows and of attachments.
    fn with_part(self, table: &Table, options: &ReadOptions) -> Result<Self> {
        let scan = match options.part {
            TablePart::Records => self,
            TablePart::Comments => Self { part: Part::Comments, columns: comments::columns(options), ..self },
            TablePart::Links => {
                let (columns, hidden) = linked::part(self.columns.clone(), table, options)?;
                self.of_cells(Part::Links, columns, hidden)
            }
            TablePart::Attachments => {
                let (columns, hidden) = attachments::part(self.columns.clone(), table, options)?;
                self.of_cells(Part::Attachments, columns, hidden)
            }
        };
        let version = if scan.is_plain() { scan.version } else { scan.version.max(VERSION_OF_REFINED) };
        Ok(Self { version, attachment_location: options.attachment_location.clone(), ..scan })
    }

    /// The plan whose rows are what stands in the cells of hidden columns, of which the first is the record's id.
    fn of_cells(self, part: Part, columns: Vec<Column>, hidden: Vec<Column>) -> Self {
        // Where there is no such field there is nothing to ask for.
        let has_none = hidden.len() == 1;
        let selection = if has_none { Selection::Listed(Listed::default()) } else { self.selection };
        Self { part, columns, hidden, selection, ..self }
    }

    /// Reads a plan that [`Scan::to_json`] wrote.
    ///
    /// # Errors
    /// [`Error::Data`] where it is none, or one of a newer version.
    pub fn from_json(text: &str) -> Result<Self> {
        let none = |error: serde_json::Error| Error::Data(format!("not a plan of a read: {error}").into());
        let plan: Value = serde_json::from_str(text).map_err(none)?;
        version::check(&plan["version"])?;
        let plan: Self = serde_json::from_value(plan).map_err(none)?;
        plan.check_ids()?;
        plan.others.iter().try_for_each(Self::check_ids)?;
        Ok(plan)
    }

    /// The plan as JSON: no secret is in it.
    pub fn to_json(&self) -> String {
        json!(self).to_string()
    }

    /// The Arrow schema of every batch, with each field's Airtable id, name, type and description as metadata.
    pub fn schema(&self) -> SchemaRef {
        columns::arrow_schema(&self.columns)
    }

    /// The schema as Spark writes a `StructType` in JSON.
    pub fn spark_schema(&self) -> String {
        columns::spark_schema(&self.columns)
    }

    /// The plan with the tables that its links are named by, out of those of the base.
    #[must_use]
    pub(crate) fn with_linked(self, tables: &[Table]) -> Self {
        let linked = linked::linked_tables(&self.columns, tables);
        if linked.is_empty() { self } else { Self { version: self.version.max(VERSION_OF_REFINED), linked, ..self } }
    }

    /// Whether what pages are read into is what is given.
    pub(crate) fn is_plain(&self) -> bool {
        let is_changed = |column: &Column| column.attachments().is_some() || column.links().is_some();
        let has_tacit = self.restriction.as_ref().is_some_and(|about| about.tacit(&self.columns).next().is_some());
        self.part.is_records() && self.hidden.is_empty() && !has_tacit && !self.columns.iter().any(is_changed)
    }

    /// The scan whose columns are those that pages are read into: those that are given, where rows are records, those that
    /// are hidden, and those that only the condition is about.
    pub(crate) fn decoded(&self) -> Cow<'_, Self> {
        if self.is_plain() {
            return Cow::Borrowed(self);
        }
        let given = self.columns.iter().filter(|_| self.part.is_records());
        let mut columns: Vec<Column> = given.chain(&self.hidden).map(Column::decoded).collect();
        if self.attachment_location.is_some() && !columns.iter().any(|column| column.source == Source::RecordId) {
            // A file is asked for anew by its record.
            columns.push(Column::new("id", false, Source::RecordId));
        }
        let tacit: Vec<Column> = self.restriction.iter().flat_map(|about| about.tacit(&columns)).collect();
        columns.extend(tacit);
        Cow::Owned(Self { columns, hidden: Vec::new(), part: Part::Records, ..self.clone() })
    }

    /// The plan with the columns of a user's schema only, in its order; given as Spark's JSON of a `StructType`. Besides
    /// its own type a column can be read as STRING, a DOUBLE as BIGINT, a BIGINT as DOUBLE.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a column that the table does not have; [`Error::Option`] for a type that a column cannot be
    /// read as.
    pub fn select(&self, spark_schema: &str) -> Result<Self> {
        let columns = projection::columns(&self.table_name, &self.columns, spark_schema)?;
        let has_all_fields = self.has_all_fields && columns == self.columns;
        let others = self.others.iter().map(|other| other.select(spark_schema)).collect::<Result<_>>()?;
        Ok(Self { columns, has_all_fields, others, ..self.clone() })
    }

    /// A plan for each base, in their order; this one where there is one base only.
    #[must_use]
    pub fn bases(&self) -> Vec<Self> {
        let own = Self { others: Vec::new(), ..self.clone() };
        std::iter::once(own).chain(self.others.iter().cloned()).collect()
    }

    /// The plan that ends after so many records, or earlier where this one does.
    #[must_use]
    pub fn head(&self, max_records: u64) -> Self {
        let max_records = Some(self.max_records.map_or(max_records, |most| most.min(max_records)));
        Self { max_records, ..self.clone() }
    }

    /// The plan whose streams leave deletes to a stream of deletes alone; that one's plan is given back as it is.
    #[must_use]
    pub fn without_deletes(&self) -> Self {
        Self { leaves_out_gone: !self.only_gone, ..self.clone() }
    }

    /// Whether the plan can be read as a batch: a log of changes is read range by range only.
    ///
    /// # Errors
    /// [`Error::Option`] where it cannot.
    pub fn check_batch(&self) -> Result<()> {
        if !self.is_log() || self.selection != Selection::All {
            return Ok(());
        }
        Err(Error::Option(
            "option ingestion_type is change_log, which is a stream of what changes from now on and no table that can be read: \
             read it by readStream, changes, ingest or sync"
                .into(),
        ))
    }

    /// Ids of a plan become parts of addresses and formulas.
    fn check_ids(&self) -> Result<()> {
        let listed = match &self.selection {
            Selection::Listed(listed) => Some(listed.present.iter().chain(&listed.gone)),
            _ => None,
        };
        let records = listed.into_iter().flatten().map(|(id, _)| id);
        let webhook = match &self.selection {
            Selection::Payloads(range) => Some(&range.webhook_id),
            _ => None,
        };
        let linked = self.linked.iter().map(|table| &table.id);
        // The tables that are none of Airtable's have names of ours.
        let table = Some(&self.table_id).filter(|id| self.part.table() != Some(id.as_str()));
        let mut ids = [&self.base_id].into_iter().chain(table).chain(webhook).chain(records).chain(linked);
        match ids.find(|id| !is_id(id)) {
            Some(id) => Err(Error::Data(format!("not a plan of a read: {}", no_id(id)).into())),
            None => Ok(()),
        }
    }

    /// Whether it is of a log of changes, which is read from payloads.
    pub(crate) fn is_log(&self) -> bool {
        self.ingestion_type == IngestionType::ChangeLog
    }

    /// Whether a change feed names the records of reads by name.
    pub(crate) fn is_told_by_feed(&self) -> bool {
        self.ingestion_type == IngestionType::CdcWithDeletes
    }

    /// The fields to ask for. Never empty, because Airtable takes an empty list for all of them.
    pub(crate) fn field_ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        let of_condition = self.restriction.iter().flat_map(|restriction| &restriction.columns);
        for column in self.columns.iter().chain(&self.hidden).chain(of_condition) {
            match &column.source {
                // A condition may be about what is given, too.
                Source::Field(field) if ids.contains(&field.id.as_str()) => {}
                Source::Field(field) => ids.push(&field.id),
                // After the fields, whose column may be of the same one.
                Source::ChangedAt { field_id: Some(id) } if !ids.contains(&id.as_str()) => ids.push(id),
                _ => {}
            }
        }
        if ids.is_empty() && !self.primary_field_id.is_empty() {
            ids.push(&self.primary_field_id);
        }
        ids
    }
}

// By reference, as serde asks for it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(moment: &Micros) -> bool {
    *moment == 0
}

#[cfg(test)]
mod tests;

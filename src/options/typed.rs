//! Options as typed values: what the rest of the crate is given.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::token::Token;

/// In place of bases: all of those that have the table.
pub const EVERY_BASE: &str = "*";

/// How columns get their names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnNames {
    /// `SKU Code (#)` is `sku_code_num`.
    #[default]
    Snake,
    /// The field's own name.
    Original,
    /// The field's id.
    Id,
}

/// How nested cells arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nested {
    /// As structs and lists.
    Struct,
    /// As the JSON text that Airtable sent.
    Json,
}

/// What cells of linked records hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Links {
    /// The ids of the records.
    Ids,
    /// The texts of their primary fields.
    Names,
    /// Both, side by side.
    Both,
}

/// What is read of attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachments {
    /// What Airtable tells of them, with their addresses, which last two hours.
    Urls,
    /// The same without what is another at every read.
    Stable,
    /// The same, and the files themselves.
    Download,
}

/// What of a table is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TablePart {
    /// Its records.
    #[default]
    Records,
    /// The linked records in their cells.
    Links,
    /// The attachments in their cells.
    Attachments,
    /// The comments on them.
    Comments,
}

/// What a read of a table gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngestionType {
    /// The table as it is.
    Snapshot,
    /// What was created or changed.
    Cdc,
    /// The same, and what was deleted.
    CdcWithDeletes,
    /// What was created.
    Append,
    /// What became of every cell, and by whom.
    ChangeLog,
}

/// What the base's workspace pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    Free,
    /// The smallest plan that is paid for.
    Team,
    /// The next.
    Business,
    /// The largest.
    Enterprise,
}

impl Plan {
    /// Every plan there is.
    pub const ALL: [Self; 4] = [Self::Free, Self::Team, Self::Business, Self::Enterprise];

    /// The word that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Team => "team",
            Self::Business => "business",
            Self::Enterprise => "enterprise",
        }
    }

    /// The calls that a workspace is granted in a month, for all its bases and programs together; none where there is no
    /// cap. Airtable's page on call limits.
    pub fn calls_a_month(self) -> Option<u64> {
        match self {
            Self::Free => Some(1_000),
            Self::Team => Some(100_000),
            Self::Business | Self::Enterprise => None,
        }
    }
}

/// What a stream does when a field is added to its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaChange {
    /// It goes on without the field until it is started again.
    Continue,
    /// It ends, so that it is started again.
    Fail,
}

impl Links {
    /// The word that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::Names => "names",
            Self::Both => "both",
        }
    }
}

impl Attachments {
    /// The word that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urls => "urls",
            Self::Stable => "stable",
            Self::Download => "download",
        }
    }
}

impl TablePart {
    /// Every part there is.
    pub const ALL: [Self; 4] = [Self::Records, Self::Links, Self::Attachments, Self::Comments];

    /// The word that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Links => "links",
            Self::Attachments => "attachments",
            Self::Comments => "comments",
        }
    }
}

impl IngestionType {
    /// The word that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Cdc => "cdc",
            Self::CdcWithDeletes => "cdc_with_deletes",
            Self::Append => "append",
            Self::ChangeLog => "change_log",
        }
    }
}

/// What a new access token of OAuth is asked for with.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewal {
    /// Serves once: each renewal gives another.
    pub refresh_token: Token,
    /// The integration.
    pub client_id: String,
    /// Its secret, where it has one.
    pub client_secret: Option<Token>,
}

/// Where Airtable is, and how it is talked to.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The secret.
    pub token: Token,
    /// How the token is renewed when it has expired; none for a token that lasts.
    pub renewal: Option<Renewal>,
    /// Scheme, host and port, with any path before `/v0`; no trailing slash.
    pub base_url: Url,
    /// The base, where one is fixed.
    pub base_id: Option<String>,
    /// Budget of one base.
    pub requests_per_second: f64,
    /// Where readers of several machines meet, to share a base's budget.
    pub budget_location: Option<PathBuf>,
    /// How often one request is sent again.
    pub max_retries: u32,
    /// Time for one request and its answer.
    pub timeout: Duration,
    /// Plan of the workspace, of whose monthly cap it is warned. No request depends on it.
    pub airtable_plan: Option<Plan>,
}

impl Connection {
    /// The address is this machine: a mock, and plain http may be spoken.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.base_url)
    }
}

/// Names or ids of fields, each as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames {
    /// In the order in which they were given.
    pub names: Vec<String>,
    /// All of them as written, where they were separated by commas: the space around these may be no name's.
    pub by_commas: Option<String>,
}

/// What is read, and in which form.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Name or id of the table.
    pub table: Option<String>,
    /// Name or id of the base, where the connection fixes none.
    pub namespace: Option<String>,
    /// Names or ids of several bases that are read as one table, or [`EVERY_BASE`] alone; empty for a read of one base.
    pub bases: Vec<String>,
    /// Name or id of a view.
    pub view: Option<String>,
    /// Names or ids of fields; all where not given.
    pub fields: Option<FieldNames>,
    /// Airtable formula.
    pub filter_formula: Option<String>,
    /// Condition in SQL over the columns of the read.
    pub condition: Option<String>,
    /// What of the table is read.
    pub part: TablePart,
    /// Stop after this many.
    pub max_records: Option<u64>,
    /// How columns get their names.
    pub column_names: ColumnNames,
    /// How nested cells arrive.
    pub nested: Nested,
    /// What cells of linked records hold.
    pub links: Links,
    /// Where misfits go; `None` turns it off.
    pub rescued_data_column: Option<String>,
    /// Stop at a misfit.
    pub fail_on_bad_value: bool,
    /// What is read of attachments.
    pub attachments: Attachments,
    /// Directory for the files of attachments that are downloaded.
    pub attachment_location: Option<String>,
    /// What a read of the table gives.
    pub ingestion_type: IngestionType,
    /// Bound of one streaming micro-batch.
    pub max_records_per_batch: Option<u64>,
    /// How often a stream asks for changes at most.
    pub poll: Duration,
    /// How far a `cdc` window re-reads.
    pub lookback: Duration,
    /// Change feed to use.
    pub webhook_id: Option<String>,
    /// A change feed that has lost changes is replaced by a new one and a full read.
    pub reread_when_lost: bool,
    /// What becomes of a stream whose table gets a field.
    pub schema_change: SchemaChange,
    /// Directory for what such a full read must know.
    pub state_location: Option<String>,
    /// Only the deletes, as the second flow of the framework's pipelines wants them.
    pub deletes_only: bool,
    /// Records in one request.
    pub page_size: u32,
}

/// Airtable documents three letters and fourteen more characters, but warns of other lengths.
/// The address is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

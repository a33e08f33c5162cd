//! The table itself: one row an option, in the order in which help texts and the README show them.

/// One option, as users see it.
#[derive(Debug)]
pub struct OptionRow {
    /// Lower snake case, but for the one name that Lakeflow gives; matched without regard to case.
    pub name: &'static str,
    /// Other names for the same.
    pub aliases: &'static [&'static str],
    /// What holds where it is not given; empty where nothing does.
    pub default: &'static str,
    /// When it must be given; empty where it need not.
    pub required: &'static str,
    /// `text`, `list`, `integer`, `number` or the words to choose from, separated by `|`.
    pub kind: &'static str,
    /// One line for help texts.
    pub meaning: &'static str,
}

impl OptionRow {
    /// The name, then its aliases.
    pub(super) fn names(&'static self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

const fn row(name: &'static str, kind: &'static str, default: &'static str, meaning: &'static str) -> OptionRow {
    OptionRow { name, aliases: &[], default, required: "", kind, meaning }
}

/// Every option there is.
pub static OPTIONS: &[OptionRow] = &[
    OptionRow {
        aliases: &["bearer_token", "access_token"],
        required: "always",
        ..row("token", "text", "", "personal access token or OAuth access token")
    },
    row(
        "base_id",
        "text",
        "",
        "`app...`; without it every base that the token sees is a namespace, and reads need `namespace`",
    ),
    row(
        "base_url",
        "text",
        "https://api.airtable.com",
        "where the API is; no scheme means https, plain http is for loopback only",
    ),
    OptionRow { required: "for reads", ..row("tableName", "text", "", "a table's name or its `tbl...` id") },
    row("namespace", "list", "", "JSON list with one base id or name, such as `[\"appXXXXXXXXXXXXXX\"]`"),
    row("view", "text", "", "view name or id: only its records are read"),
    row("fields", "list", "all", "JSON list, or comma-separated, of field names or ids"),
    row("filter_formula", "text", "", "Airtable formula, passed as filterByFormula"),
    row("max_records", "integer", "", "stop after this many records"),
    row("column_names", "snake|original|id", "snake", "what columns are called"),
    row("nested", "struct|json", "struct", "`json` gives one JSON string per nested cell"),
    row(
        "rescued_data_column",
        "text",
        "_rescued_data",
        "where values go that do not fit their column; empty turns it off",
    ),
    row("on_bad_value", "rescue|fail", "rescue", "what happens to a value that does not fit its column"),
    row("ingestion_type", "snapshot|cdc|cdc_with_deletes|append", "snapshot", "what a read of the table gives"),
    row("max_records_per_batch", "integer", "", "bound of one streaming micro-batch"),
    row("lookback_seconds", "integer", "60", "how far a `cdc` window re-reads"),
    row("webhook_id", "text", "", "change feed to use; otherwise found or created"),
    row(
        "on_lost_feed",
        "fail|reread",
        "fail",
        "what a `cdc_with_deletes` stream does when its change feed has expired or has gaps; `reread` needs `state_location`",
    ),
    row(
        "state_location",
        "text",
        "",
        "absolute path of a directory of one stream, shared by driver and workers, for `on_lost_feed=reread`",
    ),
    row("requests_per_second", "number", "4.5", "budget for one base, shared by every process on the machine"),
    row("max_retries", "integer", "8", "how often one request is sent again after a passing failure"),
    row("timeout_seconds", "number", "60", "time for one request and its answer"),
    row("page_size", "integer", "100", "records in one request, at most 100"),
];

/// The framework's word for a stream of deletes only. Not a row of the table: pipelines set it, people need not know it.
pub(super) const DELETE_FLOW: &str = "isDeleteFlow";

/// Keys that Spark, Unity Catalog and the community connector framework add: read elsewhere or by nobody.
pub(super) const FOREIGN: &[&str] = &[
    "databricks.connection",
    "sourcename",
    "externaloptionsallowlist",
    "community_oauth_flow",
    "tablenamelist",
    "tableconfigs",
    "namespaceprefix",
    "operation",
    "path",
    "paths",
];

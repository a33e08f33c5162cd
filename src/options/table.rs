//! The table itself: one row an option, in the order in which help texts and the README show them.

use Scope::{Connection, Stream, Tables};

/// One option, as users see it.
#[derive(Debug)]
pub struct OptionRow {
    /// Lower snake case, but for the one name that Lakeflow gives; matched without regard to case.
    pub name: &'static str,
    /// Other names for the same.
    pub aliases: &'static [&'static str],
    /// What other sources call it. These are no names of ours: the error names ours. In lower case, without `_`.
    pub elsewhere: &'static [&'static str],
    /// What holds where it is not given. Empty where there is no default.
    pub default: &'static str,
    /// When it must be given. Empty where it need not.
    pub required: &'static str,
    /// `text`, `list`, `integer`, `number` or the words to choose from, separated by `|`.
    pub kind: &'static str,
    /// One line for help texts.
    pub meaning: &'static str,
    /// What it is about.
    pub scope: Scope,
    /// The variable of the environment that stands in for it, on the command line and for `ingest`; empty where none
    /// does. A Spark read and the library take none: on a cluster the driver's environment is not the workers'.
    pub variable: &'static str,
    /// A `repr` or a traceback may show its value. The values of all others are hidden, because a token may stand under
    /// the wrong name.
    pub is_shown: bool,
}

/// What an option is about, from what every request needs to what only streams do. A command has the options of its
/// scope and of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The address of Airtable, and how requests are sent. A Unity Catalog connection stores these, and no read may
    /// change them.
    Connection,
    /// Which base a listing of tables is of.
    Tables,
    /// What of a table is read, and in which form.
    Read,
    /// How its changes are followed.
    Stream,
}

impl Scope {
    /// The word by which Python knows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Tables => "tables",
            Self::Read => "read",
            Self::Stream => "stream",
        }
    }
}

impl OptionRow {
    /// The name, then its aliases.
    pub(crate) fn names(&'static self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    const fn of(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// What other sources call it.
    const fn called(self, elsewhere: &'static [&'static str]) -> Self {
        Self { elsewhere, ..self }
    }

    const fn shown(self) -> Self {
        Self { is_shown: true, ..self }
    }

    const fn or_variable(self, variable: &'static str) -> Self {
        Self { variable, ..self }
    }
}

/// A row of an option of reads.
const fn row(name: &'static str, kind: &'static str, default: &'static str, meaning: &'static str) -> OptionRow {
    let (scope, variable) = (Scope::Read, "");
    OptionRow {
        name,
        aliases: &[],
        elsewhere: &[],
        default,
        required: "",
        kind,
        meaning,
        scope,
        variable,
        is_shown: false,
    }
}

/// Every option there is.
pub static OPTIONS: &[OptionRow] = &[
    OptionRow {
        aliases: &["bearer_token", "access_token"],
        required: "always",
        ..row("token", "text", "", "personal access token or OAuth access token")
    }
    .called(&["apikey", "apitoken", "authtoken", "airtabletoken", "airtableapikey", "personalaccesstoken", "pat"])
    .of(Connection)
    .or_variable("AIRTABLE_TOKEN"),
    row(
        "base_id",
        "text",
        "",
        "the base's id, `app...`, or its web address; without it each read names its base by `namespace`",
    )
    .called(&["base", "appid", "airtablebaseid"])
    .of(Connection)
    .or_variable("AIRTABLE_BASE_ID")
    .shown(),
    row(
        "base_url",
        "text",
        "https://api.airtable.com",
        "address of the API; no scheme means https, plain http is for loopback only",
    )
    .called(&["url", "apiurl", "endpoint", "endpointurl"])
    .of(Connection)
    .or_variable("AIRTABLE_BASE_URL"),
    OptionRow {
        aliases: &["table_name"],
        required: "for reads",
        ..row("tableName", "text", "", "a table's name, its `tbl...` id, or its web address")
    }
    .called(&["table", "tableid", "dbtable", "query", "sourcetable"])
    .shown(),
    row(
        "namespace",
        "list",
        "",
        "JSON list of base ids or names, such as `[\"appXXXXXXXXXXXXXX\"]`; several, or `[\"*\"]`, are read as one table",
    )
        .of(Tables)
        .shown(),
    row("view", "text", "", "view name or id: only its records are read").called(&["viewid", "viewname"]),
    row("fields", "list", "all", "JSON list, or comma-separated, of field names or ids")
        .called(&["columns", "column", "select", "field", "fieldnames", "usecols"]),
    row("filter_formula", "text", "", "Airtable formula, passed as filterByFormula")
        .called(&["filter", "filters", "filterbyformula", "formula"]),
    row(
        "where",
        "text",
        "",
        "condition in SQL over the read's columns: only rows that fulfil it come, as Spark's `where` would keep them",
    )
    .called(&["condition", "predicate", "whereclause"]),
    row("max_records", "integer", "", "stop after this many records, or rows where `where` is given or comments are read")
        .called(&["limit", "maxrows", "maxresults", "nrows", "numrows", "rowlimit", "recordlimit", "top"]),
    row("column_names", "snake|original|id", "snake", "which names the columns get")
        .called(&["returnfieldsbyfieldid", "usefieldids"]),
    row("nested", "struct|json", "struct", "`json` gives one JSON string per nested cell"),
    row(
        "links",
        "ids|names|both",
        "ids",
        "cells of linked records: `ids`, `names` (of their primary fields) or `both`",
    ),
    row(
        "rescued_data_column",
        "text",
        "_rescued_data",
        "where values go that do not fit their column; empty turns it off",
    ),
    row("on_bad_value", "rescue|fail", "rescue", "what happens to a value that does not fit its column"),
    row(
        "part",
        "records|links|attachments|comments",
        "records",
        "what of the table is read: `records`, or one row for each of their `links`, `attachments` or `comments`",
    ),
    row(
        "attachments",
        "urls|stable|download",
        "urls",
        "`stable` leaves out the addresses of files, which change at every read; `download` stores the files",
    ),
    OptionRow {
        required: "with attachments=download",
        ..row(
            "attachment_location",
            "text",
            "",
            "absolute path of a directory for files, shared by driver and workers, for `attachments=download`",
        )
    },
    row("ingestion_type", "snapshot|cdc|cdc_with_deletes|append|change_log", "snapshot", "what a read of the table gives").shown(),
    row("max_records_per_batch", "integer", "", "about how many records one streaming micro-batch has at most")
        .of(Stream)
        .called(&["maxrowspertrigger", "maxrecordspertrigger", "maxrowsperbatch"]),
    row("poll_seconds", "number", "60", "shortest time between two questions of a stream for changes, in seconds").of(Stream).called(&[
        "pollinterval",
        "pollingintervalseconds",
        "pollintervalseconds",
        "refreshinterval",
    ]),
    row(
        "lookback_seconds",
        "integer",
        "60",
        "seconds that a `cdc` window reads again, and that `append` waits, for records that Airtable shows late",
    )
    .of(Stream),
    row("webhook_id", "text", "", "webhook that a `cdc_with_deletes` or `change_log` stream uses; without it one is found or made")
        .of(Stream),
    row(
        "on_lost_feed",
        "fail|reread",
        "fail",
        "what a `cdc_with_deletes` stream does when its change feed has expired or has gaps; `reread` needs `state_location`",
    )
    .of(Stream),
    row(
        "schema_change",
        "continue|fail",
        "by type",
        "what a stream does when a field is added: `continue` (`cdc`, `append`) or `fail` (`cdc_with_deletes`)",
    )
    .of(Stream),
    row(
        "state_location",
        "text",
        "",
        "absolute path of a directory of one stream, shared by driver and workers, for `on_lost_feed=reread`",
    )
    .of(Stream),
    row(
        "requests_per_second",
        "number",
        "4.5",
        "requests a second to one base, for all processes of the machine together",
    )
    .of(Connection)
    .called(&["ratelimit", "rps", "qps", "maxrequestspersecond"])
    .or_variable("AIRTABLE_REQUESTS_PER_SECOND"),
    row(
        "budget_location",
        "text",
        "",
        "absolute path of a directory that all machines see, by which they share a base's budget",
    )
    .of(Connection),
    row(
        "airtable_plan",
        "free|team|business|enterprise",
        "",
        "plan of the base's workspace, for warnings about its monthly cap of API calls",
    )
    .of(Tables)
    .called(&["plan", "billingplan"])
    .or_variable("AIRTABLE_PLAN"),
    row("max_retries", "integer", "8", "how often one request is sent again after a failure that may pass")
        .of(Connection)
        .called(&["retries", "numretries", "retrycount"]),
    row("timeout_seconds", "number", "60", "time for one request and its answer")
        .of(Connection)
        .called(&["timeout", "requesttimeout"]),
    row(
        "refresh_token",
        "text",
        "",
        "OAuth refresh token, which gives a new access token after the hour, and can be used once",
    )
    .of(Connection)
    .or_variable("AIRTABLE_REFRESH_TOKEN"),
    OptionRow {
        required: "with refresh_token",
        ..row("client_id", "text", "", "id of the OAuth integration that refresh_token belongs to")
    }
    .of(Connection)
    .or_variable("AIRTABLE_CLIENT_ID"),
    row("client_secret", "text", "", "secret of the OAuth integration, where it has one")
        .of(Connection)
        .or_variable("AIRTABLE_CLIENT_SECRET"),
    row("page_size", "integer", "100", "records in one request, at most 100")
        .called(&["batchsize", "fetchsize", "chunksize", "limitperpage"]),
];

/// Words of other sources for what is not here, and what to do instead. Written as [`OptionRow::elsewhere`].
pub(super) const NOT_HERE: &[(&[&str], &str)] = &[
    (&["sort", "sortby", "order", "orderby"], "records come in no order: sort the rows that were read"),
    (&["offset", "skip"], "a read begins with the first record: choose records by where, view or filter_formula"),
    (
        &["cellformat", "userlocale"],
        "cells are typed values, not the texts that Airtable shows: format the rows that were read",
    ),
];

/// The framework's word for a stream of deletes only. It is no row of the table: pipelines set it, and people need not
/// know it.
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

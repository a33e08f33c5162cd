//! The one table of options, and what a set of them means. Spark options, Python keyword arguments and command-line flags
//! are all rows of [`OPTIONS`]; help texts and the README's table are made from it.
//!
//! Everything arrives as text and leaves as a typed value that was checked, so nothing after this file parses an option.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::token::Token;

mod table;

use table::{DELETE_FLOW, FOREIGN};
pub use table::{OPTIONS, OptionRow};

/// How columns get their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnNames {
    /// `SKU Code (#)` is `sku_code_num`.
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
}

impl IngestionType {
    /// The word that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Cdc => "cdc",
            Self::CdcWithDeletes => "cdc_with_deletes",
            Self::Append => "append",
        }
    }
}

/// Where Airtable is, and how it is talked to.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The secret.
    pub token: Token,
    /// Scheme, host and port, with any path before `/v0`; no trailing slash.
    pub base_url: Url,
    /// The base, where one is fixed.
    pub base_id: Option<String>,
    /// Budget of one base.
    pub requests_per_second: f64,
    /// How often one request is sent again.
    pub max_retries: u32,
    /// Time for one request and its answer.
    pub timeout: Duration,
}

impl Connection {
    /// The address is this machine: a mock, and plain http may be spoken.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.base_url)
    }
}

/// What is read, and in which form.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Name or id of the table.
    pub table: Option<String>,
    /// Name or id of the base, where the connection fixes none.
    pub namespace: Option<String>,
    /// Name or id of a view.
    pub view: Option<String>,
    /// Names or ids of fields; all where not given.
    pub fields: Option<Vec<String>>,
    /// Airtable formula.
    pub filter_formula: Option<String>,
    /// Stop after this many.
    pub max_records: Option<u64>,
    /// How columns get their names.
    pub column_names: ColumnNames,
    /// How nested cells arrive.
    pub nested: Nested,
    /// Where misfits go; `None` turns it off.
    pub rescued_data_column: Option<String>,
    /// Stop at a misfit.
    pub fail_on_bad_value: bool,
    /// What a read of the table gives.
    pub ingestion_type: IngestionType,
    /// Bound of one streaming micro-batch.
    pub max_records_per_batch: Option<u64>,
    /// How far a `cdc` window re-reads.
    pub lookback: Duration,
    /// Change feed to use.
    pub webhook_id: Option<String>,
    /// A change feed that has lost changes is replaced by a new one and a full read.
    pub reread_when_lost: bool,
    /// Directory for what such a full read must know.
    pub state_location: Option<String>,
    /// Only the deletes, as the second flow of the framework's pipelines wants them.
    pub deletes_only: bool,
    /// Records in one request.
    pub page_size: u32,
}

/// Options that were checked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where Airtable is.
    pub connection: Connection,
    /// What is read.
    pub read: ReadOptions,
}

impl Options {
    /// Checks a set of options. Keys are matched without regard to case; a later pair replaces an earlier one of the same
    /// name, and a name goes before its aliases; an empty value is none, but for `rescued_data_column`.
    ///
    /// # Errors
    /// [`Error::Option`] for a missing token, a value that an option cannot have, and a key within two edits of a known
    /// name. Other unknown keys are let through with a log line: Spark and Unity Catalog add their own.
    pub fn parse<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        let mut given = Given::default();
        for (key, value) in pairs {
            given.take(key.as_ref(), value.into())?;
        }
        Ok(Self { connection: given.connection()?, read: given.read()? })
    }
}

/// What was given, under the names that the table writes.
#[derive(Default)]
struct Given {
    values: BTreeMap<&'static str, String>,
    databricks_connection: Option<String>,
    deletes_only: bool,
}

impl Given {
    fn take(&mut self, key: &str, value: String) -> Result<()> {
        let lower = key.to_lowercase();
        if lower == "databricks.connection" {
            self.databricks_connection = Some(value);
            return Ok(());
        }
        if lower == DELETE_FLOW.to_lowercase() {
            self.deletes_only = value.trim().eq_ignore_ascii_case("true");
            return Ok(());
        }
        match OPTIONS.iter().flat_map(OptionRow::names).find(|name| name.to_lowercase() == lower) {
            Some(name) if !value.trim().is_empty() || name == "rescued_data_column" => {
                _ = self.values.insert(name, value);
            }
            Some(_) => {}
            None => unknown(key, &lower)?,
        }
        Ok(())
    }

    /// The value given: a name goes before its aliases, and these go in the order of the table.
    fn text(&self, name: &'static str) -> Option<String> {
        let value = row_of(name).names().find_map(|name| self.values.get(name));
        value.map(|value| value.trim().to_owned())
    }

    /// The value given, or the table's default.
    fn text_or_default(&self, name: &'static str) -> String {
        self.text(name).unwrap_or_else(|| row_of(name).default.to_owned())
    }

    fn integer(&self, name: &'static str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>> {
        let text = self.text_or_default(name);
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ if *range.end() == u64::MAX => {
                Err(bad(name, &text, &format!("a whole number from {} up", range.start())))
            }
            _ => Err(bad(name, &text, &format!("a whole number from {} to {}", range.start(), range.end()))),
        }
    }

    fn number(&self, name: &'static str, range: std::ops::RangeInclusive<f64>) -> Result<f64> {
        let text = self.text_or_default(name);
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(bad(name, &text, &format!("a number from {} to {}", range.start(), range.end()))),
        }
    }

    fn choice<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> Result<T> {
        let text = self.text_or_default(name);
        let found = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            bad(name, &text, &format!("one of {}", words.join(", ")))
        })
    }

    fn connection(&self) -> Result<Connection> {
        let base_url = base_url(&self.text_or_default("base_url"))?;
        let requests_per_second = self.number("requests_per_second", 0.01..=1e9)?;
        if requests_per_second > 5.0 && base_url.host_str() == Some("api.airtable.com") {
            let text = requests_per_second.to_string();
            return Err(bad(
                "requests_per_second",
                &text,
                "at most 5: Airtable grants no more to a base, and shuts it for everybody for 30 s when that is overdrawn",
            ));
        }
        let base_id = self.text("base_id");
        if let Some(id) = base_id.as_deref().filter(|id| !id.starts_with("app") || !is_id(id)) {
            return Err(bad("base_id", id, "a base's id, which begins with app (it stands in the base's web address)"));
        }
        let max_retries = self.integer("max_retries", 0..=1000)?.unwrap_or_default();
        Ok(Connection {
            token: self.token()?,
            base_url,
            base_id,
            requests_per_second,
            max_retries: u32::try_from(max_retries).unwrap_or(u32::MAX),
            timeout: Duration::from_secs_f64(self.number("timeout_seconds", 0.001..=86_400.0)?),
        })
    }

    fn token(&self) -> Result<Token> {
        let Some(text) = self.text("token") else {
            return Err(Error::Option(match &self.databricks_connection {
                None => {
                    "option token is missing: give a personal access token (or bearer_token, or access_token)".into()
                }
                Some(name) => format!(
                    "option token is missing although databricks.connection is {name:?}: check that the read uses \
                     format(\"lakeflow_connect\"), that spark.databricks.unityCatalog.connectionDfOptionInjection.enabled \
                     is true, that the connection has an option token (or bearer_token, or access_token), and that its \
                     externalOptionsAllowList names every other option that the read gives"
                ),
            }));
        };
        Token::new(&text).ok_or_else(|| {
            Error::Option(
                "option token holds characters that no token has: check that it was copied or looked up whole".into(),
            )
        })
    }

    fn read(&self) -> Result<ReadOptions> {
        let names = [("snake", ColumnNames::Snake), ("original", ColumnNames::Original), ("id", ColumnNames::Id)];
        let types = [IngestionType::Snapshot, IngestionType::Cdc, IngestionType::CdcWithDeletes, IngestionType::Append];
        let rescued = self.text_or_default("rescued_data_column");
        let namespace = self.list("namespace")?;
        if namespace.as_ref().is_some_and(|list| list.len() != 1) {
            return Err(bad("namespace", &self.text_or_default("namespace"), "a JSON list with one base id or name"));
        }
        let page_size = self.integer("page_size", 1..=100)?.unwrap_or(100);
        let ingestion_type = self.choice("ingestion_type", &types.map(|kind| (kind.as_str(), kind)))?;
        if self.deletes_only && ingestion_type != IngestionType::CdcWithDeletes {
            return Err(Error::Option(format!(
                "option {DELETE_FLOW} is true, but ingestion_type is {}: only cdc_with_deletes knows of deletes",
                ingestion_type.as_str()
            )));
        }
        let reread_when_lost = self.choice("on_lost_feed", &[("fail", false), ("reread", true)])?;
        let state_location = self.text("state_location");
        if reread_when_lost && state_location.is_none() {
            return Err(Error::Option(
                "option on_lost_feed is reread, but option state_location is missing: name a directory that driver and \
                 workers share, where the ids of known records are kept"
                    .into(),
            ));
        }
        if reread_when_lost && self.deletes_only {
            return Err(Error::Option(format!(
                "option on_lost_feed is reread, but {DELETE_FLOW} is true: a stream of deletes alone does not know what it \
                 should have deleted: set on_lost_feed to fail, or take deletes from the one stream of all changes"
            )));
        }
        if let Some(location) =
            state_location.as_deref().filter(|location| !std::path::Path::new(location).is_absolute())
        {
            return Err(bad(
                "state_location",
                location,
                "an absolute path, the same on driver and workers, such as /Volumes/...",
            ));
        }
        Ok(ReadOptions {
            table: self.text("tableName"),
            namespace: namespace.and_then(|list| list.into_iter().next()),
            view: self.text("view"),
            fields: self.list("fields")?,
            filter_formula: self.text("filter_formula"),
            max_records: self.integer("max_records", 1..=u64::MAX)?,
            column_names: self.choice("column_names", &names)?,
            nested: self.choice("nested", &[("struct", Nested::Struct), ("json", Nested::Json)])?,
            rescued_data_column: Some(rescued).filter(|name| !name.is_empty()),
            fail_on_bad_value: self.choice("on_bad_value", &[("rescue", false), ("fail", true)])?,
            ingestion_type,
            max_records_per_batch: self.integer("max_records_per_batch", 1..=u64::MAX)?,
            lookback: Duration::from_secs(self.integer("lookback_seconds", 0..=31_536_000)?.unwrap_or_default()),
            webhook_id: self.text("webhook_id"),
            reread_when_lost,
            state_location,
            deletes_only: self.deletes_only,
            page_size: u32::try_from(page_size).unwrap_or(100),
        })
    }

    /// A JSON list of texts, or texts separated by commas.
    fn list(&self, name: &'static str) -> Result<Option<Vec<String>>> {
        let Some(text) = self.text(name).filter(|text| text != row_of(name).default) else {
            return Ok(None);
        };
        let list: Vec<String> = if text.starts_with('[') {
            serde_json::from_str(&text).map_err(|_| bad(name, &text, "a JSON list of texts"))?
        } else if name == "namespace" {
            vec![text]
        } else {
            text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        };
        Ok(Some(list))
    }
}

fn row_of(name: &str) -> &'static OptionRow {
    OPTIONS.iter().find(|row| row.name == name).expect("every name that this file asks for is in the table")
}

fn bad(name: &str, value: &str, expected: &str) -> Error {
    if Token::is_likely(value) {
        return Error::Option(format!("option {name} holds what looks like a token: it takes {expected}"));
    }
    Error::Option(format!("option {name} is {value:?}: it takes {expected}"))
}

fn unknown(key: &str, lower: &str) -> Result<()> {
    if FOREIGN.contains(&lower) {
        return Ok(());
    }
    let known = OPTIONS.iter().flat_map(OptionRow::names);
    let near = known.map(|name| (strsim::levenshtein(lower, &name.to_lowercase()), name)).min();
    if let Some((1..=2, name)) = near {
        return Err(Error::Option(format!("unknown option {key}: did you mean {name}?")));
    }
    log::info!("option {key} is not one of this source's: ignored");
    Ok(())
}

/// Airtable documents three letters and fourteen more characters, but warns of other lengths.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() > 3 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn base_url(text: &str) -> Result<Url> {
    let expected = "an address such as https://api.airtable.com";
    if text.contains(['@', '?', '#']) {
        // Not quoted: what stands there may be a secret.
        let message = "option base_url holds a user, query or fragment: it takes scheme, host and path only";
        return Err(Error::Option(message.into()));
    }
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let trimmed = with_scheme.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix("/v0").unwrap_or(trimmed).trim_end_matches('/');
    let url = Url::parse(trimmed).map_err(|_| bad("base_url", text, expected))?;
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(bad(
            "base_url",
            text,
            "https: plain http would show the token to the network, and is for loopback only",
        )),
        _ => Err(bad("base_url", text, expected)),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;

//! What a set of options means: typed values, each checked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;

use crate::error::{Error, Result};
use crate::id::is_id;
use crate::options::address;
use crate::options::given::{Given, bad};
use crate::options::table::DELETE_FLOW;
use crate::options::together;
use crate::options::typed::{
    Attachments, ColumnNames, Connection, EVERY_BASE, FieldNames, IngestionType, Links, Nested, Plan, ReadOptions,
    Renewal, SchemaChange, TablePart,
};
use crate::options::web_address::place;
use crate::token::Token;

/// Where Airtable is.
pub(super) fn connection(given: &Given) -> Result<Connection> {
    let token = token(given)?;
    let base_url = address::base_url(&given.text_or_default("base_url"), &token)?;
    let max_retries = given.integer("max_retries", 0..=1000)?.unwrap_or_default();
    Ok(Connection {
        renewal: renewal(given)?,
        token,
        requests_per_second: requests_per_second(given, &base_url)?,
        budget_location: directory(given, "budget_location", "the same on all machines")?.map(PathBuf::from),
        base_url,
        base_id: base_id(given)?,
        max_retries: u32::try_from(max_retries).unwrap_or(u32::MAX),
        timeout: Duration::from_secs_f64(given.number("timeout_seconds", 0.001..=86_400.0)?),
        airtable_plan: plan(given)?,
    })
}

/// What is read, and how its changes are followed.
pub(super) fn read(given: &Given) -> Result<ReadOptions> {
    let names = [("snake", ColumnNames::Snake), ("original", ColumnNames::Original), ("id", ColumnNames::Id)];
    let rescued = given.text_or_default("rescued_data_column");
    let page_size = given.integer("page_size", 1..=100)?.unwrap_or(100);
    let (namespace, bases) = namespace(given)?;
    let read = ReadOptions {
        table: given.name("tableName"),
        namespace,
        bases,
        view: given.name("view"),
        fields: given.list("fields")?.map(|names| FieldNames { names, by_commas: given.by_commas("fields") }),
        filter_formula: given.text("filter_formula"),
        // As it was written: messages count its characters.
        condition: given.name("where"),
        part: part(given)?,
        max_records: given.integer("max_records", 1..=u64::MAX)?,
        column_names: given.choice("column_names", &names)?,
        nested: given.choice("nested", &[("struct", Nested::Struct), ("json", Nested::Json)])?,
        links: links(given)?,
        rescued_data_column: Some(rescued).filter(|name| !name.is_empty()),
        fail_on_bad_value: given.choice("on_bad_value", &[("rescue", false), ("fail", true)])?,
        attachments: attachments(given)?,
        attachment_location: directory(given, "attachment_location", "the same on driver and workers")?,
        ingestion_type: ingestion_type(given)?,
        max_records_per_batch: given.integer("max_records_per_batch", 1..=u64::MAX)?,
        // A webhook that nobody asks for a week expires.
        poll: Duration::from_secs_f64(given.number("poll_seconds", 0.0..=86_400.0)?),
        lookback: Duration::from_secs(given.integer("lookback_seconds", 0..=31_536_000)?.unwrap_or_default()),
        webhook_id: webhook_id(given)?,
        reread_when_lost: given.choice("on_lost_feed", &[("fail", false), ("reread", true)])?,
        schema_change: schema_change(given)?,
        state_location: directory(given, "state_location", "the same on driver and workers")?,
        deletes_only: given.deletes_only(),
        page_size: u32::try_from(page_size).unwrap_or(100),
    };
    together::check(&read)?;
    Ok(read)
}

fn requests_per_second(given: &Given, base_url: &Url) -> Result<f64> {
    let rate = given.number("requests_per_second", 0.01..=1e9)?;
    if rate > 5.0 && address::is_airtable(base_url) {
        let expected =
            "at most 5: Airtable grants no more to a base, and shuts it for everybody for 30 s when that is overdrawn";
        return Err(bad("requests_per_second", &rate.to_string(), expected));
    }
    Ok(rate)
}

fn base_id(given: &Given) -> Result<Option<String>> {
    let base_id = given.text("base_id");
    match base_id.as_deref().filter(|id| !id.starts_with("app") || id.len() <= 3 || !is_id(id)) {
        Some(id) => Err(bad("base_id", id, "a base's id, which begins with app (it stands in the base's web address)")),
        None => Ok(base_id),
    }
}

fn webhook_id(given: &Given) -> Result<Option<String>> {
    let webhook_id = given.text("webhook_id");
    match webhook_id.as_deref().filter(|id| !is_id(id)) {
        Some(id) => Err(bad("webhook_id", id, "a webhook's id, which begins with ach")),
        None => Ok(webhook_id),
    }
}

fn token(given: &Given) -> Result<Token> {
    let Some(text) = given.text("token") else {
        return Err(Error::Option(match &given.databricks_connection {
            None => "option token is missing: give a personal access token (or bearer_token, or access_token)".into(),
            Some(name) => format!(
                "option token is missing although databricks.connection is {name:?}: check that the read uses \
                 format(\"lakeflow_connect\"), that spark.databricks.unityCatalog.connectionDfOptionInjection.enabled \
                 is true, that the connection has an option token (or bearer_token, or access_token), and that its \
                 externalOptionsAllowList names every other option that the read gives"
            )
            .into(),
        }));
    };
    Token::new(bare(&text)).ok_or_else(|| {
        Error::Option(
            "option token holds characters that no token has: check that it was copied or looked up whole".into(),
        )
    })
}

/// What OAuth's access tokens are renewed with: all of it, or none.
fn renewal(given: &Given) -> Result<Option<Renewal>> {
    let Some(refresh_token) = secret(given, "refresh_token")? else {
        // A connection of Unity Catalog may hold the client, and renew its token itself.
        return Ok(None);
    };
    let Some(client_id) = given.text("client_id") else {
        return Err(Error::Option(
            "option client_id is missing: a refresh_token is of use to the OAuth integration alone that it was given to: \
             give that one's client_id, and its client_secret where it has one"
                .into(),
        ));
    };
    Ok(Some(Renewal { refresh_token, client_id, client_secret: secret(given, "client_secret")? }))
}

fn secret(given: &Given, name: &'static str) -> Result<Option<Token>> {
    let Some(text) = given.text(name) else { return Ok(None) };
    let secret = Token::new(bare(&text)).ok_or_else(|| {
        Error::Option(
            format!("option {name} holds characters that none has: check that it was copied or looked up whole").into(),
        )
    })?;
    Ok(Some(secret))
}

/// A token without what people copy with it: quotes, and the word before it in a header.
fn bare(mut text: &str) -> &str {
    loop {
        let before = text;
        for quote in ['"', '\'', '`'] {
            let inside = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
            text = inside.unwrap_or(text).trim();
        }
        for word in ["Authorization:", "Bearer "] {
            text = match text.split_at_checked(word.len()) {
                Some((start, rest)) if start.eq_ignore_ascii_case(word) => rest.trim(),
                _ => text,
            };
        }
        if text == before {
            return text;
        }
    }
}

/// The one base that is named, or several.
fn namespace(given: &Given) -> Result<(Option<String>, Vec<String>)> {
    let mut bases = given.list("namespace")?.unwrap_or_default();
    if bases.len() < 2 && bases.first().is_none_or(|base| base.trim() != EVERY_BASE) {
        // `[]` is the framework's word for the place above all bases: it names none.
        return Ok((bases.pop(), Vec::new()));
    }
    for base in &mut bases {
        if let Some(place) = place("namespace", base)? {
            *base = place.base;
        }
        if base.trim() == EVERY_BASE {
            EVERY_BASE.clone_into(base);
        }
    }
    let wanted = "the id or name of each base once, or [\"*\"] alone for every base that has the table";
    let is_twice = |(index, base): (usize, &String)| base.trim().is_empty() || bases[..index].contains(base);
    if bases.iter().enumerate().any(is_twice) || (bases.len() > 1 && bases.iter().any(|base| base == EVERY_BASE)) {
        return Err(bad("namespace", &given.text_or_default("namespace"), wanted));
    }
    if let Some(base_id) = given.text("base_id") {
        return Err(Error::Option(
            format!("option namespace names several bases, and option base_id fixes {base_id}: leave base_id out")
                .into(),
        ));
    }
    Ok((None, bases))
}

fn attachments(given: &Given) -> Result<Attachments> {
    let all = [Attachments::Urls, Attachments::Stable, Attachments::Download];
    given.choice("attachments", &all.map(|kind| (kind.as_str(), kind)))
}

fn links(given: &Given) -> Result<Links> {
    given.choice("links", &[Links::Ids, Links::Names, Links::Both].map(|links| (links.as_str(), links)))
}

fn part(given: &Given) -> Result<TablePart> {
    given.choice("part", &TablePart::ALL.map(|part| (part.as_str(), part)))
}

fn plan(given: &Given) -> Result<Option<Plan>> {
    let plans = Plan::ALL.map(|plan| (plan.as_str(), plan));
    given.text("airtable_plan").map(|_| given.choice("airtable_plan", &plans)).transpose()
}

fn ingestion_type(given: &Given) -> Result<IngestionType> {
    let types = [
        IngestionType::Snapshot,
        IngestionType::Cdc,
        IngestionType::CdcWithDeletes,
        IngestionType::Append,
        IngestionType::ChangeLog,
    ];
    let ingestion_type = given.choice("ingestion_type", &types.map(|kind| (kind.as_str(), kind)))?;
    if given.deletes_only() && ingestion_type != IngestionType::CdcWithDeletes {
        return Err(Error::Option(
            format!(
                "option {DELETE_FLOW} is true, but ingestion_type is {}: only cdc_with_deletes knows of deletes",
                ingestion_type.as_str()
            )
            .into(),
        ));
    }
    Ok(ingestion_type)
}

/// By type where it is not given: a stream that is told of changes of the definition ends.
fn schema_change(given: &Given) -> Result<SchemaChange> {
    let (go_on, fail) = (SchemaChange::Continue, SchemaChange::Fail);
    if given.is_default("schema_change") {
        return Ok(if ingestion_type(given)? == IngestionType::CdcWithDeletes { fail } else { go_on });
    }
    given.choice("schema_change", &[("continue", go_on), ("fail", fail)])
}

fn directory(given: &Given, name: &'static str, seen: &str) -> Result<Option<String>> {
    let location = given.text(name);
    match location.as_deref().filter(|location| !Path::new(location).is_absolute()) {
        Some(relative) => Err(bad(name, relative, &format!("an absolute path, {seen}, such as /Volumes/..."))),
        None => Ok(location),
    }
}

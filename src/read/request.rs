//! Scan -> the request for a page. Pure but for the length of an address, which the client knows.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::airtable::client::Client;
use crate::airtable::failure::Purpose;
use crate::airtable::request::Request;
use crate::scan::{Scan, Source};

/// Airtable refuses addresses of 16,000 characters.
const LONGEST_URL: usize = 15_000;

/// What is asked for of records besides their cells.
const METADATA: &str = "recordMetadata";

/// The page at `offset` of the records that fulfil a formula, by GET where the address is short enough, else by POST.
pub(super) fn page(client: &Client, scan: &Scan, formula: Option<&str>, offset: Option<&str>) -> Request {
    let parameters = parameters(scan, formula, offset);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = |(key, value): &(&'static str, Value)| match value {
        Value::Array(items) if *key == METADATA => items.iter().map(|item| ("recordMetadata[]", text(item))).collect(),
        Value::Array(items) => items.iter().map(|item| ("fields[]", text(item))).collect(),
        value => vec![(*key, text(value))],
    };
    let get = Request {
        purpose: Purpose::Records,
        method: Method::GET,
        path: vec![scan.base_id.clone(), scan.table_id.clone()],
        query: parameters.iter().flat_map(pairs).collect(),
        body: None,
        base_id: Some(scan.base_id.clone()),
    };
    if client.is_within(&get, LONGEST_URL) {
        return get;
    }
    let body: Map<String, Value> = parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let path = get.path.into_iter().chain(["listRecords".to_owned()]).collect();
    Request { method: Method::POST, path, query: Vec::new(), body: Some(Value::from(body).to_string()), ..get }
}

/// The page at `offset` of the comments of a record.
pub(super) fn comments(scan: &Scan, record_id: &str, offset: Option<&str>) -> Request {
    let size = ("pageSize", scan.page_size.to_string());
    let offset = offset.map(|offset| ("offset", offset.to_owned()));
    Request {
        purpose: Purpose::Comments,
        method: Method::GET,
        path: vec![scan.base_id.clone(), scan.table_id.clone(), record_id.to_owned(), "comments".to_owned()],
        query: std::iter::once(size).chain(offset).collect(),
        body: None,
        base_id: Some(scan.base_id.clone()),
    }
}

/// What a page is asked for with, whichever way it is asked. The lists among it are those of the fields and of the metadata.
fn parameters(scan: &Scan, formula: Option<&str>, offset: Option<&str>) -> Vec<(&'static str, Value)> {
    let counts_comments = scan.columns.iter().any(|column| column.source == Source::CommentCount);
    let optional = [
        (METADATA, counts_comments.then(|| json!(["commentCount"]))),
        ("view", scan.view_id.as_deref().map(Value::from)),
        ("filterByFormula", formula.map(Value::from)),
        // Of the records that come, a condition leaves some out.
        ("maxRecords", scan.max_records.filter(|_| scan.restriction.is_none()).map(Value::from)),
        ("offset", offset.map(Value::from)),
    ];
    let mut parameters = vec![
        ("pageSize", scan.page_size.into()),
        ("returnFieldsByFieldId", true.into()),
        ("fields", json!(scan.field_ids())),
    ];
    parameters.extend(optional.into_iter().filter_map(|(key, value)| Some((key, value?))));
    parameters
}

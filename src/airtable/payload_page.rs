//! A page of a webhook's payloads, asked for.
//!
//! Invariant: a page whose payloads Airtable no longer has is told apart from one that it does not give for now.

use std::sync::Arc;

use reqwest::Method;

use super::client::Client;
use super::failure::{Failure, Purpose, Reason};
use super::payload::{OfTable, Payloads};
use super::request::Request;
use super::tally::Tally;
use crate::error::{Error, Result};

/// Payloads of one answer. Airtable's page on webhooks.
pub(crate) const PAGE: u64 = 50;

/// A webhook of a base, and the table of which its payloads are read, by their ids.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FeedOf<'a> {
    pub(crate) base: &'a str,
    pub(crate) table: &'a str,
    pub(crate) webhook: &'a str,
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum NoPage {
    /// Its payloads are gone.
    Gone,
    /// The webhook is not there, or may not be read: what is missing may be said to be forbidden.
    Absent(Error),
}

/// Some payloads from a number on, fewer where their answer would be too large. Reading them keeps the webhook alive.
///
/// # Errors
/// What requests fail with.
pub(crate) async fn page<T: OfTable>(
    client: &Client,
    of: FeedOf<'_>,
    cursor: u64,
    limit: u64,
    tally: &Arc<Tally>,
) -> Result<Result<Payloads<T>, NoPage>> {
    let mut limit = limit;
    let (request, told) = loop {
        let request = request(of, cursor, limit);
        match client.try_text(&request, tally, |text| Payloads::read(text, of.table)).await? {
            // A payload can hold whole texts, and what they were before.
            Err(Failure::TooLarge { .. }) if limit > 1 => limit /= 2,
            told => break (request, told),
        }
    };
    match told {
        Ok(page) => Ok(Ok(page)),
        // A cursor whose payloads are gone may be refused rather than answered.
        Err(Failure::Status { status: 400 | 410 | 422, reason: Reason::Told | Reason::Unsigned, .. }) => {
            Ok(Err(NoPage::Gone))
        }
        Err(failure @ Failure::Status { status: 403 | 404, .. }) => {
            Ok(Err(NoPage::Absent(client.error(&request, &failure))))
        }
        Err(failure) => Err(client.error(&request, &failure)),
    }
}

fn request(of: FeedOf<'_>, cursor: u64, limit: u64) -> Request {
    Request {
        purpose: Purpose::Webhooks,
        method: Method::GET,
        path: ["bases", of.base, "webhooks", of.webhook, "payloads"].map(str::to_owned).into(),
        query: vec![("cursor", cursor.to_string()), ("limit", limit.to_string())],
        body: None,
        base_id: Some(of.base.to_owned()),
    }
}

/// What is said of payloads that are no longer there, from a number on.
pub(crate) fn missing(webhook_id: &str, number: u64) -> String {
    format!(
        "payloads of webhook {webhook_id} are missing from number {number} on, because Airtable keeps them for seven days"
    )
}

/// What is said of a payload that cannot be read.
pub(crate) fn unreadable(webhook_id: &str, number: u64, why: &str) -> String {
    format!("payload {number} of webhook {webhook_id} cannot be read: {why}")
}

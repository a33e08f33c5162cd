//! How a request fails, and the one match from an answer of the service to an [`Error`]. Pure.
//!
//! Invariant: a message is one line and holds neither query nor token.

use std::time::Duration;

use serde_json::Value;

use crate::airtable::proxy::Proxy;
use crate::error::{Error, Said, line};
use crate::json;

/// How one attempt at a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// An answer with a status other than 2xx. `kind` is Airtable's error type; it and `message` may be empty.
    Status {
        /// The HTTP status.
        status: u16,
        /// `RATE_LIMIT_REACHED` and the like.
        kind: String,
        /// What Airtable says, in one line.
        message: String,
        /// The `Retry-After` header.
        retry_after: Option<Duration>,
        /// Whether the answer says why.
        reason: Reason,
    },
    /// No connection: name, route, TLS or port. `reached_before` tells a passing fault from a wrong address.
    Connect {
        /// The innermost cause.
        cause: String,
        /// The one that the connection was to go by.
        proxy: Option<Proxy>,
        /// This client has had an answer before.
        reached_before: bool,
    },
    /// The connection ended before the answer was complete.
    Broken {
        /// The innermost cause.
        cause: String,
    },
    /// The time for one request is over.
    Timeout {
        /// The limit that was reached.
        limit: Duration,
    },
    /// The answer is larger than the client holds in memory.
    TooLarge {
        /// The limit that was reached.
        limit_bytes: usize,
    },
    /// The access token has expired, and there is no new one.
    NotRenewed {
        /// The request for one, what came back, and what to do.
        why: String,
        /// Asking again does not help.
        is_final: bool,
    },
    /// Status 200, but not a JSON object from brace to brace: a proxy's page, or an answer cut short.
    NotJson {
        /// The first characters.
        start: String,
    },
}

/// What is known of why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Airtable says it, or nobody but the one who refused can.
    Told,
    /// The status says enough, but nothing tells that it is Airtable's: something on the way may have answered in its place.
    Unsigned,
    /// Lost on the way: the body broke off, or the status means nothing without what Airtable says.
    Lost,
}

impl Failure {
    /// The failure that an answer's status, body and `Retry-After` (in seconds) stand for.
    pub(crate) fn from_answer(status: u16, body: &[u8], retry_after: Option<&str>) -> Self {
        let ErrorBody { kind, message } = ErrorBody::parse(body);
        let reason = reason(status, &kind, body);
        let seconds = retry_after.and_then(|text| text.trim().parse().ok());
        let retry_after = seconds.map(Duration::from_secs);
        Self::Status { status, kind, message, retry_after, reason }
    }

    /// The page cursor is no longer known to the server: only the first page can be asked for again.
    pub(crate) fn is_expired_cursor(&self) -> bool {
        const KINDS: [&str; 2] = ["LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "INVALID_OFFSET_VALUE"];
        matches!(self, Self::Status { status: 422, kind, .. } if KINDS.contains(&kind.as_str()))
    }

    /// The formula of the request is refused, or its length.
    pub(crate) fn is_refused_formula(&self) -> bool {
        match self {
            Self::Status { status: 422, kind, .. } => kind == "INVALID_FILTER_BY_FORMULA",
            Self::Status { status, .. } => matches!(status, 413 | 414),
            _ => false,
        }
    }

    /// Requests to this base are refused for a while, ours and everybody's.
    pub(crate) fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Status { status: 429, kind, .. } if kind != "PUBLIC_API_BILLING_LIMIT_EXCEEDED")
    }

    /// What log lines say of it.
    pub(crate) fn in_short(&self) -> String {
        match self {
            Self::Status { status, reason: Reason::Lost | Reason::Unsigned, .. } => {
                format!("{status}, without a reason")
            }
            Self::Status { status, kind, .. } => format!("{status} {kind}").trim_end().to_owned(),
            Self::Connect { cause, proxy: None, .. } => format!("cannot connect: {cause}"),
            Self::Connect { cause, proxy: Some(proxy), .. } => format!("cannot connect by {proxy}: {cause}"),
            Self::Broken { cause } => cause.clone(),
            Self::Timeout { limit } => format!("no complete answer within {limit:?}"),
            Self::TooLarge { .. } => "too large".to_owned(),
            Self::NotRenewed { .. } => "401, and the token was not renewed".to_owned(),
            Self::NotJson { .. } => "200, but no JSON".to_owned(),
        }
    }
}

/// What a refusal tells by its body. Airtable's have a type of error, whichever the status. Of a 400 or a 422 nothing is known
/// without it; what another client error means its status says, whoever sent it.
fn reason(status: u16, kind: &str, body: &[u8]) -> Reason {
    let breaks_off = || body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<Value>(body).is_err();
    match status {
        _ if !kind.is_empty() => Reason::Told,
        400 | 422 => Reason::Lost,
        _ if breaks_off() => Reason::Lost,
        // Too large for whoever says so: the same request is the next time, too.
        413 | 414 | 431 => Reason::Told,
        400..=499 => Reason::Unsigned,
        _ => Reason::Told,
    }
}

/// The body of a refused request, in any of the four shapes in which Airtable sends it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    pub(crate) kind: String,
    pub(crate) message: String,
}

impl ErrorBody {
    /// Reads `{"error": {"type", "message"}}`, `{"error": {"type"}}`, `{"error": "TYPE"}` and
    /// `{"errors": [{"error", "message"}]}`. Anything else, such as a proxy's page, has neither.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let Ok(body) = json::from_body::<Value>(body) else {
            return Self::default();
        };
        let error = match (&body["error"], &body["errors"][0]) {
            (Value::String(kind), _) => {
                return Self { kind: line(kind), message: String::new() };
            }
            (error @ Value::Object(_), _) | (_, error) => error,
        };
        let text = |key: &str| error[key].as_str().map(line).unwrap_or_default();
        let kind = Some(text("type")).filter(|kind| !kind.is_empty()).unwrap_or_else(|| text("error"));
        Self { kind, message: text("message") }
    }
}

/// What a request was for: names it in messages, and says which scope it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whose token it is.
    Account,
    Bases,
    Schema,
    Records,
    /// Of a record.
    Comments,
    Webhooks,
    NewWebhook,
}

impl Purpose {
    /// What makes an answer smaller.
    fn smaller_answer(self) -> &'static str {
        match self {
            Self::Records => "lower page_size, or read fewer fields",
            Self::Comments => "lower page_size",
            Self::Schema => {
                "this is the definition of a base, which Airtable sends whole: remove tables, fields, views and choices \
                 that nobody needs, or split the base"
            }
            Self::Account => "check base_url: this is no answer of Airtable's",
            Self::Bases => "give base_id, so that bases need not be listed",
            Self::Webhooks | Self::NewWebhook => {
                "these are the base's changes, which Airtable sends whole: read the table anew, with a new checkpoint, or \
                 with ingestion_type cdc"
            }
        }
    }

    fn scope(self) -> &'static str {
        match self {
            Self::Account => "that it needs",
            Self::Bases | Self::Schema => "schema.bases:read",
            Self::Records => "data.records:read",
            Self::Comments => "data.recordComments:read, besides data.records:read and schema.bases:read,",
            Self::Webhooks => "webhook:manage, besides data.records:read and schema.bases:read,",
            Self::NewWebhook => {
                "webhook:manage, besides data.records:read and schema.bases:read, and its user the role of creator,"
            }
        }
    }
}

/// The error for a request whose token was good until now.
pub(crate) fn from_ended(asked: &str, failure: &Failure, is_personal: bool) -> Error {
    let what_to_do = if is_personal {
        "this token was accepted until now: it was revoked or deleted, or has lost its user: make a new one"
    } else {
        "the access token has expired: OAuth access tokens last 60 minutes, and this read has nothing to renew it with: \
         give the options refresh_token, client_id and client_secret, or a personal access token, which lasts until it \
         is revoked"
    };
    let error =
        Error::Auth(format!("{asked}: {}: {what_to_do}", failure.in_short()).into()).of_request(asked.to_owned());
    match failure {
        Failure::Status { status, kind, .. } => error.of_answer(*status, kind),
        _ => error,
    }
}

/// The error for a request that failed for good. `asked` is the method and the address without its query.
pub(crate) fn from_failure(asked: &str, purpose: Purpose, failure: &Failure) -> Error {
    let error = said_of(asked, purpose, failure).of_request(asked.to_owned());
    match failure {
        Failure::Status { status, kind, .. } => error.of_answer(*status, kind),
        _ => error,
    }
}

fn said_of(asked: &str, purpose: Purpose, failure: &Failure) -> Error {
    let scope = purpose.scope();
    let Failure::Status { status, kind, message, reason, .. } = failure else {
        return unanswered(asked, purpose, failure);
    };
    // What follows is a part of the same sentence.
    let answer = [status.to_string(), kind.clone(), message.trim_end_matches('.').to_owned()];
    let answer = answer.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ");
    let say = |what_to_do: &str| Said::from(format!("{asked}: {answer}: {what_to_do}"));
    match (*status, kind.as_str()) {
        (401, _) => Error::Auth(say(
            "the token was not accepted: check that it is complete and neither revoked nor expired (an OAuth access \
                 token lasts 60 minutes, and is renewed where refresh_token and client_id are given)",
        )),
        (403, _) if purpose == Purpose::NewWebhook => Error::Auth(say(&format!(
            "a change feed needs a webhook, and none of the base's serves: give the token the scope {scope} or let \
             somebody who may create one and name it in the option webhook_id"
        ))),
        (422, _) if purpose == Purpose::NewWebhook && *reason != Reason::Lost => Error::Rejected(say(
            "a base holds at most 10 webhooks, and 2 of one OAuth integration: delete one that nobody reads, or name one in \
             the option webhook_id",
        )),
        (403, _) => Error::Auth(say(&format!(
            "give the token the scope {scope} and access to this base, and its user a role on the base; Airtable \
             answers the same where the base or table does not exist, so check the ids too"
        ))),
        (404, _) | (422, "VIEW_NAME_NOT_FOUND" | "VIEW_ID_NOT_FOUND" | "TABLE_NOT_FOUND") => {
            Error::NotFound(say("check base_url, base_id, tableName and view"))
        }
        (422, "UNKNOWN_FIELD_NAME") => {
            Error::NotFound(say("a field was removed from the table after the read was planned: start the read again"))
        }
        (422, "INVALID_FILTER_BY_FORMULA") => {
            Error::Rejected(say("correct the option filter_formula (fields as {Name}, texts in straight quotes)"))
                .of_option("filter_formula")
        }
        (429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED") => Error::RateLimit(say(
            "the workspace has used up its API calls of this month; waiting does not help, so nothing was retried: \
             upgrade the plan, or read again next month",
        )),
        (429, _) => Error::RateLimit(say(
            "other clients use up this base's 5 requests a second: lower requests_per_second here or there",
        )),
        (300..=399, _) => Error::Rejected(say(
            "redirects are not followed, so that the token reaches no other host: check base_url and proxies",
        )),
        (413, _) => Error::Rejected(say("the request is too large: shorten filter_formula or fields")),
        (501 | 505 | 506 | 510 | 511, _) => Error::Transport(say(
            "a server that cannot do this answers in Airtable's place, so nothing was retried: check base_url and proxies",
        )),
        (500..=599 | 408 | 421 | 425, _) => {
            Error::Transport(say("Airtable failed: try again later, or raise max_retries"))
        }
        _ if *reason == Reason::Lost => Error::Transport(say(
            "the request was refused without an error of Airtable's: the answer broke off, or something between here and \
             Airtable gave it: try again later, check base_url and proxies, or raise max_retries",
        )),
        _ => Error::Rejected(say("Airtable refuses this request: check the options it was made from")),
    }
}

fn unanswered(asked: &str, purpose: Purpose, failure: &Failure) -> Error {
    match failure {
        Failure::Connect { cause, proxy, .. } => {
            let what_to_do = way_in(cause, proxy.is_some());
            Error::Transport(format!("{asked}: {}: {what_to_do}", failure.in_short()).into())
        }
        Failure::Broken { cause } => {
            Error::Transport(format!("{asked}: {cause}: the connection broke: try again later, or raise max_retries").into())
        }
        Failure::Timeout { limit } => {
            let or = if purpose == Purpose::Records { ", or lower page_size" } else { "" };
            Error::Transport(format!("{asked}: no complete answer within {limit:?}: raise timeout_seconds{or}").into())
        }
        Failure::TooLarge { limit_bytes } => Error::Data(format!(
            "{asked}: the answer is larger than {} MiB: {}",
            limit_bytes >> 20,
            purpose.smaller_answer()
        ).into()),
        Failure::NotJson { start } => Error::Data(format!(
            "{asked}: 200 with a body that is not a JSON object (it begins with {start:?}): something between here and \
             Airtable answers in its place: check base_url and proxies"
        ).into()),
        Failure::NotRenewed { why, .. } => {
            Error::Auth(format!("{asked}: 401: the access token has expired, and was not renewed: {why}").into())
        }
        Failure::Status { .. } => unreachable!("statuses are matched by the caller"),
    }
}

/// What helps where no connection comes about. The words are those of rustls.
fn way_in(cause: &str, is_by_proxy: bool) -> &'static str {
    let says = |words: &str| cause.contains(words);
    if says("certificate expired") || says("certificate not valid yet") {
        return "check the date of this machine; where it is right, whoever runs the server has to renew the certificate";
    }
    if says("certificate not valid for name") {
        return "check base_url; where it is right, something between here and there answers in its place";
    }
    if says("UnknownIssuer") {
        return "nobody that this machine trusts has signed the certificate: where a company's firewall looks into TLS, set \
                SSL_CERT_FILE to a file that has its CA certificate, too";
    }
    if is_by_proxy {
        return "check that the proxy is right, runs and lets requests to this host pass, or name the host in NO_PROXY";
    }
    "check base_url, DNS, and the network policy of this machine"
}

#[cfg(test)]
mod tests;

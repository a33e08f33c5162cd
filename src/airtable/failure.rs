//! How a request fails, and the one match from an answer of the service to an [`Error`]. Pure.
//!
//! Invariant: a message is one line and holds neither query nor token.

use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, line};
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
        /// The body broke off, or is none that Airtable sends: why the request was refused is not known.
        is_cut_off: bool,
    },
    /// No connection: name, route, TLS or port. `reached_before` tells a passing fault from a wrong address.
    Connect {
        /// The innermost cause.
        cause: String,
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
    /// Status 200, but not a JSON object from brace to brace: a proxy's page, or an answer cut short.
    NotJson {
        /// The first characters.
        start: String,
    },
}

impl Failure {
    /// The failure that an answer's status, body and `Retry-After` (in seconds) stand for.
    pub(crate) fn from_answer(status: u16, body: &[u8], retry_after: Option<&str>) -> Self {
        let ErrorBody { kind, message } = ErrorBody::parse(body);
        let seconds = retry_after.and_then(|text| text.trim().parse().ok());
        let retry_after = seconds.map(Duration::from_secs);
        Self::Status { status, kind, message, retry_after, is_cut_off: is_cut_off(status, body) }
    }

    /// The page cursor is no longer known to the server: only the first page can be asked for again.
    pub(crate) fn is_expired_cursor(&self) -> bool {
        const KINDS: [&str; 2] = ["LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "INVALID_OFFSET_VALUE"];
        matches!(self, Self::Status { status: 422, kind, .. } if KINDS.contains(&kind.as_str()))
    }

    /// Requests to this base are refused for a while, ours and everybody's.
    pub(crate) fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Status { status: 429, kind, .. } if kind != "PUBLIC_API_BILLING_LIMIT_EXCEEDED")
    }

    /// What log lines say of it.
    pub(crate) fn in_short(&self) -> String {
        match self {
            Self::Status { status, is_cut_off: true, .. } => format!("{status}, and the answer broke off"),
            Self::Status { status, kind, .. } => format!("{status} {kind}").trim_end().to_owned(),
            Self::Connect { cause, .. } => format!("cannot connect: {cause}"),
            Self::Broken { cause } => cause.clone(),
            Self::Timeout { limit } => format!("no complete answer within {limit:?}"),
            Self::TooLarge { .. } => "too large".to_owned(),
            Self::NotJson { .. } => "200, but no JSON".to_owned(),
        }
    }
}

/// Whether a refusal has lost its reason on the way. What a proxy says for itself is a page, and whole; but of a 400 or a
/// 422 of Airtable's nothing is known without its JSON.
fn is_cut_off(status: u16, body: &[u8]) -> bool {
    let needs_reason = matches!(status, 400 | 422);
    (needs_reason || body.trim_ascii_start().starts_with(b"{")) && serde_json::from_slice::<Value>(body).is_err()
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
    Bases,
    Schema,
    Records,
    Webhooks,
    NewWebhook,
}

impl Purpose {
    /// What makes an answer smaller.
    fn smaller_answer(self) -> &'static str {
        match self {
            Self::Records => "lower page_size, or read fewer fields",
            Self::Schema => {
                "this is the definition of a base, which Airtable sends whole: remove tables, fields, views and choices \
                 that nobody needs, or split the base"
            }
            Self::Bases => "give base_id, so that bases need not be listed",
            Self::Webhooks | Self::NewWebhook => {
                "these are the base's changes, which Airtable sends whole: read the table anew, with a new checkpoint, or \
                 with ingestion_type cdc"
            }
        }
    }

    fn scope(self) -> &'static str {
        match self {
            Self::Bases | Self::Schema => "schema.bases:read",
            Self::Records => "data.records:read",
            Self::Webhooks => "webhook:manage, besides data.records:read and schema.bases:read,",
            Self::NewWebhook => {
                "webhook:manage, besides data.records:read and schema.bases:read, and its user the role of creator,"
            }
        }
    }
}

/// The error for a request that failed for good. `asked` is the method and the address without its query.
pub(crate) fn from_failure(asked: &str, purpose: Purpose, failure: &Failure) -> Error {
    let scope = purpose.scope();
    let Failure::Status { status, kind, message, is_cut_off, .. } = failure else {
        return unanswered(asked, purpose, failure);
    };
    let answer = [status.to_string(), kind.clone(), message.clone()];
    let answer = answer.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ");
    let say = |what_to_do: &str| format!("{asked}: {answer}: {what_to_do}");
    match (*status, kind.as_str()) {
        (401, _) => Error::Auth(say(
            "the token was not accepted: check that it is complete and neither revoked nor expired (an OAuth access \
                 token lasts 60 minutes, and is not refreshed here: start again with a new one)",
        )),
        (403, _) if purpose == Purpose::NewWebhook => Error::Auth(say(&format!(
            "a change feed needs a webhook, and none of the base's serves: give the token the scope {scope} or let \
             somebody who may create one and name it in the option webhook_id"
        ))),
        (422, _) if purpose == Purpose::NewWebhook && !is_cut_off => Error::Rejected(say(
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
        _ if *is_cut_off => Error::Transport(say(
            "the request was refused, and the answer broke off before it said why: try again later, or raise max_retries",
        )),
        _ => Error::Rejected(say("Airtable refuses this request: check the options it was made from")),
    }
}

fn unanswered(asked: &str, purpose: Purpose, failure: &Failure) -> Error {
    match failure {
        Failure::Connect { cause, .. } => Error::Transport(format!(
            "{asked}: cannot connect: {cause}: check base_url, DNS, HTTPS_PROXY, and the network policy of this machine"
        )),
        Failure::Broken { cause } => {
            Error::Transport(format!("{asked}: {cause}: the connection broke: try again later, or raise max_retries"))
        }
        Failure::Timeout { limit } => {
            let or = if purpose == Purpose::Records { ", or lower page_size" } else { "" };
            Error::Transport(format!("{asked}: no complete answer within {limit:?}: raise timeout_seconds{or}"))
        }
        Failure::TooLarge { limit_bytes } => Error::Data(format!(
            "{asked}: the answer is larger than {} MiB: {}",
            limit_bytes >> 20,
            purpose.smaller_answer()
        )),
        Failure::NotJson { start } => Error::Data(format!(
            "{asked}: 200 with a body that is not a JSON object (it begins with {start:?}): something between here and \
             Airtable answers in its place: check base_url and proxies"
        )),
        Failure::Status { .. } => unreachable!("statuses are matched by the caller"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_shapes_and_none() {
        let body = |kind: &str, message: &str| ErrorBody { kind: kind.into(), message: message.into() };
        for (text, expected) in [
            (r#"{"error":{"type":"INVALID_FILTER_BY_FORMULA","message":"m"}}"#, body("INVALID_FILTER_BY_FORMULA", "m")),
            (r#"{"error":{"type":"NOT_FOUND"}}"#, body("NOT_FOUND", "")),
            (r#"{"error":"NOT_FOUND"}"#, body("NOT_FOUND", "")),
            (r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"m"}]}"#, body("RATE_LIMIT_REACHED", "m")),
            (r#"{"errors":[{"type":"X","message":7}]}"#, body("X", "")),
            (r#"{"error":null}"#, body("", "")),
            (r#"{"errors":[]}"#, body("", "")),
            ("<html>502</html>", body("", "")),
            ("[1]", body("", "")),
            ("", body("", "")),
        ] {
            assert_eq!(ErrorBody::parse(text.as_bytes()), expected, "{text}");
        }
    }

    fn status(status: u16, kind: &str) -> Failure {
        Failure::Status { status, kind: kind.into(), message: "words".into(), retry_after: None, is_cut_off: false }
    }

    #[test]
    fn a_refusal_without_its_reason_is_told_from_one_with_it() {
        for (status, body, is_cut_off) in [
            (422, r#"{"error":{"type":"INVALID_REQUEST_UNKNOWN","message":"m"}}"#, false),
            (422, r#"{"error":"NOT_FOUND"}"#, false),
            (422, r#"{"error":{"type":"LIST_RECORDS_ITERA"#, true),
            (422, "<html>blocked</html>", true),
            (422, "", true),
            (400, "", true),
            (403, r#"{"error":{"type":"INVALID_PERM"#, true),
            (404, r#"{"error":"NOT_"#, true),
            (403, "<html>blocked</html>", false),
            (401, "", false),
            (413, "too large", false),
        ] {
            let failure = Failure::from_answer(status, body.as_bytes(), None);
            assert!(
                matches!(&failure, Failure::Status { is_cut_off: found, .. } if *found == is_cut_off),
                "{status} {body}: {failure:?}"
            );
        }
    }

    #[test]
    fn a_cursor_that_the_server_does_not_know_is_expired() {
        for (kind, is_expired) in [
            ("LIST_RECORDS_ITERATOR_NOT_AVAILABLE", true),
            ("INVALID_OFFSET_VALUE", true),
            ("INVALID_FILTER_BY_FORMULA", false),
            ("", false),
        ] {
            assert_eq!(status(422, kind).is_expired_cursor(), is_expired, "{kind}");
            assert!(!status(400, kind).is_expired_cursor(), "{kind}");
        }
    }

    #[test]
    fn every_answer_has_its_error() {
        let variant = |failure| match from_failure("GET https://x/v0/app", Purpose::Records, &failure) {
            Error::Option(_) => "option",
            Error::Auth(_) => "auth",
            Error::NotFound(_) => "not found",
            Error::RateLimit(_) => "rate limit",
            Error::Rejected(_) => "rejected",
            Error::Transport(_) => "transport",
            Error::Data(_) => "data",
        };
        for (code, kind, expected) in [
            (302, "", "rejected"),
            (400, "", "rejected"),
            (401, "AUTHENTICATION_REQUIRED", "auth"),
            (402, "", "rejected"),
            (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "auth"),
            (404, "NOT_FOUND", "not found"),
            (413, "", "rejected"),
            (422, "VIEW_NAME_NOT_FOUND", "not found"),
            (422, "UNKNOWN_FIELD_NAME", "not found"),
            (422, "INVALID_FILTER_BY_FORMULA", "rejected"),
            (422, "A_KIND_OF_NEXT_YEAR", "rejected"),
            (429, "RATE_LIMIT_REACHED", "rate limit"),
            (429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "rate limit"),
            (408, "", "transport"),
            (425, "", "transport"),
            (500, "", "transport"),
            (501, "", "transport"),
            (503, "RETRIABLE_ERROR", "transport"),
        ] {
            assert_eq!(variant(status(code, kind)), expected, "{code} {kind}");
        }
        for (status, expected) in
            [(401, "auth"), (403, "auth"), (404, "not found"), (400, "transport"), (422, "transport")]
        {
            assert_eq!(variant(Failure::from_answer(status, b"{\"error\":", None)), expected, "{status}");
        }
        assert_eq!(variant(Failure::Connect { cause: "refused".into(), reached_before: false }), "transport");
        assert_eq!(variant(Failure::Broken { cause: "eof".into() }), "transport");
        assert_eq!(variant(Failure::Timeout { limit: std::time::Duration::from_secs(60) }), "transport");
        assert_eq!(variant(Failure::TooLarge { limit_bytes: 1 << 27 }), "data");
        assert_eq!(variant(Failure::NotJson { start: "<html>".into() }), "data");
    }

    #[test]
    fn what_is_too_large_or_too_slow_is_told_by_what_it_is() {
        let large = Failure::TooLarge { limit_bytes: 1 << 27 };
        let slow = Failure::Timeout { limit: Duration::from_secs(60) };
        for (purpose, hint) in [
            (Purpose::Records, "lower page_size"),
            (Purpose::Schema, "split the base"),
            (Purpose::Bases, "give base_id"),
            (Purpose::Webhooks, "read the table anew"),
            (Purpose::NewWebhook, "read the table anew"),
        ] {
            let text = from_failure("GET https://x/v0", purpose, &large).to_string();
            assert!(text.contains("larger than 128 MiB: ") && text.contains(hint), "{text}");
            for failure in [&large, &slow] {
                let text = from_failure("GET https://x/v0", purpose, failure).to_string();
                assert_eq!(text.contains("page_size"), purpose == Purpose::Records, "{text}");
            }
        }
    }

    #[test]
    fn a_token_that_is_not_accepted_may_be_of_oauth() {
        let text =
            from_failure("GET https://x/v0/app", Purpose::Records, &status(401, "AUTHENTICATION_REQUIRED")).to_string();
        assert!(
            text.contains("neither revoked nor expired") && text.contains("OAuth access token lasts 60 minutes"),
            "{text}"
        );
    }

    #[test]
    fn a_message_names_the_request_the_answer_and_the_cure() {
        let error = from_failure("GET https://x/v0/app", Purpose::Schema, &status(403, "INVALID_PERMISSIONS"));
        let text = error.to_string();
        assert!(text.starts_with("GET https://x/v0/app: 403 INVALID_PERMISSIONS words: "), "{text}");
        assert!(text.contains("schema.bases:read") && !text.contains('\n'), "{text}");
    }
}

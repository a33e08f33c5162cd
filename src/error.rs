//! What can go wrong, by what a caller would do about it, and the one match from an answer of the service to an error.
//!
//! Every message is one line: what was asked (method and path, never query or token), what came back, what to do. The
//! text is complete as it stands: there is no source below it that would say the same again.

use crate::retry::Failure;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that this crate fails with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is missing, unknown or has no such value: correct the call.
    #[error("{0}")]
    Option(String),
    /// The token is not accepted, or may not do this: give it the scope, the base or the role that the message names.
    #[error("{0}")]
    Auth(String),
    /// No such base, table, view or field: the message lists the nearest names.
    #[error("{0}")]
    NotFound(String),
    /// Too many requests, or the month's calls are used up: wait, or ask for fewer.
    #[error("{0}")]
    RateLimit(String),
    /// Airtable understood the request and refused it, as with a formula that does not compile.
    #[error("{0}")]
    Rejected(String),
    /// No answer, or a failing server, after all retries: the same call may succeed later.
    #[error("{0}")]
    Transport(String),
    /// An answer that is not what Airtable documents, or a value that a strict read refuses.
    #[error("{0}")]
    Data(String),
}

impl Error {
    /// The same error with another text.
    pub(crate) fn map_text(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Option(text) => Self::Option(change(text)),
            Self::Auth(text) => Self::Auth(change(text)),
            Self::NotFound(text) => Self::NotFound(change(text)),
            Self::RateLimit(text) => Self::RateLimit(change(text)),
            Self::Rejected(text) => Self::Rejected(change(text)),
            Self::Transport(text) => Self::Transport(change(text)),
            Self::Data(text) => Self::Data(change(text)),
        }
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
    let Failure::Status { status, kind, message, .. } = failure else {
        return unanswered(asked, failure);
    };
    let answer = [status.to_string(), kind.clone(), message.clone()];
    let answer = answer.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ");
    let say = |what_to_do: &str| format!("{asked}: {answer}: {what_to_do}");
    match (*status, kind.as_str()) {
        (401, _) => {
            Error::Auth(say("the token was not accepted: check that it is complete and neither revoked nor expired"))
        }
        (403, _) if purpose == Purpose::NewWebhook => Error::Auth(say(&format!(
            "a change feed needs a webhook, and none of the base's serves: give the token the scope {scope} or let \
             somebody who may create one and name it in the option webhook_id"
        ))),
        (422, _) if purpose == Purpose::NewWebhook => Error::Rejected(say(
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
        (500..=599, _) => Error::Transport(say("Airtable failed: try again later, or raise max_retries")),
        _ => Error::Rejected(say("Airtable refuses this request: check the options it was made from")),
    }
}

fn unanswered(asked: &str, failure: &Failure) -> Error {
    match failure {
        Failure::Connect { cause, .. } => Error::Transport(format!(
            "{asked}: cannot connect: {cause}: check base_url, DNS, HTTPS_PROXY, and the network policy of this machine"
        )),
        Failure::Broken { cause } => {
            Error::Transport(format!("{asked}: {cause}: the connection broke: try again later, or raise max_retries"))
        }
        Failure::Timeout { limit } => Error::Transport(format!(
            "{asked}: no complete answer within {limit:?}: raise timeout_seconds, or lower page_size"
        )),
        Failure::TooLarge { limit_bytes } => Error::Data(format!(
            "{asked}: the answer is larger than {} MiB: lower page_size, or read fewer fields",
            limit_bytes >> 20
        )),
        Failure::NotJson { start } => Error::Data(format!(
            "{asked}: 200 with a body that is not a JSON object (it begins with {start:?}): something between here and \
             Airtable answers in its place: check base_url and proxies"
        )),
        Failure::Status { .. } => unreachable!("statuses are matched by the caller"),
    }
}

/// `; did you mean a, b or c?` for the names nearest to `name`, or nothing where none is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let wanted = name.to_lowercase();
    let mut ranked: Vec<(f64, &str)> = known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&wanted, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names: Vec<String> = ranked.iter().take(3).map(|(_, known)| format!("{known:?}")).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => format!("; did you mean {only}?"),
        Some((last, others)) => format!("; did you mean {} or {last}?", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, kind: &str) -> Failure {
        Failure::Status { status, kind: kind.into(), message: "words".into(), retry_after: None }
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
            (500, "", "transport"),
            (503, "RETRIABLE_ERROR", "transport"),
        ] {
            assert_eq!(variant(status(code, kind)), expected, "{code} {kind}");
        }
        assert_eq!(variant(Failure::Connect { cause: "refused".into(), reached_before: false }), "transport");
        assert_eq!(variant(Failure::Broken { cause: "eof".into() }), "transport");
        assert_eq!(variant(Failure::Timeout { limit: std::time::Duration::from_secs(60) }), "transport");
        assert_eq!(variant(Failure::TooLarge { limit_bytes: 1 << 27 }), "data");
        assert_eq!(variant(Failure::NotJson { start: "<html>".into() }), "data");
    }

    #[test]
    fn a_message_names_the_request_the_answer_and_the_cure() {
        let error = from_failure("GET https://x/v0/app", Purpose::Schema, &status(403, "INVALID_PERMISSIONS"));
        let text = error.to_string();
        assert!(text.starts_with("GET https://x/v0/app: 403 INVALID_PERMISSIONS words: "), "{text}");
        assert!(text.contains("schema.bases:read") && !text.contains('\n'), "{text}");
    }

    #[test]
    fn nearest_names() {
        let known = ["Vendors", "Launch Milestones", "Packaging Tasks"];
        assert_eq!(nearest("vendor", known), "; did you mean \"Vendors\"?");
        assert_eq!(nearest("Packagng Taks", known), "; did you mean \"Packaging Tasks\"?");
        assert_eq!(nearest("xyz", known), "");
    }
}

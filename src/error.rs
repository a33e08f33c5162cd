//! What can go wrong, by what a caller would do about it.
//!
//! Every message is one line: what was asked (method and path, never query or token), what came back, what to do. The
//! text is complete as it stands: there is no source below it that would say the same again. No secret leaves in one,
//! whatever was put into it: texts are scrubbed where they are shown.

use std::fmt;

use crate::token::scrub;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that this crate fails with.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is missing, unknown or has no such value: correct the call.
    #[error("{}", scrub(.0))]
    Option(String),
    /// The token is not accepted, or may not do this: give it the scope, the base or the role that the message names.
    #[error("{}", scrub(.0))]
    Auth(String),
    /// No such base, table, view or field: the message lists the nearest names.
    #[error("{}", scrub(.0))]
    NotFound(String),
    /// Too many requests, or the month's calls are used up: wait, or ask for fewer.
    #[error("{}", scrub(.0))]
    RateLimit(String),
    /// Airtable understood the request and refused it, as with a formula that does not compile.
    #[error("{}", scrub(.0))]
    Rejected(String),
    /// No answer, or a failing server, after all retries: the same call may succeed later.
    #[error("{}", scrub(.0))]
    Transport(String),
    /// An answer that is not what Airtable documents, or a value that a strict read refuses.
    #[error("{}", scrub(.0))]
    Data(String),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, text) = match self {
            Self::Option(text) => ("Option", text),
            Self::Auth(text) => ("Auth", text),
            Self::NotFound(text) => ("NotFound", text),
            Self::RateLimit(text) => ("RateLimit", text),
            Self::Rejected(text) => ("Rejected", text),
            Self::Transport(text) => ("Transport", text),
            Self::Data(text) => ("Data", text),
        };
        f.debug_tuple(kind).field(&scrub(text)).finish()
    }
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

/// Longer texts from a server are cut: an error is one line that a person reads.
const LONGEST_MESSAGE: usize = 300;

/// `text` as one line of bounded length.
pub(crate) fn line(text: &str) -> String {
    let mut line: String =
        text.split(|c: char| c.is_control() || c == ' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() > LONGEST_MESSAGE {
        line = line.chars().take(LONGEST_MESSAGE).chain("...".chars()).collect();
    }
    line
}

/// `; did you mean a, b or c?` for the names nearest to `name`, or nothing where none is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = nearest_names(name, known).into_iter().take(3).map(|known| format!("{known:?}")).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => format!("; did you mean {only}?"),
        Some((last, others)) => format!("; did you mean {} or {last}?", others.join(", ")),
    }
}

/// Names that one message lists at most.
const MOST_NAMES: usize = 20;

/// The nearest names, as [`nearest`] gives them, or, where none is near, what there is: `; WHAT "a", "b" and 3 more`.
pub(crate) fn nearest_or_all<'a>(name: &str, what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    let near = nearest(name, known.iter().copied());
    if !near.is_empty() {
        return near;
    }
    if known.is_empty() {
        return format!("; {what} none");
    }
    let wanted = name.to_lowercase();
    known.sort_by_cached_key(|known| {
        // From the likest to the least; a likeness lies between 0 and 1.
        #[allow(clippy::cast_possible_truncation)]
        let likeness = (strsim::jaro_winkler(&wanted, &known.to_lowercase()) * 1e6) as i64;
        -likeness
    });
    let listed: Vec<String> = known.iter().take(MOST_NAMES).map(|known| format!("{known:?}")).collect();
    let more = known.len().saturating_sub(MOST_NAMES);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("; {what} {}{more}", listed.join(", "))
}

/// The names that somebody may have meant by `name`, the nearest first.
pub(crate) fn nearest_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let mut ranked: Vec<(f64, &str)> = known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&wanted, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_short_line() {
        assert_eq!(line("a\n b\u{7}  c"), "a b c");
        assert_eq!(line(&"x".repeat(999)).len(), LONGEST_MESSAGE + 3);
    }

    #[test]
    fn no_secret_is_shown() {
        let secret = format!("patAbCdEfGhIjKlM1.{}", "0123456789abcdef".repeat(4));
        let error = Error::NotFound(format!("table {secret:?}: no such table"));
        assert_eq!(error.to_string(), "table \"[token]\": no such table");
        assert_eq!(format!("{error:?}"), "NotFound(\"table \\\"[token]\\\": no such table\")");
    }

    #[test]
    fn nearest_names() {
        let known = ["Vendors", "Launch Milestones", "Packaging Tasks"];
        assert_eq!(nearest("vendor", known), "; did you mean \"Vendors\"?");
        assert_eq!(nearest("Packagng Taks", known), "; did you mean \"Packaging Tasks\"?");
        assert_eq!(nearest("xyz", known), "");
    }

    #[test]
    fn where_none_is_near_all_are_listed() {
        let known = ["Launch Milestones", "Vendors"];
        assert_eq!(nearest_or_all("vendor", "it has", known), "; did you mean \"Vendors\"?");
        assert_eq!(nearest_or_all("Vxyz", "it has", known), "; it has \"Vendors\", \"Launch Milestones\"");
        assert_eq!(nearest_or_all("xyz", "it has", []), "; it has none");
        let many: Vec<String> = (0..25).map(|n| format!("{n}")).collect();
        let listed = nearest_or_all("xyz", "it has", many.iter().map(String::as_str));
        assert!(listed.ends_with("\"19\" and 5 more"), "{listed}");
    }
}

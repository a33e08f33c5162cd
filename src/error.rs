//! What can go wrong, by what a caller would do about it.
//!
//! Every message is one line: what was asked (method and path, never query or token), what came back, what to do. The
//! text is complete as it stands: there is no source below it that would say the same again. No secret leaves in one,
//! whatever was put into it: texts are scrubbed where they are shown.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use crate::token::scrub;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that this crate fails with.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is missing, unknown or has no such value: correct the call.
    #[error("{0}")]
    Option(Said),
    /// The token is not accepted, or may not do this: give it the scope, the base or the role that the message names.
    #[error("{0}")]
    Auth(Said),
    /// No such base, table, view or field: the message lists the nearest names.
    #[error("{0}")]
    NotFound(Said),
    /// Too many requests, or the month's calls are used up: wait, or ask for fewer.
    #[error("{0}")]
    RateLimit(Said),
    /// Airtable understood the request and refused it, as with a formula that does not compile.
    #[error("{0}")]
    Rejected(Said),
    /// No answer, or a failing server, after all retries: the same call may succeed later.
    #[error("{0}")]
    Transport(Said),
    /// An answer that is not what Airtable documents, or a value that a strict read refuses.
    #[error("{0}")]
    Data(Said),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Option(_) => "Option",
            Self::Auth(_) => "Auth",
            Self::NotFound(_) => "NotFound",
            Self::RateLimit(_) => "RateLimit",
            Self::Rejected(_) => "Rejected",
            Self::Transport(_) => "Transport",
            Self::Data(_) => "Data",
        };
        f.debug_tuple(kind).field(self.said()).finish()
    }
}

impl Error {
    /// The status of the answer that it comes from.
    pub fn status(&self) -> Option<u16> {
        self.said().facts.status
    }

    /// Airtable's word for what is wrong, such as `INVALID_FILTER_BY_FORMULA`, where its answer has one.
    pub fn kind(&self) -> Option<Cow<'_, str>> {
        self.said().facts.kind.as_deref().map(scrub)
    }

    /// The request that it comes from: method and address, without query.
    pub fn request(&self) -> Option<Cow<'_, str>> {
        self.said().facts.request.as_deref().map(scrub)
    }

    /// The option to correct, where it is one.
    pub fn option(&self) -> Option<Cow<'_, str>> {
        self.said().facts.option.as_deref().map(scrub)
    }

    /// The same error with another text.
    pub(crate) fn map_text(mut self, change: impl FnOnce(String) -> String) -> Self {
        let said = self.said_mut();
        said.text = change(std::mem::take(&mut said.text));
        self
    }

    /// The same error with its text and every word of its facts changed.
    pub(crate) fn map_words(mut self, change: impl Fn(&str) -> String) -> Self {
        let Said { text, facts } = self.said_mut();
        let Facts { kind, request, option, .. } = facts.as_mut();
        for word in [kind, request, option].into_iter().flatten().chain([text]) {
            *word = change(word);
        }
        self
    }

    /// The same error as that of an answer. The kind may be empty.
    pub(crate) fn of_answer(mut self, status: u16, kind: &str) -> Self {
        let facts = &mut self.said_mut().facts;
        facts.status = Some(status);
        facts.kind = Some(kind.to_owned()).filter(|kind| !kind.is_empty());
        self
    }

    /// The same error as that of a request, given by its method and its address without query.
    pub(crate) fn of_request(mut self, request: String) -> Self {
        self.said_mut().facts.request = Some(request);
        self
    }

    /// The same error as that of an option.
    pub(crate) fn of_option(mut self, name: &str) -> Self {
        self.said_mut().facts.option = Some(name.to_owned());
        self
    }

    fn said(&self) -> &Said {
        match self {
            Self::Option(said)
            | Self::Auth(said)
            | Self::NotFound(said)
            | Self::RateLimit(said)
            | Self::Rejected(said)
            | Self::Transport(said)
            | Self::Data(said) => said,
        }
    }

    fn said_mut(&mut self) -> &mut Said {
        match self {
            Self::Option(said)
            | Self::Auth(said)
            | Self::NotFound(said)
            | Self::RateLimit(said)
            | Self::Rejected(said)
            | Self::Transport(said)
            | Self::Data(said) => said,
        }
    }
}

/// What an error says, as a text made with `into()`, and the facts in it that programs look at: see [`Error::status`].
///
/// It is used as the text that it is. Shown, it holds no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    text: String,
    facts: Box<Facts>,
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Facts {
    status: Option<u16>,
    kind: Option<String>,
    request: Option<String>,
    option: Option<String>,
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        let option = option_named_by(&text).map(str::to_owned);
        Self { text, facts: Box::new(Facts { option, ..Facts::default() }) }
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Deref for Said {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&scrub(&self.text))
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&scrub(&self.text), f)
    }
}

/// The option that a text is about. Such texts begin with it, all in the same way: `option max_records is ...`.
fn option_named_by(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("unknown ").unwrap_or(text).strip_prefix("option ")?;
    rest.split([' ', ':']).next().filter(|name| !name.is_empty())
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
        let error = Error::NotFound(format!("table {secret:?}: no such table").into());
        assert_eq!(error.to_string(), "table \"[token]\": no such table");
        assert_eq!(format!("{error:?}"), "NotFound(\"table \\\"[token]\\\": no such table\")");
    }

    #[test]
    fn a_text_about_an_option_names_it() {
        for (text, option) in [
            ("option max_records is \"x\": it takes a whole number", Some("max_records")),
            ("option state_location: /nowhere: no such file: name a directory", Some("state_location")),
            ("unknown option max_record: did you mean max_records?", Some("max_record")),
            ("options a and b are one option with two values", None),
            ("table \"option x\": no such table", None),
            ("option ", None),
            ("", None),
        ] {
            assert_eq!(Error::Option(text.into()).option().as_deref(), option, "{text}");
        }
    }

    #[test]
    fn facts_stay_when_the_text_changes_and_hold_no_secret() {
        let secret = format!("patAbCdEfGhIjKlM1.{}", "0123456789abcdef".repeat(4));
        let error = Error::Data("text".into()).of_answer(422, "KIND").of_request(format!("GET https://x/v0/{secret}"));
        let error = error.of_option(&secret).map_text(|text| format!("more {text}"));
        assert_eq!((error.status(), error.kind().as_deref()), (Some(422), Some("KIND")));
        assert_eq!(error.request().as_deref(), Some("GET https://x/v0/[token]"));
        assert_eq!((error.option().as_deref(), error.to_string().as_str()), (Some("[token]"), "more text"));
        let error = error.map_words(|word| word.replace("KIND", "[token]").replace("text", "[token]"));
        assert_eq!((error.kind().as_deref(), error.to_string().as_str()), (Some("[token]"), "more [token]"));
        assert_eq!(Error::Data("text".into()).of_answer(500, "").kind(), None);
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

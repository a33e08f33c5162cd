//! What was given, under the names that the table writes, and the kinds of values that options take.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::options::table::{DELETE_FLOW, FOREIGN, OPTIONS, OptionRow};
use crate::options::unknown::Meant;
use crate::token::Token;

/// Options whose value is one name.
const NAMES: [&str; 2] = ["tableName", "view"];

/// The one option that is never given empty: see `Given::check_condition`.
const CONDITION: &str = "where";

/// What a token is renewed with.
const RENEWAL: [&str; 3] = ["refresh_token", "client_id", "client_secret"];

/// What becomes of names that are not in the table, and that resemble none which is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They are Spark's or Unity Catalog's, which add their own: a log line.
    LetThrough,
    /// They are mistakes: nobody but the user has written them.
    Refused,
}

/// One pair, as it was written.
struct Pair {
    key: String,
    value: String,
}

/// What was given, under the names that the table writes.
#[derive(Default)]
pub(super) struct Given {
    pairs: BTreeMap<&'static str, Pair>,
    /// The Unity Catalog connection that the read names.
    pub(super) databricks_connection: Option<String>,
    /// Whether the framework's pipelines want the deletes alone, where they say so.
    deletes_only: Option<bool>,
}

impl Given {
    /// What one caller gave, who means one value for an option.
    pub(super) fn of<K: AsRef<str>, V: Into<String>>(
        others: Others,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        let mut given = Self::default();
        for (key, value) in pairs {
            given.take(key.as_ref(), value.into(), others)?;
        }
        given.check_condition()?;
        // A connection's token may stand there under more than one name, and no read can change that.
        if given.databricks_connection.is_none() {
            given.check_names()?;
        }
        Ok(given)
    }

    /// These with what somebody else gave later: an option that is given there is not taken from here, whatever its name.
    pub(super) fn replaced_by(mut self, later: Self) -> Self {
        let is_later = |name| later.pairs_of(row_of(name)).next().is_some();
        if is_later("token") {
            // Another token is not renewed with what belongs to the earlier one.
            for name in RENEWAL {
                self.forget(name);
            }
        }
        for row in OPTIONS.iter().filter(|row| is_later(row.name)) {
            row.names().for_each(|name| _ = self.pairs.remove(name));
        }
        self.pairs.extend(later.pairs);
        Self {
            pairs: self.pairs,
            databricks_connection: later.databricks_connection.or(self.databricks_connection),
            deletes_only: later.deletes_only.or(self.deletes_only),
        }
    }

    fn take(&mut self, key: &str, value: String, others: Others) -> Result<()> {
        let lower = key.to_lowercase();
        if lower == "databricks.connection" && others == Others::LetThrough {
            self.databricks_connection = Some(value);
            return Ok(());
        }
        if lower == DELETE_FLOW.to_lowercase() {
            self.deletes_only = Some(value.trim().eq_ignore_ascii_case("true"));
            return Ok(());
        }
        let Some(name) = OPTIONS.iter().flat_map(OptionRow::names).find(|name| name.to_lowercase() == lower) else {
            return unknown(key, &lower, others);
        };
        let pair = Pair { key: key.to_owned(), value };
        match self.pairs.get(name) {
            Some(earlier) if earlier.key != pair.key => check_equal(name, earlier, &pair)?,
            _ => {}
        }
        self.pairs.insert(name, pair);
        Ok(())
    }

    /// An empty condition is what an unset variable leaves of one. As none it would let every row through.
    fn check_condition(&self) -> Result<()> {
        match self.pairs.get(CONDITION).filter(|pair| is_none(CONDITION, &pair.value)) {
            None => Ok(()),
            Some(_) => Err(Error::Option(
                format!("option {CONDITION} is empty: leave it out, or write a condition, such as price > 10").into(),
            )),
        }
    }

    /// One option has one value, whichever of its names were given.
    fn check_names(&self) -> Result<()> {
        for row in OPTIONS {
            let mut pairs = self.pairs_of(row);
            if let Some(first) = pairs.next() {
                pairs.try_for_each(|other| check_equal(row.name, first, other))?;
            }
        }
        Ok(())
    }

    /// What was given of an option, by its own name first, without what means nothing.
    fn pairs_of(&self, row: &'static OptionRow) -> impl Iterator<Item = &Pair> {
        row.names().filter_map(|name| self.pairs.get(name)).filter(|pair| !is_none(row.name, &pair.value))
    }

    /// The framework's pipelines want the deletes alone.
    pub(super) fn deletes_only(&self) -> bool {
        self.deletes_only.unwrap_or_default()
    }

    /// The value given, without outer space.
    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        self.name(name).map(|value| value.trim().to_owned())
    }

    /// The value given, as it was written: what it names may have outer space. An option's own name goes before its
    /// aliases, and these go in the order of the table.
    pub(super) fn name(&self, name: &'static str) -> Option<String> {
        self.pairs_of(row_of(name)).next().map(|pair| pair.value.clone())
    }

    /// Takes back a value, under whichever name it was given.
    pub(super) fn forget(&mut self, name: &'static str) {
        for name in row_of(name).names() {
            self.pairs.remove(name);
        }
    }

    /// Gives a value in the place of another.
    pub(super) fn set(&mut self, name: &'static str, value: String) {
        self.forget(name);
        self.pairs.insert(name, Pair { key: name.to_owned(), value });
    }

    /// The value given, as it was written, where it is a list with commas and not in JSON.
    pub(super) fn by_commas(&self, name: &'static str) -> Option<String> {
        self.name(name).filter(|text| !text.trim_start().starts_with('['))
    }

    /// The value given, or the table's default.
    pub(super) fn text_or_default(&self, name: &'static str) -> String {
        self.text(name).unwrap_or_else(|| row_of(name).default.to_owned())
    }

    /// Whether the table's default holds, given or not.
    pub(super) fn is_default(&self, name: &'static str) -> bool {
        self.text_or_default(name).eq_ignore_ascii_case(row_of(name).default)
    }

    pub(super) fn integer(&self, name: &'static str, range: RangeInclusive<u64>) -> Result<Option<u64>> {
        let text = self.text_or_default(name);
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            parsed if *range.end() == u64::MAX && !is_too_large(&parsed) => {
                Err(bad(name, &text, &format!("a whole number from {} up", range.start())))
            }
            _ => Err(bad(name, &text, &format!("a whole number from {} to {}", range.start(), range.end()))),
        }
    }

    pub(super) fn number(&self, name: &'static str, range: RangeInclusive<f64>) -> Result<f64> {
        let text = self.text_or_default(name);
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(bad(name, &text, &format!("a number from {} to {}", range.start(), range.end()))),
        }
    }

    pub(super) fn choice<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> Result<T> {
        let text = self.text_or_default(name);
        let found = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            bad(name, &text, &format!("one of {}", words.join(", ")))
        })
    }

    /// A JSON list of texts, or texts separated by commas; each as it was written.
    pub(super) fn list(&self, name: &'static str) -> Result<Option<Vec<String>>> {
        let Some(text) = self.name(name).filter(|text| text.trim() != row_of(name).default) else {
            return Ok(None);
        };
        let list: Vec<String> = if self.by_commas(name).is_none() {
            serde_json::from_str(&text).map_err(|_| bad(name, &text, "a JSON list of texts"))?
        } else if name == "namespace" {
            vec![text]
        } else {
            let names: Vec<String> =
                text.split(',').filter(|part| !part.trim().is_empty()).map(str::to_owned).collect();
            if names.is_empty() {
                return Err(bad(name, &text, "a name between its commas; [] is the list without names"));
            }
            names
        };
        Ok(Some(list))
    }
}

/// A value that stands for none.
fn is_none(name: &str, value: &str) -> bool {
    // A name may be of spaces alone.
    let is_name = NAMES.contains(&name);
    name != "rescued_data_column" && if is_name { value.is_empty() } else { value.trim().is_empty() }
}

fn check_equal(name: &str, one: &Pair, other: &Pair) -> Result<()> {
    if one.value == other.value || is_none(name, &one.value) || is_none(name, &other.value) {
        return Ok(());
    }
    // The values are not quoted: one of them may be a secret.
    Err(Error::Option(
        format!("options {} and {} are one option with two values: give one of them", one.key, other.key).into(),
    ))
}

/// Whoever gives such a number wants to know how large it may be.
fn is_too_large(parsed: &std::result::Result<u64, std::num::ParseIntError>) -> bool {
    parsed.as_ref().is_err_and(|error| *error.kind() == std::num::IntErrorKind::PosOverflow)
}

fn row_of(name: &str) -> &'static OptionRow {
    OPTIONS.iter().find(|row| row.name == name).expect("every name that this file asks for is in the table")
}

/// The error for a value that an option cannot have. A token, wherever it was put by mistake, is not quoted.
pub(super) fn bad(name: &str, value: &str, expected: &str) -> Error {
    if Token::is_likely(value) {
        return Error::Option(format!("option {name} holds what looks like a token: it takes {expected}").into());
    }
    Error::Option(format!("option {name} is {value:?}: it takes {expected}").into())
}

/// Refuses a key that surely means an option of ours, and any where nobody adds keys of their own.
fn unknown(key: &str, lower: &str, others: Others) -> Result<()> {
    if others == Others::LetThrough && FOREIGN.contains(&lower) {
        return Ok(());
    }
    match (Meant::by(key), others) {
        (Meant::Surely(text), _) | (Meant::Unclear(text), Others::Refused) => {
            Err(Error::Option(format!("unknown option {key}: {text}").into()))
        }
        (Meant::Unclear(_), Others::LetThrough) => {
            log::info!("option {key} is not one of this source's: ignored");
            Ok(())
        }
    }
}

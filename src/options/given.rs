//! What was given, under the names that the table writes, and the kinds of values that options take.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::options::table::{DELETE_FLOW, FOREIGN, OPTIONS, OptionRow};
use crate::token::Token;

/// What was given, under the names that the table writes.
#[derive(Default)]
pub(super) struct Given {
    values: BTreeMap<&'static str, String>,
    /// The Unity Catalog connection that the read names.
    pub(super) databricks_connection: Option<String>,
    /// The framework's pipelines want the deletes alone.
    pub(super) deletes_only: bool,
}

impl Given {
    pub(super) fn take(&mut self, key: &str, value: String) -> Result<()> {
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
    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        let value = row_of(name).names().find_map(|name| self.values.get(name));
        value.map(|value| value.trim().to_owned())
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
            _ if *range.end() == u64::MAX => {
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

    /// A JSON list of texts, or texts separated by commas.
    pub(super) fn list(&self, name: &'static str) -> Result<Option<Vec<String>>> {
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

/// The error for a value that an option cannot have. A token, wherever it was put by mistake, is not quoted.
pub(super) fn bad(name: &str, value: &str, expected: &str) -> Error {
    if Token::is_likely(value) {
        return Error::Option(format!("option {name} holds what looks like a token: it takes {expected}"));
    }
    Error::Option(format!("option {name} is {value:?}: it takes {expected}"))
}

/// Refuses a key within two edits of a known one; others are let through.
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

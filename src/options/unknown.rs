//! Names that are no option of ours: which option may be meant by them.

use crate::options::table::{FOREIGN, NOT_HERE, OPTIONS, OptionRow};

/// What a name may mean that is not in the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// Another source's word for an option, or one within two edits of its name: surely this one.
    Surely(String),
    /// Nothing that is here. The text names what is least unlike it.
    Unclear(String),
}

impl Meant {
    pub(super) fn by(name: &str) -> Self {
        let plain = plain(name);
        if let Some(row) = OPTIONS.iter().find(|row| row.elsewhere.contains(&plain.as_str())) {
            return Self::Surely(format!("this source calls it {}", row.name));
        }
        if let Some((_, instead)) = NOT_HERE.iter().find(|(words, _)| words.contains(&plain.as_str())) {
            return Self::Surely(format!("it has no counterpart here: {instead}"));
        }
        // Of two spellings of one word the option's own name is told.
        let is_own = |row: &OptionRow, name: &str| name == row.name || self::plain(name) != self::plain(row.name);
        let names = || OPTIONS.iter().flat_map(|row| row.names().filter(move |name| is_own(row, name)));
        // Spark's own keys are no misspellings, such as `path`, which is near to `part`.
        let is_foreign = FOREIGN.iter().any(|foreign| foreign.eq_ignore_ascii_case(name));
        let edits = |known: &'static str| (strsim::levenshtein(&plain, &self::plain(known)), known);
        if let Some((0..=2, known)) = names().map(edits).min().filter(|_| !is_foreign) {
            return Self::Surely(format!("did you mean {known}?"));
        }
        // Also by what others call it, so that `columnlist` leads to fields.
        let words = OPTIONS.iter().flat_map(|row| row.elsewhere.iter().map(|word| (*word, row.name)));
        let likeness = |known: &str| strsim::jaro_winkler(&plain, &self::plain(known));
        let all =
            names().map(|known| (likeness(known), known)).chain(words.map(|(word, known)| (likeness(word), known)));
        let nearest = all.max_by(|a, b| a.0.total_cmp(&b.0)).map_or("", |(_, known)| known);
        Self::Unclear(format!("the nearest is {nearest}; `lakeflow-airtable options` lists all"))
    }
}

/// Which option may be meant by a name that is none, as the end of a sentence, and whether that is sure.
pub fn option_meant(name: &str) -> (String, bool) {
    match Meant::by(name) {
        Meant::Surely(text) => (text, true),
        Meant::Unclear(text) => (text, false),
    }
}

/// Without what spellings differ in: `maxRows`, `max_rows` and `max-rows` are one word.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_sources_lead_to_ours() {
        for (name, ours) in [
            ("limit", "max_records"),
            ("max_rows", "max_records"),
            ("maxRows", "max_records"),
            ("columns", "fields"),
            ("select", "fields"),
            ("filter", "filter_formula"),
            ("filterByFormula", "filter_formula"),
            ("filter_by_formula", "filter_formula"),
            ("query", "tableName"),
            ("dbtable", "tableName"),
            ("table", "tableName"),
            ("batch-size", "page_size"),
            ("api_key", "token"),
            ("Personal_Access_Token", "token"),
            ("airtable_token", "token"),
            ("base", "base_id"),
            ("url", "base_url"),
            ("rate_limit", "requests_per_second"),
        ] {
            assert_eq!(option_meant(name), (format!("this source calls it {ours}"), true), "{name}");
        }
        for name in ["sort", "order_by", "offset", "cellFormat"] {
            assert!(option_meant(name).0.starts_with("it has no counterpart here: "), "{name}");
        }
    }

    #[test]
    fn what_is_near_and_what_is_not() {
        assert_eq!(option_meant("maxRecordsPerBatch"), ("did you mean max_records_per_batch?".into(), true));
        assert_eq!(option_meant("filter_formulas"), ("did you mean filter_formula?".into(), true));
        assert_eq!(
            Meant::by("columnlist"),
            Meant::Unclear("the nearest is fields; `lakeflow-airtable options` lists all".into())
        );
        assert!(matches!(Meant::by("spark.anything"), Meant::Unclear(_)));
    }

    #[test]
    fn of_two_spellings_of_one_word_the_options_own_name_is_told() {
        assert_eq!(option_meant("tabel_name"), ("did you mean tableName?".into(), true));
        assert_eq!(option_meant("table_nam"), ("did you mean tableName?".into(), true));
        assert_eq!(option_meant("bearer_tokens"), ("did you mean bearer_token?".into(), true));
    }

    #[test]
    fn a_word_means_one_thing() {
        let words: Vec<&str> = OPTIONS
            .iter()
            .flat_map(|row| row.elsewhere)
            .chain(NOT_HERE.iter().flat_map(|row| row.0))
            .copied()
            .collect();
        let names: Vec<String> = OPTIONS.iter().flat_map(OptionRow::names).map(plain).collect();
        for (number, word) in words.iter().enumerate() {
            assert_eq!(*word, plain(word), "as it is looked for");
            assert!(!words[..number].contains(word) && !names.contains(&(*word).to_owned()), "{word}");
        }
    }
}

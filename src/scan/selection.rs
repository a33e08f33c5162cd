//! Which of a table's records a scan reads. Pure.
//!
//! Invariants: windows of whole seconds, lower bound inclusive and upper exclusive, that follow one another partition
//! time exactly, whatever fractions of a second Airtable keeps; nothing here asks for a record twice.

use serde::{Deserialize, Serialize};

use crate::airtable::formula::both;
use crate::time::{Micros, Seconds, utc};

/// Which records of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// Those whose time lies in a window.
    Window(Window),
    /// Those named.
    Listed(Listed),
    /// What payloads of a webhook tell of them, for a log of changes.
    Payloads(PayloadRange),
}

/// Payloads of a webhook, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadRange {
    /// `ach...`.
    pub webhook_id: String,
    /// The first that is in.
    pub first: u64,
    /// The first that is no longer in.
    pub end: u64,
}

/// Records by a time that Airtable keeps of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Which time.
    pub of: Moment,
    /// The first second that is in; none where the window has no beginning.
    pub since: Option<Seconds>,
    /// The first second that is no longer in; none where it has no end.
    pub until: Option<Seconds>,
}

/// A time that Airtable keeps of every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// When it was created.
    Created,
    /// When somebody last edited it, or created it where nobody did since.
    Touched,
}

impl Moment {
    /// The formula of the time. A record that was never edited may have no time of its last edit (Airtable does not say),
    /// and comparing nothing with a time is an error, which would leave the record out.
    fn formula(self) -> &'static str {
        match self {
            Self::Created => "CREATED_TIME()",
            Self::Touched => "IF(LAST_MODIFIED_TIME(),LAST_MODIFIED_TIME(),CREATED_TIME())",
        }
    }
}

impl Window {
    /// The formula that is true of the records inside; none where all are.
    pub fn formula(&self) -> Option<String> {
        let moment = self.of.formula();
        let since = self.since.map(|since| format!("NOT(IS_BEFORE({moment},'{}'))", utc(since)));
        let until = self.until.map(|until| format!("IS_BEFORE({moment},'{}')", utc(until)));
        both(since, until)
    }
}

/// So many edited records of a feed are looked for before they are read, which takes five requests. Of a range with more
/// the read itself looks again for what it does not find: looking for each would take as many requests as reading them.
pub(crate) const MOST_LOOKED_FOR: usize = 500;

/// Records by id, with the time at which each changed or went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// To be read as they are now.
    pub present: Vec<(String, Micros)>,
    /// Known to be gone.
    pub gone: Vec<(String, Micros)>,
    /// Those of `present` that Airtable no longer gives are gone too; where not, they are left out.
    pub absent_are_gone: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_include_their_first_second_and_exclude_their_last() {
        let window = Window { of: Moment::Created, since: Some(0), until: Some(86_400) };
        assert_eq!(
            window.formula().expect("bounded"),
            "AND(NOT(IS_BEFORE(CREATED_TIME(),'1970-01-01T00:00:00Z')),IS_BEFORE(CREATED_TIME(),'1970-01-02T00:00:00Z'))"
        );
        let all = Window { of: Moment::Touched, since: None, until: None };
        assert_eq!(all.formula(), None);
        let first = Window { until: Some(0), ..all };
        assert!(first.formula().expect("bounded").starts_with("IS_BEFORE(IF(LAST_MODIFIED_TIME(),"));
    }
}

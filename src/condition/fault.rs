//! What is wrong with a condition's text, and where: every message points at the place.

use crate::error::{Error, line};

/// So much of the text is shown from the place on.
const SHOWN: usize = 30;

/// What is wrong, and the byte at which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) said: String,
}

impl Fault {
    pub(super) fn new(at: usize, said: impl Into<String>) -> Self {
        Self { at, said: said.into() }
    }

    /// The error for users, who count characters, from 1.
    pub(super) fn in_text(self, text: &str) -> Error {
        let (before, rest) = text.split_at_checked(self.at).unwrap_or((text, ""));
        let character = before.chars().count() + 1;
        let place = match rest.trim_end() {
            "" => format!("at its end, character {character}"),
            rest => {
                let shown: String = rest.chars().take(SHOWN).collect();
                let more = if shown.len() < rest.len() { "..." } else { "" };
                format!("at character {character}, {:?}", format!("{}{more}", line(&shown)))
            }
        };
        Error::Option(format!("option where: {place}: {}", self.said).into())
    }
}

//! Patterns of LIKE: `%` for any text, `_` for one character, and `\` before a character that stands for itself.

/// A pattern, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    One(char),
    Any,
    AnyText,
}

/// What the texts of a pattern have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// They are this one.
    Whole(String),
    /// What they begin with, which may be nothing, and what else is in them.
    Parts { start: String, others: Vec<String> },
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What Spark refuses: an escape before a character that needs none, or at the end.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut pieces = Vec::new();
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            pieces.push(match c {
                '%' => Piece::AnyText,
                '_' => Piece::Any,
                '\\' => match characters.next() {
                    Some(escaped @ ('%' | '_' | '\\')) => Piece::One(escaped),
                    _ => return Err("a pattern with \\ before what is neither %, _ nor \\: write \\\\\\\\ for one \\"),
                },
                c => Piece::One(c),
            });
        }
        Ok(Self(pieces))
    }

    /// Whether a text has it. Takes no longer than the product of both lengths, and mostly their sum.
    pub(super) fn is_of(&self, text: &str) -> bool {
        let pieces = &self.0;
        let (mut at, mut rest) = (0, text.chars());
        // Where to go on when it does not go on: after the last `%`, one character later than before.
        let mut again: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let before = rest.clone();
            match (pieces.get(at), rest.next()) {
                (Some(Piece::AnyText), _) => {
                    at += 1;
                    rest = before;
                    again = Some((at, rest.clone()));
                    continue;
                }
                (None, None) => return true,
                (Some(Piece::Any), Some(_)) => {
                    at += 1;
                    continue;
                }
                (Some(Piece::One(wanted)), Some(found)) if *wanted == found => {
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let Some((from, mut later)) = again.take() else { return false };
            if later.next().is_none() {
                return false;
            }
            (at, rest) = (from, later.clone());
            again = Some((from, later));
        }
    }

    /// What its texts have in common.
    pub(super) fn known(&self) -> Known {
        let mut runs = vec![String::new()];
        for piece in &self.0 {
            match piece {
                Piece::One(c) => runs.last_mut().into_iter().for_each(|run| run.push(*c)),
                Piece::Any | Piece::AnyText => runs.push(String::new()),
            }
        }
        let start = runs.remove(0);
        if runs.is_empty() {
            return Known::Whole(start);
        }
        Known::Parts { start, others: runs.into_iter().filter(|run| !run.is_empty()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, letter by letter.
    fn is_of(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('%', rest)), _) => (0..=text.len()).any(|from| is_of(rest, &text[from..])),
            (Some(('_', rest)), Some((_, others))) => is_of(rest, others),
            (Some((c, rest)), Some((found, others))) => c == found && is_of(rest, others),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_text_has_the_pattern_or_not(pattern in "[ab😀%_]{0,8}", text in "[ab😀\n]{0,10}") {
            let (letters, of): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            let parsed = Pattern::parse(&pattern).expect("a pattern");
            prop_assert_eq!(parsed.is_of(&text), is_of(&letters, &of));
            if parsed.is_of(&text) {
                match parsed.known() {
                    Known::Whole(whole) => prop_assert_eq!(whole, text),
                    Known::Parts { start, others } => {
                        prop_assert!(text.starts_with(&start) && others.iter().all(|part| text.contains(part)));
                    }
                }
            }
        }
    }

    #[test]
    fn escapes_stand_for_themselves() {
        let of = |pattern: &str, text: &str| Pattern::parse(pattern).expect("a pattern").is_of(text);
        assert!(of(r"50\%", "50%") && !of(r"50\%", "50x"));
        assert!(of(r"a\_%", "a_b") && !of(r"a\_%", "axb"));
        assert!(of(r"a\\b", r"a\b"));
        assert!(Pattern::parse(r"a\b").is_err() && Pattern::parse(r"a\").is_err());
        assert_eq!(
            Pattern::parse(r"a\%b%c_d").map(|pattern| pattern.known()),
            Ok(Known::Parts { start: "a%b".into(), others: vec!["c".into(), "d".into()] })
        );
    }

    #[test]
    fn many_wildcards_take_no_time_without_end() {
        let text = format!("{}b", "a".repeat(20_000));
        assert!(!Pattern::parse(&format!("{}c", "%a".repeat(200))).expect("a pattern").is_of(&text));
    }
}

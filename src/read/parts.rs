//! Parts of a table's first load: so many shares of its records, one after the other. Pure.
//!
//! Invariant: a part is told by its number alone, so that it is the same records whenever it is read again.

use serde::{Deserialize, Serialize};

use super::shares::{ENDINGS, Share};
use super::size::{Certainty, Size};

/// How far a first load has come: so many parts of so many were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// At least 1, and fewer than all.
    pub(crate) given: usize,
    /// At least 2.
    pub(crate) of: usize,
}

impl Parts {
    /// The first part of a table of a size, in parts of at most so many records as far as that is known; none where one
    /// part is enough.
    pub(crate) fn first(size: Size, most: u64) -> Option<Self> {
        // A guess is mostly within a seventh, and what only is known to be more may be twice that.
        let records = match size.certainty {
            Certainty::Exact => size.records,
            Certainty::About => size.records.saturating_add(size.records / 5),
            Certainty::AtLeast => size.records.saturating_mul(2),
        };
        if records <= most {
            return None;
        }
        // Parts are of unequal size, by chance.
        let usual = most.saturating_sub(2 * most.isqrt()).max(1);
        let of = usize::try_from(records.div_ceil(usual)).unwrap_or(ENDINGS).clamp(2, ENDINGS);
        Some(Self { given: 1, of })
    }

    /// What an offset tells; none for what no load is.
    pub(crate) fn told(given: usize, of: usize) -> Option<Self> {
        (given >= 1 && given < of && of <= ENDINGS).then_some(Self { given, of })
    }

    /// One part more; none where that is the last.
    pub(crate) fn next(self) -> Option<Self> {
        Self::told(self.given + 1, self.of)
    }

    /// The formula of the records between two places of a load: from the first part on, and to the last where there is no
    /// such place.
    pub(crate) fn formula(after: Option<Self>, upto: Option<Self>, filter: Option<&str>) -> Option<String> {
        let of = upto.or(after).map_or(1, |parts| parts.of);
        let (from, to) = (after.map_or(0, |parts| parts.given), upto.map_or(of, |parts| parts.given));
        Share::formula_of_parts(from, to, of, filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Certainty::{About, AtLeast, Exact};

    #[test]
    fn a_table_has_as_many_parts_as_its_size_asks_for() {
        for (records, certainty, most, of) in [
            (0, Exact, 100, None),
            (100, Exact, 100, None),
            (101, Exact, 100, Some(2)),
            (80, Exact, 1, Some(80)),
            (80, Exact, 0, Some(80)),
            (1_000, About, 1_200, None),
            (1_000, About, 1_199, Some(2)),
            (100_000, About, 10_000, Some(13)),
            (384_400, AtLeast, 10_000, Some(79)),
            (384_400, AtLeast, 10, Some(ENDINGS)),
            (u64::MAX, AtLeast, 1, Some(ENDINGS)),
        ] {
            let parts = Parts::first(Size { records, certainty, requests: 1 }, most);
            assert_eq!(parts, of.map(|of| Parts { given: 1, of }), "{records} {certainty:?} {most}");
        }
    }

    #[test]
    fn parts_follow_one_another_to_the_last() {
        let mut parts = Parts::told(1, 3);
        let mut given = Vec::new();
        while let Some(part) = parts {
            given.push(part.given);
            parts = part.next();
        }
        assert_eq!(given, [1, 2]);
        for (given, of) in [(0, 3), (3, 3), (4, 3), (1, 1), (0, 0), (1, ENDINGS + 1)] {
            assert_eq!(Parts::told(given, of), None, "{given} of {of}");
        }
    }

    #[test]
    fn a_place_of_a_load_has_the_formula_of_what_lies_before_and_after_it() {
        let at = |given| Parts::told(given, 4);
        let of = |from, to| Share::formula_of_parts(from, to, 4, Some("{N}"));
        for (after, upto, expected) in [
            (None, at(1), of(0, 1)),
            (at(1), at(2), of(1, 2)),
            (at(3), None, of(3, 4)),
            (at(1), None, of(1, 4)),
            (None, None, Some("{N}".to_owned())),
        ] {
            assert_eq!(Parts::formula(after, upto, Some("{N}")), expected, "{after:?} {upto:?}");
        }
    }
}

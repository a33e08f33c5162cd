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
        // A guess is mostly within a seventh, and hardly ever a third too small. What only is known to be more may be twice
        // that. A part's size is not known before it is read, and then it is planned already.
        let records = match size.certainty {
            Certainty::Exact => size.records,
            Certainty::About => size.records.saturating_add(size.records / 3),
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
    use super::super::size::Guess;
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
            (1_000, About, 1_333, None),
            (1_000, About, 1_332, Some(2)),
            (100_000, About, 10_000, Some(14)),
            (384_400, AtLeast, 10_000, Some(79)),
            (384_400, AtLeast, 10, Some(ENDINGS)),
            (u64::MAX, AtLeast, 1, Some(ENDINGS)),
        ] {
            let parts = Parts::first(Size { records, certainty, requests: 1 }, most);
            assert_eq!(parts, of.map(|of| Parts { given: 1, of }), "{records} {certainty:?} {most}");
        }
    }

    /// So many of `records` as each is one of a share's, by chance.
    fn drawn(rng: &mut fastrand::Rng, records: usize, share: f64) -> u64 {
        (0..records).filter(|_| rng.f64() < share).count() as u64
    }

    /// What the pages tell of a table of so many records.
    fn guessed(rng: &mut fastrand::Rng, records: usize) -> Size {
        let (mut guess, mut next) = (Guess::default(), Some(Share::ALL));
        while let Some(share) = next {
            #[allow(clippy::cast_precision_loss, reason = "small")]
            let part = share.endings() as f64 / ENDINGS as f64;
            let held = drawn(rng, records, part);
            next = guess.take(share, held.min(100), held <= 100);
        }
        guess.size()
    }

    #[test]
    fn few_parts_are_larger_than_the_bound_and_none_by_much() {
        let mut rng = fastrand::Rng::with_seed(15);
        for (records, most) in [(2_000, 300), (7_000, 1_000), (40_000, 2_000), (150_000, 20_000)] {
            let (mut all, mut larger, mut largest) = (0, 0, 0);
            for _ in 0..40 {
                let Some(parts) = Parts::first(guessed(&mut rng, records), most) else { continue };
                for part in 0..parts.of.min(40) {
                    let endings = ENDINGS * (part + 1) / parts.of - ENDINGS * part / parts.of;
                    #[allow(clippy::cast_precision_loss, reason = "small")]
                    let held = drawn(&mut rng, records, endings as f64 / ENDINGS as f64);
                    (all, larger, largest) = (all + 1, larger + u64::from(held > most), largest.max(held));
                }
            }
            println!("{records} in parts of {most}: {larger} of {all} larger, the largest {largest}");
            assert!(larger * 50 <= all, "{records} in parts of {most}: {larger} of {all}");
            assert!(largest * 100 <= most * 130, "{records} in parts of {most}: {largest}");
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

//! Shares of a table's records, by the last two characters of their ids: what several cursors read at once, or one after
//! the other. Pure.
//!
//! Invariants: every record is in a share, whatever Airtable takes for the same character, and whatever an id is made of:
//! the last share of a character is "in none of the others" of that character, and the last share of all is "in none of
//! the others", in the very words of the others. And with the documented meaning, by which `A` is not `a`, no record is
//! in two.

use crate::airtable::formula::among;

/// What ids are made of, at random: the two cases of a letter are neighbours, so that the shares would hardly overlap even
/// if they were taken for the same.
const CHARACTERS: &str = "0123456789AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz";

/// Ways in which an id may end.
pub(super) const ENDINGS: usize = CHARACTERS.len() * CHARACTERS.len();

/// Those of the sample.
const SAMPLED: usize = 8;

/// One record in so many is in the sample.
pub(super) const ONE_IN: f64 = 480.0;

/// The records whose ids end in one of some ways: those from a number on and before another, in the order of the last
/// character first. What ends otherwise than ids do belongs to the share that has the last way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    from: usize,
    to: usize,
}

/// Two characters of an id: they are at random, each two by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The last two, by which cursors divide what is read at once.
    End,
    /// The two before them, by which a first load is divided into parts. So cursors divide each part as they do a table.
    BeforeEnd,
}

impl Place {
    /// The later of the two characters, and the one before it.
    fn characters(self) -> (&'static str, &'static str) {
        match self {
            Self::End => ("RIGHT(RECORD_ID(),1)", "LEFT(RIGHT(RECORD_ID(),2),1)"),
            Self::BeforeEnd => ("LEFT(RIGHT(RECORD_ID(),3),1)", "LEFT(RIGHT(RECORD_ID(),4),1)"),
        }
    }
}

/// How many records there are, where so many are in the sample.
pub(super) fn told_by_sample(records: usize) -> usize {
    records.saturating_mul(ENDINGS) / SAMPLED
}

impl Share {
    /// All records.
    pub(super) const ALL: Self = Self { from: 0, to: ENDINGS };

    /// A small share of the records, by which to guess how many there are.
    pub(super) const SAMPLE: Self = Self { from: 0, to: SAMPLED };

    /// In how many ways its ids end.
    pub(super) fn endings(self) -> usize {
        self.to - self.from
    }

    /// Its first records, of so many endings, and the others, if there are any.
    pub(super) fn cut(self, endings: usize) -> (Self, Option<Self>) {
        let middle = self.from + endings.clamp(1, self.endings().max(1));
        let rest = Self { from: middle, ..self };
        (Self { to: middle, ..self }, (rest.endings() > 0).then_some(rest))
    }

    /// It and the one that begins where it ends.
    pub(super) fn with(self, next: Self) -> Self {
        Self { to: next.to, ..self }
    }

    /// The formula of those of its records that fulfil another; none for all records where there is none.
    pub(super) fn formula(self, filter: Option<&str>) -> Option<String> {
        among(self.words(Place::End), filter)
    }

    /// The same for some parts of a first load: from a number on and before another, of so many.
    ///
    /// Checkpoints keep parts by their numbers, so this rule must never change.
    pub(super) fn formula_of_parts(from: usize, to: usize, of: usize, filter: Option<&str>) -> Option<String> {
        let bound = |n: usize| ENDINGS * n.min(of) / of.max(1);
        among(Self { from: bound(from), to: bound(to) }.words(Place::BeforeEnd), filter)
    }

    fn words(self, place: Place) -> Option<String> {
        match self {
            Self::ALL => None,
            Self { from, to: ENDINGS } => Some(format!("NOT({})", range(0, from, place))),
            Self { from, to } => Some(range(from, to, place)),
        }
    }
}

/// So many shares, equal as far as ids are random, of all records outside the sample; at least 1.
pub(super) fn shares(count: usize) -> Vec<Share> {
    let bound = |n: usize| SAMPLED + (ENDINGS - SAMPLED) * n / count;
    (0..count).map(|n| Share { from: bound(n), to: bound(n + 1) }).collect()
}

/// True of the ids whose ending is one of those from `from` on and before `to`, in order of the last character first.
fn range(from: usize, to: usize, place: Place) -> String {
    let (later, _) = place.characters();
    let size = CHARACTERS.len();
    let mut terms = Vec::new();
    // The whole characters in the middle, and what is cut off of the first and the last one.
    let (first_whole, end_whole) = (from.div_ceil(size), to / size);
    if first_whole > end_whole {
        terms.push(part(end_whole, from % size, to % size, place));
    } else {
        if !from.is_multiple_of(size) {
            terms.push(part(from / size, from % size, size, place));
        }
        if first_whole < end_whole {
            terms.push(format!("FIND({later},'{}')", &CHARACTERS[first_whole..end_whole]));
        }
        if !to.is_multiple_of(size) {
            terms.push(part(end_whole, 0, to % size, place));
        }
    }
    if terms.len() == 1 { terms.remove(0) } else { format!("OR({})", terms.join(",")) }
}

/// True of the ids that end with the character of this number, after one of some others. The last of them stands for what
/// is none of them, too.
fn part(last: usize, from: usize, to: usize, place: Place) -> String {
    let (later, before) = place.characters();
    let last = &CHARACTERS[last..=last];
    let one_of = |characters: &str| format!("FIND({before},'{characters}')");
    let before = if to == CHARACTERS.len() {
        format!("NOT({})", one_of(&CHARACTERS[..from]))
    } else {
        one_of(&CHARACTERS[from..to])
    };
    format!("AND(FIND({later},'{last}'),{before})")
}

#[cfg(test)]
mod tests {
    use airtable_mock::formula::{Formula, Row, Value};

    use super::*;

    #[test]
    fn a_share_is_told_by_few_words() {
        let sample = "AND(FIND(RIGHT(RECORD_ID(),1),'0'),FIND(LEFT(RIGHT(RECORD_ID(),2),1),'01234567'))";
        assert_eq!(Share::SAMPLE.words(Place::End).as_deref(), Some(sample));
        assert_eq!(range(62, 186, Place::End), "FIND(RIGHT(RECORD_ID(),1),'12')");
        assert_eq!(
            range(60, 126, Place::End),
            format!(
                "OR(AND(FIND(RIGHT(RECORD_ID(),1),'0'),NOT(FIND(LEFT(RIGHT(RECORD_ID(),2),1),'{}'))),\
                 FIND(RIGHT(RECORD_ID(),1),'1'),\
                 AND(FIND(RIGHT(RECORD_ID(),1),'2'),FIND(LEFT(RIGHT(RECORD_ID(),2),1),'01')))",
                &CHARACTERS[..60]
            )
        );
        let words = |share: Share| share.words(Place::End).expect("not all records");
        assert_eq!(shares(1).into_iter().map(words).collect::<Vec<_>>(), [format!("NOT({sample})")]);
        assert!(shares(10).into_iter().all(|share| words(share).len() < 3_000));
    }

    #[test]
    fn a_share_has_the_formula_of_its_records_that_fulfil_another() {
        let of_share = "FIND(RIGHT(RECORD_ID(),1),'0')";
        let (first, rest) = Share::ALL.cut(62);
        for (share, filter, expected) in [
            (Share::ALL, None, None),
            (Share::ALL, Some("{N}>1"), Some("{N}>1".to_owned())),
            (first, None, Some(of_share.to_owned())),
            (first, Some("{N}>1"), Some(format!("IF({of_share},({{N}}>1))"))),
            (rest.expect("more"), None, Some(format!("NOT({of_share})"))),
        ] {
            assert_eq!(share.formula(filter), expected);
        }
    }

    #[test]
    fn a_share_is_cut_into_what_it_has() {
        let share = Share { from: 10, to: 20 };
        for (endings, first, rest) in [(0, 11, true), (1, 11, true), (9, 19, true), (10, 20, false), (99, 20, false)] {
            let expected = (Share { from: 10, to: first }, rest.then_some(Share { from: first, to: 20 }));
            assert_eq!(share.cut(endings), expected, "{endings}");
        }
    }

    /// So many endings one after the other.
    fn pieces(sizes: &[usize]) -> Vec<Share> {
        let (mut pieces, mut rest, mut sizes) = (Vec::new(), Some(Share::ALL), sizes.iter().cycle());
        while let (Some(share), Some(size)) = (rest, sizes.next()) {
            let (first, others) = share.cut(*size);
            pieces.push(first);
            rest = others;
        }
        pieces
    }

    struct Id(String);

    impl Row for Id {
        fn field(&self, _index: usize) -> Value {
            Value::Blank
        }
        fn record_id(&self) -> &str {
            &self.0
        }
        fn created_time(&self) -> chrono::DateTime<chrono::Utc> {
            chrono::DateTime::UNIX_EPOCH
        }
        fn last_modified_time(&self, _fields: &[usize]) -> Option<chrono::DateTime<chrono::Utc>> {
            None
        }
        fn now(&self) -> chrono::DateTime<chrono::Utc> {
            chrono::DateTime::UNIX_EPOCH
        }
    }

    /// In how many of some formulas each id is.
    fn times(formulas: &[String], ids: &[Id]) -> Vec<usize> {
        let formulas = formulas.iter().map(|formula| Formula::compile(formula, &|_| None).expect("a formula"));
        let formulas: Vec<_> = formulas.collect();
        ids.iter().map(|id| formulas.iter().filter(|formula| formula.eval(id).is_truthy()).count()).collect()
    }

    #[test]
    fn every_id_is_in_one_part_of_a_load_and_any_run_of_parts_is_their_sum() {
        let pairs = CHARACTERS.chars().flat_map(|one| CHARACTERS.chars().map(move |other| format!("{one}{other}")));
        let mut ids: Vec<Id> = pairs.map(|pair| Id(format!("recABCDEFGHIJ{pair}KL"))).collect();
        ids.extend(["rec", "rec-_xy", "recéxy", "rec1éxy", "recé1xy", "x"].map(|id| Id(id.to_owned())));
        for of in [2, 3, 7, 30] {
            let formula = |from, to| Share::formula_of_parts(from, to, of, None).expect("not all records");
            let parts: Vec<String> = (0..of).map(|part| formula(part, part + 1)).collect();
            assert!(times(&parts, &ids).iter().all(|times| *times == 1), "{of}");
            let sizes: Vec<usize> =
                parts.iter().map(|part| times(std::slice::from_ref(part), &ids).iter().sum()).collect();
            assert!(sizes.iter().all(|size| size.abs_diff(ENDINGS / of) <= 8), "{of}: {sizes:?}");
            for to in [1, of / 2] {
                assert!(
                    times(&[formula(0, to), formula(to, of)], &ids).iter().all(|times| *times == 1),
                    "{to} of {of}"
                );
                let sum: Vec<usize> = times(&parts[..to], &ids);
                assert_eq!(times(&[formula(0, to)], &ids), sum, "{to} of {of}");
            }
        }
        assert_eq!(Share::formula_of_parts(0, 1, 1, None), None);
        assert_eq!(Share::formula_of_parts(0, 1, 1, Some("{N}")).as_deref(), Some("{N}"));
        let half = "FIND(LEFT(RIGHT(RECORD_ID(),3),1),'0123456789AaBbCcDdEeFfGgHhIiJjK')";
        assert_eq!(Share::formula_of_parts(0, 1, 2, None).as_deref(), Some(half), "checkpoints rely on it");
        assert_eq!(Share::formula_of_parts(1, 2, 2, Some("{N}")), Some(format!("IF(NOT({half}),({{N}}))")));
    }

    /// The mock evaluates formulas as Airtable documents them.
    #[test]
    fn every_id_is_in_one_share() {
        let endings = CHARACTERS.chars().flat_map(|one| CHARACTERS.chars().map(move |other| format!("{one}{other}")));
        let mut ids: Vec<Id> = endings.map(|ending| Id(format!("recABCDEFGHIJKL{ending}"))).collect();
        let usual = ids.len();
        ids.extend(["rec", "rec-_", "recé", "rec1é", "recé1", "x"].map(|id| Id(id.to_owned())));
        let of_several = |count| std::iter::once(Share::SAMPLE).chain(shares(count)).collect::<Vec<_>>();
        let equal = [1, 2, 3, 5, 8, 10].map(of_several);
        for all in equal.iter().cloned().chain([pieces(&[62]), pieces(&[7, 500, 55]), pieces(&[1, 30, 61, 200])]) {
            let mut sizes = Vec::new();
            let mut times = vec![0; ids.len()];
            let formulas: Vec<String> = all.iter().filter_map(|share| share.words(Place::End)).collect();
            for formula in &formulas {
                let formula = Formula::compile(formula, &|_| None).expect("a formula");
                let inside = ids.iter().map(|id| formula.eval(id).is_truthy()).collect::<Vec<_>>();
                sizes.push(inside[..usual].iter().filter(|inside| **inside).count());
                times.iter_mut().zip(inside).for_each(|(times, inside)| *times += u32::from(inside));
            }
            assert!(times.iter().all(|times| *times == 1), "{all:?}: {times:?}");
            assert_eq!(sizes, all.iter().map(|share| share.endings()).collect::<Vec<_>>());
            // Where the two cases of a letter are the same, shares overlap a little, and leave nothing out.
            let folded: Vec<Id> = ids.iter().map(|id| Id(id.0.to_lowercase())).collect();
            let mut times = vec![0; ids.len()];
            for formula in &formulas {
                let formula = Formula::compile(&formula.to_lowercase(), &|_| None).expect("a formula");
                times.iter_mut().zip(&folded).for_each(|(times, id)| *times += u32::from(formula.eval(id).is_truthy()));
            }
            assert!(times.iter().all(|times| *times >= 1), "{all:?}");
            if equal.contains(&all) {
                let most = u32::try_from(ids.len() + ids.len() / 4).expect("small");
                assert!(times.iter().sum::<u32>() < most, "{all:?}");
                let (least, most) = (sizes[1..].iter().min(), sizes[1..].iter().max());
                assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{sizes:?}");
            }
        }
    }

    #[test]
    fn the_sample_is_as_large_as_it_says() {
        #[allow(clippy::cast_precision_loss, reason = "small")]
        let one_in = ENDINGS as f64 / SAMPLED as f64;
        assert!((one_in - ONE_IN).abs() < 1.0);
        assert!(CHARACTERS.is_ascii());
    }
}

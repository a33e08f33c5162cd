//! Shares of a table's records, by the last two characters of their ids: what several cursors read at once, or one after
//! the other. Pure.
//!
//! Invariants: every record is in a share, whatever Airtable takes for the same character, and whatever an id is made of:
//! the last share of a character is "in none of the others" of that character, and the last share of all is "in none of
//! the others", in the very words of the others. And with the documented meaning, by which `A` is not `a`, no record is
//! in two.

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

    /// The formula of those of its records that fulfil another; none for all records where there is none. `IF` gives what
    /// the other one gives, so that whatever Airtable takes for true there, it takes for true here.
    pub(super) fn formula(self, filter: Option<&str>) -> Option<String> {
        match (self.words(), filter) {
            (Some(share), Some(filter)) => Some(format!("IF({share},({filter}))")),
            (share, filter) => share.or_else(|| filter.map(str::to_owned)),
        }
    }

    fn words(self) -> Option<String> {
        match self {
            Self::ALL => None,
            Self { from, to: ENDINGS } => Some(format!("NOT({})", range(0, from))),
            Self { from, to } => Some(range(from, to)),
        }
    }
}

/// So many shares, equal as far as ids are random, of all records outside the sample; at least 1.
pub(super) fn shares(count: usize) -> Vec<Share> {
    let bound = |n: usize| SAMPLED + (ENDINGS - SAMPLED) * n / count;
    (0..count).map(|n| Share { from: bound(n), to: bound(n + 1) }).collect()
}

/// True of the ids whose ending is one of those from `from` on and before `to`, in order of the last character first.
fn range(from: usize, to: usize) -> String {
    let size = CHARACTERS.len();
    let mut terms = Vec::new();
    // The whole characters in the middle, and what is cut off of the first and the last one.
    let (first_whole, end_whole) = (from.div_ceil(size), to / size);
    if first_whole > end_whole {
        terms.push(part(end_whole, from % size, to % size));
    } else {
        if !from.is_multiple_of(size) {
            terms.push(part(from / size, from % size, size));
        }
        if first_whole < end_whole {
            terms.push(format!("FIND(RIGHT(RECORD_ID(),1),'{}')", &CHARACTERS[first_whole..end_whole]));
        }
        if !to.is_multiple_of(size) {
            terms.push(part(end_whole, 0, to % size));
        }
    }
    if terms.len() == 1 { terms.remove(0) } else { format!("OR({})", terms.join(",")) }
}

/// True of the ids that end with the character of this number, after one of some others. The last of them stands for what
/// is none of them, too.
fn part(last: usize, from: usize, to: usize) -> String {
    let last = &CHARACTERS[last..=last];
    let one_of = |characters: &str| format!("FIND(LEFT(RIGHT(RECORD_ID(),2),1),'{characters}')");
    let before = if to == CHARACTERS.len() {
        format!("NOT({})", one_of(&CHARACTERS[..from]))
    } else {
        one_of(&CHARACTERS[from..to])
    };
    format!("AND(FIND(RIGHT(RECORD_ID(),1),'{last}'),{before})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_by_few_words() {
        let sample = "AND(FIND(RIGHT(RECORD_ID(),1),'0'),FIND(LEFT(RIGHT(RECORD_ID(),2),1),'01234567'))";
        assert_eq!(Share::SAMPLE.words().as_deref(), Some(sample));
        assert_eq!(range(62, 186), "FIND(RIGHT(RECORD_ID(),1),'12')");
        assert_eq!(
            range(60, 126),
            format!(
                "OR(AND(FIND(RIGHT(RECORD_ID(),1),'0'),NOT(FIND(LEFT(RIGHT(RECORD_ID(),2),1),'{}'))),\
                 FIND(RIGHT(RECORD_ID(),1),'1'),\
                 AND(FIND(RIGHT(RECORD_ID(),1),'2'),FIND(LEFT(RIGHT(RECORD_ID(),2),1),'01')))",
                &CHARACTERS[..60]
            )
        );
        let words = |share: Share| share.words().expect("not all records");
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

    /// The mock evaluates formulas as Airtable documents them.
    #[test]
    fn every_id_is_in_one_share() {
        use airtable_mock::formula::{Formula, Row, Value};

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

        let endings = CHARACTERS.chars().flat_map(|one| CHARACTERS.chars().map(move |other| format!("{one}{other}")));
        let mut ids: Vec<Id> = endings.map(|ending| Id(format!("recABCDEFGHIJKL{ending}"))).collect();
        let usual = ids.len();
        ids.extend(["rec", "rec-_", "recé", "rec1é", "recé1", "x"].map(|id| Id(id.to_owned())));
        let of_several = |count| std::iter::once(Share::SAMPLE).chain(shares(count)).collect::<Vec<_>>();
        let equal = [1, 2, 3, 5, 8, 10].map(of_several);
        for all in equal.iter().cloned().chain([pieces(&[62]), pieces(&[7, 500, 55]), pieces(&[1, 30, 61, 200])]) {
            let mut sizes = Vec::new();
            let mut times = vec![0; ids.len()];
            let formulas: Vec<String> = all.iter().filter_map(|share| share.words()).collect();
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

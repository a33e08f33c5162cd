//! Shares of a table's records, by the last two characters of their ids: what several cursors read at once. Pure.
//!
//! Invariants: every record is in a share, whatever Airtable takes for the same character: the last share is "in none of
//! the others", in the very words of the others. And with the documented meaning, by which `A` is not `a`, no record is in
//! two.

/// What ids are made of, at random: the two cases of a letter are neighbours, so that the shares would hardly overlap even
/// if they were taken for the same.
const CHARACTERS: &str = "0123456789AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz";

/// Ways in which an id may end.
const ENDINGS: usize = CHARACTERS.len() * CHARACTERS.len();

/// Those of the sample.
const SAMPLED: usize = 8;

/// One record in so many is in the sample.
pub(super) const ONE_IN: f64 = 480.0;

/// The formula that is true of a small share of the records, by which to guess how many there are.
pub(super) fn sample() -> String {
    range(0, SAMPLED)
}

/// How many records there are, where so many are in the sample.
pub(super) fn told_by_sample(records: usize) -> usize {
    records.saturating_mul(ENDINGS) / SAMPLED
}

/// The formulas of so many shares, equal as far as ids are random, of all records outside the sample; at least 1.
pub(super) fn shares(count: usize) -> Vec<String> {
    let bound = |n: usize| SAMPLED + (ENDINGS - SAMPLED) * n / count;
    let mut shares: Vec<String> = (1..count).map(|n| range(bound(n - 1), bound(n))).collect();
    let others = std::iter::once(sample()).chain(shares.iter().cloned()).collect::<Vec<_>>();
    shares.push(format!("NOT(OR({}))", others.join(",")));
    shares
}

/// The formula of the records of a share that fulfil another. `IF` gives what that one gives, so that whatever Airtable
/// takes for true there, it takes for true here.
pub(super) fn of(share: &str, formula: Option<&str>) -> String {
    formula.map_or_else(|| share.to_owned(), |formula| format!("IF({share},({formula}))"))
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

/// True of the ids that end with the character of this number, after one of some others.
fn part(last: usize, from: usize, to: usize) -> String {
    let (last, before) = (&CHARACTERS[last..=last], &CHARACTERS[from..to]);
    format!("AND(FIND(RIGHT(RECORD_ID(),1),'{last}'),FIND(LEFT(RIGHT(RECORD_ID(),2),1),'{before}'))")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_by_few_words() {
        assert_eq!(sample(), "AND(FIND(RIGHT(RECORD_ID(),1),'0'),FIND(LEFT(RIGHT(RECORD_ID(),2),1),'01234567'))");
        assert_eq!(range(62, 186), "FIND(RIGHT(RECORD_ID(),1),'12')");
        assert_eq!(
            range(60, 126),
            "OR(AND(FIND(RIGHT(RECORD_ID(),1),'0'),FIND(LEFT(RIGHT(RECORD_ID(),2),1),'Zz')),\
             FIND(RIGHT(RECORD_ID(),1),'1'),\
             AND(FIND(RIGHT(RECORD_ID(),1),'2'),FIND(LEFT(RIGHT(RECORD_ID(),2),1),'01')))"
        );
        assert_eq!(shares(1), [format!("NOT(OR({}))", sample())]);
        assert!(shares(10).iter().all(|share| share.len() < 3_000));
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
        for count in [1, 2, 3, 5, 8, 10] {
            let mut sizes = Vec::new();
            let mut times = vec![0; ids.len()];
            for share in std::iter::once(sample()).chain(shares(count)) {
                let formula = Formula::compile(&share, &|_| None).expect("a formula");
                let inside = ids.iter().map(|id| formula.eval(id).is_truthy()).collect::<Vec<_>>();
                sizes.push(inside[..usual].iter().filter(|inside| **inside).count());
                times.iter_mut().zip(inside).for_each(|(times, inside)| *times += u32::from(inside));
            }
            assert!(times.iter().all(|times| *times == 1), "{count}: {times:?}");
            assert_eq!(sizes.iter().sum::<usize>(), ENDINGS);
            // Where the two cases of a letter are the same, shares overlap a little, and leave nothing out.
            let folded: Vec<Id> = ids.iter().map(|id| Id(id.0.to_lowercase())).collect();
            let mut times = vec![0; ids.len()];
            for share in std::iter::once(sample()).chain(shares(count)) {
                let formula = Formula::compile(&share.to_lowercase(), &|_| None).expect("a formula");
                times.iter_mut().zip(&folded).for_each(|(times, id)| *times += u32::from(formula.eval(id).is_truthy()));
            }
            assert!(times.iter().all(|times| *times >= 1), "{count}");
            assert!(times.iter().sum::<u32>() < u32::try_from(ids.len() + ids.len() / 4).expect("small"), "{count}");
            let (least, most) = (sizes[1..].iter().min(), sizes[1..].iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{sizes:?}");
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

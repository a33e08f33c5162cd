//! The ids of the records that a read has given, so that one that comes again, as after an expired page cursor, is told
//! from a new one.
//!
//! Exact, not by fingerprint: a record taken for another would be lost. An id of Airtable's form is 14 characters out of
//! 62, hence 84 bits. The first ids are in a hash set, which is quick. When there are many they move into lists that are
//! small instead: 12 bits are the number of a list, the others are kept in it, sorted, as 9 bytes, and the lists grow by a
//! sixteenth. So a record takes 10 to 12 bytes, where a hash set takes up to 38 while it grows, and half a million of them,
//! the most a base holds on most plans, 6 MB.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::id::record::{HALF, Number, pack, unpack};

/// The bits of an id that its list does not tell.
type Rest = [u8; 9];

/// As many as fill a hash set of 2 MB. A list takes three times as long for an id: its place is sought, and what is behind
/// it is moved.
const FEW: usize = 114_000;

/// Lists are few enough to be made at once, and many enough to hold some 250 ids each at a million: putting one in the
/// middle then takes no longer than to find its place.
const LISTS: usize = 1 << LIST_BITS;
const LIST_BITS: u32 = 12;

/// A set of record ids.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    few: HashSet<Number, BuildHasherDefault<Mixed>>,
    /// Sorted. None as long as there are few.
    many: Vec<Vec<Rest>>,
    many_count: usize,
    other: HashSet<Box<str>>,
}

impl Seen {
    /// Adds an id; false where it was there already.
    pub(crate) fn insert(&mut self, id: &str) -> bool {
        let Some(number) = pack(id) else { return self.other.insert(id.into()) };
        if !self.many.is_empty() {
            return self.insert_in_list(number);
        }
        let is_new = self.few.insert(number);
        if self.few.len() > FEW {
            self.many = vec![Vec::new(); LISTS];
            for number in std::mem::take(&mut self.few) {
                self.insert_in_list(number);
            }
        }
        is_new
    }

    fn insert_in_list(&mut self, number: Number) -> bool {
        let (list, rest) = split(number);
        let list = &mut self.many[list];
        let Err(place) = list.binary_search(&rest) else { return false };
        if list.len() == list.capacity() {
            list.reserve_exact(list.len() / 16 + 4);
        }
        list.insert(place, rest);
        self.many_count += 1;
        true
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        match pack(id) {
            Some(number) if self.many.is_empty() => self.few.contains(&number),
            Some(number) => {
                let (list, rest) = split(number);
                self.many[list].binary_search(&rest).is_ok()
            }
            None => self.other.contains(id),
        }
    }

    /// All ids, in no order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        let lists = self.many.iter().enumerate();
        let many = lists.flat_map(|(list, rests)| rests.iter().map(move |rest| join(list, rest)));
        self.few.iter().copied().chain(many).map(unpack).chain(self.other.iter().map(ToString::to_string))
    }

    pub(crate) fn len(&self) -> usize {
        self.few.len() + self.many_count + self.other.len()
    }
}

/// A hash of ids, which are random already: all that is left to do is to spread them over all 64 bits.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128((*byte).into());
        }
    }

    fn write_u128(&mut self, number: u128) {
        let halves = u64::try_from(number & u128::from(u64::MAX)).unwrap_or_default().rotate_left(23)
            ^ u64::try_from(number >> HALF).unwrap_or_default();
        self.0 = (self.0 ^ halves).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_right(20);
    }
}

/// The number of the id's list, which its last characters tell, random ones, and the rest.
fn split(number: Number) -> (usize, Rest) {
    let bytes = (number >> LIST_BITS).to_le_bytes();
    let mut rest = [0; 9];
    rest.copy_from_slice(&bytes[..9]);
    (usize::try_from(number % LISTS as u128).unwrap_or_default(), rest)
}

fn join(list: usize, rest: &Rest) -> Number {
    let mut bytes = [0; 16];
    bytes[..9].copy_from_slice(rest);
    u128::from_le_bytes(bytes) << LIST_BITS | list as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_apart_whatever_their_form() {
        let mut seen = Seen::default();
        let ids = [
            "rec00000000000000",
            "rec00000000000001",
            "reczzzzzzzzzzzzzz",
            "reczzzzzzzzzzzzzZ",
            "recA",
            "rec0000000000000A",
            "rec-0000000000000",
            "tbl00000000000000",
            "",
            "recé000000000000",
        ];
        for id in ids {
            assert!(seen.insert(id), "{id} is new");
        }
        for id in ids {
            assert!(!seen.insert(id), "{id} was there");
        }
        assert_eq!(seen.len(), ids.len());
        let mut given: Vec<String> = seen.ids().collect();
        given.sort_unstable();
        let mut expected = ids.map(str::to_owned);
        expected.sort_unstable();
        assert_eq!(given, expected);
        assert!(seen.contains("recA") && !seen.contains("recB"));
    }

    #[test]
    fn many_ids_are_told_apart_in_any_order() {
        let mut seen = Seen::default();
        let mut random = fastrand::Rng::with_seed(1);
        let mut ids: Vec<String> = (0..2 * FEW)
            .map(|_| format!("rec{}", (0..14).map(|_| random.alphanumeric()).collect::<String>()))
            .collect();
        assert!(ids.iter().all(|id| seen.insert(id)));
        random.shuffle(&mut ids);
        assert!(ids.iter().all(|id| seen.contains(id) && !seen.insert(id)));
        ids.sort_unstable();
        let mut given: Vec<String> = seen.ids().collect();
        given.sort_unstable();
        assert_eq!((seen.len(), given), (ids.len(), ids));
    }

    #[test]
    fn lists_keep_all_bits_of_an_id() {
        const { assert!(2 * HALF <= LIST_BITS + 72) }
    }
}

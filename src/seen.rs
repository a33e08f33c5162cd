//! The ids of the records that a read has given, so that one that comes again, as after an expired page cursor, is told
//! from a new one.
//!
//! Exact, not by fingerprint: a record taken for another would be lost. An id of Airtable's form is 14 characters out of
//! 62, hence 84 bits, kept as 11 bytes, sorted, in many short lists that grow by an eighth: 15 bytes a record, where a hash
//! set takes up to 38 while it grows. Half a million records, the most a base holds on most plans, take 7 MB.

use std::collections::HashSet;

type Packed = [u8; 11];

/// Lists are few enough to cost a small table nothing, and many enough to hold some 250 ids each at a million: putting one
/// in the middle then takes no longer than to find its place.
const LISTS: usize = 4_096;

/// A set of record ids.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Sorted.
    usual: Vec<Vec<Packed>>,
    usual_count: usize,
    other: HashSet<Box<str>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { usual: vec![Vec::new(); LISTS], usual_count: 0, other: HashSet::new() }
    }
}

impl Seen {
    /// Adds an id; false where it was there already.
    pub(crate) fn insert(&mut self, id: &str) -> bool {
        let Some(packed) = pack(id) else { return self.other.insert(id.into()) };
        let list = &mut self.usual[list_of(packed)];
        let Err(place) = list.binary_search(&packed) else { return false };
        if list.len() == list.capacity() {
            list.reserve_exact(list.len() / 8 + 4);
        }
        list.insert(place, packed);
        self.usual_count += 1;
        true
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        match pack(id) {
            Some(packed) => self.usual[list_of(packed)].binary_search(&packed).is_ok(),
            None => self.other.contains(id),
        }
    }

    /// All ids, in no order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.usual.iter().flatten().map(unpack).chain(self.other.iter().map(ToString::to_string))
    }

    pub(crate) fn len(&self) -> usize {
        self.usual_count + self.other.len()
    }
}

/// By the last characters, which are random.
fn list_of(packed: Packed) -> usize {
    usize::from(u16::from_le_bytes([packed[0], packed[1]])) % LISTS
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Each of two halves takes 42 bits.
const HALF: u32 = 42;
const NO_DIGIT: u8 = u8::MAX;
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 62 {
        values[DIGITS[digit as usize] as usize] = digit;
        digit += 1;
    }
    values
};

fn pack(id: &str) -> Option<Packed> {
    let characters: &[u8; 14] = id.strip_prefix("rec")?.as_bytes().try_into().ok()?;
    let values = characters.map(|character| VALUES[usize::from(character)]);
    if values.contains(&NO_DIGIT) {
        return None;
    }
    let half = |values: &[u8]| values.iter().fold(0, |number, value| number * 62 + u64::from(*value));
    let number = u128::from(half(&values[..7])) << HALF | u128::from(half(&values[7..]));
    number.to_le_bytes()[..11].try_into().ok()
}

fn unpack(packed: &Packed) -> String {
    let mut bytes = [0; 16];
    bytes[..11].copy_from_slice(packed);
    let number = u128::from_le_bytes(bytes);
    let mut characters = [b'0'; 14];
    for (half, characters) in [number >> HALF, number % (1 << HALF)].into_iter().zip(characters.chunks_mut(7)) {
        let mut half = half;
        for character in characters.iter_mut().rev() {
            *character = DIGITS[usize::try_from(half % 62).unwrap_or_default()];
            half /= 62;
        }
    }
    format!("rec{}", String::from_utf8_lossy(&characters))
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
        let mut ids: Vec<String> =
            (0..50_000).map(|_| format!("rec{}", (0..14).map(|_| random.alphanumeric()).collect::<String>())).collect();
        assert!(ids.iter().all(|id| seen.insert(id)));
        random.shuffle(&mut ids);
        assert!(ids.iter().all(|id| seen.contains(id) && !seen.insert(id)));
        ids.sort_unstable();
        let mut given: Vec<String> = seen.ids().collect();
        given.sort_unstable();
        assert_eq!((seen.len(), given), (ids.len(), ids));
    }

    #[test]
    fn the_largest_half_fits() {
        assert!(62_u64.pow(7) < 1 << HALF && 2 * HALF <= 88);
    }
}

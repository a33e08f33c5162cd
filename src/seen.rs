//! The ids of the records that a read has given, so that one that comes again, as after an expired page cursor, is told
//! from a new one.
//!
//! Exact, not by fingerprint: a record taken for another would be lost. An id of Airtable's form is 14 characters out of
//! 62, hence 84 bits, kept as 11 bytes; with the set's slack that is 12 to 28 bytes a record, and half a million records,
//! the most a base holds on most plans, take 13 MB.

use std::collections::HashSet;

use ahash::RandomState;

/// A set of record ids.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    usual: HashSet<[u8; 11], RandomState>,
    other: HashSet<Box<str>, RandomState>,
}

impl Seen {
    /// Adds an id; false where it was there already.
    pub(crate) fn insert(&mut self, id: &str) -> bool {
        match pack(id) {
            Some(packed) => self.usual.insert(packed),
            None => self.other.insert(id.into()),
        }
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        match pack(id) {
            Some(packed) => self.usual.contains(&packed),
            None => self.other.contains(id),
        }
    }

    /// All ids, in no order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.usual.iter().map(unpack).chain(self.other.iter().map(ToString::to_string))
    }

    pub(crate) fn len(&self) -> usize {
        self.usual.len() + self.other.len()
    }
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

fn pack(id: &str) -> Option<[u8; 11]> {
    let characters: &[u8; 14] = id.strip_prefix("rec")?.as_bytes().try_into().ok()?;
    let values = characters.map(|character| VALUES[usize::from(character)]);
    if values.contains(&NO_DIGIT) {
        return None;
    }
    let half = |values: &[u8]| values.iter().fold(0, |number, value| number * 62 + u64::from(*value));
    let number = u128::from(half(&values[..7])) << HALF | u128::from(half(&values[7..]));
    number.to_le_bytes()[..11].try_into().ok()
}

fn unpack(packed: &[u8; 11]) -> String {
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
    fn the_largest_half_fits() {
        assert!(62_u64.pow(7) < 1 << HALF && 2 * HALF <= 88);
    }
}

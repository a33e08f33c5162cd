//! Ids of records as numbers: an id of Airtable's form is 14 characters out of 62, hence 84 bits.
//!
//! Invariant: exact. Two ids have two numbers, and one of another form has none.

/// The 84 bits of an id.
pub(crate) type Number = u128;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Each of two halves takes 42 bits.
pub(crate) const HALF: u32 = 42;
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

/// The number of an id; none for one of another form.
pub(crate) fn pack(id: &str) -> Option<Number> {
    let characters: &[u8; 14] = id.strip_prefix("rec")?.as_bytes().try_into().ok()?;
    let values = characters.map(|character| VALUES[usize::from(character)]);
    if values.contains(&NO_DIGIT) {
        return None;
    }
    let half = |values: &[u8]| values.iter().fold(0, |number, value| number * 62 + u64::from(*value));
    Some(u128::from(half(&values[..7])) << HALF | u128::from(half(&values[7..])))
}

/// The id of a number.
pub(crate) fn unpack(number: Number) -> String {
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
    fn ids_are_their_numbers() {
        for id in ["rec00000000000000", "rec0000000000000A", "reczzzzzzzzzzzzzz", "recAbCdEfGhIjKlMn"] {
            assert_eq!(pack(id).map(unpack).as_deref(), Some(id));
        }
        for id in ["", "recA", "tbl00000000000000", "rec-0000000000000", "rec000000000000000", "recé000000000000"] {
            assert_eq!(pack(id), None, "{id}");
        }
    }

    #[test]
    fn the_largest_half_fits() {
        assert!(62_u64.pow(7) < 1 << HALF);
    }
}

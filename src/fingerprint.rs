//! Numbers by which processes know the same text. Names of shared files are made of them, so they are the same in every
//! build and with every version of Rust: two wheels on one machine share a token's budget.

use std::hash::Hasher as _;

/// FNV-1a. It hides a secret only as far as 64 bits are few of many, and is no proof against who has the text.
pub(crate) fn fingerprint(text: &str) -> u64 {
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_for_ever() {
        assert_eq!(fingerprint(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint("None None"), 0x7f6b_2280_9eab_d0d7);
        assert_eq!(fingerprint("patExample.0123456789"), 0xa91a_52ae_05ef_3fc9);
    }
}

//! The files of attachments: those that tests gave, and, for all others, bytes of the size that their cells tell.

use std::collections::HashMap;
use std::sync::Arc;

/// The bytes that tests gave, by the ids of their attachments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files(HashMap<String, Arc<[u8]>>);

impl Files {
    pub(crate) fn insert(&mut self, id: String, bytes: &[u8]) {
        self.0.insert(id, bytes.into());
    }

    pub(crate) fn get(&self, id: &str) -> Option<&[u8]> {
        self.0.get(id).map(AsRef::as_ref)
    }
}

/// Bytes for a file that nobody gave: its kind and id, again and again.
pub(crate) fn made_up(id: &str, kind: &str, size: Option<usize>) -> Vec<u8> {
    let line = format!("{kind} of {id}\n").into_bytes();
    let size = size.unwrap_or(line.len());
    line.iter().copied().cycle().take(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_gave_has_its_size() {
        assert_eq!(made_up("att1", "small", None), b"small of att1\n");
        assert_eq!(made_up("att1", "original", Some(20)), b"original of att1\nori");
        assert_eq!(made_up("att1", "original", Some(0)), b"");
    }
}

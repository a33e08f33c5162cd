//! Link cells: the ids of records, as JSON.

use super::id::RecordId;

/// The record ids in the JSON of a link cell.
pub(crate) fn link_ids(json: &[u8]) -> Vec<RecordId> {
    let ids: Vec<&str> = serde_json::from_slice(json).unwrap_or_default();
    ids.into_iter().filter_map(RecordId::parse).collect()
}

/// The JSON of a link cell; `None` if it is empty.
pub(crate) fn link_json(ids: &[RecordId]) -> Option<Vec<u8>> {
    if ids.is_empty() {
        return None;
    }
    let mut out = vec![b'['];
    for (index, id) in ids.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'"');
        id.write_to(&mut out);
        out.push(b'"');
    }
    out.push(b']');
    Some(out)
}

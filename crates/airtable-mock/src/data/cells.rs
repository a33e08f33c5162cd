//! The cells of one record: finished JSON, packed into one allocation.
//!
//! A cell is stored as the bytes that go to the client, so that a page is put together by copying. Only
//! filled cells are stored, in ascending order of their field's index, each as a two-byte index, a
//! four-byte length and the JSON: a million records of twenty short cells fit in a few hundred megabytes.

use super::index::FieldIndex;

/// How attachment URLs begin in stored cells; replaced by address, expiry and signature when sent.
pub(crate) const UNSIGNED: &str = "mock-attachment:";

const HEADER: usize = 6;

/// The filled cells of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cells(Box<[u8]>);

impl Cells {
    /// Takes bytes that were written with [`push`], in ascending order of field.
    pub(crate) fn from_packed(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The filled cells in order of field.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FieldIndex, &[u8])> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let (header, tail) = rest.split_at_checked(HEADER)?;
            let field = FieldIndex::from_le_bytes([header[0], header[1]]);
            let length = u32::from_le_bytes([header[2], header[3], header[4], header[5]]) as usize;
            let (json, after) = tail.split_at_checked(length)?;
            rest = after;
            Some((field, json))
        })
    }

    pub(crate) fn get(&self, field: FieldIndex) -> Option<&[u8]> {
        self.iter().find(|(index, _)| *index == field).map(|(_, json)| json)
    }

    /// Sets or clears one cell.
    pub(crate) fn set(&mut self, field: FieldIndex, json: Option<&[u8]>) {
        let mut bytes = Vec::with_capacity(self.0.len() + HEADER + json.map_or(0, <[u8]>::len));
        let mut new = json;
        for (index, old) in self.iter() {
            if index >= field
                && let Some(json) = new.take()
            {
                push(&mut bytes, field, json);
            }
            if index != field {
                push(&mut bytes, index, old);
            }
        }
        if let Some(json) = new {
            push(&mut bytes, field, json);
        }
        self.0 = bytes.into_boxed_slice();
    }
}

/// Appends one cell in packed form.
pub(crate) fn push(bytes: &mut Vec<u8>, field: FieldIndex, json: &[u8]) {
    let length = u32::try_from(json.len()).expect("a cell of four gigabytes does not fit a request");
    bytes.extend_from_slice(&field.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(json);
}

#[cfg(test)]
mod tests {
    use super::super::index::Numbered as _;
    use super::*;

    fn field(number: usize) -> FieldIndex {
        FieldIndex::of(number)
    }

    #[test]
    fn setting_keeps_the_order_and_replaces() {
        let mut cells = Cells::default();
        cells.set(field(5), Some(b"5"));
        cells.set(field(1), Some(b"\"one\""));
        cells.set(field(3), Some(b"3"));
        cells.set(field(5), Some(b"55"));
        let all: Vec<_> = cells.iter().collect();
        assert_eq!(all, [(field(1), &b"\"one\""[..]), (field(3), b"3"), (field(5), b"55")]);
        cells.set(field(3), None);
        assert_eq!(cells.get(field(3)), None);
        assert_eq!(cells.get(field(5)), Some(&b"55"[..]));
        let mut packed = Vec::new();
        push(&mut packed, field(1), b"\"one\"");
        push(&mut packed, field(5), b"55");
        assert_eq!(cells, Cells::from_packed(&packed));
    }
}

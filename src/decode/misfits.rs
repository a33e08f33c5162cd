//! Values that do not fit their columns: what the row's rescued data says of them, and how many there were.

use std::fmt::Write as _;

/// The misfits of the rows since the last batch, and how many there were in all.
#[derive(Debug, Default)]
pub(super) struct Misfits {
    /// A column keeps them.
    is_kept: bool,
    /// Rows may be left out once they are complete.
    is_sifted: bool,
    /// Those of the row under construction, as the inside of a JSON array.
    list: String,
    count: u64,
    /// The rows that have some, each as often as it has, where rows may be left out.
    rows: Vec<usize>,
}

impl Misfits {
    pub(super) fn new(is_kept: bool, is_sifted: bool) -> Self {
        Self { is_kept, is_sifted, ..Self::default() }
    }

    /// Values in the rescued data column.
    pub(super) fn rescued(&self) -> u64 {
        if self.is_kept { self.count } else { 0 }
    }

    /// Values that became NULL without being kept.
    pub(super) fn dropped(&self) -> u64 {
        if self.is_kept { 0 } else { self.count }
    }

    /// A misfit of a row, which is counted from 1.
    pub(super) fn note(&mut self, row: usize, name: Option<&str>, field_id: Option<&str>, raw: &str, reason: &str) {
        if self.is_kept {
            rescue(&mut self.list, name, field_id, raw, reason);
        }
        if self.is_sifted {
            self.rows.push(row);
        }
        self.count += 1;
    }

    /// What the row that is complete has, as a JSON array.
    pub(super) fn end_row(&mut self) -> Option<String> {
        if self.list.is_empty() {
            return None;
        }
        let mut list = std::mem::take(&mut self.list);
        list.push(']');
        Some(list)
    }

    /// Misfits of rows that nobody is given are nobody's.
    pub(super) fn forget_all_but(&mut self, wanted: &[bool]) {
        let is_wanted = |row: &usize| wanted.get(row - 1).copied().unwrap_or_default();
        let forgotten = self.rows.drain(..).filter(|row| !is_wanted(row)).count();
        self.count -= u64::try_from(forgotten).unwrap_or_default();
    }
}

/// Adds one misfit to the row's list, which is closed when the row ends.
fn rescue(misfits: &mut String, name: Option<&str>, field_id: Option<&str>, raw: &str, reason: &str) {
    let json =
        |text: Option<&str>| text.map_or_else(|| "null".to_owned(), |text| serde_json::Value::from(text).to_string());
    misfits.push(if misfits.is_empty() { '[' } else { ',' });
    let (name, field_id, reason) = (json(name), json(field_id), json(Some(reason)));
    // Writing to a String does not fail.
    _ = write!(misfits, "{{\"field\":{name},\"field_id\":{field_id},\"value\":{raw},\"reason\":{reason}}}");
}

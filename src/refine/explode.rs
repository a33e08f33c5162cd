//! Records with lists -> one row for each item of a list: what parts of a table are made of.
//!
//! Invariants: rows come in the order of the records, of the columns, and of the items; an item keeps its place in the
//! cell, whatever stands beside it; what is NULL in a list is no row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StringArray, UInt64Array};
use arrow::compute::{interleave, take};
use arrow::error::ArrowError;

/// A column of lists, and the field that it is of.
pub(crate) struct Lists<'a> {
    pub(crate) field_id: &'a str,
    pub(crate) field: &'a str,
    pub(crate) cells: &'a ListArray,
}

/// One row for each item.
pub(crate) struct Exploded {
    /// The row of the record among those that were exploded.
    records: UInt64Array,
    /// `fld...`, Utf8.
    pub(crate) field_ids: ArrayRef,
    /// The field's name, Utf8.
    pub(crate) fields: ArrayRef,
    /// From 0, within the cell, Int64.
    pub(crate) positions: ArrayRef,
    /// The items, of the type of the lists' items.
    pub(crate) items: ArrayRef,
}

impl Exploded {
    /// The items of all lists, which have items of one type and as many cells as there are records. None without a list.
    ///
    /// # Errors
    /// What Arrow says of lists of several types.
    pub(crate) fn of(lists: &[Lists<'_>]) -> Result<Option<Self>, ArrowError> {
        let Some(first) = lists.first() else { return Ok(None) };
        let (mut records, mut fields, mut positions, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for record in 0..first.cells.len() {
            for (column, list) in lists.iter().enumerate().filter(|(_, list)| list.cells.is_valid(record)) {
                let from = offset(list.cells, record);
                for item in (from..offset(list.cells, record + 1)).filter(|item| list.cells.values().is_valid(*item)) {
                    records.push(record as u64);
                    fields.push(column);
                    positions.push(i64::try_from(item - from).unwrap_or(i64::MAX));
                    places.push((column, item));
                }
            }
        }
        let values: Vec<&dyn Array> = lists.iter().map(|list| list.cells.values().as_ref()).collect();
        let names = |name: fn(&Lists<'_>) -> String| -> ArrayRef {
            let names: Vec<String> = lists.iter().map(name).collect();
            Arc::new(fields.iter().map(|column| Some(names[*column].as_str())).collect::<StringArray>())
        };
        Ok(Some(Self {
            field_ids: names(|list| list.field_id.to_owned()),
            fields: names(|list| list.field.to_owned()),
            positions: Arc::new(Int64Array::from(positions)),
            items: interleave(&values, &places)?,
            records: UInt64Array::from(records),
        }))
    }

    /// A column of the records, such as their ids, as one of the rows.
    ///
    /// # Errors
    /// What Arrow says of a column that has fewer rows than the lists.
    pub(crate) fn repeated(&self, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        take(column, &self.records, None)
    }

    /// A property of the items, which are structs; NULL where the item has none. None where the items have no such
    /// property.
    pub(crate) fn property(&self, name: &str) -> Option<ArrayRef> {
        self.items.as_struct_opt()?.column_by_name(name).cloned()
    }
}

fn offset(cells: &ListArray, at: usize) -> usize {
    usize::try_from(cells.value_offsets()[at]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use arrow::array::{ListBuilder, StringBuilder};

    use super::*;

    fn lists(cells: &[Option<&[Option<&str>]>]) -> ListArray {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for cell in cells {
            match cell {
                Some(items) => {
                    items.iter().for_each(|item| builder.values().append_option(*item));
                    builder.append(true);
                }
                None => builder.append(false),
            }
        }
        builder.finish()
    }

    fn texts(array: &ArrayRef) -> Vec<&str> {
        array.as_string::<i32>().iter().map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn items_come_by_record_then_field_then_place() {
        let first = lists(&[Some(&[Some("a"), None, Some("b")]), None, Some(&[]), Some(&[Some("c")])]);
        let second = lists(&[Some(&[Some("x")]), Some(&[Some("y")]), None, Some(&[Some("z")])]);
        let both = [
            Lists { field_id: "fld1", field: "One", cells: &first },
            Lists { field_id: "fld2", field: "Two", cells: &second },
        ];
        let rows = Exploded::of(&both).expect("one type").expect("lists");
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["rec1", "rec2", "rec3", "rec4"]));
        assert_eq!(texts(&rows.repeated(&ids).expect("as many")), ["rec1", "rec1", "rec1", "rec2", "rec4", "rec4"]);
        assert_eq!(texts(&rows.field_ids), ["fld1", "fld1", "fld2", "fld2", "fld1", "fld2"]);
        assert_eq!(texts(&rows.fields), ["One", "One", "Two", "Two", "One", "Two"]);
        assert_eq!(texts(&rows.items), ["a", "b", "x", "y", "c", "z"]);
        let positions = rows.positions.as_primitive::<arrow::datatypes::Int64Type>();
        assert_eq!(positions.values(), &[0, 2, 0, 0, 0, 0]);
        assert!(rows.property("id").is_none(), "the items are no structs");
    }

    #[test]
    fn a_null_cell_may_have_items_and_a_part_of_a_column_its_own_places() {
        let cells = lists(&[Some(&[Some("a")]), Some(&[Some("b"), Some("c")]), Some(&[Some("d")])]);
        let nulls = arrow::buffer::NullBuffer::from(vec![true, true, false]);
        let (field, offsets, values, _) = cells.into_parts();
        let cells = ListArray::new(field, offsets, values, Some(nulls)).slice(1, 2);
        let rows = Exploded::of(&[Lists { field_id: "fld1", field: "One", cells: &cells }]);
        let rows = rows.expect("one type").expect("a list");
        assert_eq!(texts(&rows.items), ["b", "c"]);
        let positions = rows.positions.as_primitive::<arrow::datatypes::Int64Type>();
        assert_eq!(positions.values(), &[0, 1]);
    }

    #[test]
    fn no_items_are_no_rows_and_no_lists_are_nothing() {
        let empty = lists(&[None, Some(&[])]);
        let rows = Exploded::of(&[Lists { field_id: "fld1", field: "One", cells: &empty }]);
        assert_eq!(rows.expect("one type").expect("a list").items.len(), 0);
        assert!(Exploded::of(&[]).expect("nothing").is_none());
    }
}

//! Lists of record ids -> the same lists with the records' names. Pure, but for names that are in a file.
//!
//! Invariant: a list keeps its length and its places: a record without a name is NULL, or has a NULL name, where it stands.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray, StructArray};
use arrow::datatypes::DataType;
use serde_json::{Value, json};

use super::names::Names;
use crate::error::Result;
use crate::options::Links;
use crate::scan::{Column, LinkedTable};

/// Where the names of linked tables' records come from.
pub(crate) trait NameSource: Send + Sync {
    /// The names of a table, the same ones in the whole read.
    fn names<'s>(&'s self, table: &'s LinkedTable) -> Pin<Box<dyn Future<Output = Result<Arc<Names>>> + Send + 's>>;
}

/// The cells of a column of links as they are given: lists, or their JSON where the column is one of texts. None of the
/// names are known where there are no `names`.
///
/// # Errors
/// What keeps names from being read.
pub(super) fn named(cells: &ListArray, names: Option<&Names>, form: Links, given: &DataType) -> io::Result<ArrayRef> {
    let ids = cells.values().as_string::<i32>();
    let of = |id: Option<&str>| match (id, names) {
        (Some(id), Some(names)) => names.get(id),
        _ => Ok(None),
    };
    let names = ids.iter().map(of).collect::<io::Result<StringArray>>()?;
    let DataType::List(item) = given else { return Ok(json_lists(cells, ids, &names, form)) };
    let items: ArrayRef = match item.data_type() {
        DataType::Struct(properties) => {
            let arrays: Vec<ArrayRef> = vec![Arc::new(ids.clone()), Arc::new(names)];
            Arc::new(StructArray::new(properties.clone(), arrays, ids.nulls().cloned()))
        }
        _ => Arc::new(names),
    };
    Ok(Arc::new(ListArray::new(item.clone(), cells.offsets().clone(), items, cells.nulls().cloned())))
}

/// Each list as the JSON text that an array of such items is.
fn json_lists(cells: &ListArray, ids: &StringArray, names: &StringArray, form: Links) -> ArrayRef {
    let text = |texts: &StringArray, at: usize| texts.is_valid(at).then(|| texts.value(at).to_owned());
    let item = |at: usize| match (form, text(ids, at), text(names, at)) {
        (Links::Both, Some(id), name) => json!({"id": id, "name": name}),
        (Links::Both, None, _) => Value::Null,
        (Links::Names | Links::Ids, _, name) => json!(name),
    };
    let lists = cells.offsets().windows(2).enumerate().map(|(row, ends)| {
        let place = |end: i32| usize::try_from(end).unwrap_or_default();
        let items: Vec<Value> = (place(ends[0])..place(ends[1])).map(item).collect();
        cells.is_valid(row).then(|| Value::from(items).to_string())
    });
    Arc::new(lists.collect::<StringArray>())
}

/// The tables that links of fields lead to, for rows with these fields' ids; NULL where a field does not tell.
pub(super) fn table_ids(field_ids: &ArrayRef, columns: &[Column]) -> ArrayRef {
    let places = columns.iter().filter_map(|column| Some((column.field_id()?, column.links()?.table_id.as_str())));
    let tables: HashMap<&str, &str> = places.collect();
    let ids = field_ids.as_string::<i32>().iter();
    Arc::new(ids.map(|id| id.and_then(|id| tables.get(id))).collect::<StringArray>())
}

/// Whether any cell of a column has a link.
pub(super) fn has_links(cells: &ListArray) -> bool {
    cells.values().null_count() < cells.values().len()
}

#[cfg(test)]
mod tests {
    use arrow::array::{ListBuilder, StringBuilder};

    use super::super::names::{Gathering, Room};
    use super::*;
    use crate::columns::{Object, Shape};

    const ANNA: &str = "rec00000000000001";
    const GONE: &str = "rec00000000000002";

    fn cells() -> ListArray {
        let mut cells = ListBuilder::new(StringBuilder::new());
        for cell in [Some(&[Some(GONE), Some(ANNA), None][..]), None, Some(&[]), Some(&[Some(ANNA)])] {
            for id in cell.into_iter().flatten() {
                cells.values().append_option(*id);
            }
            cells.append(cell.is_some());
        }
        cells.finish()
    }

    fn names() -> Names {
        let mut names = Gathering::within(usize::MAX);
        names.put(ANNA, "Anna \"A\"").expect("put");
        names.end(&Room::of(usize::MAX)).expect("all")
    }

    fn shown(names: Option<&Names>, form: Links, given: &Shape) -> Vec<Option<String>> {
        let given = named(&cells(), names, form, &given.data_type()).expect("named");
        let show = |row: usize| arrow::util::display::array_value_to_string(&given, row).expect("shown");
        (0..given.len()).map(|row| given.is_valid(row).then(|| show(row))).collect()
    }

    #[test]
    fn records_keep_their_places_in_every_form() {
        let (text, both) = (Shape::Text, Shape::Struct(Object::Link));
        let names = names();
        let lists = |item: Shape| Shape::List(Box::new(item));
        let some = |texts: [&str; 3]| {
            let [first, third, fourth] = texts.map(|text| Some(text.to_owned()));
            vec![first, None, third, fourth]
        };
        let given = shown(Some(&names), Links::Names, &lists(text.clone()));
        assert_eq!(given, some(["[, Anna \"A\", ]", "[]", "[Anna \"A\"]"]));
        let given = shown(None, Links::Names, &lists(text));
        assert_eq!(given, some(["[, , ]", "[]", "[]"]));
        let given = shown(Some(&names), Links::Both, &lists(both));
        let [gone, anna] = [GONE, ANNA].map(|id| format!("{{id: {id}, name: "));
        let expected = some([&format!("[{gone}}}, {anna}Anna \"A\"}}, ]"), "[]", &format!("[{anna}Anna \"A\"}}]")]);
        assert_eq!(given, expected);
        let given = shown(Some(&names), Links::Names, &Shape::Json);
        assert_eq!(given, some([r#"[null,"Anna \"A\"",null]"#, "[]", r#"["Anna \"A\""]"#]));
        let given = shown(Some(&names), Links::Both, &Shape::Json);
        let [gone, anna] =
            [format!(r#"{{"id":"{GONE}","name":null}}"#), format!(r#"{{"id":"{ANNA}","name":"Anna \"A\""}}"#)];
        assert_eq!(given, some([&format!("[{gone},{anna},null]"), "[]", &format!("[{anna}]")]));
    }

    #[test]
    fn links_are_there_or_not() {
        assert!(has_links(&cells()));
        let mut empty = ListBuilder::new(StringBuilder::new());
        empty.append(true);
        empty.append(false);
        assert!(!has_links(&empty.finish()));
    }
}

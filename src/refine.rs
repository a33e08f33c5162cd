//! Decoded batches -> planned batches: what becomes of the rows between the pages they were read from and whoever asked
//! for them.
//!
//! Invariant: every batch that leaves has exactly the planned schema.
//!
//! | file | is |
//! |---|---|
//! | `explode` | one row for each item of a record's lists |
//! | `linked`, `names` | ids of linked records into their names, and where these are kept |

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;

use crate::error::{Error, Result};
use crate::scan::{Column, LinkedTable, Scan};

// Parts of a table are made by it.
#[cfg_attr(not(test), allow(dead_code))]
mod explode;
mod linked;
mod names;

pub(crate) use names::{Gathering, Names, Room};

/// What becomes of the batches of one read.
pub(crate) struct Refine {
    schema: SchemaRef,
    columns: Vec<Column>,
    /// The decoded batches are the planned ones.
    is_plain: bool,
    /// The tables whose names are not known yet.
    linked: Vec<LinkedTable>,
    /// By the ids of tables.
    names: HashMap<String, Arc<Names>>,
}

impl Refine {
    /// What a plan wants to become of its rows.
    pub(crate) fn new(scan: &Scan) -> Self {
        Self {
            schema: scan.schema(),
            columns: scan.columns.clone(),
            is_plain: scan.is_plain(),
            linked: scan.linked.clone(),
            names: HashMap::new(),
        }
    }

    /// The tables whose records are linked in a decoded batch, and whose names are not known yet.
    pub(crate) fn unnamed(&self, decoded: &RecordBatch) -> Vec<LinkedTable> {
        if self.linked.is_empty() {
            return Vec::new();
        }
        let links = |(column, cells): (&Column, &ArrayRef)| {
            let links = column.links()?;
            cells.as_list_opt::<i32>().is_some_and(linked::has_links).then(|| links.table_id.clone())
        };
        let ids: Vec<String> = self.columns.iter().zip(decoded.columns()).filter_map(links).collect();
        self.linked.iter().filter(|table| ids.contains(&table.id)).cloned().collect()
    }

    /// The names of a table's records are these.
    pub(crate) fn know(&mut self, table: &LinkedTable, names: Arc<Names>) {
        self.linked.retain(|other| other.id != table.id);
        self.names.insert(table.id.clone(), names);
    }

    /// The planned batch of a decoded one; it may have no rows.
    ///
    /// # Errors
    /// [`Error::Data`] for columns that do not make a batch of the planned schema; [`Error::Option`] where names cannot be
    /// read from where they are kept.
    // What asks for something more than the batch itself waits for the answer.
    #[allow(clippy::unused_async)]
    pub(crate) async fn batch(&mut self, decoded: RecordBatch) -> Result<RecordBatch> {
        if self.is_plain {
            return Ok(decoded);
        }
        let columns = self.columns.iter().zip(decoded.columns());
        let given = columns.map(|(column, cells)| self.given(column, cells)).collect::<Result<_>>()?;
        RecordBatch::try_new(self.schema.clone(), given)
            .map_err(|error| Error::Data(format!("columns that do not make a batch: {error}").into()))
    }

    /// A column as it is planned.
    fn given(&self, column: &Column, cells: &ArrayRef) -> Result<ArrayRef> {
        let (Some(links), Some(lists)) = (column.links(), cells.as_list_opt::<i32>()) else { return Ok(cells.clone()) };
        let names = self.names.get(&links.table_id).map(AsRef::as_ref);
        linked::named(lists, names, links.form, &column.data_type()).map_err(|error| not_kept(&error))
    }
}

/// Names that are too many for memory are in a temporary file, which fails.
pub(crate) fn not_kept(error: &std::io::Error) -> Error {
    let directory = std::env::temp_dir();
    Error::Option(
        format!(
            "option links: names of linked records cannot be kept in a temporary file in {}: {error}: make room there, \
             name another directory by TMPDIR, or read with links=ids",
            directory.display()
        )
        .into(),
    )
    .of_option("links")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::decode::Decoder;
    use crate::decode::tests::scan;

    #[tokio::test]
    async fn hidden_columns_are_read_and_not_given() {
        let mut scan = scan(&[]);
        let plain = scan.schema();
        let place = scan.columns.iter().position(|column| matches!(column.source, crate::scan::Source::Field(_)));
        let hidden = scan.columns.remove(place.expect("a field"));
        scan.hidden.push(hidden.clone());
        let field_id = match &hidden.source {
            crate::scan::Source::Field(field) => field.id.clone(),
            _ => unreachable!("a field"),
        };
        assert!(scan.field_ids().contains(&field_id.as_str()));
        let mut decoder = Decoder::new(&scan.decoded());
        let record = json!({"id": "rec00000000000001", "createdTime": "2024-05-01T12:00:00.000Z", "fields": {}});
        decoder.page(json!({"records": [record]}).to_string().as_bytes()).expect("a page");
        let batch = decoder.finish().expect("a batch");
        assert_eq!(batch.num_columns(), plain.fields().len());
        let given = Refine::new(&scan).batch(batch).await.expect("a batch");
        assert_eq!(given.schema(), scan.schema());
        assert_eq!((given.num_rows(), given.num_columns()), (1, plain.fields().len() - 1));
    }
}

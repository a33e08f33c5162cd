//! Decoded batches -> planned batches: what becomes of the rows between the pages they were read from and whoever asked
//! for them.
//!
//! Invariant: every batch that leaves has exactly the planned schema.

use std::borrow::Cow;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::{Error, Result};
use crate::scan::Scan;

/// What becomes of the batches of one read.
pub(crate) struct Refine {
    schema: SchemaRef,
    /// The decoded batches are the planned ones.
    is_plain: bool,
}

impl Refine {
    /// What a plan wants to become of its rows.
    pub(crate) fn new(scan: &Scan) -> Self {
        Self { schema: scan.schema(), is_plain: matches!(scan.decoded(), Cow::Borrowed(_)) }
    }

    /// The planned batch of a decoded one; it may have no rows.
    ///
    /// # Errors
    /// [`Error::Data`] for columns that do not make a batch of the planned schema.
    // What asks for something more than the batch itself waits for the answer.
    #[allow(clippy::unused_async)]
    pub(crate) async fn batch(&mut self, decoded: RecordBatch) -> Result<RecordBatch> {
        if self.is_plain {
            return Ok(decoded);
        }
        let given = decoded.columns().iter().take(self.schema.fields().len()).cloned().collect();
        RecordBatch::try_new(self.schema.clone(), given)
            .map_err(|error| Error::Data(format!("columns that do not make a batch: {error}").into()))
    }
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

//! Rows that are no records, under construction: what is told of each, by name -> columns. Where it comes from is not known
//! here.
//!
//! Invariants: every column has as many entries as there are rows; a value that does not fit its column is NULL there, and
//! counted or an error.

use std::borrow::Cow;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::rows;
use crate::columns::Builder;
use crate::error::{Error, Result, line};
use crate::json::Json;
use crate::scan::{Column, Scan, Source};

/// The rows since the last batch.
pub(crate) struct Facts {
    schema: SchemaRef,
    columns: Vec<Column>,
    builders: Vec<Builder>,
    base_id: String,
    table_name: String,
    fail_on_bad_value: bool,
    left: u64,
    count: usize,
    dropped: u64,
}

impl Facts {
    /// No rows yet of a read.
    pub(crate) fn new(scan: &Scan) -> Self {
        Self {
            schema: scan.schema(),
            columns: scan.columns.clone(),
            builders: scan.columns.iter().map(rows::builder).collect(),
            base_id: scan.base_id.clone(),
            table_name: scan.table_name.clone(),
            fail_on_bad_value: scan.fail_on_bad_value,
            left: scan.max_records.unwrap_or(u64::MAX),
            count: 0,
            dropped: 0,
        }
    }

    /// Rows since the last batch.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Rows that are still wanted.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Values that became NULL because they do not fit their columns.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Appends a row, given by the id of its record, where it has one, and by the JSON of what is told under a name. Rows
    /// that are no longer wanted are left out.
    ///
    /// # Errors
    /// [`Error::Data`] for what is no JSON, and, in a strict read, for a value that does not fit its column.
    pub(crate) fn row<'f>(&mut self, record_id: &str, fact: impl Fn(&str) -> Option<Cow<'f, str>>) -> Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        let about = || if record_id.is_empty() { String::new() } else { format!(", record {record_id}") };
        for (column, builder) in self.columns.iter().zip(&mut self.builders) {
            match &column.source {
                Source::RecordId => builder.append_text(record_id),
                Source::BaseId => builder.append_text(&self.base_id),
                Source::Fact(told) => match fact(&told.name) {
                    None => builder.append_null(),
                    Some(raw) => {
                        let misfit = builder.append(&mut Json::new(&raw));
                        let misfit = misfit.map_err(|_| Error::Data(format!("no JSON: {}", line(&raw)).into()))?;
                        let Some(misfit) = misfit else { continue };
                        if self.fail_on_bad_value {
                            let about = about();
                            return Err(Error::Data(
                                format!(
                                    "table {:?}{about}, column {:?}: {}, but Airtable tells {}: read with on_bad_value rescue, \
                                     which gives NULL in its place",
                                    self.table_name,
                                    column.name,
                                    rows::reason(misfit, &told.shape),
                                    line(&raw)
                                )
                                .into(),
                            ));
                        }
                        self.dropped += 1;
                    }
                },
                _ => builder.append_null(),
            }
        }
        self.left -= 1;
        self.count += 1;
        Ok(())
    }

    /// The rows since the last batch.
    ///
    /// # Errors
    /// [`Error::Data`] for an empty value in a column that is NOT NULL.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch> {
        self.count = 0;
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        rows::batch(&self.table_name, &self.columns, &self.schema, arrays)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::options::Options;
    use crate::scan::{Part, dictionary};

    fn facts(pairs: &[(&str, &str)]) -> Facts {
        let options = Options::parse([("token", "patX")].into_iter().chain(pairs.iter().copied())).expect("valid");
        Facts::new(&dictionary::plan("app1", Part::Choices, &options.read).expect("a plan"))
    }

    fn told(name: &str) -> Option<Cow<'static, str>> {
        match name {
            "name" => Some(r#""a \"b\" é""#.into()),
            "position" => Some("3".into()),
            "color" => Some("null".into()),
            "choice_id" => Some("7".into()),
            _ => None,
        }
    }

    #[test]
    fn what_is_told_is_in_its_column_and_what_does_not_fit_is_counted() {
        let mut facts = facts(&[]);
        facts.row("", told).expect("a row");
        assert_eq!((facts.count(), facts.dropped()), (1, 1));
        let batch = facts.finish().expect("a batch");
        assert_eq!(batch.column_by_name("name").expect("name").as_string::<i32>().value(0), "a \"b\" é");
        assert_eq!(batch.column_by_name("position").expect("position").as_primitive::<Int64Type>().value(0), 3);
        for empty in ["color", "choice_id", "table"] {
            assert_eq!(batch.column_by_name(empty).expect(empty).null_count(), 1, "{empty}");
        }
        assert_eq!(facts.count(), 0);
    }

    #[test]
    fn a_strict_read_stops_and_a_bounded_one_takes_no_more() {
        let error = facts(&[("on_bad_value", "fail")]).row("", told).expect_err("a number").to_string();
        assert!(error.contains("column \"choice_id\": expected a text, but Airtable tells 7"), "{error}");
        let mut facts = facts(&[("max_records", "2")]);
        for _ in 0..3 {
            facts.row("", told).expect("a row, or none");
        }
        assert_eq!((facts.count(), facts.left()), (2, 0));
    }
}

//! Who follows a log of changes, and mutations for it to tell of.

use std::collections::BTreeMap;

use airtable_mock::{Mock, MockConfig};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use lakeflow_airtable::{AirtableConnector, LakeflowConnect, Offset, Result, Stream};
use serde_json::{Value, json};

use crate::source::Source;

pub(crate) const LOG: (&str, &str) = ("ingestion_type", "change_log");

/// A row as text, for comparisons, and the parts of it that are applied.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) change: String,
    pub(crate) field: Option<String>,
    pub(crate) old: Option<Value>,
    pub(crate) new: Option<Value>,
    pub(crate) at: i64,
    pub(crate) user: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) transaction: i64,
}

pub(crate) fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let column = |name: &str| batch.column_by_name(name).expect("a column");
    let text = |name: &str, row: usize| {
        let texts = column(name).as_string::<i32>();
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    let json = |name: &str, row: usize| text(name, row).map(|text| serde_json::from_str(&text).expect("JSON"));
    let user = |row: usize| {
        let people = column("changed_by").as_struct();
        people.is_valid(row).then(|| people.column(0).as_string::<i32>().value(row).to_owned())
    };
    let row = |row: usize| Row {
        id: text("id", row).expect("an id"),
        change: text("change", row).expect("a change"),
        field: text("field", row).or_else(|| text("field_id", row)),
        old: json("old_value", row),
        new: json("new_value", row),
        at: column("_changed_at").as_primitive::<TimestampMicrosecondType>().value(row),
        user: user(row),
        source: text("source", row),
        transaction: column("transaction").as_primitive::<Int64Type>().value(row),
    };
    (0..batch.num_rows()).map(row).collect()
}

/// Who follows a log.
pub(crate) struct Follower {
    pub(crate) connector: AirtableConnector,
    pub(crate) stream: Stream,
    pub(crate) start: Option<Offset>,
    pub(crate) most: Option<u64>,
}

impl Follower {
    pub(crate) async fn new(source: &Source, more: &[(&str, &str)]) -> Self {
        let options = source.options(&[&[LOG], more].concat());
        let connector = AirtableConnector::new(options.connection).expect("a connector");
        let plan = connector.plan(&options.read).await.expect("a plan");
        let stream = connector.stream(plan, &options.read).expect("a stream");
        Self { start: Some(stream.initial()), stream, connector, most: options.read.max_records_per_batch }
    }

    /// The same after a restart, which knows no more than the offset.
    pub(crate) async fn restarted(self, source: &Source, more: &[(&str, &str)]) -> Self {
        let kept = self.start.map(|offset| offset.to_json());
        let mut new = Self::new(source, more).await;
        new.start = kept.map(|text| new.stream.parse(&text).expect("an offset"));
        new
    }

    pub(crate) async fn range(&self, start: &Offset, end: &Offset) -> Result<Vec<Row>> {
        let mut batches = self.connector.read(self.stream.scan(Some(start), end).await?);
        let mut rows = Vec::new();
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            assert_eq!(batch.schema(), self.stream.plan().schema());
            rows.extend(rows_of(&batch));
        }
        Ok(rows)
    }

    /// The next range, and whether there is more.
    pub(crate) async fn next(&mut self) -> Result<(Vec<Row>, bool)> {
        let start = self.start.clone().expect("a start");
        let latest = self.stream.latest(Some(&start), self.most).await?;
        let rows = self.range(&start, &latest.offset).await?;
        self.start = Some(latest.offset);
        Ok((rows, latest.has_more))
    }

    /// Everything that is there.
    pub(crate) async fn all(&mut self) -> Result<Vec<Row>> {
        let mut all = Vec::new();
        loop {
            let (rows, has_more) = self.next().await?;
            all.extend(rows);
            if !has_more {
                return Ok(all);
            }
        }
    }

    pub(crate) fn webhook(&self) -> String {
        let offset = self.start.as_ref().expect("an offset").to_json();
        let offset: Value = serde_json::from_str(&offset).expect("JSON");
        offset["webhook"].as_str().expect("a webhook").to_owned()
    }

    pub(crate) async fn begun(source: &Source, more: &[(&str, &str)]) -> Self {
        let mut new = Self::new(source, more).await;
        assert_eq!(new.next().await.expect("a range"), (vec![], false), "a log begins empty");
        new
    }
}

/// A table that has cells of every form that payloads tell otherwise than records do.
pub(crate) fn of_forms() -> Source {
    let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() }).expect("the mock starts");
    let text = |name: &str| json!({"name": name, "type": "singleLineText"});
    let select =
        |kind: &str, name: &str| json!({"name": name, "type": kind, "options": {"choices": ["Red", "Two words", "ü"]}});
    let through = |name: &str, kind: &str, target: &str| json!({"name": name, "type": kind, "options": {"recordLinkFieldId": "Makers", "fieldIdInLinkedTable": target}});
    let base = json!({"name": "Stock", "tables": [
        {"id": "tblMakers00000001", "name": "Makers", "fields": [text("Name"), select("singleSelect", "Kind"),
            {"name": "Rank", "type": "number", "options": {"precision": 1}}],
         "records": [{"fields": {"Name": "A", "Kind": "Red", "Rank": 1}}, {"fields": {"Name": "B", "Rank": 2.5}},
            {"fields": {"Name": "C", "Kind": "ü"}}]},
        {"name": "Items", "fields": [text("Name"), {"name": "N", "type": "number", "options": {"precision": 2}},
            select("singleSelect", "Colour"), select("multipleSelects", "Tags"), {"name": "Done", "type": "checkbox"},
            {"name": "Owner", "type": "singleCollaborator"}, {"name": "Team", "type": "multipleCollaborators"},
            {"name": "Day", "type": "date"},
            {"name": "Makers", "type": "multipleRecordLinks", "options": {"linkedTableId": "tblMakers00000001"}},
            through("Kinds", "multipleLookupValues", "Kind"), through("Ranks", "multipleLookupValues", "Rank"),
            {"name": "Twice", "type": "formula", "options": {"formula": "{N} * 2", "result": {"type": "number"}}},
            {"name": "Number", "type": "autoNumber"}, {"name": "By", "type": "lastModifiedBy"}]},
    ]});
    mock.create_base(&base).expect("a base");
    mock.clear_requests();
    Source { mock }
}

/// Random changes, the same for the same seed.
pub(crate) struct Mutations<'s> {
    pub(crate) source: &'s Source,
    pub(crate) rng: fastrand::Rng,
    pub(crate) makers: Vec<String>,
    pub(crate) people: Vec<Value>,
}

impl<'s> Mutations<'s> {
    pub(crate) fn new(source: &'s Source, seed: u64) -> Self {
        let base = source.mock.base_id();
        let makers = source.mock.records(&base, "Makers").expect("the table");
        let makers = makers.iter().map(|record| record["id"].as_str().expect("an id").to_owned()).collect();
        let people = vec![json!({"id": "usrMockPerson0001"})];
        Self { source, rng: fastrand::Rng::with_seed(seed), makers, people }
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.rng.usize(..most)
    }

    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let at = self.below(of.len());
        of[at].clone()
    }

    pub(crate) fn cells(&mut self) -> Value {
        let mut cells = json!({});
        for _ in 0..=self.below(4) {
            let makers = self.makers.clone();
            let some: Vec<String> = makers.into_iter().filter(|_| self.below(2) == 0).collect();
            let (number, person) = (self.below(50), self.people[0].clone());
            let (name, value) = match self.below(9) {
                0 => ("Name", self.pick(&[json!("a \"b\""), json!("北島"), json!(""), json!(null)])),
                1 => ("N", self.pick(&[json!(0), json!(number), json!(1.25), json!(null)])),
                2 => ("Colour", self.pick(&[json!("Red"), json!("Two words"), json!("ü"), json!(null)])),
                3 => ("Tags", self.pick(&[json!(["Red"]), json!(["ü", "Two words"]), json!([]), json!(null)])),
                4 => ("Done", self.pick(&[json!(true), json!(false)])),
                5 => ("Owner", self.pick(&[person, json!(null)])),
                6 => ("Team", self.pick(&[json!([person]), json!(null)])),
                7 => ("Day", self.pick(&[json!("2026-02-03"), json!(null)])),
                _ => ("Makers", json!(some)),
            };
            cells[name] = value;
        }
        cells
    }

    pub(crate) fn step(&mut self) {
        let (mock, base, ids) = (&self.source.mock, self.source.mock.base_id(), self.source.all_ids());
        let kind = self.below(if ids.is_empty() { 2 } else { 10 });
        match kind {
            0 | 1 => {
                let count = 1 + self.below(12);
                let rows: Vec<Value> = (0..count).map(|_| self.cells()).collect();
                mock.create_records(&base, "Items", &rows).expect("created");
            }
            2 => {
                let id = self.pick(&ids);
                mock.delete_records(&base, "Items", &[&id]).expect("removed");
            }
            3 => {
                // What a lookup shows changes with the other table.
                let at = self.below(3);
                let maker = self.makers[at].clone();
                let change = self.pick(&[json!({"Kind": "Two words"}), json!({"Kind": null}), json!({"Rank": 7})]);
                let record = json!({"id": maker, "fields": change});
                mock.update_records(&base, "Makers", &[record]).expect("edited");
            }
            4 => {
                let (id, first) = (self.pick(&ids), self.cells());
                for fields in [first, self.cells()] {
                    mock.update_records(&base, "Items", &[json!({"id": id, "fields": fields})]).expect("edited");
                }
            }
            5 => mock.advance_clock(0.25),
            _ => {
                let some: Vec<String> = ids.into_iter().filter(|_| self.below(4) == 0).take(20).collect();
                let records: Vec<Value> = some.iter().map(|id| json!({"id": id, "fields": self.cells()})).collect();
                mock.update_records(&base, "Items", &records).expect("edited");
            }
        }
    }
}

/// What a log makes of nothing: records by id, and their cells by their fields' names. Each row must fit what was before.
pub(crate) fn applied(rows: &[Row]) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut base: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for row in rows {
        match (row.change.as_str(), &row.field) {
            ("deleted", None) => assert!(base.remove(&row.id).is_some(), "{row:?}"),
            ("created", field) => {
                let record = base.entry(row.id.clone()).or_default();
                if let Some(field) = field {
                    let before = record.insert(field.clone(), row.new.clone().expect("a cell that is set"));
                    assert_eq!((before, &row.old), (None, &None), "{row:?}");
                }
            }
            ("updated", Some(field)) => {
                let record = base.get_mut(&row.id).unwrap_or_else(|| panic!("no record: {row:?}"));
                let before = match &row.new {
                    Some(new) => record.insert(field.clone(), new.clone()),
                    None => record.remove(field),
                };
                assert_eq!(before, row.old, "{row:?}");
            }
            _ => panic!("{row:?}"),
        }
    }
    base
}

/// What the records API gives.
pub(crate) fn present(source: &Source) -> BTreeMap<String, BTreeMap<String, Value>> {
    let records = source.mock.records(&source.mock.base_id(), "Items").expect("the table");
    let record = |record: &Value| {
        let fields = record["fields"].as_object().expect("fields");
        let cells = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        (record["id"].as_str().expect("an id").to_owned(), cells)
    };
    records.iter().map(record).collect()
}

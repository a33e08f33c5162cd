//! The sample bases: what a consumer-goods launch team might keep in Airtable, and a small second base.
//!
//! Every field type occurs somewhere, and so does everything that readers of Airtable stumble over: error
//! cells, empty records, names that collide once they are made columns, links, lookups of lookups, comments. The data
//! is made by code from fixed seeds: the same in every run, so tests may name what is in it.

#![allow(
    clippy::manual_is_multiple_of,
    reason = "every n-th record has something: remainders side by side read better"
)]

mod assets;
mod comments;
mod compliance;
mod launches;
mod parts;
pub(crate) mod people;
mod skus;
mod tasks;
mod vendors;

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::change::commit::commit;
use crate::change::edit::pin_cell;
use crate::data::base::Base;
use crate::data::index::{BaseIndex, List};
use crate::data::store::Store;
use crate::data::transaction::Transaction;
use crate::error::ApiError;
use crate::schema::load::create_base;
use parts::{EPOCH_MS, date_options, time};
use people::people;

/// The id of the larger base.
pub(crate) const LAUNCH_BASE: &str = "appMockLaunch0001";
/// The id of the smaller base.
pub(crate) const ARCHIVE_BASE: &str = "appMockArchive002";

/// Puts both bases into a store. They are made once per process and copied, because a test suite starts
/// many servers.
///
/// # Errors
/// When a definition contradicts itself, which the tests rule out.
pub(crate) fn load(store: &mut Store) -> Result<(), ApiError> {
    static MADE: OnceLock<Result<List<BaseIndex, Base>, ApiError>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let mut store = Store::new(0, people());
        make(&mut store).map(|()| store.bases)
    });
    store.bases.extend(made.clone()?);
    Ok(())
}

fn make(store: &mut Store) -> Result<(), ApiError> {
    let launch = json!({"id": LAUNCH_BASE, "name": "Product Launches", "tables": [
        skus::table(), launches::table(), compliance::table(), tasks::table(), assets::table(), vendors::table(),
    ]});
    let base = create_base(store, &launch, EPOCH_MS)?;
    pin_errors(&mut store[base]);
    comments::write(&mut store[base]);
    create_base(store, &archive(), EPOCH_MS)?;
    Ok(())
}

/// The second base: a table of the same name as one of the first, and little else.
fn archive() -> Value {
    let old = |number: u32| {
        json!({"id": format!("recArchVendor{number:04}"), "createdTime": time(number.into()),
        "fields": {"Name": format!("Former vendor {number}"), "Country": "Elsewhere", "Last order": format!("2021-0{}-15", number % 9 + 1)}})
    };
    json!({"id": ARCHIVE_BASE, "name": "Launch Archive", "permissionLevel": "read", "tables": [
        {"id": "tblArchVendors001", "name": "Vendors", "fields": [
            {"id": "fldArchName000001", "name": "Name", "type": "singleLineText"},
            {"name": "Country", "type": "singleLineText"},
            {"name": "Last order", "type": "date", "options": date_options()},
        ], "records": (1..=12).map(old).collect::<Vec<_>>()},
        {"id": "tblArchNotes00002", "name": "Notes", "fields": [{"name": "Note", "type": "multilineText"}], "records": []},
    ]})
}

/// Values that Airtable's computations leave behind now and then.
fn pin_errors(base: &mut Base) {
    let cells = [
        ("SKU Candidates", 4, "Margin", json!({"error": "#ERROR!"})),
        ("SKU Candidates", 8, "Margin", json!({"specialValue": "Infinity"})),
        ("SKU Candidates", 9, "Margin", json!({"specialValue": "-Infinity"})),
        ("SKU Candidates", 12, "Vendor score", json!([{"error": "#ERROR!"}])),
        ("SKU Candidates", 13, "Vendor score", json!([4.5, {"specialValue": "NaN"}, null])),
        ("Vendors", 6, "Average unit cost", json!({"specialValue": "NaN"})),
        ("Launch Milestones", 7, "Days left", json!({"error": "circular reference"})),
    ];
    let mut tx = Transaction::silent(EPOCH_MS);
    for (table, position, field, value) in cells {
        let Some(t) = base.table(table) else { continue };
        let record = base[t].records.iter().nth(position).map(|record| record.id);
        if let (Some(id), Some(f)) = (record, base[t].field(field)) {
            pin_cell(base, &mut tx, t, id, f, &value);
        }
    }
    commit(base, tx);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn store() -> Store {
        let mut store = Store::new(1, people());
        load(&mut store).expect("the sample agrees with itself");
        store
    }

    fn launches(store: &Store) -> &Base {
        store.bases.iter().next().expect("the larger base")
    }

    #[test]
    fn every_type_occurs() {
        let store = store();
        let kinds: BTreeSet<&str> =
            launches(&store).tables.iter().flat_map(|table| &table.fields).map(|field| field.kind.as_str()).collect();
        for kind in [
            "singleLineText",
            "email",
            "url",
            "multilineText",
            "richText",
            "phoneNumber",
            "number",
            "percent",
            "currency",
            "rating",
            "duration",
            "checkbox",
            "singleSelect",
            "multipleSelects",
            "date",
            "dateTime",
            "createdTime",
            "lastModifiedTime",
            "singleCollaborator",
            "multipleCollaborators",
            "createdBy",
            "lastModifiedBy",
            "multipleRecordLinks",
            "multipleLookupValues",
            "rollup",
            "formula",
            "count",
            "autoNumber",
            "barcode",
            "button",
            "multipleAttachments",
            "externalSyncSource",
            "aiText",
            "manualSort",
        ] {
            assert!(kinds.contains(kind), "{kind} is missing");
        }
        assert!(kinds.contains("hologram"), "a type that nobody knows is missing");
    }

    #[test]
    fn every_computed_field_computes() {
        let store = store();
        for table in &launches(&store).tables {
            for (f, field) in table.live_fields() {
                let filled = table.records.iter().filter(|record| record.cells.get(f).is_some());
                let (filled, all) = (filled.count(), table.records.iter().count());
                assert!(
                    filled > 0 || field.name == "Broken formula",
                    "{}.{} is empty in all {all} records",
                    table.name,
                    field.name
                );
                let broken =
                    matches!(field.calc, crate::data::field::Calc::Circular | crate::data::field::Calc::Invalid);
                assert!(!broken || field.name == "Broken formula", "{}.{} does not compute", table.name, field.name);
            }
        }
    }

    #[test]
    fn ids_are_ids_and_tables_have_some_hundred_records() {
        let store = store();
        let sizes: Vec<usize> = launches(&store).tables.iter().map(|table| table.records.iter().count()).collect();
        assert!(sizes.iter().all(|size| (60..=200).contains(size)), "{sizes:?}");
        for base in &store.bases {
            assert!(crate::data::id::is_id("app", &base.id), "{}", base.id);
            for table in &base.tables {
                assert!(crate::data::id::is_id("tbl", &table.id), "{}", table.id);
            }
        }
    }
}

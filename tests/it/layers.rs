//! The layers of the crate: who may use whom. Nothing imports upwards, no two files import each other in a circle, and the
//! methods of a type stand in one file. That these rules can fail is shown where they stand, in the mock's tests.

#[path = "../../crates/airtable-mock/tests/layers/rules.rs"]
mod rules;
#[path = "../../crates/airtable-mock/tests/layers/source.rs"]
mod source;

use rules::{Layers, circle, faults_of, shown, strays};
use source::Source;

const LAYERS: Layers = &[
    // The ground: these use nothing of ours but the ground.
    ("fingerprint", &[]),
    ("id", &[]),
    ("time", &[]),
    ("token", &["fingerprint"]),
    ("error", &["token"]),
    ("json", &[]),
    ("condition", &["time", "error"]),
    ("options", &["token", "id", "error"]),
    ("columns", &["json", "time"]),
    ("files", &["time", "error"]),
    ("airtable", &["options", "json", "token", "fingerprint", "time", "id", "error"]),
    ("scan", &["airtable", "condition", "columns", "options", "time", "id", "error"]),
    ("decode", &["scan", "columns", "json", "time", "id", "error"]),
    ("attachments", &["airtable", "id", "error"]),
    ("refine", &["attachments", "scan", "airtable", "options", "json", "id", "error"]),
    ("read", &["refine", "decode", "attachments", "scan", "airtable", "fingerprint", "error"]),
    ("changes", &["read", "scan", "airtable", "options", "fingerprint", "time", "id", "error"]),
    ("connector", &["changes", "read", "scan", "airtable", "options", "time", "id", "error"]),
    ("python", &["connector", "changes", "read", "scan", "airtable", "files", "columns", "options", "token", "error"]),
];

#[test]
fn nothing_imports_upwards() {
    let faults = faults_of(LAYERS, &Source::all());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    if let Some(way) = circle(&Source::all()) {
        panic!("{}", shown(way).join(" -> "));
    }
}

#[test]
fn methods_stand_where_their_type_does() {
    let strays = strays(&Source::all());
    assert!(strays.is_empty(), "{strays:#?}");
}

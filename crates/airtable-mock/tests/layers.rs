//! Which module may use which, as the sources show it: imports run down the list below, and in no circle.
//!
//! What counts is every path to another file, whether a `use` names it or a line of code, but for comments, strings
//! and unit tests. Methods would hide from this what they call, so those of a type stand where the type does.

#[path = "layers/rules.rs"]
mod rules;
#[path = "layers/source.rs"]
mod source;

use rules::{Layers, circle, faults_of, shown, strays};
use source::Source;

const LAYERS: Layers = &[
    ("clock", &[]),
    ("error", &[]),
    ("fault", &["error"]),
    ("formula", &[]),
    ("data", &["clock", "error", "fault", "formula"]),
    ("compute", &["clock", "data", "formula"]),
    ("webhook", &["clock", "fault", "data", "compute"]),
    ("change", &["clock", "error", "data", "compute", "webhook"]),
    ("schema", &["clock", "error", "data", "compute", "change"]),
    ("sample", &["clock", "error", "data", "change", "schema"]),
    ("generate", &["clock", "error", "data", "schema"]),
    ("api", &["clock", "error", "fault", "formula", "data", "compute", "webhook", "change", "schema"]),
    ("server", &["clock", "error", "fault", "webhook", "api"]),
    ("mock", &["clock", "error", "fault", "data", "change", "schema", "sample", "generate", "api", "server"]),
];

#[test]
fn imports_run_down_the_list() {
    let faults = faults_of(LAYERS, &Source::all());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = Source::all();
    if let Some(way) = circle(&sources) {
        panic!("{}", shown(way).join(" -> "));
    }
}

#[test]
fn methods_stand_where_their_type_does() {
    let strays = strays(&Source::all());
    assert!(strays.is_empty(), "{strays:#?}");
}

// That the above can fail

#[test]
fn an_import_upwards_is_found_in_every_form() {
    let forms = [
        "use crate::api::list::list;",
        "pub(crate) use crate::{clock::stamp, api::{route::Role as Power, list}};",
        "use super::super::api::list::list;",
        "fn f() { let _ = crate::api::list::list(1); }",
        "fn f(_: &super::super::api::list::List<'_>) {}",
        "use crate::api::*;",
    ];
    for form in forms {
        let sources = [
            Source::new("data/base.rs", form),
            Source::new("clock.rs", ""),
            Source::new("api.rs", ""),
            Source::new("api/list.rs", ""),
            Source::new("api/route.rs", ""),
        ];
        let faults = faults_of(LAYERS, &sources);
        assert!(faults.iter().any(|fault| fault.contains("data may not use api")), "{form}: {faults:?}");
    }
}

#[test]
fn what_is_no_import_is_not_found() {
    let others = [
        "// use crate::api::list::list;",
        "/* use crate::api::list; /* nested */ */ fn f<'a>(_: &'a str) -> char { '\"' }",
        "const TEXT: &str = \"crate::api::list\\\" crate::api::list\";",
        "const RAW: &str = r#\"crate::api::list \" \"#;",
        "#[cfg(test)]\nmod tests { use crate::api::list::list; fn f() {} }",
        "#[cfg(test)]\nmod tests;\nuse crate::data::id::Ids;",
        "use serde_json::api::list;",
    ];
    for other in others {
        let sources =
            [Source::new("data/base.rs", other), Source::new("data/id.rs", ""), Source::new("api/list.rs", "")];
        let imports = shown(sources[0].imports(&sources));
        assert!(!imports.contains(&"api/list.rs".to_owned()), "{other}: {imports:?}");
    }
}

#[test]
fn a_circle_is_found_through_parents_and_siblings() {
    let sources = |last: &str| {
        [
            Source::new("data.rs", "mod base;\nmod id;\nfn f() { base::g() }"),
            Source::new("data/base.rs", "use super::id::Ids;"),
            Source::new("data/id.rs", last),
        ]
    };
    let round = sources("use crate::data::f;");
    let way = circle(&round).expect("there is one");
    assert_eq!(shown(way), ["data.rs", "data/base.rs", "data/id.rs", "data.rs"]);
    assert!(circle(&sources("use std::fmt;")).is_none());
}

#[test]
fn methods_of_another_files_type_are_found() {
    let source =
        Source::new("change/edit.rs", "impl<'a> Base<'a> { fn f() {} } impl Row for Base {} impl Own {} struct Own;");
    assert_eq!(source.extended(), ["Base", "Own"]);
    assert!(source.defines("Own") && !source.defines("Base"));
    assert!(Source::new("mock/data.rs", "").is_within(&Source::new("mock.rs", "")));
    assert!(!Source::new("change/edit.rs", "").is_within(&Source::new("data/base.rs", "")));
}

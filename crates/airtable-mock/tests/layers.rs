//! Which module may use which, as the sources show it: imports run down the list below, and in no circle.
//!
//! What counts is every path to another file, whether a `use` names it or a line of code, but for comments, strings
//! and unit tests. Methods would hide from this what they call, so those of a type stand where the type does.

#[path = "layers/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::Source;

/// The layers from the bottom up, each with the layers that it uses. A layer is a file beside `lib.rs`, with the folder of
/// its name.
const LAYERS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("error", &[]),
    ("fault", &["error"]),
    ("formula", &[]),
    ("data", &["clock", "error", "fault", "formula"]),
    ("compute", &["clock", "data", "formula"]),
    ("webhook", &["clock", "data", "compute"]),
    ("change", &["clock", "error", "data", "compute", "webhook"]),
    ("schema", &["clock", "error", "data", "compute", "change"]),
    ("sample", &["clock", "error", "data", "change", "schema"]),
    ("generate", &["clock", "error", "data", "schema"]),
    ("api", &["clock", "error", "fault", "formula", "data", "compute", "webhook", "change", "schema"]),
    ("server", &["clock", "error", "fault", "webhook", "api"]),
    ("mock", &["clock", "error", "fault", "data", "change", "schema", "sample", "generate", "api", "server"]),
];

/// What the sources do that the list does not allow, and what the list allows that they do not do.
fn faults_of(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources.iter().filter(|source| source.layer() != "lib") {
        for import in source.imports(sources) {
            let (from, to) = (source.layer(), import.layer());
            if from == to || seen.contains(&(from, to)) {
                continue;
            }
            match LAYERS.iter().find(|(layer, _)| *layer == from) {
                None => faults.push(format!("{source} is in no layer")),
                Some((_, uses)) if uses.contains(&to) => {
                    seen.insert((from, to));
                }
                Some(_) => faults.push(format!("{source} imports {import}: {from} may not use {to}")),
            }
        }
    }
    for (layer, uses) in LAYERS {
        let unused = uses.iter().filter(|other| !seen.contains(&(*layer, **other)));
        faults.extend(unused.map(|other| format!("{layer} does not use {other}: the list says more than is so")));
    }
    faults
}

/// A way from a file back to itself.
fn circle(sources: &[Source]) -> Option<Vec<&Source>> {
    fn walk<'s>(
        at: &'s Source,
        imports: &BTreeMap<&'s Source, Vec<&'s Source>>,
        way: &mut Vec<&'s Source>,
        done: &mut BTreeSet<&'s Source>,
    ) -> bool {
        if way.contains(&at) {
            way.push(at);
            return true;
        }
        if !done.contains(at) {
            way.push(at);
            if imports[at].iter().any(|next| walk(next, imports, way, done)) {
                return true;
            }
            way.pop();
            done.insert(at);
        }
        false
    }
    let imports: BTreeMap<_, _> = sources.iter().map(|source| (source, source.imports(sources))).collect();
    let (mut way, mut done) = (Vec::new(), BTreeSet::new());
    let found = sources.iter().any(|source| walk(source, &imports, &mut way, &mut done));
    let start = way.iter().position(|source| Some(source) == way.last()).filter(|_| found)?;
    Some(way.split_off(start))
}

fn shown<'s>(sources: impl IntoIterator<Item = &'s Source>) -> Vec<String> {
    sources.into_iter().map(ToString::to_string).collect()
}

#[test]
fn the_list_runs_upwards() {
    for (place, (layer, uses)) in LAYERS.iter().enumerate() {
        for other in *uses {
            assert!(
                LAYERS[..place].iter().any(|(lower, _)| lower == other),
                "{layer} uses {other}, which is not below it"
            );
        }
    }
}

#[test]
fn imports_run_down_the_list() {
    let faults = faults_of(&Source::all());
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
    let sources = Source::all();
    for source in &sources {
        for name in source.extended() {
            let home = sources.iter().find(|other| source.is_within(other) && other.defines(&name));
            assert!(home.is_some(), "{source} has methods of {name}, which is defined elsewhere");
        }
    }
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
        let faults = faults_of(&sources);
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

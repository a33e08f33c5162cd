//! What layers ask of the sources.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// The layers from the bottom up, each with the layers that it uses. A layer is a file beside `lib.rs`, with the folder of
/// its name.
pub(crate) type Layers = &'static [(&'static str, &'static [&'static str])];

/// What the sources do that the list does not allow, and what the list allows that they do not do.
pub(crate) fn faults_of(layers: Layers, sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources.iter().filter(|source| source.layer() != "lib") {
        for import in source.imports(sources) {
            let (from, to) = (source.layer(), import.layer());
            if from == to || seen.contains(&(from, to)) {
                continue;
            }
            match layers.iter().find(|(layer, _)| *layer == from) {
                None => faults.push(format!("{source} is in no layer")),
                Some((_, uses)) if uses.contains(&to) => {
                    seen.insert((from, to));
                }
                Some(_) => faults.push(format!("{source} imports {import}: {from} may not use {to}")),
            }
        }
    }
    for (place, (layer, uses)) in layers.iter().enumerate() {
        let upwards = uses.iter().filter(|other| !layers[..place].iter().any(|(lower, _)| lower == *other));
        faults.extend(upwards.map(|other| format!("{layer} uses {other}, which is not below it")));
        let unused = uses.iter().filter(|other| !seen.contains(&(*layer, **other)));
        faults.extend(unused.map(|other| format!("{layer} does not use {other}: the list says more than is so")));
    }
    faults
}

/// A way from a file back to itself.
pub(crate) fn circle(sources: &[Source]) -> Option<Vec<&Source>> {
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

/// Types whose methods stand elsewhere than the type.
pub(crate) fn strays(sources: &[Source]) -> Vec<String> {
    let strays = |source: &Source| {
        let names = source.extended().into_iter();
        let is_at_home = |name: &str| sources.iter().any(|other| source.is_within(other) && other.defines(name));
        let strays = names.filter(|name| !is_at_home(name));
        strays.map(|name| format!("{source} has methods of {name}, which is defined elsewhere")).collect::<Vec<_>>()
    };
    sources.iter().flat_map(strays).collect()
}

pub(crate) fn shown<'s>(sources: impl IntoIterator<Item = &'s Source>) -> Vec<String> {
    sources.into_iter().map(ToString::to_string).collect()
}

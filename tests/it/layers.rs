//! The layers of the crate: who may use whom. Nothing imports upwards, no two files import each other in a circle, and
//! this fails when somebody does.
//!
//! The sources are read as text. A path counts wherever it stands, in tests as well. What a module hands on by `pub use`
//! is looked for in the file that it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each layer, from top to bottom, and the layers that it uses.
const LAYERS: [(&str, &[&str]); 14] = [
    ("python", &["connector", "changes", "read", "scan", "columns", "options", "error"]),
    ("connector", &["changes", "read", "scan", "airtable", "options", "time", "error"]),
    ("changes", &["read", "scan", "airtable", "columns", "options", "time", "fingerprint", "error"]),
    ("read", &["decode", "scan", "airtable", "options", "time", "error"]),
    ("decode", &["scan", "airtable", "columns", "options", "json", "time", "error"]),
    ("scan", &["airtable", "columns", "options", "time", "error"]),
    ("airtable", &["options", "token", "time", "error"]),
    ("columns", &["options", "json", "time", "error"]),
    ("options", &["token", "error"]),
    ("json", &[]),
    // The ground: these use nothing of ours but the ground.
    ("token", &["fingerprint"]),
    ("time", &[]),
    ("fingerprint", &[]),
    ("error", &[]),
];

/// A path as a list of names: `["changes", "offset", "Offset"]`.
type Names = Vec<String>;

/// The sources, by the path of their module.
struct Sources(BTreeMap<Names, String>);

impl Sources {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut sources = BTreeMap::new();
        for file in files(&root) {
            let module = file.strip_prefix(&root).expect("below src").with_extension("");
            let names = module.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            sources.insert(names, std::fs::read_to_string(&file).expect("a source"));
        }
        sources.remove(&vec!["lib".to_owned()]);
        Self(sources)
    }

    /// The other files that a file uses, by the names that it writes.
    fn used_by(&self, module: &Names) -> BTreeSet<Names> {
        let text = code(&self.0[module]);
        let paths = paths(&text).into_iter().filter_map(|path| self.absolute(module, &path));
        paths.filter_map(|path| self.file_of(&path)).filter(|other| other != module).collect()
    }

    /// A path from the crate's root; none where it is not of this crate.
    fn absolute(&self, module: &Names, path: &[String]) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        let ups = path.iter().take_while(|name| *name == "super").count();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            // Inline test modules write `super::*` of their own file.
            "super"
                if path.get(1).is_some_and(|name| name == "*") && module.last().is_some_and(|name| name != "tests") =>
            {
                None
            }
            "super" => Some([&module[..module.len().checked_sub(ups)?], &path[ups..]].concat()),
            _ => {
                let child = [&module[..], path].concat();
                self.0.contains_key(&child[..=module.len()]).then_some(child)
            }
        }
    }

    /// The file in which a path ends, past what modules hand on.
    fn file_of(&self, path: &[String]) -> Option<Names> {
        let length = (1..=path.len()).rev().find(|length| self.0.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(length);
        let Some(name) = rest.first() else { return Some(module.to_vec()) };
        for line in statements(&code(&self.0[module])) {
            let handed_on = line.strip_prefix("pub").and_then(|line| line.split_once("use ")).map(|(_, path)| path);
            for target in handed_on.into_iter().flat_map(expand) {
                if target.last() == Some(name) {
                    let target = self.absolute(&module.to_vec(), &target)?;
                    return self.file_of(&target);
                }
            }
        }
        Some(module.to_vec())
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let inner = directories.iter().flat_map(|directory| self::files(directory));
    files.into_iter().filter(|path| path.extension() == Some("rs".as_ref())).chain(inner).collect()
}

/// The text without comments.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Statements of one line each, without the lines' indents.
fn statements(code: &str) -> Vec<String> {
    code.split(';')
        .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
        .map(|one| {
            // What came before the statement on the way from the last semicolon, such as a closed block or an attribute.
            let start = one
                .rfind("pub use ")
                .or(one.rfind("pub(crate) use "))
                .or(one.rfind("pub(super) use "))
                .or(one.rfind("use "));
            start.map_or(one.clone(), |start| one[start..].to_owned())
        })
        .collect()
}

/// Every path that begins with `crate`, `super` or stands in a `use` of a child.
fn paths(code: &str) -> Vec<Names> {
    let mut paths = Vec::new();
    for statement in statements(code) {
        if let Some(path) = statement.strip_prefix("use ") {
            paths.extend(expand(path));
        }
    }
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let is_inside = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let path: String =
                code[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
            if !is_inside && !code[..at].ends_with("use ") {
                paths.extend(expand(path.trim_end_matches(':')));
            }
        }
    }
    paths
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expand(path: &str) -> Vec<Names> {
    let names = |path: &str| {
        path.split("::")
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| name.split(" as ").next().unwrap_or(name).to_owned())
            .collect::<Names>()
    };
    let Some((start, group)) = path.split_once('{') else { return vec![names(path)] };
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("one at least").push(c);
    }
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(|part| if part == "self" { vec![names(start)] } else { expand(&format!("{start}{part}")) }).collect()
}

fn allowed(layer: &str) -> Option<&'static [&'static str]> {
    LAYERS.iter().find(|(name, _)| *name == layer).map(|(_, below)| *below)
}

#[test]
fn nothing_imports_upwards() {
    let sources = Sources::read();
    let mut used = BTreeSet::new();
    for module in sources.0.keys() {
        let below = allowed(&module[0]).unwrap_or_else(|| panic!("{} has no layer", module[0]));
        for other in sources.used_by(module) {
            let is_allowed = other[0] == module[0] || below.contains(&other[0].as_str());
            assert!(is_allowed, "src/{}.rs uses {}", module.join("/"), other.join("::"));
            used.insert((module[0].clone(), other[0].clone()));
        }
    }
    for (at, (layer, below)) in LAYERS.iter().enumerate() {
        for other in *below {
            assert!(LAYERS[at + 1..].iter().any(|(name, _)| name == other), "{layer} stands below {other}");
            assert!(used.contains(&((*layer).to_owned(), (*other).to_owned())), "{layer} does not use {other}");
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = Sources::read();
    let edges: BTreeMap<&Names, BTreeSet<Names>> =
        sources.0.keys().map(|module| (module, sources.used_by(module))).collect();
    // Whoever uses nothing that is left is taken away, until nobody is left, or a circle.
    let mut left: BTreeSet<&Names> = edges.keys().copied().collect();
    loop {
        let ends: Vec<&Names> =
            left.iter().copied().filter(|module| !edges[*module].iter().any(|other| left.contains(other))).collect();
        if ends.is_empty() {
            break;
        }
        ends.iter().for_each(|end| _ = left.remove(*end));
    }
    let left: Vec<String> = left
        .iter()
        .map(|module| {
            format!(
                "{} -> {:?}",
                module.join("::"),
                edges[*module]
                    .iter()
                    .filter(|other| left.contains(other))
                    .map(|other| other.join("::"))
                    .collect::<Vec<_>>()
            )
        })
        .collect();
    assert!(left.is_empty(), "in circles, or above one:\n{}", left.join("\n"));
}

#[test]
fn an_import_upwards_would_be_noticed() {
    let mut sources = Sources::read();
    let time = vec!["time".to_owned()];
    for (line, expected) in [
        ("use crate::scan::Scan;", vec![vec!["scan"]]),
        (
            "use crate::{error::Error, changes::{Offset, stream::Stream}};",
            vec![vec!["changes", "offset"], vec!["changes", "stream"], vec!["error"]],
        ),
        ("fn f() { crate::read::cursor::Cursor::default(); }", vec![vec!["read", "cursor"]]),
        ("use super::token::Token;", vec![vec!["token"]]),
        ("// use crate::scan::Scan;", vec![]),
        ("mod tests { use super::*; }", vec![]),
    ] {
        sources.0.insert(time.clone(), line.to_owned());
        let used: Vec<Names> = sources.used_by(&time).into_iter().collect();
        assert_eq!(used, expected, "{line}");
    }
}

//! A source file, as far as its imports go.

use std::fmt;
use std::path::Path;

/// A file of `src`, in tokens.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    /// `data/base.rs`
    path: String,
    tokens: Vec<String>,
    /// The paths that it hands on by `pub use`.
    handed_on: Vec<Vec<String>>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (tokens, handed_on) = without_handed_on(&without_tests(&tokens(text)));
        Self { path: path.to_owned(), tokens, handed_on }
    }

    /// All files of the crate, but for those of unit tests.
    pub(crate) fn all() -> Vec<Self> {
        fn read(folder: &Path, under: &str, sources: &mut Vec<Source>) {
            for entry in std::fs::read_dir(folder).expect("the sources are there") {
                let entry = entry.expect("an entry");
                let name = format!("{under}{}", entry.file_name().to_string_lossy());
                if entry.path().is_dir() {
                    read(&entry.path(), &format!("{name}/"), sources);
                } else if !name.contains("tests") {
                    sources.push(Source::new(&name, &std::fs::read_to_string(entry.path()).expect("text")));
                }
            }
        }
        let mut sources = Vec::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
        sources.sort();
        sources
    }

    /// `data` of `data/base.rs`
    pub(crate) fn layer(&self) -> &str {
        self.module().next().unwrap_or("lib")
    }

    /// `data`, `base`; nothing for `lib.rs`.
    fn module(&self) -> impl Iterator<Item = &str> {
        self.path.trim_end_matches(".rs").split('/').filter(|part| *part != "lib")
    }

    /// Whether it is that file, or in the folder of its name.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.path == other.path || self.path.starts_with(&format!("{}/", other.path.trim_end_matches(".rs")))
    }

    pub(crate) fn defines(&self, name: &str) -> bool {
        self.tokens.windows(2).any(|pair| matches!(pair[0].as_str(), "struct" | "enum") && pair[1] == name)
    }

    /// The types whose own methods (not those of a trait) stand here.
    pub(crate) fn extended(&self) -> Vec<String> {
        let tokens = self.tokens.iter().enumerate().filter(|(_, token)| *token == "impl");
        // Elsewhere, it is the type of an argument or of a result.
        let blocks = tokens.filter(|(at, _)| *at == 0 || matches!(self.tokens[at - 1].as_str(), "}" | ";" | "]"));
        let heads = blocks.map(|(at, _)| {
            let rest = &self.tokens[at + 1..];
            &rest[..rest.iter().position(|token| token == "{").unwrap_or(rest.len())]
        });
        heads.filter(|head| !head.iter().any(|token| token == "for")).filter_map(name_of_type).collect()
    }

    /// The other files that paths here lead to. What a module hands on of its own folder it does not use.
    pub(crate) fn imports<'s>(&self, sources: &'s [Self]) -> Vec<&'s Self> {
        let used = paths(&self.tokens).into_iter().filter_map(|path| self.leads_to(&path, sources));
        let handed_on = self.handed_on.iter().filter_map(|path| self.leads_to(path, sources));
        let mut found: Vec<&Self> = Vec::new();
        for source in used.chain(handed_on.filter(|source| !source.is_within(self))) {
            if source.path != self.path && !found.contains(&source) {
                found.push(source);
            }
        }
        found
    }

    /// The file of what a path names, past the modules that hand it on.
    fn leads_to<'s>(&self, path: &[String], sources: &'s [Self]) -> Option<&'s Self> {
        let module: Vec<&str> = self.module().collect();
        let absolute = absolute(&module, path, sources)?;
        let source = at(&absolute, sources)?;
        let Some(name) = absolute.get(source.module().count()) else { return Some(source) };
        let handed_on = source.handed_on.iter().find(|path| path.last().is_some_and(|last| last == name));
        handed_on.filter(|_| source.path != self.path).and_then(|path| source.leads_to(path, sources)).or(Some(source))
    }
}

/// `Base` of `<'a> Base<'a>`, the head of an `impl` block.
fn name_of_type(head: &[String]) -> Option<String> {
    let mut depth = 0;
    let name = head.iter().find(|token| {
        depth += i32::from(*token == "<") - i32::from(*token == ">");
        depth == 0 && is_name(token)
    });
    name.cloned()
}

/// The file of a module, or of the nearest one above what is no module.
fn at<'s>(path: &[&str], sources: &'s [Source]) -> Option<&'s Source> {
    (0..=path.len()).rev().find_map(|end| sources.iter().find(|source| source.module().eq(path[..end].iter().copied())))
}

/// A path from the root; none for what is of another crate.
fn absolute<'p>(module: &[&'p str], path: &'p [String], sources: &[Source]) -> Option<Vec<&'p str>> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let (start, rest) = match path.first()?.as_str() {
        "crate" => (&module[..0], &path[1..]),
        "self" => (module, &path[1..]),
        "super" => (&module[..module.len().checked_sub(supers)?], &path[supers..]),
        _ => (module, path),
    };
    let whole: Vec<&str> = start.iter().copied().chain(rest.iter().map(String::as_str)).collect();
    let is_child =
        sources.iter().any(|source| source.module().eq(whole[..=module.len().min(whole.len() - 1)].iter().copied()));
    (rest.len() < path.len() || is_child).then_some(whole)
}

/// Every path of two names or more, the branches of a `use` one by one.
fn paths(tokens: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut place = 0;
    while place < tokens.len() {
        let begins = is_name(&tokens[place]) && (place == 0 || !matches!(tokens[place - 1].as_str(), "::" | "."));
        place = if begins { branch(tokens, place, &[], &mut paths) } else { place + 1 };
    }
    paths.retain(|path| path.len() > 1);
    paths
}

/// Reads a path, after those parts; gives the place after it.
fn branch(tokens: &[String], mut place: usize, before: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(place).map(String::as_str) {
            Some("{") if path.len() > before.len() || !before.is_empty() => {
                place += 1;
                while tokens.get(place).is_some_and(|token| token != "}") {
                    place = if tokens[place] == "," { place + 1 } else { branch(tokens, place, &path, paths) };
                    if tokens.get(place).is_some_and(|token| token == "as") {
                        place += 2;
                    }
                }
                return place + 1;
            }
            Some(name) if is_name(name) || name == "*" => path.push(name.to_owned()),
            _ => {
                paths.push(path);
                return place.max(1);
            }
        }
        place += 1;
        if tokens.get(place).is_none_or(|token| token != "::") {
            paths.push(path);
            return place;
        }
        place += 1;
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Takes out what `#[cfg(test)]` stands before.
fn without_tests(tokens: &[String]) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        if rest.len() > MARK.len() && rest.iter().zip(MARK).all(|(token, mark)| token == mark) {
            let mut depth = 0;
            let end = rest[MARK.len()..].iter().position(|token| {
                depth += i32::from(token == "{") - i32::from(token == "}");
                depth == 0 && matches!(token.as_str(), "}" | ";")
            });
            rest = &rest[end.map_or(rest.len(), |end| MARK.len() + end + 1)..];
        } else {
            kept.push(rest[0].clone());
            rest = &rest[1..];
        }
    }
    kept
}

/// Takes out the paths that are handed on by `pub use`.
fn without_handed_on(tokens: &[String]) -> (Vec<String>, Vec<Vec<String>>) {
    let (mut kept, mut handed_on) = (Vec::new(), Vec::new());
    let mut place = 0;
    while place < tokens.len() {
        let start = (tokens[place] == "pub").then(|| place + 1 + visibility(&tokens[place + 1..]));
        if let Some(start) = start.filter(|start| tokens.get(*start).is_some_and(|token| token == "use")) {
            let end = tokens[start..].iter().position(|token| token == ";").map_or(tokens.len(), |end| start + end);
            handed_on.extend(paths(&tokens[start + 1..end]));
            place = end;
        } else {
            kept.push(tokens[place].clone());
            place += 1;
        }
    }
    (kept, handed_on)
}

/// The length of `(crate)`, `(super)` or nothing.
fn visibility(tokens: &[String]) -> usize {
    if tokens.first().is_some_and(|token| token == "(") { 3 } else { 0 }
}

/// Names, `::` and single signs; without comments, texts and spaces.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = literal(rest) {
            length
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut place) = (0, 0);
    loop {
        let rest = &text[place..];
        if rest.is_empty() {
            return place;
        }
        let sign = rest.get(..2).unwrap_or_default();
        depth += i32::from(sign == "/*") - i32::from(sign == "*/");
        place += if matches!(sign, "/*" | "*/") { 2 } else { rest.chars().next().map_or(1, char::len_utf8) };
        if depth == 0 {
            return place;
        }
    }
}

/// The length of a text, a character or a lifetime, if one begins here.
fn literal(text: &str) -> Option<usize> {
    let body = text.trim_start_matches(['b', 'r']);
    let prefix = text.len() - body.len();
    if prefix > 2 {
        return None;
    }
    let hashes = body.len() - body.trim_start_matches('#').len();
    if text[..prefix].contains('r') && body[hashes..].starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        let start = prefix + hashes + 1;
        return Some(text[start..].find(&close).map_or(text.len(), |end| start + end + close.len()));
    }
    let quote = body.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let mut inside = body.char_indices().skip(1);
    if quote == '\'' {
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        let (_, first) = inside.next()?;
        let (at, second) = inside.next()?;
        if first != '\\' && second != '\'' {
            return Some(prefix + at);
        }
        inside = body.char_indices().skip(1);
    }
    while let Some((at, c)) = inside.next() {
        if c == '\\' {
            inside.next();
        } else if c == quote {
            return Some(prefix + at + 1);
        }
    }
    Some(text.len())
}

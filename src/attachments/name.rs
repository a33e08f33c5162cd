//! What a stored file is called. Pure.
//!
//! Invariant: whatever somebody called a file, its name here is one part of a path on every system that people mount, and
//! the same on every run.

/// Longer names are cut: 255 bytes are what file systems take, and some write a character as several.
const LONGEST_BYTES: usize = 200;

/// What names of files begin with that are not complete. No file of an attachment has such a name.
pub(super) const UNFINISHED: &str = ".lakeflow-";

/// Names that Windows keeps for devices, whatever their ending.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The name under which a file is stored.
pub(super) fn safe(name: &str) -> String {
    let mut safe: String = name.chars().map(|c| if is_unsafe(c) { '_' } else { c }).collect();
    if safe.is_empty() || is_device(&safe) || safe.starts_with(UNFINISHED) {
        safe.insert(0, '_');
    }
    cut(&mut safe);
    // Windows drops what such a name ends with, and `.` and `..` are directories.
    let kept = safe.trim_end_matches(['.', ' ']).len();
    let dropped = safe[kept..].chars().count();
    safe.truncate(kept);
    safe.extend(std::iter::repeat_n('_', dropped));
    safe
}

/// Separators, what Windows and Hadoop refuse, and what nobody sees.
fn is_unsafe(c: char) -> bool {
    let is_mark = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    c.is_control() || is_mark || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

/// Shortens a long name before its ending.
fn cut(name: &mut String) {
    if name.len() <= LONGEST_BYTES {
        return;
    }
    let ending =
        name.rfind('.').map(|at| &name[at..]).filter(|ending| ending.len() <= 20).unwrap_or_default().to_owned();
    let mut end = LONGEST_BYTES - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name.push_str(&ending);
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let is_port = |port: &str| {
        let number = stem.strip_prefix(port).map(|rest| rest.chars().collect::<Vec<_>>());
        number.is_some_and(|number| matches!(number.as_slice(), ['0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}']))
    };
    DEVICES.contains(&stem.as_str()) || is_port("COM") || is_port("LPT")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_one_part_of_a_path_everywhere() {
        for (name, expected) in [
            ("photo.jpg", "photo.jpg"),
            ("Übersicht 2024 (final).pdf", "Übersicht 2024 (final).pdf"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("a\\b:c*d?e\"f<g>h|i", "a_b_c_d_e_f_g_h_i"),
            ("line\nbreak\0\u{7f}\u{85}", "line_break___"),
            ("invoice\u{202e}fdp.exe", "invoice_fdp.exe"),
            (".", "_"),
            ("..", "__"),
            ("...", "___"),
            ("trailing. . ", "trailing____"),
            ("", "_"),
            (" ", "_"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("Nul .tar.gz", "_Nul .tar.gz"),
            ("COM1", "_COM1"),
            ("lpt\u{b2}.log", "_lpt\u{b2}.log"),
            ("COM10", "COM10"),
            ("CONSOLE", "CONSOLE"),
            (".lakeflow-1.part", "_.lakeflow-1.part"),
            (".hidden", ".hidden"),
        ] {
            assert_eq!(safe(name), expected, "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_ending() {
        let long = safe(&format!("{}.docx", "x".repeat(300)));
        assert_eq!((long.len(), &long[long.len() - 6..]), (LONGEST_BYTES, "x.docx"));
        let wide = safe(&format!("{}.pdf", "語".repeat(300)));
        assert!(wide.len() <= LONGEST_BYTES && wide.ends_with("語.pdf"), "{wide}");
        let no_ending = safe(&format!("a.{}", "y".repeat(300)));
        assert_eq!(no_ending.len(), LONGEST_BYTES);
    }

    proptest! {
        #[test]
        fn any_name_is_safe_and_stays_so(name in "\\PC*|.*") {
            let once = safe(&name);
            prop_assert!(!once.is_empty() && once.len() <= LONGEST_BYTES);
            prop_assert!(!once.contains(['/', '\\', '\0', ':']) && once != "." && once != "..");
            prop_assert!(!once.ends_with(['.', ' ']) && !once.starts_with(UNFINISHED) && !is_device(&once));
            prop_assert_eq!(safe(&once), once);
        }
    }
}

//! What users name -> what has that name: tables, views, fields, columns. Pure.
//!
//! Invariant: a name is taken as it is written. Outer space is left away only where nothing is equal to it, and only one
//! thing fits then.

/// The one that is called `wanted`. An id goes before a name, and case matters only where nothing else tells apart.
pub(super) fn find<'a, T>(all: &'a [T], wanted: &str, id_and_name: impl Fn(&T) -> (&str, &str)) -> Option<&'a T> {
    equal(all, wanted, &id_and_name).or_else(|| spaceless(all, wanted, &id_and_name))
}

/// The same for one of several that were separated by commas: space around these was written for the eye, or is the name's.
pub(super) fn find_listed<'a, T>(
    all: &'a [T],
    wanted: &str,
    id_and_name: impl Fn(&T) -> (&str, &str),
) -> Option<&'a T> {
    equal(all, wanted, &id_and_name)
        .or_else(|| equal(all, wanted.trim(), &id_and_name))
        .or_else(|| spaceless(all, wanted, &id_and_name))
}

fn equal<'a, T>(all: &'a [T], wanted: &str, id_and_name: impl Fn(&T) -> (&str, &str)) -> Option<&'a T> {
    let lower = wanted.to_lowercase();
    let by_id = all.iter().find(|one| id_and_name(one).0 == wanted);
    let by_name = || all.iter().find(|one| id_and_name(one).1 == wanted);
    let any_case = || all.iter().find(|one| id_and_name(one).1.to_lowercase() == lower);
    by_id.or_else(by_name).or_else(any_case)
}

fn spaceless<'a, T>(all: &'a [T], wanted: &str, id_and_name: impl Fn(&T) -> (&str, &str)) -> Option<&'a T> {
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return None;
    }
    let lower = wanted.to_lowercase();
    let fitting = |fits: &dyn Fn(&str, &str) -> bool| -> Vec<&'a T> {
        let fits = |one: &&T| fits(id_and_name(one).0, id_and_name(one).1.trim());
        all.iter().filter(fits).collect()
    };
    let mut fit = fitting(&|id, name| id == wanted || name == wanted);
    if fit.is_empty() {
        fit = fitting(&|_, name| name.to_lowercase() == lower);
    }
    if let [only] = fit.as_slice() { Some(only) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&'static str], wanted: &str) -> Option<&'static str> {
        find(names, wanted, |name| ("tbl", name)).copied()
    }

    #[test]
    fn names_are_taken_as_they_are_written() {
        for (names, wanted, expected) in [
            (&["Good", "Good "][..], "Good", Some("Good")),
            (&["Good", "Good "], "Good ", Some("Good ")),
            (&["Good ", "Good"], "Good", Some("Good")),
            (&["Good", "Good ", " Good"], " Good", Some(" Good")),
            (&["Good", "Good "], "good ", Some("Good ")),
            (&["good", "Good "], "Good", Some("good")),
            (&["Good\u{a0}", "Good "], "Good\u{a0}", Some("Good\u{a0}")),
            (&[" ", "  ", "A"], "  ", Some("  ")),
        ] {
            assert_eq!(found(names, wanted), expected, "{wanted:?} of {names:?}");
        }
    }

    #[test]
    fn space_is_left_away_where_one_thing_fits_then() {
        for (names, wanted, expected) in [
            (&["Good "][..], "Good", Some("Good ")),
            (&["Good"], "Good ", Some("Good")),
            (&["Good\u{a0}"], " good\t", Some("Good\u{a0}")),
            (&["Good ", "good  "], "Good", Some("Good ")),
            (&["Good ", " Good"], "Good", None),
            (&["Good", "Good "], " Good", None),
            (&["GOOD ", " good"], "Good", None),
            (&[" "], "  ", None),
            (&[" "], "", None),
        ] {
            assert_eq!(found(names, wanted), expected, "{wanted:?} of {names:?}");
        }
        let by_id = [("tbl1", "A"), ("tbl2", "B")];
        let found = find(&by_id, " tbl2 ", |one| *one);
        assert_eq!(found, Some(&by_id[1]));
    }

    #[test]
    fn space_around_commas_is_a_names_where_one_has_it() {
        let names = ["Name", "Name ", " Cost"];
        let found = |wanted: &str| find_listed(&names, wanted, |name| ("", name)).copied();
        assert_eq!(
            ["Name", "Name ", " Name", " Cost", "Cost "].map(found),
            [Some("Name"), Some("Name "), Some("Name"), Some(" Cost"), Some(" Cost"),]
        );
    }
}

//! Field names -> column names. The same fields give the same names on every run, whatever their order; no two are equal
//! without regard to case, because Spark and Delta would take them for one column. None is longer than catalogs take.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::options::{ColumnNames, ReadOptions};

/// How the columns of a read are called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naming {
    /// By which rule.
    pub column_names: ColumnNames,
    /// The rescued data column, whose name no field's column has.
    pub rescued_data_column: Option<String>,
}

impl Naming {
    /// That of a read with these options.
    pub(crate) fn of(options: &ReadOptions) -> Self {
        Self { column_names: options.column_names, rescued_data_column: options.rescued_data_column.clone() }
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Names that are taken whatever is read, so that a column is not renamed when another kind of read is chosen.
pub(crate) const OWN: [&str; 6] = ["id", "_base_id", "createdTime", "_rescued_data", "_changed_at", "_deleted"];

/// Characters of a column's name that Unity Catalog takes.
pub(super) const LONGEST: usize = 255;

/// The columns' names for fields given as (id, name), in their order. `rescued` is the rescued data column, if any.
pub(crate) fn column_names(rule: ColumnNames, fields: &[(&str, &str)], rescued: Option<&str>) -> Vec<String> {
    let wanted = |&(id, name): &(&str, &str)| {
        let name = match rule {
            ColumnNames::Snake => {
                Some(snake(name)).filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_lowercase())
            }
            ColumnNames::Original => name.to_owned(),
            ColumnNames::Id => id.to_owned(),
        };
        // What is left of a longer name is not its own: another may begin in the same way, now or later.
        if name.chars().nth(LONGEST).is_some() { with_id(rule, &name, id) } else { name }
    };
    let mut names: Vec<String> = fields.iter().map(wanted).collect();
    // An id is appended to every name that is not alone. The result may again meet a name that somebody chose to look
    // like it, so until all are alone: each round ends the names in question by their ids, and these differ.
    for _ in 0..=fields.len() {
        let mut count: HashMap<String, u32> = HashMap::new();
        for name in OWN.into_iter().chain(rescued) {
            count.insert(name.to_lowercase(), 1);
        }
        for name in &names {
            *count.entry(name.to_lowercase()).or_default() += 1;
        }
        let mut alone = true;
        for (name, (id, _)) in names.iter_mut().zip(fields) {
            if count[&name.to_lowercase()] > 1 {
                alone = false;
                *name = with_id(rule, name, id);
            }
        }
        if alone {
            break;
        }
    }
    names
}

/// The name, as much of it as there is room for, and the field's id.
fn with_id(rule: ColumnNames, name: &str, id: &str) -> String {
    let id: String = id.chars().take(LONGEST).collect();
    let id = if rule == ColumnNames::Snake { id.to_lowercase() } else { id };
    let room = LONGEST.saturating_sub(id.chars().count() + 1);
    let start: String = name.chars().take(room).collect();
    let start = if rule == ColumnNames::Snake { start.trim_end_matches('_') } else { &start };
    if start.is_empty() { id } else { format!("{start}_{id}") }
}

/// Lower-case letters, digits and single underscores; `#`, `%` and `&` are said, because names often differ by nothing else.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    let word = |snake: &mut String| {
        if !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
    };
    for c in name.chars() {
        let said = match c {
            '#' => "num",
            '%' => "pct",
            '&' => "and",
            _ if c.is_alphanumeric() => {
                snake.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
                continue;
            }
            _ if is_joined(c) => continue,
            _ => "",
        };
        word(&mut snake);
        if !said.is_empty() {
            snake.push_str(said);
            snake.push('_');
        }
    }
    snake.trim_end_matches('_').to_owned()
}

/// Combining marks and joiners belong to the letter before them, and apostrophes to the word around them.
fn is_joined(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\'' | '\u{2019}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn snakes() {
        for (name, expected) in [
            ("SKU Code (#)", "sku_code_num"),
            ("Name", "name"),
            ("  Unit  Cost ", "unit_cost"),
            ("unit_cost", "unit_cost"),
            ("% of Sales", "pct_of_sales"),
            ("R&D", "r_and_d"),
            ("Vendor's Name", "vendors_name"),
            ("a/b\\c{d}\"e\"", "a_b_c_d_e"),
            ("2025 Plan", "2025_plan"),
            ("what have changed?", "what_have_changed"),
            ("Größe", "größe"),
            ("Cafe\u{301}", "cafe"),
            ("名前", "名前"),
            ("İstanbul", "istanbul"),
            ("🚀", ""),
            ("_", ""),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
    }

    fn names(rule: ColumnNames, fields: &[(&str, &str)]) -> Vec<String> {
        column_names(rule, fields, Some("_rescued_data"))
    }

    #[test]
    fn equal_names_all_get_their_ids_in_any_order() {
        let fields = [("fldA", "Unit Cost"), ("fldB", "unit_cost"), ("fldC", "Id"), ("fldD", "🚀"), ("fldE", "Plain")];
        let expected = ["unit_cost_flda", "unit_cost_fldb", "id_fldc", "fldd", "plain"];
        assert_eq!(names(ColumnNames::Snake, &fields), expected);
        let (mut reversed, mut expected) = (fields, expected);
        reversed.reverse();
        expected.reverse();
        assert_eq!(names(ColumnNames::Snake, &reversed), expected);
        assert_eq!(names(ColumnNames::Original, &fields), ["Unit Cost", "unit_cost", "Id_fldC", "🚀", "Plain"],);
        assert_eq!(names(ColumnNames::Id, &fields), ["fldA", "fldB", "fldC", "fldD", "fldE"]);
    }

    #[test]
    fn a_name_that_looks_like_a_resolved_one_is_resolved_too() {
        let fields = [("fldA", "x"), ("fldB", "X!"), ("fldC", "x_flda")];
        assert_eq!(names(ColumnNames::Snake, &fields), ["x_flda_flda", "x_fldb", "x_flda_fldc"]);
    }

    #[test]
    fn a_chosen_rescued_column_is_taken_too() {
        let names = column_names(ColumnNames::Snake, &[("fldA", "Bad")], Some("BAD"));
        assert_eq!(names, ["bad_flda"]);
    }

    #[test]
    fn long_names_are_cut_before_their_ids() {
        let long = "x".repeat(255);
        let longer = format!("{long}y");
        let of = |rest: usize, id: &str| format!("{}_{id}", "x".repeat(rest));
        for (rule, fields, expected) in [
            (ColumnNames::Snake, vec![("fldA", long.as_str())], vec![long.clone()]),
            (ColumnNames::Snake, vec![("fldA", &long), ("fldB", &long)], vec![of(250, "flda"), of(250, "fldb")]),
            (ColumnNames::Original, vec![("fldA", &long), ("fldB", &long)], vec![of(250, "fldA"), of(250, "fldB")]),
            // A name that is cut has its id, whatever others there are.
            (ColumnNames::Snake, vec![("fldA", &longer)], vec![of(250, "flda")]),
            (ColumnNames::Original, vec![("fldA", &longer), ("fldB", "b")], vec![of(250, "fldA"), "b".into()]),
            // One that looks like a cut one.
            (
                ColumnNames::Snake,
                vec![("fldA", &longer), ("fldB", &of(250, "flda"))],
                vec![of(250, "flda"), of(250, "fldb")],
            ),
            (ColumnNames::Id, vec![("fldA", &longer)], vec!["fldA".into()]),
        ] {
            assert_eq!(names(rule, &fields), expected, "{fields:?}");
        }
        // Each of these becomes four characters, and ends in the middle of one of them.
        assert_eq!(
            names(ColumnNames::Snake, &[("fldA", &"#".repeat(99))]),
            [format!("{}num_nu_flda", "num_".repeat(61))]
        );
        assert_eq!(
            names(ColumnNames::Original, &[("fldA", &"🚀".repeat(256))]),
            [format!("{}_fldA", "🚀".repeat(250))]
        );
    }

    proptest! {
        #[test]
        fn no_two_names_are_ever_equal(fields in prop::collection::vec(".{0,12}|[aA_ ]{0,3}|[xX]{236,258}|[x#]{90,255}", 0..20)) {
            let ids: Vec<String> = (0..fields.len()).map(|n| format!("fld{n:014}")).collect();
            let fields: Vec<(&str, &str)> = ids.iter().map(String::as_str).zip(fields.iter().map(String::as_str)).collect();
            for rule in [ColumnNames::Snake, ColumnNames::Original, ColumnNames::Id] {
                let names = names(rule, &fields);
                let lower: std::collections::HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
                prop_assert_eq!(lower.len(), fields.len());
                prop_assert!(names.iter().all(|name| name.chars().count() <= LONGEST));
                prop_assert!(!OWN.iter().any(|own| lower.contains(&own.to_lowercase())));
                if rule == ColumnNames::Snake {
                    prop_assert!(names.iter().all(|n| !n.is_empty() && n.chars().all(|c| c == '_' || c.is_alphanumeric())));
                }
            }
        }
    }
}

//! The table of functions.
//!
//! One line per function, in the file of its group; arities are checked when a formula is compiled, so a body may
//! index the arguments that its line promises. A body that yields `None` means `#ERROR!`.

mod array;
mod date;
mod logic;
mod number;
mod regex;
mod text;

use super::function::Function;

/// Every function there is.
pub(super) fn all() -> impl Iterator<Item = &'static Function> {
    let groups: [&'static [Function]; 6] =
        [logic::FUNCTIONS, text::FUNCTIONS, number::FUNCTIONS, date::FUNCTIONS, array::FUNCTIONS, regex::FUNCTIONS];
    groups.into_iter().flatten()
}

/// The function of that name, in any case.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name.eq_ignore_ascii_case(name))
}

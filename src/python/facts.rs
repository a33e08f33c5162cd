//! Facts of which Rust keeps the one copy, for Python to ask for: the options, names as columns have them, types as people
//! write them, and the names that somebody may have meant.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::error::exception;
use super::html;
use super::text::{Name, Shown};
use crate::columns::sql_type as sql_type_of;
use crate::connector::primary_keys as keys;
use crate::error::nearest_names as nearest_of;
use crate::files::{Format, Kind};
use crate::options::{OPTIONS, OptionRow, Plan, TablePart, option_meant as meant_by, place};
use crate::scan::snake;
use crate::token::scrub as scrub_text;

/// Every option there is, in the order of the table: see `OptionRow` in the stub.
#[pyfunction]
pub(super) fn option_table(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let row = |row: &OptionRow| {
        let dict = PyDict::new(py);
        dict.set_item("name", row.name)?;
        dict.set_item("aliases", row.aliases.to_vec())?;
        dict.set_item("default", row.default)?;
        dict.set_item("required", row.required)?;
        dict.set_item("kind", row.kind)?;
        dict.set_item("meaning", row.meaning)?;
        dict.set_item("scope", row.scope.as_str())?;
        dict.set_item("variable", row.variable)?;
        dict.set_item("is_shown", row.is_shown)?;
        Ok(dict)
    };
    OPTIONS.iter().map(row).collect()
}

/// The calls that each of Airtable's plans grants a workspace in a month; None where there is no cap.
#[pyfunction]
pub(super) fn calls_a_month(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let plans = PyDict::new(py);
    for plan in Plan::ALL {
        plans.set_item(plan.as_str(), plan.calls_a_month())?;
    }
    Ok(plans)
}

/// The names that somebody may have meant by `name`, the nearest first.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // Python's list becomes one of ours.
pub(super) fn nearest_names(name: Shown, known: Vec<Shown>) -> Vec<String> {
    nearest_of(&name.0, known.iter().map(|known| known.0.as_str())).into_iter().map(str::to_owned).collect()
}

/// A table of HTML with a line above it, as notebooks show it. Nothing that is given is markup, and no secret is shown.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // Python's lists become ours.
pub(super) fn html_table(caption: &str, header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    scrub_text(&html::table(caption, &header, &rows)).into_owned()
}

/// Which option may be meant by a name that is none, as the end of a sentence, and whether that is sure.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // Python's text becomes one of ours.
pub(super) fn option_meant(name: Shown) -> (String, bool) {
    meant_by(&name.0)
}

/// What a page of Airtable's shows, given its web address: base, table and view, by ids. None where a text is no such
/// address. `option` is what messages say that it was given for.
#[pyfunction]
#[allow(clippy::type_complexity)] // A tuple in Python.
pub(super) fn web_place(
    py: Python<'_>,
    option: &str,
    text: Name,
) -> PyResult<Option<(String, Option<String>, Option<String>)>> {
    let place = place(option, &text.checked(py)?).map_err(|error| exception(py, &error))?;
    Ok(place.map(|place| (place.base, place.table, place.view)))
}

/// The columns that name a row of a read of a table's part, or of the same table of several bases. What is no part is told
/// of where options are checked.
#[pyfunction]
#[pyo3(signature = (table, part = "", is_of_several = false))]
#[allow(clippy::needless_pass_by_value)] // Python's text becomes one of ours.
pub(super) fn primary_keys(table: Shown, part: &str, is_of_several: bool) -> Vec<String> {
    let is_part = |one: &TablePart| part.trim().eq_ignore_ascii_case(one.as_str());
    keys(&table.0, TablePart::ALL.into_iter().find(is_part).unwrap_or_default(), is_of_several)
}

/// A text without secrets, wherever somebody has put one by mistake.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // Python's text becomes one of ours.
pub(super) fn scrub(text: Shown) -> String {
    scrub_text(&text.0).into_owned()
}

/// Raises what is wrong with a format, its compression and its row groups, before anything is written.
#[pyfunction]
#[pyo3(signature = (format, compression = None, row_group_size = None))]
pub(super) fn check_format(
    py: Python<'_>,
    format: &str,
    compression: Option<&str>,
    row_group_size: Option<i64>,
) -> PyResult<()> {
    Format::parse(format, compression, row_group_size).map(drop).map_err(|error| exception(py, &error))
}

/// The format that a file's name tells; None where it tells none.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // Python's text becomes one of ours.
pub(super) fn format_of_file(name: Shown) -> Option<String> {
    Kind::of_file(&name.0).map(|kind| kind.to_string())
}

/// The features that this was built with, and how it was built.
#[pyfunction]
pub(super) fn build_info() -> (Vec<&'static str>, String) {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let features = [("files", cfg!(feature = "files")), ("mock", cfg!(feature = "python"))];
    let built = features.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect();
    (built, format!("{profile}, {} {}", std::env::consts::OS, std::env::consts::ARCH))
}

/// A name as columns have it: `SKU Code (#)` is `sku_code_num`. Empty where nothing of it is a letter or a digit.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // Python's text becomes one of ours.
pub(super) fn snake_name(name: Shown) -> String {
    snake(&name.0)
}

/// A type in SQL's words, given as the JSON of one of Spark's types.
#[pyfunction]
pub(super) fn sql_type(spark_type: &str) -> PyResult<String> {
    let spark_type = serde_json::from_str(spark_type)
        .map_err(|error| pyo3::exceptions::PyValueError::new_err(format!("no type of Spark's JSON: {error}")))?;
    Ok(sql_type_of(&spark_type))
}

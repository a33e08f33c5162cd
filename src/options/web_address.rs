//! Addresses of Airtable's web pages, as people copy them from a browser: where a base, a table or a view is wanted, they
//! are as good as ids.
//!
//! `https://airtable.com/{base}/{table}/{view}`, with as much of it as there is; what follows, such as a record, does not
//! matter. Invariant: what two addresses, or an address and an id, tell is the same, or an error.

use reqwest::Url;

use crate::error::{Error, Result};
use crate::id::is_id;
use crate::options::given::Given;

/// The options that take an address.
const PLACES: [&str; 4] = ["tableName", "view", "base_id", "namespace"];

/// What a page shows, by ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// `app...`.
    pub base: String,
    /// `tbl...`.
    pub table: Option<String>,
    /// `viw...`.
    pub view: Option<String>,
}

/// Puts ids in the place of addresses. The address of a table or view gives base, table and view; where a base is
/// wanted, only the base counts, because browsers always show some table.
pub(super) fn resolve(given: &mut Given) -> Result<()> {
    for option in PLACES {
        let Some(text) = given.name(option) else { continue };
        let Some(place) = place(option, &text)? else { continue };
        given.forget(option);
        if option != "namespace" || given.text("base_id").is_some() {
            tell(given, option, "base_id", Some(&place.base))?;
        } else {
            given.set("namespace", place.base.clone());
        }
        match option {
            "tableName" => {
                tell(
                    given,
                    option,
                    "tableName",
                    Some(place.table.as_ref().ok_or_else(|| no(option, &text, "table"))?),
                )?;
                tell(given, option, "view", place.view.as_ref())?;
            }
            "view" => {
                tell(given, option, "view", Some(place.view.as_ref().ok_or_else(|| no(option, &text, "view"))?))?;
                tell(given, option, "tableName", place.table.as_ref())?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Notes what an address in `from` says of another option, which may say the same.
fn tell(given: &mut Given, from: &str, option: &'static str, id: Option<&String>) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    let other = match option {
        "base_id" => given.text("base_id").map_or_else(|| namespace(given), |base| Ok(Some(base)))?,
        _ => given.name(option),
    };
    // An address is compared by what it shows.
    let shown = other.as_deref().map(|other| place(option, other)).transpose()?.flatten();
    let same = match (&other, shown) {
        (None, _) => true,
        (Some(_), Some(place)) => match option {
            "base_id" => place.base == *id,
            "view" => place.view.as_ref() == Some(id),
            _ => place.table.as_ref() == Some(id),
        },
        // Where the view is looked up, it is looked up in the table of that name.
        (Some(other), None) if option == "tableName" && !other.starts_with("tbl") => return Ok(()),
        (Some(other), None) => other == id,
    };
    if !same {
        return Err(Error::Option(format!(
            "option {from} is a web address of {id}, but {} is {}: they contradict each other: leave one of them out",
            if given.text(option).is_none() { "namespace" } else { option },
            other.unwrap_or_default()
        ).into()));
    }
    if option != "base_id" || namespace(given)?.is_none() {
        given.set(option, id.clone());
    }
    Ok(())
}

fn namespace(given: &Given) -> Result<Option<String>> {
    Ok(given.list("namespace")?.and_then(|bases| bases.into_iter().next()))
}

/// What the page of an address shows; none where a text is no address of Airtable's web pages. `option` is what messages
/// say that the text was given for.
///
/// # Errors
/// [`Error::Option`] for pages that show no table of a base, such as shared views.
pub fn place(option: &str, text: &str) -> Result<Option<Place>> {
    let Some(url) = address(text) else { return Ok(None) };
    let mut parts = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty());
    let base = parts.next().unwrap_or_default().to_owned();
    if !is_kind("app", &base) {
        return Err(no_page(option, text));
    }
    let mut place = Place { base, ..Place::default() };
    for part in parts.take(2) {
        match part {
            table if is_kind("tbl", table) && place.table.is_none() => place.table = Some(table.to_owned()),
            view if is_kind("viw", view) => place.view = Some(view.to_owned()),
            record if is_kind("rec", record) => {}
            page if ["shr", "pag"].iter().any(|kind| is_kind(kind, page)) => return Err(no_page(option, text)),
            _ => break,
        }
    }
    Ok(Some(place))
}

/// An address of Airtable's web pages, with or without its scheme.
fn address(text: &str) -> Option<Url> {
    let text = text.trim();
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&with_scheme).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?;
    // A name such as `airtable.com` alone is a table's, if there is one.
    let is_page = ["airtable.com", "www.airtable.com"].contains(&host) && url.path().len() > 1;
    is_page.then_some(url)
}

fn is_kind(kind: &str, id: &str) -> bool {
    id.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()) && is_id(id)
}

fn no(option: &str, text: &str, what: &str) -> Error {
    let shown = shown(text);
    Error::Option(
        format!("option {option} is {shown}, the web address of a base: open the {what} and copy its address").into(),
    )
}

fn no_page(option: &str, text: &str) -> Error {
    Error::Option(format!(
        "option {option} is {}, the web address of no table: shared views, forms and interfaces cannot be read: open the \
         table in its base, and copy its address, https://airtable.com/app.../tbl...",
        shown(text)
    ).into())
}

/// The address without its query, which may hold anything.
fn shown(text: &str) -> &str {
    text.trim().split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::options::Options;

    fn parsed(options: &[(&str, &str)]) -> Result<[Option<String>; 4], String> {
        let all = [("token", "patA")].iter().chain(options).copied();
        let options = Options::parse(all).map_err(|error| error.to_string())?;
        let read = options.read;
        Ok([options.connection.base_id, read.table, read.view, read.namespace])
    }

    #[test]
    fn an_address_gives_base_table_and_view() {
        let (base, table, view) = (Some("appA"), Some("tblB"), Some("viwC"));
        for (options, expected) in [
            (&[("tableName", "https://airtable.com/appA/tblB/viwC?blocks=hide")][..], [base, table, view, None]),
            (&[("tableName", "airtable.com/appA/tblB")], [base, table, None, None]),
            (&[("tableName", " http://www.airtable.com/appA/tblB/viwC/recD#x ")], [base, table, view, None]),
            (&[("tableName", "https://airtable.com/appA/tblB/recD")], [base, table, None, None]),
            (&[("view", "https://airtable.com/appA/tblB/viwC")], [base, table, view, None]),
            (
                &[("view", "https://airtable.com/appA/tblB/viwC"), ("tableName", "Vendors")],
                [base, Some("Vendors"), view, None],
            ),
            (&[("base_id", "https://airtable.com/appA/tblB/viwC")], [base, None, None, None]),
            (
                &[("base_id", "https://airtable.com/appA/tblB"), ("tableName", "Vendors")],
                [base, Some("Vendors"), None, None],
            ),
            (
                &[("base_id", "https://airtable.com/appA"), ("tableName", "https://airtable.com/appA/tblB")],
                [base, table, None, None],
            ),
            (
                &[("base_id", "appA"), ("tableName", "https://airtable.com/appA/tblB/viwC"), ("view", "viwC")],
                [base, table, view, None],
            ),
            (&[("namespace", "https://airtable.com/appA")], [None, None, None, base]),
            (
                &[("namespace", "[\"appA\"]"), ("tableName", "https://airtable.com/appA/tblB")],
                [None, table, None, base],
            ),
            // A table may be called anything.
            (&[("tableName", "airtable.com")], [None, Some("airtable.com"), None, None]),
            (
                &[("tableName", "https://example.com/appA/tblB")],
                [None, Some("https://example.com/appA/tblB"), None, None],
            ),
        ] {
            let expected = expected.map(|text| text.map(str::to_owned));
            assert_eq!(parsed(options), Ok(expected), "{options:?}");
        }
    }

    #[test]
    fn what_contradicts_or_shows_no_table_is_refused() {
        for (options, word) in [
            (&[("tableName", "https://airtable.com/appA/tblB"), ("base_id", "appZ")][..], "contradict"),
            (&[("tableName", "https://airtable.com/appA/tblB"), ("namespace", "[\"appZ\"]")], "namespace is appZ"),
            (
                &[("tableName", "https://airtable.com/appA/tblB"), ("base_id", "https://airtable.com/appZ")],
                "contradict",
            ),
            (&[("tableName", "https://airtable.com/appA/tblB/viwC"), ("view", "viwZ")], "view is viwZ"),
            (&[("view", "https://airtable.com/appA/tblB/viwC"), ("tableName", "tblZ")], "tableName is tblZ"),
            (&[("tableName", "https://airtable.com/appA/tblB/viwC"), ("view", "Active")], "view is Active"),
            (&[("tableName", "https://airtable.com/appA")], "open the table"),
            (&[("view", "https://airtable.com/appA/tblB")], "open the view"),
            (&[("tableName", "https://airtable.com/shrA")], "shared views"),
            (&[("tableName", "https://airtable.com/appA/shrB")], "shared views"),
            (&[("tableName", "https://airtable.com/appA/pagB")], "interfaces"),
            (&[("base_id", "https://airtable.com/invite/x?secret=1")], "https://airtable.com/invite/x,"),
        ] {
            let error = parsed(options).expect_err("refused");
            assert!(error.contains(word), "{options:?}: {error}");
        }
    }
}

//! Which bases a read's namespaces name, and what several of them say of their tables, all asked side by side.
//!
//! Invariant: what befalls one base is told with that base; what would befall every base ends the asking. The client's
//! budgets keep what one token may ask.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::airtable::client::Client;
use crate::airtable::request::Request;
use crate::airtable::schema::{Base, Table, Tables};
use crate::error::{Error, Result, nearest_or_all};
use crate::id::is_id;
use crate::options::EVERY_BASE;
use crate::read::died;
use crate::scan::union::Told;

/// So many definitions are asked for at once: more than a token may ask in a second make nothing quicker.
const AT_ONCE: usize = 50;

/// Bases as a read of several names them.
pub(super) struct Named<'n>(&'n [String]);

impl<'n> Named<'n> {
    pub(super) fn of(bases: &'n [String]) -> Self {
        Self(bases)
    }

    /// Every base of the token is meant.
    pub(super) fn are_all(&self) -> bool {
        self.0.iter().any(|base| base == EVERY_BASE)
    }

    /// The ids are known only from the list of the token's bases.
    pub(super) fn needs_list(&self) -> bool {
        self.are_all() || !self.0.iter().all(|base| is_base_id(base.trim()))
    }

    /// Their ids, in their order.
    ///
    /// # Errors
    /// All names that no base has, or several have, and bases that are named twice.
    pub(super) fn ids(&self, listed: &[Base]) -> Result<Vec<String>> {
        if self.are_all() {
            if listed.is_empty() {
                return Err(Error::NotFound("option namespace is [\"*\"]: the token sees no base: give it one".into()));
            }
            return Ok(listed.iter().map(|base| base.id.clone()).collect());
        }
        let (mut ids, mut faults) = (Vec::<String>::new(), Vec::<Error>::new());
        for name in self.0 {
            let id = match name.trim() {
                id if is_base_id(id) => Ok(id.to_owned()),
                _ => find_base(listed, name).map(|base| base.id.clone()),
            };
            match id {
                Ok(id) if ids.contains(&id) => faults
                    .push(Error::Option(format!("namespace {name:?} names base {id} once more: name it once").into())),
                Ok(id) => ids.push(id),
                Err(error) => faults.push(error),
            }
        }
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        match faults.into_iter().next() {
            Some(first) => Err(first.map_text(|_| texts.join("; "))),
            None => Ok(ids),
        }
    }
}

/// What each base says of its tables: one request for each whose tables are not known.
///
/// # Errors
/// What would befall every base, such as a token that is not accepted.
pub(super) async fn ask(
    client: &Arc<Client>,
    ids: Vec<String>,
    known: HashMap<String, Arc<Vec<Table>>>,
) -> Result<Vec<Told>> {
    let mut told: HashMap<String, Result<Arc<Vec<Table>>>> =
        known.into_iter().map(|(id, tables)| (id, Ok(tables))).collect();
    let mut waiting = ids.iter().filter(|id| !told.contains_key(*id)).cloned().collect::<Vec<_>>().into_iter();
    let mut asks = JoinSet::new();
    let ask = |asks: &mut JoinSet<_>, id: String| {
        let client = client.clone();
        asks.spawn(async move {
            let tables = client.json::<Tables>(&Request::tables(&id)).await;
            (id, tables)
        });
    };
    waiting.by_ref().take(AT_ONCE).for_each(|id| ask(&mut asks, id));
    while let Some(answer) = asks.join_next().await {
        let (id, tables) = answer.map_err(died)?;
        match tables {
            Err(error) if is_of_all(&error) => return Err(error),
            tables => told.insert(id, tables.map(|tables| Arc::new(tables.tables))),
        };
        if let Some(id) = waiting.next() {
            ask(&mut asks, id);
        }
    }
    let told = ids.into_iter().filter_map(|base_id| {
        let tables = told.remove(&base_id)?;
        Some(Told { base_id, tables })
    });
    Ok(told.collect())
}

/// No other base would be answered otherwise.
fn is_of_all(error: &Error) -> bool {
    matches!(error, Error::Transport(_) | Error::RateLimit(_)) || error.status() == Some(401)
}

/// The base whose id or name this is.
pub(super) fn find_base<'b>(bases: &'b [Base], name: &str) -> Result<&'b Base> {
    let mut found: Vec<&Base> = bases.iter().filter(|base| base.id == name || base.name == name).collect();
    let spaceless = name.trim();
    if found.is_empty() && !spaceless.is_empty() {
        found = bases.iter().filter(|base| base.id == spaceless || base.name.trim() == spaceless).collect();
    }
    match found.as_slice() {
        [base] => Ok(base),
        [] => {
            let near = nearest_or_all(name, "it sees", bases.iter().map(|base| base.name.as_str()));
            // Names are not unique, and ids survive renaming.
            let shown = bases.iter().filter(|base| near.contains(&format!("{:?}", base.name))).take(20);
            let ids: Vec<String> = shown.map(|base| format!("{} is {:?}", base.id, base.name)).collect();
            let ids = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
            Err(Error::NotFound(format!("namespace {name:?}: the token sees no such base{near}{ids}").into()))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|base| base.id.as_str()).collect();
            Err(Error::Option(
                format!("namespace {name:?}: {} bases have this name: give one of {}", ids.len(), ids.join(", "))
                    .into(),
            ))
        }
    }
}

/// Of the form that Airtable documents: nothing is asked to know what it stands for.
pub(super) fn is_base_id(text: &str) -> bool {
    text.starts_with("app") && text.len() == 17 && is_id(text)
}

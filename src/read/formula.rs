//! What Airtable is asked of a plan's condition. Formulas name fields, and names change: one that a field has given up may
//! be another's, and Airtable would choose records by that one, without a word.
//!
//! Invariant: a formula is sent only while its names are known to be those of the plan's fields, or were a short while ago.

use std::sync::Arc;

use crate::airtable::client::Client;
use crate::airtable::request::Request;
use crate::airtable::schema::Tables;
use crate::airtable::words::wall;
use crate::scan::{Restriction, Scan, Selection, Window};
use crate::time::Seconds;

/// So long names are taken to be as they were, in seconds: as long as running streams wait before they look again.
const FRESH: Seconds = 600;

/// The formula of a plan's condition; none where there is none, or where it might name other fields. One request where the
/// plan is old and much may be saved by it.
pub(super) async fn of_condition(client: &Arc<Client>, scan: &Scan) -> Option<String> {
    let restriction = scan.restriction.as_ref()?;
    let formula = restriction.formula.clone()?;
    let now = Seconds::try_from(wall() / 1_000_000).unwrap_or_default();
    if !restriction.names_fields() || is_fresh(restriction, now) {
        return Some(formula);
    }
    // The records of a window are few, and not worth a question.
    let is_part = matches!(scan.selection, Selection::Window(Window { since: Some(_), .. }));
    if is_part || !names_hold(client, scan, restriction).await {
        log::info!(
            "table {:?}: its plan is old, and fields may have other names by now: no formula is sent for the option where",
            scan.table_name
        );
        return None;
    }
    Some(formula)
}

fn is_fresh(restriction: &Restriction, now: Seconds) -> bool {
    (now - restriction.named_at).abs() <= FRESH
}

async fn names_hold(client: &Arc<Client>, scan: &Scan, restriction: &Restriction) -> bool {
    let Ok(Tables { tables, .. }) = client.json::<Tables>(&Request::tables(&scan.base_id)).await else { return false };
    let table = tables.iter().find(|table| table.id == scan.table_id);
    table.is_some_and(|table| restriction.names_hold(&table.fields))
}

//! Compliance Records: certificates and their papers. Attachments of documents, and select values in plenty.

use serde_json::{Value, json};

use super::parts::{date_options, day, person, pick, record, record_id};
use super::skus;

const KINDS: [&str; 6] =
    ["Safety report", "Ingredient list", "Allergen check", "Claims review", "Recycling mark", "Organic label"];
const RESULTS: [&str; 4] = ["Passed", "Failed", "Pending", "Waived"];
const MARKETS: [&str; 5] = ["EU", "UK", "US", "JP", "AU/NZ"];
const COUNT: usize = 90;

pub(super) fn table() -> Value {
    json!({
        "id": "tblMockComply0003",
        "name": "Compliance Records",
        "description": "One line per certificate.\nExpired ones stay.",
        "fields": [
            {"name": "Record", "type": "formula", "options": {"formula": "{Kind} & ' #' & {Number}", "result": {"type": "singleLineText"}}},
            {"name": "Number", "type": "autoNumber"},
            {"name": "Kind", "type": "singleSelect", "options": {"choices": KINDS}},
            {"name": "Result", "type": "singleSelect", "options": {"choices": RESULTS}},
            {"name": "Markets", "type": "multipleSelects", "options": {"choices": MARKETS}},
            {"name": "SKUs", "type": "multipleRecordLinks", "options": {"linkedTableId": "SKU Candidates"}},
            {"name": "Papers", "type": "multipleAttachments", "options": {"isReversed": false}},
            {"name": "Issued", "type": "date", "options": {"dateFormat": {"name": "us", "format": "M/D/YYYY"}}},
            {"name": "Expires", "type": "date", "options": date_options()},
            {"name": "Fee", "type": "currency", "options": {"precision": 2, "symbol": "$"}},
            {"name": "Reviewer", "type": "singleCollaborator", "options": {}},
            {"name": "Valid days", "type": "formula", "options": {"formula": "DATETIME_DIFF({Expires}, {Issued}, 'days')",
                "result": {"type": "number", "options": {"precision": 0}}}},
            {"name": "Fee per market", "type": "formula", "options": {"formula": "{Fee} / {Market count}",
                "result": {"type": "currency", "options": {"precision": 2, "symbol": "$"}}}},
            {"name": "Market count", "type": "number", "options": {"precision": 0}},
            {"name": "Products", "type": "multipleLookupValues", "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Product"}},
            {"name": "First orders", "type": "multipleLookupValues", "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "First order"}},
            {"name": "SKU total", "type": "count", "options": {"recordLinkFieldId": "SKUs"}},
            {"name": "All vegan", "type": "rollup", "mock": {"aggregation": "AND(values)"},
                "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Vegan 🌱",
                    "result": {"type": "checkbox", "options": {"icon": "check", "color": "greenBright"}}}},
        ],
        "primaryFieldId": "Record",
        "views": [
            {"id": "viwMockComply0001", "name": "Grid view", "type": "grid"},
            {"id": "viwMockComply0002", "name": "Failed", "type": "grid", "mock": {"filter": "{Result} = 'Failed'"}},
        ],
        "records": (0..COUNT).map(certificate).collect::<Vec<_>>(),
    })
}

fn certificate(n: usize) -> Value {
    let days = i64::try_from(n).unwrap_or(0);
    let id = record_id("recMockComply", n);
    let codes = [n * 2, n * 2 + 1, n + 40].map(|number| number % skus::COUNT);
    let codes =
        codes.into_iter().filter(|number| ![77, 150].contains(number)).take(n % 4).map(skus::code).collect::<Vec<_>>();
    record(
        &id,
        200 + days * 5,
        json!({
            "Kind": pick(&KINDS, n),
            "Result": (n % 8 != 7).then(|| pick(&RESULTS, n / 2)),
            "Markets": MARKETS.iter().take(n % 6).collect::<Vec<_>>(),
            "SKUs": codes,
            "Papers": papers(n),
            "Issued": (n % 9 != 8).then(|| day(days)),
            "Expires": (n % 5 != 4).then(|| day(days + 365)),
            "Fee": (n % 3 != 2).then_some(n * 15),
            "Market count": n % 6,
            "Reviewer": (n % 2 == 0).then(|| person(n % 4)),
        }),
    )
}

fn papers(n: usize) -> Value {
    let file = |name: String, size: usize| json!({"url": format!("https://files.example.com/{name}"), "filename": name, "size": size});
    match n % 4 {
        0 => json!([]),
        1 => json!([file(format!("report-{n}.pdf"), 40_000 + n)]),
        2 => json!([file(format!("list-{n}.csv"), 900 + n), file(format!("stamp-{n}.png"), 12_000 + n)]),
        _ => json!([file(format!("notes {n} (final).txt"), 120)]),
    }
}

//! SKU Candidates: products that may be launched. The table with the awkward field names and the formulas.

use serde_json::{Value, json};

use super::parts::{date_options, datetime_options, day, person, pick, record, record_id, time};
use super::vendors;

const PRODUCTS: [&str; 10] = [
    "Oat Shampoo",
    "Fig Hand Cream",
    "Sea Salt Soap",
    "Citrus Deodorant",
    "Rose Toner",
    "Mint Toothpaste",
    "Cedar Beard Oil",
    "Plum Lip Balm",
    "Calm Bath Salts",
    "Bright Face Mist",
];
const STAGES: [&str; 5] = ["Idea", "Sampling", "Approved", "On shelf", "Dropped"];
const CHANNELS: [&str; 5] = ["Grocery", "Drugstore", "Online", "Club, wholesale", "\"Pop-up\""];

/// How many SKUs there are.
pub(super) const COUNT: usize = 180;

/// The code of a SKU, by which other tables link to it.
pub(super) fn code(number: usize) -> String {
    format!("SKU-{:04}", 1000 + number)
}

fn formula(name: &str, text: &str, result: &Value) -> Value {
    json!({"name": name, "type": "formula", "options": {"formula": text, "result": result}})
}

fn computed_fields() -> Vec<Value> {
    let number = |precision: u8| json!({"type": "number", "options": {"precision": precision}});
    let mut fields = vec![
        formula(
            "Margin",
            "({Price} - {Unit Cost}) / {Price}",
            &json!({"type": "percent", "options": {"precision": 1}}),
        ),
        formula("Label", "{Product} & ' (' & {SKU Code (#)} & ')'", &json!({"type": "singleLineText"})),
        formula("Ship by", "DATEADD({First order}, 14, 'days')", &json!({"type": "date", "options": date_options()})),
        formula(
            "Review at",
            "DATEADD({Decided at}, 2, 'hours')",
            &json!({"type": "dateTime", "options": datetime_options("utc")}),
        ),
        formula(
            "Is late",
            "AND({Stage} = 'Idea', {Forecast} > 5000)",
            &json!({"type": "checkbox",
            "options": {"icon": "flag", "color": "redBright"}}),
        ),
        formula(
            "Revenue",
            "{Price} * {Forecast}",
            &json!({"type": "currency", "options": {"precision": 2, "symbol": "€"}}),
        ),
        formula("Per channel", "{Forecast} / IF({Channels}, LEN(ARRAYJOIN({Channels}, '')), 0)", &number(3)),
        formula("Lead", "{Lead time} * 2", &json!({"type": "duration", "options": {"durationFormat": "h:mm"}})),
        json!({"name": "Broken formula", "type": "formula", "description": "Refers to a field that was deleted",
            "options": {"formula": "{fldGone0000000000} + 1", "isValid": false, "referencedFieldIds": null, "result": null}}),
        json!({"name": "Vendor score", "type": "multipleLookupValues",
            "options": {"recordLinkFieldId": "Vendors", "fieldIdInLinkedTable": "Score"}}),
        json!({"name": "Vendor preferred", "type": "multipleLookupValues",
            "options": {"recordLinkFieldId": "Vendors", "fieldIdInLinkedTable": "Preferred?"}}),
        json!({"name": "Next milestone", "type": "rollup", "mock": {"aggregation": "MIN(values)"},
            "options": {"recordLinkFieldId": "Milestones", "fieldIdInLinkedTable": "Due", "result": {"type": "date", "options": date_options()}}}),
        json!({"name": "Assets", "type": "multipleLookupValues",
            "options": {"recordLinkFieldId": "Marketing", "fieldIdInLinkedTable": "Files"}}),
    ];
    for kind in ["createdTime", "createdBy", "lastModifiedBy", "autoNumber"] {
        let name = match kind {
            "createdTime" => "Created",
            "createdBy" => "Created by",
            "lastModifiedBy" => "Changed by",
            _ => "Id",
        };
        fields.push(json!({"name": name, "type": kind}));
    }
    fields.push(json!({"name": "Last Modified", "type": "lastModifiedTime", "options": {"referencedFieldIds": []}}));
    fields.push(json!({"name": "Price changed", "type": "lastModifiedTime", "options": {
        "referencedFieldIds": ["Price", "Unit Cost"], "result": {"type": "date", "options": date_options()}}}));
    fields
}

fn stored_fields() -> Vec<Value> {
    let currency = |symbol: &str| json!({"precision": 2, "symbol": symbol});
    vec![
        json!({"id": "fldSkuCode0000001", "name": "SKU Code (#)", "type": "singleLineText", "description": "Unique; printed on the carton"}),
        json!({"name": "Product", "type": "singleLineText"}),
        json!({"name": "Stage", "type": "singleSelect", "options": {"choices": STAGES}}),
        json!({"name": "Channels", "type": "multipleSelects", "options": {"choices": CHANNELS}}),
        json!({"name": "Price", "type": "currency", "options": currency("€")}),
        json!({"name": "Unit Cost", "type": "currency", "options": currency("€"), "description": "Landed, per piece"}),
        json!({"name": "unit_cost", "type": "number", "description": "Old column, kept for the finance sheet", "options": {"precision": 4}}),
        json!({"name": "Forecast", "type": "number", "options": {"precision": 0}}),
        json!({"name": "Discount", "type": "percent", "options": {"precision": 1}}),
        json!({"name": "Appeal", "type": "rating", "options": {"icon": "star", "color": "yellowBright", "max": 5}}),
        json!({"name": "Lead time", "type": "duration", "options": {"durationFormat": "h:mm"}}),
        json!({"name": "Vegan 🌱", "type": "checkbox", "options": {"icon": "heart", "color": "pinkBright"}}),
        json!({"name": "First order", "type": "date", "options": date_options()}),
        json!({"name": "Decided at", "type": "dateTime", "options": datetime_options("Europe/Berlin")}),
        json!({"name": "Says \"new\" / {draft}", "type": "multilineText"}),
        json!({"name": "2nd name", "type": "singleLineText"}),
        json!({"name": "EAN", "type": "barcode"}),
        json!({"name": "Champion", "type": "singleCollaborator", "options": {}}),
        json!({"name": "Story", "type": "aiText", "options": {"prompt": ["Describe ", {"field": {"fieldId": "fldSkuCode0000001"}}],
            "referencedFieldIds": ["fldSkuCode0000001"]}}),
        json!({"name": "Order in list", "type": "manualSort", "options": null}),
        json!({"name": "Shelf", "type": "hologram", "options": {"projector": "v2", "depth": 3}}),
        json!({"name": "Brief", "type": "button", "mock": {"label": "Open brief", "url": "https://briefs.example.com/{record}"}}),
        json!({"name": "Vendors", "type": "multipleRecordLinks", "options": {"linkedTableId": "Vendors", "inverseLinkFieldId": "SKUs"}}),
        json!({"name": "Milestones", "type": "multipleRecordLinks",
            "options": {"linkedTableId": "Launch Milestones", "isReversed": true, "inverseLinkFieldId": "SKU"}}),
        json!({"name": "Marketing", "type": "multipleRecordLinks",
            "options": {"linkedTableId": "Marketing Assets", "isReversed": true, "inverseLinkFieldId": "SKUs"}}),
        json!({"name": "Replaces", "type": "multipleRecordLinks", "options": {"linkedTableId": "SKU Candidates", "prefersSingleRecordLink": true}}),
    ]
}

pub(super) fn table() -> Value {
    let mut fields = stored_fields();
    fields.extend(computed_fields());
    json!({
        "id": "tblMockSkus000001",
        "name": "SKU Candidates",
        "description": "Everything we might launch, one line per sellable unit.",
        "fields": fields,
        "views": [
            {"id": "viwMockSkus000001", "name": "Grid view", "type": "grid"},
            {"id": "viwMockSkus000002", "name": "Approved, by forecast", "type": "grid",
                "visibleFieldIds": ["SKU Code (#)", "Product", "Forecast"],
                "mock": {"filter": "{Stage} = 'Approved'", "sort": [{"field": "Forecast", "direction": "desc"}]}},
            {"id": "viwMockSkus000003", "name": "Board", "type": "kanban"},
            {"id": "viwMockSkus000004", "name": "Gallery", "type": "gallery"},
        ],
        "records": (0..COUNT).map(sku).collect::<Vec<_>>(),
    })
}

fn sku(n: usize) -> Value {
    let hours = i64::try_from(n).unwrap_or(0) * 3;
    let small = f64::from(u32::try_from(n).unwrap_or(0));
    let id = record_id("recMockSku", n);
    if n == 77 || n == 150 {
        return record(&id, hours, json!({}));
    }
    // A free sample has a price of zero, so its margin is no number.
    let price = if n % 40 == 20 { 0.0 } else { 4.0 + (small * 1.37) % 30.0 };
    let price = (price * 100.0).round() / 100.0;
    let cost = (price * 37.0).round() / 100.0;
    let mut sku = record(
        &id,
        hours,
        json!({
            "SKU Code (#)": code(n),
            "Product": pick(&PRODUCTS, n),
            "Stage": (n % 11 != 10).then(|| pick(&STAGES, n / 3)),
            "Channels": CHANNELS.iter().enumerate().filter(|(index, _)| (n >> index) & 1 == 1).map(|(_, name)| *name).collect::<Vec<_>>(),
            "Price": price,
            "Unit Cost": (n % 9 != 8).then_some(cost),
            "unit_cost": (n % 2 == 0).then_some(cost),
            "Forecast": if n % 13 == 12 { json!(0) } else { json!(n * 97 % 12_000) },
            "Discount": (n % 3 == 0).then_some(0.125),
            "Appeal": (n % 4 != 3).then_some(n % 5 + 1),
            "Lead time": (n % 5 != 4).then_some(n % 30 * 1800),
            "Vegan 🌱": n % 2 == 1,
            "First order": (n % 3 != 2).then(|| day(i64::try_from(n % 120).unwrap_or(0))),
            "Decided at": (n % 4 == 1).then(|| time(hours + 5)),
            "Says \"new\" / {draft}": (n % 6 == 0).then(|| format!("Line one of {n}\nline \"two\" with a tab\tand a backslash \\")),
            "2nd name": (n % 8 == 0).then(|| format!("Zweitname Nº {n} – ñandú")),
            "EAN": (n % 3 == 1).then(|| if n % 2 == 0 { json!({"text": format!("40063813{n:05}"), "type": "ean13"}) } else { json!({"text": format!("{n:08}")}) }),
            "Champion": (n % 7 != 6).then(|| person(n % 4)),
            "Story": story(n),
            "Order in list": format!("a{n:05}"),
            "Shelf": (n % 10 == 5).then(|| json!({"angle": n, "layers": ["front", "back"]})),
            "Vendors": linked_vendors(n),
            "Replaces": (n % 20 == 19).then(|| vec![code(n - 1)]),
        }),
    );
    if n % 5 == 0 {
        sku["modifiedTime"] = json!(time(hours + 700));
    }
    sku
}

/// Vendors of a SKU: none, one or two; never the empty record.
fn linked_vendors(n: usize) -> Vec<String> {
    let first = n % vendors::COUNT;
    let second = (n * 7 + 3) % vendors::COUNT;
    let mut numbers = match n % 6 {
        0 => vec![],
        1 | 2 => vec![first, second],
        _ => vec![first],
    };
    numbers.retain(|number| *number != 31);
    numbers.dedup();
    numbers.into_iter().map(vendors::name).collect()
}

fn story(n: usize) -> Value {
    match n % 5 {
        0 => json!({"state": "empty", "isStale": false, "value": null}),
        1 => json!({"state": "loading", "isStale": true, "value": null}),
        2 => {
            json!({"state": "error", "errorType": "emptyDependency", "isStale": false, "value": null})
        }
        _ => {
            json!({"state": "generated", "isStale": n % 2 == 0, "value": format!("A gentle {} for every day.", pick(&PRODUCTS, n))})
        }
    }
}

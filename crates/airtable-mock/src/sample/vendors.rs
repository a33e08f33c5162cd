//! Vendors: who makes the products. Texts of all kinds, and numbers computed from the SKUs.

use serde_json::{Value, json};

use super::parts::{date_options, day, person, pick, record, record_id};

const NAMES: [&str; 12] = [
    "Amber Mill",
    "Bluebird Botanicals",
    "Cobalt Glass",
    "Driftwood Paper",
    "Evergreen Pumps",
    "Fable Fragrance",
    "Granite Caps",
    "Harbour Labels",
    "Ivory Soapworks",
    "Juniper Oils",
    "Kestrel Logistics",
    "Lantern Cartons",
];
const COUNTRIES: [&str; 6] = ["Examplia", "Samplonia", "Testland", "Mockovia", "Élysia", "北島"];
const TERMS: [&str; 3] = ["Prepaid", "Net 30", "Net 60"];

/// How many vendors there are.
pub(super) const COUNT: usize = 60;

/// The name of a vendor, by which other tables link to it.
pub(super) fn name(number: usize) -> String {
    format!("{} {}", NAMES[number % NAMES.len()], number / NAMES.len() + 1)
}

pub(super) fn table() -> Value {
    let number = |precision: u8| json!({"type": "number", "options": {"precision": precision}});
    json!({
        "id": "tblMockVendors006",
        "name": "Vendors",
        "description": "Companies that make, fill, print or ship. Ask the sourcing team before adding one.",
        "fields": [
            {"id": "fldVendorName0001", "name": "Name", "type": "singleLineText", "description": "Legal name"},
            {"name": "Country", "type": "singleSelect", "options": {"choices": COUNTRIES}},
            {"name": "Contact email", "type": "email"},
            {"name": "Phone", "type": "phoneNumber"},
            {"name": "Web site", "type": "url"},
            {"name": "Address", "type": "multilineText"},
            {"name": "Scorecard", "type": "richText"},
            {"name": "Score", "type": "number", "options": {"precision": 1}},
            {"name": "Payment terms", "type": "singleSelect", "options": {"choices": TERMS}},
            {"name": "Preferred?", "type": "checkbox", "options": {"icon": "check", "color": "greenBright"}},
            {"name": "Contract until", "type": "date", "options": date_options()},
            {"name": "Owner", "type": "singleCollaborator", "options": {}},
            {"name": "SKUs", "type": "multipleRecordLinks",
                "options": {"linkedTableId": "SKU Candidates", "isReversed": true, "inverseLinkFieldId": "Vendors"}},
            {"name": "SKU count", "type": "count", "options": {"recordLinkFieldId": "SKUs"}},
            {"name": "Total forecast", "type": "rollup", "mock": {"aggregation": "SUM(values)"},
                "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Forecast", "result": number(0)}},
            {"name": "Average unit cost", "type": "rollup", "mock": {"aggregation": "AVERAGE(values)"},
                "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Unit Cost", "result": number(2)}},
            {"name": "Codes", "type": "rollup", "mock": {"aggregation": "ARRAYJOIN(values, ', ')"},
                "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "SKU Code (#)", "result": {"type": "singleLineText"}}},
            {"name": "Launch names", "type": "multipleLookupValues",
                "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Product"}},
            {"name": "Synced from", "type": "externalSyncSource", "options": {"choices": ["Supplier portal", "Spreadsheet"]}},
            {"name": "Changed", "type": "lastModifiedTime", "options": {"referencedFieldIds": []}},
        ],
        "views": [
            {"id": "viwMockVendors001", "name": "All vendors", "type": "grid"},
            {"id": "viwMockVendors002", "name": "Preferred", "type": "grid", "visibleFieldIds": ["Name", "Country", "Score"],
                "mock": {"filter": "{Preferred?}", "sort": [{"field": "Score", "direction": "desc"}]}},
            {"id": "viwMockVendors003", "name": "Application form", "type": "form"},
        ],
        "records": (0..COUNT).map(vendor).collect::<Vec<_>>(),
    })
}

fn vendor(n: usize) -> Value {
    let hours = i64::try_from(n).unwrap_or(0);
    let id = record_id("recMockVendor", n);
    if n == 31 {
        // Someone pressed "+" and went home.
        return record(&id, hours, json!({}));
    }
    let slug = NAMES[n % NAMES.len()].to_lowercase().replace(' ', "-");
    record(
        &id,
        hours,
        json!({
            "Name": name(n),
            "Country": pick(&COUNTRIES, n),
            "Contact email": (n % 4 != 3).then(|| format!("orders{n}@{slug}.example.com")),
            "Phone": (n % 5 != 4).then(|| format!("+00 555 01{n:02}")),
            "Web site": if n % 7 == 0 { json!(format!("{slug}.example.com")) } else { json!(format!("https://{slug}.example.com/")) },
            "Address": format!("{} Example Street\nFloor {}\n{}", n + 1, n % 9, pick(&COUNTRIES, n)),
            "Scorecard": (n % 3 == 0).then(|| format!("**Quality** {}/10\n\n- delivers *on time*\n- answers within {} days\n", n % 10, n % 5)),
            "Score": (n % 6 != 5).then_some(f64::from(u32::try_from(n % 50).unwrap_or(0)) / 10.0),
            "Payment terms": pick(&TERMS, n / 2),
            "Preferred?": n % 3 == 0,
            "Contract until": (n % 4 != 0).then(|| day(hours * 11 + 200)),
            "Owner": (n % 5 != 4).then(|| person(n)),
            "Synced from": (n % 2 == 0).then(|| pick(&["Supplier portal", "Spreadsheet"], n / 2)),
        }),
    )
}

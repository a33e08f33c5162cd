//! Launch Milestones: what has to happen by when. Dates, times, durations and people.

use serde_json::{Value, json};

use super::parts::{date_options, datetime_options, day, person, pick, record, record_id, time};
use super::skus;

const STEPS: [&str; 8] = [
    "Formula locked",
    "Stability passed",
    "Artwork signed",
    "First production",
    "Listing pitched",
    "Ship window",
    "Press day",
    "On shelf",
];
const STATES: [&str; 4] = ["Open", "At risk", "Done", "Skipped"];
const COUNT: usize = 120;

/// The name of a milestone, by which other tables link to it.
pub(super) fn name(number: usize) -> String {
    format!("{} – {}", STEPS[number % STEPS.len()], skus::code(number % skus::COUNT))
}

pub(super) fn table() -> Value {
    json!({
        "id": "tblMockMiles00002",
        "name": "Launch Milestones",
        "fields": [
            {"name": "Milestone", "type": "singleLineText"},
            {"name": "SKU", "type": "multipleRecordLinks",
                "options": {"linkedTableId": "SKU Candidates", "inverseLinkFieldId": "Milestones", "prefersSingleRecordLink": true}},
            {"name": "Status", "type": "singleSelect", "options": {"choices": STATES}},
            {"name": "Starts", "type": "date", "options": date_options()},
            {"name": "Due", "type": "date", "options": date_options()},
            {"name": "Kick-off", "type": "dateTime", "options": datetime_options("client")},
            {"name": "Effort", "type": "duration", "options": {"durationFormat": "h:mm:ss.SS"}},
            {"name": "Responsible", "type": "multipleCollaborators", "options": {}},
            {"name": "Gate", "type": "checkbox", "options": {"icon": "flag", "color": "blueBright"}},
            {"name": "Notes", "type": "richText"},
            {"name": "SKU stage", "type": "multipleLookupValues", "options": {"recordLinkFieldId": "SKU", "fieldIdInLinkedTable": "Stage"}},
            {"name": "SKU label", "type": "multipleLookupValues", "options": {"recordLinkFieldId": "SKU", "fieldIdInLinkedTable": "Label"}},
            {"name": "Vendor scores", "type": "multipleLookupValues",
                "options": {"recordLinkFieldId": "SKU", "fieldIdInLinkedTable": "Vendor score"}},
            {"name": "Days left", "type": "formula", "options": {"formula": "DATETIME_DIFF({Due}, '2024-06-01', 'days')",
                "result": {"type": "number", "options": {"precision": 0}}}},
            {"name": "Overdue", "type": "formula", "options": {"formula": "IF(AND({Due} < '2024-05-01', {Status} != 'Done'), '⚠ late', '')",
                "result": {"type": "singleLineText"}}},
            {"name": "Tasks", "type": "multipleRecordLinks",
                "options": {"linkedTableId": "Packaging Tasks", "isReversed": true, "inverseLinkFieldId": "Milestone"}},
            {"name": "Open hours", "type": "rollup", "mock": {"aggregation": "SUM(values)"},
                "options": {"recordLinkFieldId": "Tasks", "fieldIdInLinkedTable": "Hours", "result": {"type": "number", "options": {"precision": 1}}}},
            {"name": "Modified", "type": "lastModifiedTime", "options": {"referencedFieldIds": []}},
        ],
        "views": [
            {"id": "viwMockMiles00001", "name": "Grid view", "type": "grid"},
            {"id": "viwMockMiles00002", "name": "Calendar", "type": "calendar"},
            {"id": "viwMockMiles00003", "name": "Timeline", "type": "timeline"},
            {"id": "viwMockMiles00004", "name": "Open gates", "type": "grid", "visibleFieldIds": ["Milestone", "Due", "Gate"],
                "mock": {"filter": "AND({Gate}, {Status} != 'Done')", "sort": [{"field": "Due"}]}},
        ],
        "dateDependencySettings": {"isEnabled": true, "startDateFieldId": "Starts", "endDateFieldId": "Due", "durationFieldId": "Effort",
            "predecessorFieldId": null, "reschedulingMode": "flexible", "shouldSkipWeekendsAndHolidays": true, "holidays": ["2024-12-25"]},
        "records": (0..COUNT).map(milestone).collect::<Vec<_>>(),
    })
}

fn milestone(n: usize) -> Value {
    let days = i64::try_from(n).unwrap_or(0);
    let id = record_id("recMockMilest", n);
    // Two SKUs have no code to be linked by.
    let sku = (n % 10 != 9 && n % skus::COUNT != 77).then(|| vec![skus::code(n % skus::COUNT)]);
    record(
        &id,
        1000 + days,
        json!({
            "Milestone": name(n),
            "SKU": sku,
            "Status": pick(&STATES, n / 2),
            "Starts": (n % 6 == 0).then(|| day(days - 10)),
            "Due": (n % 12 != 11).then(|| day(days)),
            "Kick-off": (n % 3 == 0).then(|| time(days * 24 + 9)),
            "Effort": (n % 2 == 0).then_some(f64::from(u32::try_from(n).unwrap_or(0)) * 60.25),
            "Responsible": match n % 4 { 0 => json!([]), 1 => json!([person(n % 4)]), 2 => json!([person(1), person(4)]), _ => json!([person(0), person(2), person(3)]) },
            "Gate": n % 4 == 0,
            "Notes": (n % 5 == 0).then(|| format!("Ask **{}** first.\n\n1. sample\n2. decide\n", person(n % 4)["name"].as_str().unwrap_or_default())),
        }),
    )
}

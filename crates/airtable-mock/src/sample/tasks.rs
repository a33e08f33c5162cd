//! Packaging Tasks: small work, often changed. A table whose records link to themselves and have no order.

use serde_json::{Value, json};

use super::parts::{datetime_options, person, pick, record, record_id, time};
use super::{launches, vendors};

const VERBS: [&str; 6] = ["Proof", "Order", "Measure", "Photograph", "Approve", "Reprint"];
const THINGS: [&str; 5] = ["carton", "label", "cap", "leaflet", "shipper"];
const STATES: [&str; 4] = ["To do", "Doing", "Blocked", "Done"];
const COUNT: usize = 150;

fn name(number: usize) -> String {
    format!("{} {} {number}", VERBS[number % VERBS.len()], THINGS[number % THINGS.len()])
}

pub(super) fn table() -> Value {
    json!({
        "id": "tblMockTasks00004",
        "name": "Packaging Tasks",
        "fields": [
            {"name": "Task", "type": "singleLineText"},
            {"name": "State", "type": "singleSelect", "options": {"choices": STATES}},
            {"name": "Priority", "type": "rating", "options": {"icon": "flag", "color": "redBright", "max": 3}},
            {"name": "Hours", "type": "number", "options": {"precision": 1}},
            {"name": "Progress", "type": "percent", "options": {"precision": 0}},
            {"name": "Milestone", "type": "multipleRecordLinks",
                "options": {"linkedTableId": "Launch Milestones", "inverseLinkFieldId": "Tasks"}},
            {"name": "Printer", "type": "multipleRecordLinks", "options": {"linkedTableId": "Vendors", "prefersSingleRecordLink": true}},
            {"name": "Blocked by", "type": "multipleRecordLinks", "options": {"linkedTableId": "Packaging Tasks"}},
            {"name": "Assignee", "type": "singleCollaborator", "options": {}},
            {"name": "Started", "type": "dateTime", "options": datetime_options("utc")},
            {"name": "Printer's phone", "type": "multipleLookupValues", "options": {"recordLinkFieldId": "Printer", "fieldIdInLinkedTable": "Phone"}},
            {"name": "Printer's owner", "type": "multipleLookupValues", "options": {"recordLinkFieldId": "Printer", "fieldIdInLinkedTable": "Owner"}},
            {"name": "Longest blocker", "type": "rollup", "mock": {"aggregation": "MAX(values)"},
                "options": {"recordLinkFieldId": "Blocked by", "fieldIdInLinkedTable": "Hours", "result": {"type": "number", "options": {"precision": 1}}}},
            {"name": "Ticket", "type": "formula", "options": {"formula": "'PT-' & RECORD_ID()", "result": {"type": "singleLineText"}}},
            {"name": "Last edit", "type": "lastModifiedTime", "options": {"referencedFieldIds": []}},
            {"name": "Last editor", "type": "lastModifiedBy"},
        ],
        "views": [
            {"id": "viwMockTasks00001", "name": "Grid view", "type": "grid"},
            {"id": "viwMockTasks00002", "name": "Not done", "type": "grid", "mock": {"filter": "{State} != 'Done'"}},
            {"id": "viwMockTasks00003", "name": "Gantt", "type": "block"},
            {"id": "viwMockTasks00004", "name": "Mine", "type": "grid", "personalForUserId": "usrMockPerson0001",
                "mock": {"filter": "{Assignee} = 'Ada Example'"}},
        ],
        "records": (0..COUNT).map(task).collect::<Vec<_>>(),
    })
}

fn task(n: usize) -> Value {
    let hours = i64::try_from(n).unwrap_or(0);
    let id = record_id("recMockTask", n);
    if n == 99 {
        return record(&id, hours, json!({}));
    }
    let printer = n % vendors::COUNT;
    let mut task = record(
        &id,
        400 + hours,
        json!({
            "Task": name(n),
            "State": pick(&STATES, n / 4),
            "Priority": (n % 3 != 2).then_some(n % 3 + 1),
            "Hours": f64::from(u32::try_from(n % 17).unwrap_or(0)) / 2.0,
            "Progress": (n % 2 == 0).then_some(f64::from(u32::try_from(n % 100).unwrap_or(0)) / 100.0),
            "Milestone": (n % 7 != 6).then(|| vec![launches::name(n % 120)]),
            "Printer": (printer != 31 && n % 2 == 1).then(|| vec![vendors::name(printer)]),
            "Blocked by": (n % 5 == 4).then(|| vec![name(n - 1), name(n - 2)]),
            "Assignee": (n % 4 != 3).then(|| person(n % 4)),
            "Started": (n % 3 == 0).then(|| time(500 + hours)),
        }),
    );
    if n % 3 == 0 {
        task["modifiedTime"] = json!(time(2000 + hours));
    }
    task
}

//! Marketing Assets: pictures and words. Attachments with thumbnails, lookups of attachments, AI text.

use serde_json::{Value, json};

use super::parts::{date_options, day, person, pick, record, record_id};
use super::skus;

const KINDS: [&str; 5] = ["Pack shot", "Banner", "Video cut", "Leaflet", "Copy deck"];
const COUNT: usize = 80;

pub(super) fn table() -> Value {
    json!({
        "id": "tblMockAssets0005",
        "name": "Marketing Assets",
        "fields": [
            {"name": "Asset", "type": "singleLineText"},
            {"name": "Kind", "type": "singleSelect", "options": {"choices": KINDS}},
            {"name": "Files", "type": "multipleAttachments", "options": {"isReversed": true}},
            {"name": "SKUs", "type": "multipleRecordLinks", "options": {"linkedTableId": "SKU Candidates", "inverseLinkFieldId": "Marketing"}},
            {"name": "Caption", "type": "aiText", "options": {"prompt": ["Write a caption"], "referencedFieldIds": []}},
            {"name": "Link", "type": "url"},
            {"name": "Live from", "type": "date", "options": date_options()},
            {"name": "Approvers", "type": "multipleCollaborators", "options": {}},
            {"name": "Budget", "type": "currency", "options": {"precision": 0, "symbol": "£"}},
            {"name": "Prices", "type": "multipleLookupValues", "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Price"}},
            {"name": "Channels", "type": "multipleLookupValues", "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Channels"}},
            {"name": "Stories", "type": "multipleLookupValues", "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Story"}},
            {"name": "Dearest", "type": "rollup", "mock": {"aggregation": "MAX(values)"},
                "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Price",
                    "result": {"type": "currency", "options": {"precision": 2, "symbol": "€"}}}},
            {"name": "Stages", "type": "rollup", "mock": {"aggregation": "ARRAYUNIQUE(values)"},
                "options": {"recordLinkFieldId": "SKUs", "fieldIdInLinkedTable": "Stage", "result": {"type": "singleLineText"}}},
            {"name": "Made", "type": "createdTime", "options": {"result": {"type": "date", "options": date_options()}}},
            {"name": "Made by", "type": "createdBy"},
        ],
        "views": [
            {"id": "viwMockAssets0001", "name": "Gallery", "type": "gallery"},
            {"id": "viwMockAssets0002", "name": "Grid view", "type": "grid"},
        ],
        "records": (0..COUNT).map(asset).collect::<Vec<_>>(),
    })
}

fn asset(n: usize) -> Value {
    let days = i64::try_from(n).unwrap_or(0);
    let id = record_id("recMockAsset", n);
    let codes = [n, n + 80]
        .into_iter()
        .filter(|number| ![77, 150].contains(number))
        .take(n % 3)
        .map(skus::code)
        .collect::<Vec<_>>();
    record(
        &id,
        300 + days * 2,
        json!({
            "Asset": format!("{} {n}", pick(&KINDS, n)),
            "Kind": pick(&KINDS, n),
            "Files": files(n),
            "SKUs": codes,
            "Caption": (n % 2 == 0).then(|| json!({"state": "generated", "isStale": false, "value": format!("Meet number {n}.")})),
            "Link": (n % 3 == 0).then(|| format!("https://shop.example.com/assets/{n}?utm_source=mock&ref=a%20b")),
            "Live from": (n % 4 != 3).then(|| day(days + 60)),
            "Approvers": if n % 3 == 0 { json!([]) } else { json!([person(n), person(n + 1)]) },
            "Budget": (n % 5 != 4).then_some(n * 250),
        }),
    )
}

fn files(n: usize) -> Value {
    let picture = |name: String, width: usize| {
        json!({"url": format!("https://files.example.com/{name}"), "filename": name,
        "size": 90_000 + n, "type": "image/png", "width": width})
    };
    match n % 3 {
        0 => json!([picture(format!("shot-{n}.png"), 1200)]),
        1 => json!([picture(format!("front {n}.png"), 800), picture(format!("back-{n}.png"), 801),
            {"url": "https://files.example.com/clip.mp4", "filename": format!("clip-{n}.mp4"), "size": 7_000_000, "type": "video/mp4"}]),
        _ => json!([]),
    }
}

//! Where a feed goes, as a table.

use super::*;

fn webhook(id: &str, head: u64) -> Webhook {
    Webhook::read(&serde_json::json!({"id": id, "cursorForNextPayload": head}))
}

fn at(id: &str, next: u64, at: Seconds, after: Option<&str>) -> FeedPosition {
    FeedPosition { webhook_id: id.into(), next, at, after: after.map(str::to_owned), parts: None, unread: None }
}

#[test]
fn where_a_feed_goes() {
    let table = |after: Option<&str>| Cut::Table { after: after.map(str::to_owned), parts: None };
    let batch = |first, most| Cut::Feed { first, most };
    let go = |position, has_more, cut| Next { position, has_more, is_idle: false, cut };
    let idle = |position, has_more, cut| Next { is_idle: true, ..go(position, has_more, cut) };
    let last = at("achA", 5, 900, None);
    let in_table = at("achA", 5, 900, Some("recB"));
    let parts = Some(Parts { given: 1, of: 3 });
    let in_parts = FeedPosition { parts, ..last.clone() };
    let (target, reached, other) = (at("achA", 7, 950, None), at("achA", 5, 950, None), at("achB", 3, 950, None));
    // The webhook is achA, of which the payloads before 9 are there, and it is 1,000.
    for (last, is_told, most, target, expected) in [
        // A stream begins with the whole table, in parts where its batches are bounded and its start is told.
        (None, true, None, None, idle(at("achA", 9, 1_000, None), false, table(None))),
        (None, true, Some(2), None, idle(at("achA", 9, 1_000, None), false, table(None))),
        (None, false, Some(2), None, idle(at("achA", 9, 1_000, None), false, Cut::Nothing)),
        // A run that is to end somewhere ends there, and not at the same payload a second later.
        (None, true, Some(2), Some(&target), idle(target.clone(), true, table(None))),
        // The next part of the table, or the rest of it together with what the feed has told since.
        (Some(&in_table), true, Some(2), None, go(last.clone(), true, table(Some("recB")))),
        (Some(&in_table), true, None, None, go(at("achA", 9, 1_000, None), false, Cut::Nothing)),
        (Some(&in_parts), true, Some(2), None, go(last.clone(), true, Cut::Table { after: None, parts })),
        (Some(&in_parts), true, None, None, go(at("achA", 9, 1_000, None), false, Cut::Nothing)),
        // Then the feed.
        (Some(&last), true, None, None, go(at("achA", 9, 1_000, None), false, Cut::Nothing)),
        (Some(&last), true, Some(2), None, go(at("achA", 9, 1_000, None), false, batch(5, 2))),
        (Some(&last), true, None, Some(&target), go(target.clone(), true, Cut::Nothing)),
        (Some(&last), true, Some(2), Some(&target), go(target.clone(), true, batch(5, 2))),
        // A run that has reached its end, and an end in another webhook, which is none.
        (Some(&last), true, Some(2), Some(&reached), idle(last.clone(), true, Cut::Nothing)),
        (Some(&last), true, None, Some(&other), go(at("achA", 9, 1_000, None), false, Cut::Nothing)),
    ] {
        let target = target.map(|target| Position::Feed(target.clone()));
        let limit = Limit { max_records: most, target: target.as_ref(), of_run: false, since: None };
        let next = next(last, is_told, &webhook("achA", 9), 1_000, limit);
        assert_eq!(next, expected, "{last:?} {is_told} {most:?} {target:?}");
    }
}

#[test]
fn a_feed_without_news_stays_where_it_is() {
    for last in [at("achA", 9, 900, None), at("achA", 9, 900, Some("recB"))] {
        let next = next(Some(&last), true, &webhook("achA", 9), 1_000, Limit::default());
        let position = at("achA", 9, 900, None);
        assert_eq!(next, Next { position, has_more: false, is_idle: true, cut: Cut::Nothing }, "{last:?}");
    }
}

#[test]
fn a_run_waits_for_no_more_records_than_are_awaited_at_its_end() {
    let unread = |ids: &[&str]| Some(ids.iter().map(|id| ((*id).to_owned(), 0)).collect());
    let awaiting = |ids: Option<&[&str]>| FeedPosition { unread: ids.and_then(unread), ..at("achA", 9, 900, None) };
    for (last, target, expected) in [
        (Some(&["recA", "recB"][..]), Some(&["recB"][..]), Some(&["recB"][..])),
        (Some(&["recA"]), Some(&[]), Some(&[])),
        // What came on the way is not awaited again.
        (Some(&[]), Some(&["recA"]), Some(&[])),
        (Some(&["recA"]), None, Some(&["recA"])),
        (None, Some(&["recA"]), None),
    ] {
        let (last, target) = (awaiting(last), Position::Feed(awaiting(target)));
        let limit = Limit { max_records: Some(2), target: Some(&target), of_run: false, since: None };
        let next = next(Some(&last), true, &webhook("achA", 12), 1_000, limit);
        assert_eq!(next.position, awaiting(expected), "{last:?} {target:?}");
    }
}

#[test]
fn another_webhook_goes_on_where_it_is() {
    let last = at("achA", 5, 900, None);
    let limit = Limit { max_records: Some(2), ..Limit::default() };
    let next = next(Some(&last), true, &webhook("achB", 3), 1_000, limit);
    let position = at("achB", 3, 1_000, None);
    assert_eq!(next, Next { position, has_more: false, is_idle: false, cut: Cut::Nothing });
}

#[test]
fn time_does_not_go_back() {
    let last = at("achA", 5, 2_000, None);
    let next = next(Some(&last), true, &webhook("achA", 9), 1_000, Limit::default());
    assert_eq!(next.position, at("achA", 9, 2_000, None));
}

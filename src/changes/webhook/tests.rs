//! Which webhook is polled, as tables.

use serde_json::json;

use super::*;

fn webhook(id: &str, more: &Value) -> Webhook {
    let mut all = json!({"id": id, "isHookEnabled": true, "cursorForNextPayload": 5, "notificationUrl": null,
        "expirationTime": "1970-01-08T00:00:00.000Z",
        "specification": {"options": {"filters": {"dataTypes": DATA_TYPES}}}});
    for (key, value) in more.as_object().expect("an object") {
        match all["specification"]["options"]["filters"].as_object_mut() {
            Some(filters) if !["isHookEnabled", "notificationUrl", "expirationTime"].contains(&key.as_str()) => {
                _ = filters.insert(key.clone(), value.clone());
            }
            _ => all[key] = value.clone(),
        }
    }
    Webhook::read(&all)
}

#[test]
fn webhooks_that_leave_changes_out_are_not_taken() {
    for (more, lacks) in [
        (json!({}), None),
        (json!({"recordChangeScope": "tblA"}), None),
        (json!({"changeTypes": ["update", "add", "remove"]}), None),
        (json!({"dataTypes": ["tableData"]}), Some("dataTypes")),
        (json!({"recordChangeScope": "tblB"}), Some("recordChangeScope")),
        (json!({"recordChangeScope": "viwA"}), Some("recordChangeScope")),
        (json!({"changeTypes": ["add", "update"]}), Some("changeTypes")),
        (json!({"fromSources": ["client"]}), Some("fromSources")),
        (json!({"watchDataInFieldIds": ["fldA"]}), Some("watchDataInFieldIds")),
        (json!({"watchDataInFieldIds": null, "ofNextYear": null}), None),
        (json!({"ofNextYear": ["usrA"]}), Some("filter ofNextYear may leave changes out")),
        (json!({"ofNextYear": false}), Some("ofNextYear")),
    ] {
        let lack = webhook("achA", &more).lack("tblA", Purpose::Records);
        match lacks {
            None => assert_eq!(lack, None, "{more}"),
            Some(word) => assert!(lack.as_ref().is_some_and(|lack| lack.contains(word)), "{more}: {lack:?}"),
        }
    }
}

#[test]
fn what_is_not_known_of_a_specification_may_leave_changes_out() {
    let filters = json!({"dataTypes": DATA_TYPES});
    for (specification, lacks) in [
        (json!({"options": {"filters": filters}}), None),
        (json!({"options": {"filters": filters, "includes": null}, "ofNextYear": null}), None),
        (json!({"options": {"filters": filters, "includes": {"includePreviousCellValues": true}}}), None),
        (json!({"options": {"filters": filters, "includes": {"includeCellValuesInFieldIds": "all"}}}), None),
        (json!({"options": {"filters": filters, "includes": {"onlyViews": true}}}), Some("its includes.onlyViews")),
        (json!({"options": {"filters": filters, "includes": ["onlyViews"]}}), Some("its includes")),
        (json!({"options": {"filters": filters, "sampling": 0.5}}), Some("its options.sampling")),
        (json!({"options": {"filters": filters}, "limits": {}}), Some("its limits")),
        (json!({"options": {}}), Some("dataTypes")),
        (json!("all"), Some("dataTypes")),
        (Value::Null, Some("dataTypes")),
    ] {
        let webhook = Webhook { specification: specification.clone(), ..webhook("achA", &json!({})) };
        let lack = webhook.lack("tblA", Purpose::Records);
        match lacks {
            None => assert_eq!(lack, None, "{specification}"),
            Some(start) => {
                assert!(lack.as_ref().is_some_and(|lack| lack.contains(start)), "{specification}: {lack:?}");
            }
        }
        assert_eq!(suitable(&[webhook], "tblA", Purpose::Records, 0).is_some(), lacks.is_none(), "{specification}");
    }
}

#[test]
fn the_choice_is_the_same_for_all() {
    let all = [
        webhook("ach1", &json!({"notificationUrl": "https://example.com"})),
        webhook("ach2", &json!({"isHookEnabled": false})),
        webhook("ach4", &json!({})),
        webhook("ach3", &json!({})),
    ];
    assert_eq!(suitable(&all, "tblA", Purpose::Records, 0).map(|webhook| webhook.id.as_str()), Some("ach3"));
    assert!(suitable(&all, "tblA", Purpose::Records, 7 * 86_400).is_none(), "all have expired");
    let of_table = [all[3].clone(), webhook("ach9", &json!({"recordChangeScope": "tblA"}))];
    assert_eq!(suitable(&of_table, "tblA", Purpose::Records, 0).map(|webhook| webhook.id.as_str()), Some("ach9"));
    assert_eq!(named(&all, "ach1", "tblA", Purpose::Records).map(|webhook| webhook.id.as_str()), Ok("ach1"));
    let error = named(&all, "ach7", "tblA", Purpose::Records).expect_err("none such");
    assert!(error.to_string().contains("ach1, ach2, ach4, ach3"), "{error}");
}

#[test]
fn the_webhook_is_that_of_the_option_or_of_the_last_offset_or_one_that_serves() {
    let all = [
        webhook("ach1", &json!({})),
        webhook("ach2", &json!({"isHookEnabled": false})),
        webhook("ach3", &json!({})),
        Webhook { failure: Some("INVALID_HOOK".into()), ..webhook("ach0", &json!({})) },
    ];
    let last =
        |id: &str| FeedPosition { webhook_id: id.into(), next: 1, at: 0, after: None, parts: None, unread: None };
    let reread = [("on_lost_feed", "reread"), ("state_location", "/state")];
    let choose = |options: &[(&str, &str)], last: Option<&FeedPosition>, webhooks: &[Webhook]| {
        let (plan, options) = planned(options);
        let chosen = chosen(webhooks, &plan, &options, last, 0);
        chosen.map(|webhook| webhook.map(|webhook| webhook.id.clone())).map_err(|error| error.to_string())
    };
    let named = |id| [("webhook_id", id)];
    assert_eq!(choose(&[], None, &all), Ok(Some("ach1".into())));
    assert_eq!(choose(&[], None, &all[1..2]), Ok(None));
    assert_eq!(choose(&[], Some(&last("ach3")), &all), Ok(Some("ach3".into())));
    assert_eq!(choose(&named("ach3"), Some(&last("ach1")), &all), Ok(Some("ach3".into())));
    assert_eq!(choose(&reread, Some(&last("ach2")), &all), Ok(Some("ach1".into())));
    assert_eq!(choose(&reread, Some(&last("ach9")), &all), Ok(Some("ach1".into())));
    assert_eq!(choose(&reread, Some(&last("ach0")), &all), Ok(Some("ach1".into())));
    assert_eq!(choose(&[], None, &all[3..]), Ok(None));
    for (options, last, expected) in [
        (&named("ach2")[..], None, "is disabled"),
        (&named("ach9"), None, "no such webhook"),
        (&named("ach0"), None, "this webhook failed: INVALID_HOOK: name another"),
        (&[], Some(last("ach0")), "webhook ach0 failed: INVALID_HOOK"),
        (&[], Some(last("ach2")), "webhook ach2 is disabled"),
        (&[], Some(last("ach9")), "webhook ach9 was deleted"),
    ] {
        let error = choose(options, last.as_ref(), &all).expect_err("none");
        assert!(error.contains(expected), "{options:?}: {error}");
    }
}

fn planned(options: &[(&str, &str)]) -> (Scan, ReadOptions) {
    let table = json!({"id": "tblA", "name": "A", "primaryFieldId": "fldA",
        "fields": [{"id": "fldA", "name": "A", "type": "number"}]});
    let all = [("token", "patA"), ("ingestion_type", "cdc_with_deletes")].iter().chain(options).copied();
    let read = crate::options::Options::parse(all).expect("options").read;
    (Scan::new("appA", &serde_json::from_value(table).expect("a table"), &read).expect("a plan"), read)
}

#[test]
fn a_null_is_a_key_that_is_left_out() {
    let whole = json!({"id": "achA", "isHookEnabled": true, "cursorForNextPayload": 5, "notificationUrl": null,
        "expirationTime": "1970-01-08T00:00:00.000Z",
        "specification": {"options": {"filters": {"dataTypes": DATA_TYPES}}}});
    for (key, is_read, serves) in [
        ("isHookEnabled", true, true),
        ("notificationUrl", true, true),
        ("expirationTime", true, true),
        ("specification", true, false),
        ("id", false, false),
        ("cursorForNextPayload", false, false),
    ] {
        let (mut null, mut left_out) = (whole.clone(), whole.clone());
        null[key] = Value::Null;
        left_out.as_object_mut().expect("an object").remove(key);
        for listed in [null, left_out] {
            let webhook = Webhook::read(&listed);
            assert_eq!(webhook.unreadable().is_none(), is_read, "{listed}: {:?}", webhook.unreadable());
            assert_eq!(suitable(&[webhook], "tblA", Purpose::Records, 0).is_some(), serves, "{listed}");
        }
    }
}

#[test]
fn a_webhook_that_cannot_be_read_matters_only_to_who_means_it() {
    let good = webhook("ach9", &json!({}));
    let last = FeedPosition { webhook_id: "ach1".into(), next: 1, at: 0, after: None, parts: None, unread: None };
    for (listed, id, why) in [
        (json!(null), "", "its id is null, and not a text of letters and digits"),
        (json!("ach1"), "", "its id is null"),
        (json!(["ach1", true, 5]), "", "its id is null"),
        (json!({"cursorForNextPayload": 5}), "", "its id is null"),
        (json!({"id": 1, "cursorForNextPayload": 5}), "", "its id is 1"),
        (json!({"id": "../1", "cursorForNextPayload": 5}), "", "its id is \"../1\""),
        (json!({"id": "ach1"}), "ach1", "its cursorForNextPayload is null, and not the number of a payload"),
        (json!({"id": "ach1", "cursorForNextPayload": "5"}), "ach1", "its cursorForNextPayload is \"5\""),
        (json!({"id": "ach1", "cursorForNextPayload": -5}), "ach1", "its cursorForNextPayload is -5"),
        (json!({"id": "ach1", "cursorForNextPayload": 5.5}), "ach1", "its cursorForNextPayload is 5.5"),
        (json!({"id": "ach1", "cursorForNextPayload": [5]}), "ach1", "its cursorForNextPayload is [5]"),
        (
            json!({"id": "ach1", "cursorForNextPayload": 5, "isHookEnabled": "yes"}),
            "ach1",
            "its isHookEnabled is \"yes\"",
        ),
    ] {
        let odd = Webhook::read(&listed);
        assert_eq!(odd.id, id, "{listed}");
        assert!(odd.unreadable().is_some_and(|said| said.starts_with(why)), "{listed}: {:?}", odd.unreadable());
        let all = [odd, good.clone()];
        let choose = |options: &[(&str, &str)], last: Option<&FeedPosition>| {
            let (plan, options) = planned(options);
            let chosen = chosen(&all, &plan, &options, last, 0);
            chosen.map(|webhook| webhook.map(|webhook| webhook.id.clone())).map_err(|error| error.to_string())
        };
        assert_eq!(choose(&[], None), Ok(Some("ach9".into())), "{listed}");
        let reread = [("on_lost_feed", "reread"), ("state_location", "/state")];
        assert_eq!(choose(&reread, Some(&last)), Ok(Some("ach9".into())), "{listed}");
        let named = choose(&[("webhook_id", "ach1")], None).expect_err("the one that is named");
        let gone_on = choose(&[], Some(&last)).expect_err("the one of the checkpoint");
        assert!(gone_on.contains("changes are lost: webhook ach1 ") && gone_on.contains("on_lost_feed"), "{gone_on}");
        if id.is_empty() {
            assert!(named.contains("no such webhook; it has ach9:"), "{listed}: {named}");
            assert!(
                gone_on.contains(&format!("not in the list of webhooks, one of which cannot be read: {why}")),
                "{gone_on}"
            );
        } else {
            let said = format!("this webhook cannot be read: {why}");
            assert!(named.contains(&said) && named.contains("name another, or leave"), "{listed}: {named}");
            assert!(gone_on.contains(&format!("cannot be read: {why}")), "{listed}: {gone_on}");
        }
    }
}

#[test]
fn a_log_has_a_webhook_of_its_own() {
    let of = |id: &str, scope: Option<&str>, previous: bool| {
        let filters = json!({"dataTypes": DATA_TYPES, "recordChangeScope": scope});
        let mut webhook = webhook(id, &json!({}));
        webhook.specification =
            json!({"options": {"filters": filters, "includes": {"includePreviousCellValues": previous}}});
        webhook
    };
    let all = [
        of("ach1", None, false),
        of("ach2", Some("tblA"), false),
        of("ach3", None, true),
        of("ach4", Some("tblB"), true),
        of("ach6", Some("tblA"), true),
        of("ach5", Some("tblA"), true),
    ];
    let found =
        |webhooks: &[Webhook], purpose| suitable(webhooks, "tblA", purpose, 0).map(|webhook| webhook.id.clone());
    assert_eq!(found(&all, Purpose::Log).as_deref(), Some("ach5"));
    assert_eq!(found(&all[..4], Purpose::Log), None, "one of all tables is used where it is named");
    assert_eq!(found(&all, Purpose::Records).as_deref(), Some("ach2"));
    assert_eq!(found(&all[3..], Purpose::Records), None, "that of a log is left to logs");

    let choose = |options: &[(&str, &str)], last: Option<&str>| {
        let (plan, options) = planned(&[&[("ingestion_type", "change_log")], options].concat());
        let last = last.map(|id| FeedPosition {
            webhook_id: id.into(),
            next: 1,
            at: 0,
            after: None,
            parts: None,
            unread: None,
        });
        let chosen = chosen(&all, &plan, &options, last.as_ref(), 0);
        chosen.map(|webhook| webhook.map(|webhook| webhook.id.clone())).map_err(|error| error.to_string())
    };
    let named = |id| [("webhook_id", id)];
    assert_eq!(choose(&[], None), Ok(Some("ach5".into())));
    assert_eq!(choose(&[], Some("ach6")), Ok(Some("ach6".into())), "it goes on where it began");
    assert_eq!(choose(&named("ach3"), None), Ok(Some("ach3".into())));
    assert_eq!(choose(&named("ach3"), Some("ach3")), Ok(Some("ach3".into())));
    for (options, last, expected) in [
        (&named("ach1")[..], None, "its includePreviousCellValues is false, but true is needed"),
        (&named("ach4"), None, "its recordChangeScope is \"tblB\""),
        (&named("ach3"), Some("ach5"), "was begun by webhook ach5, and would go on by webhook ach3"),
        (&[], Some("ach9"), "webhook ach9 was deleted: nothing else tells what they were"),
    ] {
        let error = choose(options, last).expect_err("none");
        assert!(error.contains(expected), "{options:?}: {error}");
    }
}

#[test]
fn a_log_reads_what_a_webhook_told_before_its_end() {
    let expired = webhook("ach1", &json!({"expirationTime": "1970-01-01T00:00:00.000Z"}));
    let at = |next| FeedPosition { webhook_id: "ach1".into(), next, at: 0, after: None, parts: None, unread: None };
    for (mode, next, goes_on) in
        [("change_log", 4, true), ("change_log", 5, false), ("change_log", 6, false), ("cdc_with_deletes", 4, false)]
    {
        let (plan, options) = planned(&[("ingestion_type", mode)]);
        let chosen = chosen(std::slice::from_ref(&expired), &plan, &options, Some(&at(next)), 9);
        assert_eq!(chosen.is_ok(), goes_on, "{mode} {next}");
    }
    let odd = Webhook { unreadable: Some("odd".into()), ..expired };
    let (plan, options) = planned(&[("ingestion_type", "change_log")]);
    assert!(chosen(&[odd], &plan, &options, Some(&at(4)), 9).is_err());
}

//! Options in, typed values or a message out.

use std::time::Duration;

use super::*;
use crate::token::Token;

fn parse(pairs: &[(&str, &str)]) -> Result<Options> {
    let with_token = std::iter::once(("token", "patX")).chain(pairs.iter().copied());
    Options::parse(with_token.map(|(key, value)| (key, value.to_owned())))
}

fn parse_among(pairs: &[(&str, &str)]) -> Result<Options> {
    let with_token = std::iter::once(("token", "patX")).chain(pairs.iter().copied());
    Options::parse_among(Others::LetThrough, with_token.map(|(key, value)| (key, value.to_owned())))
}

fn message(pairs: &[(&str, &str)]) -> String {
    parse(pairs).expect_err("refused").to_string()
}

#[test]
fn defaults_are_those_of_the_table() {
    let Options { connection, read } = parse(&[]).expect("valid");
    assert_eq!(connection.base_url.as_str(), "https://api.airtable.com/");
    assert_eq!((connection.requests_per_second, connection.max_retries), (4.5, 8));
    assert_eq!(connection.timeout, Duration::from_secs(60));
    assert_eq!(read.rescued_data_column.as_deref(), Some("_rescued_data"));
    assert_eq!((read.page_size, read.lookback), (100, Duration::from_secs(60)));
    assert!(read.fields.is_none() && read.max_records.is_none() && !read.fail_on_bad_value);
}

#[test]
fn keys_have_no_case_and_the_token_three_names() {
    for key in ["TOKEN", "bearer_token", "Access_Token"] {
        let options = Options::parse([(key, "patY"), ("TABLENAME", "Vendors")]).expect("valid");
        assert_eq!(options.connection.token, Token::new("patY").expect("a token"));
        assert_eq!(options.read.table.as_deref(), Some("Vendors"));
    }
}

#[test]
fn the_table_has_two_names() {
    for key in ["tableName", "TABLENAME", "table_name", "Table_Name"] {
        let options = Options::parse([("token", "patX"), (key, "Vendors")]).expect("valid");
        assert_eq!(options.read.table.as_deref(), Some("Vendors"), "{key}");
        let options = Options::parse([("token", "patX"), (key, "https://airtable.com/appA/tblB/viwC")]).expect("valid");
        assert_eq!(
            (options.read.table.as_deref(), options.read.view.as_deref()),
            (Some("tblB"), Some("viwC")),
            "{key}"
        );
    }
}

#[test]
fn an_empty_condition_is_refused_and_other_empty_texts_are_none() {
    let said = "option where is empty: leave it out, or write a condition, such as price > 10";
    for key in ["where", "WHERE"] {
        for value in ["", " ", "\t\n"] {
            assert_eq!(message(&[(key, value)]), said);
            for others in [Others::Refused, Others::LetThrough] {
                let call = Options::parse_call(others, [("token", "patX"), ("where", "a > 1")], [(key, value)]);
                assert_eq!(call.expect_err("refused").to_string(), said);
            }
        }
    }
    for key in ["view", "filter_formula", "fields", "max_records", "part", "links", "namespace", "rescued_data_column"]
    {
        assert!(parse(&[(key, "")]).is_ok(), "{key}");
    }
}

#[test]
fn one_option_has_one_value_whatever_it_is_called() {
    for (pairs, said) in [
        ([("token", "patX"), ("bearer_token", "patY")], "options token and bearer_token are one option"),
        ([("access_token", "patX"), ("Bearer_Token", "patY")], "options Bearer_Token and access_token are one option"),
        ([("max_records", "2"), ("MAX_RECORDS", "3")], "options max_records and MAX_RECORDS are one option"),
        ([("TABLENAME", "Vendors"), ("tableName", " Vendors")], "options TABLENAME and tableName are one option"),
        ([("table_name", "Vendors"), ("tableName", "Orders")], "options tableName and table_name are one option"),
    ] {
        for others in [Others::Refused, Others::LetThrough] {
            let text = Options::parse_among(others, pairs).expect_err("refused").to_string();
            assert_eq!(text, format!("{said} with two values: give one of them"));
        }
    }
    for pairs in [
        [("token", "patX"), ("bearer_token", "patX")],
        [("token", "patX"), ("access_token", " ")],
        [("TOKEN", ""), ("token", "patX")],
        [("token", "patY"), ("token", "patX")],
    ] {
        let options = Options::parse(pairs).expect("valid");
        assert_eq!(options.connection.token, Token::new("patX").expect("a token"), "{pairs:?}");
    }
    assert!(message(&[("view", "A"), ("View", "B")]).contains("options view and View"));
}

#[test]
fn a_call_replaces_what_it_gives_by_any_name() {
    let call = |more: &[(&str, &str)]| {
        let pairs = [("token", "patX"), ("view", "Grid"), ("max_records", "2"), ("isDeleteFlow", "false")];
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let more: Vec<(String, String)> = more.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        Options::parse_call(Others::Refused, pairs, more).expect("valid")
    };
    assert_eq!(call(&[("Bearer_Token", "patY")]).connection.token, Token::new("patY").expect("a token"));
    assert_eq!(call(&[("bearer_token", "")]).connection.token, Token::new("patX").expect("a token"));
    let read = call(&[("VIEW", ""), ("max_records", "3")]).read;
    assert_eq!((read.view, read.max_records), (None, Some(3)));
    let read = call(&[("isdeleteflow", "true"), ("ingestion_type", "cdc_with_deletes")]).read;
    assert!(read.deletes_only && read.view.as_deref() == Some("Grid"));
}

#[test]
fn base_urls() {
    for (text, expected) in [
        ("api.airtable.com", "https://api.airtable.com/"),
        ("https://api.airtable.com/v0/", "https://api.airtable.com/"),
        ("https://proxy.example/airtable/v0", "https://proxy.example/airtable"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("http://[::1]:8080/v0", "http://[::1]:8080/"),
        ("http://localhost:1", "http://localhost:1/"),
    ] {
        let url = parse(&[("base_url", text), ("requests_per_second", "4")]).expect(text).connection.base_url;
        assert_eq!(url.as_str(), expected, "{text}");
    }
    for (text, hint) in [
        ("http://api.airtable.com", "plain http"),
        ("http://127.0.0.1.example.com", "plain http"),
        ("ftp://api.airtable.com", "an address"),
        ("https://", "an address"),
        ("https://user:pass@api.airtable.com", "user"),
        ("https://api.airtable.com?token=x", "query"),
    ] {
        assert!(message(&[("base_url", text)]).contains(hint), "{text}");
    }
}

#[test]
fn refused_values_say_what_is_taken() {
    for (key, value, hint) in [
        ("page_size", "101", "from 1 to 100"),
        ("page_size", "ten", "from 1 to 100"),
        ("max_records", "0", "from 1 up"),
        ("max_records", "1.5", "from 1 up"),
        ("max_records", "18446744073709551616", "from 1 to 18446744073709551615"),
        ("max_records_per_batch", "99999999999999999999", "from 1 to 18446744073709551615"),
        ("requests_per_second", "0", "from 0.01 to"),
        ("requests_per_second", "NaN", "from 0.01 to"),
        ("requests_per_second", "1e-25", "from 0.01 to"),
        ("requests_per_second", "6", "shuts it for everybody"),
        ("column_names", "camel", "one of snake, original, id"),
        ("on_bad_value", "ignore", "one of rescue, fail"),
        ("ingestion_type", "full", "snapshot, cdc, cdc_with_deletes, append"),
        ("namespace", "[\"a\",\"a\"]", "each base once"),
        ("namespace", "[\"a\",\"*\"]", "alone"),
        ("namespace", "[\"a\",\" \"]", "each base once"),
        ("fields", "[1]", "a JSON list of texts"),
        ("fields", ",", "a name between its commas"),
        ("fields", " , ,", "a name between its commas"),
        ("base_id", "tblX", "begins with app"),
        ("base_id", "app/../meta", "begins with app"),
        ("timeout_seconds", "-1", "from 0.001 to"),
    ] {
        let text = message(&[(key, value)]);
        assert!(text.contains(&format!("option {key} is {value:?}")) && text.contains(hint), "{text}");
    }
}

#[test]
fn airtable_grants_five_a_second_under_every_name() {
    for base_url in ["https://api.airtable.com.", "API.AIRTABLE.COM:443", "https://content.airtable.com"] {
        let text = message(&[("base_url", base_url), ("requests_per_second", "5.1")]);
        assert!(text.contains("Airtable grants no more"), "{base_url}: {text}");
        assert!(parse(&[("base_url", base_url), ("requests_per_second", "5")]).is_ok(), "{base_url}");
    }
    assert!(parse(&[("base_url", "https://proxy.example"), ("requests_per_second", "50")]).is_ok());
}

#[test]
fn near_misses_are_errors_and_foreign_keys_are_not() {
    assert_eq!(message(&[("filter_formulas", "1")]), "unknown option filter_formulas: did you mean filter_formula?");
    assert!(message(&[("baseid", "appX")]).contains("did you mean base_id?"));
    assert!(message(&[("tabel_name", "x")]).contains("did you mean tableName?"));
    for key in ["sourceName", "databricks.connection", "externalOptionsAllowList", "spark.anything", "path"] {
        assert!(parse_among(&[(key, "x")]).is_ok(), "{key}");
        assert!(message(&[(key, "x")]).contains(&format!("unknown option {key}: the nearest is ")), "{key}");
    }
    assert!(parse(&[("isDeleteFlow", "false")]).is_ok() && parse_among(&[("isDeleteFlow", "false")]).is_ok());
    for (key, said) in [
        ("LIMIT", "unknown option LIMIT: this source calls it max_records"),
        ("dbtable", "unknown option dbtable: this source calls it tableName"),
        ("baseid", "unknown option baseid: did you mean base_id?"),
        ("sort", "unknown option sort: it has no counterpart here: "),
    ] {
        let among = parse_among(&[(key, "x")]).expect_err("refused").to_string();
        assert!(among.starts_with(said) && message(&[(key, "x")]) == among, "{among}");
    }
}

#[test]
fn a_missing_token_says_what_to_check() {
    let none: [(&str, &str); 0] = [];
    let text = Options::parse(none).expect_err("refused").to_string();
    assert!(text.contains("bearer_token"), "{text}");
    let text = Options::parse_among(Others::LetThrough, [("databricks.connection", "airtable")])
        .expect_err("refused")
        .to_string();
    assert!(text.contains("connectionDfOptionInjection") && text.contains("externalOptionsAllowList"), "{text}");
    let text = Options::parse([("token", "pat\u{e9}")]).expect_err("refused").to_string();
    assert!(!text.contains("pat\u{e9}"), "{text}");
}

#[test]
fn lists_come_as_json_or_with_commas() {
    let fields = |text| parse(&[("fields", text)]).expect("valid").read.fields.map(|fields| fields.names);
    assert_eq!(fields("[\"A, b\",\"C\"]"), Some(vec!["A, b".into(), "C".into()]));
    assert_eq!(fields("A, C ,"), Some(vec!["A".into(), " C ".into()]));
    assert_eq!(fields(" [\"A \"]"), Some(vec!["A ".into()]));
    assert_eq!((fields(" all "), fields("  ")), (None, None));
    assert_eq!(fields("all"), None);
    let namespace = |text| parse(&[("namespace", text)]).expect("valid").read.namespace;
    assert_eq!(namespace("[\"appX\"]"), Some("appX".into()));
    for none in ["[]", " [ ] ", ""] {
        assert_eq!(namespace(none), None, "{none:?}");
    }
    assert_eq!(namespace("Launch, 2025"), Some("Launch, 2025".into()));
    assert_eq!(namespace(" Launch "), Some(" Launch ".into()));
}

#[test]
fn names_are_kept_as_they_are_written() {
    let read = parse(&[("tableName", "Good "), ("view", "\u{a0}All")]).expect("valid").read;
    assert_eq!((read.table.as_deref(), read.view.as_deref()), (Some("Good "), Some("\u{a0}All")));
    let read = parse(&[("tableName", "  "), ("view", "")]).expect("valid").read;
    assert_eq!((read.table.as_deref(), read.view), (Some("  "), None));
    let Options { connection, read } = parse(&[("base_id", " appX "), ("webhook_id", " achX ")]).expect("valid");
    assert_eq!((connection.base_id.as_deref(), read.webhook_id.as_deref()), (Some("appX"), Some("achX")));
}

#[test]
fn an_empty_value_is_none_but_for_the_rescued_column() {
    let read = parse(&[("max_records", ""), ("rescued_data_column", "")]).expect("valid").read;
    assert!(read.max_records.is_none() && read.rescued_data_column.is_none());
}

#[test]
fn a_token_in_the_wrong_place_is_not_quoted() {
    for key in ["base_id", "page_size", "on_bad_value", "base_url"] {
        let text = message(&[(key, "patABCDEFGHIJKLMN.0123456789abcdef:x")]);
        assert!(text.contains(key) && !text.contains("ABCDEF"), "{text}");
    }
    assert!(!message(&[("base_url", "https://u:secret@h:99999")]).contains("secret"));
}

#[test]
fn of_several_tokens_of_a_connection_the_first_name_counts_in_any_order() {
    for (order, first) in [
        (["access_token", "bearer_token"], "bearer_token"),
        (["bearer_token", "access_token"], "bearer_token"),
        (["bearer_token", "token"], "token"),
    ] {
        let pairs = order.map(|key| (key, &key[..5])).into_iter().chain([("databricks.connection", "airtable")]);
        let options = Options::parse_among(Others::LetThrough, pairs).expect("valid");
        assert_eq!(options.connection.token, Token::new(&first[..5]).expect("a token"));
    }
}

#[test]
fn a_lost_feed_is_read_again_only_with_a_place_for_what_that_needs() {
    let feed = ("ingestion_type", "cdc_with_deletes");
    let again = ("on_lost_feed", "reread");
    let read = parse(&[feed, again, ("state_location", "/Volumes/a")]).expect("valid").read;
    assert!(read.reread_when_lost && !read.deletes_only);
    assert!(message(&[feed, again]).contains("state_location is missing"));
    assert!(message(&[feed, again, ("state_location", "here")]).contains("absolute path"));
    assert!(message(&[feed, again, ("state_location", "/a"), ("isDeleteFlow", "true")]).contains("isDeleteFlow"));
}

#[test]
fn what_a_new_field_does_to_a_stream_is_a_matter_of_its_type() {
    let (go_on, fail) = (SchemaChange::Continue, SchemaChange::Fail);
    for (kind, given, expected) in [
        ("cdc", "", go_on),
        ("append", "", go_on),
        ("cdc_with_deletes", "", fail),
        ("cdc", "fail", fail),
        ("append", "FAIL", fail),
        ("cdc_with_deletes", "continue", go_on),
    ] {
        let read = parse(&[("ingestion_type", kind), ("schema_change", given)]).expect("valid").read;
        assert_eq!(read.schema_change, expected, "{kind} {given}");
    }
    assert!(message(&[("schema_change", "ignore")]).contains("one of continue, fail"));
}

#[test]
fn deletes_alone_need_a_feed() {
    assert!(
        parse(&[("isDeleteFlow", "TRUE"), ("ingestion_type", "cdc_with_deletes")]).expect("valid").read.deletes_only
    );
    assert!(!parse(&[("isDeleteFlow", "false")]).expect("valid").read.deletes_only);
    assert!(message(&[("isdeleteflow", "true"), ("ingestion_type", "cdc")]).contains("only cdc_with_deletes"));
}

#[test]
fn a_plan_is_one_of_four() {
    let plan = |text| parse(&[("airtable_plan", text)]).expect("valid").connection.airtable_plan;
    assert_eq!(plan("free"), Some(Plan::Free));
    assert_eq!(plan(" Team"), Some(Plan::Team));
    assert_eq!(plan("ENTERPRISE"), Some(Plan::Enterprise));
    assert_eq!((plan(""), parse(&[]).expect("valid").connection.airtable_plan), (None, None));
    for unknown in ["pro", "teams", "free plan"] {
        let text = message(&[("airtable_plan", unknown)]);
        assert!(text.contains("one of free, team, business, enterprise"), "{text}");
    }
    assert!(message(&[("plan", "team")]).contains("airtable_plan"));
}

#[test]
fn a_place_of_all_machines_is_an_absolute_path() {
    let place = |given: &[(&str, &str)]| parse(given).expect("valid").connection.budget_location;
    assert_eq!(place(&[("budget_location", " /Volumes/a ")]), Some("/Volumes/a".into()));
    assert_eq!((place(&[]), place(&[("budget_location", "")])), (None, None));
    for relative in ["here", "./a", "dbfs:/a"] {
        let text = message(&[("budget_location", relative)]);
        assert!(text.contains("absolute path, the same on all machines"), "{text}");
    }
}

#[test]
fn the_table_says_what_an_option_is_about() {
    let of = |scope: Scope| OPTIONS.iter().filter(|row| row.scope == scope).map(|row| row.name).collect::<Vec<_>>();
    let connection =
        ["token", "base_id", "base_url", "requests_per_second", "budget_location", "max_retries", "timeout_seconds"];
    let oauth = ["refresh_token", "client_id", "client_secret"];
    assert_eq!(of(Scope::Connection), [&connection[..], &oauth].concat());
    assert_eq!(of(Scope::Tables), ["namespace", "airtable_plan"]);
    let stream = ["max_records_per_batch", "poll_seconds", "lookback_seconds", "webhook_id"];
    let lost = ["on_lost_feed", "schema_change", "state_location"];
    assert_eq!(of(Scope::Stream), [&stream[..], &lost].concat());
    assert!(Scope::Connection < Scope::Tables && Scope::Tables < Scope::Read && Scope::Read < Scope::Stream);
    // Only a connection's options come from the environment, and what its workspace pays for: a read says itself what it
    // reads.
    for row in OPTIONS.iter().filter(|row| !row.variable.is_empty()) {
        let name = row.name.trim_start_matches("airtable_");
        assert_eq!(row.variable, format!("AIRTABLE_{}", name.to_uppercase()));
        assert!(row.scope == Scope::Connection || row.name == "airtable_plan", "{}", row.name);
    }
    assert!(!OPTIONS[0].is_shown, "the token");
}

#[test]
fn what_renews_a_token_is_given_whole_and_never_shown() {
    let renewal = |pairs: &[(&str, &str)]| parse(pairs).expect("valid").connection.renewal;
    let (refresh, id, secret) = (("refresh_token", "oarR"), ("client_id", "me"), ("client_secret", "sesame"));
    let whole = renewal(&[refresh, id, secret]).expect("given");
    assert_eq!((&whole.client_id[..], whole.client_secret.clone()), ("me", Token::new("sesame")));
    let shown = format!("{whole:?}");
    assert!(!shown.contains("oarR") && !shown.contains("sesame"), "{shown}");
    assert_eq!(renewal(&[("Refresh_Token", " oarR "), id]).expect("given").client_secret, None);
    // A connection of Unity Catalog's holds the client and renews the token itself.
    assert_eq!(renewal(&[id, secret]), None);
    assert!(message(&[refresh, secret]).contains("option client_id is missing"));
    let text = message(&[id, ("refresh_token", "oar R")]);
    assert!(text.contains("option refresh_token holds characters") && !text.contains("oar R"), "{text}");
}

#[test]
fn a_calls_token_is_not_renewed_with_what_belongs_to_another() {
    let call = |more: &[(&'static str, &'static str)]| {
        let own = [("token", "oaaX"), ("refresh_token", "oarX"), ("client_id", "me")];
        Options::parse_call(Others::Refused, own, more.iter().copied()).expect("valid").connection.renewal
    };
    assert!(call(&[]).is_some() && call(&[("view", "Grid")]).is_some());
    assert!(call(&[("token", "oaaY")]).is_none() && call(&[("access_token", "oaaY")]).is_none());
    let other = call(&[("token", "oaaY"), ("refresh_token", "oarY"), ("client_id", "you")]).expect("given");
    assert_eq!((&other.client_id[..], other.client_secret), ("you", None));
}

#[test]
fn a_token_is_taken_without_what_was_copied_with_it() {
    for text in [
        "patA.b",
        "\"patA.b\"",
        "'patA.b'",
        "`patA.b`",
        "Bearer patA.b",
        "bearer  patA.b",
        "\"Bearer patA.b\"",
        "Bearer \"patA.b\"",
        "Authorization: Bearer patA.b",
    ] {
        let token = Options::parse([("token", text)]).expect(text).connection.token;
        assert_eq!(token, Options::parse([("token", "patA.b")]).expect("a token").connection.token, "{text}");
    }
    for text in ["patA b", "\"\"", "Bearer \"\""] {
        assert!(Options::parse([("token", text)]).is_err(), "{text}");
    }
}

#[test]
fn several_bases_are_named_by_a_list_or_are_all_of_them() {
    let read = |text| parse(&[("namespace", text)]).expect("valid").read;
    for (text, bases) in [
        ("[\"appX\", \"Spring, 2025\"]", &["appX", "Spring, 2025"][..]),
        ("[\"*\"]", &["*"]),
        ("*", &["*"]),
        ("[\"https://airtable.com/appX/tblY\",\"appZ\"]", &["appX", "appZ"]),
        ("[\"appX\"]", &[]),
    ] {
        let read = read(text);
        assert_eq!(read.bases, bases, "{text}");
        assert_eq!(read.namespace.is_some(), bases.is_empty(), "{text}");
    }
}

#[test]
fn several_bases_are_no_one_base_and_have_no_stream() {
    let several = ("namespace", "[\"appX\",\"appY\"]");
    for (other, expected) in [
        (("base_id", "appX"), "option base_id fixes appX"),
        (("ingestion_type", "cdc"), "ingestion_type is cdc"),
        (("ingestion_type", "append"), "read as snapshots only"),
    ] {
        let error = parse(&[several, other]).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(parse(&[several, ("ingestion_type", "snapshot")]).is_ok());
}

#[test]
fn files_are_stored_where_somebody_says_and_parts_have_no_streams() {
    let (download, place) = (("attachments", "download"), ("attachment_location", "/Volumes/a/b/c"));
    let read = parse(&[download, place, ("part", "Attachments")]).expect("valid").read;
    assert_eq!((read.attachments, read.part), (Attachments::Download, TablePart::Attachments));
    assert_eq!(read.attachment_location.as_deref(), Some("/Volumes/a/b/c"));
    assert_eq!(parse(&[]).expect("valid").read.attachments, Attachments::Urls);
    for (pairs, expected) in [
        (&[download][..], "option attachment_location is missing"),
        (&[place], "option attachment_location is for attachments=download, and option attachments is urls"),
        (&[place, ("attachments", "stable")], "and option attachments is stable"),
        (&[download, ("attachment_location", "files")], "it takes an absolute path"),
        (&[("attachments", "no")], "one of urls, stable, download"),
        (&[("part", "files")], "one of records, links, attachments"),
        (&[("part", "attachments"), ("ingestion_type", "cdc")], "parts are read as snapshots only"),
        (&[("part", "attachments"), ("ingestion_type", "append")], "and ingestion_type is append"),
        (&[("part", "comments"), ("fields", "A")], "option fields chooses columns of records"),
        (
            &[("part", "links"), ("max_records", "5"), ("namespace", "[\"appX\",\"appY\"]")],
            "option max_records counts records",
        ),
    ] {
        let text = message(pairs);
        assert!(text.starts_with("option ") && text.contains(expected), "{text}");
    }
}

#[test]
fn a_log_of_changes_refuses_what_it_cannot_do() {
    let log = ("ingestion_type", "change_log");
    for (option, expected) in [
        (("view", "Grid"), "option view is given, and ingestion_type is change_log: Airtable tells"),
        (("tableName", "https://airtable.com/appX/tblY/viwZ"), "the web address of a table may name one"),
        (("filter_formula", "{A}"), "option filter_formula is given"),
        (("attachments", "stable"), "option attachments is given, and ingestion_type is change_log"),
        (("links", "names"), "option links is names, and ingestion_type is change_log"),
        (("part", "links"), "option part is links, and ingestion_type is change_log"),
        (("max_records", "5"), "max_records_per_batch bounds its batches"),
        (("on_lost_feed", "reread"), "cannot be read again"),
        (("schema_change", "fail"), "option schema_change is given"),
        (("isDeleteFlow", "true"), "only cdc_with_deletes knows of deletes"),
        (("namespace", "[\"appX\",\"appY\"]"), "ingestion_type is change_log"),
    ] {
        let text = message(&[log, option]);
        assert!(text.contains(expected), "{option:?}: {text}");
    }
    // What has no effect on a log may be given for all reads of a connection.
    for option in [
        ("fields", "A"),
        ("column_names", "id"),
        ("nested", "json"),
        ("rescued_data_column", ""),
        ("on_bad_value", "fail"),
        ("schema_change", "continue"),
        ("on_lost_feed", "fail"),
        ("webhook_id", "achX"),
        ("max_records_per_batch", "5"),
    ] {
        assert!(parse(&[log, option]).is_ok(), "{option:?}");
    }
}

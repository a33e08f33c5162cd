//! Every answer that is no page, and what becomes of it.

use super::*;

#[test]
fn four_shapes_and_none() {
    let body = |kind: &str, message: &str| ErrorBody { kind: kind.into(), message: message.into() };
    for (text, expected) in [
        (r#"{"error":{"type":"INVALID_FILTER_BY_FORMULA","message":"m"}}"#, body("INVALID_FILTER_BY_FORMULA", "m")),
        (r#"{"error":{"type":"NOT_FOUND"}}"#, body("NOT_FOUND", "")),
        (r#"{"error":"NOT_FOUND"}"#, body("NOT_FOUND", "")),
        (r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"m"}]}"#, body("RATE_LIMIT_REACHED", "m")),
        (r#"{"errors":[{"type":"X","message":7}]}"#, body("X", "")),
        (r#"{"error":null}"#, body("", "")),
        (r#"{"errors":[]}"#, body("", "")),
        ("<html>502</html>", body("", "")),
        ("[1]", body("", "")),
        ("", body("", "")),
    ] {
        assert_eq!(ErrorBody::parse(text.as_bytes()), expected, "{text}");
    }
}

fn status(status: u16, kind: &str) -> Failure {
    Failure::Status { status, kind: kind.into(), message: "words".into(), retry_after: None, reason: Reason::Told }
}

#[test]
fn a_refusal_without_its_reason_is_told_from_one_with_it() {
    let told = [
        (422, r#"{"error":{"type":"INVALID_REQUEST_UNKNOWN","message":"m"}}"#),
        (422, r#"{"error":"NOT_FOUND"}"#),
        (422, r#"{"errors":[{"error":"X"}]}"#),
        (401, r#"{"error":{"type":"AUTHENTICATION_REQUIRED"}}"#),
        (404, r#"{"error":"NOT_FOUND"}"#),
        (413, "too large"),
        (414, ""),
        (302, ""),
        (501, "<html></html>"),
    ];
    let unsigned = [
        (401, ""),
        (403, ""),
        (404, ""),
        (403, "<html>blocked</html>"),
        (404, "null"),
        (404, r#""x""#),
        (401, "[1]"),
        (403, "{}"),
        (403, r#"{"message":"blocked"}"#),
        (410, ""),
    ];
    let lost = [
        (422, r#"{"error":{"type":"LIST_RECORDS_ITERA"#),
        (422, "<html>blocked</html>"),
        (422, ""),
        (400, ""),
        (422, "null"),
        (422, r#""x""#),
        (422, "7"),
        (400, "[]"),
        (422, "{}"),
        (422, r#"{"error":null}"#),
        (422, r#"{"error":{}}"#),
        (400, r#"{"detail":"blocked"}"#),
        (403, r#"{"error":{"type":"INVALID_PERM"#),
        (404, r#"{"error":"NOT_"#),
    ];
    for (expected, answers) in [(Reason::Told, &told[..]), (Reason::Unsigned, &unsigned), (Reason::Lost, &lost)] {
        for (status, body) in answers {
            let failure = Failure::from_answer(*status, body.as_bytes(), None);
            assert!(
                matches!(&failure, Failure::Status { reason, .. } if *reason == expected),
                "{status} {body}: {failure:?}"
            );
        }
    }
}

#[test]
fn a_cursor_that_the_server_does_not_know_is_expired() {
    for (kind, is_expired) in [
        ("LIST_RECORDS_ITERATOR_NOT_AVAILABLE", true),
        ("INVALID_OFFSET_VALUE", true),
        ("INVALID_FILTER_BY_FORMULA", false),
        ("", false),
    ] {
        assert_eq!(status(422, kind).is_expired_cursor(), is_expired, "{kind}");
        assert!(!status(400, kind).is_expired_cursor(), "{kind}");
    }
}

#[test]
fn every_answer_has_its_error() {
    let variant = |failure| match from_failure("GET https://x/v0/app", Purpose::Records, &failure) {
        Error::Option(_) => "option",
        Error::Auth(_) => "auth",
        Error::NotFound(_) => "not found",
        Error::RateLimit(_) => "rate limit",
        Error::Rejected(_) => "rejected",
        Error::Transport(_) => "transport",
        Error::Data(_) => "data",
    };
    for (code, kind, expected) in [
        (302, "", "rejected"),
        (400, "", "rejected"),
        (401, "AUTHENTICATION_REQUIRED", "auth"),
        (402, "", "rejected"),
        (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "auth"),
        (404, "NOT_FOUND", "not found"),
        (413, "", "rejected"),
        (422, "VIEW_NAME_NOT_FOUND", "not found"),
        (422, "UNKNOWN_FIELD_NAME", "not found"),
        (422, "INVALID_FILTER_BY_FORMULA", "rejected"),
        (422, "A_KIND_OF_NEXT_YEAR", "rejected"),
        (429, "RATE_LIMIT_REACHED", "rate limit"),
        (429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "rate limit"),
        (408, "", "transport"),
        (425, "", "transport"),
        (500, "", "transport"),
        (501, "", "transport"),
        (503, "RETRIABLE_ERROR", "transport"),
    ] {
        assert_eq!(variant(status(code, kind)), expected, "{code} {kind}");
    }
    for body in ["{\"error\":", "null", "\"x\"", ""] {
        for (status, expected) in
            [(401, "auth"), (403, "auth"), (404, "not found"), (400, "transport"), (422, "transport")]
        {
            assert_eq!(variant(Failure::from_answer(status, body.as_bytes(), None)), expected, "{status} {body}");
        }
    }
    assert_eq!(variant(Failure::Connect { cause: "refused".into(), proxy: None, reached_before: false }), "transport");
    assert_eq!(variant(Failure::Broken { cause: "eof".into() }), "transport");
    assert_eq!(variant(Failure::Timeout { limit: std::time::Duration::from_secs(60) }), "transport");
    assert_eq!(variant(Failure::TooLarge { limit_bytes: 1 << 27 }), "data");
    assert_eq!(variant(Failure::NotJson { start: "<html>".into() }), "data");
}

#[test]
fn a_proxy_is_named_where_there_is_one() {
    let connect = |proxy| Failure::Connect { cause: "refused".into(), proxy, reached_before: false };
    let said = |proxy| from_failure("GET https://x/v0", Purpose::Records, &connect(proxy)).to_string();
    let text = said(None);
    assert!(text.starts_with("GET https://x/v0: cannot connect: refused: check base_url, DNS"), "{text}");
    assert!(!text.to_lowercase().contains("proxy"), "{text}");
    let text = said(Some(Proxy::named("proxy.corp", 3128, Some("https_proxy"))));
    let expected = "GET https://x/v0: cannot connect by proxy.corp:3128, the proxy of https_proxy: refused: check that";
    assert!(text.starts_with(expected) && text.contains("NO_PROXY"), "{text}");
}

#[test]
fn a_certificate_that_is_refused_comes_with_what_helps() {
    for (cause, helps) in [
        ("invalid peer certificate: certificate expired: verification time 1 (UNIX)", "check the date of this machine"),
        ("invalid peer certificate: certificate not valid yet: verification", "check the date of this machine"),
        ("invalid peer certificate: certificate not valid for name \"x\"", "check base_url; where it is right"),
        ("invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
    ] {
        for proxy in [None, Some(Proxy::named("proxy.corp", 3128, None))] {
            let failure = Failure::Connect { cause: cause.into(), proxy, reached_before: false };
            let text = from_failure("GET https://x/v0", Purpose::Records, &failure).to_string();
            assert!(text.contains(helps) && !text.contains("NO_PROXY"), "{text}");
        }
    }
}

#[test]
fn what_is_too_large_or_too_slow_is_told_by_what_it_is() {
    let large = Failure::TooLarge { limit_bytes: 1 << 27 };
    let slow = Failure::Timeout { limit: Duration::from_secs(60) };
    for (purpose, hint) in [
        (Purpose::Records, "lower page_size"),
        (Purpose::Schema, "split the base"),
        (Purpose::Bases, "give base_id"),
        (Purpose::Webhooks, "read the table anew"),
        (Purpose::NewWebhook, "read the table anew"),
    ] {
        let text = from_failure("GET https://x/v0", purpose, &large).to_string();
        assert!(text.contains("larger than 128 MiB: ") && text.contains(hint), "{text}");
        for failure in [&large, &slow] {
            let text = from_failure("GET https://x/v0", purpose, failure).to_string();
            assert_eq!(text.contains("page_size"), purpose == Purpose::Records, "{text}");
        }
    }
}

#[test]
fn a_token_that_is_not_accepted_may_be_of_oauth() {
    let text =
        from_failure("GET https://x/v0/app", Purpose::Records, &status(401, "AUTHENTICATION_REQUIRED")).to_string();
    assert!(
        text.contains("neither revoked nor expired") && text.contains("OAuth access token lasts 60 minutes"),
        "{text}"
    );
}

#[test]
fn a_message_names_the_request_the_answer_and_the_cure() {
    let error = from_failure("GET https://x/v0/app", Purpose::Schema, &status(403, "INVALID_PERMISSIONS"));
    let text = error.to_string();
    assert!(text.starts_with("GET https://x/v0/app: 403 INVALID_PERMISSIONS words: "), "{text}");
    assert!(text.contains("schema.bases:read") && !text.contains('\n'), "{text}");
}

#[test]
fn a_full_stop_of_the_service_does_not_end_the_sentence() {
    for (said, shown) in [("One. Two.", "422 K One. Two: "), ("Two", "422 K Two: "), ("Wait...", "422 K Wait: ")] {
        let body = format!(r#"{{"error": {{"type": "K", "message": "{said}"}}}}"#);
        let failure = Failure::from_answer(422, body.as_bytes(), None);
        let text = from_failure("GET https://x/v0/app", Purpose::Records, &failure).to_string();
        assert!(text.contains(shown), "{text}");
    }
}

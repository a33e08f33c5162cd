//! Access tokens that expire, over real sockets: a read that outlasts the hour goes on with a new one, and what is said where
//! there is none.

use airtable_mock::{Grant, OAuthTokens};
use lakeflow_airtable::{AirtableConnector, Error, LakeflowConnect, Options, Result};
use serde_json::json;

use crate::source::{Source, rows};

const SECRETS: [&str; 3] = ["oaaMock", "oarMock", "aSecretOfThree"];

/// A mock, and an integration of it that a person has authorized.
struct Authorized {
    source: Source,
    tokens: OAuthTokens,
}

impl Authorized {
    fn new() -> Self {
        let source = Source::with_items(250);
        let tokens = source.mock.authorize("me", Some("aSecretOfThree"), Grant::default());
        Self { source, tokens }
    }

    /// Options with what the integration was given, with others over them.
    fn options(&self, more: &[(&str, &str)]) -> Options {
        let mut all = vec![
            ("token", &self.tokens.access_token[..]),
            ("refresh_token", &self.tokens.refresh_token),
            ("client_id", "me"),
            ("client_secret", "aSecretOfThree"),
        ];
        all.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        self.source.options(&[&all[..], more].concat())
    }

    async fn read(&self, more: &[(&str, &str)]) -> Result<usize> {
        self.read_by(self.options(more), || ()).await
    }

    /// Reads the table; something happens between the plan and the first page.
    async fn read_by(&self, options: Options, after_the_plan: impl FnOnce()) -> Result<usize> {
        let connector = AirtableConnector::new(options.connection)?;
        let mut batches = connector.read(connector.plan(&options.read).await?);
        after_the_plan();
        let mut all = Vec::new();
        while let Some(batch) = batches.next().await {
            all.push(batch?);
        }
        Ok(rows(&all))
    }

    fn an_hour_passes(&self) {
        self.source.mock.advance_clock(3_601.0);
    }

    fn renewals(&self) -> u64 {
        self.source.mock.request_counts().get("oauth_token").copied().unwrap_or_default()
    }
}

fn checked(error: &Error, expected: &str) {
    let text = error.to_string();
    assert!(matches!(error, Error::Auth(_)) && text.contains(expected), "{text}");
    assert!(!text.contains('\n') && SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
}

#[tokio::test]
async fn a_read_that_outlasts_the_hour_gets_a_new_token() {
    let authorized = Authorized::new();
    let options = authorized.options(&[("page_size", "10")]);
    let read = authorized.read_by(options, || authorized.an_hour_passes()).await.expect("a whole read");
    assert_eq!((read, authorized.renewals()), (250, 1));
}

#[tokio::test]
async fn a_process_renews_once_for_all_its_reads_and_again_after_another_hour() {
    let authorized = Authorized::new();
    for renewals in 1..=3 {
        authorized.an_hour_passes();
        let (one, other) = tokio::join!(authorized.read(&[]), authorized.read(&[("page_size", "10")]));
        assert_eq!((one.expect("a read"), other.expect("a read")), (250, 250));
        assert_eq!(authorized.renewals(), renewals, "rotated, so that the first refresh token would not serve twice");
    }
}

#[tokio::test]
async fn an_integration_without_a_secret_is_named_in_the_body() {
    let mut authorized = Authorized::new();
    authorized.tokens = authorized.source.mock.authorize("public", None, Grant::default());
    authorized.an_hour_passes();
    let read = authorized.read(&[("client_id", "public"), ("client_secret", "")]).await;
    assert_eq!(read.expect("a read"), 250);
}

#[tokio::test]
async fn a_read_that_is_dropped_loses_no_refresh_token() {
    let authorized = Authorized::new();
    authorized.an_hour_passes();
    authorized.source.faults(json!({"rules": [{"path": "/oauth2/", "times": 1, "action": {"delay": {"ms": 300}}}]}));
    let options = authorized.options(&[]);
    let connector = AirtableConnector::new(options.connection).expect("a connector");
    let dropped = tokio::time::timeout(std::time::Duration::from_millis(150), connector.plan(&options.read)).await;
    assert!(dropped.is_err(), "dropped while the renewal is under way");
    assert_eq!((authorized.read(&[]).await.expect("a read"), authorized.renewals()), (250, 1));
}

#[tokio::test]
async fn without_anything_to_renew_it_with_the_error_says_what_happened() {
    let authorized = Authorized::new();
    let none = [("refresh_token", ""), ("client_id", ""), ("client_secret", ""), ("page_size", "10")];
    let read = authorized.read_by(authorized.options(&none), || authorized.an_hour_passes()).await;
    checked(&read.expect_err("expired"), "the access token has expired: OAuth access tokens last 60 minutes");
    // One that was never good may be wrong in other ways.
    checked(&authorized.read(&none).await.expect_err("refused"), "check that it is complete");
    let source = &authorized.source;
    source.mock.add_token("patB", Grant::default());
    let options = source.options(&[("token", "patB"), ("page_size", "10")]);
    let read = authorized.read_by(options, || source.mock.remove_token("patB")).await;
    checked(&read.expect_err("revoked"), "it was revoked or deleted");
}

#[tokio::test]
async fn what_the_token_endpoint_refuses_is_said_with_its_cure() {
    for (more, expected) in [
        (("refresh_token", "used elsewhere"), "400 invalid_grant: the refresh token has been used"),
        (("client_secret", "another"), "401 invalid_client: Airtable knows no such client"),
        (("client_id", "you"), "401 invalid_client: Airtable knows no such client"),
    ] {
        let mut authorized = Authorized::new();
        authorized.an_hour_passes();
        let mut more = vec![more];
        if more[0].0 == "refresh_token" {
            // By another process, which knows nothing of this one.
            authorized.tokens.refresh_token = "oarMockRefresh.v1.0".into();
            more.clear();
        }
        checked(&authorized.read(&more).await.expect_err("refused"), expected);
        checked(&authorized.read(&more).await.expect_err("refused"), expected);
        assert_eq!(authorized.renewals(), 1, "what is refused for good is not asked again");
    }
}

#[tokio::test]
async fn a_renewal_whose_answer_is_lost_is_not_taken_for_one_that_was_never_made() {
    let authorized = Authorized::new();
    authorized.an_hour_passes();
    let path = "/oauth2/";
    authorized.source.faults(json!({"rules": [{"path": path, "times": 1, "action": {"truncate": {"bytes": 9}}}]}));
    let error = authorized.read(&[]).await.expect_err("the new pair is lost");
    checked(&error, "the answer to an earlier attempt was lost");
}

#[tokio::test]
async fn passing_faults_of_the_token_endpoint_are_got_over_and_a_proxys_401_spends_nothing() {
    for action in [json!("bad_gateway"), json!({"respond": {"status": 503}})] {
        let authorized = Authorized::new();
        authorized.an_hour_passes();
        authorized.source.faults(json!({"rules": [{"path": "/oauth2/", "times": 1, "action": action}]}));
        assert_eq!(authorized.read(&[]).await.expect("a read"), 250, "{action}");
    }
    let authorized = Authorized::new();
    authorized.source.faults(json!({"rules": [{"path": "/tbl", "times": 1, "action": {"respond": {"status": 401}}}]}));
    assert_eq!((authorized.read(&[]).await.expect("a read"), authorized.renewals()), (250, 0));
}

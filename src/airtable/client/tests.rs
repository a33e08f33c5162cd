use super::*;
use crate::airtable::pace::Turn;
use crate::options::Options;

/// A client that nobody else shares a budget with, and that has sent nothing.
fn client() -> Client {
    let token = format!("patTest.{:016x}", fastrand::u64(..));
    let given = [("token", token.as_str()), ("base_id", "appTest"), ("base_url", "http://127.0.0.1:9")];
    let given = given.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Client::new(Options::parse(given).expect("valid options").connection).expect("a client")
}

#[tokio::test]
async fn a_request_that_waits_for_the_token_has_not_gone_to_the_base_yet() {
    let client = client();
    let base = client.base(Some(&format!("app{:016x}", fastrand::u64(..))));
    client.token_budget.block(Duration::from_secs(300));
    let slot = tokio::time::timeout(
        Duration::from_millis(20),
        Departure::new(base.clone(), client.token_budget.clone(), false, Tally::unread()).wait(),
    )
    .await;
    assert!(slot.is_err(), "it waits");
    assert!(matches!(base.budget.reserve(), Turn::Go(_)), "the first slot is still free");
}

#[tokio::test]
async fn a_process_that_does_not_go_on_is_waited_for_no_longer_than_is_said() {
    let client = client();
    let base = format!("app{:016x}", fastrand::u64(..));
    let held = client.alone_within(&base, "test", Duration::from_secs(5)).await;
    assert!(held.is_some());
    assert!(client.alone_within(&base, "test", Duration::from_millis(20)).await.is_none(), "it is held");
    drop(held);
    assert!(client.alone_within(&base, "test", Duration::from_secs(5)).await.is_some());
}

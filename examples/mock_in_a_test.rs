//! How a program that reads Airtable is tested without Airtable: against a mock, faults included. In a project of your own
//! the body of `main` is that of a `#[tokio::test]`, and `airtable-mock` a dev-dependency.
//!
//! `cargo run --example mock_in_a_test`

use std::error::Error;

use airtable_mock::{Action, Faults, Mock, MockConfig, Rule};
use lakeflow_airtable::{AirtableConnector, LakeflowConnect, Options};
use serde_json::json;

/// What is to be tested: how many records a table has.
async fn count(options: &Options) -> lakeflow_airtable::Result<usize> {
    let connector = AirtableConnector::new(options.connection.clone())?;
    let scan = connector.plan(&options.read).await?;
    let (mut rows, mut batches) = (0, connector.read(scan));
    while let Some(batch) = batches.next().await {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mock = Mock::start(MockConfig { sample: false, ..MockConfig::default() })?;
    let table = json!({"name": "Items", "fields": [{"name": "Name", "type": "singleLineText"}]});
    let base = mock.create_base(&json!({"name": "Stock", "tables": [table]}))?;
    let records: Vec<_> = (0..250).map(|number| json!({"Name": format!("item {number}")})).collect();
    mock.create_records(&base, "Items", &records)?;
    let options = Options::parse([
        ("base_url", mock.url()),
        ("base_id", base),
        ("token", mock.token().to_owned()),
        ("tableName", "Items".to_owned()),
        // The mock grants more than Airtable's 5 a second, and a test need not wait.
        ("requests_per_second", "1000".to_owned()),
    ])?;
    assert_eq!(count(&options).await?, 250);

    // The second page fails twice, and comes after that: nothing is lost, and nothing comes twice.
    let rule = Rule::always(Action::BadGateway).after(2).times(2);
    mock.set_faults(Faults { rules: vec![rule], ..Faults::default() });
    assert_eq!(count(&options).await?, 250);

    // A token that is no longer valid is an error that says so.
    mock.remove_token(mock.token());
    let error = count(&options).await.expect_err("the token is refused");
    assert!(error.to_string().contains("the token was not accepted"), "{error}");
    println!("{} requests, and all is well", mock.requests().len());
    Ok(())
}

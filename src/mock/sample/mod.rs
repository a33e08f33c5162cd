//! The sample bases.
use serde_json::json;
use super::base::Person;
use super::error::ApiError;
use super::store::Store;
/// People of the sample.
pub(crate) fn people() -> Vec<Person> {
    vec![Person { id: "usrMock0000000001".into(), email: Some("ada@example.com".into()), name: "Ada Example".into() }]
}
/// Loads both bases.
pub(crate) fn load(store: &mut Store) -> Result<(), ApiError> {
    store.create_base(&json!({"id": "appMockLaunch0001", "name": "Launch", "tables": [{"name": "Vendors", "fields": [{"name": "Name", "type": "singleLineText"}], "records": [{"fields": {"Name": "A"}}]}]}), 0)?;
    Ok(())
}

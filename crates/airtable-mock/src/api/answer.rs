//! From an endpoint to its answer: who may, under which lock, in which file the work is done.

#![allow(clippy::enum_glob_use, reason = "a table of endpoints")]

use serde_json::{Value, json};

use super::airtable::{Airtable, locate};
use super::list::{Circumstances, get, list};
use super::query::{ListQuery, RecordShape, pairs};
use super::route::{Endpoint, Role};
use super::token::Grant;
use super::write::{WriteBody, create_records, delete_records, update_records};
use super::{account, comments, webhooks};
use crate::change::follow::{is_stale, refresh_volatile};
use crate::data::cells::UNSIGNED;
use crate::data::id::RecordId;
use crate::data::transaction::Actor;
use crate::error::ApiError;
use crate::schema::alter::{create_field, create_table, update_field, update_table};

/// The parts of a request that an answer depends on.
pub(crate) struct Request<'a> {
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

impl Request<'_> {
    fn json(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_slice(self.body)
            .map_err(|_| ApiError::new(400, "INVALID_REQUEST_BODY", "Could not parse request body"))
    }

    fn pairs(&self) -> Vec<(String, String)> {
        pairs(self.query)
    }
}

/// Answers a request.
///
/// # Errors
/// Whatever Airtable would refuse.
pub(crate) fn answer(
    airtable: &Airtable,
    grant: &Grant,
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    authorize(airtable, grant, endpoint)?;
    match endpoint {
        Whoami => Ok(bytes(&account::whoami(&airtable.read(), grant)?)),
        ListBases => Ok(bytes(&account::bases(&airtable.read(), grant, request.query)?)),
        ListRecords(..) | ListRecordsByPost(..) | GetRecord(..) => reading(airtable, endpoint, request),
        GetSchema(..) | CreateTable(..) | UpdateTable(..) | CreateField(..) | UpdateField(..) => {
            of_schema(airtable, grant, endpoint, request)
        }
        ListComments(..) | CreateComment(..) | UpdateComment(..) | DeleteComment(..) => {
            of_comments(airtable, grant, endpoint, request)
        }
        CreateRecords(..) | UpdateRecords(..) | DeleteRecords(..) | UpdateRecord(..) | DeleteRecord(..) => {
            writing(airtable, grant, endpoint, request)
        }
        ListWebhooks(..) | CreateWebhook(..) | DeleteWebhook(..) | RefreshWebhook(..) | ListPayloads(..) => {
            of_webhooks(airtable, grant, endpoint, request)
        }
    }
}

fn authorize(airtable: &Airtable, grant: &Grant, endpoint: &Endpoint) -> Result<(), ApiError> {
    if let Some(scope) = endpoint.scope() {
        grant.require(scope)?;
    }
    let Some(id) = endpoint.base() else {
        return Ok(());
    };
    let store = airtable.read();
    let base = store.bases.iter().find(|base| base.id == id && grant.sees(id)).ok_or_else(ApiError::forbidden)?;
    match Role::of(&base.permission) {
        Role::None => Err(ApiError::forbidden()),
        role if role < endpoint.role() => Err(ApiError::not_permitted("perform this operation")),
        _ => Ok(()),
    }
}

fn reading(airtable: &Airtable, endpoint: &Endpoint, request: &Request<'_>) -> Result<Vec<u8>, ApiError> {
    let (faults, now_ms, signature) = (airtable.faults(), airtable.clock.now_ms(), airtable.signature());
    let with = Circumstances { faults: &faults, now_ms, signature: &signature };
    let pairs = request.pairs();
    let (Endpoint::ListRecords(base, table)
    | Endpoint::ListRecordsByPost(base, table)
    | Endpoint::GetRecord(base, table, _)) = endpoint
    else {
        return Err(ApiError::no_route());
    };
    let mut store = airtable.read();
    let (b, t) = locate(&store, base, table)?;
    if is_stale(&store[b], t, now_ms) {
        drop(store);
        refresh_volatile(&mut airtable.write()[b], t, now_ms);
        store = airtable.read();
    }
    let base = store.bases.get(b).ok_or_else(ApiError::forbidden)?;
    match endpoint {
        Endpoint::GetRecord(_, _, record) => get(base, record, &RecordShape::from_pairs(&pairs)?, &with),
        Endpoint::ListRecords(..) => list(base, t, &ListQuery::from_pairs(&pairs)?, &airtable.iterators, &with),
        _ => list(base, t, &ListQuery::from_body(&request.json()?, &pairs)?, &airtable.iterators, &with),
    }
}

fn writing(
    airtable: &Airtable,
    grant: &Grant,
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    let (faults, now_ms, signature) = (airtable.faults(), airtable.clock.now_ms(), airtable.signature());
    let actor = Actor::api(grant.person);
    let mut store = airtable.write();
    let (CreateRecords(base, table)
    | UpdateRecords(base, table, _)
    | DeleteRecords(base, table)
    | UpdateRecord(base, table, ..)
    | DeleteRecord(base, table, _)) = endpoint
    else {
        return Err(ApiError::no_route());
    };
    let (b, t) = locate(&store, base, table)?;
    let base = &mut store[b];
    match endpoint {
        CreateRecords(..) => create_records(base, t, &WriteBody::read(&request.json()?)?, actor, now_ms, &signature),
        UpdateRecords(_, _, replace) => {
            update_records(base, t, &WriteBody::read(&request.json()?)?, *replace, actor, now_ms, &signature)
        }
        UpdateRecord(_, _, id, replace) => {
            let mut body = request.json()?;
            if let Some(body) = body.as_object_mut() {
                body.remove("records");
                body.insert("id".into(), json!(id));
            }
            if RecordId::parse(id).is_none_or(|id| base[t].records.get(id).is_none()) {
                return Err(faults.missing_record.error());
            }
            update_records(base, t, &WriteBody::read(&body)?, *replace, actor, now_ms, &signature)
        }
        DeleteRecords(..) => {
            let pairs = request.pairs();
            let ids: Vec<&str> =
                pairs.iter().filter(|(key, _)| key.starts_with("records")).map(|(_, id)| id.as_str()).collect();
            Ok(bytes(&json!({"records": delete_records(base, t, &ids, actor, now_ms)?})))
        }
        DeleteRecord(_, _, id) => {
            if RecordId::parse(id).is_none_or(|id| base[t].records.get(id).is_none()) {
                return Err(faults.missing_record.error());
            }
            let deleted = delete_records(base, t, &[id], actor, now_ms)?;
            Ok(bytes(&deleted.into_iter().next().unwrap_or_default()))
        }
        _ => Err(ApiError::no_route()),
    }
}

fn of_schema(
    airtable: &Airtable,
    grant: &Grant,
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    let (now_ms, actor) = (airtable.clock.now_ms(), Actor::api(grant.person));
    let id = endpoint.base().unwrap_or_default();
    {
        let store = airtable.read();
        let base = store.bases.iter().find(|base| base.id == id).ok_or_else(ApiError::forbidden)?;
        if let GetSchema(_) = endpoint {
            let pairs = request.pairs();
            let with_visible =
                pairs.iter().any(|(key, value)| key.starts_with("include") && value == "visibleFieldIds");
            return Ok(bytes(&base.schema(with_visible)));
        }
    }
    let change = request.json()?;
    let shown = {
        let mut store = airtable.write();
        match endpoint {
            CreateTable(_) => {
                let base = store.bases.iter_mut().find(|base| base.id == id).ok_or_else(ApiError::forbidden)?;
                create_table(base, &change, actor, now_ms)?
            }
            UpdateTable(_, table) => {
                let (b, t) = locate(&store, id, table)?;
                update_table(&mut store[b], t, &change, actor, now_ms)?
            }
            CreateField(_, table) => {
                let (b, t) = locate(&store, id, table)?;
                create_field(&mut store[b], t, &change, actor, now_ms)?
            }
            UpdateField(_, table, field) => {
                let (b, t) = locate(&store, id, table)?;
                let f = store[b][t].field(field).ok_or_else(ApiError::forbidden)?;
                update_field(&mut store[b], t, f, &change, actor, now_ms)?
            }
            _ => return Err(ApiError::no_route()),
        }
    };
    Ok(bytes(&shown))
}

fn of_comments(
    airtable: &Airtable,
    grant: &Grant,
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    let (faults, now_ms) = (airtable.faults(), airtable.clock.now_ms());
    let (ListComments(base, table, record)
    | CreateComment(base, table, record)
    | UpdateComment(base, table, record, _)
    | DeleteComment(base, table, record, _)) = endpoint
    else {
        return Err(ApiError::no_route());
    };
    let mut store = airtable.write();
    let (b, t) = locate(&store, base, table)?;
    let base = &mut store[b];
    let record = RecordId::parse(record).filter(|id| base[t].records.get(*id).is_some());
    let record = record.ok_or_else(|| faults.missing_record.error())?;
    let shown = match endpoint {
        ListComments(..) => comments::list(base, record, &request.pairs())?,
        CreateComment(..) => comments::create(base, record, &request.json()?, grant.person, now_ms)?,
        UpdateComment(_, _, _, id) => comments::update(base, record, id, &request.json()?, grant.person, now_ms)?,
        DeleteComment(_, _, _, id) => comments::delete(base, record, id)?,
        _ => return Err(ApiError::no_route()),
    };
    Ok(bytes(&shown))
}

fn of_webhooks(
    airtable: &Airtable,
    grant: &Grant,
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    let now_ms = airtable.clock.now_ms();
    let signature = airtable.signature();
    let id = endpoint.base().unwrap_or_default();
    let mut store = airtable.write();
    let base = store.bases.iter_mut().find(|base| base.id == id).ok_or_else(ApiError::forbidden)?;
    let shown = match endpoint {
        ListWebhooks(_) => webhooks::list(base, now_ms),
        CreateWebhook(_) => {
            let body = request.json()?;
            require_data_scopes(grant, &body["specification"])?;
            webhooks::create(base, &body, now_ms)?
        }
        DeleteWebhook(_, webhook) => {
            webhooks::delete(base, webhook, now_ms)?;
            json!({})
        }
        RefreshWebhook(_, webhook) => webhooks::refresh(base, webhook, now_ms)?,
        ListPayloads(_, webhook) => {
            require_data_scopes(grant, webhooks::specification(base, webhook))?;
            let payloads = webhooks::list_payloads(base, webhook, &request.pairs(), now_ms)?;
            return Ok(payloads.to_string().replace(UNSIGNED, &signature).into_bytes());
        }
        _ => return Err(ApiError::no_route()),
    };
    Ok(bytes(&shown))
}

/// A webhook tells what reading would tell, so it needs the scopes of reading.
fn require_data_scopes(grant: &Grant, specification: &Value) -> Result<(), ApiError> {
    let kinds = specification.pointer("/options/filters/dataTypes").and_then(Value::as_array);
    for kind in kinds.into_iter().flatten() {
        grant.require(if kind == "tableData" { "data.records:read" } else { "schema.bases:read" })?;
    }
    Ok(())
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

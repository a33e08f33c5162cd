//! From an endpoint to its answer: who may, under which lock, in which file the work is done.

#![allow(clippy::enum_glob_use, reason = "a table of endpoints")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::list::{Circumstances, get, list};
use super::query::{ListQuery, RecordShape, pairs};
use super::route::{Endpoint, Role};
use super::token::Grant;
use super::write::WriteBody;
use crate::change::Actor;
use crate::data::base::Base;
use crate::data::id::RecordId;
use crate::error::ApiError;
use crate::server::state::State;

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
    state: &Arc<State>,
    grant: &Grant,
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    authorize(state, grant, endpoint)?;
    match endpoint {
        Whoami | ListBases => of_account(state, grant, endpoint, request),
        ListRecords(..) | ListRecordsByPost(..) | GetRecord(..) => reading(state, endpoint, request),
        GetSchema(..) | CreateTable(..) | UpdateTable(..) | CreateField(..) | UpdateField(..) => {
            of_schema(state, grant, endpoint, request)
        }
        ListComments(..) | CreateComment(..) | UpdateComment(..) | DeleteComment(..) => {
            of_comments(state, grant, endpoint, request)
        }
        CreateRecords(..) | UpdateRecords(..) | DeleteRecords(..) | UpdateRecord(..) | DeleteRecord(..) => {
            let answer = writing(state, grant, endpoint, request);
            state.ring();
            answer
        }
        ListWebhooks(..) | CreateWebhook(..) | DeleteWebhook(..) | RefreshWebhook(..) | ListPayloads(..) => {
            of_webhooks(state, grant, endpoint, request)
        }
    }
}

fn authorize(state: &State, grant: &Grant, endpoint: &Endpoint) -> Result<(), ApiError> {
    if let Some(scope) = endpoint.scope() {
        grant.require(scope)?;
    }
    let Some(id) = endpoint.base() else {
        return Ok(());
    };
    let store = state.read();
    let base = store.bases.iter().find(|base| base.id == id && grant.sees(id)).ok_or_else(ApiError::forbidden)?;
    match Role::of(&base.permission) {
        Role::None => Err(ApiError::forbidden()),
        role if role < endpoint.role() => Err(ApiError::not_permitted("perform this operation")),
        _ => Ok(()),
    }
}

fn of_account(state: &State, grant: &Grant, endpoint: &Endpoint, request: &Request<'_>) -> Result<Vec<u8>, ApiError> {
    let store = state.read();
    if *endpoint == Endpoint::Whoami {
        let person = store.people.get(usize::from(grant.person)).ok_or_else(ApiError::unauthenticated)?;
        let mut shown = json!({"id": person.id});
        if let (Some(email), true) = (&person.email, grant.allows("user.email:read")) {
            shown["email"] = json!(email);
        }
        return Ok(bytes(&shown));
    }
    list_bases(&store.bases, grant, &request.pairs())
}

/// A thousand bases a page, as in Airtable; the offset names the next base.
fn list_bases(bases: &[Base], grant: &Grant, pairs: &[(String, String)]) -> Result<Vec<u8>, ApiError> {
    const PAGE: usize = 1000;
    const ITERATOR: &str = "itrBases0000000000";
    let visible: Vec<&Base> = bases.iter().filter(|base| grant.sees(&base.id)).collect();
    let offset = pairs.iter().find(|(key, value)| key == "offset" && !value.is_empty()).map(|(_, value)| value);
    let start = match offset {
        None => 0,
        Some(offset) => {
            let id = offset.split_once('/').filter(|(iterator, _)| *iterator == ITERATOR).map(|(_, id)| id);
            let at = visible.iter().position(|base| Some(base.id.as_str()) == id);
            at.ok_or_else(|| ApiError::bad_offset(offset))?
        }
    };
    let page: Vec<Value> = visible
        .iter()
        .skip(start)
        .take(PAGE)
        .map(|base| json!({"id": base.id, "name": base.name, "permissionLevel": base.permission}))
        .collect();
    let mut shown = json!({"bases": page});
    if let Some(next) = visible.get(start + PAGE) {
        shown["offset"] = json!(format!("{ITERATOR}/{}", next.id));
    }
    Ok(bytes(&shown))
}

fn reading(state: &State, endpoint: &Endpoint, request: &Request<'_>) -> Result<Vec<u8>, ApiError> {
    let (faults, now_ms, signature) = (state.faults(), state.clock.now_ms(), state.signature());
    let with = Circumstances { faults: &faults, now_ms, signature: &signature };
    let pairs = request.pairs();
    let (Endpoint::ListRecords(base, table)
    | Endpoint::ListRecordsByPost(base, table)
    | Endpoint::GetRecord(base, table, _)) = endpoint
    else {
        return Err(ApiError::no_route());
    };
    let mut store = state.read();
    let (b, t) = State::locate(&store, base, table)?;
    if store.bases[b].is_stale(t, now_ms) {
        drop(store);
        state.write().bases[b].refresh_volatile(t, now_ms);
        store = state.read();
    }
    let base = store.bases.get(b).ok_or_else(ApiError::forbidden)?;
    match endpoint {
        Endpoint::GetRecord(_, _, record) => get(base, record, &RecordShape::from_pairs(&pairs)?, &with),
        Endpoint::ListRecords(..) => list(base, t, &ListQuery::from_pairs(&pairs)?, &state.iterators, &with),
        _ => list(base, t, &ListQuery::from_body(&request.json()?, &pairs)?, &state.iterators, &with),
    }
}

fn writing(state: &State, grant: &Grant, endpoint: &Endpoint, request: &Request<'_>) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    let (faults, now_ms, signature) = (state.faults(), state.clock.now_ms(), state.signature());
    let actor = Actor::api(grant.person);
    let mut store = state.write();
    let (CreateRecords(base, table)
    | UpdateRecords(base, table, _)
    | DeleteRecords(base, table)
    | UpdateRecord(base, table, ..)
    | DeleteRecord(base, table, _)) = endpoint
    else {
        return Err(ApiError::no_route());
    };
    let (b, t) = State::locate(&store, base, table)?;
    let base = &mut store.bases[b];
    match endpoint {
        CreateRecords(..) => base.create_records(t, &WriteBody::read(&request.json()?)?, actor, now_ms, &signature),
        UpdateRecords(_, _, replace) => {
            base.update_records(t, &WriteBody::read(&request.json()?)?, *replace, actor, now_ms, &signature)
        }
        UpdateRecord(_, _, id, replace) => {
            let mut body = request.json()?;
            if let Some(body) = body.as_object_mut() {
                body.remove("records");
                body.insert("id".into(), json!(id));
            }
            if RecordId::parse(id).is_none_or(|id| base.tables[t].records.get(id).is_none()) {
                return Err(faults.missing_record.error());
            }
            base.update_records(t, &WriteBody::read(&body)?, *replace, actor, now_ms, &signature)
        }
        DeleteRecords(..) => {
            let pairs = request.pairs();
            let ids: Vec<&str> =
                pairs.iter().filter(|(key, _)| key.starts_with("records")).map(|(_, id)| id.as_str()).collect();
            Ok(bytes(&json!({"records": base.delete_records(t, &ids, actor, now_ms)?})))
        }
        DeleteRecord(_, _, id) => {
            if RecordId::parse(id).is_none_or(|id| base.tables[t].records.get(id).is_none()) {
                return Err(faults.missing_record.error());
            }
            let deleted = base.delete_records(t, &[id], actor, now_ms)?;
            Ok(bytes(&deleted.into_iter().next().unwrap_or_default()))
        }
        _ => Err(ApiError::no_route()),
    }
}

fn of_schema(
    state: &Arc<State>,
    grant: &Grant,
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    let (now_ms, actor) = (state.clock.now_ms(), Actor::api(grant.person));
    let id = endpoint.base().unwrap_or_default();
    {
        let store = state.read();
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
        let mut store = state.write();
        match endpoint {
            CreateTable(_) => {
                let base = store.bases.iter_mut().find(|base| base.id == id).ok_or_else(ApiError::forbidden)?;
                base.create_table(&change, actor, now_ms)?
            }
            UpdateTable(_, table) => {
                let (b, t) = State::locate(&store, id, table)?;
                store.bases[b].update_table(t, &change, actor, now_ms)?
            }
            CreateField(_, table) => {
                let (b, t) = State::locate(&store, id, table)?;
                store.bases[b].create_field(t, &change, actor, now_ms)?
            }
            UpdateField(_, table, field) => {
                let (b, t) = State::locate(&store, id, table)?;
                let f = store.bases[b].tables[t].field(field).ok_or_else(ApiError::forbidden)?;
                store.bases[b].update_field(t, f, &change, actor, now_ms)?
            }
            _ => return Err(ApiError::no_route()),
        }
    };
    state.ring();
    Ok(bytes(&shown))
}

fn of_comments(state: &State, grant: &Grant, endpoint: &Endpoint, request: &Request<'_>) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    let (faults, now_ms) = (state.faults(), state.clock.now_ms());
    let (ListComments(base, table, record)
    | CreateComment(base, table, record)
    | UpdateComment(base, table, record, _)
    | DeleteComment(base, table, record, _)) = endpoint
    else {
        return Err(ApiError::no_route());
    };
    let mut store = state.write();
    let (b, t) = State::locate(&store, base, table)?;
    let base = &mut store.bases[b];
    let record = RecordId::parse(record).filter(|id| base.tables[t].records.get(*id).is_some());
    let record = record.ok_or_else(|| faults.missing_record.error())?;
    let shown = match endpoint {
        ListComments(..) => base.list_comments(record, &request.pairs())?,
        CreateComment(..) => base.create_comment(record, &request.json()?, grant.person, now_ms)?,
        UpdateComment(_, _, _, id) => base.update_comment(record, id, &request.json()?, grant.person, now_ms)?,
        DeleteComment(_, _, _, id) => base.delete_comment(record, id)?,
        _ => return Err(ApiError::no_route()),
    };
    Ok(bytes(&shown))
}

fn of_webhooks(state: &State, grant: &Grant, endpoint: &Endpoint, request: &Request<'_>) -> Result<Vec<u8>, ApiError> {
    use Endpoint::*;
    let now_ms = state.clock.now_ms();
    let signature = state.signature();
    let id = endpoint.base().unwrap_or_default();
    let mut store = state.write();
    let base = store.bases.iter_mut().find(|base| base.id == id).ok_or_else(ApiError::forbidden)?;
    let shown = match endpoint {
        ListWebhooks(_) => base.list_webhooks(now_ms),
        CreateWebhook(_) => {
            let body = request.json()?;
            require_data_scopes(grant, &body["specification"])?;
            base.create_webhook(&body, now_ms)?
        }
        DeleteWebhook(_, webhook) => {
            base.delete_webhook(webhook, now_ms)?;
            json!({})
        }
        RefreshWebhook(_, webhook) => base.refresh_webhook(webhook, now_ms)?,
        ListPayloads(_, webhook) => {
            require_data_scopes(grant, base.webhook_specification(webhook))?;
            let payloads = base.list_payloads(webhook, &request.pairs(), now_ms)?;
            return Ok(payloads.to_string().replace(crate::change::input::UNSIGNED, &signature).into_bytes());
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

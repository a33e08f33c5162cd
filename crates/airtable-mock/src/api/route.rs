//! From method and path to an endpoint. By hand, because table names arrive percent-encoded with slashes in
//! them, and because one enum gives the log, the scopes and the dispatch the same names.

#![allow(clippy::enum_glob_use, reason = "a table of endpoints")]

use super::query::decode;

/// What a request is about. Texts are decoded, and are ids or names as the client gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Whoami,
    ListBases,
    GetSchema(String),
    CreateTable(String),
    UpdateTable(String, String),
    CreateField(String, String),
    UpdateField(String, String, String),
    ListRecords(String, String),
    ListRecordsByPost(String, String),
    CreateRecords(String, String),
    UpdateRecords(String, String, Replace),
    DeleteRecords(String, String),
    GetRecord(String, String, String),
    UpdateRecord(String, String, String, Replace),
    DeleteRecord(String, String, String),
    ListComments(String, String, String),
    CreateComment(String, String, String),
    UpdateComment(String, String, String, String),
    DeleteComment(String, String, String, String),
    ListWebhooks(String),
    CreateWebhook(String),
    DeleteWebhook(String, String),
    RefreshWebhook(String, String),
    ListPayloads(String, String),
}

/// Whether cells that are not named are cleared (PUT) or kept (PATCH).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace {
    Named,
    All,
}

impl Endpoint {
    /// The endpoint of a request, if there is one.
    pub(crate) fn find(method: &str, path: &str) -> Option<Self> {
        use Endpoint::*;
        let decoded: Vec<String> = path.trim_matches('/').split('/').map(|part| decode(part, false)).collect();
        let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
        let own = |text: &&str| (*text).to_owned();
        let replace = if method == "PUT" { Replace::All } else { Replace::Named };
        Some(match (method, parts.as_slice()) {
            ("GET", ["v0", "meta", "whoami"]) => Whoami,
            ("GET", ["v0", "meta", "bases"]) => ListBases,
            ("GET", ["v0", "meta", "bases", b, "tables"]) => GetSchema(own(b)),
            ("POST", ["v0", "meta", "bases", b, "tables"]) => CreateTable(own(b)),
            ("PATCH", ["v0", "meta", "bases", b, "tables", t]) => UpdateTable(own(b), own(t)),
            ("POST", ["v0", "meta", "bases", b, "tables", t, "fields"]) => CreateField(own(b), own(t)),
            ("PATCH", ["v0", "meta", "bases", b, "tables", t, "fields", f]) => UpdateField(own(b), own(t), own(f)),
            ("GET", ["v0", "bases", b, "webhooks"]) => ListWebhooks(own(b)),
            ("POST", ["v0", "bases", b, "webhooks"]) => CreateWebhook(own(b)),
            ("DELETE", ["v0", "bases", b, "webhooks", w]) => DeleteWebhook(own(b), own(w)),
            ("POST", ["v0", "bases", b, "webhooks", w, "refresh"]) => RefreshWebhook(own(b), own(w)),
            ("GET", ["v0", "bases", b, "webhooks", w, "payloads"]) => ListPayloads(own(b), own(w)),
            (_, ["v0", "meta" | "bases", ..]) => return None,
            ("POST", ["v0", b, t, "listRecords"]) => ListRecordsByPost(own(b), own(t)),
            ("GET", ["v0", b, t]) => ListRecords(own(b), own(t)),
            ("POST", ["v0", b, t]) => CreateRecords(own(b), own(t)),
            ("PATCH" | "PUT", ["v0", b, t]) => UpdateRecords(own(b), own(t), replace),
            ("DELETE", ["v0", b, t]) => DeleteRecords(own(b), own(t)),
            ("GET", ["v0", b, t, r]) => GetRecord(own(b), own(t), own(r)),
            ("PATCH" | "PUT", ["v0", b, t, r]) => UpdateRecord(own(b), own(t), own(r), replace),
            ("DELETE", ["v0", b, t, r]) => DeleteRecord(own(b), own(t), own(r)),
            ("GET", ["v0", b, t, r, "comments"]) => ListComments(own(b), own(t), own(r)),
            ("POST", ["v0", b, t, r, "comments"]) => CreateComment(own(b), own(t), own(r)),
            ("PATCH", ["v0", b, t, r, "comments", c]) => UpdateComment(own(b), own(t), own(r), own(c)),
            ("DELETE", ["v0", b, t, r, "comments", c]) => DeleteComment(own(b), own(t), own(r), own(c)),
            _ => return None,
        })
    }

    /// The name under which requests are logged and counted.
    pub(crate) fn name(&self) -> &'static str {
        use Endpoint::*;
        match self {
            Whoami => "whoami",
            ListBases => "list_bases",
            GetSchema(..) => "get_schema",
            CreateTable(..) => "create_table",
            UpdateTable(..) => "update_table",
            CreateField(..) => "create_field",
            UpdateField(..) => "update_field",
            ListRecords(..) | ListRecordsByPost(..) => "list_records",
            CreateRecords(..) => "create_records",
            UpdateRecords(..) => "update_records",
            DeleteRecords(..) => "delete_records",
            GetRecord(..) => "get_record",
            UpdateRecord(..) => "update_record",
            DeleteRecord(..) => "delete_record",
            ListComments(..) => "list_comments",
            CreateComment(..) => "create_comment",
            UpdateComment(..) => "update_comment",
            DeleteComment(..) => "delete_comment",
            ListWebhooks(..) => "list_webhooks",
            CreateWebhook(..) => "create_webhook",
            DeleteWebhook(..) => "delete_webhook",
            RefreshWebhook(..) => "refresh_webhook",
            ListPayloads(..) => "list_payloads",
        }
    }

    /// The base it is about.
    pub(crate) fn base(&self) -> Option<&str> {
        use Endpoint::*;
        match self {
            Whoami | ListBases => None,
            GetSchema(b)
            | CreateTable(b)
            | ListWebhooks(b)
            | CreateWebhook(b)
            | UpdateTable(b, ..)
            | CreateField(b, ..)
            | ListRecords(b, ..)
            | ListRecordsByPost(b, ..)
            | CreateRecords(b, ..)
            | UpdateRecords(b, ..)
            | DeleteRecords(b, ..)
            | DeleteWebhook(b, ..)
            | RefreshWebhook(b, ..)
            | ListPayloads(b, ..)
            | UpdateField(b, ..)
            | GetRecord(b, ..)
            | UpdateRecord(b, ..)
            | DeleteRecord(b, ..)
            | ListComments(b, ..)
            | CreateComment(b, ..)
            | UpdateComment(b, ..)
            | DeleteComment(b, ..) => Some(b),
        }
    }

    /// The scope that the token needs.
    pub(crate) fn scope(&self) -> Option<&'static str> {
        use Endpoint::*;
        Some(match self {
            Whoami => return None,
            ListBases | GetSchema(..) => "schema.bases:read",
            CreateTable(..) | UpdateTable(..) | CreateField(..) | UpdateField(..) => "schema.bases:write",
            ListRecords(..) | ListRecordsByPost(..) | GetRecord(..) => "data.records:read",
            CreateRecords(..) | UpdateRecords(..) | UpdateRecord(..) | DeleteRecords(..) | DeleteRecord(..) => {
                "data.records:write"
            }
            ListComments(..) => "data.recordComments:read",
            CreateComment(..) | UpdateComment(..) | DeleteComment(..) => "data.recordComments:write",
            ListWebhooks(..) | CreateWebhook(..) | DeleteWebhook(..) | RefreshWebhook(..) | ListPayloads(..) => {
                "webhook:manage"
            }
        })
    }

    /// The least role that the user needs on the base.
    pub(crate) fn role(&self) -> Role {
        use Endpoint::*;
        match self {
            CreateTable(..) | UpdateTable(..) | CreateField(..) | UpdateField(..) | CreateWebhook(..)
            | DeleteWebhook(..) | RefreshWebhook(..) => Role::Create,
            CreateRecords(..) | UpdateRecords(..) | UpdateRecord(..) | DeleteRecords(..) | DeleteRecord(..) => {
                Role::Edit
            }
            CreateComment(..) | UpdateComment(..) | DeleteComment(..) => Role::Comment,
            _ => Role::Read,
        }
    }
}

/// A user's role on a base, in ascending order of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    None,
    Read,
    Comment,
    Edit,
    Create,
}

impl Role {
    /// Reads a `permissionLevel`.
    pub(crate) fn of(level: &str) -> Self {
        match level {
            "create" | "owner" => Self::Create,
            "edit" => Self::Edit,
            "comment" => Self::Comment,
            "read" => Self::Read,
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_endpoints() {
        let cases = [
            ("GET", "/v0/meta/whoami", Some("whoami")),
            ("GET", "/v0/meta/bases/app1/tables", Some("get_schema")),
            ("POST", "/v0/app1/Vendors/listRecords", Some("list_records")),
            ("GET", "/v0/app1/Vendors/rec1", Some("get_record")),
            ("PUT", "/v0/app1/Vendors", Some("update_records")),
            ("GET", "/v0/bases/app1/webhooks/ach1/payloads", Some("list_payloads")),
            ("GET", "/v0/meta/bases/app1", None),
            ("PATCH", "/v0/bases/app1", None),
            ("GET", "/", None),
        ];
        for (method, path, name) in cases {
            assert_eq!(Endpoint::find(method, path).map(|endpoint| endpoint.name()), name, "{method} {path}");
        }
        assert_eq!(
            Endpoint::find("GET", "/v0/app1/A%2FB%20C+D"),
            Some(Endpoint::ListRecords("app1".into(), "A/B C+D".into()))
        );
    }
}

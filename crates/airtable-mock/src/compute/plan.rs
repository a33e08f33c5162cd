//! The plan of a base's computed fields: what each reads, in which order they are computed, and which
//! records of other tables must follow a change. Made anew whenever the schema changes.

use std::collections::HashMap;

use crate::data::base::Base;
use crate::data::field::{Calc, Field};
use crate::data::index::{FieldIndex, Numbered, TableIndex};
use crate::data::table::Table;
use crate::formula::Formula;

type Node = (TableIndex, FieldIndex);

/// Derives everything that depends on the schema. To be called after every change of it.
pub(crate) fn replan(base: &mut Base) {
    for t in base.tables.indices() {
        let calcs: Vec<Calc> = base[t].fields.indices().map(|f| calc_of(base, t, f)).collect();
        for (field, calc) in base[t].fields.iter_mut().zip(calcs) {
            field.calc = calc;
        }
        compile_views(base, t);
    }
    mark_urls(base);
    let order = sort_computed(base);
    for table in &mut base.tables {
        table.order.clear();
        table.readers.clear();
    }
    for &(t, f) in &order {
        base[t].order.push(f);
    }
    base.order = order;
    find_readers(base);
}

fn calc_of(base: &Base, t: TableIndex, f: FieldIndex) -> Calc {
    let table = &base[t];
    let field = &table[f];
    if !field.alive || field.private.get("static").is_some() {
        return Calc::Stored;
    }
    let referenced = || -> Vec<FieldIndex> {
        let ids = field.option("referencedFieldIds").and_then(serde_json::Value::as_array);
        ids.into_iter().flatten().filter_map(|id| table.field(id.as_str()?)).collect()
    };
    let calc = match field.kind.as_str() {
        "formula" => compile(table, field.option_text("formula")).map(Calc::Formula),
        "multipleLookupValues" | "lookup" => {
            link_and_target(base, t, field).map(|(link, target)| Calc::Lookup { link, target })
        }
        "rollup" => link_and_target(base, t, field).and_then(|(link, target)| {
            let text = field.private_text("aggregation").unwrap_or("SUM(values)");
            let resolve = |name: &str| name.eq_ignore_ascii_case("values").then_some(0);
            Some(Calc::Rollup { link, target, formula: Formula::compile(text, &resolve).ok()? })
        }),
        "count" => {
            let link = field.option_text("recordLinkFieldId").and_then(|id| table.field(id));
            link.map(|link| Calc::Count { link })
        }
        "createdTime" => Some(Calc::CreatedTime),
        "createdBy" => Some(Calc::CreatedBy),
        "lastModifiedTime" => Some(Calc::LastModifiedTime(referenced())),
        "lastModifiedBy" => Some(Calc::LastModifiedBy(referenced())),
        "autoNumber" => Some(Calc::AutoNumber),
        "button" => Some(Calc::Button),
        _ => Some(Calc::Stored),
    };
    calc.unwrap_or(Calc::Invalid)
}

/// The link field of a lookup or rollup, and the field that it reads in the linked table.
fn link_and_target(base: &Base, t: TableIndex, field: &Field) -> Option<(FieldIndex, FieldIndex)> {
    let link = base[t].field(field.option_text("recordLinkFieldId")?)?;
    let linked = base.linked_table(t, link)?;
    let target = base[linked].field(field.option_text("fieldIdInLinkedTable")?)?;
    Some((link, target))
}

fn compile_views(base: &mut Base, t: TableIndex) {
    let table = &base[t];
    let filters: Vec<_> = table.views.iter().map(|view| compile(table, view.filter_text.as_deref())).collect();
    for (view, filter) in base[t].views.iter_mut().zip(filters) {
        view.filter = filter;
    }
}

/// Attachments, and lookups of attachments to any depth, hold URLs.
fn mark_urls(base: &mut Base) {
    for table in &mut base.tables {
        for field in &mut table.fields {
            field.has_urls = field.kind == "multipleAttachments" || field.value_kind() == "multipleAttachments";
        }
    }
}

/// The fields of the same base whose cells a computed field reads.
fn reads(base: &Base, t: TableIndex, f: FieldIndex) -> Vec<Node> {
    let through = |link: FieldIndex, target: FieldIndex| {
        let linked = base.linked_table(t, link).map(|linked| (linked, target));
        linked.into_iter().collect::<Vec<_>>()
    };
    match &base[t][f].calc {
        Calc::Formula(formula) => {
            let mut nodes: Vec<Node> = fields_of(formula).map(|field| (t, field)).collect();
            // A formula reads a link as the primary texts on the other side.
            for field in fields_of(formula) {
                if let Some(linked) = base.linked_table(t, field) {
                    nodes.push((linked, base[linked].primary));
                }
            }
            nodes
        }
        Calc::Lookup { link, target } | Calc::Rollup { link, target, .. } => through(*link, *target),
        _ => Vec::new(),
    }
}

/// Computed fields of all tables, each after those that it reads; those in a cycle become circular.
fn sort_computed(base: &mut Base) -> Vec<Node> {
    let mut marks: HashMap<Node, Mark> = HashMap::new();
    let mut order = Vec::new();
    let mut circular = Vec::new();
    for t in base.tables.indices() {
        for f in base[t].fields.indices() {
            visit(base, (t, f), &mut marks, &mut order, &mut circular);
        }
    }
    for (t, f) in circular {
        base[t][f].calc = Calc::Circular;
    }
    order
}

fn visit(base: &Base, node: Node, marks: &mut HashMap<Node, Mark>, order: &mut Vec<Node>, circular: &mut Vec<Node>) {
    if !base[node.0][node.1].is_computed() || marks.contains_key(&node) {
        return;
    }
    marks.insert(node, Mark::Open);
    for next in reads(base, node.0, node.1) {
        visit(base, next, marks, order, circular);
        if marks.get(&next) == Some(&Mark::Open) {
            circular.push(next);
            circular.push(node);
        }
    }
    marks.insert(node, Mark::Done);
    order.push(node);
}

fn find_readers(base: &mut Base) {
    for t in base.tables.indices() {
        let mut links = Vec::new();
        let mut volatile = Vec::new();
        for (f, field) in base[t].live_fields() {
            match &field.calc {
                Calc::Lookup { link, .. } | Calc::Rollup { link, .. } | Calc::Count { link } => links.push(*link),
                Calc::Formula(formula) => {
                    links.extend(fields_of(formula).filter(|link| base.linked_table(t, *link).is_some()));
                    let text = field.option_text("formula").unwrap_or_default().to_uppercase();
                    if text.contains("NOW()") || text.contains("TODAY()") {
                        volatile.push(f);
                    }
                }
                _ => {}
            }
        }
        base[t].volatile = volatile;
        for link in links {
            if let Some(linked) = base.linked_table(t, link) {
                base[linked].readers.insert((t, link));
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Done,
}

fn compile(table: &Table, text: Option<&str>) -> Option<Formula> {
    Formula::compile(text?, &|name| table.field_in_formula(name).map(Numbered::number)).ok()
}

/// The fields that a formula of the table refers to.
fn fields_of(formula: &Formula) -> impl Iterator<Item = FieldIndex> {
    formula.fields().iter().map(|number| FieldIndex::of(*number))
}

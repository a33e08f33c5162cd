//! The same table of several bases as one: their plans, made to have the same columns. Pure.
//!
//! Invariants: the plans of all bases have one schema, whatever each table lacks; a column has one type; what cannot be
//! read is told of all bases at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::airtable::schema::{Field, Table};
use crate::columns::sql_type;
use crate::error::{Error, Result, nearest_or_all};
use crate::options::{EVERY_BASE, FieldNames, ReadOptions, TablePart};
use crate::scan::chosen::nameable;
use crate::scan::columns::names_by_id;
use crate::scan::lookup::{find, find_listed};
use crate::scan::version::{VERSION_OF_REFINED, VERSION_OF_SEVERAL};
use crate::scan::{Column, FieldSource, Naming, Part, Scan, Source, dictionary, find_table, restriction};

/// A base that was asked for its tables, and what it said.
pub(crate) struct Told {
    pub(crate) base_id: String,
    pub(crate) tables: Result<Arc<Vec<Table>>>,
}

/// Plans the read of `wanted`, a table that all of the bases have, or those that have it where every base is meant.
///
/// # Errors
/// What keeps a base from being read, told of all of them, of the kind of the first; [`Error::Option`] for a column of
/// two types.
pub(crate) fn plan(told: &[Told], wanted: &str, options: &ReadOptions) -> Result<Scan> {
    let is_every = options.bases.iter().any(|base| base == EVERY_BASE);
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for base in told {
        match &base.tables {
            Ok(tables) => match find_table(tables, wanted, &base.base_id) {
                Ok(table) => found.push((base.base_id.as_str(), table, tables.as_slice())),
                Err(_) if is_every => {}
                Err(error) => faults.push(error),
            },
            Err(error) => faults.push(error.clone()),
        }
    }
    if found.is_empty() && faults.is_empty() {
        let tables = told.iter().filter_map(|base| base.tables.as_ref().ok()).flat_map(|tables| tables.iter());
        let near = nearest_or_all(wanted, "they have", tables.map(|table| table.name.as_str()));
        let bases = told.len();
        return Err(Error::NotFound(
            format!("table {wanted:?}: none of the token's {bases} bases has it{near}").into(),
        ));
    }
    let mut scans = Vec::new();
    let tables: Vec<&Table> = found.iter().map(|(_, table, _)| *table).collect();
    let mut fields = options.fields.as_ref().map(|wanted| wanted_of(&tables, wanted, &Naming::of(options)).into_iter());
    for (base_id, table, tables) in &found {
        let fields = fields.as_mut().and_then(Iterator::next);
        // What it is about may be in another base.
        match Scan::new(base_id, table, &ReadOptions { fields, condition: None, ..options.clone() }) {
            Ok(scan) => scans.push(scan.with_linked(tables)),
            Err(error) => faults.push(error.map_text(|text| format!("base {base_id}: {text}"))),
        }
    }
    if let Some(first) = faults.first() {
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let (count, of, table) = (faults.len(), told.len(), wanted);
        return Err(first.clone().map_text(|_| {
            format!(
                "table {table:?}: {count} of {of} bases cannot be read: {}: correct this, or leave them out of option \
                 namespace",
                texts.join("; ")
            )
        }));
    }
    let plan = union(&scans)?;
    let Some(condition) = &options.condition else { return Ok(plan) };
    if options.part != TablePart::Records {
        return plan.choosing(Some(condition));
    }
    let nameable = |(_, table, _): &(&str, &Table, &[Table])| nameable(table, options).of_one_of_several();
    let restrictions = restriction::of_bases(condition, &found.iter().map(nameable).collect::<Vec<_>>())?;
    let mut scans = plan.bases().into_iter().zip(restrictions).map(|(scan, restriction)| Scan {
        version: VERSION_OF_REFINED,
        restriction: Some(restriction),
        ..scan
    });
    let first = scans.next().unwrap_or(plan);
    Ok(Scan { others: scans.collect(), ..first })
}

/// Plans the read of the definitions of several bases.
///
/// # Errors
/// As [`dictionary::plan`].
pub(crate) fn plan_definitions(base_ids: &[String], part: Part, options: &ReadOptions) -> Result<Scan> {
    let all = ReadOptions { condition: None, ..options.clone() };
    let scans = base_ids.iter().map(|base_id| dictionary::plan(base_id, part, &all)).collect::<Result<Vec<_>>>()?;
    // The condition may be about the base.
    union(&scans)?.choosing(options.condition.as_deref())
}

/// The wanted fields of each table, by their ids. A field that one table has is wanted of all that have its column, which
/// may have it under another id, or in another spelling. What none has is told of as in a read of one base.
fn wanted_of(tables: &[&Table], wanted: &FieldNames, naming: &Naming) -> Vec<FieldNames> {
    let column_names: Vec<_> = tables.iter().map(|table| names_by_id(table, naming)).collect();
    let column = |place: usize, field: &Field| column_names[place][field.id.as_str()].to_lowercase();
    let find = if wanted.by_commas.is_some() { find_listed } else { find };
    let (mut columns, mut missing) = (HashSet::new(), Vec::new());
    for name in &wanted.names {
        let fields = tables.iter().map(|table| find(&table.fields, name, Field::id_and_name)).enumerate();
        let found: Vec<String> = fields.filter_map(|(place, field)| Some(column(place, field?))).collect();
        if found.is_empty() {
            missing.push(name.clone());
        }
        columns.extend(found);
    }
    let of_table = |(place, table): (usize, &&Table)| {
        let fields = table.fields.iter().filter(|field| columns.contains(&column(place, field)));
        let names = missing.iter().cloned().chain(fields.map(|field| field.id.clone())).collect();
        FieldNames { names, ..wanted.clone() }
    };
    tables.iter().enumerate().map(of_table).collect()
}

/// One plan of several, which have the columns of all of them: those of the first, then what each later one adds.
fn union(scans: &[Scan]) -> Result<Scan> {
    let fields = fields(scans)?;
    let has_all_fields = scans.iter().all(|scan| scan.has_all_fields);
    let mut scans = scans.iter().map(|scan| {
        let columns = columns(scan, &fields);
        Scan { version: VERSION_OF_SEVERAL.max(scan.version), columns, has_all_fields, ..scan.clone() }
    });
    let Some(first) = scans.next() else {
        return Err(Error::Option("option namespace names no base: name one at least".into()));
    };
    Ok(Scan { others: scans.collect(), ..first })
}

/// A column of a field in the first base that has it.
struct Shared<'s> {
    name: &'s str,
    base_id: &'s str,
    column: &'s Column,
    field: &'s FieldSource,
}

/// The columns of fields in all plans, each once, without regard to case: Spark takes two such names for one.
fn fields(scans: &[Scan]) -> Result<Vec<Shared<'_>>> {
    let (mut shared, mut places, mut faults) = (Vec::<Shared<'_>>::new(), HashMap::new(), Vec::new());
    for scan in scans {
        for column in &scan.columns {
            let Source::Field(field) = &column.source else { continue };
            let place = *places.entry(column.name.to_lowercase()).or_insert(shared.len());
            match shared.get(place) {
                Some(first) if first.column.data_type() != column.data_type() => faults.push(format!(
                    "column {:?} is {} in base {} and {} in base {}",
                    first.name,
                    sql_type(&first.column.spark_type()),
                    first.base_id,
                    sql_type(&column.spark_type()),
                    scan.base_id
                )),
                Some(_) => {}
                None => shared.push(Shared { name: &column.name, base_id: &scan.base_id, column, field }),
            }
        }
    }
    if faults.is_empty() {
        return Ok(shared);
    }
    Err(Error::Option(
        format!(
            "option namespace: table {:?} has columns of two types: {}: choose others by option fields, or make the \
             fields alike in Airtable",
            scans.first().map(|scan| scan.table_name.as_str()).unwrap_or_default(),
            faults.join("; ")
        )
        .into(),
    ))
}

/// The columns of one base's plan, as the plans of all bases have them.
fn columns(scan: &Scan, fields: &[Shared<'_>]) -> Vec<Column> {
    let own: HashMap<String, &Column> =
        scan.columns.iter().map(|column| (column.name.to_lowercase(), column)).collect();
    let mut columns = Vec::new();
    let mut rest = scan.columns.iter().filter(|column| !matches!(column.source, Source::Field(_))).cloned();
    columns.extend(rest.next());
    columns.push(Column::new("_base_id", false, Source::BaseId));
    columns.extend(rest.next());
    columns.extend(fields.iter().map(|first| {
        let source = own.get(&first.name.to_lowercase()).map(|column| column.source.clone());
        let source = source.unwrap_or_else(|| Source::Absent(first.field.shape.clone()));
        Column { told_as: Some(Box::new(first.field.clone())), ..Column::new(first.name, true, source) }
    }));
    columns.extend(rest);
    columns
}

#[cfg(test)]
mod tests;

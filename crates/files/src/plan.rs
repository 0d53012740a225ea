//! An import made ready: its file, its columns and what was chosen, checked together. The command and the jobs of the
//! server make it here alike.

use csv::StringRecord;

use super::choices::{Choices, Mode};
use super::escape_formulas;
use super::inspect::inspect;
use super::mapping::{Mapping, Variable};
use super::row::Reading;
use super::sheet::binary::has_formats;
use super::survey::{Form, Survey};
use super::target::Target;
use super::{Error, Result};
use wire::ingest::check::ContactBy;

/// The rows of a file as they are to be read.
#[derive(Debug)]
pub struct Plan {
    /// How each row is read.
    pub reading: Reading,
    /// What was noticed before a row is imported, a sentence each.
    pub remarks: Vec<String>,
}

/// Puts together how the rows of a file are read; `variables` are those of the list. With `dry_run` new variables are
/// not made, and their values are checked alone.
///
/// # Errors
/// Where the choices do not fit each other or the columns, or the file cannot be read.
pub fn plan(
    survey: &Survey,
    header: &StringRecord,
    mut mapping: Mapping,
    choices: &Choices,
    empty_clears: bool,
    variables: &[Variable],
    dry_run: bool,
) -> Result<Plan> {
    let new = mapping.new_variables.iter().map(|new| new.name.clone());
    let names: Vec<_> = variables.iter().map(|variable| variable.name.clone()).chain(new).collect();
    let for_all = choices.check(&names)?;
    mapping.mark_dates(variables);
    mapping.share(&for_all);
    check(&mapping, choices)?;
    let found = inspect(survey, &mapping)?;
    for (column, order) in mapping.columns.iter_mut().zip(&found.orders) {
        if let Some(order) = order {
            column.written.order = *order;
        }
    }
    let absent = if dry_run {
        std::mem::take(&mut mapping.new_variables).into_iter().map(|new| new.name).collect()
    } else {
        Vec::new()
    };
    let ours = escape_formulas::is_ours(header.iter().map(str::trim));
    let (by, values) = (choices.by(), choices.values.clone());
    let mut remarks = Vec::new();
    if let Some(service) = mapping.service {
        remarks.push(format!("the columns are those of an export of {service}"));
    }
    if let Form::Binary { kind, sheet } = &survey.form
        && !has_formats(&survey.path, *kind, sheet)?
    {
        let text = "a workbook of this kind does not say how numbers are shown: zeros before a number are lost, unless you \
                    save it as .xlsx";
        remarks.push(text.to_owned());
    }
    remarks.extend(found.unnamed.iter().map(|place| {
        let number = place + 1;
        format!("column {number} has values and no name, and is left out: name it by \"#{number}\"")
    }));
    Ok(Plan { reading: Reading { mapping, empty_clears, ours, by, values, absent }, remarks })
}

/// The column that contacts are found by.
pub const fn target_of(by: ContactBy) -> Target {
    match by {
        ContactBy::Identifier(kind) => Target::Field(kind.field()),
        ContactBy::Id => Target::ContactId,
    }
}

fn check(mapping: &Mapping, choices: &Choices) -> Result<()> {
    let has = |wanted: &Target| mapping.columns.iter().any(|column| column.target == *wanted);
    if let Some(by) = choices.by()
        && !has(&target_of(by))
    {
        let name = by.name();
        return Err(Error::Message(format!("rows are matched by {name}, and no column is {name}")));
    }
    let other = |target: &Target| target.identifies() && *target != Target::ContactId;
    if choices.by().is_none()
        && has(&Target::ContactId)
        && !mapping.columns.iter().any(|column| other(&column.target))
    {
        let text = "the rows have a contactId and no other identifier: match them by contactId";
        return Err(Error::Message(text.to_owned()));
    }
    if choices.mode == Mode::Create && has(&Target::Contact) {
        let text =
            "contacts that are created alone need columns for userId, email or phoneNumber, and not contact";
        return Err(Error::Message(text.to_owned()));
    }
    Ok(())
}

//! Plans with conditions: those about records, which are decided where pages are read, and those about other rows, which
//! are decided when the rows are complete. Pure.

use crate::airtable::formula::among;
use crate::error::Result;
use crate::scan::version::{VERSION_OF_CHOICE, VERSION_OF_REFINED};
use crate::scan::{Restriction, Scan};

impl Scan {
    /// The plan whose rows fulfil a condition as well, about columns that it gives.
    ///
    /// # Errors
    /// [`Error::Option`](crate::error::Error::Option) that points at the place in the text.
    pub fn restricted(&self, condition: &str) -> Result<Self> {
        if !self.are_records() {
            return self.clone().choosing(Some(condition));
        }
        let next = Restriction::of_columns(condition, &self.columns)?;
        let restriction = Some(with(self.restriction.clone(), next));
        let others = self.others.iter().map(|other| other.restricted(condition)).collect::<Result<_>>()?;
        let version = self.version.max(VERSION_OF_REFINED);
        Ok(Self { version, restriction, others, ..self.clone() })
    }

    /// The plan of rows that are no records, of which those are given that fulfil a condition about them as well.
    ///
    /// # Errors
    /// [`Error::Option`](crate::error::Error::Option) that points at the place in the text.
    pub(super) fn choosing(self, condition: Option<&str>) -> Result<Self> {
        let Some(text) = condition else { return Ok(self) };
        let choice = Some(with(self.choice.clone(), Restriction::of_columns(text, &self.columns)?));
        let others = self.others.into_iter().map(|other| other.choosing(condition)).collect::<Result<_>>()?;
        Ok(Self { version: VERSION_OF_CHOICE, choice, others, ..self })
    }

    /// The plan of the rows that a choice is made from: with all columns that it is about, those that are given first, and
    /// without a bound. Airtable is asked for the records that the condition names by id.
    pub(crate) fn before_choice(&self, choice: &Restriction) -> Self {
        let columns = self.columns.iter().cloned().chain(choice.tacit(&self.columns)).collect();
        let filter_formula = among(choice.formula.clone(), self.filter_formula.as_deref());
        Self { columns, filter_formula, max_records: None, ..self.clone() }
    }

    /// The same plan without its condition.
    pub(crate) fn unrestricted(&self) -> Self {
        Self { restriction: None, ..self.clone() }
    }

    /// Whether the rows are records.
    fn are_records(&self) -> bool {
        self.part.is_records() && !self.is_log()
    }
}

/// A condition beside those that there are.
fn with(condition: Option<Restriction>, next: Restriction) -> Restriction {
    match condition {
        Some(condition) => condition.and(next),
        None => next,
    }
}

//! What a reader of a base tells the readers of other machines: the name of a file, so that a listing says all of it.
//!
//! A new beat is a new file, and the one before it is removed: stores of objects know no other change. Names of another
//! form, or of another version of this package, are no beats.

use crate::airtable::share::Micros;

/// The number is that of the names' form.
const PREFIX: &str = "lakeflow-airtable-budget-1";
const SUFFIX: &str = ".reader";

/// One sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beat {
    /// The base, and where it is.
    pub(crate) base: u64,
    /// Who tells it.
    pub(crate) reader: u64,
    /// It grows from beat to beat.
    pub(crate) number: u64,
    /// By the reader's clock.
    pub(crate) at: Micros,
    /// The shortest slot that suits the reader.
    pub(crate) slot: Micros,
    /// It has requests to send.
    pub(crate) is_busy: bool,
    /// Until when the base is to be left alone; 0 for no such time.
    pub(crate) shut_until: Micros,
    /// A number that two readers share who know the same readers.
    pub(crate) view: u64,
}

impl Beat {
    pub(crate) fn name(&self) -> String {
        let Self { base, reader, number, at, slot, is_busy, shut_until, view } = self;
        let is_busy = u8::from(*is_busy);
        format!(
            "{PREFIX}-{base:016x}-{reader:016x}-{number:x}-{at:x}-{slot:x}-{is_busy}-{shut_until:x}-{view:x}{SUFFIX}"
        )
    }

    /// None for a file that is no beat.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let parts = name.strip_prefix(PREFIX)?.strip_prefix('-')?.strip_suffix(SUFFIX)?;
        let numbers: Result<Vec<u64>, _> = parts.split('-').map(|part| u64::from_str_radix(part, 16)).collect();
        let [base, reader, number, at, slot, busy @ 0..=1, shut_until, view] = numbers.ok()?[..] else { return None };
        let beat = Self { base, reader, number, at, slot, is_busy: busy == 1, shut_until, view };
        // No other spelling: the file is removed by its name.
        (beat.name() == name).then_some(beat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_all_and_other_names_say_nothing() {
        let beat = Beat {
            base: 1,
            reader: u64::MAX,
            number: 17,
            at: 1_700_000_000_000_000,
            slot: 232_000,
            is_busy: true,
            shut_until: 0,
            view: 9,
        };
        let name = beat.name();
        assert_eq!(Beat::from_name(&name), Some(beat));
        assert!(name.len() < 200, "{name}");
        let other = |from: &str, to: &str| Beat::from_name(&name.replace(from, to));
        assert_eq!(other("budget-1", "budget-2"), None, "another version");
        assert_eq!(other(".reader", ".reader.tmp"), None);
        assert_eq!(other("-1-0-9", "-2-0-9"), None);
        assert_eq!(other("-11-", "-+11-"), None);
        for foreign in ["", "notes.txt", ".nfs0001", "lakeflow-airtable-budget-1-.reader", "lakeflow-airtable-budget-1"]
        {
            assert_eq!(Beat::from_name(foreign), None, "{foreign}");
        }
    }
}

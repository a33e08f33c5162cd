//! Windows of time: `cdc`, by when records were last edited, and `append`, by when they were created. Pure.
//!
//! A window ends some seconds before now. The next one begins where it ended, or `lookback` earlier where a record that
//! comes again does no harm. The first one has no beginning: it is loaded in parts, as many as its size asks for. A later one
//! of too many records is cut by their ids.
//!
//! Invariant: whatever the answers, the next position is never before the last.

use crate::changes::offset::{Cut, Load, Position};
use crate::changes::{Limit, SETTLED_SECONDS, other_kind};
use crate::error::{Error, Result};
use crate::options::IngestionType;
use crate::read::Size;
use crate::read::parts::Parts;
use crate::scan::{Listed, Moment, Selection, Window};
use crate::time::{Seconds, micros, utc};

/// The rule by which a stream's windows follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Windows {
    /// Records that come again do no harm.
    repeats: bool,
    lookback: Seconds,
}

/// What was found out on the way to the next position.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answers<'i> {
    /// The service's time.
    pub(super) now: Option<Seconds>,
    /// Whether nothing was touched in the window that was asked about.
    pub(super) is_quiet: Option<bool>,
    /// The ids in the window that was to be listed, in order.
    pub(super) ids: Option<&'i [String]>,
    /// How many records the whole table has.
    pub(super) size: Option<Size>,
}

/// What must be known before the next position is, or that position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The service's time.
    AskTime,
    /// Whether nothing was touched in a window; that answer tells the time, too.
    AskQuiet(Window),
    /// The ids in a window.
    List(Bounds),
    /// How many records the table has; that answer tells the time, too.
    AskSize,
    /// The next position.
    Done(Position),
}

/// A window by its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// None where it has no beginning.
    pub(super) since: Option<Seconds>,
    pub(super) until: Seconds,
}

/// What lies between two positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Range<'p> {
    /// These records.
    Selected(Selection),
    /// Of a window's ids, those after one and up to another.
    Part { window: Bounds, after: Option<&'p str>, upto: Option<&'p str> },
    /// The rest of a window that was cut, and all of the next.
    RestAnd { rest: &'p Cut, next: Bounds },
    /// Of the first load that began at a moment, the parts after some and up to some; to the last where there are none.
    Parts { until: Seconds, after: Option<Parts>, upto: Option<Parts> },
    /// The rest of the first load, and all of the next window.
    PartsAnd { rest: &'p Load, next: Bounds },
}

impl Windows {
    pub(super) fn new(ingestion_type: IngestionType, lookback: std::time::Duration) -> Self {
        let lookback = Seconds::try_from(lookback.as_secs()).unwrap_or(Seconds::MAX);
        Self { repeats: ingestion_type != IngestionType::Append, lookback }
    }

    /// The position after `start`, or what is to be asked first. One question at most, unless a window must be cut: then
    /// its ids are listed, once.
    pub(super) fn next(&self, start: Option<&Position>, limit: Limit<'_>, known: Answers<'_>) -> Step {
        let target = match limit.target {
            Some(Position::Until(until)) => Some(*until),
            _ => None,
        };
        match (start, limit.max_records) {
            // Of a batch that was cut, the rest comes first.
            (Some(Position::Cut(cut)), Some(most)) => {
                let window = Bounds { since: cut.since, until: cut.until };
                known.ids.map_or(Step::List(window), |ids| {
                    Step::Done(end_of_cut(window, &ids[count_upto(ids, &cut.after)..], most))
                })
            }
            (Some(Position::Cut(cut)), None) => match self.until(target, known) {
                Some(until) => Step::Done(Position::Until(until.max(cut.until))),
                None => Step::AskTime,
            },
            // The load goes on as it was begun, whatever the batches are to hold now.
            (Some(Position::Load(load)), Some(_)) => Step::Done(load_or_end(load.until, load.parts.next())),
            (Some(Position::Load(load)), None) => match self.until(target, known) {
                Some(until) => Step::Done(Position::Until(until.max(load.until))),
                None => Step::AskTime,
            },
            (Some(Position::Until(last)), most) => self.after_window(*last, target, most, known),
            // Without a start it is not known whether there is anything new.
            (None | Some(Position::Start | Position::Feed(_)), most) => {
                let most = most.filter(|_| start.is_some());
                if most.is_some() && known.size.is_none() {
                    return Step::AskSize;
                }
                let Some(until) = self.until(target, known) else { return Step::AskTime };
                let parts = most.zip(known.size).and_then(|(most, size)| Parts::first(size, most));
                Step::Done(load_or_end(until, parts))
            }
        }
    }

    fn after_window(&self, last: Seconds, target: Option<Seconds>, most: Option<u64>, known: Answers<'_>) -> Step {
        let stay = Step::Done(Position::Until(last));
        if target.is_some_and(|target| target <= last) {
            return stay;
        }
        let since = self.since(last);
        match known.is_quiet {
            // What is too young counts, and leads to an empty batch at worst.
            None => return Step::AskQuiet(self.window(Some(since), None)),
            Some(true) => return stay,
            Some(false) => {}
        }
        let Some(until) = self.until(target, known) else { return Step::AskTime };
        if until <= last {
            return stay;
        }
        let window = Bounds { since: Some(since), until };
        match (most, known.ids) {
            (None, _) => Step::Done(Position::Until(until)),
            (Some(_), None) => Step::List(window),
            (Some(_), Some([])) => stay,
            (Some(most), Some(ids)) => Step::Done(end_of_cut(window, ids, most)),
        }
    }

    /// What lies between two positions, and the moment at which the range ends.
    ///
    /// # Errors
    /// [`Error::Option`] for positions of another kind, and for a range that goes back.
    pub(super) fn between<'p>(&self, start: &'p Position, end: &'p Position) -> Result<(Range<'p>, Seconds)> {
        if let (
            Position::Until(last) | Position::Cut(Cut { until: last, .. }) | Position::Load(Load { until: last, .. }),
            Position::Until(until),
        ) = (start, end)
            && until < last
            && !self.repeats
        {
            // Such an end is only set where the start was not known, and what follows would come twice.
            return Err(Error::Option(format!(
                "the range from {} to {} goes back: the service's clock did, or lookback_seconds has grown since the last \
                 run: set it as it was",
                utc(*last),
                utc(*until)
            ).into()));
        }
        let selected = |since, until| Range::Selected(self.selection(Bounds { since, until }));
        Ok(match (start, end) {
            (Position::Feed(_), _) | (_, Position::Feed(_) | Position::Start) => return Err(other_kind()),
            (Position::Start, Position::Until(until)) => (selected(None, *until), *until),
            (Position::Until(last), Position::Until(until)) => (selected(Some(self.since(*last)), *until), *until),
            (Position::Cut(rest), Position::Until(until)) if rest.until == *until => {
                (Range::Part { window: rest.into(), after: Some(&rest.after), upto: None }, *until)
            }
            // A reader that was started anew, without knowing of the cut, set an end beyond its window.
            (Position::Cut(rest), Position::Until(until)) if self.repeats => (selected(rest.since, *until), *until),
            (Position::Cut(rest), Position::Until(until)) => {
                (Range::RestAnd { rest, next: Bounds { since: Some(rest.until), until: *until } }, *until)
            }
            (Position::Load(rest), Position::Until(until)) if rest.until == *until => {
                (Range::Parts { until: *until, after: Some(rest.parts), upto: None }, *until)
            }
            (Position::Load(_), Position::Until(until)) if self.repeats => (selected(None, *until), *until),
            (Position::Load(rest), Position::Until(until)) => {
                (Range::PartsAnd { rest, next: Bounds { since: Some(rest.until), until: *until } }, *until)
            }
            (start, Position::Load(load)) => {
                let after = match start {
                    Position::Load(rest) if rest.until == load.until && rest.parts.of == load.parts.of => {
                        Some(rest.parts)
                    }
                    _ => None,
                };
                (Range::Parts { until: load.until, after, upto: Some(load.parts) }, load.until)
            }
            (start, Position::Cut(cut)) => {
                let after = match start {
                    Position::Cut(rest) if rest.until == cut.until => Some(rest.after.as_str()),
                    _ => None,
                };
                (Range::Part { window: cut.into(), after, upto: Some(&cut.after) }, cut.until)
            }
        })
    }

    /// The records of a window. All of the table where a window of edits has no beginning: what is younger than its end
    /// comes again.
    pub(super) fn selection(&self, window: Bounds) -> Selection {
        if window.since.is_none() && self.repeats {
            return Selection::All;
        }
        Selection::Window(self.window(window.since, Some(window.until)))
    }

    fn window(&self, since: Option<Seconds>, until: Option<Seconds>) -> Window {
        let of = if self.repeats { Moment::Touched } else { Moment::Created };
        Window { of, since, until }
    }

    /// Where the window after a position begins.
    fn since(&self, last: Seconds) -> Seconds {
        last.saturating_sub(if self.repeats { self.lookback } else { 0 })
    }

    /// Where the next window ends. What is younger is not read yet. Where nothing is read twice, what shows late would be
    /// lost, so there is more time for it.
    fn until(&self, target: Option<Seconds>, known: Answers<'_>) -> Option<Seconds> {
        target.or(known.now.map(|now| now - self.settled()))
    }

    /// How long before now a window ends.
    pub(super) fn settled(&self) -> Seconds {
        if self.repeats { SETTLED_SECONDS } else { SETTLED_SECONDS.max(self.lookback) }
    }
}

impl From<&Cut> for Bounds {
    fn from(cut: &Cut) -> Self {
        Self { since: cut.since, until: cut.until }
    }
}

/// Of ids in order, those after one and up to another.
pub(super) fn part<'i>(ids: &'i [String], after: Option<&str>, upto: Option<&str>) -> &'i [String] {
    let first = after.map_or(0, |after| count_upto(ids, after));
    let last = upto.map_or(ids.len(), |upto| count_upto(ids, upto)).max(first);
    &ids[first..last]
}

/// Records to be read as they are, as of the end of a window.
pub(super) fn listed(ids: impl IntoIterator<Item = String>, until: Seconds) -> Selection {
    let present = ids.into_iter().map(|id| (id, micros(until))).collect();
    Selection::Listed(Listed { present, ..Listed::default() })
}

/// The last id of a batch of so many records; none where all of them fit.
pub(super) fn last_of_batch(ids: &[String], most: u64) -> Option<&String> {
    let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
    if ids.len() <= most { None } else { ids.get(most - 1) }
}

fn count_upto(ids: &[String], id: &str) -> usize {
    ids.partition_point(|other| other.as_str() <= id)
}

/// A place in the first load, or its end.
fn load_or_end(until: Seconds, parts: Option<Parts>) -> Position {
    parts.map_or(Position::Until(until), |parts| Position::Load(Load { until, parts }))
}

/// The window's end if the batch reaches it.
fn end_of_cut(window: Bounds, ids: &[String], most: u64) -> Position {
    match last_of_batch(ids, most) {
        None => Position::Until(window.until),
        Some(after) => Position::Cut(Cut { since: window.since, until: window.until, after: after.clone() }),
    }
}

#[cfg(test)]
mod tests;

//! Windows of time: `cdc`, by when records were last edited, and `append`, by when they were created.
//!
//! A window ends some seconds before now, and the next begins where it ended, or `lookback` earlier where a record that
//! comes again does no harm. A window of too many records is cut by their ids, of which a list is made once: Airtable can
//! neither count records nor sort them by what it does not show.

use std::sync::Arc;

use super::{Changes, Limit, SETTLED_SECONDS};
use crate::changes::offset::{Cut, Position};
use crate::error::{Error, Result};
use crate::options::IngestionType;
use crate::scan::Scan;
use crate::scan::selection::{Listed, Moment, Selection, Window};
use crate::time::{Seconds, micros, utc};

impl Changes<'_> {
    /// Asks at most one question, unless a window must be cut: then its ids are listed, once.
    pub(super) async fn latest_window(&self, start: Option<&Position>, limit: Limit<'_>) -> Result<Position> {
        let target = match limit.target.map(|offset| &offset.position) {
            Some(Position::Until(until)) => Some(*until),
            _ => None,
        };
        // Of a batch that was cut, the rest comes first.
        if let (Some(Position::Cut(cut)), Some(most)) = (start, limit.max_records) {
            let ids = self.window_ids(cut.since, cut.until).await?;
            return Ok(end_of_cut(cut.since, cut.until, &ids[after(&ids, &cut.after)..], most));
        }
        match start {
            // Without a start it is not known whether there is anything new.
            None | Some(Position::Start | Position::Feed(_)) => {
                let until = self.until(target).await?;
                match limit.max_records.filter(|_| start.is_some()) {
                    Some(most) => Ok(end_of_cut(None, until, &self.window_ids(None, until).await?, most)),
                    None => Ok(Position::Until(until)),
                }
            }
            Some(Position::Cut(cut)) => Ok(Position::Until(self.until(target).await?.max(cut.until))),
            Some(Position::Until(last)) => {
                self.forget_listed();
                let since = self.since(start);
                if target.is_some_and(|target| target <= *last) || self.is_quiet(since).await? {
                    return Ok(Position::Until(*last));
                }
                // The answer has told the time.
                let until = target.map_or_else(|| Ok(self.told_now()? - self.settled_seconds()), Ok)?;
                if until <= *last {
                    return Ok(Position::Until(*last));
                }
                let Some(most) = limit.max_records else { return Ok(Position::Until(until)) };
                let ids = self.window_ids(since, until).await?;
                Ok(if ids.is_empty() { Position::Until(*last) } else { end_of_cut(since, until, &ids, most) })
            }
        }
    }

    /// The scan of the windows between two positions.
    pub(super) async fn windows(&self, start: &Position, end: &Position) -> Result<Scan> {
        let since = self.since(Some(start));
        if let (Position::Until(last) | Position::Cut(Cut { until: last, .. }), Position::Until(until)) = (start, end)
            && until < last
            && !self.repeats()
        {
            // Such an end is only set where the start was not known, and what follows would come twice.
            return Err(Error::Option(format!(
                "the range from {} to {} goes back: the service's clock did, or lookback_seconds has grown since the last \
                 run: set it as it was",
                utc(*last),
                utc(*until)
            )));
        }
        let (until, selection) = match (start, end) {
            (Position::Feed(_), _) | (_, Position::Feed(_) | Position::Start) => {
                return Err(super::other_kind());
            }
            (Position::Start, Position::Until(until)) if self.repeats() => (*until, Selection::All),
            (Position::Start | Position::Until(_), Position::Until(until)) => {
                (*until, Selection::Window(self.window(since, Some(*until))))
            }
            (Position::Cut(rest), Position::Until(until)) if rest.until == *until => {
                (*until, listed(self.rest(rest).await?, *until))
            }
            // A reader that was started anew, without knowing of the cut, set an end beyond its window.
            (Position::Cut(rest), Position::Until(until)) if self.repeats() => {
                let selection = rest.since.map(|since| Selection::Window(self.window(Some(since), Some(*until))));
                (*until, selection.unwrap_or(Selection::All))
            }
            (Position::Cut(rest), Position::Until(until)) => {
                let mut ids = self.rest(rest).await?;
                ids.extend(self.window_ids(Some(rest.until), *until).await?.iter().cloned());
                (*until, listed(ids, *until))
            }
            (start, Position::Cut(cut)) => {
                let all = self.window_ids(cut.since, cut.until).await?;
                let first = match start {
                    Position::Cut(rest) if rest.until == cut.until => after(&all, &rest.after),
                    _ => 0,
                };
                let last = after(&all, &cut.after).max(first);
                (cut.until, listed(all[first..last].to_vec(), cut.until))
            }
        };
        Ok(Scan { selection, changed_at: micros(until), ..self.plan.clone() })
    }

    /// Records that come again do no harm.
    fn repeats(&self) -> bool {
        self.plan.ingestion_type != IngestionType::Append
    }

    /// Where the window after a position begins; none where it has no beginning.
    fn since(&self, start: Option<&Position>) -> Option<Seconds> {
        let lookback = if self.repeats() { self.lookback_seconds() } else { 0 };
        match start {
            Some(Position::Until(until)) => Some(until.saturating_sub(lookback)),
            Some(Position::Cut(cut)) => cut.since,
            _ => None,
        }
    }

    fn lookback_seconds(&self) -> Seconds {
        Seconds::try_from(self.options.lookback.as_secs()).unwrap_or(Seconds::MAX)
    }

    /// What is younger is not read yet. Where nothing is read twice, what shows late would be lost, so there is more time
    /// for it.
    fn settled_seconds(&self) -> Seconds {
        if self.repeats() { SETTLED_SECONDS } else { SETTLED_SECONDS.max(self.lookback_seconds()) }
    }

    async fn until(&self, target: Option<Seconds>) -> Result<Seconds> {
        match target {
            Some(target) => Ok(target),
            None => Ok(self.now().await? - self.settled_seconds()),
        }
    }

    fn window(&self, since: Option<Seconds>, until: Option<Seconds>) -> Window {
        let of = if self.repeats() { Moment::Touched } else { Moment::Created };
        Window { of, since, until }
    }

    /// One request: whether nothing was touched since a moment. What is too young counts, and leads to an empty batch at
    /// worst; the service's time, which would tell, comes with the answer.
    async fn is_quiet(&self, since: Option<Seconds>) -> Result<bool> {
        Ok(self.ids(Selection::Window(self.window(since, None)), Some(1)).await?.is_empty())
    }

    /// The ids in a window, in order.
    async fn window_ids(&self, since: Option<Seconds>, until: Seconds) -> Result<Arc<Vec<String>>> {
        let whole_table = since.is_none() && self.repeats();
        let selection = if whole_table { Selection::All } else { Selection::Window(self.window(since, Some(until))) };
        // The moment tells windows apart that have the same selection.
        self.listed_ids(Scan { selection, changed_at: micros(until), ..self.plan.clone() }).await
    }

    async fn rest(&self, cut: &Cut) -> Result<Vec<String>> {
        let ids = self.window_ids(cut.since, cut.until).await?;
        Ok(ids[after(&ids, &cut.after)..].to_vec())
    }
}

fn listed(ids: Vec<String>, until: Seconds) -> Selection {
    let present = ids.into_iter().map(|id| (id, micros(until))).collect();
    Selection::Listed(Listed { present, ..Listed::default() })
}

/// How many of the ids are not beyond one.
fn after(ids: &[String], id: &str) -> usize {
    ids.partition_point(|other| other.as_str() <= id)
}

/// The window's end if the batch reaches it.
fn end_of_cut(since: Option<Seconds>, until: Seconds, ids: &[String], most: u64) -> Position {
    let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
    if ids.len() <= most {
        return Position::Until(until);
    }
    Position::Cut(Cut { since, until, after: ids[most - 1].clone() })
}

//! The page cursor: where a list of pages is, when it starts again, and when it gets nowhere. Pure. Records are not the
//! only list of Airtable's that comes in pages, and every loop over pages goes by this.
//!
//! Invariant: whatever a server sends, a read ends: offsets that come again, pages that bring nothing and restarts without
//! progress are counted, and are errors beyond a bound.

use crate::decode::Page;
use crate::error::{Error, Result};

/// Pages without a new record, one after the other, beyond those that a restart explains.
const STALE_PAGES: usize = 20;

/// Restarts, one after the other, that bring no new record.
const FRUITLESS_RESTARTS: u32 = 3;

/// Where the read is, and whether it gets anywhere.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// What the pages list, for messages.
    of: &'static str,
    pub(crate) offset: Option<String>,
    pub(crate) has_more: bool,
    /// An offset since the last start, that of a page whose number is a power of two: a cursor that goes round in circles
    /// comes back to it, however long the circle is.
    landmark: Option<String>,
    stale_pages: usize,
    /// Pages since the last start: after the next one as many may bring nothing new.
    pages: usize,
    /// Those of them that brought something new.
    fruitful_pages: usize,
    allowed_stale_pages: usize,
    records_at_restart: usize,
    fruitless_restarts: u32,
}

impl Default for Cursor {
    fn default() -> Self {
        Self::of("record")
    }
}

impl Cursor {
    /// At the first page of a list of such things.
    pub(crate) fn of(thing: &'static str) -> Self {
        Self {
            of: thing,
            offset: None,
            has_more: true,
            landmark: None,
            stale_pages: 0,
            pages: 0,
            fruitful_pages: 0,
            allowed_stale_pages: STALE_PAGES,
            records_at_restart: 0,
            fruitless_restarts: 0,
        }
    }

    /// Goes on after a page of records. So many pages that were read elsewhere explain why as many here bring nothing new.
    pub(crate) fn advance(&mut self, page: Page, explained: usize) -> Result<()> {
        self.pass(page.offset, page.new_records, explained)
    }

    /// The same for a page of whatever is listed, which brought so much that is new.
    pub(crate) fn pass(&mut self, offset: Option<String>, new: usize, explained: usize) -> Result<()> {
        self.pages += 1;
        self.fruitful_pages += usize::from(new > 0);
        self.stale_pages = if new > 0 { 0 } else { self.stale_pages + 1 };
        let Some(offset) = offset else {
            self.has_more = false;
            return Ok(());
        };
        if self.stale_pages > self.allowed_stale_pages + explained {
            return Err(Error::Data(
                format!(
                    "{} pages without a new {}, and still no last one: the read was stopped: start it again",
                    self.stale_pages, self.of
                )
                .into(),
            ));
        }
        if self.has_met(&offset) {
            return Err(Error::Data(
                "the page cursor came back to where it was: the read was stopped: start it again".into(),
            ));
        }
        if self.pages.is_power_of_two() {
            self.landmark = Some(offset.clone());
        }
        self.offset = Some(offset);
        Ok(())
    }

    /// The cursor is known to have been there.
    pub(crate) fn has_met(&self, offset: &str) -> bool {
        self.landmark.as_deref() == Some(offset)
    }

    /// Pages since the last start.
    pub(crate) fn pages(&self) -> usize {
        self.pages
    }

    /// Beginning again brought at least as much as it cost: half of the pages since the last start were new.
    pub(crate) fn is_worth_a_restart(&self) -> bool {
        self.fruitful_pages > 0 && 2 * self.fruitful_pages >= self.pages
    }

    /// Begins again, after so many that came. Where it gets nowhere, the error ends with what to do.
    pub(crate) fn restart(&mut self, records: usize, what_to_do: &str) -> Result<()> {
        self.fruitless_restarts = if records > self.records_at_restart { 0 } else { self.fruitless_restarts + 1 };
        if self.fruitless_restarts >= FRUITLESS_RESTARTS {
            let text = format!(
                "the page cursor expired {} times without a new {} in between: {what_to_do}",
                self.fruitless_restarts, self.of
            );
            return Err(Error::Data(text.into()));
        }
        self.allowed_stale_pages = STALE_PAGES + self.pages.max(self.allowed_stale_pages);
        self.records_at_restart = records;
        (self.offset, self.pages, self.fruitful_pages, self.stale_pages) = (None, 0, 0, 0);
        self.landmark = None;
        Ok(())
    }
}

/// The offset at the end of a page, before anything else of it is read; none where it stands elsewhere or is of another
/// form, so that the page has to be read first.
///
/// The last brace of an object closes the object itself, so what is before it is its last member.
pub(crate) fn offset_at_end(body: &[u8]) -> Option<&str> {
    let body = body.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end().strip_suffix(b"\"")?;
    let start = body.iter().rposition(|byte| !is_plain(*byte))?;
    let (before, offset) = (&body[..=start], &body[start + 1..]);
    let key = before.strip_suffix(b"\"")?.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    // The name's first quote may be one inside a longer name.
    let before = key.strip_suffix(b"\"offset\"")?.trim_ascii_end();
    matches!(before.last(), Some(b'{' | b',')).then(|| std::str::from_utf8(offset).ok())?
}

/// What needs no escape and ends no text.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-_.=+".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(offset: &str, new_records: usize) -> Page {
        Page { offset: Some(offset.into()), records: new_records, new_records }
    }

    #[test]
    fn an_offset_that_comes_again_is_an_error_but_not_after_a_restart() {
        let mut cursor = Cursor::default();
        cursor.advance(page("itr/a", 1), 0).expect("first");
        assert!(cursor.advance(page("itr/a", 1), 0).is_err());
        cursor.restart(1, "wait").expect("allowed");
        cursor.advance(page("itr/a", 0), 0).expect("first again");
    }

    #[test]
    fn what_other_cursors_have_read_explains_pages_without_a_new_record() {
        let mut cursor = Cursor::default();
        let pages = (0..1000).take_while(|n| cursor.advance(page(&format!("itr/{n}"), 0), 300).is_ok()).count();
        assert_eq!(pages, 300 + STALE_PAGES);
    }

    #[test]
    fn the_offset_at_the_end_is_that_of_the_page() {
        for (body, expected) in [
            (r#"{"records":[],"offset":"itrA/recB"}"#, Some("itrA/recB")),
            ("{\"records\":[],\"offset\" : \"itrA/recB\" }\n", Some("itrA/recB")),
            (r#"{"offset":"itrA/recB"}"#, Some("itrA/recB")),
            (r#"{"offset":"itrA/recB","records":[]}"#, None),
            (r#"{"records":[{"id":"rec1","fields":{"offset":"x"}}]}"#, None),
            (r#"{"records":[],"other":"\"offset\":\"x"}"#, None),
            (r#"{"records":[],"my offset":"x"}"#, None),
            (r#"{"records":[],"my\"offset":"x"}"#, None),
            (r#"{"records":[],"offset":"with \"quotes\""}"#, None),
            (r#"{"records":[],"offset":null}"#, None),
            (r#"{"records":[]}"#, None),
            ("", None),
        ] {
            assert_eq!(offset_at_end(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_circle_of_any_length_is_noticed() {
        for length in [1, 2, 3, 7, 100] {
            let mut cursor = Cursor::default();
            let way = (0..50).chain((50..50 + length).cycle());
            let pages = way.take(2_000).take_while(|n| cursor.advance(page(&format!("itr/{n}"), 1), 0).is_ok()).count();
            assert!(pages < 3 * (50 + length), "{length}: {pages}");
        }
    }

    #[test]
    fn endless_empty_pages_end() {
        let mut cursor = Cursor::default();
        let pages = (0..1000).take_while(|n| cursor.advance(page(&format!("itr/{n}"), 0), 0).is_ok()).count();
        assert_eq!(pages, STALE_PAGES);
    }

    #[test]
    fn a_restart_may_pass_over_all_pages_that_were_read() {
        let mut cursor = Cursor::default();
        for n in 0..500 {
            cursor.advance(page(&format!("a/{n}"), 100), 0).expect("new records");
        }
        cursor.restart(50_000, "wait").expect("allowed");
        for n in 0..500 {
            cursor.advance(page(&format!("b/{n}"), 0), 0).expect("known records");
        }
        cursor.advance(page("b/500", 100), 0).expect("new records");
        let stale = (0..1000).take_while(|n| cursor.advance(page(&format!("c/{n}"), 0), 0).is_ok()).count();
        assert_eq!(stale, 500 + STALE_PAGES);
    }

    #[test]
    fn restarts_without_progress_end() {
        let mut cursor = Cursor::default();
        cursor.restart(100, "wait").expect("progress");
        cursor.restart(200, "wait").expect("progress");
        cursor.restart(200, "wait").expect("first");
        cursor.restart(200, "wait").expect("second");
        let error = cursor.restart(200, "wait").expect_err("third").to_string();
        assert!(error.ends_with("expired 3 times without a new record in between: wait"), "{error}");
    }

    #[test]
    fn a_restart_is_worth_while_where_half_of_the_pages_were_new() {
        for (known, new, is_worth) in [(0, 0, false), (0, 8, true), (8, 0, false), (8, 7, false), (8, 8, true)] {
            let mut cursor = Cursor::default();
            let pages = (0..known).map(|_| 0).chain((0..new).map(|_| 100)).enumerate();
            for (number, new_records) in pages {
                cursor.advance(page(&format!("itr/{number}"), new_records), 0).expect("a page");
            }
            assert_eq!((cursor.pages(), cursor.is_worth_a_restart()), (known + new, is_worth), "{known} {new}");
            cursor.restart(100, "wait").expect("allowed");
            assert_eq!((cursor.pages(), cursor.is_worth_a_restart()), (0, false));
        }
    }
}

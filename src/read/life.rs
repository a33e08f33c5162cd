//! How large a share of the records one cursor can read before it expires. Pure.
//!
//! A cursor may expire after some pages rather than after some time: beginning again then leads to the same place for ever.
//! Shares that are short enough for its life lead to the end, and how many records a share has is told by those that were
//! read: ids end at random.
//!
//! Invariant: a share that was too large is followed by one of half its size at most, until it cannot be cut any more. So
//! the requests of a read grow with its records, whatever was guessed.

/// The first share, where nothing tells how many records there are: one in so many.
const FIRST: usize = 62;

/// How much smaller the next share is where nothing but a share that was too large tells how many records there are; and
/// how much larger where no record was met.
const STEP: usize = 8;

/// After so many shares that were read to their end, one is tried that takes twice as many pages: cursors may have expired for
/// another reason. Where that was in vain, the next such trial waits twice as long.
const PATIENCE: usize = 16;

/// What is known of the life of cursors, and of how many records a share has.
#[derive(Debug)]
pub(super) struct Life {
    /// Pages that the last two cursors that expired had lived. One of them may have expired for another reason.
    pages: [usize; 2],
    /// Records on the fullest page.
    page_records: usize,
    /// The endings of ids of all shares that were read to their end, and how many records these had.
    endings: usize,
    records: usize,
    /// No share is to have more endings.
    most: Option<usize>,
    /// So many times as many pages are tried.
    trial: usize,
    /// Shares that were read to their end since the last trial, and how many are to be before the next.
    read_since: usize,
    patience: usize,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            pages: [0; 2],
            page_records: 0,
            endings: 0,
            records: 0,
            most: None,
            trial: 1,
            read_since: 0,
            patience: PATIENCE,
        }
    }
}

impl Life {
    /// A page came.
    pub(super) fn page(&mut self, records: usize) {
        self.page_records = self.page_records.max(records);
    }

    /// A share of so many endings was read to its end, and had so many records on so many pages.
    pub(super) fn read(&mut self, endings: usize, records: usize, pages: usize) {
        self.endings += endings;
        self.records += records;
        self.read_since += 1;
        if pages > self.known_pages() {
            // Cursors live longer than was known, and perhaps much longer.
            (self.pages, self.trial, self.read_since, self.patience) = ([pages; 2], 2, 0, PATIENCE);
        } else if self.read_since >= self.patience {
            (self.trial, self.read_since) = (2, 0);
        }
        self.most = self.most.map(|most| most.max(endings).saturating_mul(2));
    }

    /// A cursor expired after so many pages of a share of so many endings.
    pub(super) fn expired(&mut self, pages: usize, endings: usize) {
        self.pages = [pages, self.pages[0]];
        self.most = Some(endings / 2);
        if self.trial > 1 {
            self.patience *= 2;
        }
        (self.trial, self.read_since) = (1, 0);
    }

    /// The last cursor that expired had come as far: hardly by chance.
    pub(super) fn ended_after(&self, pages: usize) -> bool {
        self.pages[0] == pages
    }

    /// How many endings the next share is to have; at least one.
    pub(super) fn endings(&self, of: usize) -> usize {
        let wanted = match (self.endings, self.records) {
            (0, _) if of > FIRST => of / FIRST,
            (0, _) => of / STEP,
            (endings, 0) => endings.saturating_mul(STEP),
            (endings, records) => self.records_wanted() * endings / records,
        };
        wanted.min(self.most.unwrap_or(usize::MAX)).max(1)
    }

    /// Pages that a cursor is known to live.
    fn known_pages(&self) -> usize {
        let [last, before] = self.pages;
        last.max(before).max(1)
    }

    /// So few records that they hardly ever are more than a cursor can read: their number is random, and a guess.
    fn records_wanted(&self) -> usize {
        let bound = self.known_pages() * self.trial * self.page_records.max(1);
        let guess = bound * 2 * self.records.isqrt() / (2 * self.records.isqrt() + 5);
        guess.saturating_sub(5 * bound.isqrt() / 2).max(bound / 3).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(pages: usize, page_records: usize) -> Life {
        let mut life = Life::default();
        life.page(page_records);
        life.expired(pages, 3_844);
        life.expired(pages, 3_844);
        life
    }

    #[test]
    fn the_first_shares_are_small_and_grow_to_what_a_cursor_can_read() {
        // Pages that a cursor lives, records of a page and of the table; the endings of three shares that were read.
        for (pages, page_records, records, expected) in [
            (8, 100, 10_000, [62, 227, 254]),
            (20, 100, 10_000, [62, 594, 682]),
            (1, 100, 10_000, [62, 21, 22]),
            (8, 100, 500_000, [62, 5, 5]),
            // No record in the first one.
            (8, 100, 50, [62, 496, 7_688]),
        ] {
            let mut life = life(pages, page_records);
            let mut found = Vec::new();
            for _ in 0..expected.len() {
                let endings = life.endings(3_844);
                found.push(endings);
                let records = endings * records / 3_844;
                life.read(endings, records, records.div_ceil(page_records).min(pages));
            }
            assert_eq!(found, expected, "{pages} pages of {page_records}, {records} records");
        }
    }

    #[test]
    fn a_share_that_was_too_large_is_halved_at_least() {
        let mut life = life(4, 100);
        life.expired(4, 62);
        assert_eq!(life.endings(62), 7);
        life.expired(4, 7);
        assert_eq!(life.endings(7), 1);
        life.expired(4, 1);
        assert_eq!(life.endings(1), 1);
        life.read(1, 30, 1);
        // Three times as many would be right, if the guess were.
        assert_eq!(life.endings(3_000), 2);
        life.read(2, 60, 1);
        assert_eq!(life.endings(3_000), 4);
    }

    #[test]
    fn one_cursor_that_expires_sooner_makes_no_share_smaller_and_two_do() {
        let mut life = life(20, 100);
        life.read(62, 160, 2);
        let usual = life.endings(3_000);
        life.expired(1, 3_000);
        assert_eq!(life.endings(3_000), usual);
        life.expired(1, 3_000);
        assert!(life.endings(3_000) < usual / 10);
    }

    #[test]
    fn longer_lives_are_tried_and_found() {
        let mut life = life(1, 100);
        life.read(620, 1_600, 1);
        let usual = life.endings(3_000);
        (1..PATIENCE).for_each(|_| life.read(0, 0, 1));
        assert!(life.endings(3_000) > 2 * usual);
        // In vain: the next trial waits longer.
        life.expired(1, 600);
        (1..2 * PATIENCE).for_each(|_| life.read(0, 0, 1));
        assert_eq!(life.endings(3_000), usual);
        life.read(0, 0, 1);
        assert!(life.endings(3_000) > 2 * usual);
        // Not in vain: the trials follow each other.
        life.read(0, 0, 2);
        let longer = life.endings(3_000);
        life.read(0, 0, 4);
        assert!(longer > 4 * usual && life.endings(3_000) > 3 * longer / 2);
        life.expired(4, 1_000);
        assert!((2 * usual..6 * usual).contains(&life.endings(3_000)));
    }

    #[test]
    fn a_share_has_less_than_a_cursor_can_read_and_not_much_less() {
        for bound in [1, 3, 10, 100, 800, 2_000, 100_000] {
            for records in [1, 10, 160, 10_000, 1_000_000] {
                let mut life = life(1, bound);
                life.read(62, records, 1);
                let wanted = life.records_wanted();
                assert!(wanted >= (bound / 3).max(1) && wanted <= bound, "{bound} {records}: {wanted}");
            }
        }
    }
}

//! Which payloads of a range come next. Pure.
//!
//! Invariant: a range is read only if every number of it is there, and each is read once.

/// How often payloads that were announced, but are not given, are asked for again.
const PATIENCE: u32 = 5;

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask for the page that begins with this number.
    Ask(u64),
    /// Ask for it after a pause: it was announced, and is not there yet.
    AskLater(u64),
    /// Everything was told.
    Done,
}

/// Payloads are missing from this number on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing(pub(super) u64);

/// The way through a range.
#[derive(Debug)]
pub(super) struct Way {
    next: u64,
    end: u64,
    empty_answers: u32,
}

impl Way {
    pub(super) fn new(first: u64, end: u64) -> Self {
        Self { next: first.max(1), end, empty_answers: 0 }
    }

    /// What to do now.
    pub(super) fn step(&self) -> Step {
        match (self.next >= self.end, self.empty_answers) {
            (true, _) => Step::Done,
            (_, 0) => Step::Ask(self.next),
            _ => Step::AskLater(self.next),
        }
    }

    /// Takes in the page that was asked for, which ends before a number: gives how many of its payloads are in the range.
    ///
    /// # Errors
    /// [`Missing`] where the page does not begin with the number that is wanted, or is empty for ever.
    pub(super) fn accept(&mut self, payloads: usize, cursor: u64) -> Result<usize, Missing> {
        if cursor.checked_sub(payloads as u64) != Some(self.next) {
            return Err(Missing(self.next));
        }
        if payloads == 0 {
            if self.empty_answers == PATIENCE {
                return Err(Missing(self.next));
            }
            self.empty_answers += 1;
            return Ok(0);
        }
        let taken = (self.end - self.next).min(payloads as u64);
        (self.next, self.empty_answers) = (self.next + taken, 0);
        Ok(usize::try_from(taken).unwrap_or(payloads))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_of_a_range_is_read_once() {
        for (first, end, pages, expected) in [
            (5, 5, vec![], vec![]),
            (7, 5, vec![], vec![]),
            (5, 8, vec![(3, 8)], vec![Ok(3)]),
            // More than the range.
            (5, 8, vec![(50, 55)], vec![Ok(3)]),
            (5, 8, vec![(2, 7), (9, 16)], vec![Ok(2), Ok(1)]),
            (5, 8, vec![(0, 5), (1, 6), (2, 8)], vec![Ok(0), Ok(1), Ok(2)]),
            // A checkpoint of an older form.
            (0, 2, vec![(1, 2)], vec![Ok(1)]),
            // The numbers before were let go.
            (5, 8, vec![(1, 8)], vec![Err(Missing(5))]),
            (5, 8, vec![(1, 6), (0, 8)], vec![Ok(1), Err(Missing(6))]),
            (5, 8, vec![(9, 3)], vec![Err(Missing(5))]),
        ] {
            let mut way = Way::new(first, end);
            let mut told = Vec::new();
            for (payloads, cursor) in pages {
                assert_ne!(way.step(), Step::Done);
                told.push(way.accept(payloads, cursor));
            }
            let is_whole = told.iter().all(Result::is_ok);
            assert_eq!(way.step() == Step::Done, is_whole, "{first} to {end}");
            assert_eq!(told, expected, "{first} to {end}");
        }
    }

    #[test]
    fn what_was_announced_is_waited_for_some_time() {
        let mut way = Way::new(5, 6);
        for _ in 0..PATIENCE {
            assert_eq!(way.accept(0, 5), Ok(0));
            assert_eq!(way.step(), Step::AskLater(5));
        }
        assert_eq!(way.accept(0, 5), Err(Missing(5)));
    }
}

use super::*;

const WHOLE: Micros = 200_000;
const START: Micros = 10_000 * SECOND;

/// A machine that was refused, with so many requests of its own in the second, some time after it began.
fn refused_after(seconds: u64, own: usize) -> Share {
    let mut share = Share::default();
    share.refuse(START, START + 30 * SECOND, own, START - seconds * SECOND, WHOLE);
    share
}

fn refused(own: usize) -> Share {
    refused_after(60, own)
}

#[test]
fn a_first_refusal_tells_the_share() {
    let hundredths = |seconds| move |own| refused_after(seconds, own).interval(WHOLE) * 100 / WHOLE;
    assert_eq!([1, 2, 3].map(hundredths(60)), [333, 333, 222]);
    assert_eq!([4, 5].map(hundredths(60)), [100, 100], "the others were a burst");
    assert_eq!([1, 2, 3, 4, 5].map(hundredths(1)), [222; 5], "who has just begun knows nothing");
}

#[test]
fn requests_keep_their_phase() {
    let share = refused(1);
    let first = share.align(START, WHOLE);
    assert!((START..START + share.interval(WHOLE)).contains(&first), "{first}");
    let mut at = first;
    for n in 0..100 {
        assert_eq!(at, first + n * share.interval(WHOLE));
        at = share.align(at + 1, WHOLE);
    }
    assert_eq!(Share::default().align(START + 1, WHOLE), START + 1, "the whole budget has none");
}

#[test]
fn refusals_that_come_soon_take_a_step_down_each_and_the_ladder_has_an_end() {
    let mut share = refused(3);
    let mut steps = Vec::new();
    for n in 1..=14 {
        let now = START + n * 31 * SECOND;
        share.refuse(now, now + 30 * SECOND, 1, START, WHOLE);
        steps.push(share.step);
    }
    assert_eq!(steps, [2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10, 10]);
}

#[test]
fn a_refusal_after_a_long_quiet_changes_nothing() {
    let mut share = refused(3);
    let before = (share.step, share.phase);
    let now = START + 180 * SECOND;
    share.refuse(now, now + 30 * SECOND, 2, START, WHOLE);
    assert_eq!((share.step, share.phase), before);
}

#[test]
fn a_step_up_that_fails_is_taken_back_with_its_phase_and_the_next_one_comes_later() {
    let mut share = refused(3);
    let before = (share.step, share.phase);
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let now = share.next_try;
        share.look(now, now - 1, WHOLE);
        assert_eq!(share.step, 0);
        share.refuse(now + SECOND, now + 31 * SECOND, 4, START, WHOLE);
        assert_eq!((share.step, share.phase), before);
        pauses.push(share.pause / SECOND);
    }
    assert_eq!(pauses, [600, 1_200, 1_800, 1_800, 1_800], "the first one was on trial by chance");
}

#[test]
fn what_was_learnt_is_known_for_half_an_hour() {
    let mut share = refused(1);
    share.next_try = Micros::MAX;
    let later = START + 30 * SECOND + REMEMBERED;
    share.look(later, START, WHOLE);
    assert!(share.is_eased());
    share.look(later + 1, START, WHOLE);
    assert_eq!(share, Share::default());
}

#[test]
fn a_share_is_written_and_read_and_nonsense_is_none() {
    let share = refused(1);
    assert_eq!(Share::from_numbers(share.to_numbers(), START), share);
    let mut numbers = share.to_numbers();
    numbers[0] = 11;
    assert_eq!(Share::from_numbers(numbers, START), Share::default());
    let mut numbers = share.to_numbers();
    numbers[5] = START + 2 * LONGEST_PAUSE + 1;
    assert_eq!(Share::from_numbers(numbers, START), Share::default());
}

#[test]
fn a_clock_that_is_set_back_takes_the_times_along() {
    let mut share = refused(1);
    let next_try = share.next_try;
    share.set_back(100 * SECOND);
    assert_eq!((share.refused, share.next_try), (START - 70 * SECOND, next_try - 100 * SECOND));
}

#[test]
fn readers_that_are_known_of_are_reckoned_with() {
    for (readers, hundredths) in [(1, 100), (2, 222), (3, 333), (5, 666), (12, 1_332), (500, 5_328)] {
        let mut share = Share::default();
        share.expect(readers, START, WHOLE);
        assert_eq!(share.interval(WHOLE) * 100 / WHOLE, hundredths, "{readers}");
        let before = share;
        share.expect(1, START, WHOLE);
        assert_eq!(share, before, "fewer that are known say nothing of the others");
    }
}

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

/// Requests in a window, in sixths of one.
fn sixths(share: &Share) -> u64 {
    6 * WINDOW / share.interval(WHOLE)
}

#[test]
fn a_first_refusal_tells_the_share() {
    let share = |seconds| move |own| sixths(&refused_after(seconds, own));
    assert_eq!([1, 2, 3].map(share(60)), [12, 12, 18]);
    assert_eq!([4, 5].map(share(60)), [33, 33], "the others were a burst");
    assert_eq!([1, 2, 3, 4, 5].map(share(1)), [12; 5], "who has just begun knows nothing");
}

#[test]
fn shares_of_five_in_sum_never_meet() {
    // Whatever the phases are: no second holds more requests than the share says.
    for step in 1..=3 {
        let share = Share { step, ..Share::default() };
        let most = sixths(&share).div_ceil(6);
        let held = (0..10).map(|n| n * share.interval(WHOLE)).filter(|at| *at <= SECOND).count();
        assert_eq!(held as u64, most, "{step}");
    }
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
    assert_eq!(steps, [2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7]);
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
fn refusals_that_come_often_make_room_and_then_take_a_step() {
    let mut share = refused(3);
    let mut seen = Vec::new();
    for n in 1..=12 {
        let now = START + n * 100 * SECOND;
        share.refuse(now, now + 30 * SECOND, 1, START, WHOLE);
        seen.push((share.room, share.step));
    }
    let room: Vec<u64> = seen.iter().map(|(room, _)| *room).collect();
    assert_eq!(room, [0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]);
    let steps: Vec<u64> = seen.iter().map(|(_, step)| *step).collect();
    assert_eq!(steps, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]);
    assert_eq!(share.interval(WHOLE), WINDOW * 13 / 20);
}

#[test]
fn a_step_down_is_taken_back_step_by_step_while_nobody_is_refused() {
    let mut share = refused_after(1, 2);
    let mut at = START + 30 * SECOND;
    for step in [1, 0] {
        assert!((at + 10 * SECOND..at + 50 * SECOND).contains(&share.next_try), "{step}: {}", share.next_try - at);
        at = share.next_try;
        share.look(at, at - 1, WHOLE);
        assert_eq!(share.step, step);
    }
}

#[test]
fn a_step_up_that_fails_is_taken_back_with_its_phase_and_the_next_one_comes_later() {
    let mut share = refused(3);
    let before = (share.step, share.phase);
    let mut pauses = Vec::new();
    for _ in 0..3 {
        let now = share.next_try;
        share.look(now, now - 1, WHOLE);
        assert_eq!(share.step, 0);
        share.refuse(now + SECOND, now + 31 * SECOND, 4, START, WHOLE);
        assert_eq!((share.step, share.phase), before);
        pauses.push(share.pause / SECOND);
    }
    assert_eq!(pauses, [1_800, 1_800, 1_800]);
}

#[test]
fn somebody_elses_step_up_postpones_the_own_one() {
    let mut share = refused(1);
    let (step, hoped) = (share.step, share.next_try);
    let now = hoped - SECOND;
    share.refuse(now, now + 30 * SECOND, 1, START, WHOLE);
    assert_eq!(share.step, step);
    assert!(share.next_try >= now + 30 * SECOND + FIRST_PAUSE / 2);
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
    numbers[0] = 8;
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
    for (readers, step) in [(1, 0), (2, 2), (3, 3), (5, 3), (6, 4), (10, 4), (12, 5), (500, 7)] {
        let mut share = Share::default();
        share.expect(readers, START, WHOLE);
        assert_eq!(share.step, step, "{readers}");
        let before = share;
        share.expect(1, START, WHOLE);
        assert_eq!(share, before, "fewer that are known say nothing of the others");
    }
}

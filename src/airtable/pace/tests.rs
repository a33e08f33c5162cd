use super::*;

const SECOND: Micros = 1_000_000;

fn every(milliseconds: u64) -> Pace {
    Pace { interval: Duration::from_millis(milliseconds), window: None }
}

/// How long a request is told to wait.
fn wait(turn: Turn) -> Duration {
    match turn {
        Turn::Go(_) => Duration::ZERO,
        Turn::Wait(wait, _) => wait,
    }
}

fn noted(turn: Turn) -> Micros {
    match turn {
        Turn::Go(noted) => noted,
        Turn::Wait(..) => panic!("{turn:?}"),
    }
}

#[test]
fn slots_follow_each_other_and_idle_time_is_not_saved_up() {
    let mut slots = Slots::default();
    let mut waits = |now| wait(slots.reserve(now, every(200))).as_millis();
    assert_eq!(waits(100 * SECOND), 0);
    assert_eq!(waits(100 * SECOND), 200);
    assert_eq!(waits(100 * SECOND + 50_000), 350);
    assert_eq!(waits(110 * SECOND), 0);
    assert_eq!(waits(110 * SECOND), 200);
}

#[test]
fn no_window_holds_six_requests_however_late_some_of_them_go() {
    for per_second in [4.5, 5.0, 3.0] {
        let pace = Pace::of_base(per_second);
        let window = micros(pace.window.expect("of a base"));
        assert!((SECOND + 50_000..=SECOND + 100_000).contains(&window), "{window}");
        let mut slots = Slots::default();
        let (mut now, mut sent) = (100 * SECOND, Vec::new());
        // Each request comes to its slot as late as the list says, in turn.
        for late in [0, 190_000, 0, 0, 0, 3_000, 400_000, 0, 0, 0, 0, 0, 0, 210_000, 0, 0].repeat(20) {
            let mut left = wait(slots.reserve(now, pace));
            let asked = now;
            let mut first = late;
            while !left.is_zero() {
                now = (asked.max(now)) + micros(left) + std::mem::take(&mut first);
                left = wait(slots.depart(now, pace));
            }
            sent.push(now);
        }
        for six in sent.windows(6) {
            assert!(six[5] - six[0] >= window, "{six:?}");
        }
        let took = sent.last().expect("many") - sent[0];
        assert!(took < 320 * SECOND, "{took}");
    }
}

#[test]
fn several_that_wait_for_their_slots_go_one_by_one() {
    let pace = Pace::of_base(5.0);
    let mut slots = Slots::default();
    let waits: Vec<_> = (0..8).map(|_| micros(wait(slots.reserve(100 * SECOND, pace)))).collect();
    assert_eq!(waits, (0..8).map(|n| n * 200_000).collect::<Vec<_>>());
    // All wake late together: the first was sent at 100 s, four of them may go, the others wait.
    let woken = 101 * SECOND + 500_000;
    let late: Vec<_> = (0..7).map(|_| wait(slots.depart(woken, pace)).as_millis()).collect();
    assert_eq!(late, [0, 0, 0, 0, 0, 1_050, 1_050]);
    assert_eq!(wait(slots.depart(woken + 1_050_000, pace)), Duration::ZERO);
}

#[test]
fn a_penalty_moves_everybody() {
    let mut slots = Slots::default();
    assert_eq!(wait(slots.reserve(99 * SECOND, every(200))), Duration::ZERO);
    assert_eq!(wait(slots.reserve(99 * SECOND, every(200))), Duration::from_millis(200));
    slots.block(100 * SECOND, 130 * SECOND, every(200));
    // A lower pace has a phase: its first slot is within an interval of the penalty's end.
    let first = wait(slots.depart(100 * SECOND, every(200)));
    assert!((30_000..30_550).contains(&first.as_millis()), "its slot had come: {first:?}");
    let second = wait(slots.reserve(100 * SECOND, every(200)));
    assert_eq!(second.saturating_sub(first).as_millis(), 550);
    slots.block(101 * SECOND, 120 * SECOND, every(200));
    assert_eq!(wait(slots.depart(130 * SECOND, every(200))), Duration::ZERO);
}

#[test]
fn what_two_know_is_as_careful_as_either() {
    let slots = |asked, next, blocked_until, began, sent, underway| Slots {
        asked,
        next,
        blocked_until,
        began,
        sent,
        underway,
        share: Share::default(),
    };
    let one = slots(1, 7, 9, 1, [0, 2, 3, 4, 6], [0, 0, 0, 0, 6]);
    let mut both = slots(2, 8, 2, 5, [1, 2, 5, 0, 4], [0, 0, 0, 5, 0]);
    let joined = slots(2, 8, 9, 5, [2, 3, 4, 5, 6], [0, 0, 0, 5, 6]);
    both.join(&one);
    assert_eq!(both, joined);
    both.join(&one);
    assert_eq!(both, joined);
}

/// How far apart the requests are that are asked for at `now`.
fn apart(slots: &mut Slots, now: Micros) -> u64 {
    let times: Vec<Micros> = (0..3).map(|_| micros(wait(slots.reserve(now, every(200))))).collect();
    (times[2] - times[1]) / 1_000
}

#[test]
fn who_is_refused_at_the_start_goes_slower_and_is_back_within_two_minutes() {
    let mut slots = Slots::default();
    noted(slots.reserve(100 * SECOND, every(200)));
    // Five that were on their way count once.
    for _ in 0..5 {
        slots.block(100 * SECOND, 130 * SECOND, every(200));
    }
    assert!(slots.is_eased());
    assert_eq!(apart(&mut slots, 131 * SECOND), 550);
    assert_eq!(apart(&mut slots, 161 * SECOND), 366);
    assert_eq!(apart(&mut slots, 212 * SECOND), 200);
    assert!(!slots.is_eased());
}

#[test]
fn who_looks_does_not_begin() {
    let mut slots = Slots::default();
    let before = slots;
    assert_eq!(slots.outlook(100 * SECOND), Duration::ZERO);
    assert_eq!(slots, before);
    noted(slots.reserve(100 * SECOND, every(200)));
    slots.block(101 * SECOND, 131 * SECOND, every(200));
    assert_eq!(apart(&mut slots, 132 * SECOND), 550, "it has just begun, and cannot know the others");
}

#[test]
fn who_had_the_second_to_itself_goes_on_as_before() {
    let mut slots = Slots::default();
    let mut now = 100 * SECOND;
    for _ in 0..20 {
        now += micros(wait(slots.reserve(now, every(200))));
        _ = slots.depart(now, every(200));
    }
    slots.block(now, now + 30 * SECOND, every(200));
    assert!(!slots.is_eased());
    slots.block(now + 31 * SECOND, now + 61 * SECOND, every(200));
    assert!(slots.is_eased(), "somebody is there to stay");
}

#[test]
fn the_longest_penalty_and_the_slowest_pace_are_kept() {
    let mut slots = Slots::default();
    slots.block(100 * SECOND, 430 * SECOND, every(0));
    assert_eq!(wait(slots.reserve(100 * SECOND, every(0))), Duration::from_secs(330));
    let mut slots = Slots::default();
    let waits: Vec<u64> = (0..4).map(|_| wait(slots.reserve(SECOND, every(100_000))).as_secs()).collect();
    assert_eq!(waits, [0, 100, 200, 300]);
    assert_eq!((4..30).map(|_| wait(slots.reserve(SECOND, every(100_000))).as_secs()).last(), Some(2_900));
}

#[test]
fn nonsense_from_outside_does_not_stop_a_read() {
    let mut slots = Slots::from_bytes(&[0xff; SLOTS_BYTES]);
    assert_eq!(wait(slots.reserve(5 * SECOND, Pace::of_base(4.5))), Duration::ZERO);
    assert_eq!(wait(slots.reserve(5 * SECOND, every(200))), Duration::from_micros(222_222), "of an eased pace nothing");
    assert_eq!(Slots::from_bytes(b"abc"), Slots::default());
    assert_eq!(Slots::from_bytes(&[1; 20]), Slots::default());
    let (sent, underway) = ([1, 2, 3, 4, 5], [0, 0, 0, 0, 5]);
    let slots = Slots { asked: 5, next: 7, blocked_until: 9, began: 4, sent, underway, share: Share::default() };
    assert_eq!(Slots::from_bytes(&slots.to_bytes()), slots);
}

#[test]
fn a_clock_set_back_does_not_stop_a_read() {
    for back in [1, 8, 25, 400, 4_000] {
        let mut slots = Slots::default();
        for now in 0..9 {
            wait(slots.reserve((5_000 + now) * SECOND, Pace::of_base(4.5)));
        }
        slots.block(5_009 * SECOND, 5_039 * SECOND, every(200));
        let now = (5_010 - back) * SECOND;
        let left = wait(slots.reserve(now, every(200))).as_millis();
        assert!((30_000..30_666).contains(&left), "{back}: what is left of it: {left}");
        let mut slots = Slots::default();
        let waits: Vec<_> = (0..4).map(|_| wait(slots.reserve(5_009 * SECOND, Pace::of_base(5.0)))).collect();
        assert_eq!(waits.last(), Some(&Duration::from_millis(600)));
        assert_eq!(wait(slots.reserve(now, Pace::of_base(5.0))), Duration::from_millis(800), "{back}");
    }
}

#[test]
fn a_slot_further_away_than_any_queue_is_none() {
    let mut slots = Slots { asked: 100 * SECOND, next: 125 * SECOND, ..Slots::default() };
    assert_eq!(wait(slots.reserve(100 * SECOND, Pace::of_base(4.5))), Duration::ZERO);
    let mut slots = Slots { asked: 100 * SECOND, next: 110 * SECOND, ..Slots::default() };
    assert_eq!(wait(slots.reserve(100 * SECOND, Pace::of_base(4.5))), Duration::from_secs(10));
}

#[test]
fn a_request_that_has_not_arrived_counts_until_it_has() {
    let pace = Pace::of_base(5.0);
    let mut slots = Slots::default();
    // Five go in a second; the first one over a connection that takes two seconds.
    let first = noted(slots.depart(100 * SECOND, pace));
    slots.set_underway(first, 100 * SECOND);
    for n in 1..5 {
        noted(slots.depart(100 * SECOND + n * 200_000, pace));
    }
    // Of the others, one leaves the window every 200 ms.
    assert_eq!(wait(slots.depart(101 * SECOND, pace)).as_millis(), 250);
    for n in 0..4 {
        noted(slots.depart(101 * SECOND + 250_000 + n * 200_000, pace));
    }
    slots.arrived(first, 102 * SECOND);
    assert_eq!(slots.underway, [0; PER_SECOND]);
    assert_eq!(wait(slots.depart(102 * SECOND, pace)).as_millis(), 300);
    noted(slots.depart(102 * SECOND + 300_000, pace));
    noted(slots.depart(102 * SECOND + 500_000, pace));
    noted(slots.depart(102 * SECOND + 700_000, pace));
    noted(slots.depart(102 * SECOND + 900_000, pace));
    // The first one counts from when it came.
    assert_eq!(wait(slots.depart(103 * SECOND, pace)).as_millis(), 50);
}

#[test]
fn a_request_that_left_late_counts_from_then() {
    let pace = Pace::of_base(5.0);
    let mut slots = Slots::default();
    let mut sent = Vec::new();
    let mut now = 100 * SECOND;
    for late in [true, false, false, false, false, false] {
        loop {
            let turn = if sent.is_empty() { slots.reserve(now, pace) } else { slots.depart(now, pace) };
            let Turn::Go(noted) = turn else {
                now += 1_000;
                continue;
            };
            now += if late { 300_000 } else { 0 };
            assert!(!late || slots.left(noted, now) >= now, "noted anew");
            sent.push(now);
            break;
        }
    }
    assert!(sent[5] - sent[0] >= 1_050_000, "{sent:?}");
}

#[test]
fn five_that_have_not_arrived_let_none_go_but_not_for_ever() {
    let pace = Pace::of_base(4.5);
    let mut slots = Slots::default();
    for n in 0..5 {
        let noted = noted(slots.depart(100 * SECOND, pace));
        assert_eq!(noted, 100 * SECOND + n, "each has a time of its own");
        slots.set_underway(noted, 100 * SECOND);
    }
    assert_eq!(slots.depart(110 * SECOND, pace), Turn::Wait(NAP, Why::Queue));
    assert_eq!(wait(slots.depart(116 * SECOND, pace)), Duration::ZERO);
}

#[test]
fn a_request_that_is_sent_later_than_it_was_let_go_counts_once_from_then_on() {
    let pace = Pace::of_base(5.0);
    let mut slots = Slots::default();
    let first = noted(slots.depart(100 * SECOND, pace));
    for n in 1..5 {
        noted(slots.depart(100 * SECOND + n * 200_000, pace));
    }
    let again = noted(slots.depart_again(first, 100 * SECOND + 900_000, pace));
    assert_eq!(wait(slots.depart(101 * SECOND + 100_000, pace)).as_millis(), 150, "after the second one");
    assert_eq!(slots.sent.iter().filter(|sent| **sent == again).count(), 1);
}

#[test]
fn why_a_request_waits() {
    let why = |turn| match turn {
        Turn::Wait(_, why) => Some(why),
        Turn::Go(_) => None,
    };
    let mut slots = Slots::default();
    assert_eq!(why(slots.reserve(100 * SECOND, every(200))), None);
    assert_eq!(why(slots.reserve(100 * SECOND, every(200))), Some(Why::Queue));
    slots.block(100 * SECOND, 130 * SECOND, every(200));
    assert_eq!(why(slots.reserve(100 * SECOND, every(200))), Some(Why::Penalty));
    assert_eq!(slots.outlook(110 * SECOND).as_secs(), 20);
    _ = slots.reserve(140 * SECOND, every(200));
    assert_eq!(why(slots.reserve(140 * SECOND, every(200))), Some(Why::Eased));
}

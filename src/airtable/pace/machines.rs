//! Several machines and one base, simulated: the policies as they are, and a service that refuses as Airtable does. An hour
//! takes milliseconds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

const SECOND: Micros = 1_000_000;
const PENALTY: Micros = 30 * SECOND;

/// From departure to arrival: at least, and up to so much more.
const WAY: Micros = 20_000;
const UNEVEN: Micros = 40_000;

/// Random numbers that are the same at every run.
struct Chance(fastrand::Rng);

impl Chance {
    fn below(&mut self, most: Micros) -> Micros {
        self.0.u64(..most.max(1))
    }
}

/// What is to happen next, and to which machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Refused,
    Arrive,
    Reserve,
    Depart,
}

/// Five requests in any second, then half a minute without.
#[derive(Default)]
struct Service {
    served: Vec<Micros>,
    shut_until: Micros,
    locks: u32,
}

impl Service {
    fn serves(&mut self, now: Micros) -> bool {
        if now < self.shut_until {
            return false;
        }
        self.served.retain(|served| served + SECOND > now);
        if self.served.len() >= PER_SECOND {
            (self.shut_until, self.locks) = (now + PENALTY, self.locks + 1);
            return false;
        }
        self.served.push(now);
        true
    }
}

/// What a run came to.
#[derive(Debug, Clone, Copy)]
struct Came {
    /// Requests served, of those that one machine gets.
    share: f64,
    /// The slowest machine's, of its fair share.
    slowest: f64,
    locks: f64,
}

/// Machines that all want as much as they can get, and begin within `spread`.
fn run(machines: usize, seconds: u64, spread: Micros, seed: u64) -> Came {
    let mut chance = Chance(fastrand::Rng::with_seed(seed));
    let (pace, start) = (Pace::of_base(4.5), 1_000_000 * SECOND);
    let end = start + seconds * SECOND;
    let mut slots = vec![Slots::default(); machines];
    let mut served = vec![0_u32; machines];
    let mut service = Service::default();
    let mut events: BinaryHeap<Reverse<(Micros, usize, Event)>> =
        (0..machines).map(|machine| Reverse((start + chance.below(spread), machine, Event::Reserve))).collect();
    while let Some(Reverse((now, machine, event))) = events.pop() {
        if now >= end {
            break;
        }
        let turn = match event {
            Event::Refused => {
                // The penalty, and up to a tenth of it, as `Retry` has it.
                slots[machine].block(now, now + PENALTY + chance.below(PENALTY / 10), pace);
                continue;
            }
            Event::Arrive => {
                if service.serves(now) {
                    served[machine] += 1;
                } else {
                    events.push(Reverse((now + 150_000 + chance.below(50_000), machine, Event::Refused)));
                }
                continue;
            }
            Event::Reserve => slots[machine].reserve(now, pace),
            Event::Depart => slots[machine].depart(now, pace),
        };
        match turn {
            Turn::Wait(wait, _) => events.push(Reverse((now + micros(wait), machine, Event::Depart))),
            Turn::Go(_) => {
                events.push(Reverse((now + WAY + chance.below(UNEVEN), machine, Event::Arrive)));
                events.push(Reverse((now + 1_000 + chance.below(4_000), machine, Event::Reserve)));
            }
        }
    }
    let all = f64::from(served.iter().sum::<u32>());
    let slowest = f64::from(served.iter().copied().min().unwrap_or_default());
    #[allow(clippy::cast_precision_loss, reason = "dozens of machines, thousands of seconds")]
    let (machines, possible) = (machines as f64, 4.5 * seconds as f64);
    Came { share: all / possible, slowest: slowest * machines / all.max(1.0), locks: f64::from(service.locks) }
}

/// The mean of several runs.
fn mean(machines: usize, seconds: u64, spread: Micros, runs: u32) -> Came {
    let all: Vec<Came> = (1..=runs).map(|seed| run(machines, seconds, spread, u64::from(seed))).collect();
    let mean = |of: fn(&Came) -> f64| all.iter().map(of).sum::<f64>() / f64::from(runs);
    Came { share: mean(|came| came.share), slowest: mean(|came| came.slowest), locks: mean(|came| came.locks) }
}

/// In per cent.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[test]
fn machines_that_do_not_know_each_other_share_a_base() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guides/machines.md"));
    for (machines, least) in [(1, 0.98), (2, 0.8), (3, 0.8), (6, 0.4), (12, 0.2)] {
        let (ten, hour) = (mean(machines, 600, SECOND, 40), mean(machines, 3_600, SECOND, 20));
        assert!(ten.share >= least && hour.share >= least, "{machines}: {ten:?}, {hour:?}");
        let (shares, slowest) = ([percent(ten.share), percent(hour.share)], percent(hour.slowest));
        let row = format!(
            "| {machines} | {} | {} | {slowest} | {:.1} | {:.0} |",
            shares[0], shares[1], ten.locks, hour.locks
        );
        println!("{row}");
        // A package of the sources has no guide.
        assert!(guide.as_ref().map_or(true, |guide| guide.contains(&row)), "docs/guides/machines.md lacks {row}");
    }
}

#[test]
fn machines_that_begin_one_after_the_other_share_a_base_as_well() {
    for (machines, least) in [(2, 0.8), (3, 0.8), (6, 0.4), (12, 0.2)] {
        let hour = mean(machines, 3_600, 60 * SECOND, 20);
        println!("{machines}: {hour:?}");
        assert!(hour.share >= least, "{machines}: {hour:?}");
    }
}

#[test]
fn a_machine_alone_forgives_a_burst_within_two_minutes() {
    for (burst, first) in [(1, 100), (2, 100), (5, 100), (6, 0), (60, 100)] {
        let pace = Pace::of_base(4.5);
        let (mut slots, mut service) = (Slots::default(), Service::default());
        let start = 1_000_000 * SECOND;
        let (mut now, mut event, mut served, mut has_burst) = (start, Event::Reserve, Vec::new(), false);
        while now < start + (first + 200) * SECOND {
            if !has_burst && now >= start + first * SECOND {
                has_burst = true;
                for _ in 0..burst {
                    _ = service.serves(now);
                }
            }
            match if event == Event::Reserve { slots.reserve(now, pace) } else { slots.depart(now, pace) } {
                Turn::Wait(wait, _) => (now, event) = (now + micros(wait), Event::Depart),
                Turn::Go(_) => {
                    if service.serves(now) {
                        served.push(now);
                    } else {
                        slots.block(now, now + 33 * SECOND, pace);
                    }
                    event = Event::Reserve;
                }
            }
        }
        let back = start + (first + 120) * SECOND;
        let number = served.iter().filter(|at| (back..back + 60 * SECOND).contains(*at)).count();
        assert!(number >= 60 * 45 * 9 / 100, "{burst} at {first} s: {number}");
    }
}

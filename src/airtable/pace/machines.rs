//! Several machines and one base, simulated: the policies as they are, and a service that refuses as Airtable does. An hour
//! takes milliseconds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

const SECOND: Micros = 1_000_000;
const PENALTY: Micros = 30 * SECOND;

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

/// Machines that all want as much as they can get, and begin within a second.
fn run(machines: usize, seconds: u64, seed: u64) -> Came {
    let mut chance = Chance(fastrand::Rng::with_seed(seed));
    let (pace, start) = (Pace::of_base(4.5), 1_000_000 * SECOND);
    let end = start + seconds * SECOND;
    let mut slots = vec![Slots::default(); machines];
    let mut served = vec![0_u32; machines];
    let mut service = Service::default();
    let mut events: BinaryHeap<Reverse<(Micros, usize, Event)>> =
        (0..machines).map(|machine| Reverse((start + chance.below(SECOND), machine, Event::Reserve))).collect();
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
            Event::Reserve => slots[machine].reserve(now, pace),
            Event::Depart => slots[machine].depart(now, pace),
        };
        match turn {
            Turn::Wait(wait, _) => events.push(Reverse((now + micros(wait), machine, Event::Depart))),
            Turn::Go(_) => {
                if service.serves(now) {
                    served[machine] += 1;
                } else {
                    events.push(Reverse((now + 150_000 + chance.below(50_000), machine, Event::Refused)));
                }
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
fn mean(machines: usize, seconds: u64, runs: u32) -> Came {
    let all: Vec<Came> = (1..=runs).map(|seed| run(machines, seconds, u64::from(seed))).collect();
    let mean = |of: fn(&Came) -> f64| all.iter().map(of).sum::<f64>() / f64::from(runs);
    Came { share: mean(|came| came.share), slowest: mean(|came| came.slowest), locks: mean(|came| came.locks) }
}

#[test]
fn machines_that_do_not_know_each_other_share_a_base() {
    for (machines, least) in [(1, 0.98), (2, 0.8), (3, 0.8), (6, 0.4), (12, 0.2)] {
        let ten = mean(machines, 600, 20);
        let hour = mean(machines, 3_600, 20);
        println!("{machines}: ten minutes {ten:.2?}, an hour {hour:.2?}");
        assert!(hour.share >= least, "{machines}: {hour:?}");
    }
}

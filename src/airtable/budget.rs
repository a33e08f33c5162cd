//! Where the budget of a base or of a token is kept: a small file that every process of the machine locks for a moment.
//!
//! Airtable grants 5 requests a second to a base and 50 to a token, not to a process, and a Spark job is many processes.
//! A holder that dies blocks nobody: the system gives its lock back. Without a writable directory the budget is this
//! process's own. Separate from [`crate::airtable::pace`], which computes, and from [`crate::airtable::client`], which waits.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::airtable::location::{Location, Told};
use crate::airtable::lock_file;
use crate::airtable::pace::{Micros, Pace, SLOTS_BYTES, Slots, Turn, Why, micros};
use crate::fingerprint::fingerprint;
use crate::token::Token;

/// How many times as many requests a token may send as one base may get.
const BASES_OF_A_TOKEN: f64 = 10.0;

/// The slots used where no file can be.
static OWN: Mutex<Option<HashMap<PathBuf, Slots>>> = Mutex::new(None);
static SAID: Once = Once::new();

/// How a budget is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// The file by which the processes of the machine share it. Those that use it hold it open.
    pub path: PathBuf,
    /// How long a request that came now would wait at least.
    pub wait: Duration,
    /// How long the base is left alone after too many requests.
    pub blocked: Duration,
    /// Whether the pace is lower, because refusals told of other machines.
    pub is_eased: bool,
}

/// One budget: that of a base, or that of a token.
#[derive(Debug)]
pub(crate) struct Budget {
    path: PathBuf,
    pace: Pace,
    kept: Mutex<Kept>,
    /// Where readers of other machines are met, and the number of the base there.
    place: Option<(PathBuf, u64)>,
    location: Mutex<Option<Location>>,
}

/// What is kept from one change to the next.
#[derive(Debug, Default)]
struct Kept {
    /// The file, while it is where it was.
    file: Option<File>,
    /// What it held: a process that the file fails goes on from there.
    slots: Slots,
}

impl Budget {
    /// The budget of `base` (an id, or a word for requests that belong to none) at `host`.
    pub(crate) fn of_base(host: &str, base: &str, requests_per_second: f64) -> Self {
        Self::new(host, base, Pace::of_base(requests_per_second))
    }

    /// The budget of whoever has this token, for all bases together.
    pub(crate) fn of_token(host: &str, token: &Token, requests_per_second: f64) -> Self {
        let pace = Pace::even(BASES_OF_A_TOKEN * requests_per_second);
        Self::new(host, &format!("token-{:016x}", token.fingerprint()), pace)
    }

    fn new(host: &str, of: &str, pace: Pace) -> Self {
        // The number is that of the file's form.
        Self::at(lock_file::path(&format!("5-{host}-{of}.budget")), pace)
    }

    fn at(path: PathBuf, pace: Pace) -> Self {
        Self { path, pace, kept: Mutex::default(), place: None, location: Mutex::default() }
    }

    /// The same, shared with other machines by a directory that all of them see.
    pub(crate) fn shared_at(self, directory: Option<&Path>) -> Self {
        let base = || fingerprint(&self.path.file_name().unwrap_or_default().to_string_lossy());
        let place = directory.map(|directory| (directory.to_owned(), base()));
        Self { place, ..self }
    }

    /// Whether it is a request's turn among those of all machines; none where that cannot be known.
    fn turn_of_all(&self) -> Option<Turn> {
        let (directory, base) = self.place.as_ref()?;
        let blocked = self.change(|slots, now| slots.blocked(now));
        let mut location = self.location.lock().unwrap_or_else(PoisonError::into_inner);
        if location.as_ref().is_some_and(Location::is_over) {
            *location = None;
        }
        let location = location.get_or_insert_with(|| Location::enter(directory, *base, self.pace.interval, now()));
        Some(match location.turn(now(), blocked) {
            Told::Go => self.change(|slots, now| slots.depart(now, self.pace)),
            Told::Wait(wait) => Turn::Wait(wait, Why::Queue),
            Told::Shut(wait) => Turn::Wait(wait, Why::Penalty),
            Told::Alone(readers) => {
                self.change(|slots, now| slots.expect(readers, now, self.pace));
                return None;
            }
        })
    }

    /// Takes the next slot. A request that has to wait asks [`Budget::depart`] when its wait is over.
    pub(crate) fn reserve(&self) -> Turn {
        if let Some(turn) = self.turn_of_all() {
            return turn;
        }
        self.change(|slots, now| slots.reserve(now, self.pace))
    }

    /// Whether the request may be sent now that its slot has come.
    pub(crate) fn depart(&self) -> Turn {
        if let Some(turn) = self.turn_of_all() {
            return turn;
        }
        self.change(|slots, now| slots.depart(now, self.pace))
    }

    /// The same for a request that was let go, and not sent then.
    pub(crate) fn depart_again(&self, noted: Micros) -> Turn {
        if self.place.is_some() {
            self.change(|slots, now| slots.forget(noted, now));
            return self.depart();
        }
        self.change(|slots, now| slots.depart_again(noted, now, self.pace))
    }

    /// A request that was let go may arrive at any time until [`Budget::arrived`].
    pub(crate) fn set_underway(&self, noted: Micros) {
        self.change(|slots, now| slots.set_underway(noted, now));
    }

    /// A request has arrived, or never will.
    pub(crate) fn arrived(&self, noted: Micros) {
        self.change(|slots, now| slots.arrived(noted, now));
    }

    /// A request that was let go has left only now.
    pub(crate) fn left(&self, noted: Micros) -> Micros {
        self.change(|slots, now| slots.left(noted, now))
    }

    /// How long a request that came now would wait at least.
    pub(crate) fn outlook(&self) -> Duration {
        self.change(|slots, now| slots.outlook(now))
    }

    /// How it is now.
    pub(crate) fn state(&self) -> BudgetState {
        self.change(|slots, now| BudgetState {
            path: self.path.clone(),
            wait: slots.outlook(now),
            blocked: slots.blocked(now),
            is_eased: slots.is_eased(),
        })
    }

    /// From one slot to the next.
    pub(crate) fn interval(&self) -> Duration {
        self.pace.interval
    }

    /// Nobody sends to this base for as long as `wait`.
    pub(crate) fn block(&self, wait: Duration) {
        self.change(|slots, now| slots.block(now, now + micros(wait), self.pace));
        if let Some(location) = &*self.location.lock().unwrap_or_else(PoisonError::into_inner) {
            location.shut(now(), now() + micros(wait));
        }
    }

    fn change<T>(&self, mut act: impl FnMut(&mut Slots, Micros) -> T) -> T {
        match self.change_file(&mut act) {
            Ok(result) => result,
            Err(error) => {
                SAID.call_once(|| {
                    log::warn!(
                        "{}: {error}: requests to a base are paced within this process only",
                        self.path.display()
                    );
                });
                let last = self.kept.lock().unwrap_or_else(PoisonError::into_inner).slots;
                let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
                let slots = own.get_or_insert_default().entry(self.path.clone()).or_default();
                slots.join(&last);
                act(slots, now())
            }
        }
    }

    fn change_file<T>(&self, act: &mut impl FnMut(&mut Slots, Micros) -> T) -> io::Result<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = self.locked(kept.file.take())?;
        let changed = change_locked(&mut file, &kept.slots, act);
        file.unlock()?;
        kept.file = Some(file);
        let (result, slots) = changed?;
        kept.slots = slots;
        Ok(result)
    }

    /// The file that all find, locked. One that was open may have been removed meanwhile.
    fn locked(&self, mut open: Option<File>) -> io::Result<File> {
        for _ in 0..3 {
            let file = open.take().map_or_else(|| lock_file::open(&self.path), Ok)?;
            lock(&file)?;
            if lock_file::is_at(&file, &self.path) {
                return Ok(file);
            }
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "is removed again and again"))
    }
}

/// A file that was made anew goes on from what this process knows.
fn change_locked<T>(
    file: &mut File,
    known: &Slots,
    act: &mut impl FnMut(&mut Slots, Micros) -> T,
) -> io::Result<(T, Slots)> {
    let mut bytes = [0; SLOTS_BYTES + 1];
    file.seek(SeekFrom::Start(0))?;
    let length = file.read(&mut bytes)?;
    let mut slots = Slots::from_bytes(&bytes[..length]);
    if length == 0 {
        slots.join(known);
    }
    let result = act(&mut slots, now());
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&slots.to_bytes())?;
    if length != SLOTS_BYTES {
        file.set_len(SLOTS_BYTES as u64)?;
    }
    Ok((result, slots))
}

/// Holders keep the lock for microseconds, so one that keeps it for 50 ms is stopped, and not waited for.
fn lock(file: &File) -> io::Result<()> {
    for _ in 0..50 {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "locked by a process that does not go on"))
}

fn now() -> Micros {
    micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(path: PathBuf) -> Budget {
        Budget::at(path, Pace::of_base(4.0))
    }

    /// How long a request is told to wait.
    fn wait(turn: Turn) -> Duration {
        match turn {
            Turn::Go(_) => Duration::ZERO,
            Turn::Wait(wait, _) => wait,
        }
    }

    #[test]
    fn two_holders_share_one_budget_and_one_penalty() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one.budget");
        let (a, b) = (budget(path.clone()), budget(path));
        assert_eq!(wait(a.reserve()), Duration::ZERO);
        let left = wait(b.reserve()).as_millis();
        assert!((1..=250).contains(&left), "{left}");
        a.block(Duration::from_secs(30));
        assert!(wait(b.reserve()) > Duration::from_secs(29));
    }

    #[test]
    fn without_a_directory_the_process_paces_itself() {
        let nowhere = std::env::temp_dir().join("no such directory").join("one.budget");
        let (a, b) = (budget(nowhere.clone()), budget(nowhere));
        assert_eq!(wait(a.reserve()), Duration::ZERO);
        assert!(wait(b.reserve()) > Duration::from_millis(100));
    }

    #[test]
    fn a_process_that_the_file_fails_goes_on_from_what_it_knew() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one.budget");
        let a = budget(path.clone());
        assert_eq!(wait(a.reserve()), Duration::ZERO);
        a.block(Duration::from_secs(30));
        let stopped = File::open(&path).expect("there");
        stopped.lock().expect("locked");
        assert!(wait(a.reserve()) > Duration::from_secs(29), "the penalty holds");
        assert!(wait(a.depart()) > Duration::from_secs(29));
    }

    #[test]
    fn a_file_of_another_form_is_made_ours() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one.budget");
        std::fs::write(&path, [7; 20]).expect("written");
        let a = budget(path.clone());
        assert_eq!(wait(a.reserve()), Duration::ZERO);
        assert!(wait(a.reserve()) > Duration::from_millis(100));
        assert_eq!(std::fs::metadata(&path).expect("there").len(), SLOTS_BYTES as u64);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_file_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let (target, link) = (directory.path().join("theirs"), directory.path().join("one.budget"));
        std::fs::write(&target, "theirs").expect("written");
        std::os::unix::fs::symlink(&target, &link).expect("a link");
        let a = budget(link);
        assert_eq!(wait(a.reserve()), Duration::ZERO);
        assert!(wait(a.reserve()) > Duration::from_millis(100), "paced within the process");
        assert_eq!(std::fs::read(&target).expect("there"), b"theirs");
    }

    #[test]
    fn a_state_says_what_a_request_would_meet_and_takes_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one.budget");
        let a = budget(path.clone());
        let free = BudgetState { path: path.clone(), wait: Duration::ZERO, blocked: Duration::ZERO, is_eased: false };
        assert_eq!(a.state(), free);
        assert_eq!(wait(a.reserve()), Duration::ZERO, "looking takes no slot");
        a.block(Duration::from_secs(30));
        let shut = budget(path).state();
        assert!(shut.blocked > Duration::from_secs(29) && shut.wait >= shut.blocked, "{shut:?}");
        assert!(shut.is_eased);
    }

    #[test]
    fn bases_do_not_share() {
        let path = |base, rate| Budget::of_base("h", base, rate).path;
        assert_ne!(path("appA", 5.0), path("appB", 5.0));
        assert_eq!(path("appA", 5.0), path("appA", 1.0));
    }

    #[test]
    fn a_token_has_a_budget_that_does_not_show_it() {
        let path = |token| Budget::of_token("h", &Token::new(token).expect("a token"), 5.0).path;
        assert_ne!(path("patSecretOne"), path("patSecretTwo"));
        assert_eq!(path("patSecretOne"), path("patSecretOne"));
        assert!(!path("patSecretOne").to_string_lossy().contains("Secret"));
    }

    #[test]
    fn a_file_that_was_swept_away_is_made_again_by_all() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one.budget");
        let (a, b) = (budget(path.clone()), budget(path.clone()));
        assert_eq!(wait(a.reserve()), Duration::ZERO);
        assert!(!wait(b.reserve()).is_zero());
        a.block(Duration::from_secs(30));
        std::fs::remove_file(&path).expect("there");
        assert!(wait(a.reserve()) > Duration::from_secs(29), "it goes on from what it knew");
        assert!(wait(b.reserve()) > Duration::from_secs(29), "it sees the new file");
    }
}

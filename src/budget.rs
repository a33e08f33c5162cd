//! Where the budget of a base is kept: a small file that every process of the machine locks for a moment.
//!
//! Airtable grants 5 requests a second to a base, not to a process, and a Spark job is many processes. A holder that
//! dies blocks nobody: the system gives its lock back. Without a writable directory the budget is this process's own.
//! Separate from [`crate::pace`], which computes, and from [`crate::client`], which waits.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::pace::{Micros, SLOTS_BYTES, Slots, micros};
use crate::shared_file;

/// The slots used where no file can be.
static OWN: Mutex<Option<HashMap<PathBuf, Slots>>> = Mutex::new(None);
static SAID: Once = Once::new();

/// The budget of one base.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    path: PathBuf,
    interval: Duration,
}

impl Budget {
    /// The budget of `base` (an id, or a word for requests that belong to none) at `host`.
    pub(crate) fn new(host: &str, base: &str, requests_per_second: f64) -> Self {
        // The number is that of the file's form.
        let path = shared_file::path(&format!("1-{host}-{base}.budget"));
        Self { path, interval: Duration::from_secs_f64(1.0 / requests_per_second) }
    }

    /// Takes the next slot; returns how long to wait before the request is sent.
    pub(crate) fn reserve(&self) -> Duration {
        let interval = self.interval;
        self.change(|slots, now| slots.reserve(now, interval))
    }

    /// How long the base is still left alone: a penalty may have been met while a slot was waited for.
    pub(crate) fn blocked(&self) -> Duration {
        self.change(|slots, now| slots.blocked(now))
    }

    /// Nobody sends to this base for as long as `wait`.
    pub(crate) fn block(&self, wait: Duration) {
        self.change(|slots, now| slots.block(now + micros(wait)));
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
                let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
                let slots = own.get_or_insert_default().entry(self.path.clone()).or_default();
                act(slots, now())
            }
        }
    }

    fn change_file<T>(&self, act: &mut impl FnMut(&mut Slots, Micros) -> T) -> io::Result<T> {
        let mut file = shared_file::open(&self.path)?;
        lock(&file)?;
        let mut bytes = Vec::with_capacity(SLOTS_BYTES);
        (&mut file).take(64).read_to_end(&mut bytes)?;
        let mut slots = Slots::from_bytes(&bytes);
        let result = act(&mut slots, now());
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&slots.to_bytes())?;
        file.set_len(SLOTS_BYTES as u64)?;
        Ok(result)
    }
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
        Budget { path, interval: Duration::from_millis(250) }
    }

    #[test]
    fn two_holders_share_one_budget_and_one_penalty() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one.budget");
        let (a, b) = (budget(path.clone()), budget(path));
        assert_eq!(a.reserve(), Duration::ZERO);
        let wait = b.reserve().as_millis();
        assert!((1..=250).contains(&wait), "{wait}");
        a.block(Duration::from_secs(30));
        assert!(b.reserve() > Duration::from_secs(29));
    }

    #[test]
    fn without_a_directory_the_process_paces_itself() {
        let nowhere = std::env::temp_dir().join("no such directory").join("one.budget");
        let (a, b) = (budget(nowhere.clone()), budget(nowhere));
        assert_eq!(a.reserve(), Duration::ZERO);
        assert!(b.reserve() > Duration::from_millis(100));
    }

    #[test]
    fn a_file_of_another_form_is_made_ours() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one.budget");
        std::fs::write(&path, [7; 20]).expect("written");
        let a = budget(path.clone());
        assert_eq!(a.reserve(), Duration::ZERO);
        assert!(a.reserve() > Duration::from_millis(100));
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
        assert_eq!(a.reserve(), Duration::ZERO);
        assert!(a.reserve() > Duration::from_millis(100), "paced within the process");
        assert_eq!(std::fs::read(&target).expect("there"), b"theirs");
    }

    #[test]
    fn bases_do_not_share() {
        assert_ne!(Budget::new("h", "appA", 5.0).path, Budget::new("h", "appB", 5.0).path);
        assert_eq!(Budget::new("h", "appA", 5.0).path, Budget::new("h", "appA", 1.0).path);
    }
}

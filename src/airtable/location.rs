//! A reader's file in a directory that all machines see, and the thread that keeps it.
//!
//! Everything that may hang, as a lost mount does, is done by the thread: a request only looks at what is known. The thread
//! begins with the first request, and ends a minute after the last one or with the reader, and takes its file along. No
//! locks, no renames, no file that changes: what slow mounts of object stores allow.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::airtable::beat::Beat;
use crate::airtable::pace::{Micros, micros};
use crate::airtable::roster::{Roster, Standing};

/// From beat to beat: while it enters, while it is known, and at least where others must know something at once.
const ENTERING: Duration = Duration::from_secs(1);
const KNOWN: Duration = Duration::from_secs(4);
const AT_ONCE: Duration = Duration::from_millis(200);

/// A slow place is used for a quarter of the time at most.
const SHARE_OF_TIME: u32 = 4;

/// Who has sent nothing for so long leaves its slots to others, and then leaves.
const QUIET: Micros = 10_000_000;
const OVER: Micros = 60_000_000;

/// One that was stopped gets its listing within this time, or the place is silent.
const GRACE: Duration = Duration::from_secs(5);

/// So long the end of a reader waits for its file to be removed.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is asked again after so long.
const NAP: Duration = Duration::from_millis(100);

/// What a file says to who opens it.
const TEXT: &[u8] = b"A reader of lakeflow-airtable shares an Airtable base's budget by the name of this file.\n";

/// What a request is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is its turn.
    Go,
    /// It asks again after so long.
    Wait(Duration),
    /// The base is left alone for so long.
    Shut(Duration),
    /// The place is of no use: so many readers were known last.
    Alone(usize),
}

/// One reader in the place.
#[derive(Debug)]
pub(crate) struct Location {
    shared: Arc<Shared>,
    process: u32,
}

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    kept: Mutex<Kept>,
    changed: Condvar,
}

#[derive(Debug)]
struct Kept {
    roster: Roster,
    /// Until when a request waits, or when the last one asked.
    asked: Micros,
    /// What the place said last, where it failed.
    failed: Option<String>,
    /// Since when it has been silent.
    silent: Option<Instant>,
    is_told: bool,
    /// It was said that it enters.
    is_announced: bool,
    is_hurried: bool,
    stage: Stage,
}

/// How long the thread goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Here,
    Leaving,
    Left,
}

impl Location {
    /// Begins to be a reader of `base`, which has `interval` from request to request for itself. The thread that keeps the
    /// file is started.
    pub(crate) fn enter(directory: &Path, base: u64, interval: Duration, now: Micros) -> Self {
        let shared = Arc::new(Shared::new(directory, base, interval, now));
        let keeper = shared.clone();
        let started = std::thread::Builder::new().name("airtable-budget".into()).spawn(move || keeper.keep());
        if let Err(error) = started {
            shared.fail(&error);
        }
        Self { shared, process: std::process::id() }
    }

    /// Whether it has left, or belongs to the process that this one was made from.
    pub(crate) fn is_over(&self) -> bool {
        self.process != std::process::id() || self.shared.kept().stage == Stage::Left
    }

    /// Whether a request may go at `now`. The machine itself leaves the base alone for as long as `blocked`.
    pub(crate) fn turn(&self, now: Micros, blocked: Duration) -> Told {
        let mut kept = self.shared.kept();
        let told = kept.turn(&self.shared.directory, now, micros(blocked));
        let wait = match told {
            Told::Wait(wait) | Told::Shut(wait) => wait,
            Told::Go | Told::Alone(_) => Duration::ZERO,
        };
        // One that waits for its slot is there all the while.
        kept.asked = now + micros(wait);
        told
    }

    /// The base is left alone until `until`: the others are told at once.
    pub(crate) fn shut(&self, now: Micros, until: Micros) {
        let mut kept = self.shared.kept();
        kept.roster.refused(now);
        kept.roster.shut(until);
        kept.is_hurried = true;
        self.shared.changed.notify_all();
    }
}

impl Drop for Location {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return;
        }
        let mut kept = self.shared.kept();
        if kept.stage == Stage::Here {
            kept.stage = Stage::Leaving;
        }
        self.shared.changed.notify_all();
        // A place that hangs keeps its file: it counts for less than a minute.
        drop(self.shared.changed.wait_timeout_while(kept, FAREWELL, |kept| kept.stage == Stage::Leaving));
    }
}

impl Kept {
    /// What a request is told at `now`.
    fn turn(&mut self, directory: &Path, now: Micros, blocked: Micros) -> Told {
        let shut = self.roster.shut_until(now).saturating_sub(now).max(blocked);
        let readers = self.roster.readers(now);
        if self.failed.is_some() {
            return Told::Alone(readers);
        }
        match self.roster.standing(now) {
            Standing::Stale => {
                let since = *self.silent.get_or_insert_with(Instant::now);
                if since.elapsed() < GRACE {
                    return Told::Wait(NAP);
                }
                self.tell(directory, "has not answered for 20 s: check its mount");
                Told::Alone(readers)
            }
            Standing::Apart(apart) => {
                let seconds = apart / 1_000_000;
                let what = format!(
                    "the clocks of this machine and of another one that reads the base are {seconds} s apart: set them by NTP"
                );
                self.tell(directory, &what);
                Told::Alone(readers)
            }
            Standing::Entering => {
                if !std::mem::replace(&mut self.is_announced, true) {
                    log::info!(
                        "budget_location {}: waiting until the others there know of this reader: some seconds, 12 at most",
                        directory.display()
                    );
                }
                Told::Wait(NAP)
            }
            Standing::Known if shut > 0 => Told::Shut(Duration::from_micros(shut)),
            Standing::Known => match self.roster.take(now) {
                0 => Told::Go,
                wait => Told::Wait(Duration::from_micros(wait)),
            },
        }
    }

    /// Says once what is wrong with the place.
    fn tell(&mut self, directory: &Path, what: &str) {
        if !std::mem::replace(&mut self.is_told, true) {
            log::warn!(
                "budget_location {}: {what}: the read goes on, and learns its share of the base from refusals",
                directory.display()
            );
        }
    }
}

impl Shared {
    fn new(directory: &Path, base: u64, interval: Duration, now: Micros) -> Self {
        let kept = Kept {
            roster: Roster::new(base, fastrand::u64(..), micros(interval), now),
            asked: now,
            failed: None,
            silent: None,
            is_told: false,
            is_announced: false,
            is_hurried: false,
            stage: Stage::Here,
        };
        Self { directory: directory.into(), kept: Mutex::new(kept), changed: Condvar::new() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: beat by beat, until it is over.
    fn keep(&self) {
        let mut last = None;
        loop {
            let began = Instant::now();
            let beat = self.beat(&mut last);
            let pause = self.pause(began.elapsed());
            match beat {
                Ok(()) => {
                    let mut kept = self.kept();
                    (kept.failed, kept.silent, kept.is_told) = (None, None, kept.is_told && kept.failed.is_none());
                }
                Err(error) => self.fail(&error),
            }
            let waited = std::mem::take(&mut self.kept().is_hurried);
            if waited {
                std::thread::sleep(AT_ONCE);
            } else {
                let waiting = |kept: &mut Kept| kept.stage == Stage::Here && !kept.is_hurried;
                drop(self.changed.wait_timeout_while(self.kept(), pause, waiting));
            }
            let kept = self.kept();
            if kept.stage == Stage::Leaving || now().saturating_sub(kept.asked) > OVER {
                break;
            }
        }
        if let Some(path) = last {
            _ = fs::remove_file(path);
        }
        self.kept().stage = Stage::Left;
        self.changed.notify_all();
    }

    fn pause(&self, took: Duration) -> Duration {
        let usual = if self.kept().roster.standing(now()) == Standing::Known { KNOWN } else { ENTERING };
        usual.max(took.saturating_mul(SHARE_OF_TIME))
    }

    /// One beat: a new file, the last one removed, and a look at those of the others.
    fn beat(&self, last: &mut Option<PathBuf>) -> io::Result<()> {
        let path = {
            let (mut kept, now) = (self.kept(), now());
            let is_busy = now.saturating_sub(kept.asked) < QUIET;
            kept.roster.set_busy(is_busy, now);
            self.directory.join(kept.roster.beat(now).name())
        };
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        // The name says all: a full disk may well hold an empty file.
        _ = file.write_all(TEXT);
        drop(file);
        if let Some(before) = last.replace(path) {
            _ = fs::remove_file(before);
        }
        let mut beats = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            beats.extend(entry?.file_name().to_str().and_then(Beat::from_name));
        }
        let left = {
            let (mut kept, now) = (self.kept(), now());
            kept.roster.listed(now, &beats);
            kept.roster.left_over(now, &beats)
        };
        for beat in left {
            _ = fs::remove_file(self.directory.join(beat.name()));
        }
        Ok(())
    }

    fn fail(&self, error: &io::Error) {
        let what = advice(error);
        let mut kept = self.kept();
        kept.tell(&self.directory, &what);
        kept.failed = Some(what);
    }
}

/// What is wrong with the place, and what to do.
fn advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "is not there: make the directory, or mount it on this machine".to_owned(),
        io::ErrorKind::NotADirectory => "is no directory: name one that all machines see".to_owned(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("{error}: let this user make and remove files there")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!("{error}: make room there"),
        _ => format!("{error}: check its mount"),
    }
}

fn now() -> Micros {
    micros(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests;

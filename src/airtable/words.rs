//! Small files of numbers, which processes of a machine change in turn.
//!
//! Invariant: what is read was written whole by one of ours. The last number tells: a file of another form, or one that was
//! cut off, is as one that is empty. A holder that does not go on is not waited for.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::airtable::lock_file;
use crate::fingerprint::fingerprint;

/// Numbers in a file at most, without the one that tells whether they are whole. Larger files are none of ours.
pub(crate) const MOST_WORDS: usize = 31;

/// How often a lock is tried, a millisecond apart: holders keep it for microseconds.
const ATTEMPTS: u32 = 50;

/// Reads the numbers of a file, and writes what `act` makes of them.
///
/// # Errors
/// Where the file cannot be opened, locked, read or written, or would be too large.
pub(crate) fn change<T>(path: &Path, act: impl FnOnce(&mut Vec<u64>) -> T) -> io::Result<T> {
    let mut file = locked(path)?;
    let result = change_locked(&mut file, act);
    // By word: closing does not do it while a child, made by fork meanwhile, has the file open too.
    file.unlock()?;
    result
}

/// This machine's time, in microseconds since 1970. It may be put back.
pub(crate) fn wall() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn locked(path: &Path) -> io::Result<File> {
    for _ in 0..ATTEMPTS {
        let file = lock_file::open(path)?;
        match file.try_lock() {
            // One that was removed meanwhile is nobody's any more.
            Ok(()) if lock_file::is_at(&file, path) => return Ok(file),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "locked by a process that does not go on"))
}

fn change_locked<T>(file: &mut File, act: impl FnOnce(&mut Vec<u64>) -> T) -> io::Result<T> {
    let mut bytes = Vec::new();
    file.take(8 * (MOST_WORDS as u64 + 2)).read_to_end(&mut bytes)?;
    let mut words = from_bytes(&bytes);
    let before = words.clone();
    let result = act(&mut words);
    if words.len() > MOST_WORDS {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "more numbers than a file holds"));
    }
    if words != before {
        let written = to_bytes(&words);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&written)?;
        file.set_len(written.len() as u64)?;
    }
    Ok(result)
}

fn to_bytes(words: &[u64]) -> Vec<u8> {
    words.iter().chain([&check(words)]).flat_map(|word| word.to_le_bytes()).collect()
}

/// None where the bytes are not as [`to_bytes`] makes them.
fn from_bytes(bytes: &[u8]) -> Vec<u64> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut words: Vec<u64> = chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
    let is_ours = rest.is_empty() && words.len() <= MOST_WORDS + 1;
    if is_ours && words.pop().is_some_and(|last| last == check(&words)) { words } else { Vec::new() }
}

fn check(words: &[u64]) -> u64 {
    fingerprint(&format!("{words:x?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(path: &Path) -> Vec<u64> {
        change(path, |words| words.clone()).expect("read")
    }

    #[test]
    fn what_one_writes_another_reads_and_nothing_else_is_taken_for_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one");
        assert!(numbers(&path).is_empty());
        for words in [vec![1, u64::MAX], vec![7], (0..31).collect()] {
            change(&path, |found| found.clone_from(&words)).expect("written");
            assert_eq!(numbers(&path), words);
            assert_eq!(std::fs::metadata(&path).expect("there").len(), 8 * (words.len() as u64 + 1));
        }
        assert!(change(&path, |words| words.push(1)).is_err(), "no larger than what is swept away");
        let whole = std::fs::read(&path).expect("bytes");
        let mut other = whole.clone();
        other[9] ^= 1;
        for bytes in [
            &whole[..whole.len() - 8],
            &whole[..20],
            b"",
            b"somebody's",
            &other,
            &[whole.clone(), whole.clone()].concat(),
        ] {
            std::fs::write(&path, bytes).expect("written");
            assert!(numbers(&path).is_empty(), "{} bytes", bytes.len());
        }
    }

    #[test]
    fn a_file_that_cannot_be_had_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(change(&directory.path().join("no").join("one"), |_| ()).is_err());
        assert!(change(directory.path(), |_| ()).is_err(), "a directory");
        let path = directory.path().join("one");
        change(&path, |words| words.push(1)).expect("written");
        let stopped = File::open(&path).expect("there");
        stopped.lock().expect("locked");
        assert!(change(&path, |_| ()).is_err(), "its holder does not go on");
    }
}

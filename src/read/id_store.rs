//! The ids of a table's records as one stream knows them, in files of a directory that driver and workers share.
//!
//! Needed for one thing: a change feed that was lost says no longer which records went, and only who knows what was there
//! can tell. Every full read writes a file of all ids, every range of the feed one of those created since, each whole and
//! under its final name at once, because shared directories often allow no appending. All files together hold at least
//! the records that a target can hold, and may hold more: a delete of what is not there does no harm.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};

const ENDING: &str = "ids";

/// A stream's directory.
#[derive(Debug, Clone)]
pub(crate) struct IdStore {
    directory: PathBuf,
}

impl IdStore {
    pub(crate) fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Replaces a file. Readers meet it whole or not at all.
    ///
    /// # Errors
    /// [`Error::Option`] where the directory cannot be written.
    pub(crate) fn write(&self, name: &str, ids: impl Iterator<Item = String>) -> Result<()> {
        let write = || {
            fs::create_dir_all(&self.directory)?;
            let unfinished = self.directory.join(format!("{name}.{:016x}.tmp", fastrand::u64(..)));
            let mut file = std::io::BufWriter::new(fs::File::create(&unfinished)?);
            for id in ids {
                writeln!(file, "{id}")?;
            }
            file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(unfinished, self.path(name))
        };
        write().map_err(|error| self.error(&error))
    }

    /// The ids in all files but one.
    ///
    /// # Errors
    /// [`Error::Option`] where the directory cannot be read.
    pub(crate) fn all_but(&self, name: &str) -> Result<BTreeSet<String>> {
        let read = || {
            let mut ids = BTreeSet::new();
            for path in self.files()?.into_iter().filter(|path| *path != self.path(name)) {
                ids.extend(fs::read_to_string(path)?.lines().map(str::to_owned));
            }
            Ok(ids)
        };
        read().map_err(|error| self.error(&error))
    }

    /// Whether another full read than this one is there.
    pub(crate) fn has_other_full(&self, name: &str) -> bool {
        let is_full = |path: &PathBuf| stem(path).starts_with("full-");
        self.files().is_ok_and(|files| files.iter().any(|path| is_full(path) && *path != self.path(name)))
    }

    /// Makes one file of those that are meant, once there are too many.
    ///
    /// # Errors
    /// [`Error::Option`] where the directory cannot be read or written.
    pub(crate) fn fold(&self, name: &str, is_meant: impl Fn(&str) -> bool, most: usize) -> Result<()> {
        let files = self.files().map_err(|error| self.error(&error))?;
        let meant: Vec<PathBuf> = files.into_iter().filter(|path| is_meant(&stem(path))).collect();
        if meant.len() <= most {
            return Ok(());
        }
        let mut ids = BTreeSet::new();
        for path in &meant {
            let text = fs::read_to_string(path).map_err(|error| self.error(&error))?;
            ids.extend(text.lines().map(str::to_owned));
        }
        self.write(name, ids.into_iter())?;
        meant.iter().filter(|path| **path != self.path(name)).for_each(|path| remove(path));
        Ok(())
    }

    /// Removes all files but one, and but those that are newer, if that one is there: nothing older is asked for again.
    ///
    /// Newer is what says so by its name, or was written no earlier: names of different feeds have no order, and that a
    /// batch has arrived may be said after the next was read.
    pub(crate) fn keep_since(&self, name: &str, is_newer: impl Fn(&str) -> bool) {
        let Ok(written) = modified(&self.path(name)) else { return };
        for path in self.files().unwrap_or_default() {
            let is_older = || modified(&path).is_ok_and(|time| time < written);
            if path != self.path(name) && !is_newer(&stem(&path)) && is_older() {
                remove(&path);
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.{ENDING}"))
    }

    fn files(&self) -> std::io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        Ok(paths.into_iter().filter(|path| path.extension() == Some(ENDING.as_ref())).collect())
    }

    fn error(&self, error: &std::io::Error) -> Error {
        Error::Option(
            format!(
                "option state_location: {}: {error}: name a directory that driver and workers can read and write",
                Path::display(&self.directory)
            )
            .into(),
        )
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn modified(path: &Path) -> std::io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

/// What cannot be removed is only more than is needed.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        log::warn!("{}: cannot be removed: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_read_together_and_cleared() {
        let directory = tempfile::tempdir().expect("a directory");
        let files = IdStore::new(directory.path().join("new"));
        assert!(!files.has_other_full("full-2"));
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        files.write("full-1", ids(&["recA", "recB"]).into_iter()).expect("written");
        files.write("feed-1", ids(&["recC"]).into_iter()).expect("written");
        files.write("feed-1", ids(&["recD"]).into_iter()).expect("written again");
        let all: Vec<String> = files.all_but("next").expect("read").into_iter().collect();
        assert_eq!(all, ["recA", "recB", "recD"]);
        let others: Vec<String> = files.all_but("full-1").expect("read").into_iter().collect();
        assert_eq!(others, ["recD"]);
        assert!(files.has_other_full("full-2") && !files.has_other_full("full-1"));
        files.write("feed-2", ids(&["recE"]).into_iter()).expect("written");
        let count = || files.files().expect("listed").len();
        files.fold("feed-0", |name| name.starts_with("feed"), 2).expect("few enough");
        assert_eq!(count(), 3);
        files.fold("feed-0", |name| name.starts_with("feed"), 1).expect("folded");
        assert_eq!(count(), 2);
        let all: Vec<String> = files.all_but("next").expect("read").into_iter().collect();
        assert_eq!(all, ["recA", "recB", "recD", "recE"]);
    }

    #[test]
    fn what_is_older_than_a_full_read_is_removed_once_that_has_arrived() {
        let directory = tempfile::tempdir().expect("a directory");
        let files = IdStore::new(directory.path());
        // In seconds: the full read of another feed, and what followed it, were read before its commit came.
        let written = [
            ("full-A-1", 10),
            ("feed-A-1-5", 20),
            ("full-A-5", 30),
            ("feed-A-5-6", 29),
            ("full-B-1", 40),
            ("feed-B-1-2", 50),
        ];
        for (name, second) in written {
            files.write(name, std::iter::once(format!("rec of {name}"))).expect("written");
            let file = fs::File::options().write(true).open(files.path(name)).expect("opened");
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second)).expect("a time");
        }
        let left = || files.files().expect("listed").iter().map(|path| stem(path)).collect::<BTreeSet<_>>();
        files.keep_since("full-A-9", |_| false);
        assert_eq!(left().len(), written.len(), "that one was never written");
        // The name tells what a clock that is behind does not.
        files.keep_since("full-A-5", |name| name == "feed-A-5-6");
        assert_eq!(left(), ["feed-A-5-6", "feed-B-1-2", "full-A-5", "full-B-1"].map(str::to_owned).into());
        assert!(files.has_other_full("full-A-5") && files.all_but("next").expect("read").contains("rec of full-B-1"));
        files.keep_since("full-B-1", |_| false);
        assert_eq!(left(), ["feed-B-1-2", "full-B-1"].map(str::to_owned).into());
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_said() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = IdStore::new(file.path()).write("full", std::iter::empty()).expect_err("no directory");
        assert!(error.to_string().starts_with("option state_location: "), "{error}");
    }
}

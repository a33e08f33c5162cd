//! Files of attachments in a directory that driver and workers share.
//!
//! Invariants: a file appears under its name when it is complete, and not before; two who store the same file at once do not
//! break each other's; nothing is written outside the directory, whatever stands in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::name::{UNFINISHED, safe};
use crate::error::{Error, Result};
use crate::id::is_id;

/// What begins the id of an attachment, before its random part.
const KIND: usize = 3;

/// Characters of the random part by which files are spread over directories.
const SPREAD: usize = 2;

/// Whoever wrote an unfinished file that is older was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// The directory.
#[derive(Debug, Clone)]
pub(super) struct Store {
    location: PathBuf,
}

/// Where a file is stored, or will be.
#[derive(Debug, Clone)]
pub(super) struct Place {
    location: PathBuf,
    /// Below the location, from the outer to the inner.
    directories: [PathBuf; 2],
    path: PathBuf,
}

/// A file that is not complete. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Store {
    pub(super) fn new(location: impl Into<PathBuf>) -> Self {
        Self { location: location.into() }
    }

    /// Looks whether files can be stored, before any is fetched, and removes what killed runs have left.
    ///
    /// # Errors
    /// [`Error::Option`] for what is no directory, or none that can be written.
    pub(super) fn check(&self) -> Result<()> {
        let check = || {
            if !fs::metadata(&self.location)?.is_dir() {
                return Err(io::Error::from(ErrorKind::NotADirectory));
            }
            drop(Unfinished::begin(&self.location)?);
            remove_abandoned(&self.location);
            Ok(())
        };
        check().map_err(|error| self.error(&error))
    }

    /// The place of an attachment's file; why it has none, where it has none.
    pub(super) fn place(&self, id: &str, filename: &str) -> std::result::Result<Place, String> {
        // Ids become parts of paths.
        let spread = id.get(KIND..KIND + SPREAD).filter(|_| is_id(id));
        let Some(spread) = spread else { return Err("the id is none of an attachment's".to_owned()) };
        let outer = self.location.join(spread);
        let inner = outer.join(id);
        let path = inner.join(safe(filename));
        Ok(Place { location: self.location.clone(), directories: [outer, inner], path })
    }

    /// The error for a directory in which nothing can be stored.
    pub(super) fn error(&self, error: &io::Error) -> Error {
        let what_to_do = match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => "name a directory that is there",
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                "make room, and read again: files that are there are not fetched again"
            }
            _ => "name a directory that driver and workers can read and write",
        };
        Error::Option(
            format!("option attachment_location: {}: {error}: {what_to_do}", Path::display(&self.location)).into(),
        )
    }
}

/// Whether an error is about one file, and not about the directory.
pub(super) fn is_of_one_file(error: &io::Error) -> bool {
    use ErrorKind::{AlreadyExists, InvalidFilename, InvalidInput, IsADirectory, NotADirectory};
    matches!(error.kind(), AlreadyExists | InvalidFilename | InvalidInput | IsADirectory | NotADirectory)
}

impl Place {
    /// The path of the file.
    pub(super) fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Whether the file is there, with its size as far as that is known.
    pub(super) fn is_there(&self, size: Option<u64>) -> bool {
        let found = fs::symlink_metadata(&self.path);
        found.is_ok_and(|found| found.is_file() && size.is_none_or(|size| found.len() == size)) && self.is_inside()
    }

    /// Begins the file, beside all others that are not complete: what is left of one whose file has come since is found
    /// there by whoever stores others.
    pub(super) fn begin(&self) -> io::Result<Unfinished> {
        for directory in &self.directories {
            match fs::create_dir(directory) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        if !self.is_inside() {
            let why = "a link leads out of the directory";
            return Err(io::Error::new(ErrorKind::NotADirectory, why));
        }
        Unfinished::begin(&self.location)
    }

    /// Whether the directories are what they seem, and no links to others.
    fn is_inside(&self) -> bool {
        let is_directory = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        self.directories.iter().all(is_directory)
    }
}

impl Unfinished {
    fn begin(directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!("{UNFINISHED}{:016x}.part", fastrand::u64(..)));
        // It is ours alone, and no link to another.
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { path, file })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Gives the file its name.
    pub(super) fn complete(self, place: &Place) -> io::Result<()> {
        // Rows that name the file may be kept for good before the system has written it. It costs a tenth of the time.
        synced(&self.file)?;
        self.named(place, |from, to| fs::rename(from, to))
    }

    /// Where files cannot be renamed, as on some object stores' mounts, the file is written again: there a file appears
    /// when it is closed.
    fn named(&self, place: &Place, rename: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
        match rename(&self.path, &place.path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fs::remove_file(&place.path)?;
                rename(&self.path, &place.path)
            }
            Err(error) if is_no_rename(&error) => {
                match fs::remove_file(&place.path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                let mut copy = OpenOptions::new().write(true).create_new(true).open(&place.path)?;
                io::copy(&mut File::open(&self.path)?, &mut copy)?;
                synced(&copy)
            }
            renamed => renamed,
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // One that has its name now is no longer there.
        _ = fs::remove_file(&self.path);
    }
}

/// Waits until the system has written a file. Mounts that know no such thing write it when it is closed.
fn synced(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => Ok(()),
        done => done,
    }
}

/// What systems say that rename no files.
fn is_no_rename(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::CrossesDevices)
}

/// Removes what killed runs have left of files.
fn remove_abandoned(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let is_unfinished = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(UNFINISHED);
    for entry in entries.flatten().filter(|entry| is_unfinished(&entry.file_name())) {
        let modified = entry.metadata().and_then(|found| found.modified());
        let age = modified.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age > ABANDONED) {
            _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "attCx3wJdA0YahG34";

    fn entries(directory: &Path) -> Vec<String> {
        let names = fs::read_dir(directory).expect("listed").flatten();
        let mut names: Vec<String> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path());
        store.check().expect("writable");
        assert!(entries(directory.path()).is_empty(), "what was tried is removed");
        let place = store.place(ID, "a/b.txt").expect("a place");
        assert_eq!(place.path(), directory.path().join("Cx").join(ID).join("a_b.txt").to_string_lossy());
        assert!(!place.is_there(None));
        let mut file = place.begin().expect("begun");
        file.write(b"hello").expect("written");
        assert!(entries(directory.path())[0].starts_with(UNFINISHED) && !place.is_there(None));
        file.complete(&place).expect("complete");
        let inner = directory.path().join("Cx").join(ID);
        assert_eq!((entries(&inner), entries(directory.path())), (vec!["a_b.txt".to_owned()], vec!["Cx".to_owned()]));
        assert!(place.is_there(Some(5)) && place.is_there(None) && !place.is_there(Some(6)));
        let mut other = place.begin().expect("begun again");
        other.write(b"HELLO!").expect("written");
        other.complete(&place).expect("complete");
        assert!(place.is_there(Some(6)), "what is there with another size is replaced");
        drop(place.begin().expect("begun"));
        assert_eq!(entries(directory.path()), ["Cx"], "what is given up leaves nothing");
    }

    #[test]
    fn where_files_cannot_be_renamed_they_are_written_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path());
        let place = store.place(ID, "b.txt").expect("a place");
        for (kind, text) in [(ErrorKind::Unsupported, "one"), (ErrorKind::CrossesDevices, "three")] {
            let mut file = place.begin().expect("begun");
            file.write(text.as_bytes()).expect("written");
            file.named(&place, |_, _| Err(io::Error::from(kind))).expect("copied");
            drop(file);
            assert_eq!(fs::read_to_string(place.path()).expect("there"), text);
        }
        let mut file = place.begin().expect("begun");
        file.write(b"five5").expect("written");
        let no_replacing = |from: &Path, to: &Path| {
            if to.exists() { Err(io::Error::from(ErrorKind::AlreadyExists)) } else { fs::rename(from, to) }
        };
        file.named(&place, no_replacing).expect("named");
        drop(file);
        assert_eq!(fs::read_to_string(place.path()).expect("there"), "five5");
        assert_eq!(entries(&directory.path().join("Cx").join(ID)), ["b.txt"]);
    }

    #[test]
    fn what_killed_runs_left_is_removed_after_a_day() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path());
        let begun = |name: &str| {
            let mut file = store.place(ID, name).expect("a place").begin().expect("begun");
            file.write(b"half").expect("written");
            file
        };
        let aged = |file: &Unfinished, age: u64| {
            file.file.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("a time");
        };
        let [old, young] = ["c.txt", "d.txt"].map(begun);
        aged(&old, 25 * 3600);
        aged(&young, 3600);
        let other = File::create(directory.path().join("other.part")).expect("made");
        other.set_modified(SystemTime::now() - Duration::from_secs(25 * 3600)).expect("a time");
        // The file itself has come meanwhile, and is not stored again.
        begun("c.txt").complete(&store.place(ID, "c.txt").expect("a place")).expect("complete");
        store.check().expect("writable");
        assert!(young.path.exists() && !old.path.exists());
        assert_eq!(entries(directory.path()).len(), 3, "the young one, the other one, and the directory of files");
    }

    #[test]
    fn ids_that_are_none_have_no_place() {
        let store = Store::new("/files");
        for id in ["", "att", "attC", "../../x", "att/../../../x", "att..xxxxxxxxxxxx", "att\u{e9}\u{e9}xx"] {
            assert!(store.place(id, "x").is_err(), "{id:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_links() {
        let (directory, elsewhere) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("another"));
        let store = Store::new(directory.path());
        let place = store.place(ID, "d.txt").expect("a place");
        std::os::unix::fs::symlink(elsewhere.path(), directory.path().join("Cx")).expect("linked");
        fs::create_dir(elsewhere.path().join(ID)).expect("made");
        fs::write(elsewhere.path().join(ID).join("d.txt"), "there").expect("written");
        let error = place.begin().expect_err("refused");
        assert!(is_of_one_file(&error) && error.to_string().contains("a link leads out"), "{error}");
        assert!(!place.is_there(Some(5)));
        assert_eq!(entries(&elsewhere.path().join(ID)), ["d.txt"]);
        fs::remove_file(directory.path().join("Cx")).expect("removed");
        // A link under the file's own name is replaced, and not followed.
        drop(place.begin().expect("begun"));
        let target = elsewhere.path().join(ID).join("d.txt");
        std::os::unix::fs::symlink(&target, place.path()).expect("linked");
        assert!(!place.is_there(Some(5)));
        let mut file = place.begin().expect("begun");
        file.write(b"new").expect("written");
        file.complete(&place).expect("complete");
        assert!(place.is_there(Some(3)));
        assert_eq!(fs::read_to_string(&target).expect("there"), "there");
    }

    #[test]
    fn a_directory_in_which_nothing_can_be_stored_is_told() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (location, expected) in
            [(file.path(), "name a directory that is there"), (Path::new("/no/such"), "/no/such")]
        {
            let error = Store::new(location).check().expect_err("refused");
            assert!(error.to_string().starts_with("option attachment_location: "), "{error}");
            assert!(error.to_string().contains(expected) && error.option().as_deref() == Some("attachment_location"));
        }
        let full = Store::new("/files").error(&io::Error::from(ErrorKind::StorageFull));
        assert!(full.to_string().contains("make room, and read again"), "{full}");
    }
}

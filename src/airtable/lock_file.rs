//! Small files in the directory for temporary files, by which the processes of a machine agree.
//!
//! A holder of a lock that dies blocks nobody: the system gives its lock back. The directory is everybody's, so what is
//! found there is looked at before it is used, and what is of no use any more is removed.

#[cfg(unix)]
use std::fs::Metadata;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How all names begin.
const PREFIX: &str = "lakeflow-airtable-";

/// What a file says is of no use after so long without a change: the longest that a budget looks ahead is a quarter of it.
const OLD: Duration = Duration::from_secs(3_600);

/// How the names of files end that count the calls of a month.
pub(crate) const CALLS: &str = "calls";

/// How the names of files end that hold the sizes of tables, for jobs that run once a day or week.
pub(crate) const SIZES: &str = "sizes";

const OLD_MONTHS: Duration = Duration::from_secs(40 * 86_400);

/// Services of this machine come and go, each with a port of its own.
const OLD_ON_LOOPBACK: Duration = Duration::from_secs(60);

/// Where a file of this name is.
pub(crate) fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{PREFIX}{}", safe(name)))
}

fn safe(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-")
}

/// Opens a file, or makes it. Only a plain file with one name will do: a link would lead to somebody else's, and a pipe
/// would be waited for without end.
///
/// # Errors
/// Where the directory, or what is there by this name, is not for us to write.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = open_or_create(path)?;
    if is_ours(&file)? { Ok(file) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a plain file")) }
}

/// Looks at what was opened, and not at what is there by its name: that can be changed in between.
fn is_ours(file: &File) -> io::Result<bool> {
    let found = file.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // None where somebody has removed it just now.
        Ok(found.is_file() && found.nlink() <= 1)
    }
    #[cfg(not(unix))]
    Ok(found.is_file())
}

/// Removes the files about a service of this machine that has ended.
#[cfg(any(feature = "python", test))]
pub(crate) fn remove_those_of(host: &str) {
    let host = format!("-{}-", safe(host));
    for path in all().filter(|path| file_name(path).contains(&host)) {
        // Who may not remove it leaves it to whoever may.
        _ = std::fs::remove_file(path);
    }
}

/// Removes what is old and used by nobody.
fn sweep() {
    let is_old = |path: &Path, age: Option<Duration>| {
        let name = file_name(path);
        let is_loopback = ["---127.", "---localhost-", "----1-"].iter().any(|host| name.contains(host));
        let old = match is_loopback {
            true => OLD_ON_LOOPBACK,
            false if [CALLS, SIZES].iter().any(|kept| name.ends_with(&format!(".{kept}"))) => OLD_MONTHS,
            false => OLD,
        };
        age.is_some_and(|age| age > old)
    };
    for path in all() {
        if !is_old(&path, std::fs::symlink_metadata(&path).ok().and_then(|found| age(&found))) {
            continue;
        }
        let Ok(file) = options().open(&path) else { continue };
        // Looked at again, now that nobody else has it.
        let is_free = file.try_lock().is_ok() && is_at(&file, &path);
        if is_free
            && is_ours(&file).unwrap_or(false)
            && is_old(&path, file.metadata().ok().and_then(|found| age(&found)))
        {
            _ = std::fs::remove_file(&path);
        }
    }
}

fn all() -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| is_our_name(&file_name(path)) && is_our_size(path))
}

/// A form's number and an address, as all names here have them: others that begin alike are somebody's own files.
fn is_our_name(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(|form: char| form.is_ascii_digit()));
    rest.is_some_and(|rest| rest.starts_with("-http---") || rest.starts_with("-https---"))
}

/// Some numbers of eight bytes, or nothing.
fn is_our_size(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() <= 256 && found.len() % 8 == 0)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Since the last change.
fn age(found: &std::fs::Metadata) -> Option<Duration> {
    found.modified().ok()?.elapsed().ok()
}

/// Whether the open file is still the one that others find there.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |found: io::Result<Metadata>| found.ok().map(|found| (found.dev(), found.ino()));
        let found = identity(std::fs::symlink_metadata(path));
        found.is_some() && found == identity(file.metadata())
    }
    #[cfg(not(unix))]
    {
        // Nobody removes a file there that is open as `open_or_create` opens it.
        let _ = (file, path);
        true
    }
}

/// A file that is locked until this is dropped.
#[derive(Debug)]
pub(crate) struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // By word: closing does not do it while a child, made by fork meanwhile, has the file open too.
        let _ = self.0.unlock();
    }
}

/// The file, locked until it is dropped; none while another process has it.
///
/// # Errors
/// As [`open`].
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<Held>> {
    let file = open(path)?;
    match file.try_lock() {
        // Where it was removed meanwhile, others do not see this lock.
        Ok(()) if !is_at(&file, path) => Ok(None),
        Ok(()) => Ok(Some(Held(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens without creating first: Linux refuses `O_CREAT` on another user's file in a shared directory.
fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = options();
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    sweep();
    match options.create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.create_new(false).open(path),
        Ok(file) => {
            share(&file);
            Ok(file)
        }
        result => result,
    }
}

/// How a file is opened that is there.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_SHARE_READ and FILE_SHARE_WRITE, without FILE_SHARE_DELETE, which is added by default.
        options.share_mode(1 | 2);
    }
    options
}

/// Other users of the machine read the same bases.
fn share(file: &File) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Where this is not allowed the others go by themselves.
        let _ = file.set_permissions(std::fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = file;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed_and_not_shared() {
        let directory = tempfile::tempdir().expect("a directory");
        let theirs = directory.path().join("theirs");
        std::fs::write(&theirs, "theirs").expect("written");
        let (symbolic, hard) = (directory.path().join("symbolic"), directory.path().join("hard"));
        std::os::unix::fs::symlink(&theirs, &symbolic).expect("a link");
        std::fs::hard_link(&theirs, &hard).expect("a link");
        let nowhere = directory.path().join("nowhere");
        std::os::unix::fs::symlink(directory.path().join("none"), &nowhere).expect("a link");
        for link in [symbolic, hard, nowhere] {
            assert!(open(&link).is_err(), "{}", link.display());
        }
        assert!(!directory.path().join("none").exists());
        assert!(open(directory.path()).is_err(), "a directory");
    }

    #[test]
    fn files_of_no_use_are_removed() {
        let of = |host: &str, what: &str| {
            let path = path(&format!("3-{host}-{:016x}.{what}", fastrand::u64(..)));
            let file = open(&path).expect("made");
            (path, file)
        };
        let aged = |file: &File, seconds| {
            let then = std::time::SystemTime::now() - Duration::from_secs(seconds);
            file.set_modified(then).expect("set");
        };
        let (local, remote) = ("http://127.0.0.1:1/", "https://one.example/");
        let (old, in_use, young, far) = (of(local, "a"), of(local, "b"), of(local, "c"), of(remote, "d"));
        let (very_old, counted) = (of(remote, "e"), of(remote, CALLS));
        for (_, file) in [&old, &in_use, &far] {
            aged(file, 120);
        }
        aged(&very_old.1, 4_000);
        aged(&counted.1, 31 * 86_400);
        in_use.1.lock().expect("locked");
        // Begins alike, and is somebody's own.
        let theirs = ["vendors.parquet", "read.log", "3-notes", "0.1.0.tar.gz"].map(path);
        for theirs in &theirs {
            std::fs::write(theirs, "").expect("written");
            aged(&options().open(theirs).expect("there"), 400_000);
        }
        let left = of(local, "f");
        for theirs in theirs {
            std::fs::remove_file(theirs).expect("still there");
        }
        let is_there: Vec<bool> =
            [&old, &in_use, &young, &far, &very_old, &counted, &left].iter().map(|(path, _)| path.exists()).collect();
        assert_eq!(is_there, [false, true, true, true, false, true, true]);
        remove_those_of(local);
        assert!(!in_use.0.exists() && !young.0.exists() && !left.0.exists() && far.0.exists());
        for (path, _) in [far, counted] {
            std::fs::remove_file(path).expect("there");
        }
    }

    #[test]
    fn a_lock_is_given_back_though_a_child_has_the_file_open() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one");
        let held = try_lock(&path).expect("opened").expect("free");
        assert!(try_lock(&path).expect("opened").is_none());
        // What a child that is made by fork has.
        let inherited = held.0.try_clone().expect("a second handle");
        drop(held);
        assert!(try_lock(&path).expect("opened").is_some());
        drop(inherited);
    }
}

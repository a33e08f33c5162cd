//! Small files in the directory for temporary files, by which the processes of a machine agree.
//!
//! A holder of a lock that dies blocks nobody: the system gives its lock back. The directory is everybody's, so what is
//! found there is looked at before it is used.

#[cfg(unix)]
use std::fs::Metadata;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Where a file of this name is.
pub(crate) fn path(name: &str) -> PathBuf {
    let name = format!("lakeflow-airtable-{name}");
    std::env::temp_dir().join(name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-"))
}

/// Opens a file, or makes it. Only a plain file will do: a pipe would be waited for without end.
///
/// # Errors
/// Where the directory, or what is there by this name, is not for us to write.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let strange = || io::Error::new(io::ErrorKind::InvalidInput, "is not a plain file");
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(strange());
    }
    let file = open_or_create(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(strange()) }
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
        Ok(()) => Ok(Some(Held(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens without creating first: Linux refuses `O_CREAT` on another user's file in a shared directory.
fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_SHARE_READ and FILE_SHARE_WRITE, without FILE_SHARE_DELETE, which is added by default.
        options.share_mode(1 | 2);
    }
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    match options.create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.create_new(false).open(path),
        Ok(file) => {
            share(&file);
            Ok(file)
        }
        result => result,
    }
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

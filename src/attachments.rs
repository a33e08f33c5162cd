//! The files of attachments: fetched from their host, several at a time, and stored.
//!
//! Invariants: memory holds a bounded part of each file that is coming; what is there with its size is not fetched again;
//! a file of another size than Airtable tells is none.
//!
//! | file | is |
//! |---|---|
//! | `name` | what a stored file is called |
//! | `store` | the directory, and how files appear in it |
//! | `count` | how many files a read had |

use std::io;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet, spawn_blocking};

use crate::airtable::file_host::{FileFailure, FileHost};
use crate::error::{Error, Result};

mod count;
mod name;
mod store;

pub(crate) use count::FileCount;
use store::{Place, Store, Unfinished, is_of_one_file};

/// Bytes of one file that are held in memory before they are written. Most files of tables are smaller.
const HELD_BYTES: usize = 256 << 10;

/// What Airtable tells of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// `att...`.
    pub(crate) id: String,
    pub(crate) filename: String,
    /// Bytes.
    pub(crate) size: Option<u64>,
    /// Its media type.
    pub(crate) kind: String,
    /// Where it is for the next two hours; empty where that was not told.
    pub(crate) url: String,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is at this path.
    Stored(String),
    /// Its address brings this status: it may be too old.
    Dead(u16),
    /// It cannot be had, for this reason.
    Missed(String),
}

/// Fetches and stores files.
#[derive(Debug, Clone)]
pub(crate) struct Files(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    host: Arc<FileHost>,
    store: Store,
    count: Arc<FileCount>,
}

/// Why one attempt brings no file.
enum Broken {
    Host(FileFailure),
    Disk(io::Error),
}

impl From<FileFailure> for Broken {
    fn from(failure: FileFailure) -> Self {
        Self::Host(failure)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Files {
    /// Files are stored in a directory that is there.
    pub(crate) fn new(host: Arc<FileHost>, location: &str, count: Arc<FileCount>) -> Self {
        Self(Arc::new(Shared { host, store: Store::new(location), count }))
    }

    /// Looks whether files can be stored, before any is fetched.
    ///
    /// # Errors
    /// [`Error::Option`] for what is no directory, or none that can be written.
    pub(crate) async fn check(&self) -> Result<()> {
        let store = self.0.store.clone();
        spawn_blocking(move || store.check()).await.map_err(|error| died(&error))?
    }

    /// What became of each file, in their order. All are given up when this is dropped.
    ///
    /// # Errors
    /// [`Error::Option`] for a directory in which nothing can be stored any more.
    pub(crate) async fn fetch(&self, wanted: Vec<Wanted>) -> Result<Vec<Outcome>> {
        let mut outcomes = vec![Outcome::Missed(String::new()); wanted.len()];
        let mut fetches = JoinSet::new();
        for (index, wanted) in wanted.into_iter().enumerate() {
            let shared = self.0.clone();
            fetches.spawn(async move { (index, shared.fetch(&wanted).await) });
        }
        while let Some(fetched) = fetches.join_next().await {
            let (index, outcome) = fetched.map_err(|error| died(&error))?;
            outcomes[index] = outcome?;
        }
        Ok(outcomes)
    }

    /// A file that was asked for twice cannot be had.
    pub(crate) fn missed(&self) {
        self.0.count.missed();
    }
}

impl Shared {
    async fn fetch(&self, wanted: &Wanted) -> Result<Outcome> {
        let _turn = self.host.turn().await;
        let place = match self.store.place(&wanted.id, &wanted.filename) {
            Ok(place) => place,
            Err(why) => return Ok(Outcome::Missed(why)),
        };
        let (looked_at, size) = (place.clone(), wanted.size);
        if spawn_blocking(move || looked_at.is_there(size)).await.map_err(|error| died(&error))? {
            self.count.there();
            return Ok(Outcome::Stored(place.path()));
        }
        let mut retries = 0;
        loop {
            match self.attempt(wanted, &place).await {
                Ok(bytes) => {
                    self.count.fetched(bytes);
                    return Ok(Outcome::Stored(place.path()));
                }
                Err(Broken::Disk(error)) if is_of_one_file(&error) => return Ok(Outcome::Missed(error.to_string())),
                Err(Broken::Disk(error)) => return Err(self.store.error(&error)),
                Err(Broken::Host(FileFailure::Status(status))) => return Ok(Outcome::Dead(status)),
                Err(Broken::Host(failure)) => {
                    if !self.host.wait_after(&failure, retries).await {
                        return Ok(Outcome::Missed(failure.to_string()));
                    }
                    retries += 1;
                }
            }
        }
    }

    /// Fetches a file once; gives its bytes.
    async fn attempt(&self, wanted: &Wanted, place: &Place) -> Result<u64, Broken> {
        let mut incoming = self.host.open(&wanted.url, wanted.size).await?;
        if incoming.is_html() && !wanted.kind.contains("html") {
            let why = "the file host answers with a page of HTML in the file's place";
            return Err(FileFailure::Final(why.to_owned()).into());
        }
        let is_other = |bytes: u64| wanted.size.is_some_and(|size| size != bytes);
        if let Some(announced) = incoming.announced().filter(|announced| is_other(*announced)) {
            return Err(wrong_size(wanted, announced).into());
        }
        let (mut received, mut writer) = (0, Writer::new(place.clone()));
        while let Some(bytes) = self.host.chunk(&mut incoming).await? {
            let bytes = bytes.as_ref();
            received += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if wanted.size.is_some_and(|size| received > size) {
                return Err(wrong_size(wanted, received).into());
            }
            writer.take(bytes).await?;
        }
        if is_other(received) {
            return Err(wrong_size(wanted, received).into());
        }
        writer.complete().await?;
        Ok(received)
    }
}

fn wrong_size(wanted: &Wanted, received: u64) -> FileFailure {
    let size = wanted.size.unwrap_or_default();
    FileFailure::passing(format!("Airtable tells {size} bytes, and the file host sends {received}"))
}

/// Writes a file that is coming, on threads that may wait for disks.
struct Writer {
    place: Place,
    file: Option<Unfinished>,
    held: Vec<u8>,
}

impl Writer {
    fn new(place: Place) -> Self {
        Self { place, file: None, held: Vec::new() }
    }

    async fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        if self.held.len() < HELD_BYTES {
            return Ok(());
        }
        let (place, file, held) = (self.place.clone(), self.file.take(), std::mem::take(&mut self.held));
        self.file = Some(blocking(move || written(file, &place, &held)).await?);
        Ok(())
    }

    async fn complete(self) -> io::Result<()> {
        let Self { place, file, held } = self;
        blocking(move || written(file, &place, &held)?.complete(&place)).await
    }
}

fn written(file: Option<Unfinished>, place: &Place, bytes: &[u8]) -> io::Result<Unfinished> {
    let mut file = file.map_or_else(|| place.begin(), Ok)?;
    file.write(bytes)?;
    Ok(file)
}

async fn blocking<T: Send + 'static>(write: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(write).await.map_err(io::Error::other)?
}

fn died(error: &JoinError) -> Error {
    Error::Data(format!("fetching files ended by a fault of this package: {error}: please report it").into())
}

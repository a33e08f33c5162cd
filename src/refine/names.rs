//! The names of a table's records, by record id, in bounded memory.
//!
//! A name takes its bytes and 15 more. What is gathered beyond a bound goes into temporary files, each sorted by id, which
//! are merged into one at the end. Of that one file memory holds the first id of each block of a few kilobytes, so finding
//! a name takes one small read of it. Ids are kept exactly, as numbers: no record gets the name of another.
//!
//! Invariants: files have no name that anybody could open, and are gone with the process, however it ends; a record
//! without a name takes no place.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::id::record::pack;

/// The 84 bits of an id, the highest first, so that ids are in the order of their keys.
type Key = [u8; 11];

/// In a file a name follows its key and its length.
const HEAD: usize = size_of::<Key>() + size_of::<u32>();

/// So many bytes of a file are read to find a name, or as many as one long name takes.
const BLOCK: u64 = 4_096;

/// Names that are not told any more by whom they were gathered.
#[derive(Debug)]
pub(crate) struct Names {
    sorted: Sorted,
    /// Of ids that are not of Airtable's form, of which there are none.
    other: HashMap<Box<str>, Box<str>>,
}

#[derive(Debug)]
enum Sorted {
    Memory(Run, #[allow(dead_code, reason = "gives its room back when it is dropped")] Option<Taken>),
    File(SortedFile),
}

impl Names {
    /// The name of a record; none where it has none, or is not there.
    ///
    /// # Errors
    /// What keeps a temporary file from being read.
    pub(crate) fn get(&self, id: &str) -> io::Result<Option<String>> {
        let Some(key) = key(id) else { return Ok(self.other.get(id).map(|name| name.clone().into_string())) };
        match &self.sorted {
            Sorted::Memory(run, _) => Ok(run.find(&key).map(str::to_owned)),
            Sorted::File(file) => file.find(&key),
        }
    }
}

fn key(id: &str) -> Option<Key> {
    let bytes = pack(id)?.to_be_bytes();
    bytes[bytes.len() - size_of::<Key>()..].try_into().ok()
}

/// Names as they come, in any order, each id once.
#[derive(Debug)]
pub(crate) struct Gathering {
    run: Run,
    /// Bytes of a run.
    most: usize,
    spilled: Vec<File>,
    other: HashMap<Box<str>, Box<str>>,
}

impl Gathering {
    /// No names yet. Memory holds at most so many bytes of them, and as many again while they are sorted.
    pub(crate) fn within(most: usize) -> Self {
        Self { run: Run::default(), most, spilled: Vec::new(), other: HashMap::new() }
    }

    /// Adds a record's name.
    ///
    /// # Errors
    /// What keeps a temporary file from being written.
    pub(crate) fn put(&mut self, id: &str, name: &str) -> io::Result<()> {
        let Some(key) = key(id) else {
            self.other.insert(id.into(), name.into());
            return Ok(());
        };
        if self.run.bytes() + name.len() + HEAD > self.most && !self.run.keys.is_empty() {
            self.spill()?;
        }
        self.run.push(key, name);
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut file = temporary()?;
        std::mem::take(&mut self.run).sorted().write(&mut file)?;
        self.spilled.push(file);
        Ok(())
    }

    /// All of them. They stay in memory where they are few and there is room for them.
    ///
    /// # Errors
    /// What keeps a temporary file from being written or read.
    pub(crate) fn end(mut self, room: &Arc<Room>) -> io::Result<Names> {
        if self.spilled.is_empty()
            && let Some(taken) = room.take(self.run.bytes())
        {
            return Ok(Names { sorted: Sorted::Memory(self.run.sorted(), Some(taken)), other: self.other });
        }
        if !self.run.keys.is_empty() {
            self.spill()?;
        }
        Ok(Names { sorted: Sorted::File(SortedFile::merged(self.spilled)?), other: self.other })
    }
}

/// Bytes that several tables' names may take in memory together.
#[derive(Debug)]
pub(crate) struct Room(AtomicUsize);

/// Some of them, as long as it is held.
#[derive(Debug)]
struct Taken(Arc<Room>, usize);

impl Room {
    pub(crate) fn of(bytes: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(bytes)))
    }

    fn take(self: &Arc<Self>, bytes: usize) -> Option<Taken> {
        let left = |left: usize| left.checked_sub(bytes);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).ok().map(|_| Taken(self.clone(), bytes))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.0.fetch_add(self.1, Ordering::Relaxed);
    }
}

/// Names side by side. Found by halving once they are sorted.
#[derive(Debug, Default)]
struct Run {
    keys: Vec<Key>,
    /// Where each name ends.
    ends: Vec<u32>,
    texts: String,
}

impl Run {
    fn push(&mut self, key: Key, name: &str) {
        self.keys.push(key);
        self.texts.push_str(name);
        self.ends.push(u32::try_from(self.texts.len()).expect("runs are bounded far below it"));
    }

    fn bytes(&self) -> usize {
        self.keys.len() * HEAD + self.texts.len()
    }

    fn name(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.texts[start as usize..self.ends[at] as usize]
    }

    fn find(&self, key: &Key) -> Option<&str> {
        self.keys.binary_search(key).ok().map(|at| self.name(at))
    }

    fn sorted(self) -> Self {
        let mut order: Vec<usize> = (0..self.keys.len()).collect();
        order.sort_unstable_by_key(|at| self.keys[*at]);
        let mut sorted = Self {
            keys: Vec::with_capacity(self.keys.len()),
            ends: Vec::with_capacity(self.keys.len()),
            texts: String::with_capacity(self.texts.len()),
        };
        for at in order {
            sorted.push(self.keys[at], self.name(at));
        }
        sorted
    }

    fn write(&self, file: &mut File) -> io::Result<()> {
        let mut writer = BufWriter::new(file);
        for (at, key) in self.keys.iter().enumerate() {
            write_name(&mut writer, key, self.name(at).as_bytes())?;
        }
        writer.flush()
    }
}

/// All names in one file, in the order of their keys.
#[derive(Debug)]
struct SortedFile {
    file: Mutex<File>,
    /// The first key of each block.
    firsts: Vec<Key>,
    /// Where each block begins, and at last where the file ends.
    starts: Vec<u64>,
}

impl SortedFile {
    /// Out of files that are sorted each by itself.
    fn merged(runs: Vec<File>) -> io::Result<Self> {
        let mut readers = Vec::new();
        let mut next = BinaryHeap::new();
        for (index, mut run) in runs.into_iter().enumerate() {
            run.seek(SeekFrom::Start(0))?;
            let mut reader = BufReader::new(run);
            next.extend(read_name(&mut reader)?.map(|(key, name)| Reverse((key, index, name))));
            readers.push(reader);
        }
        let file = temporary()?;
        let mut writer = BufWriter::new(&file);
        let (mut firsts, mut starts, mut end) = (Vec::new(), Vec::new(), 0);
        while let Some(Reverse((key, index, name))) = next.pop() {
            if starts.last().is_none_or(|start| end - start >= BLOCK) {
                firsts.push(key);
                starts.push(end);
            }
            end += write_name(&mut writer, &key, &name)?;
            next.extend(read_name(&mut readers[index])?.map(|(key, name)| Reverse((key, index, name))));
        }
        writer.flush()?;
        drop(writer);
        starts.push(end);
        Ok(Self { file: Mutex::new(file), firsts, starts })
    }

    fn find(&self, key: &Key) -> io::Result<Option<String>> {
        let Some(block) = self.firsts.partition_point(|first| first <= key).checked_sub(1) else { return Ok(None) };
        let (start, end) = (self.starts[block], self.starts[block + 1]);
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut bytes)?;
        }
        let mut rest = &bytes[..];
        while let Some((found, name)) = read_name(&mut rest)? {
            if found == *key {
                let name =
                    String::from_utf8(name).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

/// Gives the bytes that were written.
fn write_name(writer: &mut impl Write, key: &Key, name: &[u8]) -> io::Result<u64> {
    let length = u32::try_from(name.len()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    writer.write_all(key)?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(name)?;
    Ok(HEAD as u64 + u64::from(length))
}

/// None at the end.
fn read_name(reader: &mut impl Read) -> io::Result<Option<(Key, Vec<u8>)>> {
    let mut key = Key::default();
    if reader.read(&mut key[..1])? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut key[1..])?;
    let mut length = [0; size_of::<u32>()];
    reader.read_exact(&mut length)?;
    let mut name = vec![0; u32::from_le_bytes(length) as usize];
    reader.read_exact(&mut name)?;
    Ok(Some((key, name)))
}

/// A file that nobody else can open, which is gone when it is closed.
fn temporary() -> io::Result<File> {
    loop {
        let path = std::env::temp_dir().join(format!("lakeflow-airtable-names-{:016x}", fastrand::u64(..)));
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        #[cfg(windows)]
        {
            /// The file goes when its last handle is closed.
            const DELETE_ON_CLOSE: u32 = 0x0400_0000;
            use std::os::windows::fs::OpenOptionsExt as _;
            options.share_mode(0).custom_flags(DELETE_ON_CLOSE);
        }
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => {
                let file = opened?;
                #[cfg(unix)]
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
        }
    }
}

/// Names that are too many for memory are in a temporary file, which fails.
pub(crate) fn not_kept(error: &io::Error) -> Error {
    let directory = std::env::temp_dir();
    Error::Option(
        format!(
            "option links: names of linked records cannot be kept in a temporary file in {}: {error}: make room there, \
             name another directory by TMPDIR, or read with links=ids",
            directory.display()
        )
        .into(),
    )
    .of_option("links")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize) -> Vec<String> {
        let mut random = fastrand::Rng::with_seed(7);
        (0..count).map(|_| format!("rec{}", (0..14).map(|_| random.alphanumeric()).collect::<String>())).collect()
    }

    fn name_of(id: &str) -> String {
        format!("name of {id} é").repeat(1 + id.len() % 3)
    }

    fn gathered(ids: &[String], most: usize, room: usize) -> Names {
        let mut gathering = Gathering::within(most);
        for id in ids {
            gathering.put(id, &name_of(id)).expect("put");
        }
        gathering.end(&Room::of(room)).expect("all")
    }

    #[test]
    fn names_are_found_wherever_they_are_kept() {
        let ids = ids(3_000);
        let (known, unknown) = ids.split_at(2_500);
        for (most, room, is_file) in
            [(usize::MAX, usize::MAX, false), (usize::MAX, 1_000, true), (20_000, usize::MAX, true), (1, 0, true)]
        {
            // The smallest bound makes a file of each name.
            let known = if most == 1 { &known[..50] } else { known };
            let names = gathered(known, most, room);
            assert_eq!(matches!(names.sorted, Sorted::File(_)), is_file, "{most} {room}");
            for id in known {
                assert_eq!(names.get(id).expect("read"), Some(name_of(id)), "{most} {room}");
            }
            for id in unknown {
                assert_eq!(names.get(id).expect("read"), None);
            }
        }
    }

    #[test]
    fn odd_ids_and_long_and_empty_names_are_names_too() {
        let long = "x".repeat(3 * 4_096);
        let given =
            [("recA", "odd"), ("rec00000000000001", &*long), ("rec00000000000002", ""), ("reczzzzzzzzzzzzzz", "z")];
        for most in [usize::MAX, 20] {
            let mut gathering = Gathering::within(most);
            for (id, name) in given {
                gathering.put(id, name).expect("put");
            }
            let names = gathering.end(&Room::of(usize::MAX)).expect("all");
            for (id, name) in given {
                assert_eq!(names.get(id).expect("read").as_deref(), Some(name), "{id}");
            }
            for id in ["recB", "rec00000000000000", "rec00000000000003"] {
                assert_eq!(names.get(id).expect("read"), None);
            }
        }
        assert_eq!(gathered(&[], 20, 0).get("rec00000000000001").expect("read"), None);
    }

    #[test]
    fn room_is_shared_and_given_back() {
        let room = Room::of(1_000);
        let gather = |count: usize| {
            let mut gathering = Gathering::within(usize::MAX);
            for id in ids(count) {
                gathering.put(&id, "ten bytes!").expect("put");
            }
            gathering.end(&room).expect("all")
        };
        let is_file = |names: &Names| matches!(names.sorted, Sorted::File(_));
        let first = gather(30);
        assert!(!is_file(&first) && is_file(&gather(30)));
        drop(first);
        assert!(!is_file(&gather(30)));
    }

    #[test]
    fn a_key_keeps_all_bits_of_an_id() {
        assert_eq!(key("rec00000000000001").expect("a key").last(), Some(&1));
        assert!(pack("reczzzzzzzzzzzzzz").is_some_and(|number| number < 1 << 88));
        assert!(key("recA").is_none());
    }

    /// The figures of the documentation: `cargo test --release a_million_names -- --ignored --nocapture`.
    #[cfg(target_os = "linux")]
    #[test]
    #[ignore = "takes a million names"]
    fn a_million_names_take_bounded_memory() {
        let kilobytes = || -> u64 {
            let status = std::fs::read_to_string("/proc/self/status").expect("of this process");
            let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
            line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
        };
        let (before, began) = (kilobytes(), std::time::Instant::now());
        let mut most = before;
        let mut gathering = Gathering::within(16 << 20);
        let id = |n: usize| format!("rec{:014}", n * 7_919 % 1_000_003);
        for n in 1..=1_000_000 {
            gathering.put(&id(n), &format!("name of the record with the number {n}")).expect("put");
            if n % 10_000 == 0 {
                most = most.max(kilobytes());
            }
        }
        let names = gathering.end(&Room::of(64 << 20)).expect("all");
        let (kept, gathered) = (kilobytes(), began.elapsed());
        let began = std::time::Instant::now();
        for n in (1..=1_000_000).step_by(10) {
            let name = names.get(&id(n)).expect("read").expect("known");
            assert!(name.ends_with(&format!(" {n}")), "{name}");
        }
        println!(
            "gathered in {gathered:.1?} with {} kB at most, kept in {} kB, 100,000 found in {:.1?}",
            most - before,
            kept.saturating_sub(before),
            began.elapsed()
        );
        assert!(most - before < 64 << 10 && kept.saturating_sub(before) < 64 << 10);
    }
}

use super::*;

const INTERVAL: Duration = Duration::from_millis(222);

/// A reader of base 1 whose beats the test makes.
fn reader(directory: &Path) -> (Shared, Option<PathBuf>) {
    (Shared::new(directory, 1, INTERVAL, now()), None)
}

fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).expect("there").map(|entry| entry.expect("read").file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().expect("text")).collect();
    names.sort();
    names
}

#[test]
fn each_reader_has_one_file_and_sees_the_others_whatever_else_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let foreign = ["lakeflow-airtable-budget-0-1-2.reader", "lakeflow-airtable-budget-1-old.reader", "notes.txt"];
    for name in foreign {
        fs::write(directory.path().join(name), "theirs").expect("written");
    }
    fs::create_dir(directory.path().join("folder")).expect("made");
    let (mut one, mut two) = (reader(directory.path()), reader(directory.path()));
    let other_base = Shared::new(directory.path(), 2, INTERVAL, now());
    other_base.beat(&mut None).expect("a beat");
    for _ in 0..3 {
        one.0.beat(&mut one.1).expect("a beat");
        two.0.beat(&mut two.1).expect("a beat");
    }
    assert_eq!(one.0.kept().roster.readers(now()), 2);
    assert_eq!(two.0.kept().roster.readers(now()), 2);
    assert_eq!(names(directory.path()).len(), foreign.len() + 1 + 3);
    for name in foreign {
        assert_eq!(fs::read_to_string(directory.path().join(name)).expect("there"), "theirs");
    }
}

#[test]
fn what_a_reader_left_long_ago_is_removed() {
    let directory = tempfile::tempdir().expect("a directory");
    let old = Beat {
        base: 1,
        reader: 7,
        number: 1,
        at: now() - 7_200_000_000,
        slot: 232_000,
        is_busy: true,
        shut_until: 0,
        view: 0,
    };
    fs::write(directory.path().join(old.name()), TEXT).expect("written");
    let (one, mut last) = reader(directory.path());
    one.beat(&mut last).expect("a beat");
    assert_eq!(names(directory.path()).len(), 1);
    assert_eq!(one.kept().roster.readers(now()), 1);
}

#[test]
fn a_reader_that_ends_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let one = Location::enter(directory.path(), 1, INTERVAL, now());
    while names(directory.path()).is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(one.turn(now(), Duration::ZERO), Told::Wait(NAP), "others may be new as well");
    drop(one);
    assert_eq!(names(directory.path()), Vec::<String>::new());
}

#[test]
fn a_place_that_is_missing_or_goes_stops_no_read_and_one_that_is_mended_serves_again() {
    let parent = tempfile::tempdir().expect("a directory");
    let directory = parent.path().join("later");
    let one = Location::enter(&directory, 1, INTERVAL, now());
    while one.turn(now(), Duration::ZERO) == Told::Wait(NAP) {
        std::thread::yield_now();
    }
    assert_eq!(one.turn(now(), Duration::ZERO), Told::Alone(1));
    assert!(one.shared.kept().is_told);
    fs::create_dir(&directory).expect("made");
    one.shut(now(), now());
    while one.turn(now(), Duration::ZERO) == Told::Alone(1) {
        std::thread::yield_now();
    }
    fs::remove_dir_all(&directory).expect("removed");
    one.shut(now(), now());
    while one.turn(now(), Duration::ZERO) != Told::Alone(1) {
        std::thread::yield_now();
    }
}

#[test]
fn a_place_that_is_silent_is_waited_for_and_then_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let (shared, _) = reader(directory.path());
    let one = Location { shared: Arc::new(shared), process: std::process::id() };
    let later = now() + 21_000_000;
    assert_eq!(one.turn(later, Duration::ZERO), Told::Wait(NAP));
    one.shared.kept().silent = Instant::now().checked_sub(GRACE);
    assert_eq!(one.turn(later, Duration::ZERO), Told::Alone(1));
    assert!(one.shared.kept().is_told);
    one.shared.kept().stage = Stage::Left;
    assert!(one.is_over());
}

#[test]
fn a_reader_that_waits_is_not_quiet_however_long() {
    let directory = tempfile::tempdir().expect("a directory");
    let (shared, mut last) = reader(directory.path());
    let one = Location { shared: Arc::new(shared), process: 0 };
    one.shared.kept().roster.listed(now() + 2_000_000, &[]);
    let began = now() + 2_000_000;
    assert_eq!(one.turn(began, Duration::from_secs(30)), Told::Shut(Duration::from_secs(30)));
    assert_eq!(one.shared.kept().asked, began + 30_000_000);
    one.shared.beat(&mut last).expect("a beat");
    assert!(names(directory.path())[0].contains("-1-0-"), "busy: {:?}", names(directory.path()));
}

#[test]
fn each_fault_of_a_place_says_what_to_do() {
    for (kind, expected) in [
        (io::ErrorKind::NotFound, "make the directory"),
        (io::ErrorKind::NotADirectory, "name one that all machines see"),
        (io::ErrorKind::PermissionDenied, "let this user make and remove files"),
        (io::ErrorKind::ReadOnlyFilesystem, "let this user make and remove files"),
        (io::ErrorKind::StorageFull, "make room"),
        (io::ErrorKind::QuotaExceeded, "make room"),
        (io::ErrorKind::StaleNetworkFileHandle, "check its mount"),
    ] {
        let told = advice(&kind.into());
        assert!(told.contains(expected), "{kind:?}: {told}");
    }
}

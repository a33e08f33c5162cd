//! What may happen to machines that share a base: one is stopped or killed, their place is of no use, their clocks differ,
//! and their files are of another version.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::machines::{Machines, rows_of, told};

/// Looks again and again until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(150), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status();
    assert!(sent.expect("a shell").success());
}

fn files(place: &Path) -> Vec<String> {
    let names = std::fs::read_dir(place).expect("there").map(|entry| entry.expect("read").file_name());
    names.map(|name| name.into_string().expect("text")).collect()
}

/// Starts a machine in mounts of its own, after `script`, which finds the place as `$PLACE`. None where this user may not
/// mount anything.
fn start_with_mount(machines: &mut Machines, script: &str) -> Option<Child> {
    let unshare = ["unshare", "--mount", "--map-root-user"];
    let is_allowed =
        Command::new(unshare[0]).args(&unshare[1..]).args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !is_allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("mounts are not allowed here: not run");
        return None;
    }
    let place = machines.place().expect("given").to_owned();
    let script =
        format!("set -e; mount -t tmpfs -o size=16k,nr_inodes=4 tmpfs \"$PLACE\"; {script}; exec \"$0\" \"$@\"");
    let within = [&unshare[..], &["sh", "-c", &script]].concat();
    Some(machines.command(0, &within).env("PLACE", place).spawn().expect("a process"))
}

#[test]
fn a_machine_that_is_killed_in_its_slots_locks_nobody_out() {
    let mut machines = Machines::new(500, true);
    let mut dies = machines.start(60);
    until("the first one reads", || machines.served() > 3);
    let lives = machines.start(0);
    until("both have a file", || files(machines.place().expect("given")).len() == 2);
    let before = machines.served();
    until("both read", || machines.served() > before + 10);
    dies.kill().expect("killed");
    dies.wait().expect("an end");
    assert_eq!(rows_of(lives), 500);
    assert_eq!(machines.refused(), 0);
    assert_eq!(files(machines.place().expect("given")).len(), 1, "what the dead one left");
}

/// The whole life of what a dead machine leaves, and a machine that hangs for a minute.
#[test]
#[ignore = "takes four minutes: cargo test --release --test it machine_faults -- --ignored --nocapture"]
fn a_machine_that_is_stopped_for_a_minute_or_killed_costs_a_minute_at_most() {
    let mut machines = Machines::new(5_000, true);
    let place = machines.place().expect("given").to_owned();
    let mut stops = machines.start(130);
    let lives = machines.start(210);
    until("both read", || files(&place).len() == 2 && machines.served() > 40);
    signal(&stops, "STOP");
    std::thread::sleep(Duration::from_secs(45));
    let before = machines.served();
    std::thread::sleep(Duration::from_secs(15));
    let alone = machines.served() - before;
    assert!(alone >= 60, "its slots go to the other one after 40 seconds: {alone} requests in 15 s");
    signal(&stops, "CONT");
    std::thread::sleep(Duration::from_secs(30));
    println!("stopped: {alone} requests in the last 15 s of a minute; {} refused", machines.refused());
    assert_eq!(machines.refused(), 0);
    signal(&stops, "KILL");
    stops.wait().expect("an end");
    std::thread::sleep(Duration::from_secs(60));
    let before = machines.served();
    std::thread::sleep(Duration::from_secs(15));
    let alone = machines.served() - before;
    println!("killed: {alone} requests in 15 s after a minute; {} refused", machines.refused());
    assert!(alone >= 60, "{alone} requests in 15 s");
    rows_of(lives);
    assert_eq!(machines.refused(), 0);
    assert_eq!(files(&place), Vec::<String>::new(), "the other one removed what was left");
}

#[test]
fn places_that_cannot_be_written_to_stop_no_machine_and_are_told() {
    for (script, words) in [
        ("mount -o remount,ro \"$PLACE\"", "let this user make and remove files there"),
        ("touch \"$PLACE\"/1 \"$PLACE\"/2 \"$PLACE\"/3", "make room there"),
    ] {
        let mut machines = Machines::new(300, true);
        let Some(child) = start_with_mount(&mut machines, script) else { return };
        let (rows, said) = told(child);
        assert_eq!(rows, 300, "{said}");
        assert!(said.contains("budget_location") && said.contains(words), "{said}");
        assert_eq!(said.matches("budget_location").count(), 1, "it is told once: {said}");
    }
}

#[test]
fn a_place_without_a_byte_left_serves_because_names_say_all() {
    let mut machines = Machines::new(300, true);
    let fill = "dd if=/dev/zero of=\"$PLACE\"/full bs=4k count=8 2>/dev/null || test -s \"$PLACE\"/full";
    let Some(child) = start_with_mount(&mut machines, fill) else { return };
    let (rows, said) = told(child);
    assert_eq!(rows, 300);
    assert!(!said.contains("said:"), "{said}");
}

/// Root may write everywhere: there the machine is another user's.
#[test]
fn a_place_without_rights_stops_no_machine_and_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut machines = Machines::new(300, true);
    let place = machines.place().expect("given").to_owned();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o555)).expect("changed");
    let is_root = std::fs::write(place.join("probe"), "").is_ok();
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let mut command = machines.command(0, if is_root { &nobody } else { &[] });
    std::fs::set_permissions(machines.temporary(), std::fs::Permissions::from_mode(0o777)).expect("changed");
    let Ok(child) = command.spawn() else {
        assert!(is_root, "a machine of the same user starts");
        eprintln!("setpriv is not here: not run");
        return;
    };
    let (rows, said) = told(child);
    assert_eq!(rows, 300);
    assert!(said.contains("let this user make and remove files there"), "{said}");
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o777)).expect("changed");
}

/// A reader whose clock is ten minutes behind or ahead, as its files tell.
#[test]
fn clocks_ten_minutes_apart_stop_no_machine_and_are_told() {
    for apart in [-600_i64, 600] {
        let mut machines = Machines::new(300, true);
        machines.source.faults(serde_json::json!({"delay_ms": 2_000}));
        let place = machines.place().expect("given").to_owned();
        let mut child = machines.start(0);
        until("it has a file", || !files(&place).is_empty());
        let own = files(&place).remove(0);
        let base = own.split('-').nth(4).expect("the base").to_owned();
        let mut number = 0;
        while child.try_wait().expect("a child").is_none() {
            number += 1;
            let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("later").as_secs();
            let at = seconds.checked_add_signed(apart).expect("later") * 1_000_000;
            let beat = format!("lakeflow-airtable-budget-1-{base}-{:016x}-{number:x}-{at:x}-38a40-1-0-7.reader", 7);
            std::fs::write(place.join(beat), "").expect("written");
            std::thread::sleep(Duration::from_millis(500));
        }
        let (rows, said) = told(child);
        assert_eq!(rows, 300);
        assert!(said.contains("s apart: set them by NTP"), "{said}");
    }
}

#[test]
fn foreign_files_in_a_place_are_nobodys_business() {
    let mut machines = Machines::new(300, true);
    let place = machines.place().expect("given").to_owned();
    let foreign = [
        "notes.txt",
        ".nfs000000001",
        "lakeflow-airtable-budget-0-1-2.reader",
        "lakeflow-airtable-budget-1-x.reader",
        "lakeflow-airtable-budget-2-0000000000000001-0000000000000002-1-1-1-1-1-1.reader",
    ];
    for name in foreign {
        std::fs::write(place.join(name), "theirs").expect("written");
    }
    std::fs::create_dir(place.join("lakeflow-airtable-budget-1-folder.reader")).expect("made");
    let started: Vec<Child> = (0..2).map(|_| machines.start(0)).collect();
    for child in started {
        let (rows, said) = told(child);
        assert_eq!((rows, said.contains("said:")), (300, false), "{said}");
    }
    assert_eq!(machines.refused(), 0);
    assert_eq!(files(&place).len(), foreign.len() + 1);
    for name in foreign {
        assert_eq!(std::fs::read_to_string(place.join(name)).expect("there"), "theirs");
    }
}

#[test]
fn files_of_a_machine_that_another_version_wrote_stop_no_read() {
    let mut machines = Machines::new(300, false);
    assert_eq!(rows_of(machines.start(0)), 300);
    let first = machines.temporary().to_owned();
    let found = files(&first);
    assert!(found.iter().any(|name| name.ends_with(".budget")), "{found:?}");
    for (byte, length) in [(0_u8, 0), (1, 3), (1, 192), (0xff, 192), (0, 4_096)] {
        for name in &found {
            std::fs::write(first.join(name), vec![byte; length]).expect("written");
        }
        let began = Instant::now();
        let child = machines.command(0, &[]).env("TMPDIR", &first).spawn().expect("a process");
        assert_eq!(rows_of(child), 300, "{length} bytes of {byte}");
        assert!(began.elapsed() < Duration::from_secs(20), "{length} bytes of {byte}: {:?}", began.elapsed());
    }
    assert_eq!(machines.refused(), 0);
}

//! `kill -9` at random moments.

use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use std::fs::File;

use super::{KINDS, Kind, Writer, print_row};
use crate::quoting::Random;

/// What came of the kills.
#[derive(Default, Debug)]
struct Figures {
    kills: usize,
    new: usize,
    torn: usize,
    reads: usize,
    torn_reads: usize,
    leftovers: usize,
}

fn kill(writer: &Writer, count: usize) -> Figures {
    let begin = Instant::now();
    for step in 0..5 {
        writer.reset();
        assert!(writer.command(step).status().unwrap().success());
    }
    let usual = begin.elapsed() / 5;
    let (is_over, reads, torn_reads) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let mut figures = Figures::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            // A reader that never sleeps would take a core from the writers.
            while !is_over.load(Ordering::Relaxed) {
                reads.fetch_add(1, Ordering::Relaxed);
                torn_reads.fetch_add(usize::from(writer.version().is_err()), Ordering::Relaxed);
                thread::sleep(Duration::from_micros(300));
            }
        });
        let mut random = Random(20_261_125);
        let mut step = 0;
        while figures.kills < count {
            step += 1;
            writer.reset();
            let before = writer.version();
            let mut child = writer.command(step).spawn().unwrap();
            thread::sleep(usual.mul_f64(random.next(1200) as f64 / 1000.0));
            child.kill().unwrap();
            let was_killed = child.wait().unwrap().signal() == Some(9);
            let after = writer.version();
            figures.kills += usize::from(was_killed);
            figures.torn += usize::from(was_killed && after.is_err());
            figures.new += usize::from(was_killed && after.is_ok() && before != after);
            if writer.kind != Kind::InPlace {
                assert!(after.is_ok(), "kill {}: {after:?}", figures.kills);
            }
            figures.leftovers = figures.leftovers.max(writer.leftovers());
        }
        is_over.store(true, Ordering::Relaxed);
    });
    figures.reads = reads.into_inner();
    figures.torn_reads = torn_reads.into_inner();
    figures
}

#[test]
fn a_killed_writer_leaves_the_old_file_or_the_new_one() {
    let count = std::env::var("ARL_CRASH_KILLS").ok().map_or(25, |count| count.parse().unwrap());
    print_row(
        "| file | kills while it ran | new version | torn | reads meanwhile | torn | temporary files at most |",
    );
    print_row("|---|---|---|---|---|---|---|");
    for kind in KINDS.into_iter().chain([Kind::InPlace]) {
        let writer = Writer::new(kind);
        let Figures { kills, new, torn, reads, torn_reads, leftovers } = kill(&writer, count);
        print_row(&format!("| {kind:?} | {kills} | {new} | {torn} | {reads} | {torn_reads} | {leftovers} |"));
        if kind == Kind::InPlace {
            assert!(torn + torn_reads > 0, "the control does not fail, so the others prove nothing");
            continue;
        }
        assert_eq!((torn, torn_reads), (0, 0), "{kind:?}");
        assert!(leftovers <= if kind == Kind::CacheEntry { count } else { 1 }, "{kind:?}: {leftovers}");
        assert_no_leftovers(&writer);
    }
}

/// What was left over goes with the next writes: in the cache once it is a minute old, 256 at a time.
fn assert_no_leftovers(writer: &Writer) {
    let old = SystemTime::now() - Duration::from_secs(120);
    for file in super::files(writer.path.parent().unwrap()).iter().filter(|file| **file != writer.path) {
        File::options().write(true).open(file).unwrap().set_modified(old).unwrap();
    }
    for step in 0..=writer.leftovers() / 200 {
        writer.reset();
        assert!(writer.command(step).status().unwrap().success());
    }
    assert_eq!(writer.leftovers(), 0, "{:?}", writer.kind);
}

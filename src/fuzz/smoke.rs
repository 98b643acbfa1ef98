//! Runs each target with its corpus, and with mutations of it.
//!
//! `ARL_FUZZ_MUTATIONS` sets how many mutations each target gets.

#![allow(clippy::disallowed_methods, reason = "the tests read the environment themselves")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::TARGETS;

/// Returns the files of a target's corpus and of the bugs that it found, sorted by name.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(&directory).expect("a corpus").map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a readable file")).collect()
}

/// Changes an input: replaces, inserts, removes or repeats bytes, or takes some from another input.
fn mutate(random: &mut fastrand::Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut data = random.choice(seeds).cloned().unwrap_or_default();
    for _ in 0..random.usize(1..5) {
        let at = random.usize(0..=data.len());
        let end = (at + random.usize(0..16)).min(data.len());
        match random.u8(0..5) {
            0 => drop(data.drain(at..end)),
            1 => data.insert(at, random.u8(..)),
            2 => data.insert(at, *random.choice(b"\n\r\t ='\"\\[]{}:/%!$\xff").expect("a byte")),
            3 => {
                let copy = data[at..end].to_vec();
                data.splice(at..at, copy);
            }
            _ => {
                let other = random.choice(seeds).cloned().unwrap_or_default();
                let from = random.usize(0..=other.len());
                let to = (from + random.usize(0..32)).min(other.len());
                data.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    data
}

#[test]
fn no_target_finds_a_bug_in_its_corpus_and_mutations_of_it() {
    let mutations: usize =
        std::env::var("ARL_FUZZ_MUTATIONS").ok().map_or(500, |count| count.parse().expect("a number"));
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").exists() {
        // The published crate has no corpora.
        return;
    }
    for (name, target) in TARGETS {
        let seeds = corpus(name);
        assert!(!seeds.is_empty(), "{name} has no corpus");
        let mut random = fastrand::Rng::with_seed(20_261_125);
        let mutated = (0..mutations).map(|_| mutate(&mut random, &seeds));
        for data in seeds.iter().cloned().chain(mutated) {
            let ran = catch_unwind(AssertUnwindSafe(|| target(&data)));
            assert!(ran.is_ok(), "{name} fails: {:?}", String::from_utf8_lossy(&data));
        }
    }
}

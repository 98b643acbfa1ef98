//! `make bench`: measures calls of arl against the lowest possible cost.
//!
//! All rows of a table are measured in turns, so that other load on the host slows them all alike.

#![allow(clippy::disallowed_methods, reason = "the tests are their own outside")]
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

mod each;
mod hooks;
mod scale;
mod stage;
mod stampede;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use arl_sts::World;

use stage::{ROLE, Stage};

struct Row {
    name: &'static str,
    command: Command,
    /// In milliseconds.
    times: Vec<f64>,
}

fn row(name: &'static str, command: Command) -> Row {
    Row { name, command, times: Vec::new() }
}

/// Runs all rows in turns. Compares the others with the first row and with the row named `floor`.
fn table(title: &str, runs: usize, floor: &str, mut rows: Vec<Row>) {
    for _ in 0..runs {
        for row in &mut rows {
            let start = Instant::now();
            let status = row.command.status().unwrap_or_else(|error| panic!("{}: {error}", row.name));
            row.times.push(start.elapsed().as_secs_f64() * 1e3);
            assert!(status.success(), "{}", row.name);
        }
    }
    for row in &mut rows {
        row.times.sort_by(f64::total_cmp);
    }
    let median = |row: &Row| row.times[row.times.len() / 2];
    let first = median(&rows[0]);
    let other = rows.iter().find(|row| row.name == floor).map_or(first, median);
    println!("\n| {title}, {runs} runs in turns | min ms | median ms | × {} | × {floor} |", rows[0].name);
    println!("|---|---|---|---|---|");
    for row in &rows {
        let (min, middle) = (row.times[0], median(row));
        println!("| {} | {min:.2} | {middle:.2} | {:.2} | {:.2} |", row.name, middle / first, middle / other);
    }
}

fn main() {
    let stage = Stage::new();
    let kind = if std::env::var_os("ARL_BENCH_STATIC").is_some() { "static, for musl" } else { "for glibc" };
    println!("arl is {kind}; rows that begin with `glibc` measure the build that `cargo install` makes");
    if std::env::var_os("ARL_BENCH").is_some_and(|only| only == "each") {
        each::measure(&stage);
        return;
    }
    let json = ["assume", ROLE, "--json"];
    let exec = ["exec", ROLE, "--", "true"];
    let env = || row("env true", stage.command("/usr/bin/env", &["true"]));

    let chain_json = ["assume", "top", "--json"];
    let chain_exec = ["exec", "top", "--", "true"];
    for warmed in [&json[..], &chain_json[..]] {
        assert!(stage.arl(warmed).status().unwrap().success());
    }
    table(
        "warm",
        400,
        "env true",
        vec![
            env(),
            row("arl --version", stage.arl(&["--version"])),
            row("arl exec ROLE -- true", stage.arl(&exec)),
            row("arl exec, source_profile chain", stage.arl(&chain_exec)),
            row("arl assume ROLE --json", stage.arl(&json)),
            row("arl assume --json, source_profile chain", stage.arl(&chain_json)),
            row("glibc: arl exec ROLE -- true", stage.glibc_arl(&exec)),
            row("glibc: arl assume ROLE --json", stage.glibc_arl(&json)),
        ],
    );

    let cold = |args: &[&str], more: &[(&str, &str)]| {
        let mut command = stage.arl(args);
        command.env("ARL_CACHE", "none").envs(more.iter().copied());
        command
    };
    let https = stage.sts.https_url();
    let roots = |path: &Path| path.display().to_string();
    let (one, all) = (roots(&stage.one_root()), roots(&stage.all_roots()));
    let bare = stage.program("bare-assume");
    table(
        "cold",
        200,
        "a hand-signed request",
        vec![
            env(),
            row("a hand-signed request", stage.command(bare.to_str().unwrap(), &[])),
            row("arl assume --json, http", cold(&json, &[])),
            row("arl assume --json, http, kept", stage.arl(&[&json[..], &["--refresh"]].concat())),
            row("arl exec -- true, http", cold(&exec, &[])),
            row("glibc: arl assume --json, http, kept", {
                stage.glibc_arl(&[&json[..], &["--refresh"]].concat())
            }),
            row(
                "arl assume --json, https, one root",
                cold(&json, &[("AWS_ENDPOINT_URL_STS", &https), ("AWS_CA_BUNDLE", &one)]),
            ),
            row(
                "arl assume --json, https, all roots",
                cold(&json, &[("AWS_ENDPOINT_URL_STS", &https), ("AWS_CA_BUNDLE", &all)]),
            ),
        ],
    );

    peers(&stage, &json);
    stampede::measure(&stage);
    each::measure(&stage);
    scale::measure(&stage);
    hooks::measure(&stage.installed_arl(), &stage.home);

    println!(
        "\nmemory, largest resident set: {}",
        stage.memory(&[("warm", &exec, ""), ("cold", &json, "none")])
    );
    println!(
        "page faults: {}",
        stage.page_faults(vec![
            ("env true", stage.command("/usr/bin/env", &["true"])),
            ("warm arl exec -- true", stage.arl(&exec)),
            ("glibc", stage.glibc_arl(&exec)),
        ])
    );
    let size = |program: &Path| {
        let bytes = std::fs::metadata(program).unwrap().len();
        f64::from(u32::try_from(bytes).unwrap()) / 1e6
    };
    println!("binary: {:.2} MB, glibc {:.2} MB", size(&stage.installed_arl()), size(&stage.program("arl")));
}

/// Other tools for the same job, which `benches/install-peers.sh` installs. None of them caches a session
/// here.
fn peers(stage: &Stage, json: &[&str]) {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/peers/bin");
    if !bin.exists() {
        println!("\nno peers: sh benches/install-peers.sh");
        return;
    }
    let peer = |program: &str, args: &[&str]| {
        let mut command = stage.command(bin.join(program).to_str().unwrap(), args);
        command.env("AWS_DEFAULT_REGION", "us-east-1").stderr(std::process::Stdio::null());
        command
    };
    let mut cold = stage.arl(json);
    cold.env("ARL_CACHE", "none");
    let mut awsume = peer("awsumepy", &["deploy"]);
    awsume.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    table(
        "peers",
        10,
        "arl, cold",
        vec![
            row("arl, warm", stage.arl(json)),
            row("arl, cold", cold),
            row("aws-assume-role-lib 2.10.0", peer("python", &["-m", "aws_assume_role_lib", ROLE, "--json"])),
            row("awsume 4.5.4", awsume),
            row(
                "AWS CLI 1.45.11, sts assume-role",
                peer(
                    "aws",
                    &["sts", "assume-role", "--role-arn", ROLE, "--role-session-name", World::ANN_KEY],
                ),
            ),
        ],
    );
}

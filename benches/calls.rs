//! What a call costs beside what cannot be avoided: `make bench`.
//!
//! All rows are measured in turns, so that whatever else the machine does hits them alike.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use arl_sts::{Sts, World};

const RUNS: usize = 200;
const ROLE: &str = "arn:aws:iam::123456789012:role/Deploy";

struct Row {
    name: &'static str,
    command: Command,
    times: Vec<Duration>,
}

/// The cost of one call of the prompt hook: a shell calls it many times, less the same shell that does not.
fn hooks(arl: &Path, home: &Path) {
    const CALLS: u32 = 2000;
    let path = format!("{}:/usr/bin:/bin", arl.parent().unwrap().display());
    println!("\n| prompt hook, {CALLS} calls, 5 runs in turns | idle µs | armed µs |");
    println!("|---|---|---|");
    for (shell, init, repeat) in [
        ("bash", "eval \"$(arl init bash)\"", "for ((i = 0; i < N; i++)); do HOOK; done"),
        ("zsh", "eval \"$(arl init zsh)\"", "for ((i = 0; i < N; i++)); do HOOK; done"),
        ("fish", "arl init fish | source", "for i in (seq N); HOOK; end; true"),
    ] {
        let run = |hook: &str, armed: bool| {
            let text = format!("{init}\n{}", repeat.replace('N', &CALLS.to_string()).replace("HOOK", hook));
            let mut command = Command::new(shell);
            command
                .args(["-c", &text])
                .env_clear()
                .env("HOME", home)
                .env("PATH", &path)
                .stdout(Stdio::null());
            if armed {
                command
                    .env("ARL_EXPIRES_AT", "9999999999")
                    .env("ARL_KEY_ID", "x")
                    .env("AWS_ACCESS_KEY_ID", "x");
            }
            let start = Instant::now();
            assert!(command.status().unwrap().success(), "{shell}");
            start.elapsed()
        };
        let median = |hook: &str, armed: bool| {
            let mut times: Vec<Duration> = (0..5).map(|_| run(hook, armed)).collect();
            times.sort_unstable();
            times[2]
        };
        let each = |armed: bool| {
            let cost = median("__arl_hook", armed)
                .saturating_sub(median(if shell == "fish" { "true" } else { ":" }, armed));
            cost.as_secs_f64() * 1e6 / f64::from(CALLS)
        };
        println!("| {shell} | {:.1} | {:.1} |", each(false), each(true));
    }
    // Another hook for scale: direnv's, outside of any project. It starts a program at each prompt.
    if Command::new("direnv")
        .arg("version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        let text = "eval \"$(direnv hook bash)\"; for ((i = 0; i < 100; i++)); do _direnv_hook; done";
        let mut command = Command::new("bash");
        command.args(["-c", text]).env_clear().env("HOME", home).env("PATH", &path).stdout(Stdio::null());
        let start = Instant::now();
        assert!(command.status().unwrap().success());
        println!("| (direnv's, bash) | {:.1} | |", start.elapsed().as_secs_f64() * 1e6 / 100.0);
    }
}

fn main() {
    let sts = Sts::start(World::demo(), 0, 0).unwrap();
    let arl = Path::new(env!("CARGO_BIN_EXE_arl"));
    let bare = arl.with_file_name("bare-assume");
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
    std::fs::create_dir_all(&home).unwrap();
    let [one_root, all_roots] = ["one.pem", "all.pem"].map(|name| home.join(name));
    let system = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    std::fs::write(&one_root, sts.ca_pem()).unwrap();
    std::fs::write(&all_roots, format!("{system}\n{}", sts.ca_pem())).unwrap();

    let command = |program: &Path, args: &[&str], url: String, roots: Option<&Path>| {
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .stdout(Stdio::null())
            .env("HOME", &home)
            .env("PATH", "/usr/bin:/bin")
            .envs([
                ("AWS_ENDPOINT_URL_STS", url.as_str()),
                ("AWS_ACCESS_KEY_ID", World::ANN_KEY),
                ("AWS_SECRET_ACCESS_KEY", World::ANN_SECRET),
            ]);
        command.envs(roots.map(|roots| ("AWS_CA_BUNDLE", roots)));
        command
    };
    let json = ["assume", ROLE, "--json"];
    let row = |name, command| Row { name, command, times: Vec::with_capacity(RUNS) };
    let mut rows = [
        row("env true", command(Path::new("/usr/bin/env"), &["true"], sts.url(), None)),
        row("bare process, hand-signed, http", command(&bare, &[], sts.url(), None)),
        row("arl --version", command(arl, &["--version"], sts.url(), None)),
        row("arl assume --json, http", command(arl, &json, sts.url(), None)),
        row("arl exec -- true, http", command(arl, &["exec", ROLE, "--", "true"], sts.url(), None)),
        row("arl assume --json, https, one root", command(arl, &json, sts.https_url(), Some(&one_root))),
        row("arl assume --json, https, all roots", command(arl, &json, sts.https_url(), Some(&all_roots))),
    ];
    for _ in 0..RUNS {
        for row in &mut rows {
            let start = Instant::now();
            let status = row.command.status().unwrap_or_else(|error| panic!("{}: {error}", row.name));
            row.times.push(start.elapsed());
            assert!(status.success(), "{}", row.name);
        }
    }
    let median = |row: &mut Row| {
        row.times.sort_unstable();
        row.times[RUNS / 2].as_secs_f64() * 1e3
    };
    let floor = median(&mut rows[1]);
    let env = median(&mut rows[0]);
    println!("| {RUNS} runs in turns | min ms | median ms | × env true | × bare http |");
    println!("|---|---|---|---|---|");
    for row in &mut rows {
        let middle = median(row);
        let min = row.times[0].as_secs_f64() * 1e3;
        println!("| {} | {min:.2} | {middle:.2} | {:.2} | {:.2} |", row.name, middle / env, middle / floor);
    }
    hooks(arl, &home);
    let size = std::fs::metadata(arl).unwrap().len();
    println!("\nbinary: {:.2} MB", f64::from(u32::try_from(size).unwrap()) / 1e6);
}

//! Measures the cost of the prompt hook.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Measures one call of the prompt hook: the time of a shell that calls it many times, minus that of the same
/// shell without the calls.
pub(crate) fn measure(arl: &Path, home: &Path) {
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

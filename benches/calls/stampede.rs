//! Measures many processes that need the same session at the same time.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use arl_sts::Fault;

use crate::stage::Stage;

/// How long STS takes to answer.
const ANSWER: Duration = Duration::from_millis(300);

pub(crate) fn measure(stage: &Stage) {
    println!("\n| processes at once, STS answers after 300 ms | calls of STS | answers | seconds |");
    println!("|---|---|---|---|");
    for (count, role) in [(10, "deploy"), (64, "deploy"), (256, "deploy"), (256, "123456789012/Closed")] {
        assert!(stage.arl(&["cache", "clear", "-q"]).status().unwrap().success());
        stage.sts.reset();
        stage.sts.inject(Fault::Delay(ANSWER), 1000);
        let start = Instant::now();
        let call = |_| {
            let mut command = stage.arl(&["assume", role, "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
        };
        let children: Vec<Child> = (0..count).map(call).collect();
        let mut answers: Vec<Vec<u8>> =
            children.into_iter().map(|child| child.wait_with_output().unwrap().stdout).collect();
        let seconds = start.elapsed().as_secs_f64();
        answers.sort();
        answers.dedup();
        let calls = stage.sts.requests().len();
        let answers = if answers == [Vec::<u8>::new()] {
            "all refused".into()
        } else {
            format!("{} kind", answers.len())
        };
        println!("| {count} | {calls} | {answers} | {seconds:.2} |");
    }
    stage.sts.reset();
}

//! Runs one command as each of many roles, none of which has a cached session.

use std::fs;
use std::time::{Duration, Instant};

use arl_sts::{Fault, Role};

use crate::stage::Stage;

const ROLES: usize = 1000;
/// How many commands run at the same time.
const JOBS: [usize; 2] = [8, 32];
/// How long STS takes to answer.
const ANSWER: Duration = Duration::from_millis(50);

pub(crate) fn measure(stage: &Stage) {
    let roles: Vec<String> = (0..ROLES).map(|number| format!("210987654321/Role{number}")).collect();
    stage.sts.change(|world| {
        for role in &roles {
            let arn = format!("arn:aws:iam::{}", role.replace('/', ":role/"));
            world.roles.insert(arn, Role::trusting(&["*"]));
        }
    });
    let list = stage.home.join("roles.txt");
    fs::write(&list, roles.join("\n")).unwrap();
    println!(
        "\n| arl each, {ROLES} roles, STS answers after 50 ms | calls of STS | seconds | × the answers alone |"
    );
    println!("|---|---|---|---|");
    for jobs in JOBS {
        assert!(stage.arl(&["cache", "clear", "-q"]).status().unwrap().success());
        stage.sts.reset();
        stage.sts.inject(Fault::Delay(ANSWER), ROLES);
        let count = jobs.to_string();
        let words = ["each", "--roles-from", list.to_str().unwrap(), "--jobs", count.as_str(), "--", "true"];
        let start = Instant::now();
        assert!(stage.arl(&words).status().unwrap().success());
        let seconds = start.elapsed().as_secs_f64();
        let least = ANSWER.as_secs_f64() * ROLES as f64 / jobs as f64;
        let calls = stage.sts.requests().len();
        println!("| {jobs} at a time | {calls} | {seconds:.2} | {:.2} |", seconds / least);
    }
    stage.sts.reset();
}

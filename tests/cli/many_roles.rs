//! The commands of docs/many-roles.md. GNU parallel, xargs, a CI matrix and a batch queue do what `each` does.

use std::collections::BTreeSet;
use std::fs;

use crate::support::{Run, Stage, blocks, write_program};

const PAGE: &str = include_str!("../../docs/many-roles.md");
const ROLES: [(&str, &str); 3] =
    [("payments-dev", "Deploy"), ("payments-prod", "team/dns_editor"), ("123456789012/ReadOnly", "ReadOnly")];

fn arn(role: &str) -> String {
    format!("arn:aws:iam::123456789012:role/{role}")
}

/// A stage with the page's roles and script. `inventory.sh` fails once, as `failing_role`, if there is one.
fn stage(failing_role: &str) -> Stage {
    let stage = Stage::new();
    let profile = |(name, role): (&str, &str)| {
        format!("[profile {name}]\nrole_arn = {}\ncredential_source = Environment\n", arn(role))
    };
    stage.profiles(&(profile(ROLES[0]) + &profile(ROLES[1]) + &profile(("other", "Long"))), "");
    fs::write(stage.home.join("roles.txt"), ROLES.map(|(name, _)| format!("{name}\n")).concat()).unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$ARL_ROLE\" != '{failing_role}' ] || [ -e failed ] || {{ touch failed; exit 9; }}\n\
         echo \"$ARL_ROLE is $ARL_ROLE_ARN\"\n"
    );
    write_program(&stage.home.join("inventory.sh"), script);
    stage
}

/// Runs a block of the page, with the cache that a user has.
fn run_block(stage: &Stage, block: &str, variables: &[(&str, &str)]) -> Run {
    let mut bash = stage.as_ann("bash");
    bash.env_remove("ARL_CACHE").args(["-euo", "pipefail", "-c", block]);
    stage.run(bash.envs(variables.iter().copied()))
}

/// The commands of the page, without the one that `documents.rs` lists as not run.
fn commands() -> Vec<String> {
    blocks(PAGE, "sh").into_iter().filter(|block| !block.contains("--sshlogin")).collect()
}

/// The block that contains the text. Each is run by some test, as the last one checks.
fn block(text: &str) -> String {
    let found: Vec<String> = commands().into_iter().filter(|block| block.contains(text)).collect();
    assert_eq!(found.len(), 1, "`{text}` is in {found:?}");
    found[0].clone()
}

/// What each role printed: the part after the prefix, if there is one.
fn lines(text: &str) -> BTreeSet<String> {
    let is_shown = |line: &&str| line.contains(" is arn:");
    let own = |line: &str| {
        let line = line.split_once('\t').map_or(line, |(_, line)| line);
        line.split_once(": ").map_or(line, |(_, line)| line).to_owned()
    };
    text.lines().filter(is_shown).map(own).collect()
}

fn expected() -> BTreeSet<String> {
    ROLES.iter().map(|(name, role)| format!("{name} is {}", arn(role))).collect()
}

#[test]
fn parallel_xargs_and_each_run_the_same_commands_with_one_call_per_role() {
    for text in ["arl each --roles-from roles.txt --jobs", "--tag", "xargs -P"] {
        let stage = stage("");
        let run = run_block(&stage, &block(text), &[]);
        assert_eq!((lines(&run.stdout), run.status), (expected(), 0), "{run:?}");
        assert_eq!(stage.assumed().len(), ROLES.len(), "{text}");
        // Each line of `each` and of `parallel --tag` begins with its role, as it was named.
        for (name, _) in ROLES.iter().filter(|_| !text.contains("xargs")) {
            assert!(run.stdout.lines().any(|line| line.starts_with(name)), "{run:?}");
        }
        // The next command finds all sessions in the cache.
        assert_eq!(run_block(&stage, &block(text), &[]).status, 0);
        assert_eq!(stage.assumed().len(), ROLES.len(), "{text}");
    }
}

#[test]
fn the_status_tells_of_a_failure_and_what_failed_runs_again() {
    for (text, status) in [("arl each --roles-from roles.txt --jobs", 9), ("--tag", 1), ("xargs -P", 123)] {
        let run = run_block(&stage("payments-prod"), &block(text), &[]);
        assert_eq!((run.status, lines(&run.stdout).len()), (status, 2), "{run:?}");
    }
    for (text, status) in [("--fail-fast", 9), ("--halt soon,fail=1", 9)] {
        let line = match text {
            "--fail-fast" => format!("arl each --roles-from roles.txt {text} -- ./inventory.sh"),
            _ => format!("parallel --jobs 1 {text} arl exec {{}} -- ./inventory.sh :::: roles.txt"),
        };
        assert!(PAGE.contains(text));
        let run = run_block(&stage("payments-dev"), &line, &[]);
        assert_eq!((run.status, run.stdout.as_str()), (status, ""), "{run:?}");
    }
    for text in ["ended.json", "--resume-failed"] {
        let run = run_block(&stage("payments-prod"), &block(text), &[]);
        let printed = format!("{}{}", run.stdout, run.stderr);
        assert_eq!((lines(&printed), run.status), (expected(), 0), "{run:?}");
        // Only the one that failed ran again.
        assert_eq!(printed.matches(" is arn:").count(), ROLES.len(), "{run:?}");
    }
}

#[test]
fn a_script_behind_q_is_not_read_by_the_shell_that_parallel_starts() {
    let run = run_block(&stage(""), &block("parallel -q"), &[]);
    let year = run.stdout.lines().filter(|line| line.contains(": 2")).count();
    assert_eq!((year, run.status), (ROLES.len(), 0), "{run:?}");
    assert!(run.stdout.contains("payments-dev: 2"), "{run:?}");
}

/// A profile may have any name, and `parallel` starts a shell.
#[test]
fn a_hostile_role_name_runs_nothing() {
    let name = "x$(touch hacked)`touch hacked`;touch hacked;'\"";
    for text in ["--tag", "arl each --roles-from roles.txt --jobs"] {
        let stage = stage("");
        stage.profiles(
            &format!("[profile {name}]\nrole_arn = {}\ncredential_source = Environment\n", arn("Deploy")),
            "",
        );
        fs::write(stage.home.join("roles.txt"), format!("{name}\n")).unwrap();
        let run = run_block(&stage, &block(text), &[]);
        assert!(run.stdout.contains(&arn("Deploy")), "{run:?}");
        assert!(!stage.home.join("hacked").exists(), "{run:?}");
    }
}

#[test]
fn a_list_and_a_matrix_are_made_of_the_profiles() {
    let stage = stage("");
    assert_eq!(run_block(&stage, &block("payments.txt"), &[]).status, 0);
    let list = fs::read_to_string(stage.home.join("payments.txt")).unwrap();
    assert_eq!(list, "payments-dev\npayments-prod\n");
    // The steps of the workflow, with what GitHub Actions sets.
    let matrix = blocks(PAGE, "yaml");
    assert_eq!(matrix.len(), 1);
    let steps: Vec<&str> = matrix[0].lines().filter_map(|line| line.split("run: ").nth(1)).collect();
    let [make_list, use_role] = steps[..] else { panic!("{steps:?}") };
    let printed = run_block(&stage, &block("jq -sc"), &[]).success();
    assert_eq!(run_block(&stage, make_list, &[("GITHUB_OUTPUT", "output")]).status, 0);
    let output = fs::read_to_string(stage.home.join("output")).unwrap();
    assert_eq!(output, format!("names={printed}"));
    let names: Vec<String> = serde_json::from_str(&printed).unwrap();
    assert_eq!(names, ["payments-dev", "payments-prod"]);
    let before = stage.assumed().len();
    let printed: String =
        names.iter().map(|name| run_block(&stage, use_role, &[("ROLE", name)]).success()).collect();
    assert_eq!(
        printed,
        ROLES[..2].iter().map(|(name, role)| format!("{name} is {}\n", arn(role))).collect::<String>()
    );
    assert_eq!(stage.assumed().len() - before, 2);
}

#[test]
fn a_task_of_an_array_takes_the_role_of_its_line() {
    let stage = stage("");
    let block = block("SLURM_ARRAY_TASK_ID");
    for (number, (name, role)) in ["1", "2", "3"].into_iter().zip(ROLES) {
        let printed = run_block(&stage, &block, &[("SLURM_ARRAY_TASK_ID", number)]).success();
        assert_eq!(printed, format!("{name} is {}\n", arn(role)));
    }
    run_block(&stage, &block, &[("SLURM_ARRAY_TASK_ID", "4")]).failure(2, "the role is empty");
    assert_eq!(stage.assumed().len(), ROLES.len());
}

/// A command that is added to the page needs a test.
#[test]
fn every_command_of_the_page_has_a_test() {
    let tested = [
        "payments.txt",
        "--jobs 8 -- ./inventory.sh",
        "ended.json",
        "--tag",
        "--resume-failed",
        "parallel -q",
        "xargs -P",
        "jq -sc",
        "SLURM_ARRAY_TASK_ID",
    ];
    for block in commands() {
        assert!(tested.iter().any(|text| block.contains(text)), "no test runs {block}");
    }
    assert_eq!(commands().len(), tested.len());
}

//! docs/direnv.md: a directory's role, with the real direnv.

use std::fs;

use crate::shell::{BASH, FISH, Shell, ShellSession, ZSH};
use crate::support::{Stage, blocks};

const PAGE: &str = include_str!("../../docs/direnv.md");
const SHELLS: [Shell; 3] = [BASH, ZSH, FISH];

/// A stage with the directories `project`, whose `.envrc` is the page's, and `other` with another role.
fn stage() -> Stage {
    let stage = Stage::new();
    let profile = |name: &str, role: &str| {
        format!(
            "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{role}\nsource_profile = ann\n\
             region = eu-west-1\n"
        )
    };
    let keys = format!(
        "[ann]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        arl_sts::World::ANN_KEY,
        arl_sts::World::ANN_SECRET
    );
    stage.profiles(&(profile("prod-deploy", "Deploy") + &profile("prod-read", "ReadOnly")), &keys);
    for directory in ["project/below", "other"] {
        fs::create_dir_all(stage.home.join(directory)).unwrap();
    }
    stage
}

fn ann() -> String {
    format!("AWS_ACCESS_KEY_ID={}", arl_sts::World::ANN_KEY)
}

/// The page's lines, which write the `.envrc` and allow it.
fn set_up() -> String {
    blocks(PAGE, "sh")[0].replace('\n', "; ")
}

/// A session with direnv's hook, in which both directories have their role. arl's hook comes before
/// direnv's, or behind it.
fn session(stage: &Stage, shell: Shell, arl_is_last: bool) -> ShellSession<'_> {
    let hook = shell
        .fish_or("direnv hook fish | source", &format!("eval \"$(direnv hook {})\"", shell.name))
        .to_owned();
    let session = if arl_is_last {
        ShellSession::without_init(stage, shell).line(hook).line(shell.init)
    } else {
        ShellSession::new(stage, shell).line(hook)
    };
    let other = set_up().replace("prod-deploy", "prod-read");
    session
        .variable("ARL_CACHE", "file")
        .lines(["cd project", &set_up(), "cd ../other", &other, "cd .."])
        .dump("before")
}

#[test]
fn a_directory_has_its_role_and_nothing_of_it_stays() {
    for shell in SHELLS {
        for arl_is_last in [false, true] {
            let stage = stage();
            let run = session(&stage, shell, arl_is_last)
                .line("cd project")
                .dump("../project-env")
                .line("cd below")
                .dump("../../below-env")
                .line("cd ../../other")
                .dump("../other-env")
                .line("cd ..")
                .dump("left")
                .line("cd project")
                .dump("../again-env")
                .line("cd ..")
                .typed();
            let (before, left) = (run.environment("before"), run.environment("left"));
            assert!(before.has(&ann()), "{run:?}");
            for (file, role) in [
                ("project-env", "prod-deploy"),
                ("below-env", "prod-deploy"),
                ("other-env", "prod-read"),
                ("again-env", "prod-deploy"),
            ] {
                let inside = run.environment(file);
                assert!(inside.has(&format!("ARL_ROLE={role}")), "{file}: {run:?}");
                assert!(inside.has("AWS_REGION=eu-west-1"), "{file}: {run:?}");
                assert!(inside.has_any("AWS_ACCESS_KEY_ID=ASIA"), "{file}: {run:?}");
            }
            assert_eq!(left, before, "{run:?}");
            // Each role is one call, whichever way the user goes.
            assert_eq!(stage.assumed().len(), 2, "{run:?}");
        }
    }
}

#[test]
fn a_role_that_the_shell_had_is_back_outside() {
    for shell in SHELLS {
        let stage = stage();
        let run = session(&stage, shell, false)
            .assume("prod-read")
            .dump("before")
            .line("cd project")
            .dump("../inside")
            .line("cd ..")
            .dump("left")
            .clear()
            .dump("cleared")
            .typed();
        assert!(run.environment("inside").has("ARL_ROLE=prod-deploy"), "{run:?}");
        assert!(run.environment("left").has("ARL_ROLE=prod-read"), "{run:?}");
        assert_eq!(run.environment("left"), run.environment("before"), "{run:?}");
        let cleared = run.environment("cleared");
        assert!(cleared.has(&ann()), "{run:?}");
        assert!(!cleared.has_any("ARL_ROLE"), "{run:?}");
    }
}

#[test]
fn an_expired_role_is_cleared_inside_and_direnv_reload_gets_a_new_one() {
    for shell in SHELLS {
        let stage = stage();
        // direnv compares whole seconds, and a session does not expire in the second in which it begins.
        let run = session(&stage, shell, false)
            .line("touch -d 2001-01-01 project/.envrc")
            .line("cd project")
            .expire()
            .prompt()
            .dump("../expired")
            .line(blocks(PAGE, "sh")[1].clone())
            .dump("../reloaded")
            .expire()
            .prompt()
            .line("cd ..")
            .dump("left")
            .typed();
        assert!(!run.environment("expired").has_any("AWS_ACCESS_KEY_ID"), "{run:?}");
        assert!(run.environment("reloaded").has("ARL_ROLE=prod-deploy"), "{run:?}");
        assert_eq!(run.environment("left"), run.environment("before"), "{run:?}");
    }
}

#[test]
fn a_failure_is_shown_and_the_shell_keeps_what_it_had() {
    for shell in SHELLS {
        let stage = stage();
        let run = session(&stage, shell, false)
            .line("echo 'eval \"$(arl assume nowhere)\"' > project/.envrc; direnv allow project/.envrc")
            .line("cd project")
            .dump("../inside")
            .line("cd ..")
            .dump("left")
            .typed();
        assert!(run.stdout.contains("no profile `nowhere`"), "{run:?}");
        let inside = run.environment("inside");
        assert!(inside.has(&ann()), "{run:?}");
        assert!(!inside.has_any("ARL_ROLE"), "{run:?}");
        assert_eq!(run.environment("left"), run.environment("before"), "{run:?}");
    }
}

/// arl in `.envrc` finds the role's keys in the place of those that the role came from.
#[test]
fn a_role_of_the_shell_is_no_source_of_the_directorys_role() {
    for shell in SHELLS {
        let stage = stage();
        let config = fs::read_to_string(stage.home.join(".aws/config")).unwrap();
        let config = config.replace("source_profile = ann", "credential_source = Environment");
        fs::write(stage.home.join(".aws/config"), config).unwrap();
        let run = session(&stage, shell, false)
            .assume("prod-read")
            .line("cd project")
            .dump("../inside")
            .line("cd ..")
            .clear()
            .line("cd project")
            .dump("../cleared")
            .typed();
        assert!(run.stdout.contains("hint: ") && run.stdout.contains("arl clear)"), "{run:?}");
        assert!(run.environment("inside").has("ARL_ROLE=prod-read"), "{run:?}");
        assert!(run.environment("cleared").has("ARL_ROLE=prod-deploy"), "{run:?}");
    }
}

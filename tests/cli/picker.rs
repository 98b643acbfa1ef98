//! Choosing a role from a list: on real screens, where other keys than Enter choose nothing and every way out
//! leaves the terminal as it was.

use std::fmt::Write as _;
use std::process::Command;

use arl_sts::World;

use crate::login;
use crate::sources::{assert_quick, chain_length, chain_of_profiles};
use crate::support::{Run, Stage, write_program};
use crate::tmux::Window;

const SIZES: [(usize, usize); 3] = [(80, 24), (40, 10), (200, 50)];
const TITLE: &str = "role>";

/// A stage with some profiles for the roles of the loopback STS.
fn stage() -> Stage {
    let stage = Stage::new();
    let mut config = String::from("[default]\nregion = eu-west-1\n");
    for (name, role) in
        [("payments prod", "Deploy"), ("payments-audit", "ReadOnly"), ("dns", "team/dns_editor")]
    {
        let _ = write!(
            config,
            "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{role}\nsource_profile = ann\n"
        );
    }
    config += "[profile broken]\nrole_arn = arn:aws:iam::123456789012:role/Gone\nsource_profile = nowhere\n";
    stage.profiles(&config, &ann());
    stage
}

/// A profile with Ann's keys.
fn ann() -> String {
    let (key, secret) = (World::ANN_KEY, World::ANN_SECRET);
    format!("[ann]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
}

/// `ARL_CHAIN` is how many profiles there are.
#[test]
fn a_file_with_chains_of_thousands_of_profiles_is_shown_at_once() {
    for last in ["ann", "p0"] {
        let stage = Stage::new();
        stage.profiles(&chain_of_profiles(chain_length(), last), &ann());
        let window = window(&stage, SIZES[0]);
        let begin = std::time::Instant::now();
        window.run("arl assume");
        let list = window.wait_for(TITLE);
        assert_quick(&format!("the first frame, the last source is {last}"), begin);
        // Roles that cannot work come last.
        let first = if last == "ann" { format!("> p{}", chain_length() - 100) } else { "> ! p0 ".to_owned() };
        let list = list.replace(">   ", "> ");
        assert!(list.contains(&first) && list.contains("is a source of itself") == (last == "p0"), "{list}");
        window.press(&["Escape"]);
        window.wait_for("no role was chosen");
    }
}

fn window(stage: &Stage, (columns, rows): (usize, usize)) -> Window<'_> {
    let mut command = stage.bare("bash");
    command.env_remove("ARL_CACHE");
    Window::open(stage, &command, columns, rows)
}

#[test]
fn a_role_is_picked_by_words_on_screens_of_all_sizes() {
    for size in SIZES {
        let stage = stage();
        let window = window(&stage, size);
        window.run("echo above; stty -a >before; arl assume");
        let list = window.wait_for(TITLE);
        assert!(list.contains("payments-audit") && !list.contains("above"), "{size:?}\n{list}");
        assert!(stage.sts.requests().is_empty(), "{size:?}: no call before the choice");
        window.type_text("AUDIT 1234");
        let list = window.wait_for("1/4");
        assert!(!list.contains("dns"), "{size:?}\n{list}");
        window.press(&["Enter"]);
        let after = window.wait_for("arl: payments-audit");
        assert!(after.contains("above") && !after.contains(TITLE), "{size:?}\n{after}");
        window.run("clear; stty -a >after; cmp before after && echo \"as $ARL_ROLE\"");
        window.wait_for("as payments-audit\n");
        // The shell can assume the chosen role again.
        window.run("clear; echo \"$__arl_refresh\"");
        window.wait_for("'assume' 'payments-audit'");
        // The last role comes first.
        window.run("clear; arl assume --duration 30m");
        window.wait_for(">   payments-audit");
        window.press(&["Down", "Enter"]);
        window.wait_for("arl: dns");
        window.run("clear; arl assume -; arl assume -; echo \"as $ARL_ROLE\"");
        window.wait_for("as dns\n");
    }
}

#[test]
fn every_way_out_leaves_the_terminal_as_it_was_and_eval_fails() {
    let stage = stage();
    let window = window(&stage, SIZES[0]);
    window.run("stty -a >before; interrupted=0; trap 'interrupted=1' INT");
    let kill: &[&str] = &[];
    for keys in [&["Escape"], &["C-d"], &["C-z"], &["C-g"], &["C-\\"], kill] {
        for line in [
            "eval \"$(arl assume)\"",
            "arl assume",
            "arl exec -- touch ran",
            "eval \"$(command arl assume)\"",
        ] {
            window.run(&format!("clear; echo above; {line}; echo \"status $?\""));
            window.wait_for(TITLE);
            match keys {
                [] => assert!(
                    Command::new("pkill")
                        .args(["-TERM", "-s", &session(&stage), "-x", "arl"])
                        .status()
                        .unwrap()
                        .success()
                ),
                keys => window.press(keys),
            }
            let screen = window.wait_for("status ");
            assert!(screen.starts_with("above") && !screen.contains(TITLE), "{keys:?} {line}\n{screen}");
            assert!(screen.contains("status 1"), "{keys:?} {line}\n{screen}");
            window.run("clear; stty -a >after; cmp before after && echo \"as it was$ARL_ROLE.\"");
            window.wait_for("as it was.\n");
        }
    }
    assert!(stage.sts.requests().is_empty() && !stage.home.join("ran").exists());
    // bash ends the whole line after an interrupt.
    window.run("clear; eval \"$(arl assume)\"; echo 'not reached'");
    window.wait_for(TITLE);
    window.press(&["C-c"]);
    window.wait_until("a prompt", |screen| screen.ends_with("ready$"));
    window.run("clear; stty -a >after; cmp before after && echo \"as it was$ARL_ROLE.\"");
    let screen = window.wait_for("as it was.\n");
    assert!(!screen.contains("not reached"), "{screen}");
}

/// The terminal session of the window's shell.
fn session(stage: &Stage) -> String {
    let socket = stage.home.join("tmux");
    let output = Command::new("tmux")
        .arg("-S")
        .arg(socket)
        .args(["list-panes", "-F", "#{pane_pid}"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_closed_terminal_ends_the_picker() {
    let stage = stage();
    let window = window(&stage, SIZES[0]);
    window.run("arl exec -- touch ran");
    window.wait_for(TITLE);
    let session = session(&stage);
    let is_running =
        || Command::new("pgrep").args(["-s", &session, "-x", "arl"]).output().unwrap().status.success();
    assert!(is_running());
    window.close();
    let ended = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        !is_running()
    });
    assert!(ended && !stage.home.join("ran").exists());
}

#[test]
fn the_list_follows_the_size_of_the_window() {
    let stage = stage();
    let window = window(&stage, SIZES[0]);
    window.run("echo above; arl assume");
    window.wait_for("SOURCE");
    for (columns, rows) in [(40, 10), (25, 5), (120, 40), (10, 3), (80, 24)] {
        window.resize(columns, rows);
        window.wait_until("a list of this size", |screen| {
            let has_headings = screen.contains("NAME");
            screen.lines().all(|line| line.chars().count() < columns)
                && screen.contains(if columns < 13 { "> " } else { TITLE })
                && has_headings == (rows >= 8)
                && screen.contains("SOURCE") == (columns >= 80)
        });
    }
    window.press(&["Escape"]);
    let screen = window.wait_for("no role was chosen");
    assert!(screen.contains("above") && !screen.contains(TITLE), "{screen}");
}

#[test]
fn data_on_stdin_and_redirected_messages_do_not_matter() {
    for (line, said) in [
        ("echo data | arl exec -- sh -c 'read -r line; echo \"$line as $ARL_ROLE\"'", "data as dns"),
        ("arl exec 2>/dev/null -- sh -c 'echo \"as $ARL_ROLE\"' </dev/null", "as dns"),
        ("x=$(arl exec -- sh -c 'echo \"$ARL_ROLE\"'); echo \"got $x\"", "got dns"),
        ("arl assume --json | grep -c SessionToken", "1\n"),
        (
            "arl assume --format dotenv >file 2>&1; chmod 600 file; arl assume --format dotenv >file && grep -c ^AWS_SESSION_TOKEN= file",
            "1\n",
        ),
    ] {
        let stage = stage();
        let window = window(&stage, SIZES[0]);
        window.run(&format!("clear; umask 022; {line}"));
        window.wait_for(TITLE);
        window.type_text("dns");
        window.press(&["Enter"]);
        window.wait_until(said, |screen| screen.lines().any(|line| line == said.trim()));
    }
}

#[test]
fn two_pickers_in_one_terminal_take_turns() {
    let stage = stage();
    let window = window(&stage, SIZES[0]);
    // What one prints while the other shows its list would be lost with the other's screen.
    let pick = "arl exec -- sh -c 'echo \"as $ARL_ROLE\" >>picked'";
    std::fs::write(stage.home.join("both"), format!("{pick} & {pick}; wait; echo done | tr a-z A-Z"))
        .unwrap();
    window.run("clear; sh ./both");
    for typed in ["dns", "audit"] {
        window.wait_for("4/4");
        window.type_text(typed);
        window.wait_for("1/4");
        window.press(&["Enter"]);
    }
    let screen = window.wait_for("DONE");
    assert!(!screen.contains(TITLE), "{screen}");
    assert_eq!(std::fs::read_to_string(stage.home.join("picked")).unwrap(), "as dns\nas payments-audit\n");
}

#[test]
fn nothing_is_chosen_but_by_enter_on_a_line() {
    let stage = stage();
    let window = window(&stage, SIZES[0]);
    window.run("clear; arl assume; echo \"status $?\"");
    window.wait_for(TITLE);
    // Enter takes nothing where nothing matches.
    window.type_text("nosuch");
    window.wait_for("0/4");
    window.press(&["Enter", "Enter", "Tab", "BTab", "NPage", "PPage", "Home", "End", "F5", "M-x", "Left"]);
    window.press(&["C-u"]);
    // What is pasted is no Enter.
    Command::new("tmux")
        .arg("-S")
        .arg(stage.home.join("tmux"))
        .args(["set-buffer", "dns\n\n"])
        .status()
        .unwrap();
    Command::new("tmux")
        .arg("-S")
        .arg(stage.home.join("tmux"))
        .args(["paste-buffer", "-p"])
        .status()
        .unwrap();
    window.wait_for("1/4");
    window.press(&["C-w", "Escape"]);
    window.wait_for("status 1\n");
    assert!(stage.sts.requests().is_empty());
}

/// `ARL_PICKER_NAMES` is how many names are tried.
#[test]
fn a_name_that_is_no_role_is_an_error_and_never_a_session() {
    let count = std::env::var("ARL_PICKER_NAMES").map_or(100, |text| text.parse().unwrap());
    let stage = stage();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..count {
        let length = random.usize(0..12);
        let letters: Vec<char> = "abdnspymertou-_. /:$\u{e4}".chars().collect();
        let name: String = (0..length).map(|_| letters[random.usize(..letters.len())]).collect();
        if ["dns", "broken"].contains(&name.as_str()) {
            continue;
        }
        let run = stage.run(stage.bare("arl").args(["assume", "--shell", "bash", "--", &name]));
        assert!(run.status != 0 && !run.stdout.contains("export"), "{name:?}: {run:?}");
    }
    assert!(stage.sts.requests().is_empty());
}

#[test]
fn without_a_terminal_a_missing_role_is_a_usage_error() {
    let stage = stage();
    for args in [
        &["assume"][..],
        &["assume", "--json"],
        &["exec"],
        &["exec", "--", "true"],
        &["assume", "--within", "5s"],
    ] {
        let run = stage.run(stage.bare("setsid").args(["--wait", "arl"]).args(args));
        run.failure(2, "needs a role");
        assert!(run.stderr.contains("the profiles are: broken, dns"), "{run:?}");
    }
    // An empty word is a mistake of a script, and not a wish to choose.
    stage.run(stage.bare("arl").args(["assume", ""])).failure(2, "");
    for command in ["assume", "exec"] {
        stage
            .run(stage.bare("arl").args([command, "-"]))
            .failure(2, if command == "exec" { "only `arl assume`" } else { "no previous role" });
    }
    for (shell, cause) in [
        ("nushell", "has not had another role"),
        ("tcsh", "not available in tcsh"),
        ("bash", "has not had another role"),
    ] {
        let run = stage.run(stage.bare("arl").args(["assume", "-"]).env("ARL_SHELL", shell));
        assert!(!run.stderr.contains("to install it"), "{run:?}");
        run.failure(2, cause);
    }
}

#[test]
fn exec_without_a_terminal_takes_the_role_of_aws_profile() {
    let stage = stage();
    let exec = |profile: &str, args: &[&str]| {
        stage.run(stage.bare("setsid").args(["--wait", "arl", "exec"]).args(args).env("AWS_PROFILE", profile))
    };
    let run = exec("dns", &["--", "sh", "-c", "echo \"as $ARL_ROLE\""]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "as dns\n"), "{run:?}");
    assert!(run.stderr.contains("the role of AWS_PROFILE: dns"), "{run:?}");
    // A profile with keys is no role, and a shell is not started unasked.
    exec("ann", &["--", "true"]).failure(2, "needs a role");
    exec("dns", &[]).failure(2, "needs a role");
    exec("nowhere", &["--", "true"]).failure(2, "needs a role");
}

#[test]
fn aws_profile_stands_first_and_is_selected() {
    let stage = stage();
    let window = window(&stage, SIZES[0]);
    window.run("clear; AWS_PROFILE=payments-audit arl exec -- sh -c 'echo \"as $ARL_ROLE\"'");
    window.wait_for(">   payments-audit");
    window.press(&["Enter"]);
    window.wait_for("as payments-audit\n");
}

fn with_program(stage: &Stage, picker: &str) -> Run {
    let line = "arl exec -- sh -c 'echo \"as $ARL_ROLE\"'; echo \"status $?\"";
    let mut command = crate::support::in_terminal(
        stage,
        &format!("sh -c {}", arl::internal::shell::Shell::Posix.quote(line)),
    );
    for (name, value) in stage.bare("x").get_envs() {
        value.map(|value| command.env(name, value));
    }
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env_remove(name);
    }
    stage.run(command.env("ARL_PICKER", picker))
}

#[test]
fn another_program_may_let_the_user_choose() {
    let stage = stage();
    write_program(&stage.home.join("choose"), "#!/bin/sh\ngrep audit\n");
    for (picker, said) in [
        ("head -n 1", "as dns"),
        ("./choose", "as payments-audit"),
        ("grep 'payments prod' | cut -c1-13", "as payments prod"),
        ("sed -n 2p; echo seen >/dev/tty", "as payments prod"),
        ("false", "no role was chosen"),
        ("exit 130", "no role was chosen"),
        ("true", "no role was chosen"),
        ("exit 7", "exit status 7"),
        ("cat", "did not print one of the lines"),
        ("echo nosuch", "did not print one of the lines that it got, but: nosuch"),
        ("./missing", "no such program"),
        ("kill -TERM $$", "signal 15"),
    ] {
        let run = with_program(&stage, picker);
        assert!(run.stdout.contains(said), "{picker}: {run:?}");
        let status = if said.starts_with("as ") { "status 0" } else { "status 1" };
        assert!(run.stdout.contains(status), "{picker}: {run:?}");
    }
}

#[test]
fn a_program_that_goes_on_or_dies_holds_nothing_up_and_changes_no_terminal() {
    let stage = stage();
    // What it has started keeps the pipes open.
    let begin = std::time::Instant::now();
    for picker in ["sleep 100 & grep audit", "{ sleep 100 <&3 & } 3<&0; grep audit"] {
        let run = with_program(&stage, picker);
        assert!(run.stdout.contains("as payments-audit"), "{picker}: {run:?}");
    }
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
    let window = window(&stage, SIZES[0]);
    let pick = "arl exec -- touch ran; echo \"status $?\"";
    for picker in [
        "touch up; trap \"\" TERM INT; while :; do sleep 1; done",
        "touch up; kill -STOP $$",
        "touch up; sleep 100",
    ] {
        window.run(&format!("clear; stty -a >before; ARL_PICKER='{picker}' sh -c '{pick}'"));
        while !stage.home.join("up").exists() {
            std::thread::yield_now();
        }
        std::fs::remove_file(stage.home.join("up")).unwrap();
        window.press(&["C-c"]);
        window.wait_until("the prompt", |screen| screen.ends_with("ready$"));
        window.run("clear; stty -a >after; cmp before after && echo same");
        window.wait_for("same\n");
    }
    for picker in [
        "stty raw -echo </dev/tty; kill -9 $$",
        "stty -echo </dev/tty; exit 7",
        "stty -opost </dev/tty; grep nosuch",
    ] {
        window.run(&format!("clear; stty -a >before; ARL_PICKER='{picker}' arl exec -- touch ran; stty -a >after; cmp before after && echo same"));
        window.wait_for("same\n");
    }
    assert!(!stage.home.join("ran").exists());
}

#[test]
fn names_that_look_the_same_are_not_told_apart_by_chance() {
    let stage = Stage::new();
    let profile = |name: &str, role: &str| {
        format!("[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{role}\nsource_profile = ann\n")
    };
    stage.profiles(&(profile("a\u{1b}b", "Deploy") + &profile("a\\u{1b}b", "ReadOnly")), &ann());
    for picker in ["grep ReadOnly", "tail -n 1"] {
        assert!(with_program(&stage, picker).stdout.contains("as "), "{picker}");
    }
    let run = with_program(&stage, "echo 'a\\u{1b}b'");
    assert!(run.stdout.contains("several entries") && run.stdout.contains("status 1"), "{run:?}");
}

#[test]
fn a_numbered_list_is_read_line_by_line() {
    for variables in ["ARL_PICKER=plain", "TERM=dumb", "TERM="] {
        let stage = stage();
        let window = window(&stage, SIZES[0]);
        window.run(&format!("clear; stty -a >before; {variables} arl exec -- sh -c 'echo \"as $ARL_ROLE\"'; stty -a >after; cmp before after && echo same"));
        let list = window.wait_for("an empty line cancels:");
        assert!(
            list.contains("1. dns, 123456789012, dns_editor, ann")
                && list.contains("4. broken, 123456789012, Gone, nowhere, does not work"),
            "{list}"
        );
        window.run("9");
        window.wait_for("There is no number 9 in the list.");
        window.run("nosuch");
        window.wait_for("Nothing matches.");
        // A long number is no place in the list.
        window.run("123456789012");
        window.wait_for("cancels: 123456789012\n\n1. dns, 123456789012, dns_editor, ann");
        window.run("audit");
        window.wait_for("1. payments-audit");
        window.run("1");
        window.wait_for("as payments-audit\nsame");
        for key in ["C-d", "Enter", "C-c"] {
            window.run(&format!("clear; {variables} arl exec -- touch ran; stty -a >after; cmp before after && echo \"left$?\""));
            window.wait_for("an empty line cancels:");
            window.press(&[key]);
            window.wait_until("the prompt", |screen| screen.ends_with("ready$"));
            window.run("clear; stty -a >after; cmp before after && echo same");
            window.wait_for("same\n");
        }
        assert!(!stage.home.join("ran").exists());
    }
}

#[test]
fn what_identity_center_offers_is_asked_for_when_it_is_chosen() {
    let stage = login::stage();
    let mut command = login::arl(&stage, &[]);
    command.env_remove("ARL_CACHE").env("ARL_LOGIN", "always");
    let window = Window::open(&stage, &command, 80, 24);
    window.run("clear; arl assume; echo \"as $ARL_ROLE\"");
    window.wait_for("more from corp");
    assert_eq!(login::actions(&stage), [] as [&str; 0]);
    window.press(&["End", "Enter"]);
    window.wait_for("account>");
    window.type_text("data");
    window.wait_for("1/2");
    window.press(&["Enter"]);
    window.wait_for("corp:000123456789/Dev");
    window.press(&["Enter"]);
    window.wait_for("as 000123456789/Dev\n");
    // The roles of all accounts, which are listed from then on.
    window.run("clear; arl assume; echo \"as $ARL_ROLE\"");
    window.wait_for("more from corp");
    window.press(&["End", "Enter"]);
    window.wait_for("the roles of all 2 accounts");
    window.press(&["End", "Enter"]);
    window.wait_for("corp:111122223333/ReadOnly");
    window.type_text("payments readonly");
    window.wait_for("1/");
    window.press(&["Enter"]);
    window.wait_for("as 111122223333/ReadOnly\n");
    let calls = login::actions(&stage).len();
    window.run("clear; arl assume");
    let list = window.wait_for("corp:111122223333/Admin");
    assert!(list.contains("111122223333 Payments") && list.contains("000123456789 Data Lake"), "{list}");
    window.press(&["Escape"]);
    window.wait_for("no role was chosen");
    assert_eq!(login::actions(&stage).len(), calls);
}

#[test]
fn the_names_in_the_list_cannot_move_the_cursor() {
    let stage = Stage::new();
    stage.profiles("[profile a\u{1b}[2Jb\u{202e}c]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\n", &ann());
    let window = window(&stage, SIZES[0]);
    window.run("clear; arl assume");
    window.wait_for("a\\u{1b}[2Jb\\u{202e}c");
    window.press(&["Escape"]);
    window.wait_for("no role was chosen");
}

#[test]
fn the_functions_of_all_shells_leave_the_terminal_to_the_picker() {
    for (shell, init) in [
        ("zsh -fi", "eval \"$(arl init zsh)\""),
        ("fish --no-config -i", "arl init fish | source"),
        ("env ENV=/dev/null mksh -i", "eval \"$(arl init mksh)\""),
        ("env ENV=/dev/null ksh93 -i", "eval \"$(arl init ksh)\""),
        ("env ENV=/dev/null dash -i", "eval \"$(arl init sh)\""),
        ("tcsh -f", "arl init tcsh >rc.tcsh; source rc.tcsh"),
    ] {
        let stage = stage();
        let window = window(&stage, SIZES[0]);
        window.run(shell);
        window.run(&format!("{init}; echo started | tr a-z A-Z"));
        window.wait_for("STARTED");
        window.run("stty -a >before; arl assume");
        window.wait_for(TITLE);
        window.press(&["Escape"]);
        window.wait_for("no role was chosen");
        window.run("clear; arl assume");
        window.wait_for(TITLE);
        window.type_text("audit");
        window.wait_for("1/4");
        window.press(&["Enter"]);
        window.wait_for("arl: payments-audit");
        window.run("clear; stty -a >after; cmp before after && echo \"as $ARL_ROLE\" | tr a-z A-Z");
        window.wait_for("AS PAYMENTS-AUDIT");
    }
}

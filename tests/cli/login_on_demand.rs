//! A missing sign-in: asked for where a user is there, and a status of 3 elsewhere.

use std::fs;
use std::time::Duration;

use arl_sts::Fault;
use serde_json::Value;

use crate::login::{actions, arl, change_token, run, stage, token_path};
use crate::support::{Run, Stage};

/// Runs a command line in a terminal and answers the questions in turn, each once its text is seen (`2*text`:
/// twice). `^C` is an interrupt. Prints what the terminal showed.
const AT_A_TERMINAL: &str = r#"
import os, pty, signal, sys
def late(*_):
    sys.stdout.write(seen.decode(errors="replace"))
    sys.stdout.flush()
    os._exit(9)
signal.signal(signal.SIGALRM, late)
signal.alarm(60)
line, answers = sys.argv[1], [answer.split("|") for answer in sys.argv[2:]]
child, terminal = pty.fork()
if child == 0:
    os.execvp("bash", ["bash", "-c", "stty -a >before; " + line + "; echo \"status $?\"; stty -a >after; cmp before after && echo as it was"])
seen = b""
def read():
    global seen
    try: data = os.read(terminal, 65536)
    except OSError: return False
    seen += data
    return bool(data)
at = 0
for text, answer in answers:
    times, text = text.split("*", 1) if "*" in text else ("1", text)
    while seen.count(text.encode(), at) < int(times) and read(): pass
    at = len(seen)
    if answer == "PASTE":
        address = next(word for word in seen.decode().split() if "/authorize?" in word)
        answer = os.popen("curl -s -o /dev/null -w '%{redirect_url}' '" + address + "'").read()
    os.write(terminal, b"\x03" if answer == "^C" else answer.encode() + b"\n")
while read(): pass
sys.stdout.write(seen.decode(errors="replace").replace("\r", ""))
os.waitpid(child, 0)
"#;

const QUESTION: &str = "Sign in to corp in the browser? [Y/n] ";

/// The environment of [`arl`] for a command line in a terminal.
fn at_a_terminal(stage: &Stage, line: &str, answers: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut python = stage.bare("python3");
    let of_arl = arl(stage, &[]);
    for (name, value) in of_arl.get_envs() {
        value.map(|value| python.env(name, value));
    }
    python.args(["-c", AT_A_TERMINAL, line]).args(answers).env("TERM", "dumb");
    stage.run(python.env_remove("ARL_CACHE").envs(variables.iter().copied()))
}

/// How many processes want one sign-in at once. `ARL_SIGN_IN_PROCESSES=256` tries that many.
pub(crate) fn processes() -> usize {
    std::env::var("ARL_SIGN_IN_PROCESSES").map_or(64, |count| count.parse().unwrap())
}

fn count(stage: &Stage, action: &str) -> usize {
    actions(stage).iter().filter(|other| *other == action).count()
}

#[test]
fn a_missing_sign_in_is_asked_for_and_the_command_goes_on() {
    for (line, done) in [
        ("arl exec deploy -- sh -c 'echo \"as $ARL_ROLE\"'", "as deploy\n"),
        (
            "eval \"$(arl assume corp:111122223333/Dev)\" </dev/null; echo \"as $ARL_ROLE\"",
            "as 111122223333/Dev\n",
        ),
        ("arl write deploy --profile-name p", "status 0\n"),
        ("arl each dev deploy -- sh -c 'echo \"as $ARL_ROLE\"'", "as deploy\n"),
    ] {
        let stage = stage();
        let said = at_a_terminal(&stage, line, &[&format!("{QUESTION}|y")], &[]).success();
        assert!(
            said.contains(done) && said.contains("status 0\n") && said.contains("as it was"),
            "{line}: {said}"
        );
        assert_eq!(said.matches(QUESTION).count(), 1, "{line}: {said}");
        assert_eq!(count(&stage, "Authorize"), 1, "{line}: {said}");
        // The next call needs no sign-in, and what was got is cached.
        stage.sts.reset();
        let again = at_a_terminal(&stage, line, &[], &[]).success();
        assert!(again.contains(done) && !again.contains("[Y/n]"), "{line}: {again}");
        assert_eq!(actions(&stage), [] as [&str; 0], "{line}");
    }
}

#[test]
fn the_answer_decides_and_nothing_opens_without_one() {
    let stage = stage();
    let question = |answer: &str| format!("{QUESTION}|{answer}");
    let line = "arl exec deploy -- echo not this";
    // The status of a failed exec is 125.
    let said = at_a_terminal(&stage, line, &[&question("n")], &[]).success();
    assert!(said.contains("status 125\n") && said.contains("you did not sign in"), "{said}");
    assert!(said.contains("hint: sign in: arl login corp") && !said.contains("not this\n"), "{said}");
    let said = at_a_terminal(&stage, line, &[&question("what"), "answer y or n|n"], &[]).success();
    assert!(said.contains("status 125\n"), "{said}");
    // An interrupt ends the script that asked as well, with the failing statement for `eval`.
    let script = "bash -c 'eval \"$(arl assume deploy)\"; echo not this'";
    let said = at_a_terminal(&stage, &format!("trap : INT; {script}"), &[&question("^C")], &[]).success();
    assert!(said.contains("as it was") && !said.contains("not this\n"), "{said}");
    assert!(!stage.home.join("opened").exists());
    assert_eq!(actions(&stage), [] as [&str; 0]);
    // Without the question.
    let always = [("ARL_LOGIN", "always")];
    let said = at_a_terminal(&stage, "arl exec deploy -- echo this", &[], &always).success();
    assert!(said.contains("this\nstatus 0\n") && !said.contains("[Y/n]"), "{said}");
}

#[test]
fn a_sign_in_that_has_ended_is_asked_for_too() {
    for expires in ["2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"] {
        let stage = stage();
        assert_eq!(run(&stage, &["login"]).status, 0);
        // The service accepts neither token any more.
        stage.sts.change(|world| {
            world.identity_center.access_tokens.clear();
            world.identity_center.refresh_tokens.clear();
        });
        change_token(&stage, "expiresAt", expires);
        let line = "arl exec deploy -- echo this";
        let said = at_a_terminal(&stage, line, &[&format!("{QUESTION}|")], &[]).success();
        assert!(said.contains("this\nstatus 0\n"), "{expires}: {said}");
        assert_eq!(count(&stage, "AssumeRole"), 1);
        // What was got is cached for the new sign-in.
        stage.sts.reset();
        let said =
            at_a_terminal(&stage, "for role in deploy dev; do arl exec $role -- echo this; done", &[], &[]);
        assert_eq!(said.success().matches("this\n").count(), 2);
        assert_eq!(actions(&stage), [] as [&str; 0], "{expires}");
    }
}

#[test]
fn where_no_browser_can_reach_this_machine_the_address_is_pasted() {
    let stage = stage();
    let answers = [
        "Sign in to corp in a browser on another machine? [Y/n] |y",
        "paste the address (it is not shown): |http://127.0.0.1:1/oauth/callback?code=x&state=y",
        "that is not the address of the page for this sign-in; |PASTE",
    ];
    let ssh = [("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22"), ("BROWSER", "")];
    let said = at_a_terminal(&stage, "arl exec dev -- echo this", &answers, &ssh).success();
    assert!(said.contains("this\nstatus 0\n") && said.contains("as it was"), "{said}");
    assert!(!said.contains("oauth/callback?code"), "the terminal shows the code: {said}");
    let device = [("ARL_LOGIN_FLOW", "device")];
    fs::remove_file(token_path(&stage)).unwrap();
    let said = at_a_terminal(
        &stage,
        "arl exec dev --no-cache -- echo this",
        &["Sign in to corp with a code on another device? [Y/n] |y"],
        &device,
    )
    .success();
    assert!(said.contains("the page shows the code ABCD-EFGH") && said.contains("this\nstatus 0"), "{said}");
}

#[test]
fn arl_does_not_ask_if_no_user_has_started_the_command() {
    let stage = stage();
    let lines: [(&str, &[(&str, &str)]); 6] = [
        ("arl assume deploy --json | cat; exit ${PIPESTATUS[0]}", &[]),
        ("eval \"$(arl assume deploy --within 5s)\"", &[]),
        ("arl exec deploy -- true", &[("CI", "true")]),
        ("arl exec deploy -- true", &[("ARL_LOGIN", "never")]),
        ("setsid --wait arl exec deploy -- true", &[]),
        ("setsid --wait arl exec deploy -- true", &[("ARL_LOGIN", "always")]),
    ];
    for (line, variables) in lines {
        let said = at_a_terminal(&stage, &format!("({line})"), &[], variables).success();
        assert!(said.contains("status 3\n"), "{line} {variables:?}: {said}");
        assert!(said.contains("hint: sign in: arl login corp") && !said.contains("[Y/n]"), "{line}: {said}");
    }
    // Commands that only look.
    for line in ["arl list", "arl status", "arl explain deploy", "arl cache list", "arl login --check"] {
        let said = at_a_terminal(&stage, line, &[], &[("ARL_LOGIN", "always")]).success();
        assert!(!said.contains("[Y/n]") && !said.contains("/authorize"), "{line}: {said}");
    }
    assert!(!stage.home.join("opened").exists());
    assert_eq!(actions(&stage), [] as [&str; 0]);
    let wrong = at_a_terminal(&stage, "arl exec deploy -- true", &[], &[("ARL_LOGIN", "maybe")]).success();
    assert!(
        wrong.contains("ARL_LOGIN must be ask, always or never") && wrong.contains("status 2\n"),
        "{wrong}"
    );
    // A role that is not assigned is no reason to sign in.
    assert_eq!(run(&stage, &["login"]).status, 0);
    let said = at_a_terminal(&stage, "arl exec corp:111122223333/Root -- true", &[], &[]).success();
    assert!(said.contains("you have no role `Root`") && !said.contains("[Y/n]"), "{said}");
}

#[test]
fn an_interrupt_at_the_question_ends_every_process_that_waits_for_it() {
    let stage = stage();
    // Programs that run others side by side leave them the interrupt, which a script's `&` would take away. The
    // shells survive it themselves, so that they show what `eval` got.
    let line = "trap : INT; for i in 1 2 3 4 5 6 7 8; do \
                env --default-signal=INT bash -c 'trap : INT; eval \"$(arl assume deploy)\"; echo \"end $?\"' & \
                done; while [ \"$(jobs -r)\" ]; do wait; done";
    let said = at_a_terminal(&stage, line, &["7*waiting for it|^C"], &[]).success();
    assert_eq!(said.matches("end ").count(), 8, "{said}");
    assert_eq!((said.matches("end 0\n").count(), said.matches(QUESTION).count()), (0, 1), "{said}");
    assert!(said.contains("as it was") && !stage.home.join("opened").exists(), "{said}");
    assert_eq!(actions(&stage), [] as [&str; 0]);
}

#[test]
fn a_server_whose_sign_in_has_ended_opens_no_browser() {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    stage.sts.change(|world| world.session_seconds = Some(1));
    // After a second the endpoint needs the sign-in again, which has ended meanwhile.
    let client = "touch ready; until [ -e ended ]; do sleep 0.05; done; sleep 1.1; \
                  curl -s -w ' code %{http_code}' -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" \
                  \"$AWS_CONTAINER_CREDENTIALS_FULL_URI\"";
    fs::write(stage.home.join("client"), client).unwrap();
    let line = "arl exec deploy --no-cache --server -- sh client";
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stage.home.join("ready").exists() {
                std::thread::yield_now();
            }
            stage.sts.change(|world| {
                world.identity_center.access_tokens.clear();
                world.identity_center.refresh_tokens.clear();
            });
            fs::remove_file(token_path(&stage)).unwrap();
            fs::remove_file(stage.home.join("opened")).unwrap();
            fs::write(stage.home.join("ended"), "").unwrap();
        });
        at_a_terminal(&stage, line, &[], &[("ARL_LOGIN", "always")]).success()
    });
    assert!(said.contains(r#"{"code":"UserNeeded","#) && said.contains(" code 400"), "{said}");
    assert!(!said.contains("[Y/n]") && !stage.home.join("opened").exists(), "{said}");
}

#[test]
fn any_number_of_processes_in_one_terminal_ask_once() {
    let stage = stage();
    // The same role, other roles of the same sign-in, and a role that is assumed with it.
    let rounds = processes() / 10;
    let all = 4 * rounds;
    let line = &format!(
        "for i in $(seq {rounds}); do for role in dev deploy corp:111122223333/Admin corp:000123456789/Dev; do \
         arl exec $role -- echo done & done; done; wait"
    );
    let waits = format!("{}*waiting for it", all - 1);
    let said = at_a_terminal(&stage, line, &[&format!("{waits}|y")], &[]).success();
    assert_eq!(said.matches("done\n").count(), all, "{said}");
    assert_eq!(said.matches(QUESTION).count(), 1, "{said}");
    assert_eq!(fs::read_to_string(stage.home.join("opened")).unwrap().lines().count(), 1);
    assert_eq!((count(&stage, "Authorize"), count(&stage, "AssumeRole")), (1, 1), "{:?}", actions(&stage));
    assert_eq!(count(&stage, "GetRoleCredentials"), 3, "{:?}", actions(&stage));
    // One no is enough as well.
    let other = crate::login::stage();
    let said = at_a_terminal(&other, line, &[&format!("{waits}|n")], &[]).success();
    assert_eq!((said.matches(QUESTION).count(), said.matches("done\n").count()), (1, 0), "{said}");
    assert_eq!(said.matches("error: ").count(), all, "{said}");
}

#[test]
fn one_process_renews_a_token_for_all() {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    stage.sts.reset();
    // The renewal takes so long that all of them want it meanwhile.
    stage.sts.inject(Fault::Delay(Duration::from_secs(processes() as u64 / 64)), 1);
    // Refresh tokens are good once, and every process asks for a role of its own: no cached session helps.
    let processes = processes();
    let line = format!("for i in $(seq {processes}); do arl exec dev --no-cache -- echo done & done; wait");
    let mut bash = stage.bare("bash");
    for (name, value) in arl(&stage, &[]).get_envs() {
        value.map(|value| bash.env(name, value));
    }
    let said = stage.run(bash.args(["-c", &line])).success();
    assert_eq!(said.matches("done\n").count(), processes, "{said}");
    assert_eq!((count(&stage, "CreateToken"), count(&stage, "GetRoleCredentials")), (1, processes));
    let text = fs::read_to_string(token_path(&stage)).unwrap();
    let token: Value = serde_json::from_str(&text).unwrap();
    assert!(token["expiresAt"].as_str().unwrap().starts_with("20") && token["refreshToken"].is_string());
}

#[test]
fn a_token_that_another_program_renewed_first_is_used() {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    let good = fs::read_to_string(token_path(&stage)).unwrap();
    // The other program has used the refresh token, and writes its file a little later, without a lock.
    change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    change_token(&stage, "accessToken", "old");
    change_token(&stage, "refreshToken", "used");
    stage.sts.reset();
    let file = token_path(&stage);
    let writer = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while count(&stage, "CreateToken") == 0 {
                std::thread::yield_now();
            }
            fs::write(&file, &good).unwrap();
        });
        let run = run(&stage, &["assume", "dev", "--json"]);
        writer.join().unwrap();
        run
    });
    let _ = writer.success();
    assert_eq!(actions(&stage), ["CreateToken", "GetRoleCredentials"]);
    // An answer without a refresh token keeps the old one.
    stage.sts.change(|world| world.identity_center.rotates = false);
    change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    for _ in 0..2 {
        let _ = run(&stage, &["assume", "dev", "--json"]).success();
        let token: Value = serde_json::from_slice(&fs::read(token_path(&stage)).unwrap()).unwrap();
        assert!(token["refreshToken"].as_str().unwrap().starts_with("aor"), "{token}");
        change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    }
}

//! What a stranger on this machine, or a page in the browser, can do to a sign-in, and where its secrets go.

use std::fs;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arl_sts::Fault;

use crate::login::{Waiting, actions, arl, run, seen, stage};
use crate::support::{Stage, write_program};

/// The path and query to which the browser is sent.
fn target(waiting: &Waiting) -> String {
    waiting.approve().split_once(&waiting.port.to_string()).unwrap().1.to_owned()
}

#[test]
fn of_two_answers_at_once_one_signs_in() {
    for _ in 0..5 {
        let stage = stage();
        let waiting = Waiting::start(&stage, &[]);
        let (first, second) = (target(&waiting), target(&waiting));
        let responses = std::thread::scope(|scope| {
            let answers = [&first, &second, &first].map(|target| scope.spawn(|| waiting.get(target)));
            answers.map(|answer| answer.join().unwrap())
        });
        let redirected = responses.iter().filter(|response| response.starts_with("HTTP/1.1 303 "));
        assert_eq!(redirected.count(), 1, "{responses:?}");
        assert!(!responses.iter().any(|response| response.contains(" 200 ")), "{responses:?}");
        let end = waiting.end();
        assert_eq!(end.status, 0, "{end:?}");
        assert_eq!(actions(&stage).iter().filter(|action| *action == "CreateToken").count(), 1);
    }
}

#[test]
fn connections_that_send_nothing_do_not_hold_the_browser_up() {
    let stage = stage();
    let waiting = Waiting::start(&stage, &[]);
    let target = target(&waiting);
    // More than arl reads at once, each of which it would wait for.
    let open = || TcpStream::connect(("127.0.0.1", waiting.port)).unwrap();
    let begin = Instant::now();
    let silent: Vec<TcpStream> = (0..400).map(|_| open()).collect();
    // And more come meanwhile, without a pause.
    let is_over = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let _ = TcpStream::connect(("127.0.0.1", waiting.port));
            }
        });
        let done = waiting.get(&target);
        is_over.store(true, Ordering::Relaxed);
        done
    });
    assert!(done.starts_with("HTTP/1.1 303 "), "{done}");
    assert!(begin.elapsed() < Duration::from_secs(10), "the browser waited for {:?}", begin.elapsed());
    drop(silent);
    let end = waiting.end();
    assert_eq!(end.status, 0, "{end:?}");
}

/// As root, which alone can become another user.
#[test]
fn the_address_that_the_browser_gets_leads_no_other_user_to_the_page() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = stage();
    let browser = "#!/bin/sh\n\
        setpriv --reuid=65534 --clear-groups curl -s -o /dev/null -w '%{http_code} %{redirect_url}' \"$1\" >\"$HOME/stranger\"\n\
        curl -sL -o /dev/null \"$1\"\n";
    write_program(&stage.home.join("browser"), browser);
    assert_eq!(run(&stage, &["login"]).status, 0);
    assert_eq!(fs::read_to_string(stage.home.join("stranger")).unwrap(), "404 ");
}

/// Every secret of the sign-ins so far: codes, verifiers, tokens, and the secrets of registrations.
fn secrets(stage: &Stage) -> Vec<String> {
    let names = ["code", "codeVerifier", "deviceCode", "clientSecret", "refreshToken", "accessToken"];
    let requests = stage.sts.requests();
    let sent = requests.iter().flat_map(|request| &request.parameters);
    let mut found: Vec<String> =
        sent.filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value.clone()).collect();
    stage.sts.change(|world| {
        let center = &world.identity_center;
        found.extend(center.access_tokens.iter().chain(center.refresh_tokens.keys()).cloned());
        found.extend(center.clients.values().map(|client| client.secret.clone()));
    });
    found.sort();
    found.dedup();
    found
}

#[test]
fn no_code_and_no_token_is_in_an_argument_a_message_or_what_the_browser_keeps() {
    let stage = stage();
    // Keeps every header that it gets and every address that it is sent to, as a browser's history and log would.
    let browser = "#!/bin/sh\nprintf '%s\\n' \"$1\" >>\"$HOME/opened\"\n\
        curl -sL -D \"$HOME/headers\" -o \"$HOME/page\" -w '%{http_code} %{url_effective}' \"$1\" >\"$HOME/seen.new\"\n\
        mv \"$HOME/seen.new\" \"$HOME/seen\"\n";
    write_program(&stage.home.join("browser"), browser);
    let trace = stage.home.join("trace");
    let traced = |args: &[&str]| {
        let command = arl(&stage, args);
        let mut strace = stage.bare("strace");
        strace.args(["-f", "-v", "-A", "-e", "trace=execve", "-s", "99999", "-o"]).arg(&trace).arg("arl");
        strace.args(args).env("BROWSER", stage.home.join("browser"));
        for (name, value) in command.get_envs() {
            value.map(|value| strace.env(name, value));
        }
        stage.run(&mut strace)
    };
    let mut messages = String::new();
    let mut say = |run: crate::support::Run, status: i32| {
        assert_eq!(run.status, status, "{run:?}");
        messages.push_str(&run.stderr);
        messages.push_str(&run.stdout);
    };
    say(traced(&["-v", "login"]), 0);
    let (opened, address) = (fs::read_to_string(stage.home.join("opened")).unwrap(), seen(&stage));
    say(traced(&["-v", "login", "--force", "--device-code"]), 0);
    crate::login::change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    say(traced(&["-v", "exec", "dev", "--", "true"]), 0);
    say(run(&stage, &["list"]), 0);
    say(run(&stage, &["explain", "dev"]), 0);
    // Errors: the service refuses the code, the renewal, and the sign-out.
    let refused = || Fault::Exception(400, "InvalidGrantException", "no".into());
    let waiting = Waiting::start(&stage, &["-v", "--force"]);
    let answer = target(&waiting);
    stage.sts.inject(refused(), 1);
    waiting.get(&answer);
    say(waiting.end(), 1);
    crate::login::change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    stage.sts.inject(refused(), 1);
    say(run(&stage, &["-v", "exec", "dev", "--", "true"]), 3);
    stage.sts.inject(Fault::Status(500), 9);
    say(traced(&["-v", "logout"]), 1);
    let secrets = secrets(&stage);
    assert!(secrets.len() >= 9, "{secrets:?}");
    let arguments = fs::read_to_string(trace).unwrap();
    assert!(arguments.contains("login") && arguments.contains("browser"), "{arguments}");
    let page = fs::read_to_string(stage.home.join("page")).unwrap();
    for secret in &secrets {
        for (what, text) in [
            ("an argument or a variable", &arguments),
            ("a message", &messages),
            ("the browser's argument", &opened),
            ("the last address in the browser's history", &address),
            ("the page", &page),
        ] {
            assert!(!text.contains(secret.as_str()), "{what} holds {secret}: {text}");
        }
    }
    // The address with the code is left by a redirect, which no entry of the history keeps, and neither it nor the
    // page is named to another site.
    assert!(address.ends_with("/signed-in"), "{address}");
    let headers = fs::read_to_string(stage.home.join("headers")).unwrap();
    let answers: Vec<&str> = headers.split("\r\n\r\n").filter(|answer| !answer.trim().is_empty()).collect();
    let of_arl: Vec<&&str> = answers.iter().filter(|answer| answer.contains("Referrer-Policy")).collect();
    assert!(of_arl.len() >= 3, "{headers}");
    assert!(of_arl.iter().all(|answer| answer.contains("Referrer-Policy: no-referrer")), "{headers}");
    assert!(of_arl.iter().all(|answer| answer.contains("Cache-Control: no-store")), "{headers}");
}

//! `arl console`: sign-in URLs of the AWS console.

use arl_sts::{Fault, World};

use crate::hooks::READ_ONLY;
use crate::shell::{ALL, ASKING, ShellSession};
use crate::support::{DEPLOY, Run, Stage, binary, write_program};
use crate::tmux::Window;

fn console(stage: &Stage, args: &[&str]) -> Run {
    let url = stage.sts.url();
    let mut arl = stage.as_ann("arl");
    stage.run(arl.env("AWS_ENDPOINT_URL_SIGNIN", url).arg("console").args(args))
}

#[test]
fn console_prints_a_signed_in_url_of_the_service() {
    let stage = Stage::new();
    let url = console(&stage, &[DEPLOY, "--service", "ec2/v2", "--region", "eu-west-1", "--duration", "8h"])
        .success();
    let expected = "/federation?Action=login&Destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fec2%2Fv2%2Fhome%3Fregion%3Deu-west-1\
                    &SigninToken=to%2Fken%2Bwith%3Dsigns\n";
    assert_eq!(url, format!("{}{expected}", stage.sts.url()));
    let request = stage.sts.requests().into_iter().find(|r| r.action == "getSigninToken").unwrap();
    assert_eq!(request.get("SessionDuration"), Some("28800"));
    // `--duration` is the console session's, so the role keeps its default.
    assert_eq!(stage.assumed()[0].get("DurationSeconds"), None);
    assert!(request.get("Session").unwrap().contains("\"sessionToken\":\""));
}

#[test]
fn a_chained_roles_console_session_ends_with_the_role() {
    let stage = Stage::new();
    let run = console(&stage, &["123456789012/Chained", "--via", DEPLOY, "--duration", "8h"]);
    assert!(run.stderr.contains("ends with the role's"), "{run:?}");
    assert!(run.success().contains("SigninToken="));
}

#[test]
fn console_errors_name_the_reason_and_print_no_url() {
    let stage = Stage::new();
    console(&stage, &[DEPLOY, "--service", "s3?x"]).failure(2, "not a service name");
    console(&stage, &[DEPLOY, "--signin-endpoint", "http://signin.example"]).failure(2, "plain http");
    console(&stage, &[DEPLOY, "--duration", "13h"]).failure(2, "--duration");
    assert_eq!(stage.sts.requests().len(), 0);
    stage
        .profiles("[profile dev]\nregion = x\n", "[dev]\naws_access_key_id=AKIAX\naws_secret_access_key=s\n");
    console(&stage, &["dev"]).failure(2, "long-term keys");
    for (fault, said) in [
        (Fault::Status(500), "HTTP 500"),
        (Fault::Redirect("http://127.0.0.1:1/".into()), "redirect"),
        (Fault::Malform, "without a sign-in token"),
    ] {
        stage.sts.reset();
        // The first answer, to AssumeRole, has no fault.
        stage.sts.inject(Fault::Delay(std::time::Duration::ZERO), 1);
        stage.sts.inject(fault, 1);
        let run = console(&stage, &[DEPLOY]);
        run.failure(1, said);
        assert_eq!(run.stdout, "");
    }
    stage.sts.change(|world| world.keys.get_mut(World::ANN_KEY).unwrap().revoked = true);
    console(&stage, &[DEPLOY]).failure(1, "could not assume");
}

#[test]
fn the_browser_is_redirected_and_its_arguments_hold_no_sign_in_token() {
    let stage = Stage::new();
    // A browser that writes its argument and the redirect's target to files.
    let browser = "import sys, urllib.request as r\n\
                   class Stay(r.HTTPRedirectHandler):\n\
                   \x20   def redirect_request(self, *_): return None\n\
                   open('called', 'w').write(sys.argv[1])\n\
                   try: r.build_opener(Stay).open(sys.argv[1])\n\
                   except r.HTTPError as error: open('led', 'w').write(error.headers['Location'])\n\
                   try: r.build_opener(Stay).open(sys.argv[1], timeout=5)\n\
                   except OSError as error: open('again', 'w').write('closed')\n";
    let path = stage.home.join("browser.py");
    std::fs::write(&path, browser).unwrap();
    let mut arl = stage.as_ann("arl");
    arl.args(["console", DEPLOY, "--open"]).env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url());
    arl.env("BROWSER", format!("no-such-browser:false:python3 {}", path.display()));
    let run = stage.run(&mut arl);
    assert_eq!(run.stdout, "", "{run:?}");
    assert_eq!(run.status, 0, "{run:?}");
    while !stage.home.join("again").exists() {
        std::thread::yield_now();
    }
    let read = |name: &str| std::fs::read_to_string(stage.home.join(name)).unwrap();
    assert!(
        read("called").starts_with("http://127.0.0.1:") && !read("called").contains("Signin"),
        "{}",
        read("called")
    );
    assert!(read("led").contains("&SigninToken=to%2Fken"), "{}", read("led"));

    let program = binary();
    let mut arl = stage.as_ann(&program);
    arl.args(["console", DEPLOY, "--open"])
        .env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url())
        .env("PATH", "/nowhere");
    stage.run(&mut arl).failure(1, "could not open the browser");
    let mut arl = stage.as_ann(&program);
    arl.args(["console", DEPLOY, "--open"])
        .env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url())
        .env("PATH", "/nowhere")
        .env("BROWSER", "/bin/false");
    stage.run(&mut arl).failure(1, "`/bin/false` ended with exit status 1");
}

/// Runs a command in a shell that holds the role, and returns the role whose console it signed in to.
fn signed_in_as(stage: &Stage, run: &Run) -> String {
    let requests = stage.sts.requests();
    let request = requests.iter().rev().find(|request| request.action == "getSigninToken");
    let session = request.unwrap_or_else(|| panic!("{run:?}")).get("Session").unwrap().to_owned();
    let key = session.split('"').find(|word| word.starts_with("ASIA")).unwrap().to_owned();
    let mut arn = String::new();
    stage.sts.change(|world| arn = world.keys[&key].arn.clone());
    arn.split('/').nth(1).unwrap().to_owned()
}

#[test]
fn without_a_role_the_console_is_that_of_the_shells_role() {
    let stage = Stage::new();
    let within = |args: &[&str]| {
        let mut arl = stage.as_ann("arl");
        stage.run(arl.env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url()).args(["exec", DEPLOY]).args(args))
    };
    let own = within(&["--region", "eu-west-1", "--", "arl", "console", "--service", "dynamodb", "-d", "2h"]);
    assert!(own.stdout.contains("Fdynamodbv2%2Fhome%3Fregion%3Deu-west-1&"), "{own:?}");
    assert_eq!(signed_in_as(&stage, &own), "Deploy");
    // No call but the one that the shell's role needed.
    assert_eq!(stage.assumed().len(), 1);
    let other_region = within(&["--", "arl", "console", "--region", "eu-central-1"]);
    assert!(other_region.success().contains("region%3Deu-central-1&"));
    let named = within(&["--", "arl", "console", "123456789012/Chained", "--chain"]);
    assert_eq!(signed_in_as(&stage, &named), "Chained", "{named:?}");
    let served = within(&["--server", "--", "arl", "console"]);
    assert_eq!(signed_in_as(&stage, &served), "Deploy", "{served:?}");

    within(&["--", "arl", "console", "--external-id", "x"]).failure(2, "`--external-id` needs a role");
    within(&["--", "arl", "console", "--region", "nowhere"]).failure(2, "--region must be a region");
}

#[test]
fn a_shell_without_a_live_role_gets_no_console_and_a_command_to_paste() {
    let stage = Stage::new();
    let run = stage.run(stage.bare("arl").arg("console"));
    run.failure(2, "`arl console` needs a role");
    assert!(run.stderr.contains("hint: arl console ROLE"), "{run:?}");
    stage.arl(&["console", "-"]).failure(2, "only `arl assume` accepts it");
    stage.profiles("[profile prod deploy]\nregion = eu-west-1\n", "");
    // Ann's own keys are not a role of arl's.
    let run = stage.arl(&["console"]);
    run.failure(2, "`arl console` needs a role");
    assert!(run.stderr.contains("hint: arl console 'prod deploy'\n"), "{run:?}");
    let mut arl = stage.bare("arl");
    arl.envs([("AWS_ACCESS_KEY_ID", "ASIA1"), ("ARL_KEY_ID", "ASIA1"), ("AWS_SECRET_ACCESS_KEY", "s")]);
    arl.envs([("ARL_ROLE", "prod deploy"), ("ARL_ROLE_ARN", DEPLOY), ("ARL_EXPIRES_AT", "1")]);
    let run = stage.run(arl.arg("console"));
    run.failure(1, "prod deploy (role/Deploy in 123456789012) expired");
    assert!(run.stderr.contains("hint: arl assume 'prod deploy'\n"), "{run:?}");
    assert!(stage.sts.requests().is_empty());
}

/// The function starts `console` from the original environment only if a role is named.
#[test]
fn in_every_shell_console_without_a_role_is_that_of_the_role_it_holds() {
    for shell in ALL.into_iter().chain(ASKING) {
        let stage = Stage::new();
        let session = ShellSession::new(&stage, shell).variable("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url());
        let session = session.assume(DEPLOY).line("arl console --service s3");
        // The role that the shell holds may not assume this one.
        let session = session.line(format!("arl console --service s3 {READ_ONLY}"));
        let asking = ASKING.into_iter().any(|asking| asking.name == shell.name);
        let run = if asking { session.typed() } else { session.run() };
        assert_eq!(run.stdout.matches("&SigninToken=").count(), 2, "{run:?}");
        assert_eq!(signed_in_as(&stage, &run), "ReadOnly", "{run:?}");
        let sessions = stage.sts.requests().into_iter().filter(|request| request.action == "getSigninToken");
        let sessions: Vec<String> =
            sessions.map(|request| request.get("Session").unwrap().to_owned()).collect();
        assert_eq!(sessions.len(), 2, "{run:?}");
        assert_eq!(stage.assumed().len(), 2, "{run:?}");
        assert!(stage.assumed().iter().all(|request| request.access_key_id == World::ANN_KEY), "{run:?}");
    }
}

/// A browser that appends its arguments to `called`, and opens the local address in them.
const BROWSER: &str = r#"#!/usr/bin/env python3
import sys, urllib.request, urllib.parse
open('called', 'a').write('|'.join(sys.argv[1:]) + '\n')
address = sys.argv[-1]
if address.startswith('ext+container:'):
    address = dict(urllib.parse.parse_qsl(address[len('ext+container:'):]))['url']
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_): return None
try: urllib.request.build_opener(Stay).open(address)
except urllib.error.HTTPError as error: open('led', 'a').write(error.headers['Location'] + '\n')
"#;

#[test]
fn each_role_gets_its_own_container_and_no_argument_holds_the_sign_in() {
    let stage = Stage::new();
    stage.profiles(
        "[profile payments prod]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = ann\n",
        "[ann]\naws_access_key_id = AKIAIOSFODNN7ANN0001\n\
         aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n",
    );
    let programs = stage.home.join("programs");
    std::fs::create_dir(&programs).unwrap();
    write_program(&programs.join("firefox"), BROWSER);
    for role in ["payments prod", READ_ONLY] {
        let mut arl = stage.as_ann("arl");
        let path = format!("{}:{}", programs.display(), arl_path(&arl));
        arl.env("PATH", path).env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url());
        let run = stage.run(arl.args(["console", role, "--container"]));
        assert_eq!((run.status, &*run.stdout), (0, ""), "{run:?}");
    }
    let called = std::fs::read_to_string(stage.home.join("called")).unwrap();
    let lines: Vec<&str> = called.lines().collect();
    let address = |name: &str, color: &str| {
        format!("ext+container:name={name}&color={color}&icon=briefcase&url=http%3A%2F%2F127.0.0.1%3A")
    };
    assert!(lines[0].starts_with(&address("payments%20prod", "red")), "{called}");
    assert!(lines[1].starts_with("ext+container:name=123456789012%2FReadOnly&color="), "{called}");
    assert!(!lines[1].contains("color=red"), "{called}");
    assert!(!called.contains("Signin") && !called.contains("federation"), "{called}");
    // The browser may end after arl.
    let begin = std::time::Instant::now();
    let led = || std::fs::read_to_string(stage.home.join("led")).unwrap_or_default();
    while led().matches("&SigninToken=to%2Fken").count() < 2 {
        assert!(begin.elapsed().as_secs() < 20, "{}", led());
        std::thread::yield_now();
    }
    assert_eq!(led().lines().count(), 2, "{}", led());

    // Without Firefox, and with a Firefox that asks for nothing.
    let program = binary();
    let container = |path: &str| {
        let mut arl = stage.as_ann(&program);
        arl.env("PATH", path).env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url());
        stage.run(arl.args(["console", DEPLOY, "--container"]))
    };
    container("/nowhere")
        .failure(1, "there is no program `firefox`; set ARL_BROWSER to the command that starts Firefox");
    write_program(&programs.join("firefox"), "#!/bin/sh\nexit 3\n");
    container(&programs.display().to_string()).failure(1, "`firefox` ended with exit status 3");
}

/// Browsers open connections in advance, and send the cookies of all ports of 127.0.0.1.
#[test]
fn silent_connections_and_long_cookies_do_not_hold_the_browser_up() {
    let stage = Stage::new();
    let path = stage.home.join("browser");
    let browser = "#!/usr/bin/env python3\n\
                   import os, socket, sys, time, urllib.parse\n\
                   address = urllib.parse.urlparse(sys.argv[1])\n\
                   connect = lambda: socket.create_connection((address.hostname, address.port))\n\
                   silent = [connect() for _ in range(200)]\n\
                   browser = connect()\n\
                   browser.settimeout(20)\n\
                   head = f'GET {address.path} HTTP/1.1\\r\\nHost: {address.netloc}\\r\\nCookie: {\"c=1; \" * 5000}\\r\\n\\r\\n'\n\
                   begin = time.time()\n\
                   browser.sendall(head.encode())\n\
                   answer = browser.recv(4096).decode()\n\
                   open('answer~', 'w').write(f'{time.time() - begin:.0f} {answer}')\n\
                   os.rename('answer~', 'answer')\n";
    write_program(&path, browser);
    let mut arl = stage.as_ann("arl");
    arl.env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url()).env("ARL_BROWSER", &path);
    let run = stage.run(arl.args(["console", DEPLOY, "--open"]));
    assert_eq!(run.status, 0, "{run:?}");
    while !stage.home.join("answer").exists() {
        std::thread::yield_now();
    }
    let answer = std::fs::read_to_string(stage.home.join("answer")).unwrap();
    let (seconds, answer) = answer.split_once(' ').unwrap();
    assert!(answer.starts_with("HTTP/1.1 302 ") && answer.contains("SigninToken="), "{answer}");
    assert!(seconds.parse::<u32>().unwrap() < 10, "{seconds}");
}

fn arl_path(command: &std::process::Command) -> String {
    let path = command.get_envs().find(|(name, _)| *name == "PATH");
    path.and_then(|(_, value)| value).unwrap().to_string_lossy().into_owned()
}

#[test]
fn arl_browser_is_a_command_with_the_address_and_the_name() {
    let stage = Stage::new();
    let path = stage.home.join("my browser");
    write_program(&path, BROWSER);
    let open = |template: &str, args: &[&str]| {
        let mut arl = stage.as_ann("arl");
        arl.env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url()).env("ARL_BROWSER", template);
        stage.run(arl.args(["console", DEPLOY]).args(args))
    };
    let program = format!("'{}'", path.display());
    for template in
        [format!("{program} --profile-directory=%n \"a b\" %u"), format!("{program} $(touch CANARY) 100%%")]
    {
        let run = open(&template, &["--open"]);
        assert_eq!(run.status, 0, "{run:?}");
    }
    assert_eq!(open(&format!("{program} -P %n %u"), &["--container"]).status, 0);
    let called = std::fs::read_to_string(stage.home.join("called")).unwrap();
    let lines: Vec<&str> = called.lines().collect();
    assert!(
        lines[0].starts_with("--profile-directory=123456789012-Deploy|a b|http://127.0.0.1:"),
        "{called}"
    );
    assert!(lines[1].starts_with("$(touch|CANARY)|100%|http://127.0.0.1:"), "{called}");
    assert!(
        lines[2].starts_with("-P|123456789012-Deploy|ext+container:name=123456789012%2FDeploy&"),
        "{called}"
    );
    assert!(!called.contains("Signin") && !stage.home.join("CANARY").exists(), "{called}");

    stage.sts.reset();
    open("chrome 'x", &["--open"]).failure(2, "ARL_BROWSER has a quote that is not closed");
    open("chrome %s", &["--open"]).failure(2, "ARL_BROWSER contains the unknown placeholder `%s`");
    assert!(stage.sts.requests().is_empty());
    open("/no/such-browser %u", &["--open"])
        .failure(1, "there is no program `/no/such-browser`, which ARL_BROWSER names");
    // Without a browser to open, the setting does not matter.
    assert!(open("'", &[]).success().contains("SigninToken="));
}

#[test]
fn the_user_chooses_a_role_only_where_the_shell_holds_none() {
    let stage = Stage::new();
    stage.profiles(
        &format!(
            "[profile prod]\nrole_arn = {DEPLOY}\nsource_profile = ann\n\
             [profile audit]\nrole_arn = arn:aws:iam::123456789012:role/ReadOnly\nsource_profile = ann\n"
        ),
        &format!(
            "[ann]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            World::ANN_KEY,
            World::ANN_SECRET
        ),
    );
    let mut command = stage.bare("bash");
    command.env("AWS_ENDPOINT_URL_SIGNIN", stage.sts.url());
    let window = Window::open(&stage, &command, 80, 24);
    let found = |file: &str| format!("echo \"found $(grep -c SigninToken= {file})\"");
    window.run(&format!("clear; arl console --service s3 >chosen; {}", found("chosen")));
    window.wait_for("role>");
    window.type_text("audit");
    window.wait_for("1/");
    window.press(&["Enter"]);
    let screen = window.wait_for("found 1\n");
    assert_eq!(stage.assumed().len(), 1, "{screen}");
    assert_eq!(stage.assumed()[0].get("RoleArn"), Some("arn:aws:iam::123456789012:role/ReadOnly"));
    window.run("clear; arl assume prod");
    window.wait_for("arl: prod (role/Deploy");
    window.run(&format!("clear; arl console >own; {}", found("own")));
    let screen = window.wait_for("found 1\n");
    assert!(!screen.contains("role>"), "{screen}");
    assert_eq!(stage.assumed().len(), 2, "{screen}");
}

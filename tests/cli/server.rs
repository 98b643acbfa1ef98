//! `arl exec --server`: the credentials endpoint, and signals and statuses of the command that arl waits for.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use arl_sts::{Role, World};

use crate::aws_assume_role_lib::python;
use crate::support::{DEPLOY, Run, Stage, example, interrupts_counted, tools, write_program};

const BOTO3: &str = r#"
import boto3, os, sys, time
sts = boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL_STS"])
while True:
    arn = sts.get_caller_identity()["Arn"]
    if os.path.exists(sys.argv[1]): break
    time.sleep(0.02)
print(arn)
"#;

const JAVASCRIPT: &str = r#"
import { existsSync } from "node:fs";
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
const sts = new STSClient({ endpoint: process.env.AWS_ENDPOINT_URL_STS });
let arn;
do {
  arn = (await sts.send(new GetCallerIdentityCommand({}))).Arn;
  await new Promise((done) => setTimeout(done, 20));
} while (!existsSync(process.argv[2]));
console.log(arn);
"#;

/// Runs a program that makes one call in a loop, until the file that is the argument exists.
fn again_and_again(call: &str) -> Vec<String> {
    let script = format!("until [ -e \"$0\" ]; do {call} >called || exit; done; cat called");
    vec!["sh".into(), "-c".into(), script]
}

#[test]
fn every_sdk_picks_up_renewed_credentials() {
    let sts_call = |program: &str| {
        again_and_again(&format!(
            "{program} sts get-caller-identity --endpoint-url \"$AWS_ENDPOINT_URL_STS\""
        ))
    };
    let s3_call = "rclone lsd :s3: --s3-env-auth --s3-provider Other --s3-region eu-west-1 \
                   --s3-endpoint \"$AWS_ENDPOINT_URL_STS\" --config /dev/null --retries 1";
    let javascript = Path::new(&tools("javascript")).join("caller.mjs");
    std::fs::write(&javascript, JAVASCRIPT).unwrap();
    for (name, call, command) in [
        ("boto3", "GetCallerIdentity", vec![python(), "-c".into(), BOTO3.into()]),
        ("JavaScript", "GetCallerIdentity", vec!["node".into(), javascript.display().to_string()]),
        ("Rust", "GetCallerIdentity", vec![example("sdk_caller").display().to_string()]),
        ("AWS CLI", "GetCallerIdentity", sts_call(&tools("peers/bin/aws"))),
        ("Go", "ListBuckets", again_and_again(s3_call)),
    ] {
        let stage = Stage::new();
        stage.sts.change(|world| world.session_seconds = Some(2));
        let stop = stage.home.join("stop");
        let mut arl = stage.as_ann("arl");
        arl.args([
            "exec",
            DEPLOY,
            "--server",
            "--region",
            "eu-west-1",
            "--role-session-name",
            "all-day",
            "--",
        ]);
        arl.args(&command).arg(&stop).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = arl.spawn().unwrap();
        // The keys that signed. STS refuses expired sessions, so new keys mean renewals.
        let keys = || -> BTreeSet<String> {
            let requests = stage.sts.requests();
            requests.into_iter().filter(|r| r.action == call).map(|r| r.access_key_id).collect()
        };
        while keys().len() < 4 && running.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        std::fs::write(&stop, "").unwrap();
        let run = Run::of(running.wait_with_output().unwrap());
        assert!(keys().len() >= 4, "{name}: {:?} {run:?}", keys());
        assert!(keys().iter().all(|key| key.starts_with("ASIA")), "{name}: {:?}", keys());
        stage.assert_no_secret(&run.stderr);
        let said = run.success();
        assert!(said.contains("all-day"), "{name}: {said}");
    }
}

/// A command that prints its endpoint and token, and runs until its standard input ends.
struct Served {
    arl: Child,
    output: BufReader<ChildStdout>,
    url: String,
    token: String,
}

impl Served {
    fn start(arl: &mut Command) -> Self {
        let tell = "echo \"$AWS_CONTAINER_CREDENTIALS_FULL_URI\"; echo \"$AWS_CONTAINER_AUTHORIZATION_TOKEN\"; \
                    while read -r line; do eval \"$line\"; done; exit 9";
        arl.args(["--server", "--", "bash", "-c", tell]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut arl = arl.stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(arl.stdout.take().unwrap());
        let mut line = || {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            line.trim().to_owned()
        };
        let (url, token) = (line(), line());
        Self { arl, output, url, token }
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().split('/').next().unwrap()
    }

    fn path(&self) -> &str {
        self.url.split_once(self.address()).unwrap().1
    }

    fn head(&self) -> String {
        let (path, address, token) = (self.path(), self.address(), &self.token);
        format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\nAuthorization: {token}\r\n\r\n"
        )
    }

    /// Sends bytes to the endpoint and returns the whole answer.
    fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        // The endpoint may have closed the connection already.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn body(&self) -> serde_json::Value {
        serde_json::from_str(self.ask(self.head().as_bytes()).split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }

    /// Lets the command end, and returns arl's status and messages.
    fn end(mut self) -> Run {
        drop(self.arl.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        Run::of(self.arl.wait_with_output().unwrap())
    }
}

fn serve(stage: &Stage, args: &[&str]) -> Served {
    Served::start(stage.as_ann("arl").arg("exec").args(args))
}

#[test]
fn only_an_authorized_request_gets_credentials() {
    let stage = Stage::new();
    let served = serve(&stage, &[DEPLOY]);
    let good = served.head();
    let answer = served.ask(good.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"), "{answer}");
    // The AWS Common Runtime sends a host without a port.
    let without_port = good.replace(&format!("Host: {}", served.address()), "Host: 127.0.0.1");
    assert_ne!(without_port, good);
    assert!(served.ask(without_port.as_bytes()).starts_with("HTTP/1.1 200 OK"));
    assert!(answer.contains("Cache-Control: no-store") && answer.contains("\"Token\":\""), "{answer}");
    let body = served.body();
    for name in ["AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId", "RoleArn"] {
        assert!(body[name].is_string(), "{name}: {body}");
    }
    assert!(body["Expiration"].as_str().unwrap().ends_with('Z'), "{body}");

    let token = served.token.clone();
    assert_eq!(token.len(), 43, "256 bits");
    let mut off_by_one_bit = token.clone().into_bytes();
    off_by_one_bit[20] ^= 1;
    let off_by_one_bit = String::from_utf8(off_by_one_bit).unwrap();
    let address = served.address().to_owned();
    let (port, path) = (address.rsplit(':').next().unwrap(), served.path());
    let replaced = |from: &str, to: &str| {
        let head = good.replacen(from, to, 1);
        assert_ne!(head, good, "{from}");
        head
    };
    let mut attacks = vec![
        replaced(&format!("Authorization: {token}\r\n"), ""),
        replaced(&token, &token[..42]),
        replaced(&token, &format!("{token}A")),
        replaced(&token, &off_by_one_bit),
        replaced(&token, &format!("Bearer {token}")),
        replaced(&token, ""),
        replaced(path, &format!("{path}?token={token}")).replace(&format!("Authorization: {token}\r\n"), ""),
        replaced(path, "/"),
        replaced(path, &format!("{path}/")),
        replaced(path, &format!("{path}/role-arn/x")),
        replaced(path, &format!("http://{address}{path}")),
        replaced("HTTP/1.1", "HTTP/1.0").replace(&format!("Host: {address}\r\n"), ""),
        replaced(&format!("Host: {address}\r\n"), ""),
        replaced("Accept: application/json", &format!("Host: {address}")),
        replaced("GET", "POST"),
        replaced("GET", "HEAD"),
        replaced("GET", "OPTIONS").replace("Accept: application/json", "Access-Control-Request-Method: GET"),
        replaced("Accept: application/json", "Transfer-Encoding: chunked"),
        format!(
            "{}5\r\nhello\r\n0\r\n\r\n",
            replaced("Accept: application/json", "Transfer-Encoding: chunked")
        ),
        format!("{}hello", replaced("Accept: application/json", "Content-Length: 5")),
        format!("{good}{good}"),
        format!("GET {path} HTTP/1.1\r\nX: {}\r\n{good}", "x".repeat(1_000_000)),
        good.replace("\r\n", "\n"),
        "\r\n\r\n".into(),
        "\u{16}\u{3}\u{1}\r\n\r\n".into(),
    ];
    for host in ["evil.example", &format!("localhost:{port}"), "127.0.0.1:1", &format!("{address}."), "[::1]"]
    {
        attacks.push(replaced(&format!("Host: {address}"), &format!("Host: {host}")));
    }
    for header in
        ["Origin: null", "Origin: http://127.0.0.1", "Referer: x", "Sec-Fetch-Site: cross-site", "Via: x"]
    {
        attacks.push(replaced("Accept: application/json", header));
    }
    for attack in attacks {
        let answer = served.ask(attack.as_bytes());
        let shown: String = attack.chars().take(300).collect();
        assert!(
            !answer.contains("SecretAccessKey") && !answer.contains("Access-Control"),
            "{shown}: {answer}"
        );
        // The endpoint may reset the connection after too much input. Any answer must be a 403.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 403 "), "{shown}: {answer}");
    }
    for other in [format!("[::1]:{port}"), format!("127.0.0.2:{port}")] {
        assert!(TcpStream::connect(&other).is_err(), "listens on {other}");
    }
    assert!(served.body()["Token"].is_string(), "still there");
    let (at, end) = (address.clone(), served.end());
    assert_eq!(end.status, 9, "{end:?}");
    assert!(TcpStream::connect(at).is_err(), "the endpoint listens after the command has ended");
}

#[test]
fn slow_connections_do_not_block_other_clients() {
    let stage = Stage::new();
    let served = serve(&stage, &[DEPLOY]);
    let slow: Vec<TcpStream> = (0..500)
        .map(|_| {
            let mut stream = TcpStream::connect(served.address()).unwrap();
            stream.write_all(b"GET ").unwrap();
            stream
        })
        .collect();
    assert!(served.body()["Token"].is_string());
    drop(slow);
}

#[test]
fn many_simultaneous_requests_are_all_answered() {
    let stage = Stage::new();
    let served = serve(&stage, &[DEPLOY]);
    let head = served.head();
    let asking: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = TcpStream::connect(served.address()).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    for mut stream in asking {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer:?}");
    }
}

#[test]
fn another_user_gets_no_credentials() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = Stage::new();
    let served = serve(&stage, &[DEPLOY]);
    let fetch = "import sys, urllib.request as r\n\
                 try: print(r.urlopen(r.Request(sys.argv[1], headers={'Authorization': sys.argv[2]})).status)\n\
                 except r.HTTPError as error: print(error.code)";
    let get = |program: &str, args: &[&str]| {
        let mut command = stage.bare(program);
        command.args(args).args(["python3", "-c", fetch, &served.url, &served.token]);
        Run::of(command.current_dir("/").output().unwrap()).success().trim().to_owned()
    };
    assert_eq!(get("setpriv", &["--reuid=65534", "--clear-groups"]), "403");
    assert_eq!(get("env", &[]), "200");
}

#[test]
fn the_command_gets_the_endpoint_and_no_keys() {
    let stage = Stage::new();
    let mut arl = stage.as_ann("arl");
    for name in arl::internal::IDENTITY_VARIABLES {
        if !["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].contains(&name) && name.starts_with("AWS_") {
            arl.env(name, "");
        }
    }
    arl.env("AWS_SESSION_EXPIRATION", "then").env("NO_PROXY", "corp.example").env("OTHER", "kept");
    arl.args(["exec", DEPLOY, "--server", "--", "env"]);
    let said = stage.run(&mut arl).success();
    let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    let present = [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "ARL_ROLE",
        "ARL_ROLE_ARN",
        "ARL_SOURCE",
    ];
    for name in arl::internal::IDENTITY_VARIABLES {
        let is_there = present.contains(&name) || name == "ARL_ENDPOINT";
        assert_eq!(value(name).is_some(), is_there, "{name}: {said}");
    }
    assert_eq!(value("ARL_ENDPOINT"), value("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
    assert_eq!(value("NO_PROXY"), Some("corp.example,127.0.0.1"));
    assert_eq!(value("no_proxy"), Some("corp.example,127.0.0.1"));
    assert_eq!(value("OTHER"), Some("kept"));
    let mut arl = stage.as_ann("arl");
    arl.env("no_proxy", "*").args(["exec", DEPLOY, "--server", "--", "printenv", "NO_PROXY"]);
    assert_eq!(stage.run(&mut arl).success(), "*\n", "`*` alone means all hosts");
}

/// Clients on object_store need the token in a file, and ask the instance metadata service without it.
#[test]
fn the_token_is_in_a_private_file_as_well_that_is_gone_at_the_end() {
    let show = "stat -c '%a %A' \"$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE\" \"${AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE%/*}\"; \
                test \"$(cat \"$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE\")\" = \"$AWS_CONTAINER_AUTHORIZATION_TOKEN\" && echo same; \
                echo \"$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE\"";
    let stage = Stage::new();
    let runtime = stage.home.join("run");
    std::fs::create_dir(&runtime).unwrap();
    for variables in
        [&[][..], &[("XDG_RUNTIME_DIR", runtime.as_path())], &[("XDG_RUNTIME_DIR", Path::new("/nowhere"))]]
    {
        for end in ["exit 0", "exit 9", "kill -TERM $$", "kill -INT $$"] {
            let mut arl = stage.as_ann("arl");
            arl.args(["exec", DEPLOY, "--server", "--", "sh", "-c", &format!("{show}; {end}")]);
            arl.envs(variables.iter().copied());
            let run = stage.run(&mut arl);
            let lines: Vec<&str> = run.stdout.lines().collect();
            assert_eq!(lines[..3], ["600 -rw-------", "700 drwx------", "same"], "{run:?}");
            let file = Path::new(lines[3]);
            assert!(!file.exists() && !file.parent().unwrap().exists(), "{run:?}");
            if variables.first().is_some_and(|(_, path)| path.exists()) {
                assert!(file.starts_with(runtime.join("arl")), "{run:?}");
            }
        }
    }
}

/// Polars takes the first key of the file, from any profile.
#[test]
fn keys_in_the_credentials_file_are_told_before_a_served_command() {
    let stage = Stage::new();
    assert_eq!(stage.arl(&["exec", DEPLOY, "--server", "--", "true"]).stderr, "");
    stage.profiles("[profile x]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n", "");
    assert_eq!(stage.arl(&["exec", DEPLOY, "--server", "--", "true"]).stderr, "");
    stage.profiles("", "[x]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n");
    for flags in [&["--server"][..], &["--server", "--isolate"]] {
        let run = stage.arl(&[&["exec", DEPLOY], flags, &["--", "true"]].concat());
        assert_eq!(run.status, 0, "{run:?}");
        assert!(run.stderr.contains(".aws/credentials` has keys, which Polars uses"), "{run:?}");
    }
}

/// Java and .NET use IPv6 sockets with mapped IPv4 addresses.
#[test]
fn an_ipv6_socket_with_a_mapped_ipv4_address_is_answered() {
    let stage = Stage::new();
    let fetch = "import os, socket\n\
                 from urllib.parse import urlsplit\n\
                 url = urlsplit(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'])\n\
                 s = socket.socket(socket.AF_INET6); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)\n\
                 s.connect(('::ffff:127.0.0.1', url.port))\n\
                 s.sendall(f'GET {url.path} HTTP/1.1\\r\\nHost: {url.netloc}\\r\\nAuthorization: {os.environ[\"AWS_CONTAINER_AUTHORIZATION_TOKEN\"]}\\r\\n\\r\\n'.encode())\n\
                 print(s.recv(15).decode())";
    let run = stage.arl(&["exec", DEPLOY, "--server", "--", "python3", "-c", fetch]);
    assert_eq!(run.success(), "HTTP/1.1 200 OK\n");
}

#[test]
fn a_default_profile_that_takes_precedence_is_refused_or_isolated() {
    let stage = Stage::new();
    let keys = format!(
        "[default]\naws_access_key_id={}\naws_secret_access_key={}\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    stage.profiles("[default]\nregion = eu-central-1\n", &keys);
    let refused = stage.arl(&["exec", DEPLOY, "--server", "--", "true"]);
    refused.failure(125, "profile `default`");
    assert!(refused.stderr.contains("--isolate"), "{refused:?}");
    assert_eq!(stage.assumed().len(), 0);
    let ask = "import boto3, os\nprint(boto3.client('sts', endpoint_url=os.environ['AWS_ENDPOINT_URL_STS']).get_caller_identity()['Arn'], boto3.Session().region_name)";
    let run = stage.arl(&["exec", DEPLOY, "--server", "--isolate", "--", &python(), "-c", ask]);
    let said = run.success();
    assert!(said.contains("assumed-role/Deploy/") && said.contains("eu-central-1"), "{said}");
    // The files that hide the user's profiles are removed after the command.
    let left = stage.arl(&[
        "exec",
        DEPLOY,
        "--server",
        "--isolate",
        "--",
        "sh",
        "-c",
        "echo $AWS_CONFIG_FILE; ls -l $AWS_CONFIG_FILE",
    ]);
    let said = left.success();
    assert!(said.contains("-rw------- "), "{said}");
    assert!(!Path::new(said.lines().next().unwrap()).exists());
    // botocore reads `.boto` before the endpoint.
    let boto = format!(
        "[Credentials]\naws_access_key_id={}\naws_secret_access_key={}\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    std::fs::write(stage.home.join(".boto"), boto).unwrap();
    stage.profiles("[default]\nregion = eu-central-1\n", "");
    stage.arl(&["exec", DEPLOY, "--server", "--", "true"]).failure(125, "/.boto` has credentials");
    let run = stage.arl(&["exec", DEPLOY, "--server", "--isolate", "--", &python(), "-c", ask]);
    let said = run.success();
    assert!(said.contains("assumed-role/Deploy/"), "{said}");
    std::fs::remove_file(stage.home.join(".boto")).unwrap();
    // A default profile with only a region takes no precedence.
    stage.profiles("[default]\nregion = eu-central-1\n[profile dev]\nregion = x\n", "");
    assert_eq!(stage.arl(&["exec", DEPLOY, "--server", "--", "true"]).status, 0);
}

#[test]
fn a_failed_renewal_matters_only_after_the_session_expires() {
    let stage = Stage::new();
    stage.sts.change(|world| world.session_seconds = Some(4));
    let served = serve(&stage, &[DEPLOY]);
    let first = served.body()["AccessKeyId"].clone();
    let close = |world: &mut World| drop(world.roles.insert(DEPLOY.into(), Role::trusting(&[])));
    stage.sts.change(close);
    while stage.assumed().len() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(served.body()["AccessKeyId"], first, "the current credentials are still served");
    let error = loop {
        let body = served.body();
        if body["code"].is_string() {
            break body;
        }
    };
    assert_eq!(error["code"], "RenewalFailed", "{error}");
    assert!(error["message"].as_str().unwrap().contains("AccessDenied"), "{error}");
    stage.sts.change(|world| drop(world.roles.insert(DEPLOY.into(), Role::trusting(&["*"]))));
    while served.body()["code"].is_string() {
        std::thread::yield_now();
    }
    let end = served.end();
    assert_eq!(end.status, 9, "{end:?}");
    assert_eq!(end.stderr.matches("could not renew").count(), 1, "{end:?}");
}

#[test]
fn a_renewal_that_needs_an_mfa_code_fails_without_a_prompt() {
    let stage = Stage::new();
    stage.sts.change(|world| world.session_seconds = Some(2));
    let mfa = ["123456789012/NeedsMfa", "--serial-number", World::ANN_MFA, "--token-code", "100001"];
    let served = Served::start(stage.as_ann("arl").arg("exec").args(mfa).env("ARL_CACHE", "file"));
    let error = loop {
        let body = served.body();
        if body["code"].is_string() {
            break body;
        }
    };
    assert_eq!(error["code"], "UserNeeded", "{error}");
    assert_eq!(stage.assumed().len(), 1, "the code is not used twice");
    // A session that the user gets in another terminal, with a code, ends the failure.
    let again = ["--token-code", "100002", "--refresh", "--json"];
    stage.sts.change(|world| world.session_seconds = Some(900));
    let words = [&["assume"], &mfa[..3], &again[..]].concat();
    let _ = stage.run(stage.as_ann("arl").args(words).env("ARL_CACHE", "file")).success();
    while served.body()["code"].is_string() {}
    let end = served.end();
    assert_eq!(end.stderr.matches("could not renew").count(), 1, "{end:?}");
}

#[test]
fn long_term_keys_are_not_served() {
    let stage = Stage::new();
    stage
        .profiles("[profile dev]\nregion = x\n", "[dev]\naws_access_key_id=AKIAX\naws_secret_access_key=s\n");
    stage.arl(&["exec", "dev", "--server", "--", "true"]).failure(2, "do not expire");
}

#[test]
fn renewed_credentials_without_an_expiration_are_not_served() {
    let stage = Stage::new();
    let answer = r#"echo run >>runs; test $(wc -l <runs) = 1 && end=$(date -u -d "+3 seconds" +,\"Expiration\":\"%FT%TZ\"); echo "{\"Version\":1,\"AccessKeyId\":\"ASIAX\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\"$end}""#;
    std::fs::write(stage.home.join("process.sh"), answer).unwrap();
    stage.profiles("[profile dev]\ncredential_process = sh process.sh\n", "");
    let served = Served::start(stage.bare("arl").args(["exec", "dev"]));
    while !served.body()["code"].is_string() {}
    assert_eq!(served.body()["code"], "RenewalFailed");
    let runs = std::fs::read_to_string(stage.home.join("runs")).unwrap();
    assert!(runs.lines().count() < 6, "{runs}");
    let end = served.end();
    assert!(end.stderr.contains("they do not expire"), "{end:?}");
}

#[test]
fn a_nested_arl_starts_from_the_original_source() {
    let stage = Stage::new();
    let keys =
        format!("[ann]\naws_access_key_id={}\naws_secret_access_key={}\n", World::ANN_KEY, World::ANN_SECRET);
    stage.profiles("[profile other]\nregion = eu-west-1\n", &keys);
    let nested = |args: &[&str]| {
        let mut arl = stage.bare("arl");
        arl.args(["exec", DEPLOY, "--profile", "ann", "--server", "--", "arl", "exec"]).args(args);
        stage.run(arl.args(["--", "printenv", "ARL_ROLE_ARN", "ARL_SOURCE"]))
    };
    let said = nested(&["123456789012/ReadOnly"]).success();
    assert_eq!(said, "arn:aws:iam::123456789012:role/ReadOnly\nprofile:ann\n");
    assert!(stage.assumed().iter().all(|request| request.access_key_id == World::ANN_KEY));
    let said = nested(&["123456789012/Chained", "--chain"]).success();
    assert_eq!(said, "arn:aws:iam::123456789012:role/Chained\nprofile:ann\n");
    assert!(stage.assumed().last().unwrap().access_key_id.starts_with("ASIA"));
    // The command does not have the original environment keys, so a nested arl cannot start from them.
    let mut arl = stage.as_ann("arl");
    arl.args(["exec", DEPLOY, "--server", "--", "arl", "exec", "123456789012/ReadOnly", "--", "true"]);
    stage.run(&mut arl).failure(125, "are gone");
}

#[test]
fn status_and_clear_work_in_a_served_shell() {
    let stage = Stage::new();
    let run = stage.arl(&["exec", DEPLOY, "--server", "--", "arl", "status", "--verify"]);
    let said = run.success();
    assert!(
        said.starts_with("role/Deploy in 123456789012\n") && said.contains("verified  arn:aws:sts::"),
        "{said}"
    );
    let run = stage.arl(&["exec", DEPLOY, "--server", "--", "arl", "clear"]);
    assert!(run.stderr.contains("exec --server"), "{run:?}");
    assert_eq!(run.success(), "");
    // `arl clear` after a nested assume restores the endpoint.
    let script =
        "eval \"$(arl assume 123456789012/Chained --chain)\" && eval \"$(arl clear)\" && arl status --verify";
    let said = stage.arl(&["exec", DEPLOY, "--server", "--", "bash", "-c", script]).success();
    assert!(said.contains("assumed-role/Deploy/"), "{said}");
}

#[test]
fn statuses_and_signals_are_the_same_as_without_arl() {
    let stage = Stage::new();
    let served =
        |command: &[&str]| stage.arl(&[&["exec", DEPLOY, "--server", "--"][..], command].concat()).status;
    for status in [0, 1, 7, 125, 126, 127, 255, 300] {
        let line = format!("exit {status}");
        assert_eq!(served(&["sh", "-c", &line]), status % 256);
    }
    for signal in ["HUP", "INT", "QUIT", "ABRT", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM"] {
        let line = format!("kill -{signal} $$; exit 99");
        let bare = stage.run(stage.as_ann("sh").args(["-c", &line])).status;
        assert_eq!(served(&["sh", "-c", &line]), bare, "{signal}");
    }
    assert_eq!(served(&["nonexistent"]), 127);
    assert_eq!(served(&["/etc/passwd"]), 126);
    assert_eq!(served(&["/etc/passwd/x"]), 126);
    assert_eq!(stage.arl(&["exec", DEPLOY, "--", "/etc/passwd/x"]).status, 126, "as env(1) says");
    let script = stage.home.join("script");
    write_program(&script, "exit 5\n");
    assert_eq!(served(&["./script"]), 5);
}

#[test]
fn a_signal_sent_to_arl_reaches_the_command_once() {
    let stage = Stage::new();
    for signal in ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO"] {
        let mut served = serve(&stage, &[DEPLOY]);
        let mut keyboard = served.arl.stdin.take().unwrap();
        let mut screen = |line: &str, text: &str| {
            writeln!(keyboard, "{line}").unwrap();
            let mut answer = String::new();
            served.output.read_line(&mut answer).unwrap();
            assert_eq!(answer.trim(), text, "{signal}");
        };
        screen(&format!("trap 'count=$((count + 1))' {signal}; count=0; echo ready"), "ready");
        let arl = served.arl.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &arl]).status().unwrap().success());
        screen("while [ $count = 0 ]; do :; done; echo $count", "1");
        screen("echo $count", "1");
        drop(keyboard);
        assert_eq!(served.arl.wait().unwrap().code(), Some(9), "{signal}");
    }
}

#[test]
fn an_alarm_set_before_arl_started_reaches_the_command() {
    let stage = Stage::new();
    let script = "import os, signal, sys\nsignal.alarm(5)\nos.execvp(sys.argv[1], sys.argv[1:])";
    let mut timed = stage.as_ann("python3");
    timed.args(["-c", script, "arl", "exec", DEPLOY, "--server", "--"]);
    timed.args(["bash", "-c", "trap 'echo rings; exit 5' ALRM; while :; do read -rt 1 </dev/zero; done"]);
    let run = stage.run(&mut timed);
    assert_eq!((run.status, run.stdout.as_str()), (5, "rings\n"), "{run:?}");
}

#[test]
fn arl_does_not_stop_with_the_command_in_an_orphaned_process_group() {
    let stage = Stage::new();
    let script = "import os, signal\n\
                  me = os.getpid()\n\
                  if os.fork() == 0:\n\
                  \x20   while open(f'/proc/{me}/stat').read().rsplit(')', 1)[1].split()[0] != 'T': pass\n\
                  \x20   os.kill(me, signal.SIGCONT)\n\
                  \x20   os._exit(0)\n\
                  os.kill(me, signal.SIGSTOP)\n\
                  print('done')";
    let mut command = stage.as_ann("setsid");
    command.args(["--wait", "timeout", "-s", "KILL", "30"]);
    command.args(["arl", "exec", DEPLOY, "--server", "--", "python3", "-c", script]);
    assert_eq!(stage.run(&mut command).success(), "done\n");
}

#[test]
fn one_interrupt_reaches_the_command_once() {
    let stage = Stage::new();
    assert_eq!(interrupts_counted(&stage, &format!("arl exec {DEPLOY} --server --"), 2), 2);
}

#[test]
fn stopping_the_command_stops_the_shells_job() {
    let stage = Stage::new();
    // Types each line after the previous one has shown its effect.
    let script = r#"
import os, pty, select, signal, sys
signal.alarm(60)
child, terminal = pty.fork()
if child == 0:
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
seen = b""
def until(text):
    global seen
    while text not in seen:
        if select.select([terminal], [], [], 30)[0]: seen += os.read(terminal, 65536)
        else: sys.exit("no " + text.decode() + " in " + seen.decode())
    seen = seen.split(text, 1)[1]
def typed(line): os.write(terminal, line)
typed(b"export PS1='$''> '; echo be''gin\r"); until(b"begin")
typed(b"arl exec %s --server -- sh -c 'echo sta''rted; read -r line; echo got $line; exit 6'\r"); until(b"started")
typed(b"\x1a"); until(b"Stopped"); until(b"> ")
typed(b"jobs; echo li''sted\r"); until(b"arl exec"); until(b"listed")
typed(b"fg\r"); until(b"arl exec")
typed(b"hello\r"); until(b"got hello")
typed(b"echo sta''tus=$?\r"); until(b"status=6")
typed(b"arl exec %s --server -- bash --norc --noprofile -i\r"); until(b"> ")
typed(b"suspend\r"); until(b"Stopped"); until(b"> ")
typed(b"fg\r"); until(b"arl exec")
typed(b"echo in''ner; exit 4\r"); until(b"inner")
typed(b"echo sta''tus=$?\r"); until(b"status=4")
typed(b"exit\r")
os.waitpid(child, 0)
print("as bare")
"#;
    let script = script.replace("%s", DEPLOY);
    let mut python = stage.as_ann("python3");
    let run = stage.run(python.args(["-c", &script]).env("TERM", "dumb"));
    assert_eq!(run.success(), "as bare\n");
}

/// Batch schedulers stop and continue the process that they have started, which is arl.
#[test]
fn stop_and_continue_signals_sent_to_arl_reach_the_command() {
    let stage = Stage::new();
    let child = "touch ready; until [ -e go ]; do :; done; echo resumed; exit 7";
    std::fs::write(stage.home.join("child"), child).unwrap();
    // No job control, as under a daemon.
    let script = format!(
        "arl exec {DEPLOY} --server -- sh child & arl=$!; until [ -e ready ]; do :; done; \
         read -r child </proc/$arl/task/$arl/children; \
         state() {{ read -r pid name state rest </proc/$child/stat; [ $state = T ]; }}; \
         kill -TSTP $arl; until state; do :; done; kill -CONT $arl; while state; do :; done; \
         kill -STOP $child; until state; do :; done; kill -CONT $arl; touch go; wait $arl; echo $?"
    );
    let run = stage.run(stage.as_ann("timeout").args(["20", "bash", "-c", &script]));
    assert_eq!(run.success(), "resumed\n7\n");
    // In a container, the first processes may have a session and a process group outside of it, shown as 0.
    let inside = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    if stage.run(stage.as_ann("unshare").args(inside).arg("true")).status != 0 {
        return; // Only root may, on most systems.
    }
    for name in ["ready", "go"] {
        std::fs::remove_file(stage.home.join(name)).unwrap();
    }
    let mut unshare = stage.as_ann("timeout");
    unshare.args(["-s", "KILL", "20", "unshare"]).args(inside).args(["bash", "-c", &script]);
    assert_eq!(stage.run(&mut unshare).success(), "resumed\n7\n");
}

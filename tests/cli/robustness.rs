//! Random command lines, files and answers: never a panic, never a death by signal, and only the documented
//! exit statuses.
//!
//! Every kind has `ARL_ROBUSTNESS` cases (20000, for instance), and few by default. A failure names its case,
//! which `ARL_ROBUSTNESS_CASE` runs alone.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arl::internal::shell::{RestorePoint, RoleMemory, Shell, ShellUpdate};
use arl::internal::{
    AccountId, AdditionalParameters, AssumeRoleRequest, AssumedRoleSessionArn, ContainerSource,
    ContainerToken, Credentials, EditedSection, Identity, MetadataPresence, MetadataSource, Partition,
    Policy, ProcessSource, ProfileEdit, ProfileName, RegionChange, RoleArn, RoleProfile, RoleRef,
    RoleSessionName, Secret, SessionDuration, SessionNameTemplate, SharedConfig, SharedFile, ShellRole,
    Source, SourceResolver, Sts, StsSettings, closest, parse_policy_arns, parse_provided_contexts,
    parse_tag_keys, parse_tags,
};
use arl_sts::World;

use crate::quoting::Random;
use crate::support::{DEPLOY, Stage, binary};

/// The statuses of arl that `arl --help` lists, and those of `exec`.
const STATUSES: [i32; 7] = [0, 1, 2, 3, 125, 126, 127];

/// Runs the cases of one kind. `default` is their number unless a variable says otherwise. `run` returns whether
/// the input was accepted: if nearly all or nearly no inputs are, they are no good.
fn for_each_case(kind: &str, default: u64, mut run: impl FnMut(&mut Random, &str) -> bool) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let cases = match (number("ARL_ROBUSTNESS_CASE"), number("ARL_ROBUSTNESS").unwrap_or(default)) {
        (Some(case), _) => case..case + 1,
        (None, count) => 0..count,
    };
    let (count, mut accepted) = (cases.end - cases.start, 0);
    for case in cases {
        // Cases are independent of each other, so that each can be run alone.
        let mut random = Random(case.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 20_261_125);
        accepted += u64::from(run(&mut random, &format!("{kind}, ARL_ROBUSTNESS_CASE={case}")));
    }
    let is_balanced = (count / 20..=count - count / 20).contains(&accepted);
    assert!(count < 100 || is_balanced, "{kind}: {accepted} of {count} inputs were accepted");
}

fn pick<'a, T: ?Sized>(random: &mut Random, items: &[&'a T]) -> &'a T {
    items[random.next(items.len())]
}

/// Pieces of every grammar here.
const PIECES: &[&str] = &[
    "",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "=",
    ":",
    "/",
    "//",
    "[",
    "]",
    "[[",
    "#",
    ";",
    ",",
    "{",
    "}",
    "{}",
    "[]",
    "{caller}",
    "{",
    "\"",
    "'",
    "\\",
    "\\u0000",
    "<",
    ">",
    "</Arn>",
    "&amp;",
    "&#0;",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "99999999999999999999h",
    "9999-12-31T23:59:59-23:59",
    "0000-00-00T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "+10000-01-01T00:00:00Z",
    "é",
    "€",
    "𝄞",
    "\u{202e}",
    "\u{feff}",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "a\u{301}",
    "arn:",
    "arn:aws:iam::123456789012:role/",
    "123456789012",
    "123456789012/R",
    "default",
    "profile ",
    "source_profile = a\n",
    "role_arn = arn:aws:iam::123456789012:role/R\n",
    "credential_source = Ec2InstanceMetadata\n",
    "[profile a]\n",
    "[a]\n",
    "  nested = x\n",
    "-",
    "--",
    "~",
    "%",
];

/// Changes a text at random places, or returns it as it is.
fn mutated(random: &mut Random, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..random.next(4) {
        let at = random.next(chars.len() + 1);
        let end = (at + random.next(12)).min(chars.len());
        match random.next(6) {
            0 => drop(chars.drain(at..end)),
            1 => chars.truncate(at),
            2 => {
                let copy: Vec<char> = chars[at..end].to_vec();
                chars.splice(at..at, copy);
            }
            3 if random.next(20) == 0 => {
                let long = pick(random, PIECES).repeat(3000);
                chars.splice(at..at, long.chars());
            }
            _ => {
                let piece: Vec<char> = pick(random, PIECES).chars().collect();
                chars.splice(at..at, piece);
            }
        }
    }
    chars.into_iter().collect()
}

/// A text made of pieces.
fn odd_text(random: &mut Random) -> String {
    let count = random.next(5);
    (0..count).map(|_| pick(random, PIECES)).collect()
}

const CONFIG: &str = "# a comment\n[default]\nregion = eu-west-1\n[profile a]\nrole_arn = arn:aws:iam::123456789012:role/R\n\
    source_profile = b\nmfa_serial = arn:aws:iam::111122223333:mfa/ann\nduration_seconds = 3600\nexternal_id = ext\n\
    session_tags = K=V, L=W\ntransitive_session_tags = K\nrole_session_name = {user}@{host}\nsource_identity = ann\n\
    [profile b]\nsource_profile = c\nrole_arn = arn:aws:iam::123456789012:role/team/S\nregion = us-east-1\n\
    [profile c]\naws_account_id = 111122223333\nendpoint_url = http://127.0.0.1:1\nservices = s\n\
    s3 =\n  max = 1\n[profile i]\nrole_arn = arn:aws:iam::123456789012:role/R\ncredential_source = Ec2InstanceMetadata\n\
    metadata_service_timeout = 1\n[profile w]\nweb_identity_token_file = token\nrole_arn = arn:aws:iam::123456789012:role/W\n\
    [services s]\nsts =\n  endpoint_url = http://127.0.0.1:1\n[sso-session corp]\nsso_region = eu-west-1\n\
    [plugins]\nx = y\n";
const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = secret\n\
    [c]\naws_access_key_id=ASIAIOSFODNN7EXAMPLE\naws_secret_access_key=secret\naws_session_token=token\n\
    # expires 2026-01-01T00:00:00Z\n[123456789012]\naws_access_key_id: AKIAX\naws_secret_access_key: s\n";

/// Calls a function, and fails with the name of the case if it panics.
#[track_caller]
fn assert_no_panic<T>(case: &str, input: &dyn std::fmt::Debug, call: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| panic!("a panic: {case}: {input:?}"))
}

#[test]
fn random_shared_files_and_values_cause_no_panic() {
    for_each_case("files", 1500, |random, case| {
        let (config, credentials) = (mutated(random, CONFIG), mutated(random, CREDENTIALS));
        let (name, text) = (odd_text(random), odd_text(random));
        let variables: Vec<(String, String)> = [
            "AWS_PROFILE",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_ROLE_ARN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "ARL_KEY_ID",
            "ARL_SOURCE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_METADATA_SERVICE_TIMEOUT",
            "AWS_EC2_METADATA_DISABLED",
        ]
        .into_iter()
        .map(|name| (name.to_owned(), if random.next(5) == 0 { odd_text(random) } else { String::new() }))
        .collect();
        let input = (&config, &credentials, &name, &text, &variables);
        let is_accepted = SharedConfig::parse(&config, &credentials).is_ok();
        assert_no_panic(case, &input, || {
            let var = |name: &str| {
                variables.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
            };
            if let Ok(shared) = SharedConfig::parse(&config, &credentials) {
                for shell_role in [ShellRole::Ignore, ShellRole::Chain] {
                    let resolver = SourceResolver::new(&shared, &var, shell_role);
                    let _ = (resolver.select(), resolver.default_profile_shadows_endpoint());
                    for name in shared.profile_names().into_iter().chain([name.as_str()]) {
                        let _ = (
                            resolver.profile(name),
                            resolver.source_of_role(name),
                            shared.misnamed_section(name),
                        );
                        if let Some(section) = shared.profile(name) {
                            let _ = RoleProfile::read(name, section);
                            let _ = section.get_nested("s3", "max");
                        }
                    }
                }
                let _ = closest(&name, shared.profile_names());
            }
            for (file, before) in [(SharedFile::Config, &config), (SharedFile::Credentials, &credentials)] {
                for profile in ["a", "default", "new", name.as_str()] {
                    let Ok(profile) = profile.parse::<ProfileName>() else { continue };
                    let set = vec![("aws_access_key_id", "ASIAX".to_owned())];
                    let edit = ProfileEdit {
                        file,
                        section: EditedSection::Profile,
                        profile: &profile,
                        set,
                        unset: &["region"],
                        expires: None,
                    };
                    let _ = (edit.apply(before.as_bytes()), edit.is_managed(before.as_bytes()));
                }
            }
            for text in [&text, &name] {
                let _ =
                    (RoleRef::parse(text), text.parse::<RoleArn>(), text.parse::<AssumedRoleSessionArn>());
                let _ = (text.parse::<AccountId>(), text.parse::<Partition>(), Partition::for_region(text));
                let _ = (
                    parse_tags(text),
                    parse_tag_keys(text),
                    parse_policy_arns(text),
                    parse_provided_contexts(text),
                );
                let _ = (
                    text.parse::<Policy>(),
                    text.parse::<AdditionalParameters>(),
                    text.parse::<SessionDuration>(),
                );
                let _ = (text.parse::<SessionNameTemplate>(), RoleSessionName::sanitized(text));
            }
        });
        is_accepted
    });
}

/// The words of random command lines. Nothing here starts another program than `true`, or opens a browser.
const LINES: &[&[&str]] = &[
    &["assume", DEPLOY, "--shell", "bash"],
    &["assume", "123456789012/Deploy", "--json", "--duration", "1h", "--tags", "K=V"],
    &["assume", DEPLOY, "--policy", "{\"Statement\":[]}", "--external-id", "ext", "--shell", "fish"],
    &["assume", DEPLOY, "--region", "eu-west-1", "--role-session-name", "{user}", "--format", "dotenv"],
    &["-v", "assume", DEPLOY, "--via", "123456789012/ReadOnly", "--no-cache", "--shell", "tcsh"],
    &["exec", DEPLOY],
    &["exec", "123456789012/Deploy", "--refresh", "--min-ttl", "20m"],
    &["each", DEPLOY, "123456789012/ReadOnly", "--jobs", "2"],
    &["write", DEPLOY, "--profile-name", "n", "--force"],
    &["configure", DEPLOY, "--profile-name", "n", "--profile", "c", "--force"],
    &["console", DEPLOY, "--service", "s3"],
    &["explain", "a"],
    &["explain", DEPLOY, "--profile", "i"],
    &["list"],
    &["status", "--json"],
    &["clear", "--shell", "zsh"],
    &["cache", "list"],
    &["arn", "123456789012", "team/R", "--session", "ann"],
    &["init", "bash"],
    &["completions", "zsh"],
    &["assume", "w"],
    &["use", "prod"],
];
const FLAGS: &[&str] = &[
    "--profile",
    "-p",
    "--role-session-name",
    "--duration",
    "--policy",
    "--policy-arns",
    "--tags",
    "--transitive-tag-keys",
    "--external-id",
    "--serial-number",
    "--token-code",
    "--mfa-session",
    "--source-identity",
    "--provided-contexts",
    "--additional-parameters",
    "--via",
    "--chain",
    "--region",
    "--partition",
    "--endpoint-url",
    "--allow-insecure-endpoint",
    "--min-ttl",
    "--no-cache",
    "--refresh",
    "--shell",
    "--show",
    "--json",
    "--env",
    "--format",
    "--account-id",
    "--role-name",
    "--profile-name",
    "--expired",
    "--remove",
    "--force",
    "--process",
    "--jobs",
    "--session",
    "--service",
    "-v",
    "-q",
    "--color",
    "--help",
    "--version",
    "--RoleSessionName",
    "--Tags",
    "--nonsense",
    "--",
];
const VALUES: &[&str] = &[
    DEPLOY,
    "123456789012/Deploy",
    "123456789012/team/dns_editor",
    "a",
    "b",
    "c",
    "i",
    "w",
    "default",
    "1h",
    "900",
    "K=V",
    "{\"K\":\"V\"}",
    "[]",
    "json",
    "bash",
    "fish",
    "eu-west-1",
    "aws-cn",
    "always",
    "list",
    "file://x",
    "file://",
    "none",
    "-",
    "123456",
    "http://127.0.0.1:1",
    "https://127.0.0.1:1",
    "{user}",
    "arn:aws:iam::111122223333:mfa/ann",
];
const VARIABLES: &[&str] = &[
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "ARL_DURATION",
    "ARL_ROLE_SESSION_NAME",
    "ARL_MIN_TTL",
    "ARL_MFA_SESSION",
    "ARL_SHELL",
    "ARL_SOURCE",
    "ARL_KEY_ID",
    "ARL_ROLE_ARN",
    "ARL_ROLE",
    "ARL_EXPIRES_AT",
    "ARL_ENDPOINT",
    "ARL_REGION",
    "ARL_USER_REGION",
    "ARL_ON_EXPIRY",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CA_BUNDLE",
    "HTTPS_PROXY",
    "NO_PROXY",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "TERM",
    "NO_COLOR",
    "COLUMNS",
    "USER",
    "AWS_METADATA_SERVICE_TIMEOUT",
    "__arl_restore",
];

/// A word of a command line or a variable: no NUL, which the system does not allow, and no path upwards.
fn word(random: &mut Random) -> OsString {
    let text = match random.next(4) {
        0 => odd_text(random),
        1 => {
            let value = pick(random, VALUES);
            mutated(random, value)
        }
        _ => pick(random, VALUES).to_owned(),
    };
    let text: String = text.replace('\0', "").replace("..", ".").chars().take(5000).collect();
    let mut bytes = text.into_bytes();
    if random.next(50) == 0 {
        bytes.push(0xff);
    }
    OsString::from_vec(bytes)
}

#[test]
fn random_command_lines_end_with_a_documented_status() {
    let stage = Stage::new();
    // Random words must not become programs.
    let programs = stage.home.join("bin");
    fs::create_dir(&programs).unwrap();
    symlink(binary(), programs.join("arl")).unwrap();
    symlink("/bin/true", programs.join("true")).unwrap();
    for_each_case("command lines", 250, |random, case| {
        let config = if random.next(3) == 0 { mutated(random, CONFIG) } else { CONFIG.to_owned() };
        let credentials =
            if random.next(3) == 0 { mutated(random, CREDENTIALS) } else { CREDENTIALS.to_owned() };
        stage.profiles(&config.replace("..", "."), &credentials);
        // Without a terminal, at which arl would let the user choose a role.
        let mut arl = stage.as_ann("/usr/bin/setsid");
        // A hang is a failure: timeout(1) ends with 124.
        arl.args(["/usr/bin/timeout", "60", "arl"]).env("SHELL", "/bin/true");
        let mut words: Vec<OsString> = pick(random, LINES).iter().map(OsString::from).collect();
        let is_command = ["exec", "each"].iter().any(|verb| words.contains(&OsString::from(verb)));
        for _ in 0..random.next(4) {
            let at = random.next(words.len() + 1);
            match random.next(5) {
                0 => words.insert(at, pick(random, FLAGS).into()),
                1 => {
                    words.insert(at, word(random));
                    words.insert(at, pick(random, FLAGS).into());
                }
                2 if at < words.len() => words[at] = word(random),
                3 if at < words.len() => drop(words.remove(at)),
                _ => words.insert(at, word(random)),
            }
        }
        if is_command {
            words.extend(["--".into(), "true".into()]);
        }
        arl.args(words);
        for _ in 0..random.next(3) {
            arl.env(pick(random, VARIABLES), word(random));
        }
        arl.env("PATH", &programs);
        let output = arl.output().unwrap();
        let run = crate::support::Run::of(output);
        let line: Vec<_> = arl.get_args().collect();
        let context = format!("{case}: {line:?} {:?}: {run:?}", arl.get_envs().collect::<Vec<_>>());
        assert!(STATUSES.contains(&run.status), "{context}");
        assert!(!run.stderr.contains("panicked") && !run.stderr.contains("a bug in arl"), "{context}");
        assert!(run.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{context}");
        stage.assert_no_secret(&run.stderr);
        run.status == 0
    });
}

/// A service that answers each request with the next of some bytes, and then closes the connection.
#[derive(Clone)]
struct OddService {
    url: String,
    answers: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl OddService {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let service = Self { url, answers };
        let answers = Arc::clone(&service.answers);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = Vec::new();
                let mut piece = [0; 4096];
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut piece) {
                        Ok(length) if length > 0 => head.extend_from_slice(&piece[..length]),
                        _ => break,
                    }
                }
                let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
                let _ = stream.write_all(&answer);
            }
        });
        service
    }

    fn set(&self, answers: Vec<Vec<u8>>) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = answers;
    }
}

/// An answer with this body, changed at random places.
fn answer(random: &mut Random, kind: &str, body: &str) -> Vec<u8> {
    let status = match random.next(100) {
        0 => pick(random, &["500 x", "503 x", "429 x", "301 x", "999 x", "0 x", "x"]),
        1..10 => pick(random, &["400 Bad Request", "401 x", "403 Forbidden", "404 x"]),
        _ => "200 OK",
    };
    let body = if random.next(2) == 0 { mutated(random, body) } else { body.to_owned() };
    let length = if random.next(50) == 0 { random.next(5000) } else { body.len() };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let head = if random.next(40) == 0 { mutated(random, &head) } else { head };
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body.as_bytes());
    if random.next(50) == 0 {
        bytes.truncate(random.next(bytes.len() + 1));
    }
    bytes
}

fn sts(url: &str) -> Sts {
    let mut settings = StsSettings::new("eu-west-1");
    settings.endpoint_url = Some(url.to_owned());
    settings.max_attempts = 1;
    settings.operation_timeout = Duration::from_secs(3);
    Sts::new(settings)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Hands credentials over in every way: what a source lets through must be printable.
fn hand_over(case: &str, credentials: Credentials) {
    let identity = Identity {
        credentials,
        name: None,
        role_arn: None,
        source: "x".into(),
        region: RegionChange::Keep,
        user_region: None,
    };
    assert_no_panic(case, &identity.credentials.expiration(), || {
        for shell in Shell::ALL {
            let (restore_point, refresh) = (RestorePoint::Untrusted, Vec::new());
            let memory = RoleMemory::default();
            let _ = shell.assume(&ShellUpdate { identity: &identity, restore_point, refresh, memory });
        }
    });
}

/// Runs a call, and hands over what it returns. Returns whether that was credentials.
fn call<E: std::fmt::Display>(
    case: &str,
    input: &dyn std::fmt::Debug,
    call: impl Future<Output = Result<Credentials, E>>,
) -> bool {
    let limited = async { tokio::time::timeout(Duration::from_secs(30), call).await };
    let result = assert_no_panic(case, input, || runtime().block_on(limited));
    match result.unwrap_or_else(|_| panic!("a hang: {case}: {input:?}")) {
        Ok(credentials) => {
            hand_over(case, credentials);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty(), "{case}: {input:?}");
            false
        }
    }
}

/// Times at the ends of what some format or type can hold.
const TIMES: &[&str] = &[
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "10000-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+00:01",
    "2016-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "2262-04-11T23:47:17Z",
];

/// The end of a session: in the near future, or a time of the list, or no time.
fn expiration(random: &mut Random) -> String {
    let soon = humantime::format_rfc3339_seconds(SystemTime::now() + Duration::from_secs(3000)).to_string();
    match random.next(6) {
        0 => odd_text(random),
        1 => pick(random, TIMES).to_owned(),
        _ => soon,
    }
}

fn keys() -> Credentials {
    Credentials::new(World::ANN_KEY.into(), Secret::new(World::ANN_SECRET.into()), None, None).unwrap()
}

#[test]
fn random_answers_of_sts_cause_no_panic() {
    let service = OddService::start();
    let role: RoleArn = DEPLOY.parse().unwrap();
    let stage = Stage::new();
    let token_file = stage.home.join("token");
    fs::write(&token_file, "header.claims.signature").unwrap();
    for_each_case("STS", 300, |random, case| {
        let credentials = format!(
            "<Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>{}</Expiration></Credentials>",
            expiration(random)
        );
        let user = "<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/Deploy/ann</Arn>\
                    <AssumedRoleId>AROAX:ann</AssumedRoleId></AssumedRoleUser>";
        let error = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>\
                     <RequestId>r</RequestId></ErrorResponse>";
        let action = ["AssumeRole", "AssumeRoleWithWebIdentity", "GetSessionToken"][random.next(3)];
        let body = match random.next(4) {
            0 => error.to_owned(),
            _ => format!(
                "<{action}Response><{action}Result>{credentials}{user}</{action}Result></{action}Response>"
            ),
        };
        let answer = answer(random, "text/xml", &body);
        service.set(vec![answer.clone()]);
        let (client, now) = (sts(&service.url), SystemTime::now());
        let input = String::from_utf8_lossy(&answer).into_owned();
        let keys = keys();
        match action {
            "AssumeRole" => {
                let request = AssumeRoleRequest::new(role.clone(), RoleSessionName::sanitized("ann"));
                let assume = async { client.assume_role(&keys, &request, now).await };
                call(case, &input, async { assume.await.map(|session| session.credentials) })
            }
            "GetSessionToken" => {
                let (serial, code) = (World::ANN_MFA.parse().unwrap(), "123456".parse().unwrap());
                call(case, &input, client.session_token(&keys, &serial, &code, now))
            }
            _ => {
                let source = Source::WebIdentity {
                    role_arn: role.clone(),
                    token: arl::internal::WebIdentityToken::File(token_file.display().to_string()),
                    role_session_name: Some("ann".into()),
                    duration_seconds: None,
                };
                call(case, &input, client.source_credentials(&source, now))
            }
        }
    });
}

/// The document with credentials, of instance metadata and of the container endpoint.
fn document(random: &mut Random) -> String {
    let end = expiration(random).replace(['"', '\\'], "");
    format!(
        "{{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"ASIAX\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\
         \"AccountId\":\"123456789012\",\"Expiration\":\"{end}\"}}"
    )
}

#[test]
fn random_answers_of_instance_metadata_cause_no_panic() {
    let service = OddService::start();
    for_each_case("instance metadata", 300, |random, case| {
        let document = document(random);
        let answers: Vec<Vec<u8>> =
            ["token", "role", &document].map(|body| answer(random, "text/plain", body)).into();
        service.set(answers.clone());
        let source = MetadataSource {
            endpoint: if random.next(20) == 0 { odd_text(random) } else { service.url.clone() },
            timeout: Duration::from_secs(2),
            attempts: Some(1),
            presence: MetadataPresence::Certain,
        };
        let input: Vec<_> = answers.iter().map(|answer| String::from_utf8_lossy(answer)).collect();
        let (client, source) = (sts(&service.url), Source::InstanceMetadata(source));
        call(case, &input, client.source_credentials(&source, SystemTime::now()))
    });
}

#[test]
fn random_answers_of_a_container_endpoint_cause_no_panic() {
    let service = OddService::start();
    for_each_case("container endpoint", 200, |random, case| {
        let document = document(random);
        let answer = answer(random, "application/json", &document);
        service.set(vec![answer.clone()]);
        let token = match random.next(3) {
            0 => ContainerToken::None,
            _ => ContainerToken::Text(Secret::new(mutated(random, "token"))),
        };
        let url = if random.next(20) == 0 { odd_text(random) } else { service.url.clone() };
        let input = (String::from_utf8_lossy(&answer).into_owned(), url.clone());
        let (client, source) = (sts(&service.url), Source::Container(ContainerSource { url, token }));
        call(case, &input, client.source_credentials(&source, SystemTime::now()))
    });
}

#[test]
fn random_output_of_a_credential_process_causes_no_panic() {
    let stage = Stage::new();
    let file = stage.home.join("output");
    for_each_case("credential process", 300, |random, case| {
        let end = expiration(random).replace(['"', '\\'], "");
        let json = format!(
            "{{\"Version\":1,\"AccessKeyId\":\"ASIAX\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\",\
             \"Expiration\":\"{end}\",\"AccountId\":\"123456789012\"}}"
        );
        let output = mutated(random, &json);
        fs::write(&file, &output).unwrap();
        let source = Source::Process(ProcessSource {
            command: format!("cat '{}'", file.display()),
            profile: "p".into(),
            ancestors: Vec::new(),
            account_id: None,
        });
        call(case, &output, sts("http://127.0.0.1:1").source_credentials(&source, SystemTime::now()))
    });
}

//! `arl login` and `arl logout` against the loopback services, with scripts for browsers.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use arl_sts::Fault;
use serde_json::Value;

use crate::support::{Run, Stage, write_program};

/// The name of the token file: SHA-1 of `corp`.
pub(crate) const CORP: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
pub(crate) const CONFIG: &str = "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n\
    sso_registration_scopes = sso:account:access\n\
    [profile dev]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
    [profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = dev\n";

/// A stage with the session `corp`, and a browser that signs in.
pub(crate) fn stage() -> Stage {
    let stage = Stage::new();
    stage.profiles(CONFIG, "");
    stage.sts.change(|world| {
        for role in world.roles.values_mut() {
            role.trusts.push("*".into());
        }
    });
    let browser = "#!/bin/sh\nprintf '%s\\n' \"$1\" >>\"$HOME/opened\"\ncurl -sL -o \"$HOME/page\" -w '%{http_code} %{url_effective}' \"$1\" >\"$HOME/seen.new\"\nmv \"$HOME/seen.new\" \"$HOME/seen\"\n";
    write_program(&stage.home.join("browser"), browser);
    stage
}

pub(crate) fn arl(stage: &Stage, args: &[&str]) -> Command {
    let mut arl = stage.bare("arl");
    arl.args(args).env("BROWSER", stage.home.join("browser"));
    for service in ["SSO", "SSO_OIDC"] {
        arl.env(format!("AWS_ENDPOINT_URL_{service}"), stage.sts.url());
    }
    arl
}

pub(crate) fn run(stage: &Stage, args: &[&str]) -> Run {
    stage.run(&mut arl(stage, args))
}

pub(crate) fn token_path(stage: &Stage) -> PathBuf {
    stage.home.join(".aws/sso/cache").join(CORP)
}

pub(crate) fn token(stage: &Stage) -> Value {
    serde_json::from_slice(&fs::read(token_path(stage)).unwrap()).unwrap()
}

/// Changes a field of the token file.
pub(crate) fn change_token(stage: &Stage, key: &str, value: &str) {
    let mut token = token(stage);
    token[key] = value.into();
    fs::write(token_path(stage), token.to_string()).unwrap();
}

pub(crate) fn actions(stage: &Stage) -> Vec<String> {
    stage.sts.requests().into_iter().map(|request| request.action).collect()
}

/// What the browser has seen last: status and address. The browser may end after arl.
pub(crate) fn seen(stage: &Stage) -> String {
    let begin = std::time::Instant::now();
    loop {
        match fs::read_to_string(stage.home.join("seen")) {
            Ok(seen) => return seen,
            Err(_) => assert!(begin.elapsed().as_secs() < 20, "the browser saw nothing"),
        }
        std::thread::yield_now();
    }
}

/// A running `arl login --no-browser`, and the address that it has printed.
pub(crate) struct Waiting {
    process: Child,
    stderr: BufReader<ChildStderr>,
    page: String,
    pub(crate) port: u16,
}

impl Waiting {
    pub(crate) fn start(stage: &Stage, args: &[&str]) -> Self {
        let mut command = arl(stage, &["login", "--no-browser"]);
        let mut process = command.args(args).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut page = String::new();
        while !page.contains("/authorize?") {
            page.clear();
            assert_ne!(stderr.read_line(&mut page).unwrap(), 0, "no address was printed");
        }
        let page = page.trim().trim_start_matches("arl: ").to_owned();
        let port = page.split("127.0.0.1%3A").nth(1).unwrap().split('%').next().unwrap().parse().unwrap();
        Self { process, stderr, page, port }
    }

    /// Sends a request as it is, and returns the response.
    pub(crate) fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        let _ = stream.read_to_string(&mut response);
        response
    }

    pub(crate) fn get(&self, target: &str) -> String {
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port))
    }

    /// The state that the page was opened with.
    pub(crate) fn state(&self) -> &str {
        self.page.split("&state=").nth(1).unwrap().split('&').next().unwrap()
    }

    /// Signs in on the page. Returns the address that the browser is sent to.
    pub(crate) fn approve(&self) -> String {
        let curl = Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{redirect_url}", &self.page])
            .output();
        String::from_utf8(curl.unwrap().stdout).unwrap()
    }

    pub(crate) fn end(mut self) -> Run {
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).unwrap();
        let status = self.process.wait().unwrap().code().unwrap_or(-1);
        Run { status, stdout: String::new(), stderr }
    }
}

#[test]
fn a_browser_signs_in_and_the_token_file_is_the_aws_clis() {
    let stage = stage();
    let signed_in = run(&stage, &["login"]);
    assert_eq!((signed_in.status, signed_in.stdout.as_str()), (0, ""), "{signed_in:?}");
    let said = "signed in to corp, 1h left, renews itself";
    assert!(signed_in.stderr.contains(said), "{signed_in:?}");
    assert_eq!(actions(&stage), ["RegisterClient", "Authorize", "CreateToken"]);
    let requests = stage.sts.requests();
    let get = |index: usize, name: &str| requests[index].get(name).unwrap_or_default().to_owned();
    assert_eq!(get(0, "clientType"), "public");
    assert_eq!(get(0, "grantTypes"), "authorization_code refresh_token");
    assert_eq!(get(0, "redirectUris"), "http://127.0.0.1/oauth/callback");
    assert_eq!(get(0, "issuerUrl"), "https://corp.example/start");
    assert_eq!(get(0, "scopes"), "sso:account:access");
    assert_eq!(get(1, "code_challenge_method"), "S256");
    assert_eq!(get(2, "grantType"), "authorization_code");
    assert_eq!(get(2, "redirectUri"), get(1, "redirect_uri"));
    // Byte for byte in the form of the AWS CLI, for this user alone.
    let text = fs::read_to_string(token_path(&stage)).unwrap();
    let value = token(&stage);
    let fields = [
        "startUrl",
        "region",
        "accessToken",
        "expiresAt",
        "clientId",
        "clientSecret",
        "registrationExpiresAt",
        "refreshToken",
    ];
    let expected = fields.map(|name| format!("\"{name}\": {}", value[name])).join(", ");
    assert_eq!(text, format!("{{{expected}}}"));
    assert!(
        value["expiresAt"].as_str().unwrap().ends_with('Z')
            && value["startUrl"] == "https://corp.example/start"
    );
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(token_path(&stage)), 0o600);
    assert_eq!(mode(stage.home.join(".aws/sso/cache")), 0o700);
    for entry in fs::read_dir(stage.home.join(".aws/sso/cache")).unwrap() {
        assert_eq!(mode(entry.unwrap().path()), 0o600);
    }
    // The browser got no secret as an argument, and its address bar keeps none.
    let opened = fs::read_to_string(stage.home.join("opened")).unwrap();
    assert!(
        opened.starts_with("http://127.0.0.1:") && !opened.contains("state") && !opened.contains('?'),
        "{opened}"
    );
    let seen = seen(&stage);
    assert!(seen.starts_with("200 ") && seen.ends_with("/signed-in"), "{seen}");
    let page = fs::read_to_string(stage.home.join("page")).unwrap();
    assert!(page.contains("You are signed in to corp") && page.contains("close this tab"), "{page}");
    // The sign-in is good: nothing is asked, and `--check` says so.
    stage.sts.reset();
    for args in
        [&["login"][..], &["login", "corp"], &["login", "dev"], &["login", "deploy"], &["login", "--check"]]
    {
        let again = run(&stage, args);
        assert_eq!(again.status, 0, "{again:?}");
        assert!(again.stderr.contains("signed in to corp, 1h left"), "{again:?}");
    }
    assert_eq!(actions(&stage), [] as [&str; 0]);
    // The roles of the sign-in, and a new sign-in that uses the registration again.
    let _ = run(&stage, &["assume", "deploy", "--json"]).success();
    stage.sts.reset();
    assert_eq!(run(&stage, &["login", "--force"]).status, 0);
    assert_eq!(actions(&stage), ["Authorize", "CreateToken"]);
}

#[test]
fn only_the_right_browser_ends_the_wait() {
    let stage = stage();
    let waiting = Waiting::start(&stage, &[]);
    let (right, state) = (waiting.approve(), waiting.state().to_owned());
    let target = right.split_once(&waiting.port.to_string()).unwrap().1.to_owned();
    let other = |host: &str| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for (response, status) in [
        (waiting.get("/"), "404"),
        (waiting.get("/favicon.ico"), "404"),
        (waiting.get("/oauth/callback"), "400"),
        (waiting.get("/oauth/callback?code=stolen&state=guessed"), "400"),
        (waiting.get(&format!("/oauth/callback?code=a&code=b&state={state}")), "400"),
        (waiting.get("/oauth/callback?error=access_denied&state=guessed"), "400"),
        (waiting.send(&format!("POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", waiting.port)), "405"),
        // A web page that DNS has led here.
        (waiting.send(&other("evil.example")), "404"),
        (waiting.send(&other(&format!("evil.example:{}", waiting.port))), "404"),
        (waiting.send("nonsense\r\n\r\n"), "404"),
    ] {
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {response}");
        assert!(
            response.contains("Cache-Control: no-store") && response.contains("Referrer-Policy: no-referrer")
        );
        assert!(!response.contains(&state), "{response}");
    }
    // Connections that send nothing, or without end, keep no other connection out.
    let _silent: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(("127.0.0.1", waiting.port)).unwrap()).collect();
    let mut endless = TcpStream::connect(("127.0.0.1", waiting.port)).unwrap();
    let _ = endless.write_all(&vec![b'a'; 200_000]);
    // `ARL_WRONG_STATES=10000` tries that many.
    let wrong = std::env::var("ARL_WRONG_STATES").map_or(200, |count| count.parse().unwrap());
    for _ in 0..wrong {
        assert!(waiting.get("/oauth/callback?code=x&state=y").contains(" 400 "));
    }
    let done = waiting.get(&target);
    assert!(done.starts_with("HTTP/1.1 303 ") && !done.contains(&state), "{done}");
    let end = waiting.end();
    assert_eq!(end.status, 0, "{end:?}");
    let tokens = actions(&stage).iter().filter(|action| *action == "CreateToken").count();
    assert_eq!(tokens, 1);
}

#[test]
fn the_listener_is_on_this_machine_alone_and_on_the_port_that_was_asked_for() {
    let stage = stage();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let waiting = Waiting::start(&stage, &["--port", &free.to_string()]);
    assert_eq!(waiting.port, free);
    let table = fs::read_to_string("/proc/net/tcp").unwrap() + &fs::read_to_string("/proc/net/tcp6").unwrap();
    let listening: Vec<&str> = table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            (fields.get(3) == Some(&"0A")).then_some(fields[1])
        })
        .filter(|address| address.ends_with(&format!(":{free:04X}")))
        .collect();
    assert_eq!(listening, [format!("0100007F:{free:04X}")]);
    // Another arl waits for this sign-in; another session cannot have the port.
    stage.profiles(&CONFIG.replace("corp", "other"), "");
    let taken = run(&stage, &["login", "other", "--no-browser", "--port", &free.to_string()]);
    taken.failure(1, &format!("cannot listen on port {free} of 127.0.0.1"));
    let target = waiting.approve().split_once(&free.to_string()).unwrap().1.to_owned();
    waiting.get(&target);
    assert_eq!(waiting.end().status, 0);
}

#[test]
fn a_sign_in_that_fails_leaves_no_token_and_says_why() {
    let stage = stage();
    stage.sts.change(|world| world.identity_center.denies = true);
    let refused = run(&stage, &["login"]);
    refused.failure(1, "the sign-in was refused: access_denied: The user said <no>");
    seen(&stage);
    let page = fs::read_to_string(stage.home.join("page")).unwrap();
    assert!(page.contains("You are not signed in to corp") && !page.contains("<no>"), "{page}");
    stage.sts.change(|world| world.identity_center.denies = false);
    // The service refuses the code, or is busy.
    for (fault, said) in [
        (Fault::Exception(400, "InvalidGrantException", "Invalid code".into()), "Invalid code"),
        (Fault::Exception(500, "InternalServerException", "oops".into()), "oops"),
    ] {
        stage.sts.reset();
        let waiting = Waiting::start(&stage, &[]);
        let target = waiting.approve().split_once(&waiting.port.to_string()).unwrap().1.to_owned();
        stage.sts.inject(fault, 3);
        waiting.get(&target);
        let failed = waiting.end();
        failed.failure(1, "could not sign in to `corp`");
        assert!(failed.stderr.contains(said), "{failed:?}");
        stage.sts.reset();
    }
    let late = run(&stage, &["login", "--no-browser", "--timeout", "1"]);
    late.failure(1, "no sign-in within 1s");
    assert!(!token_path(&stage).exists());
    for (args, said) in [
        (&["login", "nobody"][..], "the [sso-session]s are: corp"),
        (&["login", "--port", "0"], "--port"),
        (&["login", "--timeout", "2h"], "--timeout"),
        (&["login", "--check", "--force"], "be used"),
        (&["login", "--device-code", "--port", "4711"], "be used"),
    ] {
        let failed = run(&stage, args);
        assert!(matches!(failed.status, 1 | 2) && failed.stderr.contains(said), "{args:?}: {failed:?}");
    }
    // No session at all, and several.
    stage.profiles("[profile x]\ncredential_process = false\n", "");
    run(&stage, &["login"]).failure(1, "there is no [sso-session] in");
    run(&stage, &["login", "x"]).failure(1, "does not get its credentials from IAM Identity Center");
    stage
        .profiles(&format!("{CONFIG}{}", CONFIG.replace("corp", "eu").replace("profile d", "profile e")), "");
    run(&stage, &["login"]).failure(2, "name one of them: corp, eu");
    stage.sts.reset();
    assert_eq!(stage.run(arl(&stage, &["login"]).env("AWS_PROFILE", "dev")).status, 0);
    let checked = run(&stage, &["login", "eu", "--check"]);
    assert_eq!((checked.status, checked.stdout.as_str()), (1, ""));
    assert!(checked.stderr.contains("not signed in to eu"), "{checked:?}");
}

#[test]
fn a_device_code_is_polled_as_rfc_8628_says() {
    let stage = stage();
    stage.sts.change(|world| world.identity_center.device_answers = ["authorization_pending"; 2].into());
    let signed_in = run(&stage, &["login", "--device-code"]);
    assert_eq!(signed_in.status, 0, "{signed_in:?}");
    assert!(signed_in.stderr.contains("https://device.sso.eu-west-1.amazonaws.com/?user_code=ABCD-EFGH"));
    let warning = "approve only if you have started this sign-in and the page shows the code ABCD-EFGH";
    assert!(
        signed_in.stderr.contains(warning) && signed_in.stderr.contains("renews itself"),
        "{signed_in:?}"
    );
    let expected =
        ["RegisterClient", "StartDeviceAuthorization", "CreateToken", "CreateToken", "CreateToken"];
    assert_eq!(actions(&stage), expected);
    assert!(!stage.home.join("opened").exists(), "a browser was opened");
    for (answers, said) in [
        (vec!["expired_token"], "the code has expired"),
        (vec!["access_denied"], "the sign-in was refused: described"),
        (
            vec!["access_denied KMS_AccessDeniedException"],
            "the sign-in was refused: described (KMS_AccessDeniedException)",
        ),
        (vec!["invalid_request KMS_NotFoundException"], "described (KMS_NotFoundException)"),
        (vec!["invalid_request KMS_DisabledException"], "described (KMS_DisabledException)"),
        (vec!["invalid_request KMS_InvalidKeyUsageException"], "described (KMS_InvalidKeyUsageException)"),
        (vec!["invalid_request KMS_InvalidStateException"], "described (KMS_InvalidStateException)"),
        (vec!["invalid_grant"], "InvalidGrantException"),
        (vec!["unauthorized_client"], "UnauthorizedClientException"),
        (vec!["invalid_client"], "InvalidClientException"),
    ] {
        stage.sts.change(|world| world.identity_center.device_answers = answers.into());
        let failed = run(&stage, &["login", "--force", "--device-code"]);
        failed.failure(1, said);
        let offers_another = failed.stderr.contains("hint: get another code: arl login --device-code");
        assert_eq!(offers_another, said == "the code has expired", "{failed:?}");
    }
    // `slow_down` makes this pause and all later ones five seconds longer: 1, 6 and 6 seconds.
    stage.sts.change(|world| {
        world.identity_center.device_answers = vec!["slow_down", "authorization_pending"].into()
    });
    let begin = std::time::Instant::now();
    assert_eq!(run(&stage, &["login", "--force", "--device-code"]).status, 0);
    assert!(begin.elapsed().as_secs() >= 13, "{:?}", begin.elapsed());
    // A registration that the service has forgotten is replaced.
    stage.sts.change(|world| world.identity_center.device_answers.clear());
    stage.sts.change(|world| world.identity_center.clients.clear());
    stage.sts.reset();
    assert_eq!(run(&stage, &["login", "--force", "--device-code"]).status, 0);
    let registered = actions(&stage).iter().filter(|action| *action == "RegisterClient").count();
    assert_eq!(registered, 1, "{:?}", actions(&stage));
    // A code that the user does not approve before it expires.
    stage.sts.change(|world| {
        world.identity_center.device_times = (2, 1);
        world.identity_center.device_answers = ["authorization_pending"; 9].into();
    });
    run(&stage, &["login", "--force", "--device-code"]).failure(1, "the code has expired");
}

#[test]
fn logout_ends_one_sign_in_and_forgets_what_depends_on_it() {
    let stage = stage();
    stage.profiles(
        &format!(
            "{CONFIG}[sso-session eu]\nsso_start_url = https://eu.example/start\nsso_region = eu-west-1\n"
        ),
        "",
    );
    let cached = |args: &[&str]| stage.run(arl(&stage, args).env_remove("ARL_CACHE"));
    for session in ["corp", "eu"] {
        assert_eq!(run(&stage, &["login", session]).status, 0);
    }
    let _ = cached(&["assume", "deploy", "--json"]).success();
    let of_eu = ["assume", "eu:111122223333/Dev", "--json"];
    let _ = cached(&of_eu).success();
    let cli_cache = stage.home.join(".aws/cli/cache");
    fs::create_dir_all(&cli_cache).unwrap();
    // SHA-1 of {"accountId":"111122223333","roleName":"Dev","sessionName":"corp"}.
    let cli_role = cli_cache.join("20985b56d713cfd135648cadc68a6115ca80d9a5.json");
    fs::write(&cli_role, r#"{"ProviderType": "sso", "Credentials": {}}"#).unwrap();
    let access_token = token(&stage)["accessToken"].as_str().unwrap().to_owned();
    stage.sts.reset();
    let out = cached(&["logout", "corp"]);
    assert_eq!((out.status, out.stdout.as_str()), (0, ""), "{out:?}");
    assert!(out.stderr.contains("signed out of corp"), "{out:?}");
    assert!(out.stderr.contains("credentials that a shell or program already has stay valid"), "{out:?}");
    let requests = stage.sts.requests();
    assert_eq!((requests.len(), requests[0].action.as_str()), (1, "Logout"));
    assert_eq!(requests[0].get("accessToken"), Some(access_token.as_str()));
    assert!(!token_path(&stage).exists() && !cli_role.exists());
    // What another sign-in got is still there.
    stage.sts.reset();
    let _ = cached(&of_eu).success();
    assert_eq!(actions(&stage), [] as [&str; 0]);
    assert_eq!(cached(&["assume", "deploy", "--json"]).status, 3);
    let again = cached(&["logout", "corp"]);
    assert!(again.status == 0 && again.stderr.contains("not signed in to corp"), "{again:?}");
    let all = cached(&["logout", "--all"]);
    assert!(all.status == 0 && all.stderr.contains("signed out of https://eu.example/start"), "{all:?}");
    assert_eq!(cached(&of_eu).status, 3);
    // A service that cannot be reached: the token is gone anyway, and the user is told.
    assert_eq!(run(&stage, &["login", "corp"]).status, 0);
    stage.sts.inject(Fault::Status(500), 9);
    run(&stage, &["logout", "corp"]).failure(1, "could not sign out of `corp`");
    assert!(!token_path(&stage).exists());
}

#[test]
fn list_and_status_show_sign_ins() {
    let stage = stage();
    let config = format!(
        "{CONFIG}[sso-session eu]\nsso_start_url = https://eu.example/start\nsso_region = eu-west-1\n\
        [profile old]\nsso_start_url = https://old.example/start\nsso_region = eu-west-1\n\
        sso_account_id = 000123456789\nsso_role_name = Dev\n"
    );
    stage.profiles(&config, "");
    assert_eq!(run(&stage, &["login", "corp"]).status, 0);
    let listed = run(&stage, &["list"]).success();
    for line in [
        "dev      111122223333  Dev     corp",
        "corp                       https://corp.example/start  1h left, renews itself",
        "eu                         https://eu.example/start    not signed in",
        "https://old.example/start  https://old.example/start   not signed in",
    ] {
        assert!(listed.contains(line), "{line}\n{listed}");
    }
    change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    assert!(run(&stage, &["list"]).success().contains("renews itself"));
    change_token(&stage, "refreshToken", "");
    assert!(run(&stage, &["list"]).success().contains("corp.example/start  expired"));
    let lines = run(&stage, &["list", "--json"]).success();
    let sign_ins: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|object: &Value| object.get("sign_in").is_some())
        .collect();
    assert_eq!(sign_ins.len(), 3);
    assert_eq!((&sign_ins[0]["sign_in"], &sign_ins[0]["seconds_left"]), (&"corp".into(), &0.into()));
    // No sign-in happens for a list, and a file of another user is not read.
    assert_eq!(actions(&stage).iter().filter(|action| *action == "CreateToken").count(), 1);
    fs::set_permissions(token_path(&stage), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(run(&stage, &["list"]).stderr.contains("other users may write to it"));
    fs::remove_file(token_path(&stage)).unwrap();
    // A shell with a role of a sign-in.
    assert_eq!(run(&stage, &["login", "corp"]).status, 0);
    let script =
        "eval \"$(arl assume corp:111122223333/Dev)\" && arl status && echo \"$ARL_ROLE $ARL_SOURCE\"";
    let mut shell = stage.bare("bash");
    shell.args(["-c", script]).env("AWS_ENDPOINT_URL_SSO", stage.sts.url());
    let status = stage.run(&mut shell).success();
    assert!(status.contains("sign-in   corp: 1h left, renews itself"), "{status}");
    assert!(status.ends_with("111122223333/Dev sso:corp\n"), "{status}");
}

/// Starts a command that renews the token, and returns once the service has renewed it and holds its answer.
fn hold_renewal(stage: &Stage, args: &[&str]) -> Child {
    change_token(stage, "expiresAt", "2020-01-01T00:00:00Z");
    let fault = Fault::Late(std::time::Duration::from_secs(3));
    crate::discovery::hold_at(stage, fault, "CreateToken", arl(stage, args))
}

#[test]
fn a_renewal_does_not_undo_a_sign_out() {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    let renewing = hold_renewal(&stage, &["exec", "corp:111122223333/Dev", "--", "true"]);
    assert_eq!(run(&stage, &["logout"]).status, 0);
    Run::of(renewing.wait_with_output().unwrap()).failure(3, "you are not signed in");
    assert!(!token_path(&stage).exists());
    // Both the old token and the renewed one are ended.
    assert_eq!(actions(&stage).iter().filter(|action| *action == "Logout").count(), 2);
    assert_eq!(run(&stage, &["login", "--check"]).status, 1);
}

#[test]
fn a_renewal_does_not_replace_the_token_of_the_next_user() {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    let renewing = hold_renewal(&stage, &["exec", "corp:111122223333/Dev", "--", "true"]);
    assert_eq!(run(&stage, &["login", "--force"]).status, 0);
    let next = token(&stage);
    // The command began as the first user.
    Run::of(renewing.wait_with_output().unwrap()).failure(125, "you signed in again or signed out");
    assert_eq!(token(&stage), next);
}

#[test]
fn the_timeout_includes_the_wait_for_another_sign_in() {
    let stage = stage();
    let mut first = arl(&stage, &["login", "--no-browser"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(first.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    run(&stage, &["login", "--timeout", "1s"])
        .failure(1, "another arl process has been signing in to it for 1s");
    first.kill().unwrap();
    first.wait().unwrap();
}

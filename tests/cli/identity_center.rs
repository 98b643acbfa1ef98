//! Roles of IAM Identity Center: which host is asked, how, and what a failure says.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use arl_sts::Fault;

use crate::support::{Run, Stage};

/// The name of the token file: SHA-1 of `corp`.
const CORP: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const RENEWABLE: &str = ",\"clientId\":\"c\",\"clientSecret\":\"s\",\"registrationExpiresAt\":\"2030-01-01T00:00:00Z\",\
                         \"refreshToken\":\"refresh-me\"";

/// Profiles of the session `corp`, in which the user has the role Dev and not the role Root.
fn config(region: &str, of_profile: &str) -> String {
    let role = |name: &str| {
        format!(
            "[profile {name}]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = {name}\n{of_profile}\n"
        )
    };
    let session =
        format!("[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = {region}\n");
    format!("{}{}{session}", role("Dev"), role("Root"))
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.profiles(&config("eu-west-1", ""), "");
    token(&stage, "2030-01-01T00:00:00Z", "");
    stage
}

/// Writes the token file of `corp`.
fn token(stage: &Stage, expires: &str, more: &str) {
    let directory = stage.home.join(".aws/sso/cache");
    std::fs::create_dir_all(&directory).unwrap();
    let text = format!("{{\"accessToken\":\"sso-token\",\"expiresAt\":\"{expires}\"{more}}}");
    std::fs::write(directory.join(CORP), text).unwrap();
}

fn arl(stage: &Stage, role: &str) -> Command {
    let mut arl = stage.bare("arl");
    arl.args(["assume", role, "--json"]);
    for service in ["SSO", "SSO_OIDC"] {
        arl.env(format!("AWS_ENDPOINT_URL_{service}"), stage.sts.url());
    }
    arl
}

fn run(stage: &Stage, role: &str) -> Run {
    stage.run(&mut arl(stage, role))
}

fn actions(stage: &Stage) -> Vec<String> {
    stage.sts.requests().into_iter().map(|request| request.action).collect()
}

/// Asserts that a failure says what is wrong in plain words, and does not send the user to sign in.
fn assert_no_sign_in(run: &Run) {
    assert!(!run.stderr.contains("sign in"), "{run:?}");
    for debug in ["Error {", "code: \"", "Some(", "unhandled"] {
        assert!(!run.stderr.contains(debug), "{debug}: {run:?}");
    }
}

#[test]
fn a_role_that_is_not_assigned_names_those_that_are() {
    let stage = stage();
    let failed = run(&stage, "Root");
    failed.failure(1, "you have no role `Root` in account 111122223333");
    assert!(failed.stderr.contains("`Admin`, `Dev`, `ReadOnly`"), "{failed:?}");
    assert_no_sign_in(&failed);
    // The list has two pages.
    assert_eq!(actions(&stage), ["GetRoleCredentials", "ListAccountRoles", "ListAccountRoles"]);
    // An account without roles, one whose roles the portal does not list, and a portal that knows no such
    // role.
    stage.sts.change(|world| world.identity_center.accounts[0].2.clear());
    let failed = run(&stage, "Root");
    failed.failure(1, "gives you no role in account 111122223333");
    assert_no_sign_in(&failed);
    stage.sts.change(|world| world.identity_center.accounts.clear());
    let failed = run(&stage, "Root");
    failed.failure(1, "you have no role `Root` in account 111122223333");
    assert_no_sign_in(&failed);
    stage.sts.inject(Fault::Exception(404, "ResourceNotFoundException", "Role not found".into()), 1);
    let failed = run(&stage, "Dev");
    failed.failure(1, "Role not found");
    assert_no_sign_in(&failed);
}

#[test]
fn a_busy_portal_is_asked_again_and_then_told() {
    for (fault, said) in [
        (Fault::Exception(429, "TooManyRequestsException", "Rate exceeded".into()), "Rate exceeded"),
        (Fault::Exception(503, "ServiceUnavailableException", "later".into()), "later"),
        (Fault::Status(502), "HTTP 502"),
    ] {
        let stage = stage();
        stage.sts.inject(fault.clone(), 2);
        let _ = run(&stage, "Dev").success();
        assert_eq!(actions(&stage), ["GetRoleCredentials"; 3], "{said}");
        stage.sts.inject(fault, 100);
        let failed = run(&stage, "Dev");
        failed.failure(1, said);
        assert!(failed.stderr.contains("try again in a moment"), "{failed:?}");
        assert_no_sign_in(&failed);
    }
}

#[test]
fn a_connection_that_fails_has_the_hints_of_sts() {
    let stage = stage();
    let with = |variables: &[(&str, &str)]| stage.run(arl(&stage, "Dev").envs(variables.iter().copied()));
    let portal = "AWS_ENDPOINT_URL_SSO";
    let https = stage.sts.https_url();
    let proxied = [(portal, "https://portal.example"), ("HTTPS_PROXY", "http://127.0.0.1:1")];
    for (variables, hint) in [
        (&[(portal, "http://127.0.0.1:1")][..], "check the network, HTTPS_PROXY"),
        (&[(portal, "https://portal.invalid")], "check the network, HTTPS_PROXY"),
        (&proxied, "check the network, HTTPS_PROXY"),
        (&[(portal, &https)], "set AWS_CA_BUNDLE to its PEM file"),
    ] {
        let failed = with(variables);
        failed.failure(1, hint);
        assert_no_sign_in(&failed);
    }
    stage.sts.inject(Fault::Redirect("http://127.0.0.1:1/".into()), 1);
    let failed = with(&[]);
    failed.failure(1, "the endpoint answered with a redirect (HTTP 302)");
    assert_no_sign_in(&failed);
    for fault in [Fault::Malform, Fault::Oversize, Fault::Truncate] {
        stage.sts.inject(fault.clone(), 100);
        let failed = with(&[]);
        failed.failure(1, "could not get the source credentials");
        assert_no_sign_in(&failed);
        stage.sts.reset();
    }
    // An error's text is the portal's, which may hold anything.
    stage.sts.inject(Fault::Exception(400, "InvalidRequestException", "bad \u{1b}[2J\nhint: x".into()), 1);
    let failed = with(&[]);
    failed.failure(1, "bad \\u{1b}[2J");
    assert!(!failed.stderr.contains('\u{1b}') && !failed.stderr.contains("\nhint: x"), "{failed:?}");
}

#[test]
fn a_renewal_that_fails_matters_only_if_the_token_has_expired() {
    let stage = stage();
    let unavailable = || Fault::Exception(500, "InternalServerException", "no".into());
    // Valid for some minutes: the renewal is tried, and the old token used.
    let soon = humantime_soon();
    token(&stage, &soon, RENEWABLE);
    stage.sts.inject(unavailable(), 3);
    let _ = run(&stage, "Dev").success();
    assert_eq!(actions(&stage), ["CreateToken", "CreateToken", "CreateToken", "GetRoleCredentials"]);
    stage.sts.reset();
    token(&stage, "2020-01-01T00:00:00Z", RENEWABLE);
    stage.sts.inject(unavailable(), 3);
    let failed = run(&stage, "Dev");
    failed.failure(1, "could not get the source credentials");
    assert_no_sign_in(&failed);
    assert_eq!(actions(&stage), ["CreateToken"; 3]);
    // A refusal is final: the user must sign in.
    stage.sts.reset();
    token(&stage, "2020-01-01T00:00:00Z", &RENEWABLE.replace("refresh-me", "no"));
    let failed = run(&stage, "Dev");
    assert!(
        failed.stderr.contains("sign in") && failed.stderr.contains("Invalid refresh token"),
        "{failed:?}"
    );
    assert_eq!(actions(&stage), ["CreateToken"]);
}

/// Two minutes from now.
fn humantime_soon() -> String {
    let time = std::time::SystemTime::now() + std::time::Duration::from_secs(120);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// A proxy that refuses every connection, and tells to which host each would have gone.
fn refusing_proxy() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, hosts) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let host = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
            let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
            if sender.send(host).is_err() {
                return;
            }
        }
    });
    (address, hosts)
}

#[test]
fn both_services_are_reached_as_sts_is() {
    let stage = Stage::new();
    let (proxy, hosts) = refusing_proxy();
    // The variables, the lines of the profile, the region, and the hosts of the portal and the OIDC service.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, [&'a str; 2]);
    let plain = ["portal.sso.eu-west-1.amazonaws.com", "oidc.eu-west-1.amazonaws.com"];
    let fips = ["portal.sso-fips.eu-west-1.amazonaws.com", "oidc-fips.eu-west-1.amazonaws.com"];
    let dual = ["portal.sso.eu-west-1.api.aws", "oidc.eu-west-1.api.aws"];
    let own = ["portal.example", "oidc.example"];
    let services = "services = own\n[services own]\nsso =\n  endpoint_url = https://portal.example\n\
                    sso_oidc =\n  endpoint_url = https://oidc.example\nsts =\n  endpoint_url = https://sts.example\n";
    let cases: &[Case<'_>] = &[
        (&[], "", "eu-west-1", plain),
        (
            &[],
            "",
            "cn-north-1",
            ["portal.sso.cn-north-1.amazonaws.com.cn", "oidc.cn-north-1.amazonaws.com.cn"],
        ),
        // The region is that of the sign-in, not that of the work.
        (&[("AWS_REGION", "us-east-1")], "region = us-east-1", "eu-west-1", plain),
        (&[("AWS_USE_FIPS_ENDPOINT", "true")], "", "eu-west-1", fips),
        (&[], "use_fips_endpoint = true", "eu-west-1", fips),
        (&[("AWS_USE_DUALSTACK_ENDPOINT", "true")], "", "eu-west-1", dual),
        (&[], "use_dualstack_endpoint = true", "eu-west-1", dual),
        (&[("AWS_ENDPOINT_URL", "https://all.example")], "", "eu-west-1", ["all.example"; 2]),
        (&[], "endpoint_url = https://all.example", "eu-west-1", ["all.example"; 2]),
        (&[], services, "eu-west-1", own),
        (
            &[
                ("AWS_ENDPOINT_URL_SSO", "https://portal.example"),
                ("AWS_ENDPOINT_URL_SSO_OIDC", "https://oidc.example"),
            ],
            "endpoint_url = https://all.example",
            "eu-west-1",
            own,
        ),
        (&[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")], services, "eu-west-1", plain),
        (
            &[
                ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
                ("AWS_ENDPOINT_URL_SSO", "https://portal.example"),
            ],
            "endpoint_url = https://all.example",
            "eu-west-1",
            plain,
        ),
        (&[("AWS_ENDPOINT_URL_STS", "https://sts.example")], "", "eu-west-1", plain),
        // A flag is for STS.
        (
            &[],
            "ignore_configured_endpoint_urls = true\nendpoint_url = https://all.example",
            "eu-west-1",
            plain,
        ),
    ];
    for (variables, of_profile, region, expected) in cases {
        stage.profiles(&config(region, ""), "");
        // Only the profile in use has the lines.
        let in_use =
            config(region, "").replacen("[profile Root]", &format!("{of_profile}\n[profile Root]"), 1);
        stage.profiles(&in_use, "");
        for (expires, host) in [("2030-01-01T00:00:00Z", expected[0]), ("2020-01-01T00:00:00Z", expected[1])]
        {
            token(&stage, expires, RENEWABLE);
            let mut arl = stage.bare("arl");
            arl.args(["assume", "Dev", "--json"]).env("HTTPS_PROXY", &proxy).env("AWS_MAX_ATTEMPTS", "1");
            arl.env_remove("AWS_ENDPOINT_URL_STS").envs(variables.iter().copied());
            let failed = stage.run(&mut arl);
            failed.failure(1, "could not get the source credentials");
            let asked = hosts.try_iter().collect::<Vec<_>>();
            assert_eq!(asked, [format!("{host}:443")], "{variables:?} {of_profile} {region}: {failed:?}");
        }
    }
}

#[test]
fn both_services_have_the_certificates_and_checks_of_sts() {
    let stage = stage();
    let ca = stage.home.join("ca.pem");
    std::fs::write(&ca, stage.sts.ca_pem()).unwrap();
    stage.profiles(&config("eu-west-1", &format!("ca_bundle = {}", ca.display())), "");
    token(&stage, "2020-01-01T00:00:00Z", RENEWABLE);
    let https = stage.sts.https_url();
    let with = |name: &str, value: &str| stage.run(arl(&stage, "Dev").env(name, value));
    let mut secure = arl(&stage, "Dev");
    secure.env("AWS_ENDPOINT_URL_SSO", &https).env("AWS_ENDPOINT_URL_SSO_OIDC", &https);
    let _ = stage.run(&mut secure).success();
    assert_eq!(actions(&stage), ["CreateToken", "GetRoleCredentials"]);
    assert!(stage.sts.requests().iter().all(|request| request.tls));
    for name in ["AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC"] {
        with(name, "http://portal.example").failure(2, "is plain http to another machine");
        with(name, "https://user:secret@portal.example").failure(2, "contains a user name");
        assert!(!with(name, "https://user:secret@portal.example").stderr.contains("secret@"));
    }
    // A region becomes part of the host that gets the token.
    for region in ["evil.example/", "eu-west-1@evil.example", "eu west"] {
        stage.profiles(&config(region, ""), "");
        run(&stage, "Dev").failure(1, "which is not a region");
    }
}

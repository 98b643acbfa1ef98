//! Faults of STS and of the connection: each is one clear error, and `eval` fails.

use std::net::TcpListener;
use std::time::Duration;

use arl_sts::{Fault, World};

use crate::support::{DEPLOY, Stage};

/// Every attempt meets the fault: status 1, one error, and only the failing statement on stdout.
#[track_caller]
fn fails(fault: Fault, said: &str) -> Stage {
    let stage = Stage::new();
    stage.sts.inject(fault, usize::MAX);
    let run = stage.arl(&["-v", "assume", DEPLOY, "--shell", "bash"]);
    run.failure(1, said);
    assert_eq!(run.stdout, "(exit 1)\n");
    assert!(run.stderr.bytes().all(|b| b == b'\n' || b >= 0x20), "{run:?}");
    stage
}

/// The first two attempts meet the fault, and the third one succeeds.
#[track_caller]
fn is_survived(fault: Fault) {
    let stage = Stage::new();
    stage.sts.inject(fault, 2);
    let _ = stage.arl(&["assume", DEPLOY]).success();
}

#[test]
fn throttling_is_retried_then_reported() {
    is_survived(Fault::Throttle);
    let stage = fails(Fault::Throttle, "Throttling: Rate exceeded");
    assert_eq!(stage.assumed().len(), 3);
}

#[test]
fn server_errors_are_retried_then_reported() {
    is_survived(Fault::Status(500));
    is_survived(Fault::Status(503));
    fails(Fault::Status(500), "HTTP 500");
    fails(Fault::Status(503), "HTTP 503");
}

#[test]
fn a_slow_answer_is_accepted() {
    let stage = Stage::new();
    stage.sts.inject(Fault::Delay(Duration::from_millis(300)), 1);
    let _ = stage.arl(&["assume", DEPLOY]).success();
}

#[test]
fn an_answer_that_arrives_byte_by_byte_times_out() {
    fails(Fault::Drip, "no complete response within 18s");
}

#[test]
fn a_server_that_never_answers_times_out() {
    fails(Fault::Silence, "no complete response within 18s");
}

#[test]
fn a_reset_connection_is_retried_then_reported() {
    is_survived(Fault::Reset);
    fails(Fault::Reset, "the connection failed: ");
}

#[test]
fn an_incomplete_answer_is_an_error() {
    fails(Fault::Truncate, "the connection failed: ");
    fails(Fault::Malform, "the response is invalid");
    fails(Fault::NoCredentials, "it contains no credentials");
}

#[test]
fn an_answer_above_the_size_limit_is_an_error() {
    fails(Fault::Oversize, "larger than 1 MiB");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", elsewhere.local_addr().unwrap());
    fails(Fault::Redirect(url), "redirect (HTTP 302)");
    assert!(elsewhere.accept().is_err(), "arl followed the redirect");
}

#[test]
fn a_session_that_does_not_match_the_request_is_refused() {
    fails(
        Fault::WrongRole,
        "arl asked for `arn:aws:iam::123456789012:role/Deploy` and got `arn:aws:sts::123456789012:assumed-role/Administrator/",
    );
    fails(Fault::FarExpiry, "no STS session lasts that long");
    fails(Fault::PastExpiry, "expired at");
    fails(Fault::ControlCharacters, "the session token contains whitespace, a control character");
}

#[test]
fn a_hostile_message_cannot_write_to_the_terminal() {
    let message = "\u{1b}]0;owned\u{7}\r\u{202e}no".to_owned();
    fails(Fault::Refuse("AccessDenied", message), "\\u{1b}]0;owned\\u{7}\\u{d}\\u{202e}no");
}

#[test]
fn a_wrong_local_clock_is_corrected_or_reported() {
    // STS refuses the signature because of its date. The SDK takes the server's time and signs again.
    for offset in [-3600, 3600] {
        let stage = Stage::new();
        stage.sts.change(|world| world.clock_offset = offset);
        let run = stage.arl(&["assume", DEPLOY, "--json", "--duration", "15m"]);
        if offset < 0 {
            // By the local clock the session has expired already, so no SDK here would use it.
            run.failure(1, "by this machine's clock");
        } else {
            let _ = run.success();
        }
    }
    // A wrong `Date` header does not matter if STS accepts the signature.
    let stage = Stage::new();
    stage.sts.inject(Fault::SkewedDate(-86_400), 1);
    let _ = stage.arl(&["assume", DEPLOY]).success();
}

#[test]
fn every_sts_error_code_has_its_hint() {
    for (code, message, hint) in [
        ("ExpiredToken", "expired", "have expired"),
        ("InvalidClientTokenId", "invalid", "AWS does not know the access key"),
        ("SignatureDoesNotMatch", "no match", "the secret key is wrong"),
        ("MalformedPolicyDocument", "Syntax errors in policy.", "check the syntax of --policy"),
        ("PackedPolicyTooLarge", "Packed policy consumes 132%", "shorten --policy"),
        ("RegionDisabledException", "STS is not activated", "activate STS in us-east-1"),
        ("AccessDenied", "User: x is not authorized", "must allow the identity of these credentials"),
        (
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code.",
            "wait for the next one",
        ),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            "every role allows 1h (--duration 1h)",
        ),
    ] {
        let stage = fails(Fault::Refuse(code, message.to_owned()), &format!("{code}: {message}"));
        stage.sts.reset();
        stage.sts.inject(Fault::Refuse(code, message.to_owned()), usize::MAX);
        assert!(stage.arl(&["assume", DEPLOY]).stderr.contains(hint), "{code}: {hint}");
    }
}

#[test]
fn a_refused_connection_is_reported_at_once() {
    let stage = Stage::new();
    let run = stage
        .run(stage.as_ann("arl").args(["assume", DEPLOY]).env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"));
    run.failure(1, "Connection refused");
    let run = stage
        .run(stage.as_ann("arl").args(["assume", DEPLOY]).env("AWS_ENDPOINT_URL_STS", "https://127.0.0.1:1"));
    run.failure(1, "Connection refused");
}

#[test]
fn plain_http_to_another_host_needs_a_flag() {
    let stage = Stage::new();
    for url in ["http://sts.example.com", "http://127.0.0.1.example.com:80", "http://10.1.2.3"] {
        let run = stage.arl(&["assume", DEPLOY, "--endpoint-url", url]);
        run.failure(2, "is plain http to another machine");
        assert!(run.stderr.contains("--allow-insecure-endpoint"), "{run:?}");
    }
    stage.arl(&["assume", DEPLOY, "--endpoint-url", "notaurl"]).failure(2, "is not a URL");
}

#[test]
fn tls_needs_a_certificate_of_a_trusted_authority() {
    let stage = Stage::new();
    let mut unknown = stage.as_ann("arl");
    unknown.args(["assume", DEPLOY]).env("AWS_ENDPOINT_URL_STS", stage.sts.https_url());
    let run = stage.run(&mut unknown);
    run.failure(1, "invalid peer certificate");
    assert!(run.stderr.contains("AWS_CA_BUNDLE"), "{run:?}");

    let bundle = stage.home.join("ca.pem");
    let with_bundle = |pem: &[u8]| {
        std::fs::write(&bundle, pem).unwrap();
        let mut command = stage.as_ann("arl");
        command
            .args(["assume", DEPLOY])
            .env("AWS_ENDPOINT_URL_STS", stage.sts.https_url())
            .env("AWS_CA_BUNDLE", &bundle);
        stage.run(&mut command)
    };
    let _ = with_bundle(stage.sts.ca_pem().as_bytes()).success();
    assert!(stage.assumed()[0].tls);
    for junk in [
        &b""[..],
        b"junk",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let run = with_bundle(junk);
        assert_eq!(run.status, 1, "{run:?}");
        assert!(!run.stderr.contains("a bug in arl"), "{run:?}");
    }
    let mut missing = stage.as_ann("arl");
    missing
        .args(["assume", DEPLOY])
        .env("AWS_ENDPOINT_URL_STS", stage.sts.https_url())
        .env("AWS_CA_BUNDLE", "/nowhere");
    stage.run(&mut missing).failure(1, "cannot read the CA bundle `/nowhere`");
}

#[test]
fn a_clock_error_is_reported_with_its_size() {
    let stage = Stage::new();
    stage.sts.change(|world| world.clock_offset = 2 * 3600);
    let message = "Signature expired: 20261121T214620Z is now earlier than 20261121T233120Z".to_owned();
    stage.sts.inject(Fault::Refuse("SignatureDoesNotMatch", message), usize::MAX);
    let run = stage.arl(&["assume", DEPLOY]);
    run.failure(1, "this machine's clock is 2h behind the endpoint's");
    stage.sts.reset();
    stage.sts.change(|world| world.clock_offset = 0);
    stage.sts.inject(Fault::Refuse("SignatureDoesNotMatch", String::new()), usize::MAX);
    let run = stage.arl(&["assume", DEPLOY]);
    assert!(!run.stderr.contains("ahead of") && !run.stderr.contains("behind"), "{run:?}");
}

#[test]
fn access_denied_lists_conditions_that_may_be_missing() {
    let stage = Stage::new();
    let run = stage.arl(&["assume", "123456789012/Closed"]);
    run.failure(
        1,
        "arl asked as `arn:aws:iam::111122223333:user/ann` (environment, key …0001); the role's trust policy",
    );
    for hint in ["pass it with --external-id", "--serial-number"] {
        assert!(run.stderr.contains(hint), "{hint}: {run:?}");
    }
    let run = stage.arl(&["assume", "123456789012/ThirdParty", "--external-id", "ext-4712"]);
    run.failure(1, "check that `ext-4712` is the external ID");
    assert!(!run.stderr.contains("TagSession") && !run.stderr.contains("SetSourceIdentity"), "{run:?}");
    let run = stage.arl(&["assume", "123456789012/Closed", "--tags", "a=b", "--source-identity", "ann"]);
    run.failure(1, "sts:TagSession");
    assert!(run.stderr.contains("sts:SetSourceIdentity"), "{run:?}");
    // In a chain, the caller is the session of the previous role.
    let run = stage.arl(&["assume", "123456789012/ReadOnly", "--via", DEPLOY]);
    run.failure(1, "arn:aws:sts::123456789012:assumed-role/Deploy/");
    let policy = format!("{{\"Statement\":[\"{}\"]}}", "x".repeat(3000));
    stage
        .arl(&["assume", DEPLOY, "--policy", &policy])
        .failure(1, "Packed policy consumes 147% of allotted space");
}

/// Ceph puts the role's path into the session's ARN. MinIO sends no ARN.
#[test]
fn sessions_of_other_implementations_of_sts_are_accepted_from_an_endpoint_of_ones_own() {
    const EDITOR: &str = "123456789012/team/dns_editor";
    let stage = Stage::new();
    let session = |rest: &str| Fault::SessionArn(format!("arn:aws:sts::123456789012:assumed-role/{rest}"));
    let assume = |fault: Fault| {
        stage.sts.reset();
        stage.sts.inject(fault, 1);
        stage.arl(&["assume", EDITOR, "--json"])
    };
    for rest in ["team/dns_editor/s1", "dns_editor/s1"] {
        let run = assume(session(rest));
        assert_eq!(run.stderr, "", "{rest}");
        let _ = run.success();
    }
    let run = assume(Fault::SessionArn(String::new()));
    assert!(
        run.stderr.contains("does not say of which role this session is") && run.stderr.lines().count() == 1,
        "{run:?}"
    );
    let _ = run.success();
    // Another path, another role, or no session.
    for rest in [
        "other/dns_editor/s1",
        "team/other/s1",
        "team/dns_editor",
        "team/team/dns_editor/s1",
        "team//dns_editor/s1",
    ] {
        assert_eq!(assume(session(rest)).status, 1, "{rest}");
    }
}

#[test]
fn hints_follow_what_sts_says() {
    let denied = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: ";
    for (code, message, region, hint, other) in [
        (
            "SignatureDoesNotMatch",
            "Credential should be scoped to a valid region.".to_owned(),
            "us-west-2",
            "arl signed the request for region us-west-2",
            "date -u",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z".into(),
            "us-east-1",
            "date -u",
            "secret key is wrong",
        ),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match".into(),
            "us-east-1",
            "secret key is wrong",
            "another region",
        ),
        (
            "AccessDenied",
            "Roles may not be assumed by root accounts.".into(),
            "us-east-1",
            "the root user of an account cannot assume roles",
            "trust policy",
        ),
        (
            "AccessDenied",
            format!(
                "{denied}sts:AssumeRole on resource: x with an explicit deny in a service control policy"
            ),
            "us-east-1",
            "a policy of the organization denies it",
            "trust policy",
        ),
        (
            "AccessDenied",
            format!("{denied}sts:TagSession on resource: x"),
            "us-east-1",
            "for session tags, both the role's trust policy and the caller's policy must allow sts:TagSession",
            "external ID",
        ),
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid".into(),
            "ap-east-1",
            "in region ap-east-1",
            "another partition",
        ),
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid".into(),
            "eu-west-1",
            "does not belong to the partition of region eu-west-1",
            "has not enabled",
        ),
        (
            "InvalidClientTokenId",
            "invalid".into(),
            "cn-north-1",
            "not belong to the partition",
            "has not enabled",
        ),
    ] {
        let stage = Stage::new();
        stage.sts.inject(Fault::Refuse(code, message.clone()), usize::MAX);
        let run = stage.arl(&["assume", DEPLOY, "--region", region]);
        run.failure(1, &message);
        let hints: String = run.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
        assert!(hints.contains(hint) && !hints.contains(other), "{message}: {run:?}");
    }
}

/// tokio and the TLS library panic where they get no file descriptor.
#[test]
fn too_few_file_descriptors_are_an_error_and_no_panic() {
    let stage = Stage::new();
    let https = stage.sts.https_url();
    let process = format!(
        "[profile p]\ncredential_process = echo '{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\"}}'\n",
        World::ANN_KEY,
        World::ANN_SECRET
    );
    stage.profiles(&process, "");
    for limit in (3..14).chain([16, 20, 24]) {
        for line in [
            "assume $ROLE --shell bash",
            "exec $ROLE -- true",
            "exec --server $ROLE -- true",
            "write $ROLE --profile-name x",
            "console $ROLE",
            "assume $ROLE --profile p --json",
            "each $ROLE 123456789012/ReadOnly -- true",
            "explain $ROLE",
            "status",
        ] {
            for url in [&stage.sts.url(), &https] {
                let mut limited = stage.as_ann("bash");
                limited.args(["-c", &format!("ulimit -n {limit}; exec arl {line}")]).env("ROLE", DEPLOY);
                let run = stage.run(limited.env("AWS_ENDPOINT_URL_STS", url));
                let context = format!("{limit}: {line}: {run:?}");
                assert!([0, 1, 2, 125, 127].contains(&run.status), "{context}");
                assert!(
                    !run.stderr.contains("panicked") && !run.stderr.contains("a bug in arl"),
                    "{context}"
                );
                if run.status == 0 && line.contains("--shell") {
                    assert!(run.stdout.contains("AWS_SESSION_TOKEN"), "{context}");
                }
            }
        }
    }
    let mut limited = stage.as_ann("bash");
    limited.args(["-c", &format!("ulimit -n 9; exec arl assume {DEPLOY} --shell bash")]);
    let run = stage.run(&mut limited);
    run.failure(1, "(os error 24)");
    assert!(run.stderr.contains("hint: raise the limit of open files"), "{run:?}");
    assert_eq!(run.stdout, "(exit 1)\n");
}

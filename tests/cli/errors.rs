//! The whole output of every error that comes with a hint, and of those that its cause alone explains.

use std::fs;
use std::thread;

use arl_sts::{Fault, World};

use crate::snapshot::Snapshots;
use crate::support::{DEPLOY, Run, Stage, write_program};

const CLOSED: &str = "123456789012/Closed";

/// A command that fails, and what is prepared for it.
struct Case {
    name: &'static str,
    config: String,
    faults: Vec<Fault>,
    prepare: Box<dyn Fn(&Stage) + Send>,
    variables: Vec<(&'static str, String)>,
    without_keys: bool,
    args: Vec<String>,
}

/// `arl assume` with Ann's keys and these arguments.
fn assume(name: &'static str, args: &[&str]) -> Case {
    Case {
        name,
        config: String::new(),
        faults: Vec::new(),
        prepare: Box::new(|_| ()),
        variables: Vec::new(),
        without_keys: false,
        args: [&["assume"], args].concat().iter().map(|&arg| arg.to_owned()).collect(),
    }
}

/// `arl assume` with these arguments and no keys in the environment.
fn assume_without_keys(name: &'static str, args: &[&str]) -> Case {
    Case { without_keys: true, ..assume(name, args) }
}

/// `arl assume DEPLOY` where every answer of STS has this fault.
fn assume_with_fault(name: &'static str, fault: Fault) -> Case {
    assume(name, &[DEPLOY]).fault(fault)
}

/// `arl assume DEPLOY` where STS refuses with this code and message.
fn refused(name: &'static str, code: &'static str, message: &str) -> Case {
    assume_with_fault(name, Fault::Refuse(code, message.to_owned()))
}

impl Case {
    fn config(self, config: impl Into<String>) -> Self {
        Self { config: config.into(), ..self }
    }

    fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    fn prepare(self, prepare: impl Fn(&Stage) + Send + 'static) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }

    fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    fn mfa(self, code: &str) -> Self {
        self.arg("--serial-number").arg(World::ANN_MFA).arg("--token-code").arg(code)
    }

    fn run(&self) -> (Stage, Run) {
        let stage = Stage::new();
        let keys = format!(
            "[ann]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            World::ANN_KEY,
            World::ANN_SECRET
        );
        stage.profiles(&self.config, &keys);
        (self.prepare)(&stage);
        for fault in &self.faults {
            stage.sts.inject(fault.clone(), usize::MAX);
        }
        // No terminal, so that arl cannot ask for a code.
        let mut arl = if self.without_keys { stage.bare("setsid") } else { stage.as_ann("setsid") };
        let url = |text: &String| {
            let plain = text.replace("EXPIRED_TLS", &stage.sts.expired_https_url());
            plain.replace("TLS", &stage.sts.https_url()).replace("STS", &stage.sts.url())
        };
        arl.args(["--wait", "arl"]).args(&self.args).args(["--shell", "bash"]);
        arl.envs(self.variables.iter().map(|(name, value)| (name, url(value))));
        let run = stage.run(&mut arl);
        (stage, run)
    }
}

/// A profile whose role is `Deploy`.
fn role_profile(name: &str, rest: &str) -> String {
    format!("[profile {name}]\nrole_arn = {DEPLOY}\n{rest}\n")
}

fn sources() -> Vec<Case> {
    let chain = |name: &str, source: &str| role_profile(name, &format!("source_profile = {source}"));
    vec![
        assume_without_keys("no-source", &[DEPLOY]),
        assume("unknown-profile", &[DEPLOY, "--profile", "nowhere"]),
        assume("unknown-profile-with-suggestion", &[DEPLOY, "--profile", "anm"]),
        assume_without_keys("unknown-profile-in-variable", &[DEPLOY]).variable("AWS_PROFILE", "anm"),
        assume("unknown-source-profile", &["gone"]).config(chain("gone", "nowhere")),
        assume("profiles-in-a-circle", &["a"]).config(chain("a", "b") + &chain("b", "a")),
        assume("profile-without-source", &["neither"]).config(role_profile("neither", "")),
        assume("profile-with-two-sources", &["both"])
            .config(role_profile("both", "source_profile = ann\ncredential_source = Environment")),
        assume("profile-without-credentials", &[DEPLOY, "--profile", "empty"])
            .config("[profile empty]\nregion = x\n"),
        assume("invalid-value-in-profile", &["bad"])
            .config(role_profile("bad", "source_profile = ann\nduration_seconds = 5")),
        assume("unreadable-config", &[DEPLOY]).config("[profile a\n"),
        assume_without_keys("half-a-key-in-environment", &[DEPLOY]).variable("AWS_ACCESS_KEY_ID", "AKIAHALF"),
        assume("chain-without-role", &[DEPLOY, "--chain"]),
        assume_without_keys("original-source-lost", &[DEPLOY])
            .variable("AWS_ACCESS_KEY_ID", "ASIAHELD")
            .variable("AWS_SECRET_ACCESS_KEY", "held-secret")
            .variable("AWS_SESSION_TOKEN", "held-token")
            .variable("ARL_KEY_ID", "ASIAHELD")
            .variable("ARL_SOURCE", "env:AKIAIOSFODNN7ANN0001"),
        assume_without_keys("original-source-unknown", &[DEPLOY])
            .variable("AWS_ACCESS_KEY_ID", "ASIAHELD")
            .variable("AWS_SECRET_ACCESS_KEY", "held-secret")
            .variable("AWS_SESSION_TOKEN", "held-token")
            .variable("ARL_KEY_ID", "ASIAHELD"),
        assume("unknown-role", &["nowhere"]),
        assume("unknown-role-with-suggestion", &["deplyo"])
            .config(role_profile("deploy", "source_profile = ann")),
    ]
}

fn failing_sources() -> Vec<Case> {
    let sso = "[profile sso]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
               [sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n";
    let script = |text: &'static str| {
        move |stage: &Stage| {
            let path = stage.home.join("creds");
            write_program(&path, format!("#!/bin/sh\n{text}\n"));
        }
    };
    let process = "[profile p]\ncredential_process = ./creds\n";
    vec![
        assume("sso-not-signed-in", &[DEPLOY, "--profile", "sso"]).config(sso),
        assume("login-not-signed-in", &[DEPLOY, "--profile", "me"])
            .config("[profile me]\nlogin_session = arn:aws:iam::111122223333:user/ann\nregion = eu-west-1\n"),
        assume("credential-process-fails", &[DEPLOY, "--profile", "p"])
            .config(process)
            .prepare(script("echo no luck >&2; exit 3")),
        assume("credential-process-prints-nothing", &[DEPLOY, "--profile", "p"])
            .config(process)
            .prepare(script("")),
        assume_without_keys("container-refuses", &[DEPLOY])
            .variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "STS/container")
            .variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong"),
        assume_without_keys("instance-metadata-unreachable", &[DEPLOY])
            .variable("AWS_EC2_METADATA_DISABLED", "false"),
        assume_without_keys("web-identity-without-file", &[DEPLOY])
            .variable("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere")
            .variable("AWS_ROLE_ARN", DEPLOY),
        assume("mfa-session-with-wrong-code", &["123456789012/NeedsMfa"]).mfa("999999").arg("--mfa-session"),
    ]
}

fn refusals() -> Vec<Case> {
    let denied = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sts:AssumeRole";
    vec![
        assume("denied", &[CLOSED]),
        assume("denied-in-a-chain", &["123456789012/ReadOnly", "--via", DEPLOY]),
        assume("denied-with-external-id", &["123456789012/ThirdParty", "--external-id", "ext-4712"]),
        assume(
            "denied-with-tags-and-source-identity",
            &[CLOSED, "--tags", "a=b", "--source-identity", "ann"],
        ),
        assume("denied-with-mfa", &[CLOSED]).mfa("100001"),
        refused("denied-without-arn", "AccessDenied", "Access denied"),
        refused("denied-by-exception-name", "AccessDeniedException", denied),
        assume("wrong-mfa-code", &["123456789012/NeedsMfa"]).mfa("999999"),
        refused(
            "mfa-required",
            "AccessDenied",
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
        ),
        assume("mfa-code-without-terminal", &["123456789012/NeedsMfa", "--serial-number", World::ANN_MFA]),
        refused("expired-token", "ExpiredToken", "The security token included in the request is expired"),
        refused(
            "unknown-key",
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
        refused(
            "wrong-secret-key",
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
        ),
        refused("clock-behind", "SignatureDoesNotMatch", "Signature not yet current")
            .prepare(|stage| stage.sts.change(|world| world.clock_offset = 2 * 3600)),
        refused("clock-ahead", "RequestExpired", "Signature expired")
            .prepare(|stage| stage.sts.change(|world| world.clock_offset = -2 * 3600)),
        assume("duration-above-the-roles-maximum", &[DEPLOY, "--duration", "2h"]),
        refused(
            "chained-duration",
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ),
        refused("other-validation-error", "ValidationError", "1 validation error detected"),
        refused("malformed-policy", "MalformedPolicyDocument", "Syntax errors in policy."),
        refused(
            "packed-policy-too-large",
            "PackedPolicyTooLarge",
            "Packed policy consumes 132% of allotted space",
        ),
        refused("region-disabled", "RegionDisabledException", "STS is not activated in this region"),
        refused("throttled", "Throttling", "Rate exceeded"),
        refused("invalid-identity-token", "InvalidIdentityToken", "No OpenIDConnect provider found"),
        refused("code-without-hint", "InternalFailure", "An internal error"),
        refused("code-without-message", "SomethingNew", ""),
        refused("control-characters-in-message", "AccessDenied", "\u{1b}]0;owned\u{7}\r\u{202e}no"),
    ]
}

fn endpoints() -> Vec<Case> {
    vec![
        assume_with_fault("http-500", Fault::Status(500)),
        assume_with_fault("redirect", Fault::Redirect("http://127.0.0.1:1/".into())),
        assume_with_fault("not-xml", Fault::Malform),
        assume_with_fault("no-credentials-in-answer", Fault::NoCredentials),
        assume_with_fault("answer-too-large", Fault::Oversize),
        assume_with_fault("connection-closed", Fault::Truncate),
        assume_with_fault("silence", Fault::Silence),
        assume_with_fault("wrong-role", Fault::WrongRole),
        assume_with_fault("far-expiry", Fault::FarExpiry),
        assume_with_fault("past-expiry", Fault::PastExpiry),
        assume_with_fault("control-characters-in-token", Fault::ControlCharacters),
        assume("connection-refused", &[DEPLOY]).variable("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"),
        assume("unknown-certificate", &[DEPLOY]).variable("AWS_ENDPOINT_URL_STS", "TLS"),
        assume("missing-ca-bundle", &[DEPLOY])
            .variable("AWS_ENDPOINT_URL_STS", "TLS")
            .variable("AWS_CA_BUNDLE", "/nowhere"),
        assume("expired-certificate", &[DEPLOY])
            .variable("AWS_ENDPOINT_URL_STS", "EXPIRED_TLS")
            .variable("AWS_CA_BUNDLE", "ca.pem")
            .prepare(|stage| fs::write(stage.home.join("ca.pem"), stage.sts.ca_pem()).unwrap()),
        assume("plain-http-to-another-host", &[DEPLOY, "--endpoint-url", "http://sts.example.com"]),
        assume("endpoint-is-not-a-url", &[DEPLOY, "--endpoint-url", "notaurl"]),
    ]
}

/// Usage errors, of which `eval` must hear as well.
fn usage() -> Vec<Case> {
    vec![
        assume("no-role", &[]),
        assume("unknown-flag", &[DEPLOY, "--no-such-flag"]),
        assume("duration-too-short", &[DEPLOY, "--duration", "1s"]),
        assume("invalid-token-code", &[DEPLOY, "--token-code", "10000x"]),
        assume("account-id-too-short", &["12345678901/Deploy"]),
        assume("not-a-role-arn", &["arn:aws:iam::123456789012:user/ann"]),
    ]
}

#[test]
fn snapshots_of_errors() {
    Snapshots::check("errors", |snapshots| {
        let groups = [sources(), failing_sources(), refusals(), endpoints(), usage()];
        // At the same time, because some wait for time limits.
        thread::scope(|scope| {
            for case in groups.into_iter().flatten() {
                scope.spawn(move || {
                    let (stage, run) = case.run();
                    assert_ne!(run.status, 0, "{} succeeds: {run:?}", case.name);
                    snapshots.assert_snapshot(case.name, &stage, &run);
                });
            }
        });
    });
}

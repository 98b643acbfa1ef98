//! The statements that `assume` and `clear` print, in every dialect.

use std::process::Command;

use arl_sts::World;

use crate::snapshot::Snapshots;
use crate::support::{DEPLOY, Stage};

const DIALECTS: [&str; 10] =
    ["posix", "bash", "zsh", "fish", "tcsh", "nushell", "elvish", "xonsh", "powershell", "cmd"];

/// A shell that already has a role of arl's.
const ROLE: [(&str, &str); 8] = [
    ("AWS_ACCESS_KEY_ID", "ASIAHELD"),
    ("AWS_SECRET_ACCESS_KEY", "held-secret"),
    ("AWS_SESSION_TOKEN", "held-token"),
    ("AWS_CREDENTIAL_EXPIRATION", "2039-01-01T00:00:00Z"),
    ("ARL_KEY_ID", "ASIAHELD"),
    ("ARL_EXPIRES_AT", "2177452800"),
    ("ARL_ROLE_ARN", "arn:aws:iam::123456789012:role/ReadOnly"),
    ("ARL_SOURCE", "profile:ann"),
];

#[test]
fn snapshots_of_statements() {
    Snapshots::check("dialects", |snapshots| {
        for dialect in DIALECTS {
            let stage = Stage::new();
            let keys = format!(
                "aws_access_key_id = {}\naws_secret_access_key = {}\n",
                World::ANN_KEY,
                World::ANN_SECRET
            );
            stage.profiles("", &format!("[ann]\n{keys}"));
            let check = |name: &str, args: &[&str], prepare: &dyn Fn(&mut Command)| {
                let mut arl = stage.bare("arl");
                prepare(arl.args(args).args(["--shell", dialect]));
                let run = stage.run(&mut arl);
                snapshots.assert_snapshot(&format!("{dialect}-{name}"), &stage, &run);
            };
            let assume = ["assume", DEPLOY, "--profile", "ann"];
            check("assume", &assume, &|_| ());
            check("assume-with-region", &[&assume[..], &["--region", "eu-west-1"]].concat(), &|_| ());
            check("assume-over-other-credentials", &["assume", DEPLOY, "--region", "eu-west-1"], &|arl| {
                let keys =
                    [("AWS_ACCESS_KEY_ID", World::ANN_KEY), ("AWS_SECRET_ACCESS_KEY", World::ANN_SECRET)];
                arl.envs(keys)
                    .envs([("AWS_REGION", "us-west-2"), ("AWS_ROLE_SESSION_NAME", "it's $(x) \"100%\"")]);
            });
            check("assume-over-role", &["assume", DEPLOY], &|arl| {
                arl.envs(ROLE);
            });
            check("clear", &["clear"], &|arl| {
                arl.envs(ROLE);
            });
            check("clear-without-role", &["clear"], &|_| ());
            check("failure", &["assume", "123456789012/Closed", "--profile", "ann"], &|_| ());
        }
    });
}

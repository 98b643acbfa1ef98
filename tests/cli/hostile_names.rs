//! Names in the user's files with characters that a terminal would obey.

use serde_json::Value;

use crate::support::{DEPLOY, Run, Stage, in_terminal};

/// A C1 control character, which begins a sequence on some terminals, and one that turns the text around.
const NAME: &str = "a\u{9b}2J\u{202e}b";

#[test]
fn no_command_shows_a_name_on_a_terminal_as_it_is() {
    let stage = Stage::new();
    let config = format!(
        "[profile {NAME}]\nrole_arn = {DEPLOY}\ncredential_source = Environment\nregion = {NAME}\n\
         [profile broken]\nrole_arn = {DEPLOY}\nsource_profile = {NAME}x\n\
         [sso-session {NAME}]\nsso_start_url = https://{NAME}.example/start\nsso_region = eu-west-1\n"
    );
    stage.profiles(&config, "");
    let quoted = format!("'{NAME}'");
    let lines = [
        "list".to_owned(),
        "list --json".to_owned(),
        format!("explain {quoted} --region eu-west-1"),
        format!("explain {quoted} --region eu-west-1 --json"),
        format!("explain {quoted}"),
        "explain broken".to_owned(),
        format!("assume {quoted} --region eu-west-1 --shell bash"),
        "each 'a*' --region eu-west-1 -- echo out".to_owned(),
        "each 'a*' --region eu-west-1 --json -- echo out".to_owned(),
        "cache list".to_owned(),
        "cache list --json".to_owned(),
        "status".to_owned(),
        "status --json".to_owned(),
        format!("login {quoted} --check"),
        format!("logout {quoted}"),
        format!("keys show {quoted}"),
        format!("exec {quoted} --region eu-west-1 -- arl status --json"),
    ];
    for line in lines {
        let run = Run::of(in_terminal(&stage, &format!("arl {line}")).output().unwrap());
        let is_unsafe = |c: char| c == '\u{9b}' || c == '\u{202e}';
        assert!(!run.stdout.contains(is_unsafe), "{line}: {run:?}");
        assert!(!run.stdout.is_empty() || line.starts_with("cache"), "{line}: {run:?}");
    }
}

#[test]
fn json_says_the_name_as_it_is() {
    let stage = Stage::new();
    stage.profiles(&format!("[profile {NAME}]\nrole_arn = {DEPLOY}\ncredential_source = Environment\n"), "");
    let json = stage.arl(&["list", "--json"]).success();
    let role: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(role["name"], NAME);
    assert!(json.contains("a\\u009b2J\\u202eb"), "{json}");
}

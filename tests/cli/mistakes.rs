//! Command lines that people bring from other tools, or mistype, and the command that arl answers with.

use crate::support::{Stage, binary};

const CONFIG: &str = "[profile dev]\nregion = eu-west-1\n\
    [profile prod-deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = dev\n\
    [profile prod-admin]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = dev\n";

/// Each mistake, what the error says, and the hint.
const MISTAKES: &[(&str, &str, &str)] = &[
    // A role in place of the command.
    ("prod-deploy", "`arl` has no command `prod-deploy`", "to become it: arl assume prod-deploy"),
    ("prod-deploy --json", "no command", "arl assume prod-deploy --json"),
    ("prod-deploy -- terraform plan", "no command", "arl exec prod-deploy -- terraform plan"),
    ("123456789012/Deploy", "no command", "arl assume 123456789012/Deploy"),
    (
        "arn:aws:iam::123456789012:role/Deploy",
        "no command",
        "arl assume arn:aws:iam::123456789012:role/Deploy",
    ),
    ("--profile prod-deploy", "stands before the command", "arl assume prod-deploy"),
    ("-p prod-deploy", "stands before the command", "arl assume prod-deploy"),
    // The commands of other tools.
    ("switch prod-deploy", "no command `switch`", "hint: arl assume prod-deploy"),
    ("use prod-deploy --json", "no command", "hint: arl assume prod-deploy --json"),
    ("use", "no command", "hint: arl assume ROLE"),
    ("run prod-deploy terraform plan", "no command", "hint: arl exec prod-deploy -- terraform plan"),
    ("run prod-deploy -- terraform plan", "no command", "hint: arl exec prod-deploy -- terraform plan"),
    ("run", "no command", "hint: arl exec ROLE -- COMMAND"),
    ("env prod-deploy", "no command", "hint: arl assume prod-deploy"),
    ("export prod-deploy", "no command", "hint: arl assume prod-deploy"),
    ("unset", "no command", "hint: arl clear"),
    ("unassume prod-deploy", "no command", "hint: arl clear"),
    ("whoami", "no command", "hint: arl status --verify"),
    ("current", "no command", "hint: arl status"),
    ("doctor prod-deploy", "no command", "hint: arl explain prod-deploy"),
    ("version", "no command", "hint: arl --version"),
    ("profiles", "no command", "hint: arl list"),
    ("open prod-deploy", "no command", "hint: arl console --open prod-deploy"),
    ("refresh prod-deploy", "no command", "hint: arl assume --refresh prod-deploy"),
    ("server prod-deploy -- make", "no command", "hint: arl exec --server prod-deploy -- make"),
    ("hook bash", "no command", "hint: arl init"),
    ("ls", "no command `ls`", "did you mean `arl list`?"),
    ("asume prod-deploy", "no command `asume`", "did you mean `arl assume`?"),
    ("xyzzy", "no command `xyzzy`", "`arl --help` lists the commands"),
    ("cache purge", "`arl cache` has no command `purge`", "`arl cache --help`"),
    // The flags of other tools.
    ("assume prod-deploy --mfa 123456", "no flag `--mfa`", "use `--token-code CODE`"),
    ("assume prod-deploy -t 123456", "no flag `-t`", "use `--token-code CODE`"),
    ("assume prod-deploy --console", "no flag `--console`", "arl console prod-deploy"),
    ("assume prod-deploy -c", "no flag `-c`", "arl console prod-deploy"),
    ("assume prod-deploy --output json", "no flag `--output`", "use `--json`"),
    ("status -o json", "no flag `-o`", "use `--json`"),
    ("assume prod-deploy --session-name me", "no flag `--session-name`", "use `--role-session-name NAME`"),
    ("assume --role-arn arn:aws:iam::123456789012:role/X", "no flag `--role-arn`", "the role is an argument"),
    ("assume prod-deploy --ttl 2h", "no flag `--ttl`", "use `--duration 2h`"),
    ("exec prod-deploy --no-session -- ls", "no flag `--no-session`", "use `--no-cache`"),
    ("exec prod-deploy -n -- ls", "no flag `-n`", "use `--no-cache`"),
    ("assume prod-deploy --server", "no flag `--server`", "arl exec prod-deploy --server -- COMMAND"),
    ("assume --un", "no flag `--un`", "hint: arl clear"),
    ("assume prod-deploy -ex", "no flag `-e`", "arl write prod-deploy --profile-name NAME"),
    ("assume prod-deploy --exec ls", "no flag `--exec`", "arl exec prod-deploy -- COMMAND"),
    ("assume prod-deploy --debug", "no flag `--debug`", "use `--verbose`"),
    ("assume prod-deploy --auto-refresh", "no flag", "export ARL_ON_EXPIRY=refresh"),
    ("assume prod-deploy --source-profile dev", "no flag", "use `--profile NAME`"),
    ("assume prod-deploy --durations 2h", "no flag `--durations`", "did you mean `--duration`?"),
    ("list --foo", "`arl list` has no flag `--foo`", "`arl list --help` lists the flags"),
    // A missing separator, and words that have no place.
    ("exec prod-deploy terraform plan", "no use for `terraform`", "arl exec prod-deploy -- terraform plan"),
    ("exec prod-deploy make -j", "no use for `make`", "arl exec prod-deploy -- make -j"),
    ("exec terraform plan", "no use for `plan`", "arl exec ROLE -- terraform plan"),
    ("each prod-deploy prod-admin ls -l", "no use for `-l`", "arl each prod-deploy prod-admin -- ls -l"),
    ("assume prod-deploy ls -l", "no use for `ls`", "arl exec prod-deploy -- ls -l"),
    (
        "assume prod-deploy prod-admin",
        "no use for `prod-admin`",
        "arl each prod-deploy prod-admin -- COMMAND",
    ),
    ("status prod-deploy", "`arl status` has no use for `prod-deploy`", "`arl status --help`"),
    // Something is missing.
    ("assume", "`arl assume` needs a role", "hint: arl assume prod-admin"),
    ("assume", "`arl assume` needs a role", "hint: the profiles: prod-admin, prod-deploy, dev"),
    ("exec", "`arl exec` needs a role", "hint: arl exec prod-admin -- COMMAND"),
    ("exec -- ls", "`arl exec` needs a role", "hint: arl exec prod-admin -- COMMAND"),
    ("console", "`arl console` needs a role", "hint: arl console prod-admin"),
    ("assume --role-name x", "`--role-name` needs --account-id ID beside it", "error"),
    ("assume --account-id 123456789012", "`--account-id` needs --role-name NAME beside it", "error"),
    ("configure prod-deploy", "`arl configure` needs --profile-name NAME", "`arl configure --help`"),
    ("arn", "`arl arn` needs ACCOUNT and NAME", "`arl arn --help`"),
    ("assume prod-deploy --region", "`--region` needs a value", "--region <REGION>"),
    // Values and flags that contradict each other.
    ("assume prod-deploy --format yaml", "`--format` must be env, json or dotenv, not `yaml`", "error"),
    ("assume prod-deploy --format jsn", "not `jsn`", "did you mean `json`?"),
    ("--color sometimes list", "`--color` must be auto, always or never, not `sometimes`", "error"),
    ("each prod-deploy -j x -- ls", "`--jobs` does not take `x`", "it is not a whole number"),
    ("assume prod-deploy --json --env", "`--json` and `--env` cannot be used together", "error"),
    ("assume prod-deploy --role-name x", "`ROLE` and `--role-name` cannot be used together", "error"),
    ("assume prod-deploy --chain -p dev", "`--chain` and `--profile` cannot be used together", "error"),
];

#[test]
fn every_mistaken_command_line_gets_its_cause_and_a_command_to_paste() {
    let stage = Stage::new();
    stage.profiles(CONFIG, "[dev]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n");
    for (line, cause, hint) in MISTAKES {
        // At a terminal some of these let the user choose a role.
        let mut arl = stage.bare("setsid");
        let run = stage.run(arl.arg(binary()).args(line.split(' ').filter(|word| !word.is_empty())));
        run.failure(2, cause);
        assert!(run.stderr.contains(hint), "{line}: {run:?}");
        assert!(run.stderr.starts_with("error: "), "{line}: {run:?}");
        assert!(run.stderr.lines().count() <= 3, "{line}: {run:?}");
    }
    assert_eq!(stage.sts.requests().len(), 0);
}

/// A hint that is a whole command line is accepted when it is pasted.
#[test]
fn the_command_that_a_hint_names_is_one_that_arl_takes() {
    let stage = Stage::new();
    stage.profiles(CONFIG, "[dev]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n");
    let explained = |command: &str| {
        let words: Vec<&str> = command.split(' ').collect();
        // `--help` behind it stops before anything is done, and after the verb and the flags are known.
        let mut arl = stage.bare(binary());
        let end = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        arl.args(&words[1..end]).arg("--help");
        assert_eq!(stage.run(&mut arl).status, 0, "{command}");
    };
    for (_, _, hint) in MISTAKES {
        let command = hint.trim_start_matches("hint: ").trim_start_matches("to become it: ");
        if command.starts_with("arl ") {
            explained(command);
        }
    }
}

/// A word of the command line may hold anything.
#[test]
fn an_unknown_word_reaches_the_terminal_without_its_control_characters() {
    let stage = Stage::new();
    for args in [&["x\u{1b}]0;owned\u{7}"][..], &["assume", "R", "--x\u{202e}y"], &["exec", "R", "a\nb"]] {
        let run = stage.run(stage.bare(binary()).args(args));
        assert_eq!(run.status, 2, "{run:?}");
        let is_unseen = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!run.stderr.contains(is_unseen), "{run:?}");
    }
}

//! Command lines that people bring from other tools, or mistype, and the command that arl answers with.

use crate::support::{DEPLOY, Stage, binary};

const CONFIG: &str = "[profile dev]\nregion = eu-west-1\n\
    [profile prod-deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\nsource_profile = dev\n\
    [profile prod-admin]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = dev\n\
    [profile team one]\nrole_arn = arn:aws:iam::123456789012:role/Mine\nsource_profile = dev\n";

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
    ("--profile prod-deploy", "must come after the command", "arl assume prod-deploy"),
    ("-p prod-deploy", "must come after the command", "arl assume prod-deploy"),
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
    ("ls", "no command `ls`", "hint: arl list"),
    ("asume prod-deploy", "no command `asume`", "did you mean `arl assume prod-deploy`?"),
    ("xyzzy", "no command `xyzzy`", "`arl --help` lists the commands"),
    ("cache purge", "`arl cache` has no command `purge`", "hint: arl cache clear"),
    // The flags of other tools.
    ("keys remove ci --yes", "no flag `--yes`", "hint: arl keys remove ci --force"),
    ("write prod-deploy --profile-name x -y", "no flag `-y`", "--profile-name x --force"),
    (
        "assume prod-deploy --mfa 123456",
        "no flag `--mfa`",
        "hint: arl assume prod-deploy --token-code 123456",
    ),
    ("assume prod-deploy -t 123456", "no flag `-t`", "hint: arl assume prod-deploy --token-code 123456"),
    ("assume prod-deploy --console", "no flag `--console`", "arl console prod-deploy"),
    ("assume prod-deploy -c", "no flag `-c`", "arl console prod-deploy"),
    ("assume prod-deploy --output json", "no flag `--output`", "hint: arl assume prod-deploy --json"),
    ("status -o json", "no flag `-o`", "hint: arl status --json"),
    (
        "assume prod-deploy --session-name me",
        "no flag `--session-name`",
        "hint: arl assume prod-deploy --role-session-name me",
    ),
    (
        "assume --role-arn arn:aws:iam::123456789012:role/X",
        "no flag `--role-arn`",
        "hint: arl assume arn:aws:iam::123456789012:role/X",
    ),
    ("assume prod-deploy --ttl 2h", "no flag `--ttl`", "hint: arl assume prod-deploy --duration 2h"),
    (
        "exec prod-deploy --no-session -- ls",
        "no flag `--no-session`",
        "hint: arl exec prod-deploy --no-cache -- ls",
    ),
    ("exec prod-deploy -n -- ls", "no flag `-n`", "hint: arl exec prod-deploy --no-cache -- ls"),
    ("assume prod-deploy --server", "no flag `--server`", "arl exec prod-deploy --server -- COMMAND"),
    ("assume --un", "no flag `--un`", "hint: arl clear"),
    ("assume prod-deploy -ex", "no flag `-e`", "arl write prod-deploy --profile-name NAME"),
    ("assume prod-deploy --exec ls", "no flag `--exec`", "arl exec prod-deploy -- ls"),
    ("assume prod-deploy --debug", "no flag `--debug`", "hint: arl assume prod-deploy --verbose"),
    ("assume prod-deploy --auto-refresh", "no flag", "export ARL_ON_EXPIRY=refresh"),
    ("assume prod-deploy --source-profile dev", "no flag", "hint: arl assume prod-deploy --profile dev"),
    (
        "assume prod-deploy --durations 2h",
        "no flag `--durations`",
        "did you mean `--duration`? arl assume prod-deploy --duration 2h",
    ),
    ("list --foo", "`arl list` has no flag `--foo`", "`arl list --help` lists the flags"),
    // Several flags of another tool, its verbs, and flags that only some commands have.
    (
        "exec -a 123456789012 -R Deploy -- ls",
        "no flag `-a`",
        "--account-id 123456789012 --role-name Deploy -- ls",
    ),
    ("assume -A 123456789012 -R Deploy", "no flag `-A`", "--account-id 123456789012 --role-name Deploy"),
    (
        "exec --no-session prod-deploy aws s3 ls",
        "no flag",
        "hint: arl exec --no-cache prod-deploy -- aws s3 ls",
    ),
    ("assume prod-deploy --output=json -n", "no flag", "hint: arl assume prod-deploy --json --no-cache"),
    ("assume -o prod-deploy", "no flag `-o`", "hint: arl assume --json prod-deploy"),
    ("-s prod-deploy", "must come after", "hint: arl exec prod-deploy --server -- COMMAND"),
    ("assume prod-deploy -s s3", "no flag `-s`", "hint: arl console prod-deploy --service s3"),
    ("login prod-deploy -s", "no flag `-s`", "`arl login --help` lists the flags"),
    ("login --profile corp", "no flag `--profile`", "hint: arl login corp"),
    ("logout --sso-session corp", "no flag `--sso-session`", "hint: arl logout corp"),
    ("list --role Deploy", "no flag `--role`", "hint: arl list Deploy"),
    ("list -a", "no flag `-a`", "hint: arl list\n"),
    ("status --all", "no flag `--all`", "hint: arl status\n"),
    ("each --all -- ls", "no flag `--all`", "hint: arl each '*' -- ls"),
    (
        "configure prod-deploy --name x",
        "no flag `--name`",
        "hint: arl configure prod-deploy --profile-name x",
    ),
    ("console prod-deploy --print", "no flag `--print`", "hint: arl console prod-deploy\n"),
    ("exec prod-deploy -it -- bash", "no flag `-i`", "hint: arl exec prod-deploy -- bash"),
    ("exec prod-deploy --shell zsh", "no flag `--shell`", "hint: arl exec prod-deploy -- zsh"),
    ("assume prod-deploy --query x", "no flag `--query`", "hint: arl assume prod-deploy --json | jq ."),
    ("assume prod-deploy --no-cli-pager", "no flag", "hint: arl assume prod-deploy\n"),
    ("list --no-color", "no flag `--no-color`", "hint: arl list --color=never"),
    ("init --bash", "no flag `--bash`", "hint: arl init bash"),
    ("assume prod-deploy --xyzzy", "no flag `--xyzzy`", "`arl assume --help` lists the flags"),
    (
        "sts assume-role --role-arn 123456789012/X --role-session-name me",
        "no command `sts`",
        "hint: arl assume 123456789012/X --role-session-name me",
    ),
    ("sts get-caller-identity", "no command `sts`", "hint: arl status --verify"),
    ("sso login --profile corp", "no command `sso`", "hint: arl login corp"),
    ("s3 ls --profile prod-deploy", "no command `s3`", "hint: arl exec prod-deploy -- aws s3 ls"),
    ("eval -a prod-deploy", "no command `eval`", "hint: arl assume prod-deploy"),
    ("setup", "no command `setup`", "hint: arl configure ROLE --profile-name NAME"),
    ("keys rm x", "`arl keys` has no command `rm`", "hint: arl keys remove x"),
    ("keys import", "`arl keys` has no command `import`", "hint: arl keys add NAME"),
    ("cache ls", "`arl cache` has no command `ls`", "hint: arl cache list"),
    ("help switch", "no command `switch`", "hint: arl assume --help"),
    ("help prod-deploy", "no command `prod-deploy`", "hint: arl --help"),
    // The same in another form: order, case, dashes, dashes of a web page.
    ("prod-deploy assume", "no command", "to become it: arl assume prod-deploy"),
    ("ASSUME prod-deploy", "no command `ASSUME`", "did you mean `arl assume prod-deploy`?"),
    ("assume prod-deploy -json", "no flag `-j`", "did you mean `arl assume prod-deploy --json`?"),
    (
        "assume prod-deploy -profile dev",
        "not take the argument `dev`",
        "`arl assume prod-deploy --profile dev`?",
    ),
    ("assume prod-deploy --DURATION 1h", "no flag", "did you mean `arl assume prod-deploy --duration 1h`?"),
    (
        "assume prod-deploy --external_id x7",
        "no flag",
        "did you mean `arl assume prod-deploy --external-id x7`?",
    ),
    (
        "assume prod-deploy profile=dev",
        "not take the argument",
        "did you mean `arl assume prod-deploy --profile=dev`?",
    ),
    (
        "assume prod-deploy json",
        "not take the argument `json`",
        "did you mean `arl assume prod-deploy --json`?",
    ),
    (
        "configure prod-deploy -- --profile-name x",
        "no flag",
        "without it: arl configure prod-deploy --profile-name x",
    ),
    ("list -- prod deploy", "not take the argument `deploy`", "without it: arl list prod deploy"),
    ("assume - json", "not take the argument `json`", "did you mean `arl assume - --json`?"),
    (
        "assume prod-deploy /json",
        "not take the argument `/json`",
        "did you mean `arl assume prod-deploy --json`?",
    ),
    (
        "assume prod-deploy \u{2014}json",
        "not take the argument",
        "did you mean `arl assume prod-deploy --json`?",
    ),
    (
        "assume prod-deploy \u{2212}d 1h",
        "not take the argument",
        "did you mean `arl assume prod-deploy -d 1h`?",
    ),
    (
        "exec prod-deploy \u{2014} ls -l",
        "not take the argument",
        "did you mean `arl exec prod-deploy -- ls -l`?",
    ),
    ("assume prod-deploy --json=true", "`--json` takes no value", "hint: arl assume prod-deploy --json\n"),
    (
        "assume prod-deploy --json true",
        "not take the argument `true`",
        "takes no value: arl assume prod-deploy --json\n",
    ),
    ("/?", "no command `/?`", "hint: arl --help"),
    ("-v", "there is no command", "`arl --help` lists the commands"),
    ("-", "no command `-`", "to go back to the previous role: arl assume -"),
    ("--verison", "`arl` has no flag `--verison`", "did you mean `arl --version`?"),
    ("--nosuch", "`arl` has no flag `--nosuch`", "`arl --help` lists the commands"),
    ("help assum", "no command `assum`", "did you mean `arl assume --help`?"),
    // A word in a place where the command takes none.
    (
        "assume 123456789012 Deploy",
        "not take the argument `Deploy`",
        "did you mean `arl assume 123456789012/Deploy`?",
    ),
    ("assume team one", "not take the argument `one`", "hint: arl assume 'team one'"),
    (
        "exec prod-deploy prod-admin -- ls",
        "not take the argument `prod-admin`",
        "arl each prod-deploy prod-admin -- ls",
    ),
    ("console prod-deploy s3", "not take the argument `s3`", "hint: arl console prod-deploy --service s3"),
    ("write prod-deploy x", "not take the argument `x`", "hint: arl write prod-deploy --profile-name x"),
    ("list prod deploy", "not take the argument `deploy`", "arl list 'prod*deploy*'"),
    ("login corp eu", "not take the argument `eu`", "one sign-in at a time: arl login corp\n"),
    ("clear prod-deploy", "not take the argument `prod-deploy`", "hint: arl clear\n"),
    ("cache clear prod-deploy", "`arl cache clear` does not take the argument", "hint: arl cache clear\n"),
    ("keys list dev", "`arl keys list` does not take the argument `dev`", "hint: arl keys list\n"),
    ("assume prod deploy", "not take the argument `deploy`", "did you mean `arl assume prod-deploy`?"),
    ("explain -", "`-` means the previous role", "hint: to go back: arl assume -"),
    ("each - -- ls", "`-` means the previous role", "hint: to go back: arl assume -"),
    // A missing separator, and words that have no place.
    ("exec prod-deploy -c ls", "no flag `-c`", "hint: arl exec prod-deploy -- ls"),
    ("each prod-deploy -c ls", "no flag `-c`", "hint: arl each prod-deploy -- ls"),
    ("each --roles-from f ls -l", "not take the argument `-l`", "arl each --roles-from f -- ls -l"),
    ("assume prod-deploy -f json", "no flag `-f`", "hint: arl assume prod-deploy --format json"),
    (
        "exec prod-deploy terraform plan",
        "not take the argument `terraform`",
        "arl exec prod-deploy -- terraform plan",
    ),
    ("exec prod-deploy make -j", "not take the argument `make`", "arl exec prod-deploy -- make -j"),
    ("exec terraform plan", "not take the argument `plan`", "arl exec ROLE -- terraform plan"),
    (
        "each prod-deploy prod-admin ls -l",
        "not take the argument `-l`",
        "arl each prod-deploy prod-admin -- ls -l",
    ),
    ("assume prod-deploy ls -l", "not take the argument `ls`", "arl exec prod-deploy -- ls -l"),
    (
        "assume prod-deploy prod-admin",
        "not take the argument `prod-admin`",
        "arl each prod-deploy prod-admin -- COMMAND",
    ),
    (
        "status prod-deploy",
        "`arl status` does not take the argument `prod-deploy`",
        "about that role: arl explain prod-deploy",
    ),
    // Something is missing.
    ("assume", "`arl assume` needs a role", "hint: arl assume prod-admin"),
    ("assume", "`arl assume` needs a role", "hint: the profiles are: prod-admin, prod-deploy, team one, dev"),
    ("exec", "`arl exec` needs a role", "hint: arl exec prod-admin -- COMMAND"),
    ("exec -- ls -l", "`arl exec` needs a role", "hint: arl exec prod-admin -- ls -l"),
    ("console", "`arl console` needs a role", "hint: arl console prod-admin"),
    (
        "assume --role-name x",
        "`--role-name` also needs --account-id ID",
        "hint: arl assume --role-name x --account-id ID",
    ),
    (
        "assume --account-id 123456789012",
        "`--account-id` also needs --role-name NAME",
        "hint: arl assume --account-id 123456789012 --role-name NAME",
    ),
    (
        "configure prod-deploy",
        "`arl configure` needs --profile-name NAME",
        "hint: arl configure prod-deploy --profile-name NAME",
    ),
    ("arn", "`arl arn` needs ACCOUNT and NAME", "hint: arl arn ACCOUNT NAME"),
    (
        "assume prod-deploy --region",
        "`--region` needs a value",
        "hint: arl assume prod-deploy --region REGION; `arl assume --help`",
    ),
    ("each prod-deploy -j", "`--jobs` needs a value", "hint: --jobs N; `arl each --help`"),
    ("configure prod-deploy --profile-name a]b", "can contain only", "did you mean `a-b`?"),
    ("write prod-deploy --profile-name a]b", "can contain only", "did you mean `a-b`?"),
    (
        "exec --profile prod-deploy -- ls",
        "needs a role; --profile names where",
        "of that profile: arl exec prod-deploy -- ls",
    ),
    (
        "assume --profile prod-deploy",
        "needs a role; --profile names where",
        "of that profile: arl assume prod-deploy",
    ),
    ("each -- ls -l", "`arl each` needs a role", "hint: arl each prod-admin -- ls -l"),
    ("each prod-deploy prod-admin make", "no command to run", "arl each prod-deploy prod-admin -- make"),
    ("each prod-*", "no command to run", "arl each 'prod-*' -- COMMAND"),
    ("exec prod-deploy --", "no command after --", "leave out --: arl exec prod-deploy"),
    ("exec -- prod-deploy ls -l", "the role must come before --", "hint: arl exec prod-deploy -- ls -l"),
    ("configure", "`arl configure` needs a role", "hint: arl configure prod-admin --profile-name NAME"),
    ("configure list", "needs --profile-name", "hint: arl list\n"),
    ("configure sso", "needs --profile-name", "hint: arl configure --sso SESSION --all"),
    ("keys add", "`arl keys add` needs NAME", "hint: arl keys add NAME"),
    ("list --refresh", "`arl list` needs --sso", "hint: arl list --refresh --sso"),
    ("arn 123456789012/Deploy", "`arl arn` needs NAME", "hint: arl arn 123456789012 Deploy"),
    ("arn prod-deploy", "`arl arn` needs NAME", "`arl explain prod-deploy` shows the ARN"),
    // Values and flags that contradict each other.
    (
        "assume prod-deploy --format yaml",
        "`--format` must be env, json or dotenv, not `yaml`",
        "hint: `arl assume --help` describes the values",
    ),
    (
        "assume prod-deploy --additional-parameters Name=x",
        "must be a JSON object",
        "as JSON: --additional-parameters '{\"Name\":\"x\"}'",
    ),
    ("assume prod-deploy --format jsn", "not `jsn`", "did you mean `json`?"),
    (
        "--color sometimes list",
        "`--color` must be auto, always or never, not `sometimes`",
        "hint: `arl list --help` describes the values",
    ),
    ("each prod-deploy -j 0 -- ls", "`--jobs` does not take `0`", "it must be 1 to 256"),
    ("assume prod-deploy --region Frankfurt", "must be a region", "did you mean `eu-central-1`?"),
    (
        "assume prod-deploy --region=",
        "--region is empty",
        "check that no variable on the command line is empty",
    ),
    (
        "assume prod-deploy -- ls",
        "does not take the argument",
        "to run a command as the role: arl exec prod-deploy -- ls",
    ),
    ("-p dev exec prod-deploy -- ls", "must come after the command", "arl exec -p dev prod-deploy -- ls"),
    ("exec --isolate prod-deploy -- ls", "needs --server", "arl exec --isolate prod-deploy --server -- ls"),
    ("assume prod-deploy -d 24h", "--duration must be 15m to 12h, not 24h", "the longest: --duration 12h"),
    ("assume prod-deploy -d PT1H", "not `PT1H`", "for one hour: --duration 1h"),
    ("assume prod-deploy --policy p.json", "`p.json` is the name of a file", "--policy file://p.json"),
    ("assume prod-deploy --tags Team", "--tags", "a tag has a value: --tags Team=VALUE"),
    (
        "assume prod-deploy --policy-arns ReadOnlyAccess",
        "--policy-arns must be ARNs",
        "did you mean `--policy-arns arn:aws:iam::aws:policy/ReadOnlyAccess`?",
    ),
    ("init powershel", "no shell integration for `powershel`", "did you mean `arl init powershell`?"),
    ("assume prod-deploy --shell bsh", "`bsh`", "did you mean `bash`?"),
    ("arn Deploy 123456789012", "", "arl arn 123456789012 Deploy"),
    ("assume prod-deploy --partition aws-cn", "--partition is `aws-cn`", "leave out --partition"),
    (
        "assume prod-deploy --endpoint-url localhost:4566",
        "is not a URL",
        "did you mean `http://localhost:4566`?",
    ),
    ("init Bash", "no shell integration for `Bash`", "did you mean `arl init bash`?"),
    ("completions bsh", "no completion script for `bsh`", "did you mean `arl completions bash`?"),
    ("each prod-deploy -j x -- ls", "`--jobs` does not take `x`", "it is not a whole number"),
    ("assume prod-deploy --json --env", "`--json` and `--env` cannot be used together", "leave `--json` out"),
    (
        "assume prod-deploy --role-name x",
        "`ROLE` and `--role-name` cannot be used together",
        "leave `ROLE` out",
    ),
    (
        "assume prod-deploy --chain -p dev",
        "`--chain` and `--profile` cannot be used together",
        "leave `--chain` out",
    ),
];

#[test]
fn every_mistaken_command_line_gets_its_cause_and_a_command_to_paste() {
    let stage = Stage::new();
    stage.profiles(CONFIG, "[dev]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n");
    std::fs::write(stage.home.join("p.json"), "{}").unwrap();
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

/// The commands that an error's hints name: behind a colon, in backticks, or alone.
fn commands(stderr: &str) -> Vec<String> {
    let hints = stderr.lines().filter_map(|line| line.strip_prefix("hint: "));
    let mut commands = Vec::new();
    for hint in hints {
        let quoted = hint.split('`').skip(1).step_by(2);
        commands.extend(quoted.filter(|text| text.starts_with("arl ")).map(str::to_owned));
        let plain = hint.split(';').next().unwrap_or_default();
        let start = if plain.starts_with("arl ") { Some(0) } else { plain.find(": arl ").map(|at| at + 2) };
        let start = start.or_else(|| plain.find("? arl ").map(|at| at + 2));
        commands.extend(start.map(|start| plain[start..].to_owned()).filter(|line| !line.contains('`')));
    }
    commands
}

/// A hint that is a whole command line is accepted when it is pasted.
#[test]
fn the_command_that_a_hint_names_is_one_that_arl_takes() {
    let stage = Stage::new();
    stage.profiles(CONFIG, "[dev]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n");
    let mut count = 0;
    for (line, ..) in MISTAKES {
        let mut arl = stage.bare("setsid");
        let run = stage.run(arl.arg(binary()).args(line.split(' ').filter(|word| !word.is_empty())));
        for command in commands(&run.stderr) {
            count += 1;
            // `--help` stops before anything is done, and after the verb and the flags are known.
            let own =
                command.split(" -- ").next().unwrap_or_default().split(" | ").next().unwrap_or_default();
            let mut sh = stage.bare("sh");
            let run = stage.run(sh.args(["-c", &format!("{own} --help")]));
            assert_eq!(run.status, 0, "{line}: {command}: {run:?}");
        }
    }
    // Some hints name a flag or a file only.
    assert!(count > 120, "{count} of {}", MISTAKES.len());
}

/// A role in a form that arl does not take: what is said, and the hint. Some need a command to stop at.
const ROLES: &[(&str, &str, &str)] = &[
    ("'prod-deploy'", "there is no profile", "did you mean `prod-deploy`?"),
    ("\u{201c}prod-deploy\u{201d}", "there is no profile", "did you mean `prod-deploy`?"),
    ("prod\u{2011}deploy", "there is no profile", "did you mean `prod-deploy`?"),
    ("[profile prod-deploy]", "there is no profile", "did you mean `prod-deploy`?"),
    (
        "\"arn:aws:iam::123456789012:role/X\"",
        "no profile",
        "did you mean `arn:aws:iam::123456789012:role/X`?",
    ),
    ("arn:aws:iam::1234-5678-9012:role/X", "12 digits", "did you mean `arn:aws:iam::123456789012:role/X`?"),
    (
        "arn:aws:iam::123456789012:role/X ",
        "cannot contain ' '",
        "did you mean `arn:aws:iam::123456789012:role/X`?",
    ),
    ("X@123456789012", "there is no profile", "did you mean `123456789012/X`?"),
    ("arn:aws:iam::123456789012:user/ann", "this names a `user`", "name their profile with --profile"),
    ("arn:aws:sts::123456789012:assumed-role/X/me", "session's ARN", "`arn:aws:iam::123456789012:role/X`?"),
    ("123456789012", "there is no profile", "`arl list 123456789012`"),
    ("corp", "there is no profile", "arl login corp"),
    ("https://corp.awsapps.com/start", "there is no profile", "arl login corp"),
    ("corp:Dev", "there is no profile", "`arl list --sso` shows its roles"),
    ("$ROLE", "there is no profile", "arl assume \"$ROLE\""),
    ("ROLE", "there is no profile", "ROLE is a placeholder for one of your roles: `arl list` shows them"),
    ("prod-*", "there is no profile", "arl each 'prod-*' -- COMMAND"),
    ("prod-deploy,prod-admin", "there is no profile", "arl each prod-deploy prod-admin -- COMMAND"),
    ("prod-deploy --json", "there is no profile", "as separate words: arl assume prod-deploy --json"),
    ("help", "there is no profile", "hint: arl assume --help"),
    ("Deploy", "there is no profile", "did you mean `prod-deploy`?"),
    ("nosuch", "there is no profile", "`arl list` shows the roles"),
    ("misspelled", "neither `source_profile`", "did you mean `source_profile`?"),
    ("without-source", "neither `source_profile`", "source_profile = dev"),
    ("quoted", "is not a role", "role_arn = arn:aws:iam::123456789012:role/X"),
    ("lost", "there is no profile `gone`", "profiles with credentials: dev"),
    ("sso", "does not exist", "the [sso-session]s are: corp"),
];

#[test]
fn a_role_in_another_form_gets_the_one_that_arl_takes() {
    const ARN: &str = "arn:aws:iam::123456789012:role/X";
    let stage = Stage::new();
    let more = format!(
        "[profile misspelled]\nrole_arn = {ARN}\nsource_profil = dev\n\
         [profile without-source]\nrole_arn = {ARN}\n\
         [profile quoted]\nrole_arn = \"{ARN}\"\nsource_profile = dev\n\
         [profile lost]\nrole_arn = {ARN}\nsource_profile = gone\n\
         [profile sso]\nsso_session = nosuch\nsso_account_id = 123456789012\nsso_role_name = X\n\
         [sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
    );
    let config = format!("{CONFIG}{more}");
    stage.profiles(&config, "[dev]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n");
    for (role, cause, hint) in ROLES {
        let mut arl = stage.bare(binary());
        let run = stage.run(arl.args(["assume", role]));
        assert!(matches!(run.status, 1 | 2), "{role}: {run:?}");
        run.failure(run.status, cause);
        assert!(run.stderr.contains(hint), "{role}: {run:?}");
        assert!(run.stderr.lines().count() <= 4, "{role}: {run:?}");
    }
    for (args, hint) in [
        (&["login", "prod-deploy"][..], "arl assume prod-deploy"),
        (&["logout", "prod-deploy"], "hint: to drop the role of this shell: arl clear"),
        (&["login", ARN], "arl assume arn:aws:iam::123456789012:role/X"),
        (&["login", "crop"], "did you mean `corp`?"),
        (&["console", "s3"], "`s3` is a service: arl console ROLE --service s3"),
        (&["write", "--remove", "prod-deply"], "did you mean `arl write --remove prod-deploy`?"),
        (&["configure", "prod-deploy", "-p", "x", "--profile-name", "y"], "--profile dev"),
        (
            &["configure", "prod-deploy", "--role-session-name", "{user}", "--profile-name", "y"],
            "--process writes a profile",
        ),
        (&["login", "https://corp.awsapps.com/start/"], "arl login corp"),
        (&["each", "all", "--", "ls"], "arl each '*' -- ls"),
        (&["each", "prod-deploy", "-p", "4", "--", "ls"], "-j 4"),
        (&["write", "prod-deploy", "--profile", "x"], "--profile-name x"),
        (&["assume", "prod-deploy", "--profile", "x"], "profiles with credentials: dev"),
        (&["assume", "prod-deploy", "--profile", ""], "check that no variable on the command line is empty"),
    ] {
        let run = stage.run(stage.bare(binary()).args(args));
        assert_ne!(run.status, 0, "{args:?}: {run:?}");
        assert!(run.stderr.contains(hint), "{args:?}: {run:?}");
    }
    assert_eq!(stage.sts.requests().len(), 0);
}

/// A word that is no program, and a role that STS refuses for a reason that arl knows.
#[test]
fn what_cannot_run_is_answered_with_a_line_that_can() {
    let stage = Stage::new();
    std::fs::write(stage.home.join("script"), "echo").unwrap();
    for (variable, value, hint) in [
        ("ARL_CACHE", "redis", "for the default: unset ARL_CACHE"),
        ("ARL_CACHE", "keyrng", "did you mean `keyring`?"),
        ("ARL_ON_EXPIRY", "never", "for the default: unset ARL_ON_EXPIRY"),
        ("ARL_DURATION", "2", "for one hour: export ARL_DURATION=1h"),
    ] {
        let run = stage.run(stage.as_ann("arl").args(["assume", DEPLOY]).env(variable, value));
        assert!(run.status == 2 && run.stderr.contains(hint), "{run:?}");
    }
    for (command, hint) in [
        (&["make all", "-j"][..], "as separate words: arl exec 123456789012/Deploy -- make all -j"),
        (&["cd", "/tmp"], "arl exec 123456789012/Deploy -- sh -c 'cd /tmp'"),
        (&["FOO=1", "env"], "arl exec 123456789012/Deploy -- env FOO=1 env"),
        (&["./script"], "hint: if it is a program: chmod +x ./script"),
        (&["slep", "1"], "did you mean `sleep`? arl exec 123456789012/Deploy -- sleep 1"),
    ] {
        let args = [&["exec", "123456789012/Deploy", "--"], command].concat();
        let run = stage.arl(&args);
        assert!(matches!(run.status, 126 | 127), "{run:?}");
        assert!(run.stderr.contains(hint), "{hint}: {run:?}");
    }
    // A directory is no program that only lacks a permission.
    let run = stage.arl(&["exec", "123456789012/Deploy", "--", "/"]);
    assert!(run.status == 126 && !run.stderr.contains("chmod"), "{run:?}");
    let device = "arn:aws:iam::123456789012:mfa/bob";
    let run = stage.arl(&["assume", DEPLOY, "--serial-number", device, "--token-code", "000000"]);
    run.failure(1, "unable to validate MFA code");
    assert!(
        run.stderr.contains(&format!("hint: check that `{device}` is the MFA device of the user")),
        "{run:?}"
    );
    for (role, hint) in [
        (
            "arn:aws-cn:iam::123456789012:role/Deploy",
            "partition aws-cn needs credentials of that partition, not of aws",
        ),
        ("123456789012/role/Deploy", "did you mean `123456789012/Deploy`?"),
        ("123456789012/AWSReservedSSO_Admin_0123456789abcdef", "`arl list --sso` shows your roles"),
    ] {
        let run = stage.arl(&["assume", role]);
        run.failure(1, "AccessDenied");
        assert!(run.stderr.contains(hint), "{role}: {run:?}");
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

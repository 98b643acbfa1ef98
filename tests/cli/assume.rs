//! The output of `arl assume` for shells, programs and terminals.

use arl_sts::World;

use crate::shell::{EVALUATING, ShellSession, evaluate};
use crate::support::{DEPLOY, Stage, in_terminal};

#[test]
fn evaluating_assume_gives_every_shell_the_roles_identity() {
    for shell in EVALUATING {
        let stage = Stage::new();
        let mut session = ShellSession::without_init(&stage, shell);
        // Variables that other tools leave behind. Each of them makes some SDK use another identity.
        for name in [
            "AWS_SECURITY_TOKEN",
            "AWS_CREDENTIALS_EXPIRATION",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ] {
            session = session.variable(name, "stale");
        }
        let session = session.variable("AWS_PROFILE", "").variable("AWS_CA_BUNDLE_OF_MINE", "kept");
        let run = session.line(evaluate(shell.name, &format!("assume {DEPLOY}"))).line("env").run();
        let (shell, out) = (shell.name, &run.stdout);
        assert_eq!(run.status, 0, "{run:?}");
        let value = |name: &str| out.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        let id = value("AWS_ACCESS_KEY_ID").unwrap();
        assert!(id.starts_with("ASIA"), "{shell}: {out}");
        stage.sts.change(|world| {
            let key = &world.keys[id];
            assert_eq!(value("AWS_SECRET_ACCESS_KEY"), Some(key.secret.as_str()), "{shell}");
            assert_eq!(value("AWS_SESSION_TOKEN"), key.token.as_deref(), "{shell}");
        });
        assert_eq!(value("AWS_ACCOUNT_ID"), Some("123456789012"));
        assert_eq!(value("ARL_KEY_ID"), Some(id));
        assert_eq!(value("ARL_ROLE_ARN"), Some(DEPLOY));
        assert_eq!(value("ARL_SOURCE"), Some("env:AKIAIOSFODNN7ANN0001"));
        assert!(value("AWS_CREDENTIAL_EXPIRATION").is_some_and(|time| time.ends_with('Z')), "{out}");
        assert!(value("ARL_EXPIRES_AT").is_some_and(|time| time.bytes().all(|b| b.is_ascii_digit())));
        assert!(!out.contains("stale"), "{shell}: {out}");
        assert_eq!(value("AWS_PROFILE"), None, "{shell}");
        assert_eq!(value("AWS_REGION"), None, "{shell}");
        assert_eq!(value("AWS_CA_BUNDLE_OF_MINE"), Some("kept"), "{shell}");
    }
}

#[test]
fn aliases_of_export_and_unset_are_not_expanded() {
    let stage = Stage::new();
    let line = format!(
        "shopt -s expand_aliases\nalias export='echo no' unset='echo no'\neval \"$(arl assume {DEPLOY})\"\necho $ARL_ROLE_ARN"
    );
    assert_eq!(stage.run(stage.as_ann("bash").args(["-c", &line])).success(), format!("{DEPLOY}\n"));
}

#[test]
fn an_unquoted_eval_works() {
    for shell in ["sh", "bash", "ksh93", "mksh"] {
        let stage = Stage::new();
        let line = format!("eval $(arl assume {DEPLOY}) && echo $ARL_ROLE_ARN");
        assert_eq!(stage.run(stage.as_ann(shell).args(["-c", &line])).success(), format!("{DEPLOY}\n"));
    }
}

#[test]
fn the_parent_process_decides_the_dialect_not_the_shell_variable() {
    let stage = Stage::new();
    for (shell, dialect) in
        [("fish", "set -gx AWS_REGION"), ("bash", r"\export AWS_REGION"), ("dash", r"\export AWS_REGION")]
    {
        let line = format!("arl assume {DEPLOY} --region eu-west-1 | cat");
        let other = if shell == "fish" { "/bin/bash" } else { "/usr/bin/fish" };
        let out = stage.run(stage.as_ann(shell).args(["-c", &line]).env("SHELL", other)).success();
        assert!(out.contains(dialect), "{shell}: {out}");
    }
    let named = stage.run(stage.as_ann("arl").args(["assume", DEPLOY]).env("ARL_SHELL", "fish")).success();
    assert!(named.contains("set -gx"), "{named}");
    let flag =
        stage.run(stage.as_ann("arl").args(["assume", DEPLOY, "--shell=zsh"]).env("ARL_SHELL", "fish"));
    assert!(flag.success().contains("\\export"));
    let unknown = stage.arl(&["assume", DEPLOY, "--shell", "cmdd"]);
    unknown.failure(2, "--shell: unknown shell `cmdd`");
    assert_eq!(unknown.stdout, "(exit 2)\n");
}

#[test]
fn a_region_from_the_profile_or_a_flag_is_exported() {
    let stage = Stage::new();
    stage.profiles(
        "[profile src]\n[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\n\
         source_profile = src\nregion = eu-central-1\n",
        "[src]\naws_access_key_id = AKIAIOSFODNN7ANN0001\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1\n",
    );
    let out = stage.run(stage.bare("arl").args(["assume", "deploy"])).success();
    assert!(
        out.contains("\\export AWS_REGION='eu-central-1';\n\\export AWS_DEFAULT_REGION='eu-central-1';"),
        "{out}"
    );
    assert_eq!(stage.assumed()[0].region, "eu-central-1");
    let out = stage.run(stage.bare("arl").args(["assume", "deploy", "--region", "us-west-2"])).success();
    assert!(out.contains("AWS_REGION='us-west-2'"), "{out}");
    stage.arl(&["assume", DEPLOY, "--region", "eu-west-1';x"]).failure(2, "--region must be a region");
}

#[test]
fn json_has_the_format_of_a_credential_process() {
    let stage = Stage::new();
    let out = stage.arl(&["assume", DEPLOY, "--json"]).success();
    assert_eq!(out.lines().count(), 1);
    for member in [
        "\"Version\":1",
        "\"AccessKeyId\":\"ASIA",
        "\"SecretAccessKey\":\"",
        "\"SessionToken\":\"",
        "\"AccountId\":\"123456789012\"",
    ] {
        assert!(out.contains(member), "{out}");
    }
    let expiration = out.split("\"Expiration\":\"").nth(1).unwrap();
    assert_eq!(expiration.find('"'), Some("2026-01-02T03:04:05Z".len()), "{out}");
    assert_eq!(stage.arl(&["assume", DEPLOY, "--format", "json"]).success().len(), out.len());
    let failed = stage.arl(&["assume", "123456789012/Closed", "--json"]);
    failed.failure(1, "AccessDenied");
    assert_eq!(failed.stdout, "");
}

#[test]
fn dotenv_can_be_exported_without_eval() {
    let stage = Stage::new();
    let line = format!(
        "export $(arl assume {DEPLOY} --format dotenv) && echo x$ARL_ROLE_ARN $AWS_ACCOUNT_ID $AWS_SESSION_TOKEN"
    );
    let out = stage.run(stage.as_ann("sh").args(["-c", &line])).success();
    assert!(out.starts_with("x 123456789012 FwoGZXIvYXdzE"), "{out}");
    // In a container, a name that only this machine knows would be an error.
    let file = stage.arl(&["assume", DEPLOY, "--format", "dotenv", "--region", "eu-west-1"]).success();
    let names = file.lines().map(|line| line.split('=').next().unwrap());
    assert!(names.clone().all(|name| name.starts_with("AWS_") && name != "AWS_PROFILE"), "{names:?}");
    stage.sts.change(|world| world.next_token = Some("a$(x)".into()));
    let refused = stage.arl(&["assume", DEPLOY, "--format", "dotenv"]);
    refused.failure(1, "AWS_SESSION_TOKEN");
    assert_eq!(refused.stdout, "");
}

#[test]
fn a_terminal_shows_no_secret_without_the_show_flag() {
    let stage = Stage::new();
    let run = stage.run(&mut in_terminal(&stage, &format!("arl assume {DEPLOY}")));
    assert_eq!(run.status, 1, "{run:?}");
    stage.assert_no_secret(&run.stdout);
    assert!(run.stdout.contains(&format!("eval \"$(arl assume {DEPLOY})\"")), "{run:?}");
    assert!(!run.stdout.contains("(exit"), "{run:?}");
    assert!(stage.sts.requests().is_empty(), "nothing is asked for that will not be used");
    let shown = stage.run(&mut in_terminal(&stage, &format!("arl assume {DEPLOY} --show"))).success();
    assert!(shown.contains("AWS_SECRET_ACCESS_KEY='"), "{shown}");
}

#[test]
fn a_role_is_named_by_arn_account_and_name_or_profile() {
    let stage = Stage::new();
    stage.profiles("[profile prod-deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\ncredential_source = Environment\n", "");
    for role in [
        vec![DEPLOY],
        vec!["123456789012/Deploy"],
        vec!["prod-deploy"],
        vec!["--account-id", "123456789012", "--role-name", "Deploy"],
        vec!["--account_id=123456789012", "--role_name=Deploy"],
    ] {
        let args = [vec!["assume", "--json"], role].concat();
        let _ = stage.arl(&args).success();
        assert_eq!(stage.assumed().last().unwrap().get("RoleArn"), Some(DEPLOY), "{args:?}");
    }
    let _ = stage.arl(&["assume", "123456789012/team/dns_editor"]).success();
    let run = stage.arl(&["assume", "prod-deplyo"]);
    run.failure(1, "there is no profile");
    assert!(run.stderr.contains("did you mean `prod-deploy`?"), "{run:?}");
    stage
        .arl(&["assume", "12345678901/Deploy"])
        .failure(1, "an account ID has 12 digits, `12345678901` has 11");
    stage.arl(&["assume", "arn:aws:iam::123456789012:user/ann"]).failure(2, "this names a `user`");
    stage.arl(&["assume", ""]).failure(2, "the role is empty");
}

#[test]
fn the_partition_follows_the_region() {
    let stage = Stage::new();
    for (args, partition) in [
        (vec!["--region", "cn-north-1"], "aws-cn"),
        (vec!["--region", "us-gov-east-1"], "aws-us-gov"),
        (vec!["--partition", "aws-iso"], "aws-iso"),
        (vec![], "aws"),
    ] {
        let args = [vec!["assume", "123456789012/Deploy", "--json"], args].concat();
        let _ = stage.arl(&args);
        let expected = format!("arn:{partition}:iam::123456789012:role/Deploy");
        let request = stage.assumed().pop().unwrap();
        assert_eq!(request.get("RoleArn"), Some(expected.as_str()));
    }
    let _ = stage.arl(&["assume", "arn:aws-cn:iam::123456789012:role/Deploy"]);
    assert_eq!(stage.assumed().last().unwrap().region, "cn-north-1");
    // A flag that contradicts the ARN is an error.
    let run = stage.arl(&["assume", DEPLOY, "--partition", "aws-cn"]);
    run.failure(2, "--partition is `aws-cn`");
}

#[test]
fn the_arn_verb_formats_arns() {
    let stage = Stage::new();
    assert_eq!(
        stage.arl(&["arn", "1234567890", "/te/st/R"]).success(),
        "arn:aws:iam::001234567890:role/te/st/R\n"
    );
    assert_eq!(
        stage.arl(&["arn", "123456789012", "te/R", "--session", "ann", "--partition", "aws-cn"]).success(),
        "arn:aws-cn:sts::123456789012:assumed-role/R/ann\n"
    );
    stage.arl(&["arn", "1234567890123", "R"]).failure(2, "12 digits");
}

#[test]
fn messages_go_to_stderr_and_quiet_suppresses_them() {
    let stage = Stage::new();
    let loud = stage.arl(&["-v", "assume", DEPLOY, "--json"]);
    assert!(loud.stderr.contains("source: environment, key …0001"), "{loud:?}");
    assert!(loud.stderr.contains("cache: no session"), "{loud:?}");
    assert!(loud.stdout.starts_with('{'));
    let chained = ["assume", "123456789012/Chained", "--via", DEPLOY, "--duration", "2h", "--json"];
    assert!(stage.arl(&chained).stderr.contains("2h lowered to 1h"));
    assert_eq!(stage.arl(&[&chained[..], &["-q"]].concat()).stderr, "");
    let colored = stage.arl(&["--color", "always", "assume", "nowhere"]);
    assert!(colored.stderr.starts_with("\u{1b}[1;31merror:\u{1b}[0m"), "{colored:?}");
}

#[test]
fn list_shows_role_profiles_and_warns_about_invalid_ones() {
    let stage = Stage::new();
    stage.profiles(
        "[profile b-role]\nrole_arn = arn:aws:iam::123456789012:role/team/Deploy\nsource_profile = dev\nmfa_serial = GAHT12345678\n\
         [profile a]\nrole_arn = arn:aws:iam::123456789012:role/R\ncredential_source = Environment\n\
         [profile dev]\nregion = x\naws_access_key_id = AKIAX\naws_secret_access_key = s\n[profile broken]\nrole_arn = nonsense\n",
        "",
    );
    let listed = stage.arl(&["list"]).success();
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1], ["a", "123456789012", "R", "Environment"], "{listed}");
    assert_eq!(rows[2], ["b-role", "123456789012", "Deploy", "dev", "yes"], "{listed}");
    assert_eq!(rows[3][..5], ["!", "broken", "-", "-", "-:"], "{listed}");
    assert!(listed.contains("`role_arn` of profile `broken` is not a role"), "{listed}");
    let json = stage.arl(&["list", "--json", "-q"]).success();
    assert!(json.lines().nth(1).unwrap().contains("\"mfa_serial\":\"GAHT12345678\""), "{json}");
}

/// What another host, container or environment may have is no fault of the profile.
#[test]
fn list_marks_each_profile_that_works_nowhere_and_says_why() {
    let stage = Stage::new();
    let role = "role_arn = arn:aws:iam::123456789012:role/Deploy\n";
    let profiles = [
        ("environment", "credential_source = Environment", ""),
        ("container", "credential_source = EcsContainer", ""),
        ("instance", "credential_source = Ec2InstanceMetadata", ""),
        ("keys", "source_profile = ann", ""),
        ("typo", "credential_source = Foo", "`credential_source`"),
        ("both", "credential_source = Environment\nsource_profile = ann", "`credential_source`"),
        ("none", "region = eu-west-1", "profile `none`"),
        ("empty", "source_profile = region", "profile `region`"),
        ("half", "source_profile = id", "profile `id`"),
        ("gone", "source_profile = nowhere", "there is no profile `nowhere`"),
        ("time", "source_profile = ann\nduration_seconds = abc", "`duration_seconds`"),
    ];
    let mut config =
        "[profile region]\nregion = x\n[profile id]\naws_access_key_id = AKIAX\n[profile ann]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n"
            .to_owned();
    for (name, lines, _) in profiles {
        config.push_str(&format!("[profile {name}]\n{role}{lines}\n"));
    }
    let others = [
        (
            "web",
            "role_arn = nonsense\nweb_identity_token_file = token",
            "`role_arn` of profile `web` is not a role",
        ),
        ("account", "sso_session = corp\nsso_role_name = Dev", "has no `sso_account_id`"),
        ("name", "sso_session = corp\nsso_account_id = 123456789012", "has no `sso_role_name`"),
    ];
    for (name, lines, _) in others {
        config.push_str(&format!("[profile {name}]\n{lines}\n"));
    }
    stage.profiles(&config, "");
    let json = stage.run(stage.bare("arl").args(["list", "--json"])).success();
    let web = json.lines().find(|line| line.contains("\"name\":\"web\"")).unwrap();
    assert!(web.contains("\"account_id\":null") && web.contains("\"role_name\":null"), "{web}");
    let listed = stage.run(stage.bare("arl").arg("list")).success();
    for (name, _, fault) in profiles.into_iter().chain(others) {
        let row = listed.lines().find(|line| line.split_whitespace().any(|word| word == name)).unwrap();
        assert_eq!(row.starts_with('!'), !fault.is_empty(), "{name}: {row}");
        assert!(row.contains(fault), "{name}: {row}");
    }
}

#[test]
fn status_verify_asks_sts_for_the_identity() {
    let stage = Stage::new();
    let line = format!(
        "eval \"$(arl assume {DEPLOY} --role-session-name ann)\"; arl status --verify; echo $?; ARL_EXPIRES_AT=1 arl status; echo $?"
    );
    let out = stage.run(stage.as_ann("sh").args(["-c", &line])).success();
    assert!(
        out.contains(
            "  verified  arn:aws:sts::123456789012:assumed-role/Deploy/ann\n  clock     the same as STS's\n0\n"
        ),
        "{out}"
    );
    assert!(out.contains("role/Deploy in 123456789012 expired ") && out.ends_with("\n1\n"), "{out}");
}

#[test]
fn within_limits_the_time_of_a_call() {
    let stage = Stage::new();
    stage.sts.inject(arl_sts::Fault::Silence, 1);
    stage.arl(&["assume", DEPLOY, "--within", "1ms"]).failure(1, "it took too long, so arl gave up");
}

#[test]
fn an_invalid_arl_on_expiry_is_refused_by_assume() {
    let stage = Stage::new();
    let run = stage
        .run(stage.as_ann("arl").args(["assume", DEPLOY, "--shell", "bash"]).env("ARL_ON_EXPIRY", "refersh"));
    run.failure(2, "ARL_ON_EXPIRY must be clear, restore or refresh, not `refersh`");
    assert_eq!(stage.assumed().len(), 0);
    // JSON goes to programs, which have no hook.
    let run =
        stage.run(stage.as_ann("arl").args(["assume", DEPLOY, "--json"]).env("ARL_ON_EXPIRY", "refersh"));
    assert!(run.success().starts_with('{'));
}

#[test]
fn the_help_command_prints_the_same_as_the_help_flag() {
    let stage = Stage::new();
    assert_eq!(stage.arl(&["help", "exec"]).success(), stage.arl(&["exec", "--help"]).success());
    assert_eq!(stage.arl(&["help"]).success(), stage.arl(&["--help"]).success());
}

/// Two profiles may share one cached session, so the name comes from the command line.
#[test]
fn the_name_of_a_role_is_what_the_user_typed_unless_a_prompt_could_evaluate_it() {
    let stage = Stage::new();
    let role = "role_arn = arn:aws:iam::123456789012:role/team/dns_editor\nsource_profile = ann\n";
    stage.profiles(
        &format!(
            "[profile prod deploy]\n{role}[profile Köln@1]\n{role}[profile a$(x)]\n{role}[profile ann]\n"
        ),
        &format!(
            "[ann]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            World::ANN_KEY,
            World::ANN_SECRET
        ),
    );
    for (role, name) in [
        ("prod deploy", "prod deploy"),
        ("Köln@1", "Köln@1"),
        ("a$(x)", "123456789012/dns_editor"),
        ("arn:aws:iam::123456789012:role/team/dns_editor", "123456789012/dns_editor"),
        ("123456789012/team/dns_editor", "123456789012/dns_editor"),
        ("ann", "ann"),
    ] {
        let mut arl = stage.bare("arl");
        arl.env_remove("ARL_CACHE").env("ARL_ROLE", "another");
        if role.contains("dns_editor") {
            arl.env("AWS_PROFILE", "ann");
        }
        let run = stage.run(arl.args(["exec", role, "--", "printenv", "ARL_ROLE"]));
        assert_eq!(run.success(), format!("{name}\n"), "{role}");
    }
    let mut arl = stage.bare("arl");
    arl.args(["status"])
        .env("ARL_ROLE", "prod deploy")
        .env("ARL_ROLE_ARN", DEPLOY)
        .env("ARL_KEY_ID", "ASIA1");
    let shown = stage.run(arl.env("AWS_ACCESS_KEY_ID", "ASIA1")).success();
    assert!(shown.starts_with("prod deploy (role/Deploy in 123456789012)\n"), "{shown}");
}

#[test]
fn list_marks_the_current_role_and_the_broken_ones_and_finds_by_a_pattern() {
    let stage = Stage::new();
    let role = |name: &str, role: &str, source: &str| {
        format!(
            "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{role}\nsource_profile = {source}\n"
        )
    };
    stage.profiles(
        &[
            role("prod-deploy", "Deploy", "ann"),
            role("prod-read", "Deploy", "nobody"),
            role("round", "Chained", "robin"),
            role("robin", "Chained", "round"),
        ]
        .concat(),
        &format!(
            "[ann]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            World::ANN_KEY,
            World::ANN_SECRET
        ),
    );
    let list = |args: &[&str]| {
        let mut arl = stage.bare("arl");
        arl.env_remove("ARL_CACHE").args(["exec", "prod-deploy", "--", "arl", "list"]).args(args);
        stage.run(&mut arl).success()
    };
    let table = list(&[]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0],
        "   PROFILE      ACCOUNT       ROLE     SOURCE                                MFA  LEFT"
    );
    assert_eq!(
        lines[1],
        "*  prod-deploy  123456789012  Deploy   ann                                        1h"
    );
    // The cached session of its role is another profile's.
    assert_eq!(lines[2], "!  prod-read    123456789012  Deploy   nobody: there is no profile `nobody`");
    assert!(lines[3].starts_with("!  robin ") && lines[3].contains("is a source of itself"), "{table}");
    assert_eq!(lines.len(), 5, "{table}");
    for (pattern, count) in
        [("read", 2), ("PROD", 3), ("prod-*", 3), ("*deploy", 3), ("prod*x", 0), ("12345*", 5)]
    {
        assert_eq!(list(&["--quiet", pattern]).lines().count(), count, "{pattern}");
    }
    let json: Vec<serde_json::Value> =
        list(&["--json", "prod"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&json[0]["current"], &json[0]["error"]), (&true.into(), &serde_json::Value::Null));
    assert!(json[0]["seconds_left"].as_u64().unwrap() > 3000);
    assert_eq!(json[1]["error"], "there is no profile `nobody`");
}

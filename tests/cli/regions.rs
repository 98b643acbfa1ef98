//! The region of the call and the region of the shell are the same, role after role.

use arl_sts::{Role, World};

use crate::shell::{ALL, ASKING, BASH, EVALUATING, HOOKED, Shell, ShellSession, TCSH, evaluate};
use crate::support::{DEPLOY, Stage};

const CONFIG: &str = "\
[profile ann]
[profile ireland]
role_arn = arn:aws:iam::123456789012:role/Deploy
source_profile = ann
region = eu-west-1
[profile mumbai]
role_arn = arn:aws:iam::123456789012:role/ReadOnly
source_profile = ann
region = ap-south-1
[profile nowhere]
role_arn = arn:aws:iam::123456789012:role/Long
source_profile = ann
[profile beijing]
role_arn = arn:aws-cn:iam::123456789012:role/Deploy
source_profile = ann
region = cn-northwest-1
[profile china]
role_arn = arn:aws-cn:iam::123456789012:role/Deploy
source_profile = ann
";

fn stage() -> Stage {
    let stage = Stage::new();
    stage.profiles(
        CONFIG,
        &format!(
            "[ann]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            World::ANN_KEY,
            World::ANN_SECRET
        ),
    );
    stage.sts.change(|world| {
        let chinese = "arn:aws-cn:iam::123456789012:role/Deploy".to_owned();
        world.roles.insert(chinese, Role::trusting(&["arn:aws:iam::111122223333:root"]));
    });
    stage
}

/// Roles one after the other, with the region that each is called in and the one that the shell has then.
type Journey = &'static [(&'static str, &'static str, Option<&'static str>)];

const JOURNEY: Journey = &[
    ("ireland", "eu-west-1", Some("eu-west-1")),
    ("mumbai", "ap-south-1", Some("ap-south-1")),
    ("nowhere", "us-east-1", None),
    ("beijing", "cn-northwest-1", Some("cn-northwest-1")),
    ("china", "cn-north-1", None),
    ("ireland", "eu-west-1", Some("eu-west-1")),
];

/// With a region of the user's, which every role of its partition gets.
const JOURNEY_WITH_REGION: Journey = &[
    ("ireland", "us-west-2", Some("us-west-2")),
    ("beijing", "cn-northwest-1", Some("cn-northwest-1")),
    ("nowhere", "us-west-2", Some("us-west-2")),
    ("china", "cn-north-1", None),
    ("mumbai --region sa-east-1", "sa-east-1", Some("sa-east-1")),
    ("nowhere", "us-west-2", Some("us-west-2")),
];

fn check(shell: Shell, journey: Journey, region: Option<&str>, line: impl Fn(&str) -> String, init: bool) {
    let stage = stage();
    let mut session =
        if init { ShellSession::new(&stage, shell) } else { ShellSession::without_init(&stage, shell) };
    session = session.without_keys();
    if let Some(region) = region {
        session = session.variable("AWS_REGION", region);
        if !init {
            session = session.variable("AWS_DEFAULT_REGION", region);
        }
    }
    session = session.dump("before");
    for (index, (role, ..)) in journey.iter().enumerate() {
        session = session.line(line(&format!("assume {role} --quiet"))).dump(&format!("at-{index}"));
    }
    session = session.line(line("clear")).dump("after");
    let run = if ASKING.iter().any(|asking| asking.name == shell.name) && init {
        session.typed()
    } else {
        session.run()
    };
    let called: Vec<String> = stage.assumed().into_iter().map(|request| request.region).collect();
    let expected: Vec<&str> = journey.iter().map(|(_, called, _)| *called).collect();
    assert_eq!(called, expected, "{run:?}");
    for (index, (role, _, region)) in journey.iter().enumerate() {
        let environment = run.environment(&format!("at-{index}"));
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            match region {
                Some(region) => {
                    assert!(environment.has(&format!("{name}={region}")), "{role}: {environment:?}: {run:?}");
                }
                None => assert!(!environment.has_any(name), "{role}: {environment:?}: {run:?}"),
            }
        }
    }
    assert_eq!(run.environment("after"), run.environment("before"), "{run:?}");
}

#[test]
fn by_the_function_every_role_has_its_region_and_clear_restores_the_first() {
    for shell in ALL.into_iter().chain(ASKING) {
        check(shell, JOURNEY, None, |arguments| format!("arl {arguments}"), true);
        check(shell, JOURNEY_WITH_REGION, Some("us-west-2"), |arguments| format!("arl {arguments}"), true);
    }
}

#[test]
fn by_bare_eval_every_role_has_its_region_and_clear_restores_the_first() {
    for shell in EVALUATING.into_iter().chain([TCSH]) {
        let evaluate = |arguments: &str| match shell.name {
            "tcsh" => format!("eval \"`arl {arguments}`\""),
            name => evaluate(name, arguments),
        };
        check(shell, JOURNEY, None, evaluate, false);
        check(shell, JOURNEY_WITH_REGION, Some("us-west-2"), evaluate, false);
    }
}

/// A child shell inherits the region and `ARL_REGION`, and remembers nothing from before the role.
#[test]
fn a_child_shell_drops_the_region_of_the_role() {
    for shell in EVALUATING {
        let stage = stage();
        let child = |arguments: &str| {
            let line = evaluate(shell.name, arguments);
            format!("{} -c '{line}; {}'", shell.name, shell.dump("child").replace('\'', "\""))
        };
        let session = ShellSession::without_init(&stage, shell).without_keys();
        let session = session.line(evaluate(shell.name, "assume ireland --quiet")).dump("parent");
        let run = session.line(child("assume nowhere --quiet")).run();
        assert!(run.environment("parent").has("ARL_REGION=eu-west-1"), "{run:?}");
        let environment = run.environment("child");
        assert!(!environment.has_any("AWS_REGION") && !environment.has_any("ARL_REGION"), "{environment:?}");
        assert_eq!(stage.assumed()[1].region, "us-east-1", "{run:?}");

        let session = ShellSession::without_init(&stage, shell).without_keys();
        let session = session.line(evaluate(shell.name, "assume ireland --quiet"));
        let run = session.line(child("clear")).run();
        let environment = run.environment("child");
        assert!(!environment.has_any("AWS_REGION") && !environment.has_any("ARL_"), "{environment:?}");
    }
}

/// Each shell of a journey starts the next one, which inherits the environment and remembers nothing.
#[test]
fn in_child_shells_every_role_has_its_region() {
    for shell in EVALUATING {
        for (journey, region) in [(JOURNEY, None), (JOURNEY_WITH_REGION, Some("us-west-2"))] {
            let stage = stage();
            for (index, (role, ..)) in journey.iter().enumerate() {
                let lines = [
                    shell.dump(&format!("before-{index}")),
                    evaluate(shell.name, &format!("assume {role} --quiet")),
                    shell.dump(&format!("at-{index}")),
                    match index + 1 < journey.len() {
                        true => format!("{} step-{}", shell.name, index + 1),
                        false => "true".to_owned(),
                    },
                    shell.dump(&format!("back-{index}")),
                    evaluate(shell.name, "clear"),
                    shell.dump(&format!("after-{index}")),
                ];
                std::fs::write(stage.home.join(format!("step-{index}")), lines.join("\n")).unwrap();
            }
            let mut session = ShellSession::without_init(&stage, shell).without_keys();
            for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
                session = region.into_iter().fold(session, |session, region| session.variable(name, region));
            }
            let run = session.line(". ./step-0").run();
            let called: Vec<String> = stage.assumed().into_iter().map(|request| request.region).collect();
            let expected: Vec<&str> = journey.iter().map(|(_, called, _)| *called).collect();
            assert_eq!(called, expected, "{run:?}");
            for (index, (role, _, region)) in journey.iter().enumerate() {
                let at = run.environment(&format!("at-{index}"));
                for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
                    let is_right = match region {
                        Some(region) => at.has(&format!("{name}={region}")),
                        None => !at.has_any(name),
                    };
                    assert!(is_right, "{role}: {at:?}: {run:?}");
                }
                assert_eq!(run.environment(&format!("back-{index}")), at, "{role}: {run:?}");
                let after = run.environment(&format!("after-{index}"));
                assert!(!after.has_any("ARL_") && !after.has_any("AWS_ACCESS_KEY_ID"), "{role}: {after:?}");
            }
            assert_eq!(run.environment("after-0"), run.environment("before-0"), "{run:?}");
        }
    }
}

#[test]
fn a_child_shell_drops_the_region_of_a_role_that_expired() {
    for shell in HOOKED {
        let stage = stage();
        let session = ShellSession::new(&stage, shell).without_keys();
        let session = session.variable("AWS_REGION", "eu-west-1").variable("AWS_DEFAULT_REGION", "eu-west-1");
        let session = session.variable("ARL_REGION", "eu-west-1").variable("ARL_EXPIRES_AT", "1");
        let session = session.variable("AWS_ACCESS_KEY_ID", "ASIA1").variable("ARL_KEY_ID", "ASIA1");
        let run = session.prompt().dump("after").typed();
        assert!(!run.environment("after").has_any("AWS_REGION"), "{run:?}");
        assert!(!run.environment("after").has_any("AWS_DEFAULT_REGION"), "{run:?}");
    }
}

#[test]
fn a_nested_exec_has_the_region_of_its_own_role() {
    let stage = stage();
    let show = "echo $AWS_REGION,$AWS_DEFAULT_REGION,$ARL_REGION";
    let script = |inner: &str| format!("{show}; arl exec {inner} -- sh -c '{show}'");
    let nested = |region: Option<&str>, outer: &str, inner: &str| {
        let mut arl = stage.bare("arl");
        arl.args(["exec", outer, "--", "sh", "-c", &script(inner)]);
        arl.envs(region.map(|region| ("AWS_REGION", region)));
        stage.run(&mut arl).success()
    };
    for (region, outer, inner, expected) in [
        (None, "ireland", "mumbai", "eu-west-1,eu-west-1,eu-west-1\nap-south-1,ap-south-1,ap-south-1\n"),
        (None, "ireland", "nowhere", "eu-west-1,eu-west-1,eu-west-1\n,,\n"),
        (Some("us-west-2"), "ireland", "nowhere", "us-west-2,us-west-2,\nus-west-2,us-west-2,\n"),
        (Some("us-west-2"), "beijing", "china", "cn-northwest-1,cn-northwest-1,cn-northwest-1\n,,\n"),
        // The user's region is there again for a role of its partition.
        (
            Some("us-west-2"),
            "beijing",
            "nowhere",
            "cn-northwest-1,cn-northwest-1,cn-northwest-1\nus-west-2,us-west-2,\n",
        ),
        (Some("us-west-2"), "china", "nowhere", ",,\nus-west-2,us-west-2,\n"),
        (Some("us-west-2"), "china", "mumbai", ",,\nus-west-2,us-west-2,\n"),
        (None, "china", "mumbai", ",,\nap-south-1,ap-south-1,ap-south-1\n"),
    ] {
        assert_eq!(nested(region, outer, inner), expected, "{outer} {inner}");
    }
    let called: Vec<String> = stage.assumed().into_iter().map(|request| request.region).collect();
    assert_eq!(
        called,
        [
            "eu-west-1",
            "ap-south-1",
            "eu-west-1",
            "us-east-1",
            "us-west-2",
            "us-west-2",
            "cn-northwest-1",
            "cn-north-1",
            "cn-northwest-1",
            "us-west-2",
            "cn-north-1",
            "us-west-2",
            "cn-north-1",
            "us-west-2",
            "cn-north-1",
            "ap-south-1",
        ]
    );
}

#[test]
fn the_flag_wins_then_the_environment_then_the_profile() {
    let stage = stage();
    let region = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut arl = stage.bare("arl");
        arl.arg("exec").args(arguments).args(["--", "sh", "-c", "echo $AWS_REGION $AWS_DEFAULT_REGION"]);
        arl.envs(variables.iter().copied());
        let shown = stage.run(&mut arl).success();
        let called = stage.assumed().pop().unwrap().region;
        format!("{called}: {}", shown.trim())
    };
    let ours: &[(&str, &str)] = &[("AWS_REGION", "us-west-2"), ("AWS_DEFAULT_REGION", "us-west-1")];
    assert_eq!(region(&[], &["ireland"]), "eu-west-1: eu-west-1 eu-west-1");
    assert_eq!(region(ours, &["ireland"]), "us-west-2: us-west-2 us-west-1");
    assert_eq!(region(ours, &["ireland", "-r", "sa-east-1"]), "sa-east-1: sa-east-1 sa-east-1");
    assert_eq!(
        region(&[("AWS_DEFAULT_REGION", "us-west-1")], &["ireland"]),
        "us-west-1: us-west-1 us-west-1"
    );
    assert_eq!(region(&[("AWS_REGION", "us-west-1")], &["nowhere"]), "us-west-1: us-west-1 us-west-1");
    // What arl set for another role is no wish of the user's.
    let of_role = [("AWS_REGION", "eu-north-1"), ("ARL_REGION", "eu-north-1")];
    assert_eq!(region(&of_role, &["ireland"]), "eu-west-1: eu-west-1 eu-west-1");
    assert_eq!(region(&of_role, &["nowhere"]), "us-east-1: ");
    // What the role hides meanwhile is one, if it is a region, and if there is a role.
    let hiding = |region| {
        [
            ("AWS_REGION", "eu-north-1"),
            ("ARL_REGION", "eu-north-1"),
            ("ARL_USER_REGION", region),
            ("ARL_SOURCE", "x"),
        ]
    };
    assert_eq!(region(&hiding("sa-east-1"), &["ireland"]), "sa-east-1: sa-east-1 sa-east-1");
    assert_eq!(region(&hiding("sa-east-1")[1..], &["nowhere"]), "us-east-1: ");
    assert_eq!(region(&hiding("sa-east-1")[2..], &["nowhere"]), "sa-east-1: sa-east-1 sa-east-1");
    assert_eq!(region(&hiding("sa-east-1")[..3], &["nowhere"]), "us-east-1: ");
    for invalid in ["example.com/", "sa_east_1", "$(touch x)", " "] {
        assert_eq!(region(&hiding(invalid), &["nowhere"]), "us-east-1: ", "{invalid}");
    }
    // The region of the profile that a flag or AWS_PROFILE names is handed over, as the profile itself is not.
    std::fs::write(
        stage.home.join(".aws/config"),
        CONFIG.replace("[profile ann]", "[profile ann]\nregion = ca-central-1"),
    )
    .unwrap();
    assert_eq!(region(&[], &[DEPLOY, "--profile", "ann"]), "ca-central-1: ca-central-1 ca-central-1");
    assert_eq!(region(&[("AWS_PROFILE", "ann")], &[DEPLOY]), "ca-central-1: ca-central-1 ca-central-1");
}

#[test]
fn a_region_of_another_partition_is_passed_over_with_a_word() {
    let stage = stage();
    let mut arl = stage.bare("arl");
    arl.args(["exec", "beijing", "--", "printenv", "AWS_REGION"]).env("AWS_REGION", "us-gov-west-1");
    let run = stage.run(&mut arl);
    assert_eq!(run.stdout, "cn-northwest-1\n");
    assert!(
        run.stderr.contains("ignoring AWS_REGION: us-gov-west-1 is not in the role's partition"),
        "{run:?}"
    );
}

#[test]
fn a_misspelled_region_is_refused_with_the_nearest_name() {
    let stage = stage();
    for (region, meant) in [
        ("eu-west1", "eu-west-1"),
        ("us-east-1a", "us-east-1"),
        ("us_east_1", "us-east-1"),
        ("EU-WEST-1", "eu-west-1"),
        ("us-gov-west", "us-gov-west-1"),
    ] {
        let mut arl = stage.bare("arl");
        arl.args(["assume", "nowhere", "--region", region]).env_remove("AWS_ENDPOINT_URL_STS");
        let run = stage.run(&mut arl);
        run.failure(2, &format!("--region must be a region such as eu-west-1, not `{region}`"));
        assert!(run.stderr.contains(&format!("did you mean `{meant}`?")), "{run:?}");
    }
    // A region that AWS opens next year, and the name that a user has given to an endpoint.
    let _ =
        stage.run(stage.bare("arl").args(["assume", "nowhere", "-r", "xx-northwest-7", "--json"])).success();
    let _ = stage.run(stage.bare("arl").args(["assume", "nowhere", "-r", "local", "--json"])).success();
}

#[test]
fn an_export_that_the_user_changes_is_the_users() {
    let stage = stage();
    let session = ShellSession::new(&stage, BASH).without_keys().assume("ireland");
    let session =
        session.export("AWS_REGION", "us-west-2").assume("nowhere").dump("then").clear().dump("after");
    let run = session.run();
    assert!(run.environment("then").has("AWS_REGION=us-west-2"), "{run:?}");
    assert!(run.environment("after").has("AWS_REGION=us-west-2"), "{run:?}");
    assert_eq!(stage.assumed()[1].region, "us-west-2", "{run:?}");
}

//! One sign-in for arl, boto3 and the SDK for JavaScript: each uses and renews the token that another one
//! wrote.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arl_sts::Fault;
use serde_json::Value;

use crate::aws_assume_role_lib::python;
use crate::login::{actions, arl, change_token, run, stage, token, token_path};
use crate::login_on_demand::processes;
use crate::support::{Stage, tools};

const BOTO: &str = "
import botocore.session
session = botocore.session.Session(profile='dev')
credentials = session.get_credentials().get_frozen_credentials()
print('key', credentials.access_key[:4])
";

const JAVASCRIPT: &str = "
import { fromSSO } from '@aws-sdk/credential-provider-sso';
const credentials = await fromSSO({ profile: 'dev' })();
console.log('key', credentials.accessKeyId.slice(0, 4));
";

/// A program of another SDK that gets the credentials of profile `dev`.
fn other(stage: &Stage, sdk: &str) -> Command {
    let mut command = match sdk {
        "boto3" => {
            let mut command = stage.bare(python());
            command.args(["-c", BOTO]);
            command
        }
        _ => {
            let script = Path::new(&tools("javascript")).join("sign_in.mjs");
            fs::write(&script, JAVASCRIPT).unwrap();
            let mut command = stage.bare("node");
            command.arg(script);
            command
        }
    };
    for (name, value) in arl(stage, &[]).get_envs() {
        value.map(|value| command.env(name, value));
    }
    command.env("AWS_REGION", "eu-west-1");
    command
}

#[test]
fn other_sdks_use_and_renew_the_token_of_arl_and_arl_theirs() {
    for sdk in ["boto3", "JavaScript"] {
        let stage = stage();
        assert_eq!(run(&stage, &["login"]).status, 0);
        stage.sts.reset();
        assert_eq!(stage.run(&mut other(&stage, sdk)).success().trim(), "key ASIA", "{sdk}");
        assert_eq!(actions(&stage), ["GetRoleCredentials"], "{sdk}");
        // It renews an expired token of arl's, with arl's registration.
        change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
        let before = token(&stage);
        assert_eq!(stage.run(&mut other(&stage, sdk)).success().trim(), "key ASIA", "{sdk}");
        assert_eq!(actions(&stage), ["GetRoleCredentials", "CreateToken", "GetRoleCredentials"], "{sdk}");
        let after = token(&stage);
        assert_ne!(before["refreshToken"], after["refreshToken"], "{sdk}");
        // arl uses the token that it wrote, and renews it once that has expired too.
        stage.sts.reset();
        let _ = run(&stage, &["assume", "dev", "--json"]).success();
        assert_eq!(actions(&stage), ["GetRoleCredentials"], "{sdk}");
        change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
        let _ = run(&stage, &["assume", "dev", "--json"]).success();
        assert_eq!(actions(&stage), ["GetRoleCredentials", "CreateToken", "GetRoleCredentials"], "{sdk}");
        // What arl wrote in place of the other one's file is read again.
        assert_eq!(stage.run(&mut other(&stage, sdk)).success().trim(), "key ASIA", "{sdk}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "figures of a large run")]
fn arl_never_fails_beside_boto3_where_a_good_token_exists() {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    let start = |mut command: Command| command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // boto3 takes no lock, so one of its processes may lose its refresh token to another, and so may arl, which comes
    // while boto3's renewals take half a second each.
    stage.sts.reset();
    stage.sts.inject(Fault::Delay(Duration::from_millis(500)), 8);
    let (beside, own) = (processes() / 32, processes() / 8);
    let others: Vec<_> = (0..beside).map(|_| start(other(&stage, "boto3"))).collect();
    while !actions(&stage).contains(&"CreateToken".to_owned()) {
        std::thread::yield_now();
    }
    let own: Vec<_> =
        (0..own).map(|_| start(arl(&stage, &["exec", "dev", "--no-cache", "--", "true"]))).collect();
    let is_over = AtomicBool::new(false);
    let (reads, lost) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !is_over.load(Ordering::Relaxed) {
                let token = token(&stage);
                assert!(token["accessToken"].as_str().unwrap().starts_with("aoa"), "{token}");
                reads += 1;
            }
            reads
        });
        for child in own {
            assert!(child.wait_with_output().unwrap().status.success());
        }
        let failed = |child: Child| !child.wait_with_output().unwrap().status.success();
        let lost = others.into_iter().map(failed).filter(|&failed| failed).count();
        is_over.store(true, Ordering::Relaxed);
        (reader.join().unwrap(), lost)
    });
    let renewals = actions(&stage).iter().filter(|action| *action == "CreateToken").count();
    println!("{renewals} renewals; of {beside} boto3 {lost} failed; the file was whole in {reads} reads");
    assert!(reads > 0);
    let _ = run(&stage, &["assume", "dev", "--json"]).success();
}

/// Writes the token file anew with botocore's own writer, which is the AWS CLI's, under the times of argument 2.
const BOTOCORE_WRITER: &str = r#"
import json, sys
from botocore.utils import JSONFileCache, SSOTokenLoader
with open(sys.argv[1]) as file: token = json.load(file)
if sys.argv[2]: token["expiresAt"] = sys.argv[2]
SSOTokenLoader(JSONFileCache(sys.argv[3])).save_token(token["startUrl"], token, session_name="corp")
"#;

#[test]
fn the_token_file_has_the_bytes_of_the_aws_clis_writer_and_arl_renews_what_that_wrote() {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    let directory = token_path(&stage).parent().unwrap().to_owned();
    let write = |time: &str, to: &Path| {
        let mut writer = stage.bare(python());
        writer.args(["-c", BOTOCORE_WRITER]).arg(token_path(&stage)).arg(time).arg(to);
        let _ = stage.run(&mut writer).success();
    };
    write("", &stage.home.join("written"));
    let bytes = |directory: &Path| fs::read(directory.join(crate::login::CORP)).unwrap();
    assert_eq!(bytes(&stage.home.join("written")), bytes(&directory));
    // The notations of times of the AWS CLI's versions: good ones are used, and expired ones renewed.
    for (time, expected) in [
        ("2099-01-01T00:00:00Z", &["GetRoleCredentials"][..]),
        ("2099-01-01T00:00:00UTC", &["GetRoleCredentials"]),
        ("2099-01-01T00:00:00+00:00", &["GetRoleCredentials"]),
        ("2020-01-01T00:00:00Z", &["CreateToken", "GetRoleCredentials"]),
        ("2020-01-01T00:00:00UTC", &["CreateToken", "GetRoleCredentials"]),
    ] {
        write(time, &directory);
        stage.sts.reset();
        let _ = run(&stage, &["assume", "dev", "--json"]).success();
        assert_eq!(actions(&stage), expected, "{time}");
    }
    write("", &stage.home.join("written"));
    assert_eq!(bytes(&stage.home.join("written")), bytes(&directory));
}

/// Checks requests against the models of botocore: `ACTION JSON` lines, the members by their names in the
/// model.
const MODELS: &str = r#"
import json, sys
import botocore.loaders, botocore.model
loader = botocore.loaders.Loader()
services = [botocore.model.ServiceModel(loader.load_service_model(name, "service-2"), name) for name in ("sso", "sso-oidc")]
checked = 0
for line in sys.stdin:
    action, text = line.split(" ", 1)
    service = next((service for service in services if action in service.operation_names), None)
    if service is None: continue
    shape = service.operation_model(action).input_shape
    members = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
    sent = {("x-amz-sso_bearer_token" if name == "accessToken" and name not in members else name): value for name, value in json.loads(text).items()}
    unknown = [name for name in sent if name not in members]
    assert not unknown, (action, unknown)
    missing = [name for name in shape.required_members if name not in [members[s][0] for s in sent]]
    assert not missing, (action, missing)
    for name, value in sent.items():
        meta = members[name][1].metadata
        assert int(value) <= meta["max"] if "max" in meta and members[name][1].type_name == "integer" else True, (action, name, value)
    checked += 1
print("checked", checked)
"#;

#[test]
fn every_request_fits_the_models_of_botocore() {
    let stage = stage();
    assert_eq!(run(&stage, &["login"]).status, 0);
    assert_eq!(run(&stage, &["login", "--force", "--device-code"]).status, 0);
    change_token(&stage, "expiresAt", "2020-01-01T00:00:00Z");
    let _ = run(&stage, &["assume", "dev", "--json"]).success();
    run(&stage, &["assume", "corp:111122223333/Root", "--json"]).failure(1, "`Dev`");
    assert_eq!(run(&stage, &["logout"]).status, 0);
    let requests = stage.sts.requests();
    let kinds: std::collections::BTreeSet<&str> =
        requests.iter().map(|request| request.action.as_str()).collect();
    let expected = [
        "Authorize",
        "CreateToken",
        "GetRoleCredentials",
        "ListAccountRoles",
        "Logout",
        "RegisterClient",
        "StartDeviceAuthorization",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    let lines = requests.iter().map(|request| {
        let fields: serde_json::Map<String, Value> =
            request.parameters.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        format!("{} {}\n", request.action, Value::Object(fields))
    });
    let mut checker = stage.bare(python());
    let said = stage.run_with_input(checker.args(["-c", MODELS]), &lines.collect::<String>()).success();
    assert_eq!(said.trim(), format!("checked {}", requests.len() - 1));
}

//! arl against moto, whose signature check, XML and ARNs do not come from this repository.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use crate::aws_assume_role_lib::python;
use crate::keys::KeyStage;
use crate::support::Stage;

/// Creates a user with a key and two roles, turns moto's authorization checks on, and prints the key.
const SET_UP: &str = r#"
import boto3, json, sys, urllib.request
url = sys.argv[1]
def client(service): return boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
iam = client("iam")
user = iam.create_user(UserName="ann", Path="/team/")["User"]
allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=json.dumps(allow))
def role(name, principal):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}}]}
    iam.create_role(RoleName=name, Path="/x/", AssumeRolePolicyDocument=json.dumps(trust))
role("Open", "*")
role("Closed", "arn:aws:iam::123456789012:user/bob")
key = iam.create_access_key(UserName="ann")["AccessKey"]
request = urllib.request.Request(url + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST")
urllib.request.urlopen(request).read()
print(key["AccessKeyId"], key["SecretAccessKey"])
"#;

const WHO_AM_I: &str = r#"
import boto3, os
print(boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL_STS"], region_name="us-east-1").get_caller_identity()["Arn"])
"#;

pub(crate) struct Moto {
    process: Child,
    pub(crate) url: String,
}

impl Moto {
    pub(crate) fn start(stage: &Stage) -> Self {
        // moto takes no port 0, so find a free port first.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = stage.bare(python());
        command
            .args(["-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("Running on") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "moto ended");
        }
        // Read on, or moto blocks when the pipe is full.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn sessions_work_with_moto() {
    let stage = Stage::new();
    let moto = Moto::start(&stage);
    let keys = stage.run(stage.bare(python()).args(["-c", SET_UP, &moto.url])).success();
    let (id, secret) = keys.trim().split_once(' ').unwrap();
    let arl = |role: &str, secret: &str| {
        let mut command = stage.bare("arl");
        command
            .args(["exec", role, "--role-session-name", "ann", "--", &python(), "-c", WHO_AM_I])
            .env("AWS_ENDPOINT_URL_STS", &moto.url)
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret);
        stage.run(&mut command)
    };
    assert_eq!(
        arl("123456789012/x/Open", secret).success(),
        "arn:aws:sts::123456789012:assumed-role/Open/ann\n"
    );
    arl("123456789012/x/Open", "wrong").failure(125, "SignatureDoesNotMatch");
    arl("123456789012/x/Closed", secret).failure(125, "AccessDenied");
}

/// Creates a user who may rotate its own keys, with a key.
pub(crate) const SET_UP_ROTATION: &str = r#"
import boto3, json, sys, urllib.request
url = sys.argv[1]
iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
iam.create_user(UserName="ann", Path="/team/")
allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:*", "sts:*"], "Resource": "*"}]}
iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=json.dumps(allow))
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
iam.create_role(RoleName="Open", AssumeRolePolicyDocument=json.dumps(trust))
key = iam.create_access_key(UserName="ann")["AccessKey"]
request = urllib.request.Request(url + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST")
urllib.request.urlopen(request).read()
print(key["AccessKeyId"])
print(key["SecretAccessKey"])
"#;

#[test]
fn a_key_is_rotated_with_moto() {
    let keys = KeyStage::new();
    let moto = Moto::start(&keys.stage);
    let given = keys.stage.run(keys.stage.bare(python()).args(["-c", SET_UP_ROTATION, &moto.url])).success();
    let old = given.lines().next().unwrap().to_owned();
    let arl = |args: &[&str], input: &str| {
        let mut command = keys.bare("arl");
        command.args(args).env("AWS_ENDPOINT_URL_STS", &moto.url).env("AWS_ENDPOINT_URL_IAM", &moto.url);
        keys.stage.run_with_input(&mut command, input)
    };
    let run = arl(&["keys", "add", "dev", "--stdin"], &given);
    assert!(run.stderr.contains("of arn:aws:iam::123456789012:user/team/ann is stored"), "{run:?}");
    let _ = run.success();
    let _ = arl(&["keys", "rotate", "dev"], "").success();
    let first = keys.stored("dev").0.unwrap();
    assert_ne!(first, old);
    // The old key is gone, so there is room for the next one; with it kept, there is none.
    let _ = arl(&["keys", "rotate", "dev", "--keep-old"], "").success();
    let second = keys.stored("dev").0.unwrap();
    let run = arl(&["keys", "rotate", "dev"], "");
    run.failure(1, "the user already has two keys");
    assert!(run.stderr.contains(&format!("{first} is inactive, ")), "{run:?}");
    let _ = arl(&["keys", "rotate", "dev", "--replace", &first], "").success();
    assert!(keys.stored("dev").0.is_some_and(|third| third != second));
    let _ = arl(&["exec", "dev", "--", "true"], "").success();
}

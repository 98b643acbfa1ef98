//! The keychains themselves: GNOME's Secret Service and pass, through Debian's helper programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use std::process::Stdio;

use arl_sts::World;

use crate::aws_assume_role_lib::python;
use crate::moto::{Moto, SET_UP_ROTATION};
use crate::support::{DEPLOY, Stage};

/// What a user does with a key, from the first to the last command. `$KEY` is its input.
const LIFE: &str = r#"
set -eu
printf '%s' "$KEY" | arl keys add dev --stdin
arl keys list | grep -q "^dev  *$ID .* $STORE "
arl exec "$ROLE" --profile dev -- sh -c 'test "$ARL_SOURCE" = profile:dev'
arl keys show dev --json | grep -q "\"AccessKeyId\":\"$ID\""
arl keys rotate dev
arl keys show dev --json | grep -q '"AccessKeyId":"AKIA'
if arl keys show dev --json | grep -q "$ID"; then exit 1; fi
arl exec "$ROLE" --profile dev -- true
# An entry of another name does not exist, in whichever words the helper says so.
if arl keys show other --json 2>missing; then exit 1; fi
grep -q 'has no key `other`' missing
# A second key beside it, and one whose name begins with the other's.
arl keys add dev.two --import dev2 >/dev/null
arl keys list | grep -q '^dev.two '
arl keys remove dev --force
if arl keys show dev --json 2>missing; then exit 1; fi
arl keys show dev.two --json | grep -q AKIAIOSFODNN7BOB0001
arl keys remove dev.two --force
test -z "$(arl keys list)"
"#;

/// Starts a session with GNOME's keyring. There is no pass store in this home directory, so without a choice arl
/// finds the store that answers.
const WITH_KEYRING: &str = "exec dbus-run-session -- sh -c 'printf password | \
    gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec sh -x life'";

/// Makes a store of pass with a key of gpg's that is thrown away.
const WITH_PASS: &str = "set -e; mkdir -m 700 \"$GNUPGHOME\"; \
    gpg --batch --quiet --passphrase '' --quick-gen-key 'arl <arl@example.invalid>' default default never; \
    pass init arl@example.invalid >/dev/null; sh -x life; gpgconf --kill all";

/// A command that runs a script in a session with this store.
fn in_store(stage: &Stage, store: &str, life: &str) -> Command {
    fs::write(stage.home.join("life"), life).unwrap();
    let run_dir = stage.home.join("run");
    fs::create_dir(&run_dir).unwrap();
    fs::set_permissions(&run_dir, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = stage.bare("sh");
    command.env("STORE", store).env("XDG_RUNTIME_DIR", &run_dir);
    match store {
        "pass" => {
            // gpg's sockets need a short path.
            command.env("GNUPGHOME", stage.home.join("g")).env("ARL_KEY_STORE", "pass");
            command.args(["-c", WITH_PASS])
        }
        _ => command.args(["-c", WITH_KEYRING]),
    };
    command
}

/// Runs [`LIFE`] with a store.
fn live(store: &str) {
    let stage = Stage::new();
    let bob = "arn:aws:iam::111122223333:user/bob";
    stage.sts.change(|world| {
        world.add_user(bob, "AKIAIOSFODNN7BOB0001", "BobsSecretKeyThatNobodyElseHas0000000000")
    });
    stage.profiles(
        "",
        "[dev2]\naws_access_key_id = AKIAIOSFODNN7BOB0001\naws_secret_access_key = BobsSecretKeyThatNobodyElseHas0000000000\n",
    );
    let mut command = in_store(&stage, store, LIFE);
    command
        .env("KEY", format!("{}\n{}\n", World::ANN_KEY, World::ANN_SECRET))
        .env("ID", World::ANN_KEY)
        .env("ROLE", DEPLOY)
        .env("AWS_ENDPOINT_URL_IAM", stage.sts.url());
    let run = stage.run(&mut command);
    assert_eq!(run.status, 0, "{run:?}");
    let text = walk(&stage.home);
    stage.sts.change(|world| {
        for key in world.keys.values().filter(|key| key.token.is_none()) {
            assert!(!text.contains(&key.secret), "a file below the home directory holds a secret key");
        }
    });
}

/// The text of every file below a directory.
fn walk(directory: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            text.push_str(&walk(&entry.path()));
        } else if kind.is_file() {
            text.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default()));
        }
    }
    text
}

#[test]
fn a_key_lives_in_the_secret_service_of_gnome() {
    live("secretservice");
}

#[test]
fn a_key_lives_in_pass() {
    live("pass");
}

/// Stands between the programs and moto, and refuses each key for so many seconds after its creation, as AWS does
/// until a key is known everywhere.
const SLOW_TO_LEARN: &str = r#"
import http.server, re, sys, time, urllib.error, urllib.request
moto, seconds = sys.argv[1], float(sys.argv[2])
born, refused = {}, 0
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global refused
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = re.search("Credential=([A-Z0-9]+)/", self.headers.get("Authorization", ""))
        if key and time.monotonic() - born.get(key[1], -1e9) < seconds:
            refused += 1
            with open("refused", "w") as file: file.write(str(refused))
            return self.answer(403, b"<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "content-length")}
        request = urllib.request.Request(moto + self.path, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request) as response: status, text = response.status, response.read()
        except urllib.error.HTTPError as error: status, text = error.code, error.read()
        if b"Action=CreateAccessKey" in body:
            for id in re.findall(b"<AccessKeyId>([A-Z0-9]+)<", text): born[id.decode()] = time.monotonic()
        self.answer(status, text)
    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// Two rotations in a row: the second one finds a free slot. Each new key serves boto3 at once.
const LIFE_AT_MOTO: &str = r#"
set -eu
who() { AWS_PROFILE=sdk "$PYTHON" -c 'import boto3; print(boto3.client("sts").get_caller_identity()["Arn"])'; }
# The trace of the script would show the key.
set +x
printf '%s' "$KEY" | arl keys add dev --stdin
set -x
arl configure --keys dev --profile-name sdk --region us-east-1 >/dev/null
test "$(who)" = arn:aws:iam::123456789012:user/team/ann
arl exec 123456789012/Open --profile dev -- true
for rotation in 1 2; do
    arl keys rotate dev
    test "$(who)" = arn:aws:iam::123456789012:user/team/ann
    arl exec 123456789012/Open --profile dev -- true
done
arl keys rotate dev --keep-old
if arl keys rotate dev 2>full; then exit 1; fi
grep -q 'the user already has two keys, and AWS allows no third' full
arl keys remove dev --force
if arl keys show dev --json; then exit 1; fi
"#;

/// `ARL_NEW_KEY_SECONDS=10` refuses each new key for that long.
#[test]
fn keys_in_both_stores_are_rotated_at_moto_which_learns_of_them_late() {
    let seconds = std::env::var("ARL_NEW_KEY_SECONDS").unwrap_or_else(|_| "1.5".to_owned());
    for store in ["secretservice", "pass"] {
        let stage = Stage::new();
        let moto = Moto::start(&stage);
        let given = stage.run(stage.bare(python()).args(["-c", SET_UP_ROTATION, &moto.url])).success();
        let mut proxy = stage.bare(python());
        proxy.args(["-c", SLOW_TO_LEARN, &moto.url, &seconds]).stdout(Stdio::piped());
        let mut proxy = proxy.spawn().unwrap();
        let mut port = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(proxy.stdout.take().unwrap()), &mut port)
            .unwrap();
        let url = format!("http://127.0.0.1:{}", port.trim());
        let mut command = in_store(&stage, store, LIFE_AT_MOTO);
        command.env("KEY", &given).env("PYTHON", python());
        command.env("AWS_ENDPOINT_URL_STS", &url).env("AWS_ENDPOINT_URL_IAM", &url);
        let run = stage.run(&mut command);
        proxy.kill().unwrap();
        proxy.wait().unwrap();
        assert_eq!(run.status, 0, "{store}: {run:?}");
        let secret = given.lines().nth(1).unwrap();
        assert!(!run.stderr.contains(secret), "{store}: {run:?}");
        assert!(
            !walk(&stage.home).contains(secret),
            "{store}: a file below the home directory holds the key"
        );
        // Each of the three new keys was tried too early.
        let refused: usize = fs::read_to_string(stage.home.join("refused")).unwrap().parse().unwrap();
        assert!(refused >= 3, "{store}: {refused}");
    }
}

#[test]
fn without_a_session_bus_the_error_comes_at_once() {
    let stage = Stage::new();
    stage.profiles("[profile dev]\narl_keys = dev\n", "");
    let mut command = stage.bare("arl");
    command.env("ARL_KEY_STORE", "secretservice").args(["assume", DEPLOY, "--profile", "dev", "--json"]);
    let run = stage.run(&mut command);
    run.failure(1, "docker-credential-secretservice: it said: ");
    assert!(run.stderr.contains("hint: unlock the keychain"), "{run:?}");
}

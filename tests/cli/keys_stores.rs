//! The keychains themselves: GNOME's Secret Service and pass, through Debian's helper programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use arl_sts::World;

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
# An entry of another name does not exist, whatever the helper says about it.
if arl keys show other --json 2>missing; then exit 1; fi
grep -q 'holds no key `other`' missing
# A second key beside it, and one whose name begins with the other's.
arl keys add dev.two --import dev2 >/dev/null
arl keys list | grep -q '^dev.two '
arl keys remove dev --force
if arl keys show dev --json 2>missing; then exit 1; fi
arl keys show dev.two --json | grep -q AKIAIOSFODNN7BOB0001
arl keys remove dev.two --force
test -z "$(arl keys list)"
"#;

/// Runs [`LIFE`] with a store, in a session that `wrap` starts.
fn live(store: &str, prepare: impl Fn(&Stage, &mut Command), wrap: &str) {
    let stage = Stage::new();
    let bob = "arn:aws:iam::111122223333:user/bob";
    stage.sts.change(|world| {
        world.add_user(bob, "AKIAIOSFODNN7BOB0001", "BobsSecretKeyThatNobodyElseHas0000000000")
    });
    stage.profiles(
        "",
        "[dev2]\naws_access_key_id = AKIAIOSFODNN7BOB0001\naws_secret_access_key = BobsSecretKeyThatNobodyElseHas0000000000\n",
    );
    fs::write(stage.home.join("life"), LIFE).unwrap();
    let run_dir = stage.home.join("run");
    fs::create_dir(&run_dir).unwrap();
    fs::set_permissions(&run_dir, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = stage.bare("sh");
    command
        .args(["-c", wrap])
        .env("KEY", format!("{}\n{}\n", World::ANN_KEY, World::ANN_SECRET))
        .env("ID", World::ANN_KEY)
        .env("ROLE", DEPLOY)
        .env("STORE", store)
        .env("XDG_RUNTIME_DIR", &run_dir)
        .env("AWS_ENDPOINT_URL_IAM", stage.sts.url());
    prepare(&stage, &mut command);
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
    // Without a choice arl finds the store that answers. There is no pass store in this home directory.
    let wrap = "exec dbus-run-session -- sh -c 'printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec sh -x life'";
    live("secretservice", |_, _| {}, wrap);
}

#[test]
fn a_key_lives_in_pass() {
    let wrap = "set -e; mkdir -m 700 \"$GNUPGHOME\"; \
                gpg --batch --quiet --passphrase '' --quick-gen-key 'arl <arl@example.invalid>' default default never; \
                pass init arl@example.invalid >/dev/null; sh -x life; gpgconf --kill all";
    let prepare = |stage: &Stage, command: &mut Command| {
        // gpg's sockets need a short path.
        command.env("GNUPGHOME", stage.home.join("g")).env("ARL_KEY_STORE", "pass");
    };
    live("pass", prepare, wrap);
}

#[test]
fn without_a_session_bus_the_error_comes_at_once() {
    let stage = Stage::new();
    stage.profiles("[profile dev]\narl_keys = dev\n", "");
    let mut command = stage.bare("arl");
    command.env("ARL_KEY_STORE", "secretservice").args(["assume", DEPLOY, "--profile", "dev", "--json"]);
    let run = stage.run(&mut command);
    run.failure(1, "docker-credential-secretservice: it said: ");
    assert!(run.stderr.contains("hint: is the keychain unlocked"), "{run:?}");
}
